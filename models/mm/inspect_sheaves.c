/*
 * inspect_sheaves.c - sheaves and barns seen from outside, uncharged.
 *
 * Objects in a sheaf count as in use in their slab; here they are found to be
 * free. Those of a CPU belong to it, those in a barn to the node. A sheaf that
 * a caller owns is the caller's: neither it nor its objects are counted.
 */
#include <stdlib.h>

#include "models/mm/inspect_sheaves.h"
#include "models/mm/sheaves.h"

/* Calls fn for every sheaf of a list; following links only, as samples may come at any time. */
static void for_each_in_barn(const struct list_head *head, void (*fn)(const struct slab_sheaf *, void *),
			     void *arg)
{
	const struct list_head *pos;

	list_for_each(pos, head)
		fn(container_of(pos, const struct slab_sheaf, barn_list), arg);
}

/* ---- tables ---- */

static u64 kmalloc_bytes(const void *memory)
{
	return virt_to_head_page(memory)->slab_cache->size;
}

static void count_cpu_sheaf(const struct slab_sheaf *sheaf, struct mm_cache_info *info)
{
	if (!sheaf)
		return;
	info->free_cpu += sheaf->size;
	info->own_bytes += kmalloc_bytes(sheaf);
}

static void count_barn_sheaf(const struct slab_sheaf *sheaf, void *arg)
{
	struct mm_cache_info *info = arg;

	info->free_partial += sheaf->size;
	info->own_bytes += kmalloc_bytes(sheaf);
}

void mm_inspect_sheaves(const struct kmem_cache *s, struct mm_cache_info *info)
{
	info->sheaf_capacity = s->sheaf_capacity;
	for (u32 cpu = 0; cpu < kdata->nr_cpu_ids; cpu++) {
		const struct slub_percpu_sheaves *pcs = cpu_sheaves(s, cpu);

		count_cpu_sheaf(pcs->main, info);
		count_cpu_sheaf(pcs->spare, info);
		count_cpu_sheaf(pcs->rcu_free, info);
	}
	for (u32 nid = 0; nid < kdata->nr_node_ids; nid++) {
		const struct node_barn *barn = node_barn(s, nid);

		if (!barn)
			continue;
		info->own_bytes += kmalloc_bytes(barn);
		for_each_in_barn(&barn->sheaves_full, count_barn_sheaf, info);
		for_each_in_barn(&barn->sheaves_empty, count_barn_sheaf, info);
	}
}

/* ---- invariants ---- */

/* Objects found in sheaves so far; u64 so that they can be sorted. */
struct sheaf_check {
	const struct kmem_cache *s;
	struct kms_error *err;
	u64 *objects;
	size_t nr, max;
	int ret;
};

static void broken(struct sheaf_check *c, const char *what, const void *at)
{
	if (!c->ret)
		c->ret = kms_fail(c->err, KMS_EFAIL, "slab cache id %llu, at %llx: %s",
				  (unsigned long long)c->s->name, (unsigned long long)at, what);
}

static bool on_freelist(const struct kmem_cache *s, const void *freelist, const void *object)
{
	for (u32 n = 0; freelist && n <= MAX_OBJS_PER_PAGE; n++) {
		if (freelist == object)
			return true;
		freelist = get_freepointer(s, freelist);
	}
	return false;
}

static void check_object(struct sheaf_check *c, const void *object)
{
	const struct page *slab = virt_to_head_page(object);
	u64 offset = (u64)object - (u64)page_address(slab);

	if (!(slab->flags & PG_slab) || slab->slab_cache != c->s)
		broken(c, "an object in a sheaf is in no slab of the cache", object);
	else if (offset % c->s->size || offset / c->s->size >= counters_objects(slab->counters))
		broken(c, "a pointer in a sheaf is not at an object's start", object);
	else if (on_freelist(c->s, slab->freelist, object))
		broken(c, "an object is in a sheaf and on its slab's freelist", object);
	if (c->nr == c->max) {
		c->max = c->max ? 2 * c->max : 1024;
		c->objects = realloc(c->objects, c->max * sizeof(*c->objects));
	}
	if (c->objects)
		c->objects[c->nr++] = (u64)object;
	else
		broken(c, "no memory to check it", object);
}

