/*
 * names.c - what a recorded frame, object or slab cache is called here.
 *
 * While every answer is exact, by the same name. After a wrong one the names
 * of the recorded and of our answer are exchanged, so that what is freed later
 * is what we gave out.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/validate/replay.h"

#include "models/mm/slab.h"

#define FREE_SLOT (~0ull)

struct zone *zone_of(u64 id)
{
	u64 node = id >> 8, idx = id & 0xff;
	struct zone *zone;

	if (node >= kdata->nr_node_ids || node >= MAX_NUMNODES || !kdata->node_data[node] || idx >= MAX_NR_ZONES)
		return NULL;
	zone = &kdata->node_data[node]->node_zones[idx];
	return populated_zone(zone) ? zone : NULL;
}

static u32 slot_of(const struct renaming *n, u64 key)
{
	u32 slot = (u32)(key * 0x9e3779b97f4a7c15ull >> 33) & (n->max - 1);

	while (n->keys[slot] != FREE_SLOT && n->keys[slot] != key)
		slot = (slot + 1) & (n->max - 1);
	return slot;
}

static u64 look_up(const struct renaming *n, u64 key)
{
	u32 slot;

	if (!n->nr)
		return key;
	slot = slot_of(n, key);
	return n->keys[slot] == key ? n->values[slot] : key;
}

static bool grow(struct renaming *n)
{
	struct renaming old = *n;

	n->max = old.max ? old.max * 2 : 1024;
	n->keys = malloc(n->max * sizeof(*n->keys));
	n->values = malloc(n->max * sizeof(*n->values));
	if (!n->keys || !n->values)
		return false;
	memset(n->keys, 0xff, n->max * sizeof(*n->keys));
	for (u32 i = 0; i < old.max; i++) {
		u32 slot;

		if (old.keys[i] == FREE_SLOT)
			continue;
		slot = slot_of(n, old.keys[i]);
		n->keys[slot] = old.keys[i];
		n->values[slot] = old.values[i];
	}
	free(old.keys);
	free(old.values);
	return true;
}

static void set_name(struct replay *v, struct renaming *n, u64 key, u64 value)
{
	u32 slot;

	if (n->nr * 2 >= n->max && !grow(n)) {
		v->stopped = true;
		return;
	}
	slot = slot_of(n, key);
	n->nr += n->keys[slot] == FREE_SLOT;
	n->keys[slot] = key;
	n->values[slot] = value;
}

/* Exchange what `recorded` and the name of `came` mean. */
static void exchange(struct replay *v, struct renaming *names, struct renaming *back, u64 recorded,
		     u64 came)
{
	u64 old = look_up(names, recorded), other = look_up(back, came);

	if (old == came)
		return;
	set_name(v, names, recorded, came);
	set_name(v, back, came, recorded);
	set_name(v, names, other, old);
	set_name(v, back, old, other);
}

void rename_pages(struct replay *v, u64 recorded, u64 came, u64 n)
{
	for (u64 i = 0; i < n; i++)
		exchange(v, &v->pages, &v->pages_back, recorded + i, came + i);
}

void rename_object(struct replay *v, u64 recorded, u64 came)
{
	exchange(v, &v->objects, &v->objects_back, recorded, came);
}

bool renamed(const struct replay *v)
{
	return v->pages.nr || v->objects.nr;
}

struct page *page_of(struct replay *v, u64 recorded_pfn)
{
	return pfn_to_page(look_up(&v->pages, recorded_pfn));
}

u64 phys_of_object(struct replay *v, u64 recorded)
{
	return look_up(&v->objects, recorded);
}

void *object_of(struct replay *v, u64 recorded)
{
	return (void *)(PAGE_OFFSET + phys_of_object(v, recorded));
}

u64 cache_name_id(struct replay *v, const struct kmem_cache *s)
{
	u64 name = v->r.layer == LAYER_SLAB ? to_slab_cache(s)->name :
		   v->r.layer == LAYER_SLOB ? ((const struct slob_cache *)s)->name : s->name;

	return name & BOOT_NAME ? v->boot_names[(name & ~BOOT_NAME) % NR_BOOT_NAMES] : name;
}

static void free_renaming(struct renaming *n)
{
	free(n->keys);
	free(n->values);
}

void renamings_free(struct replay *v)
{
	free_renaming(&v->pages);
	free_renaming(&v->pages_back);
	free_renaming(&v->objects);
	free_renaming(&v->objects_back);
}
