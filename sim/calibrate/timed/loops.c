/*
 * loops.c - see loops.h. Simulated code: the rules of kernel.h hold.
 *
 * `harness_call` stands for the loop's own instructions around one call; its
 * argument is the number of accesses that the loop itself makes for it. The
 * kernels at the end have no marks: their instructions are counted as they are.
 */
#include "sim/calibrate/timed/loops.h"

#include "models/mm/kernel.h"

#define GFP_KERNEL_BITS 0xcc0u

/* ---- kmalloc ---- */

static void kmalloc_pairs(const struct loop_job *job)
{
	const struct slab_ops *slab = job->slab;
	u64 size = job->size;

	for (u64 i = (u64)job->n * job->rounds; i; i--) {
		void *object;

		trace1(harness_call, 0);
		object = slab->kmalloc(size, GFP_KERNEL_BITS, -1);
		trace1(harness_call, 0);
		slab->kfree(object);
	}
}

static void kmalloc_all(const struct loop_job *job)
{
	for (u32 i = 0; i < job->n; i++) {
		void *object;

		trace1(harness_call, 1);
		object = job->slab->kmalloc(job->size, GFP_KERNEL_BITS, -1);
		job->slots[i] = object;
	}
}

static void kmalloc_batch(const struct loop_job *job)
{
	for (u32 round = 0; round < job->rounds; round++) {
		kmalloc_all(job);
		for (u32 i = 0; i < job->n; i++) {
			trace1(harness_call, 1);
			job->slab->kfree(job->slots[i]);
		}
	}
}

static void free_picked(const struct loop_job *job)
{
	for (u32 i = 0; i < job->n; i++) {
		u32 at = job->pick[i];

		trace1(harness_call, 2);
		job->slab->kfree(job->slots[at]);
	}
}

static void kmalloc_shuffled(const struct loop_job *job)
{
	for (u32 round = 0; round < job->rounds; round++) {
		kmalloc_all(job);
		free_picked(job);
	}
}

static void kmalloc_mixed(const struct loop_job *job)
{
	for (u32 round = 0; round < job->rounds; round++) {
		for (u32 i = 0; i < job->n; i++) {
			u32 size = job->sizes[i];
			void *object;

			trace1(harness_call, 2);
			object = job->slab->kmalloc(size, GFP_KERNEL_BITS, -1);
			job->slots[i] = object;
		}
		free_picked(job);
	}
}

/* ---- a slab cache of its own ---- */

static void cache_pairs(const struct loop_job *job)
{
	const struct slab_ops *slab = job->slab;
	struct kmem_cache *cache = job->cache;

	for (u64 i = (u64)job->n * job->rounds; i; i--) {
		void *object;

		trace1(harness_call, 0);
		object = slab->cache_alloc(cache, GFP_KERNEL_BITS, -1);
		trace1(harness_call, 0);
		slab->cache_free(cache, object);
	}
}

static void cache_batch(const struct loop_job *job)
{
	for (u32 round = 0; round < job->rounds; round++) {
		for (u32 i = 0; i < job->n; i++) {
			void *object;

			trace1(harness_call, 1);
			object = job->slab->cache_alloc(job->cache, GFP_KERNEL_BITS, -1);
			job->slots[i] = object;
		}
		for (u32 i = 0; i < job->n; i++) {
			trace1(harness_call, 1);
			job->slab->cache_free(job->cache, job->slots[i]);
		}
	}
}

static void cache_bulk(const struct loop_job *job)
{
	for (u32 round = 0; round < job->rounds; round++) {
		for (u32 i = 0; i < job->n; i += LOOP_BULK) {
			trace1(harness_call, 0);
			job->slab->cache_alloc_bulk(job->cache, GFP_KERNEL_BITS, LOOP_BULK, job->slots + i);
		}
		for (u32 i = 0; i < job->n; i += LOOP_BULK) {
			trace1(harness_call, 0);
			job->slab->free_bulk(job->cache, LOOP_BULK, job->slots + i);
		}
	}
}

/* ---- pages ---- */

static void page_pairs(const struct loop_job *job)
{
	const struct mm_ops *mm = job->mm;
	u32 order = job->order;

	for (u64 i = (u64)job->n * job->rounds; i; i--) {
		struct page *page;

		trace1(harness_call, 0);
		page = mm->alloc_pages(GFP_KERNEL_BITS, order, -1);
		trace1(harness_call, 0);
		mm->free_pages(page, order);
	}
}

static void page_batch(const struct loop_job *job)
{
	for (u32 round = 0; round < job->rounds; round++) {
		for (u32 i = 0; i < job->n; i++) {
			struct page *page;

			trace1(harness_call, 1);
			page = job->mm->alloc_pages(GFP_KERNEL_BITS, job->order, -1);
			job->slots[i] = page;
		}
		for (u32 i = 0; i < job->n; i++) {
			struct page *page = job->slots[job->pick[i]];

			trace1(harness_call, 2);
			job->mm->free_pages(page, job->order);
		}
	}
}