static void check_sheaf(const struct slab_sheaf *sheaf, void *arg)
{
	struct sheaf_check *c = arg;

	if (sheaf->cache != c->s)
		broken(c, "a sheaf belongs to another slab cache", sheaf);
	if (sheaf->size > c->s->sheaf_capacity) {
		broken(c, "a sheaf holds more than its capacity", sheaf);
		return;
	}
	for (u32 i = 0; i < sheaf->size && !c->ret; i++)
		check_object(c, sheaf->objects[i]);
}

static void check_full(const struct slab_sheaf *sheaf, void *arg)
{
	struct sheaf_check *c = arg;

	if (sheaf->size != c->s->sheaf_capacity)
		broken(c, "a sheaf among the barn's full ones is not full", sheaf);
	check_sheaf(sheaf, arg);
}

static void check_empty(const struct slab_sheaf *sheaf, void *arg)
{
	if (sheaf->size)
		broken(arg, "a sheaf among the barn's empty ones is not empty", sheaf);
	check_sheaf(sheaf, arg);
}

static void check_length(struct sheaf_check *c, const struct list_head *head, u32 nr)
{
	const struct list_head *pos;
	u32 n = 0;

	list_for_each(pos, head) {
		if (pos->next->prev != pos || pos->prev->next != pos || ++n > nr) {
			broken(c, "a list of the barn is torn or too long", pos);
			return;
		}
	}
	if (n != nr)
		broken(c, "a list of the barn is shorter than it was counted", head);
}

static void check_barn(struct sheaf_check *c, const struct node_barn *barn)
{
	if (barn->lock.slock)
		broken(c, "the barn's lock is held between operations", barn);
	if (barn->nr_full > MAX_FULL_SHEAVES + kdata->nr_cpu_ids)
		broken(c, "far too many full sheaves in a barn", barn);
	check_length(c, &barn->sheaves_full, barn->nr_full);
	check_length(c, &barn->sheaves_empty, barn->nr_empty);
	if (c->ret)
		return;
	for_each_in_barn(&barn->sheaves_full, check_full, c);
	for_each_in_barn(&barn->sheaves_empty, check_empty, c);
}

static void check_cpu(struct sheaf_check *c, u32 cpu)
{
	const struct slub_percpu_sheaves *pcs = cpu_sheaves(c->s, cpu);
	const struct kmem_cache_cpu *cpu_slab = per_cpu_ptr(c->s->cpu_slab, cpu);
	size_t i;

	if (pcs->lock)
		broken(c, "a CPU's sheaves are locked between operations", pcs);
	if (!pcs->main) {
		broken(c, "a CPU has no main sheaf", pcs);
		return;
	}
	check_sheaf(pcs->main, c);
	if (pcs->spare)
		check_sheaf(pcs->spare, c);
	if (pcs->rcu_free)
		check_sheaf(pcs->rcu_free, c);
	for (i = 0; cpu_slab->freelist && i < c->nr; i++)
		if (virt_to_head_page((void *)c->objects[i]) == cpu_slab->slab &&
		    on_freelist(c->s, cpu_slab->freelist, (void *)c->objects[i]))
			broken(c, "an object is in a sheaf and on a CPU's freelist", (void *)c->objects[i]);
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

int mm_check_sheaves(const struct kmem_cache *s, struct kms_error *err)
{
	struct sheaf_check c = { .s = s, .err = err };

	for (u32 nid = 0; nid < kdata->nr_node_ids && !c.ret; nid++)
		if (node_barn(s, nid))
			check_barn(&c, node_barn(s, nid));
	for (u32 cpu = 0; cpu < kdata->nr_cpu_ids && !c.ret; cpu++)
		check_cpu(&c, cpu);
	if (!c.ret && c.nr) {
		qsort(c.objects, c.nr, sizeof(*c.objects), compare);
		for (size_t i = 1; i < c.nr; i++)
			if (c.objects[i] == c.objects[i - 1])
				broken(&c, "an object is in sheaves twice", (void *)c.objects[i]);
	}
	free(c.objects);
	return c.ret;
}
