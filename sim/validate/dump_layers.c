/*
 * dump_layers.c - a dump against the allocators' state: SLAB and SLOB.
 *
 * SLAB: geometry, arrays with their objects in order, the three lists of each
 * node in order with the free indices of each slab. SLOB: the three lists in
 * order with the free blocks of each page. The time of a node's next reaping is
 * left out: it counts the ticks of a whole kernel.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/validate/dump.h"

#include "models/mm/slab.h"
#include "models/mm/slob.h"

enum { LIST_FULL, LIST_PARTIAL, LIST_FREE };

static int broken(struct dump *d, const char *line)
{
	return kms_fail(d->v->err, KMS_EUSAGE, "%s/%s:%u: found \"%.60s\", which makes no sense",
			d->v->r.dir, d->file, d->line, line);
}

static bool equal(const char *line, const char *name, int base, u64 ours)
{
	u64 value;

	return dump_key(line, name, &value, base) && value == ours;
}

static u64 frame(const struct dump *d, u64 recorded)
{
	return d->v->options->resync && renamed(d->v) ? page_to_pfn(page_of(d->v, recorded)) : recorded;
}

static u64 object(const struct dump *d, u64 phys)
{
	return PAGE_OFFSET + (d->v->options->resync && renamed(d->v) ? phys_of_object(d->v, phys) : phys);
}

static struct list_head *head_of(const struct dump *d, u32 list)
{
	struct slab_node *n = d->cache->node[d->node];

	return list == LIST_FULL ? &n->slabs_full : list == LIST_PARTIAL ? &n->slabs_partial : &n->slabs_free;
}

/* ---- SLAB: the end of what was about one node ---- */

static void end_node(struct dump *d)
{
	static const char *const names[] = { "full", "partial", "free" };

	for (u32 i = 0; d->cache && i < KMS_ARRAY_SIZE(names); i++) {
		char what[64];

		if (!d->list[i] || d->list[i] == head_of(d, i))
			continue;
		snprintf(what, sizeof(what), "no more %s slabs", names[i]);
		dump_count(d, false, what, "the list goes on");
	}
	memset(d->list, 0, sizeof(d->list));
}

/* ---- SLAB: lines ---- */

static int slab_cache_line(struct dump *d, const char *line)
{
	const char *name = strstr(line, " name=");
	const struct slab_cache *s;
	char ours[200];
	u32 id;

	end_node(d);
	if (!name)
		return broken(d, line);
	name += strlen(" name=");
	id = recording_name(&d->v->r, name, strcspn(name, " "));
	s = to_slab_cache(d->v->caches[id]);
	d->cache = s;
	d->cache_pointer = strtoull(line + strlen("CACHE "), NULL, 16);
	if (!s) {
		dump_count(d, false, line, "there is no such slab cache");
		return 0;
	}
	snprintf(ours, sizeof(ours), "refcount=%d object_size=%u size=%u num=%u gfporder=%u limit=%u",
		 s->refcount, s->object_size, s->size, s->num, s->gfporder, s->limit);
	dump_count(d, equal(line, "refcount", 10, (u64)(s64)s->refcount) &&
		   equal(line, "object_size", 10, s->object_size) && equal(line, "size", 10, s->size) &&
		   equal(line, "align", 10, s->align) && equal(line, "num", 10, s->num) &&
		   equal(line, "gfporder", 10, s->gfporder) && equal(line, "colour", 10, s->colour) &&
		   equal(line, "colour_off", 10, s->colour_off) &&
		   equal(line, "freelist_size", 10, s->freelist_size) &&
		   equal(line, "batchcount", 10, s->batchcount) && equal(line, "limit", 10, s->limit) &&
		   equal(line, "shared", 10, s->shared) && equal(line, "flags", 16, s->flags) &&
		   equal(line, "allocflags", 16, s->allocflags), line, ours);
	return 0;
}

static void compare_array(struct dump *d, const char *line, const struct array_cache *ac)
{
	const char *at = strstr(line, " :");
	char ours[128];
	bool good;

	if (!ac) {
		dump_count(d, false, line, "there is no such array");
		return;
	}
	snprintf(ours, sizeof(ours), "avail=%u limit=%u touched=%u, or other objects", ac->avail,
		 ac->limit, ac->touched);
	good = at && equal(line, "avail", 10, ac->avail) && equal(line, "limit", 10, ac->limit) &&
	       equal(line, "batchcount", 10, ac->batchcount) && equal(line, "touched", 10, ac->touched);
	at = good ? at + 2 : at;
	for (u32 i = 0; good && i < ac->avail; i++) {
		char *end;
		u64 phys = strtoull(at, &end, 16);

		good = end != at && (u64)ac->entry[i] == object(d, phys);
		at = end;
	}
	dump_count(d, good, line, ours);
}

