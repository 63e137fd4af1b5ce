/*
 * slub.h - what the files of SLUB share.
 *
 * slub.c allocates objects, slub_free.c frees them and moves slabs between
 * their states, slub_bulk.c does both for arrays, slub_cache.c creates slab
 * caches and bootstraps the layer, slub_shrink.c flushes, shrinks and destroys
 * them, slub_debug.c has what debug caches do instead, slub_debug.h their bytes.
 * slab_common.c holds what a second slab layer would need as well.
 *
 * A slab is described by the struct page of its first page: freelist and
 * counters are one 16-byte pair that only slab_update() changes once objects
 * of the slab are out. A slab is in one place: the CPU slab of a CPU (frozen),
 * a CPU's chain of partial slabs (frozen), a node's partial list (not frozen,
 * has free objects), or nowhere (full).
 */
#ifndef MODELS_MM_SLUB_H
#define MODELS_MM_SLUB_H

#include "models/mm/slab_common.h"

#define MIN_PARTIAL 5
#define MAX_PARTIAL 10
#define MAX_OBJS_PER_PAGE 32767
#define SHRINK_PROMOTE_MAX 32
/* Last allocation and last free: address, stack handle, CPU and process of 4 bytes each, time. */
#define SLUB_TRACK_BYTES 32u
#define SLUB_TRACKS_BYTES (2 * SLUB_TRACK_BYTES)
/* Without kernel preemption a CPU's transaction ids step by one. */
#define TID_STEP 1

/* ---- order and objects in one word ---- */

static inline u32 oo_make(u32 order, u32 size)
{
	return order << 16 | (u32)((PAGE_SIZE << order) / size);
}

static inline u32 oo_order(u32 oo)
{
	return oo >> 16;
}

static inline u32 oo_objects(u32 oo)
{
	return oo & 0xffff;
}

/* ---- slab->counters: inuse 0..15, objects 16..30, frozen 31 ---- */

#define COUNTERS_FROZEN (1ull << 31)

static inline u64 counters_make(u32 inuse, u32 objects, bool frozen)
{
	return (u64)inuse | (u64)objects << 16 | (frozen ? COUNTERS_FROZEN : 0);
}

static inline u32 counters_inuse(u64 counters)
{
	return counters & 0xffff;
}

static inline u32 counters_objects(u64 counters)
{
	return counters >> 16 & 0x7fff;
}

static inline bool counters_frozen(u64 counters)
{
	return counters & COUNTERS_FROZEN;
}

/* Replace a slab's freelist and counters, unless another CPU changed them since they were read. */
static inline bool slab_update(struct kmem_cache *s, struct page *slab, void *old_list,
			       u64 old_counters, void *new_list, u64 new_counters)
{
	if (likely(kms_cmpxchg_double(&slab->freelist, (u64)old_list, old_counters, (u64)new_list,
				      new_counters)))
		return true;
	trace2(slab_cmpxchg_fail, 0, s);
	return false;
}

/* The fast path's compare-and-exchange of a CPU's freelist and transaction id. */
static inline bool cpu_freelist_update(struct kmem_cache *s, struct kmem_cache_cpu *c,
				       void *old_list, u64 tid, void *new_list)
{
	if (likely(kms_cmpxchg_double_local(&c->freelist, (u64)old_list, tid, (u64)new_list,
					    tid + TID_STEP)))
		return true;
	trace2(slab_cmpxchg_cpu_fail, 0, s);
	return false;
}

/* ---- the link inside a free object ---- */

static inline void *get_freepointer(const struct kmem_cache *s, const void *object)
{
	return READ_ONCE(*(void **)((u64)object + s->offset));
}

static inline void set_freepointer(const struct kmem_cache *s, void *object, void *next)
{
	WRITE_ONCE(*(void **)((u64)object + s->offset), next);
}

static inline u64 next_tid(u64 tid)
{
	return tid + TID_STEP;
}

