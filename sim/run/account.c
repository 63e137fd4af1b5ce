/*
 * account.c - every byte of RAM in exactly one state.
 *
 * What the workload asked for is counted as it asks; everything else is read
 * from the allocators' own structures (models/mm/inspect.h). The states are
 * counted independently of each other, none as a remainder, so that their sum
 * equals RAM only when the books are right.
 */
#include "sim/run/internal.h"

#include <stdlib.h>
#include <string.h>

const char *const byte_state_series[NR_BYTE_STATES] = {
	[BYTES_REQUESTED] = "bytes.requested",	   [BYTES_ROUNDING] = "bytes.rounding",
	[BYTES_SLAB_TAIL] = "bytes.slab_tail",	   [BYTES_FREE_PARTIAL] = "bytes.free_partial",
	[BYTES_CPU_CACHED] = "bytes.cpu_cached",   [BYTES_PAGE_ORDER] = "bytes.page_order",
	[BYTES_FREE] = "bytes.free",		   [BYTES_METADATA] = "bytes.metadata",
	[BYTES_RESERVED] = "bytes.reserved",
};

#define MAX_ZONES 256

int account_init(struct run *run, struct kms_error *err)
{
	struct account *a = &run->account;
	u32 sites = run->info->nr_sites ? run->info->nr_sites : 1;
	u32 caches = run->info->nr_caches + KMALLOC_CLASSES;

	a->nr_caches = run->info->nr_caches;
	a->max_caches = run->info->nr_caches + 128;
	a->sites = calloc(sites, sizeof(*a->sites));
	a->cache_allocs = calloc(caches, sizeof(u64));
	a->cache_frees = calloc(caches, sizeof(u64));
	a->cache_held = calloc(caches, sizeof(u64));
	a->caches = calloc(a->max_caches, sizeof(*a->caches));
	for (u32 kind = 0; kind < NR_SIZE_KINDS; kind++)
		if (!(a->sizes[kind] = calloc(SIZES_MAX, sizeof(*a->sizes[kind]))))
			return kms_fail(err, KMS_EFAIL, "no memory for the accounts of sizes");
	if (!a->sites || !a->cache_allocs || !a->cache_frees || !a->cache_held || !a->caches)
		return kms_fail(err, KMS_EFAIL, "no memory for the accounts of %u call sites", sites);
	return 0;
}

void account_free(struct account *a)
{
	free(a->sites);
	for (u32 kind = 0; kind < NR_SIZE_KINDS; kind++)
		free(a->sizes[kind]);
	free(a->cache_allocs);
	free(a->cache_frees);
	free(a->cache_held);
	free(a->caches);
	*a = (struct account){ 0 };
}

u32 account_cache(const struct account *a, u32 object_cache)
{
	if (object_cache < a->nr_caches)
		return object_cache;
	return a->nr_caches + (object_cache - OBJECT_KMALLOC) % KMALLOC_CLASSES;
}

u32 account_kmalloc_class(u64 object_bytes, u32 type)
{
	u32 size = object_bytes > 64 && object_bytes <= 96 ? 1
		   : object_bytes > 128 && object_bytes <= 192 ? 2
		   : object_bytes <= 8			       ? 3
		   : 64 - (u32)__builtin_clzll(object_bytes - 1);

	return size > 13 ? KMALLOC_CLASSES - 1 : type * 16 + size;
}

static void add_bytes(struct account *a, const struct object *object, s64 requested, s64 held)
{
	struct site_account *site = &a->sites[object->site];

	if (object->slab) {
		a->slab_requested += (u64)requested;
		a->slab_held += (u64)held;
	} else {
		a->page_requested += (u64)requested;
		a->page_blocks += (u64)held;
	}
	site->live_bytes += (u64)requested;
	site->waste_live += (u64)(held - requested);
}

u32 account_size_index(u64 size)
{
	u64 beyond = size > SIZES_EXACT ? (size - SIZES_EXACT + 1023) / 1024 : 0;

	return size < SIZES_EXACT ? (u32)size : beyond < SIZES_MAX - SIZES_EXACT ? SIZES_EXACT + (u32)beyond : SIZES_MAX - 1;
}

static void count_size(struct account *a, const struct object *object)
{
	enum size_kind kind = object->cache == OBJECT_PAGES  ? SIZE_PAGES :
			      object->cache < OBJECT_KMALLOC ? SIZE_CACHE :
							       SIZE_KMALLOC;
	struct size_account *size = &a->sizes[kind][account_size_index(object->requested)];

	size->count++;
	size->requested += object->requested;
	size->held += object->held;
}

