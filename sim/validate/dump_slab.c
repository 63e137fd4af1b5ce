/*
 * dump_slab.c - a dump of the kernel's state against the allocators' own: SLUB.
 *
 * A slab cache is named by the address of its structure. Free objects are
 * compared in freelist order, partial slabs in list order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/validate/dump.h"

#define RECORDED_DIRECT_MAP 0xffff888000000000ull

/* The slab cache whose address is the line's second word; NULL: not one of ours. */
static struct kmem_cache *cache_of(struct dump *d, const char *line)
{
	struct replay *v = d->v;
	struct kmem_cache *s;
	const char *word = strchr(line, ' ');
	u64 phys = word ? strtoull(word, NULL, 16) - RECORDED_DIRECT_MAP : 0;

	if (phys >= v->max_pfn << PAGE_SHIFT)
		return NULL;
	s = object_of(v, phys);
	for (u32 i = 0; i < v->r.nr_names; i++)
		if (v->caches[i] == s)
			return s;
	return NULL;
}

static void unknown_cache(struct dump *d, const char *line)
{
	dump_count(d, false, line, "there is no such slab cache");
}

/* Behind n words. */
static const char *after_words(const char *line, u32 n)
{
	for (; n && line; n--) {
		line = strchr(line, ' ');
		line = line ? line + 1 : NULL;
	}
	return line;
}

static u64 frame(const struct dump *d, u64 recorded)
{
	return d->v->options->resync && renamed(d->v) ? page_to_pfn(page_of(d->v,
									    recorded)) : recorded;
}

static bool equal(const char *line, const char *name, int base, u64 ours)
{
	u64 value;

	return dump_key(line, name, &value, base) && value == ours;
}

/* Object indexes in decimal, against a freelist; ends at the first word that is none. */
static bool objects_equal(const struct kmem_cache *s, const struct page *slab, const void *list,
			  const char *at, char *ours, size_t size)
{
	u64 base = (u64)page_address(slab);
	u32 n = 0;

	for (;; n++, list = get_freepointer(s, list)) {
		char *end;
		u64 index = strtoull(at, &end, 10);

		if (end == at && !list)
			return true;
		if (end == at || !list || ((u64)list - base) / s->size != index)
			break;
		at = end;
	}
	snprintf(ours, size, "free object %u is %lld", n,
		 list ? (long long)(((u64)list - base) / s->size) : -1ll);
	return false;
}

/* inuse=, objects= and frozen= of a line. */
static bool counters_equal(const struct page *slab, const char *line)
{
	return equal(line, "inuse", 10, counters_inuse(slab->counters)) &&
	       equal(line, "objects", 10, counters_objects(slab->counters)) &&
	       equal(line, "frozen", 10, counters_frozen(slab->counters));
}

static int broken(struct dump *d, const char *line)
{
	return kms_fail(d->v->err, KMS_EUSAGE, "%s/%s:%u: found \"%.60s\", which makes no sense",
			d->v->r.dir, d->file, d->line, line);
}

int dump_cache(struct dump *d, const char *line)
{
	const struct kmem_cache *s = cache_of(d, line);
	char ours[200];

	if (!s) {
		unknown_cache(d, line);
		return 0;
	}
	snprintf(ours, sizeof(ours),
		 "refcount=%d object_size=%u size=%u align=%u inuse=%u offset=%u order=%u",
		 s->refcount, s->object_size, s->size, s->align, s->inuse, s->offset, oo_order(s->oo));
	dump_count(d, equal(line, "refcount", 10, (u64)(s64)s->refcount) &&
		   equal(line, "object_size", 10, s->object_size) && equal(line, "size", 10,
									   s->size) &&
		   equal(line, "align", 10, s->align) && equal(line, "inuse", 10, s->inuse) &&
		   equal(line, "offset", 10, s->offset) && equal(line, "oo_order", 10,
								 oo_order(s->oo)) &&
		   equal(line, "oo_objects", 10, oo_objects(s->oo)) &&
		   equal(line, "min_partial", 10, s->min_partial) &&
		   equal(line, "cpu_partial", 10, s->cpu_partial) &&
		   equal(line, "cpu_partial_slabs", 10, s->cpu_partial_slabs) &&
		   equal(line, "flags", 16, s->flags), line, ours);
	return 0;
}

int dump_cpu_slab(struct dump *d, const char *line)
{
	const struct kmem_cache *s = cache_of(d, line);
	const struct kmem_cache_cpu *c;
	const char *cpu_list = strstr(line, "cpu_freelist:"), *slab_list = strstr(line,
										  "slab_freelist:");
	const char *word = after_words(line, 2);
	char ours[128] = "no such CPU slab";
	bool good;
	u64 pfn;

	if (!s) {
		unknown_cache(d, line);
		return 0;
	}
	if (!word || strtoul(word, NULL, 10) >= d->v->nr_cpus || !dump_key(line, "slab", &pfn, 16))
		return broken(d, line);
	c = per_cpu_ptr(s->cpu_slab, strtoul(word, NULL, 10));
	d->cpu_partial = c->partial;
	if (!pfn || !c->slab) {
		good = !pfn && !c->slab;
	} else {
		good = page_to_pfn(c->slab) == frame(d, pfn) && counters_equal(c->slab,
									       line) && cpu_list &&
		       slab_list &&
		       objects_equal(s, c->slab, c->freelist, cpu_list + 13, ours, sizeof(ours)) &&
		       objects_equal(s, c->slab, c->slab->freelist, slab_list + 14, ours,
				     sizeof(ours));
	}
	dump_count(d, good, line, ours);
	return 0;
}

