/*
 * slab_restore.c - SLAB's state from a dump.
 *
 * The structures of slab caches are put where they were, their nodes' as far
 * as the recording shows where they were allocated. Arrays, and the nodes of the
 * caches that the layer began with, lie in per-CPU memory.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/validate/dump.h"

#include "models/mm/slab.h"

#define DIRECT_MAP 0xffff888000000000ull
#define NODE_BYTES 120 /* of the recorded kernel's struct kmem_cache_node */

struct restoring {
	struct replay *v;
	const char *file;
	u32 line;
	u32 nr_before; /* lines of the trace before the dump */
	struct slab_cache *s; /* of the last CACHE line */
	u64 pointer;
};

static int broken(struct restoring *r, const char *line)
{
	return kms_fail(r->v->err, KMS_EUSAGE, "%s/%s:%u: found \"%.60s\", which makes no sense here",
			r->v->r.dir, r->file, r->line, line);
}

static u64 number(const char *line, const char *key, int base)
{
	u64 value = 0;

	dump_key(line, key, &value, base);
	return value;
}

/* ---- caches ---- */

static u64 name_of(struct replay *v, u32 id)
{
	for (u32 i = 0; i < NR_BOOT_NAMES; i++)
		if (v->boot_names[i] == id)
			return BOOT_NAME | i;
	return id;
}

static void enter_size_class(struct slab_cache *s)
{
	u64 index = (s->name & ~BOOT_NAME) - BOOT_NAME_KMALLOC(0, 0);

	if ((s->name & BOOT_NAME) && index < NR_KMALLOC_TYPES * (KMALLOC_SHIFT_HIGH + 1))
		kdata->kmalloc_caches[index / (KMALLOC_SHIFT_HIGH + 1)]
				     [index % (KMALLOC_SHIFT_HIGH + 1)] = to_kmem_cache(s);
}

static void fill_cache(struct slab_cache *s, const char *line)
{
	s->refcount = (s32)number(line, "refcount", 10);
	s->object_size = (u32)number(line, "object_size", 10);
	s->size = (u32)number(line, "size", 10);
	s->align = (u32)number(line, "align", 10);
	s->num = (u32)number(line, "num", 10);
	s->gfporder = (u32)number(line, "gfporder", 10);
	s->colour = number(line, "colour", 10);
	s->colour_off = (u32)number(line, "colour_off", 10);
	s->freelist_size = (u32)number(line, "freelist_size", 10);
	s->batchcount = (u32)number(line, "batchcount", 10);
	s->limit = (u32)number(line, "limit", 10);
	s->shared = (u32)number(line, "shared", 10);
	s->flags = (u32)number(line, "flags", 16);
	s->allocflags = (gfp_t)number(line, "allocflags", 16);
	s->useroffset = (u32)number(line, "useroffset", 10);
	s->usersize = (u32)number(line, "usersize", 10);
	s->ctor = number(line, "ctor", 10);
	s->reciprocal = reciprocal_value(s->size);
}

static int restore_cache(struct restoring *r, const char *line)
{
	struct replay *v = r->v;
	u64 pointer = strtoull(line + strlen("CACHE "), NULL, 16), phys = pointer - DIRECT_MAP;
	const char *name = strstr(line, " name=");
	u32 id;

	if (!name || !number(line, "size", 10) || !number(line, "num", 10) ||
	    number(line, "num", 10) > SLAB_MAX_OBJECTS || number(line, "limit", 10) > 4096)
		return broken(r, line);
	name += strlen(" name=");
	id = recording_name(&v->r, name, strcspn(name, " "));
	if (id == v->boot_names[BOOT_NAME_KMEM_CACHE])
		r->s = to_slab_cache(kdata->kmem_cache);
	else if (phys < v->max_pfn << PAGE_SHIFT)
		r->s = (struct slab_cache *)(PAGE_OFFSET + phys);
	else
		return broken(r, line);
	memset(r->s, 0, offsetof(struct slab_cache, node) + v->nr_nodes * sizeof(void *));
	r->pointer = pointer;
	fill_cache(r->s, line);
	r->s->name = name_of(v, id);
	r->s->cpu_cache = mm_replay_ops.slab_arrays(r->s->limit);
	if (!r->s->cpu_cache)
		return kms_fail(v->err, KMS_EFAIL, "%s/%s:%u: the per-CPU area is full", v->r.dir,
				r->file, r->line);
	list_add_tail(&r->s->list, &kdata->slab_caches);
	enter_size_class(r->s);
	v->caches[id] = to_kmem_cache(r->s);
	return 0;
}

/* ---- arrays and nodes ---- */

static u64 object_word(struct restoring *r, const char **at)
{
	char *end;
	u64 phys = strtoull(*at, &end, 16);

	if (end == *at || phys >= r->v->max_pfn << PAGE_SHIFT)
		return 0;
	*at = end;
	return PAGE_OFFSET + phys;
}