static inline struct kmem_cache_node *slab_node(const struct kmem_cache *s, struct page *slab)
{
	return s->node[page_to_nid(slab)];
}

/* May CPUs keep partial slabs of this cache? */
static inline bool has_cpu_partial(const struct kmem_cache *s)
{
	return s->cpu_partial;
}

/*
 * A slab cache with debugging: no CPU keeps slabs of it, every allocation and
 * free is made on the slab itself under list_lock.
 */
static inline bool cache_debug(const struct kmem_cache *s)
{
	return READ_ONCE(s->flags) & SLAB_DEBUG_FLAGS;
}

/* slub.c */
void *slub_alloc_node(struct kmem_cache *s, gfp_t gfp, int node);
void *slub_alloc_slow(struct kmem_cache *s, gfp_t gfp, int node, struct kmem_cache_cpu *c);
struct page *slub_new_slab(struct kmem_cache *s, gfp_t gfp, int node);
void slub_zero_object(struct kmem_cache *s, gfp_t gfp, void *object);
void *slub_kmalloc(size_t size, u32 gfp, int node);
void *slub_cache_alloc(struct kmem_cache *s, u32 gfp, int node);

/* slub_free.c */
void slub_free_list(struct kmem_cache *s, struct page *slab, void *head, void *tail, u32 count);
void slub_kfree(const void *object);
void slub_cache_free(struct kmem_cache *s, void *object);
size_t slub_ksize(const void *object);
void *slub_krealloc(const void *object, size_t size, u32 gfp);
void slub_add_partial(struct kmem_cache_node *n, struct page *slab, bool tail);
void slub_remove_partial(struct kmem_cache_node *n, struct page *slab);
void slub_put_cpu_partial(struct kmem_cache *s, struct page *slab, bool drain);
void slub_unfreeze(struct kmem_cache *s, struct page *chain);
void slub_deactivate(struct kmem_cache *s, struct page *slab, void *freelist);
void slub_free_slab(struct kmem_cache *s, struct page *slab, u32 order);
void slub_give_back(struct kmem_cache *s, struct page *slab);
void slub_discard(struct kmem_cache *s, struct page *slab);

/* slub_debug.c */
u32 slub_debug_flags(u32 flags);
u32 slub_object_layout(struct kmem_cache *s);
void slub_debug_set_up_slab(struct kmem_cache *s, struct page *slab, void *first, u32 objects);
void slub_debug_early_object(struct kmem_cache *s, void *object);
void slub_debug_check_empty(struct kmem_cache *s, struct page *slab);
void slub_debug_requested(struct kmem_cache *s, void *object, u32 bytes);
void slub_debug_double_free(struct kmem_cache *s, void *object);
void slub_cache_validate(struct kmem_cache *s);
void *slub_debug_take(struct kmem_cache *s, struct kmem_cache_node *n, struct page *slab);
void *slub_debug_take_new(struct kmem_cache *s, struct page *slab);
void slub_debug_free(struct kmem_cache *s, struct page *slab, void *head, void *tail, u32 count);

/* slub_bulk.c */
int slub_alloc_bulk(struct kmem_cache *s, u32 gfp, size_t n, void **objects);
void slub_free_bulk(struct kmem_cache *s, size_t n, void **objects);

/* slub_cache.c */
void slub_init(void);
void slub_bootstrap(u32 node_bytes);
struct kmem_cache *slub_cache_create(const struct kmem_cache_args *args);
void slub_free_nodes(struct kmem_cache *s);

/* slub_shrink.c */
void slub_flush_cpu(struct kmem_cache *s, struct kmem_cache_cpu *c);
void slub_shrink_node(struct kmem_cache *s, struct kmem_cache_node *n, u32 nid);
void slub_cache_shrink(struct kmem_cache *s);
void slub_cache_destroy(struct kmem_cache *s);

#endif