static int slab_array_line(struct dump *d, const char *line, const char *after)
{
	bool alien = !strncmp(line, "ALIEN ", 6), cpu = line[1] == 'C';
	const struct slab_node *n;
	u64 w[2] = { 0 };

	if (!dump_numbers(after, w, alien ? 2 : 1) || w[1] >= d->v->nr_nodes ||
	    w[0] >= (cpu ? d->v->nr_cpus : d->v->nr_nodes))
		return broken(d, line);
	if (cpu) {
		compare_array(d, line, per_cpu_ptr(d->cache->cpu_cache, w[0]));
		return 0;
	}
	n = d->cache->node[w[0]];
	if (!alien)
		compare_array(d, line, n ? n->shared : NULL);
	else
		compare_array(d, line, n && n->alien && n->alien[w[1]] ? &n->alien[w[1]]->ac : NULL);
	return 0;
}

static int slab_node_line(struct dump *d, const char *line, const char *after)
{
	const struct slab_node *n;
	char ours[200];
	u64 w[1];

	end_node(d);
	if (!dump_numbers(after, w, 1) || w[0] >= d->v->nr_nodes)
		return broken(d, line);
	d->node = (u32)w[0];
	n = d->cache->node[d->node];
	if (!n) {
		dump_count(d, false, line, "the cache has nothing on this node");
		return 0;
	}
	for (u32 i = 0; i < KMS_ARRAY_SIZE(d->list); i++)
		d->list[i] = head_of(d, i)->next;
	snprintf(ours, sizeof(ours),
		 "free_objects=%llu free_limit=%u colour_next=%u total_slabs=%llu free_slabs=%llu free_touched=%u",
		 (unsigned long long)n->free_objects, n->free_limit, n->colour_next,
		 (unsigned long long)n->total_slabs, (unsigned long long)n->free_slabs, n->free_touched);
	dump_count(d, equal(line, "free_objects", 10, n->free_objects) &&
		   equal(line, "free_limit", 10, n->free_limit) &&
		   equal(line, "colour_next", 10, n->colour_next) &&
		   equal(line, "total_slabs", 10, n->total_slabs) &&
		   equal(line, "free_slabs", 10, n->free_slabs) &&
		   equal(line, "free_touched", 10, n->free_touched), line, ours);
	return 0;
}

/* Entries below `active` are stale. */
static bool indices_equal(const struct slab_cache *s, const struct page *slab, const char *line)
{
	const char *at = strstr(line, " :");
	const u8 *index = slab->freelist;

	at = at ? at + 2 : "";
	for (u32 i = 0; i < s->num; i++) {
		char *end;
		u64 value = strtoull(at, &end, 10);

		if (end == at)
			return slab->active >= s->num;
		if (i >= slab->active && (!index || index[i] != value))
			return false;
		at = end;
	}
	return true;
}

static int slab_slab_line(struct dump *d, const char *line, u32 list, const char *after)
{
	const struct list_head **pos = &d->list[list];
	const struct page *slab;
	const char *word = after ? strchr(after + 1, ' ') : NULL;
	char ours[128];
	u64 w[1], fl;

	if (!word || !dump_numbers(after, w, 1) || !dump_key(line, "fl", &fl, 16))
		return broken(d, line);
	if (!*pos || w[0] != d->node || *pos == head_of(d, list)) {
		dump_count(d, false, line, "the list ends before");
		return 0;
	}
	slab = container_of(*pos, struct page, lru);
	*pos = (*pos)->next;
	snprintf(ours, sizeof(ours), "slab %llx, active=%u", (unsigned long long)page_to_pfn(slab),
		 slab->active);
	dump_count(d, page_to_pfn(slab) == frame(d, strtoull(word, NULL, 16)) &&
		   equal(line, "active", 10, slab->active) &&
		   equal(line, "s_mem", 16, (u64)slab->s_mem - PAGE_OFFSET) &&
		   (fl ? (u64)slab->freelist == PAGE_OFFSET + fl : !slab->freelist) &&
		   indices_equal(d->cache, slab, line), line, ours);
	return 0;
}

static bool slab_line(struct dump *d, const char *line, int *rc)
{
	static const char *const lists[] = { "FULL ", "PARTIAL ", "FREESLAB " };
	const char *after;
	u32 list = 0;

	if (!strncmp(line, "SLABPAGE ", 9) || !d->v->slab_up)
		return !strncmp(line, "SLABPAGE ", 9) || !strncmp(line, "CACHE ", 6) ||
		       !strncmp(line, "NODE ", 5);
	if (!strncmp(line, "CACHE ", 6)) {
		*rc = slab_cache_line(d, line);
		return true;
	}
	while (list < KMS_ARRAY_SIZE(lists) && strncmp(line, lists[list], strlen(lists[list])))
		list++;
	if (list == KMS_ARRAY_SIZE(lists) && strncmp(line, "AC ", 3) && strncmp(line, "NODE ", 5) &&
	    strncmp(line, "SHARED ", 7) && strncmp(line, "ALIEN ", 6))
		return false;
	after = strchr(strchr(line, ' ') + 1, ' ');
	if (!after || strtoull(strchr(line, ' '), NULL, 16) != d->cache_pointer)
		*rc = broken(d, line);
	else if (!d->cache)
		dump_count(d, false, line, "there is no such slab cache");
	else if (list < KMS_ARRAY_SIZE(lists))
		*rc = slab_slab_line(d, line, list, after);
	else if (line[0] == 'N')
		*rc = slab_node_line(d, line, after);
	else
		*rc = slab_array_line(d, line, after);
	return true;
}