static int fill_array(struct restoring *r, struct array_cache *ac, const char *line)
{
	const char *at = strstr(line, " :");
	u32 avail = (u32)number(line, "avail", 10);

	ac->limit = (u32)number(line, "limit", 10);
	ac->batchcount = (u32)number(line, "batchcount", 10);
	ac->touched = (u32)number(line, "touched", 10);
	if (!at || avail > ac->limit)
		return broken(r, line);
	at += 2;
	for (ac->avail = 0; ac->avail < avail; ac->avail++) {
		u64 object = object_word(r, &at);

		if (!object)
			return broken(r, line);
		ac->entry[ac->avail] = (void *)object;
	}
	return 0;
}

static int restore_cpu_array(struct restoring *r, const char *line)
{
	u64 w[1];
	const char *after = strchr(line + 3, ' ');

	if (!after || !dump_numbers(after, w, 1) || w[0] >= r->v->nr_cpus ||
	    number(line, "limit", 10) > r->s->limit)
		return broken(r, line);
	return fill_array(r, per_cpu_ptr(r->s->cpu_cache, w[0]), line);
}

/* A node's structure as its cache's creation allocated it, on its n-th node; 0: not shown. */
static u64 recorded_node(const struct replay *v, u32 nr_before, u32 name, u32 node)
{
	u64 found = 0;
	u32 seen = 0;
	s32 pid = 0;

	for (u32 i = 0; i < nr_before; i++) {
		const struct line *line = &v->r.lines[i];
		char text[256];

		if (line->event == EV_CACHE_CREATE_REQ) {
			line_value(&v->r, line, "name", text, sizeof(text));
			seen = strcmp(text, v->r.names[name]) ? 0 : 1;
			pid = line->pid;
		} else if (seen && line->pid == pid && line->event == EV_L_ALLOC &&
			   line_arg(&v->r, line, 4) == NODE_BYTES) {
			if (seen++ == node + 1)
				found = PAGE_OFFSET + line_arg(&v->r, line, 1);
		} else if (line->event == EV_CACHE_NEW) {
			seen = 0;
		}
	}
	return found;
}

static struct slab_node *place_node(struct restoring *r, u32 nid)
{
	struct slab_node *n = NULL;

	if (!(r->s->name & BOOT_NAME))
		n = (struct slab_node *)recorded_node(r->v, r->nr_before, (u32)r->s->name, nid);
	if (!n) {
		void *offset = mm_replay_ops.slab_arrays(sizeof(*n) / sizeof(void *));

		n = offset ? per_cpu_ptr((struct slab_node __percpu *)offset, 0) : NULL;
	}
	return n;
}

static int restore_node(struct restoring *r, const char *line)
{
	const char *after = strchr(line + 5, ' ');
	struct slab_node *n;
	u64 w[1];

	if (!after || !dump_numbers(after, w, 1) || w[0] >= r->v->nr_nodes)
		return broken(r, line);
	n = place_node(r, (u32)w[0]);
	if (!n)
		return kms_fail(r->v->err, KMS_EFAIL, "%s/%s:%u: the per-CPU area is full",
				r->v->r.dir, r->file, r->line);
	memset(n, 0, sizeof(*n));
	INIT_LIST_HEAD(&n->slabs_partial);
	INIT_LIST_HEAD(&n->slabs_full);
	INIT_LIST_HEAD(&n->slabs_free);
	n->free_objects = number(line, "free_objects", 10);
	n->free_limit = (u32)number(line, "free_limit", 10);
	n->colour_next = (u32)number(line, "colour_next", 10);
	n->total_slabs = number(line, "total_slabs", 10);
	n->free_slabs = number(line, "free_slabs", 10);
	n->free_touched = (u32)number(line, "free_touched", 10);
	r->s->node[w[0]] = n;
	return 0;
}

/* SHARED and ALIEN: cache, node, for ALIEN the other node, then an array. */
static int restore_node_array(struct restoring *r, const char *line, bool alien)
{
	const char *after = strchr(strchr(line, ' ') + 1, ' ');
	u32 limit = (u32)number(line, "limit", 10), words = alien ? 2 : 1;
	struct slab_node *n;
	struct array_cache *ac;
	void *memory;
	u64 w[2] = { 0 };

	if (!after || !dump_numbers(after, w, words) || w[0] >= r->v->nr_nodes ||
	    w[1] >= r->v->nr_nodes || !(n = r->s->node[w[0]]) || limit > 4096)
		return broken(r, line);
	memory = mm_replay_ops.slab_arrays(limit + 1 + (alien ? r->v->nr_nodes : 0));
	if (!memory)
		return kms_fail(r->v->err, KMS_EFAIL, "%s/%s:%u: the per-CPU area is full",
				r->v->r.dir, r->file, r->line);
	ac = per_cpu_ptr((struct array_cache __percpu *)memory, 0);
	if (!alien) {
		n->shared = ac;
		return fill_array(r, ac, line);
	}
	if (!n->alien) {
		memory = mm_replay_ops.slab_arrays(r->v->nr_nodes);
		n->alien = memory ? (struct alien_cache **)per_cpu_ptr((void __percpu *)memory, 0) : NULL;
	}
	if (!n->alien)
		return broken(r, line);
	n->alien[w[1]] = (struct alien_cache *)ac; /* its lock comes before the array */
	return fill_array(r, &n->alien[w[1]]->ac, line);
}