void account_alloc(struct account *a, const struct object *object)
{
	struct site_account *site = &a->sites[object->site];

	add_bytes(a, object, (s64)object->requested, (s64)object->held);
	if (object->cache != OBJECT_PAGES)
		a->cache_allocs[account_cache(a, object->cache)]++;
	site->allocs++;
	site->live++;
	site->requested_bytes += object->requested;
	site->waste_total += object->held - object->requested;
	count_size(a, object);
}

void account_held(struct account *a, const struct object *object)
{
	add_bytes(a, object, (s64)object->requested, (s64)object->held);
	if (object->cache != OBJECT_PAGES)
		a->cache_held[account_cache(a, object->cache)]++;
	a->sites[object->site].live++;
}

void account_free_object(struct account *a, const struct object *object)
{
	add_bytes(a, object, -(s64)object->requested, -(s64)object->held);
	if (object->cache != OBJECT_PAGES)
		a->cache_frees[account_cache(a, object->cache)]++;
	a->sites[object->site].frees++;
	a->sites[object->site].live--;
}

void account_free_part(struct account *a, struct object *object, u64 bytes)
{
	u64 requested = object->requested < bytes ? object->requested : bytes;

	add_bytes(a, object, -(s64)requested, -(s64)bytes);
	object->requested -= requested;
	object->held -= bytes;
}

/* The slab layer's own caches: their objects are nobody's request. */
static bool is_metadata_cache(const struct mm_cache_info *c)
{
	const char *name;

	if (!c->boot_cache)
		return false;
	name = mm_boot_cache_name(c->name);
	return !strcmp(name, "kmem_cache") || !strcmp(name, "kmem_cache_node");
}

static void add_caches(struct run *run, s64 bytes[NR_BYTE_STATES])
{
	struct account *a = &run->account;
	u32 n = mm_inspect_caches(a->caches, a->max_caches);
	struct mm_pool_info pool;
	s64 user_slots = 0;

	mm_inspect_pool(&pool);
	if (pool.used)
		user_slots = (s64)a->slab_held;
	bytes[BYTES_FREE_PARTIAL] += (s64)pool.free_bytes;
	bytes[BYTES_CPU_CACHED] += (s64)pool.cpu_bytes;
	bytes[BYTES_SLAB_TAIL] += (s64)pool.tail_bytes;
	bytes[BYTES_METADATA] += (s64)pool.metadata_bytes;
	a->slab_free_cpu = 0;
	for (u32 i = 0; i < n && i < a->max_caches; i++) {
		const struct mm_cache_info *c = &a->caches[i];
		s64 inuse = (s64)(c->inuse * c->size);

		bytes[BYTES_METADATA] += c->descriptor_bytes;
		if (c->whole_pages || c->shared_pages)
			continue;
		if (is_metadata_cache(c))
			bytes[BYTES_METADATA] += inuse;
		else
			user_slots += inuse - (s64)(c->metadata * c->size);
		/* objects of kmalloc caches, but nobody's request */
		bytes[BYTES_METADATA] += (s64)c->own_bytes;
		user_slots -= (s64)c->own_bytes;
		bytes[BYTES_METADATA] += (s64)(c->metadata * c->size);
		a->slab_free_cpu += c->free_cpu * c->size;
		bytes[BYTES_FREE_PARTIAL] += (s64)(c->free_partial * c->size);
		bytes[BYTES_SLAB_TAIL] += (s64)(c->slab_pages * SIM_PAGE_BYTES - c->objects * c->size);
	}
	bytes[BYTES_CPU_CACHED] += (s64)a->slab_free_cpu;
	bytes[BYTES_REQUESTED] += (s64)a->slab_requested;
	bytes[BYTES_ROUNDING] += user_slots - (s64)a->slab_requested;
}

void account_bytes(struct run *run, s64 bytes[NR_BYTE_STATES])
{
	static struct mm_zone_info zones[MAX_ZONES];
	struct account *a = &run->account;
	u32 n = mm_inspect_zones(zones, MAX_ZONES);
	u64 managed = 0;

	memset(bytes, 0, NR_BYTE_STATES * sizeof(*bytes));
	for (u32 i = 0; i < n; i++) {
		managed += zones[i].managed * SIM_PAGE_BYTES;
		bytes[BYTES_FREE] += (s64)(zones[i].nr_free_pages * SIM_PAGE_BYTES);
		bytes[BYTES_CPU_CACHED] += (s64)(zones[i].pcp_pages * SIM_PAGE_BYTES);
	}
	add_caches(run, bytes);
	bytes[BYTES_REQUESTED] += (s64)a->page_requested;
	bytes[BYTES_PAGE_ORDER] = (s64)(a->page_blocks - a->page_requested);
	bytes[BYTES_METADATA] += (s64)(a->kernel_bytes);
	bytes[BYTES_RESERVED] = (s64)(a->ram_bytes - managed - a->kernel_bytes);
}