static void page_bulk(const struct loop_job *job)
{
	for (u32 round = 0; round < job->rounds; round++) {
		for (u32 i = 0; i < job->n; i += LOOP_BULK) {
			for (u32 k = 0; k < LOOP_BULK; k++)
				job->slots[i + k] = NULL;
			trace1(harness_call, LOOP_BULK);
			job->mm->alloc_pages_bulk(GFP_KERNEL_BITS, -1, LOOP_BULK, (struct page **)job->slots + i);
		}
		for (u32 i = 0; i < job->n; i++) {
			trace1(harness_call, 1);
			job->mm->free_pages(job->slots[i], 0);
		}
	}
}

/* ---- kernels: no allocator ---- */

struct item {
	struct item *next, *prev;
	u32 key, uses;
	u64 sum;
};

/* A ring of n items: take one out here, put it in there, as lists of any kernel do. */
static void lists(const struct loop_job *job)
{
	struct item *items = (struct item *)job->slots;
	u32 mask = job->n - 1;

	for (u32 i = 0; i < job->n; i++) {
		items[i].next = &items[(i + 1) & mask];
		items[i].prev = &items[(i - 1) & mask];
		items[i].key = i;
	}
	for (u64 i = (u64)job->n * job->rounds; i; i--) {
		struct item *it = &items[(i * 7) & mask], *at = &items[(i * 5 + 1) & mask], *after;

		if (it == at || it->prev == at)
			continue;
		it->next->prev = it->prev;
		it->prev->next = it->next;
		after = at->next;
		it->next = after;
		it->prev = at;
		after->prev = it;
		at->next = it;
		it->uses++;
	}
}

static __attribute__((noinline)) u32 class_of(const u32 *table, u64 size, u32 flags)
{
	if (unlikely(!size))
		return 0;
	if (size <= 192)
		return table[(size - 1) >> 3];
	if (unlikely(flags & 1))
		return 1;
	return (u32)fls64(size - 1);
}

/* Look-ups by size: branches, calls, shifts, one table. */
static void table(const struct loop_job *job)
{
	u32 *classes = (u32 *)job->slots, *counts = classes + 64;

	for (u64 i = (u64)job->n * job->rounds; i; i--) {
		u64 size = (i * 8) & 511;
		u32 class = class_of(classes, size, 0) & 63;
		u32 count;

		count = READ_ONCE(counts[class]) + 1;
		if (unlikely(count & 1u << 31))
			count = 0;
		WRITE_ONCE(counts[class], count);
	}
}

struct record {
	u64 flags;
	struct record *owner;
	u64 start, end;
	u32 state, count;
	u64 pad[3];
};

static __attribute__((noinline)) bool claim(struct record *r, u64 bytes)
{
	u64 flags = READ_ONCE(r->flags);

	if (unlikely(flags & 8))
		return false;
	if (r->start + bytes > r->end)
		r->start = 0;
	r->start += bytes;
	r->count++;
	WRITE_ONCE(r->flags, flags ^ 1);
	return true;
}

/* Fields of records and of those that they point to. */
static void records(const struct loop_job *job)
{
	struct record *all = (struct record *)job->slots;
	u32 mask = job->n - 1;

	for (u32 i = 0; i < job->n; i++) {
		all[i].owner = &all[(i * 5 + 1) & mask];
		all[i].end = 4096;
		all[i].flags = 0;
	}
	for (u64 i = (u64)job->n * job->rounds; i; i--) {
		struct record *r = &all[i & mask];

		if (!claim(r, 64) || !claim(r->owner, 32))
			break;
		r->state = r->owner->count;
	}
}

/* Each load needs the one before. */
static void chase(const struct loop_job *job)
{
	void **at = job->slots;

	for (u64 i = (u64)job->n * job->rounds; i; i--)
		at = READ_ONCE(*at);
	WRITE_ONCE(job->slots[1], at);
}

#ifdef KMS_FLAVOUR_CYCLE
#define LOOP_TABLE_NAME calibrate_loops_cycle
#else
#define LOOP_TABLE_NAME calibrate_loops_native
#endif

loop_fn *const LOOP_TABLE_NAME[NR_LOOPS] __attribute__((visibility("default"))) = {
	[LOOP_KMALLOC_PAIRS] = kmalloc_pairs, [LOOP_KMALLOC_BATCH] = kmalloc_batch,
	[LOOP_KMALLOC_SHUFFLED] = kmalloc_shuffled, [LOOP_KMALLOC_MIXED] = kmalloc_mixed,
	[LOOP_CACHE_PAIRS] = cache_pairs, [LOOP_CACHE_BATCH] = cache_batch, [LOOP_CACHE_BULK] = cache_bulk,
	[LOOP_PAGE_PAIRS] = page_pairs, [LOOP_PAGE_BATCH] = page_batch, [LOOP_PAGE_BULK] = page_bulk,
	[LOOP_LISTS] = lists, [LOOP_TABLE] = table, [LOOP_RECORDS] = records, [LOOP_CHASE] = chase,
};