/* ---- SLOB ---- */

static int slob_cache_line(struct dump *d, const char *line)
{
	u64 phys = strtoull(line + strlen("CACHE "), NULL, 16) - 0xffff888000000000ull;
	const char *name = strstr(line, " name=");
	const struct slob_cache *s;
	u32 id;

	if (!name)
		return broken(d, line);
	name += strlen(" name=");
	id = recording_name(&d->v->r, name, strcspn(name, " "));
	s = (const struct slob_cache *)d->v->caches[id];
	if (!s && phys >= d->v->max_pfn << PAGE_SHIFT)
		s = (const struct slob_cache *)kdata->kmem_cache;
	dump_count(d, s && (phys >= d->v->max_pfn << PAGE_SHIFT || (u64)s == object(d, phys)) &&
		   equal(line, "object_size", 10, s->object_size) && equal(line, "size", 10, s->size) &&
		   equal(line, "align", 10, s->align) && equal(line, "flags", 16, s->flags), line,
		   s ? "another size, alignment, flags or place" : "there is no such slab cache");
	return 0;
}

/* "80+4 f0+4": bytes into the page, units. */
static bool blocks_equal(const struct page *page, const char *at)
{
	const struct slob_block *base = page_address(page);
	const struct slob_block *block = page->freelist;

	for (;;) {
		char *end;
		u64 offset = strtoull(at, &end, 16);
		s16 word;

		if (end == at || *end != '+')
			return slob_is_page_end(block) && block != base;
		if (block == base + SLOB_PAGE_UNITS || (u64)block - (u64)base != offset)
			return false;
		word = block->word;
		at = end + 1;
		if (strtol(at, &end, 10) != slob_block_units(word))
			return false;
		at = end;
		block = (const struct slob_block *)base + (word < 0 ? -word : block[1].word);
	}
}

static int slob_page_line(struct dump *d, const char *line, u32 list, const char *after)
{
	const char *blocks = strstr(line, " :");
	const struct list_head **pos = &d->list[list];
	const struct page *page;
	char ours[96];

	if (!blocks)
		return broken(d, line);
	if (!*pos)
		*pos = kdata->free_slob[list].next;
	if (*pos == &kdata->free_slob[list]) {
		dump_count(d, false, line, "the list ends before");
		return 0;
	}
	page = container_of(*pos, struct page, lru);
	*pos = (*pos)->next;
	snprintf(ours, sizeof(ours), "page %llx units=%lld, or other blocks",
		 (unsigned long long)page_to_pfn(page), (long long)page->units);
	dump_count(d, page_to_pfn(page) == frame(d, strtoull(after, NULL, 16)) &&
		   equal(line, "units", 10, (u64)page->units) && blocks_equal(page, blocks + 2), line, ours);
	return 0;
}

static bool slob_line(struct dump *d, const char *line, int *rc)
{
	static const char *const lists[] = { "SLOB_SMALL ", "SLOB_MEDIUM ", "SLOB_LARGE " };

	if (!strncmp(line, "SLABPAGE ", 9))
		return true;
	if (!strncmp(line, "CACHE ", 6)) {
		*rc = slob_cache_line(d, line);
		return true;
	}
	for (u32 i = 0; i < KMS_ARRAY_SIZE(lists); i++)
		if (!strncmp(line, lists[i], strlen(lists[i]))) {
			*rc = slob_page_line(d, line, i, line + strlen(lists[i]));
			return true;
		}
	return false;
}

/* ---- both ---- */

bool dump_layer_line(struct dump *d, const char *line, int *rc)
{
	return d->v->r.layer == LAYER_SLAB ? slab_line(d, line, rc) : slob_line(d, line, rc);
}

void dump_layer_end(struct dump *d)
{
	if (d->v->r.layer == LAYER_SLAB) {
		end_node(d);
		return;
	}
	for (u32 i = 0; d->v->slab_up && i < NR_SLOB_LISTS; i++) {
		const struct list_head *pos = d->list[i] ? d->list[i] : kdata->free_slob[i].next;

		if (pos != &kdata->free_slob[i])
			dump_count(d, false, "no more pages", "a list of SLOB goes on");
	}
}
