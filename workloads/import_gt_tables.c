/*
 * import_gt_tables.c - what is known of pages, objects, caches and flows.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "workloads/import_gt.h"

int gt_no_memory(struct gt_import *im)
{
	return kms_fail(im->err, KMS_EFAIL, "no host memory for importing");
}

void *gt_grow(struct gt_import *im, void *array, u32 *capacity, u32 want, size_t size)
{
	u32 n = *capacity ? *capacity : 16;
	void *grown;

	if (want <= *capacity)
		return array;
	while (n < want)
		n *= 2;
	grown = realloc(array, n * size);
	if (!grown) {
		gt_no_memory(im);
		return NULL;
	}
	*capacity = n;
	return grown;
}

/* ---- pages ---- */

int gt_page_at(struct gt_import *im, u64 pfn, u64 n, struct gt_page **page)
{
	if (n > im->nr_pages || pfn > im->nr_pages - n)
		return kms_fail(im->err, KMS_EUSAGE, "%s:%llu: page frame %llx, but memory ends at %llx",
				im->lines.path, (unsigned long long)im->lines.number,
				(unsigned long long)(pfn + n - 1), (unsigned long long)im->nr_pages);
	*page = &im->pages[pfn];
	return 0;
}

/* pre: gt_page_at() accepted the range. */
void gt_set_pages(struct gt_import *im, u64 pfn, u64 n, struct gt_page value)
{
	value.known = true;
	for (u64 i = 0; i < n; i++)
		im->pages[pfn + i] = value;
}

/* ---- objects ---- */

struct gt_object *gt_object_at(struct gt_import *im, u32 slot)
{
	if (KMS_UNLIKELY(slot >= im->nr_objects)) {
		u64 n = im->nr_objects ? im->nr_objects : 4096;
		struct gt_object *grown;

		while (n <= slot)
			n *= 2;
		grown = realloc(im->objects, n * sizeof(*grown));
		if (!grown)
			return NULL;
		im->objects = grown;
		im->nr_objects = n;
	}
	return &im->objects[slot];
}

static u64 address_hash(u64 address)
{
	return (address >> 3) * 0x9e3779b97f4a7c15ull >> 20;
}

static void address_put(struct gt_addresses *t, u64 address, u32 slot)
{
	u64 at = address_hash(address) & (t->capacity - 1);

	while (t->table[at].address && t->table[at].address != address)
		at = (at + 1) & (t->capacity - 1);
	t->n += !t->table[at].address;
	t->table[at] = (struct gt_address){ address, slot };
}

int gt_address_add(struct gt_import *im, u64 address, u32 slot)
{
	struct gt_addresses *t = &im->addresses;

	if (!address) /* nobody can free it */
		return 0;
	if (2 * t->n >= t->capacity) {
		struct gt_addresses grown = { .capacity = t->capacity ? 2 * t->capacity : 1u << 16 };

		grown.table = calloc(grown.capacity, sizeof(*grown.table));
		if (!grown.table)
			return gt_no_memory(im);
		for (u64 i = 0; i < t->capacity; i++)
			if (t->table[i].address)
				address_put(&grown, t->table[i].address, t->table[i].slot);
		free(t->table);
		*t = grown;
	}
	address_put(t, address, slot);
	return 0;
}

/* Close the gap at a freed place: move up what probing would no longer reach. */
static void close_gap(struct gt_addresses *t, u64 gap)
{
	u64 mask = t->capacity - 1, at = gap;

	for (;;) {
		u64 home;

		at = (at + 1) & mask;
		if (!t->table[at].address)
			break;
		home = address_hash(t->table[at].address) & mask;
		if (((at - home) & mask) < ((at - gap) & mask))
			continue;
		t->table[gap] = t->table[at];
		gap = at;
	}
	t->table[gap].address = 0;
}

bool gt_address_take(struct gt_import *im, u64 address, u32 *slot)
{
	struct gt_addresses *t = &im->addresses;
	u64 at = address_hash(address);

	if (!t->capacity || !address)
		return false;
	for (at &= t->capacity - 1; t->table[at].address; at = (at + 1) & (t->capacity - 1)) {
		if (t->table[at].address != address)
			continue;
		*slot = t->table[at].slot;
		close_gap(t, at);
		t->n--;
		return true;
	}
	return false;
}