static bool partial_equal(struct dump *d, const struct kmem_cache *s, const struct page *slab,
			  const char *line, char *ours, size_t size)
{
	const char *word = after_words(line, 3), *objects = strstr(line, " : ");

	if (!objects)
		objects = line + strlen(line) - 1; /* none */
	if (!word || !slab)
		return false;
	snprintf(ours, size, "slab %llx, %u in use", (unsigned long long)page_to_pfn(slab),
		 counters_inuse(slab->counters));
	return page_to_pfn(slab) == frame(d, strtoull(word, NULL, 16)) && counters_equal(slab,
											 line) &&
	       objects_equal(s, slab, slab->freelist, objects + 2 - (*objects == ':'), ours, size);
}

int dump_cpu_partial(struct dump *d, const char *line)
{
	const struct kmem_cache *s = cache_of(d, line);
	char ours[128] = "the chain ends before";

	if (!s) {
		unknown_cache(d, line);
		return 0;
	}
	dump_count(d, partial_equal(d, s, d->cpu_partial, line, ours, sizeof(ours)) &&
		   equal(line, "slabs", 10, (u64)d->cpu_partial->slabs), line, ours);
	if (d->cpu_partial)
		d->cpu_partial = d->cpu_partial->next;
	return 0;
}

int dump_node(struct dump *d, const char *line)
{
	const struct kmem_cache *s = cache_of(d, line);
	const struct kmem_cache_node *n;
	const char *word = after_words(line, 2);
	char ours[128];

	if (!s) {
		unknown_cache(d, line);
		return 0;
	}
	if (!word || strtoul(word, NULL, 10) >= d->v->nr_nodes)
		return broken(d, line);
	n = s->node[strtoul(word, NULL, 10)];
	if (!n) {
		dump_count(d, false, line, "the cache has nothing on this node");
		return 0;
	}
	d->node_partial = n->partial.next;
	snprintf(ours, sizeof(ours), "nr_partial=%llu nr_slabs=%llu total_objects=%llu",
		 (unsigned long long)n->nr_partial, (unsigned long long)n->nr_slabs,
		 (unsigned long long)n->total_objects);
	dump_count(d, equal(line, "nr_partial", 10, n->nr_partial) && equal(line, "nr_slabs", 10,
									    n->nr_slabs) &&
		   equal(line, "total_objects", 10, n->total_objects), line, ours);
	return 0;
}

int dump_node_partial(struct dump *d, const char *line)
{
	const struct kmem_cache *s = cache_of(d, line);
	const char *word = after_words(line, 2);
	const struct page *slab = NULL;
	char ours[128] = "the list ends before";
	u64 nid;

	if (!s) {
		unknown_cache(d, line);
		return 0;
	}
	nid = word ? strtoul(word, NULL, 10) : ~0ul;
	if (nid >= d->v->nr_nodes)
		return broken(d, line);
	if (d->node_partial && s->node[nid] && d->node_partial != &s->node[nid]->partial) {
		slab = container_of(d->node_partial, struct page, lru);
		d->node_partial = d->node_partial->next;
	}
	dump_count(d, partial_equal(d, s, slab, line, ours, sizeof(ours)), line, ours);
	return 0;
}

int dump_slab_page(struct dump *d, const char *line)
{
	const char *word = strchr(line, ' ');
	u64 pfn = word ? frame(d, strtoull(word, NULL, 16)) : ~0ull;
	const struct page *slab;
	const struct kmem_cache *s;
	char ours[128] = "no slab";
	u32 order;

	d->slab_pages++;
	if (pfn >= d->v->max_pfn)
		return broken(d, line);
	slab = pfn_to_page(pfn);
	word = after_words(line, 1);
	s = word ? cache_of(d, word) : NULL;
	order = slab->flags & PG_head ? slab[1].compound_order : 0;
	if (slab->flags & PG_slab)
		snprintf(ours, sizeof(ours), "%s, inuse=%u objects=%u frozen=%d",
			 slab->slab_cache == s ? "same cache" : "another cache",
			 counters_inuse(slab->counters), counters_objects(slab->counters),
			 counters_frozen(slab->counters));
	dump_count(d, s && (slab->flags & PG_slab) && slab->slab_cache == s &&
		   counters_equal(slab, line) && equal(line, "order", 10, order), line, ours);
	return 0;
}

/* As many slabs as the dump mentions, those included that wait for a grace period. */
void dump_check_slab_pages(struct dump *d)
{
	char what[64], ours[64];
	u64 slabs = 0;

	if (!d->v->slab_up)
		return;
	for (u64 pfn = 0; pfn < d->v->max_pfn; pfn++)
		slabs += pfn_to_page(pfn)->flags & PG_slab ? 1 : 0;
	snprintf(what, sizeof(what), "%llu slabs", (unsigned long long)d->slab_pages);
	snprintf(ours, sizeof(ours), "%llu slabs", (unsigned long long)slabs);
	dump_count(d, slabs == d->slab_pages, what, ours);
}