/* ---- slabs ---- */

static int fill_indices(struct restoring *r, struct page *slab, const char *line)
{
	const char *at = strstr(line, " :");
	u8 *index = slab->freelist;

	at = at ? at + 2 : "";
	for (u32 i = 0; i < r->s->num; i++) {
		char *end;
		u64 value = strtoull(at, &end, 10);

		if (end == at)
			return i <= slab->active && slab->active < r->s->num ? broken(r, line) : 0;
		if (value >= r->s->num || !index)
			return broken(r, line);
		index[i] = (u8)value;
		at = end;
	}
	return 0;
}

static int restore_slab(struct restoring *r, const char *line, struct list_head *slab_node_list)
{
	const char *pfn_word = strchr(strchr(strchr(line, ' ') + 1, ' ') + 1, ' ');
	u64 pfn = pfn_word ? strtoull(pfn_word, NULL, 16) : ~0ull, fl = number(line, "fl", 16);
	struct page *slab;

	if (pfn >= r->v->max_pfn || fl >= r->v->max_pfn << PAGE_SHIFT ||
	    number(line, "s_mem", 16) >> PAGE_SHIFT >= r->v->max_pfn ||
	    number(line, "active", 10) > r->s->num)
		return broken(r, line);
	slab = pfn_to_page(pfn);
	slab->flags |= PG_slab;
	slab->slab_cache = to_kmem_cache(r->s);
	slab->s_mem = (void *)(PAGE_OFFSET + number(line, "s_mem", 16));
	slab->freelist = fl ? (void *)(PAGE_OFFSET + fl) : NULL;
	slab->active = (u32)number(line, "active", 10);
	list_add_tail(&slab->lru, slab_node_list);
	return fill_indices(r, slab, line);
}

/* ---- the whole ---- */

static struct slab_node *node_named(struct restoring *r, const char *line)
{
	const char *after = strchr(strchr(line, ' ') + 1, ' ');
	u64 w[1];

	if (!after || !dump_numbers(after, w, 1) || w[0] >= r->v->nr_nodes)
		return NULL;
	return r->s->node[w[0]];
}

static int restore_line(struct restoring *r, const char *line)
{
	struct slab_node *n;
	bool slab = !strncmp(line, "PARTIAL ", 8) || !strncmp(line, "FULL ", 5) ||
		    !strncmp(line, "FREESLAB ", 9);

	if (!strncmp(line, "CACHE ", 6))
		return restore_cache(r, line);
	if (!slab && strncmp(line, "AC ", 3) && strncmp(line, "NODE ", 5) &&
	    strncmp(line, "SHARED ", 7) && strncmp(line, "ALIEN ", 6))
		return 0;
	if (!r->s || strtoull(strchr(line, ' '), NULL, 16) != r->pointer)
		return broken(r, line);
	if (line[0] == 'A' && line[1] == 'C')
		return restore_cpu_array(r, line);
	if (line[0] == 'N')
		return restore_node(r, line);
	if (!slab)
		return restore_node_array(r, line, line[0] == 'A');
	n = node_named(r, line);
	if (!n)
		return broken(r, line);
	return restore_slab(r, line, line[0] == 'P' ? &n->slabs_partial :
				     line[1] == 'U' ? &n->slabs_full : &n->slabs_free);
}

void slab_restore(struct replay *v, const struct line *line)
{
	struct restoring r = { .v = v, .nr_before = (u32)(line - v->r.lines) };
	char words[200], *text, *save = NULL;
	size_t bytes;
	int rc;

	line_words(&v->r, line, words, sizeof(words));
	r.file = words + strlen("MARK DUMP ");
	if (recording_file(v->r.dir, r.file, &text, &bytes, v->err))
		return;
	mm_replay_ops.slab_enter();
	rc = 0;
	for (char *at = strtok_r(text, "\n", &save); at && !rc; at = strtok_r(NULL, "\n", &save)) {
		r.line++;
		rc = restore_line(&r, at);
	}
	free(text);
	v->slab_up = true;
}