/* ---- caches ---- */

static u8 cache_kind(const char *name, size_t length)
{
	static const char *const kmalloc[] = { "kmalloc-", "dma-kmalloc-" };

	for (size_t i = 0; i < KMS_ARRAY_SIZE(kmalloc); i++)
		if (length > strlen(kmalloc[i]) && !strncmp(name, kmalloc[i], strlen(kmalloc[i])))
			return GT_CACHE_KMALLOC;
	if (*name == '?' || /* SLOB: the cache of caches has an address only */
	    (length == 10 && !memcmp(name, "kmem_cache", 10)) ||
	    (length == 15 && !memcmp(name, "kmem_cache_node", 15)))
		return GT_CACHE_INTERNAL;
	return GT_CACHE_USER;
}

struct gt_cache *gt_cache_at(struct gt_import *im, const char *name, size_t length)
{
	s64 number = names_enter(&im->cache_names, name, length);
	struct gt_cache *grown;
	u32 capacity = im->nr_gt_caches;

	if (number < 0) {
		gt_no_memory(im);
		return NULL;
	}
	if (number < im->nr_gt_caches && im->caches[number].kind != UINT8_MAX)
		return &im->caches[number];
	grown = gt_grow(im, im->caches, &capacity, (u32)number + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	im->caches = grown;
	for (u32 i = im->nr_gt_caches; i < capacity; i++)
		grown[i].kind = UINT8_MAX;
	im->nr_gt_caches = capacity;
	grown[number] = (struct gt_cache){ .kind = cache_kind(name, length) };
	return &grown[number];
}

/* ---- flows ---- */

/* Interrupts by CPU and level; the idle task by CPU; other tasks by pid, apart while reclaiming. */
static u64 flow_key(const struct gt_import *im)
{
	u64 level = im->context & 3;

	if (level)
		return 1ull << 60 | level << 16 | im->cpu;
	if (!im->pid)
		return 2ull << 60 | (u64)(im->context & 0x10) << 16 | im->cpu;
	return 3ull << 60 | (u64)(im->context & 0x10) << 32 | im->pid;
}

static struct gt_flow **flow_place(struct gt_flow **flows, u32 capacity, u64 key)
{
	u64 at = (key * 0x9e3779b97f4a7c15ull) >> 32;

	for (;; at++) {
		struct gt_flow **place = &flows[at & (capacity - 1)];

		if (!*place || (*place)->key == key)
			return place;
	}
}

static bool grow_flows(struct gt_import *im)
{
	u32 capacity = im->flow_capacity ? 2 * im->flow_capacity : 256;
	struct gt_flow **flows = calloc(capacity, sizeof(*flows));

	if (!flows)
		return false;
	for (u32 i = 0; i < im->flow_capacity; i++)
		if (im->flows[i])
			*flow_place(flows, capacity, im->flows[i]->key) = im->flows[i];
	free(im->flows);
	im->flows = flows;
	im->flow_capacity = capacity;
	return true;
}

struct gt_flow *gt_flow_find(struct gt_import *im)
{
	u64 key = flow_key(im);
	struct gt_flow **place;

	if (im->flow && im->flow->key == key)
		return im->flow;
	if (2 * im->nr_flows >= im->flow_capacity && !grow_flows(im))
		return NULL;
	place = flow_place(im->flows, im->flow_capacity, key);
	if (!*place) {
		*place = calloc(1, sizeof(**place));
		if (!*place)
			return NULL;
		(*place)->key = key;
		(*place)->creating = -1;
		im->nr_flows++;
	}
	return *place;
}

void gt_tables_free(struct gt_import *im)
{
	for (u32 i = 0; i < im->flow_capacity; i++) {
		struct gt_flow *f = im->flows[i];

		if (!f)
			continue;
		free(f->bulk_objects);
		free(f->dying);
		free(f->frees);
		free(f->taken);
		free(f);
	}
	free(im->flows);
	free(im->pages);
	free(im->objects);
	free(im->addresses.table);
	free(im->caches);
	free(im->alias_of);
	free(im->destroyed);
}
