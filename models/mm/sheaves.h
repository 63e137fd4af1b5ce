/*
 * sheaves.h - SLUB with sheaves: what its files share.
 *
 * A sheaf is an array of pointers to free objects. Every CPU has two of a
 * cache's, main and spare; every node has a barn, a store of full and of empty
 * ones. Allocation and free move a pointer out of or into the main sheaf; only
 * when both sheaves are exhausted is another one fetched from the barn, and
 * only when the barn cannot help are slabs touched, for a whole sheaf at once.
 *
 *   sheaves.c          allocation and free; the policy's descriptor
 *   sheaves_barn.c     barns, and the memory of sheaves
 *   sheaves_cache.c    which caches have sheaves; creation, flush, shrink, destruction
 *   sheaves_prefill.c  sheaves that a caller owns; frees after a grace period
 *
 * Underneath lies all of slub_*.c, unchanged. Rules: slub.md 12 (Linux 6.18).
 */
#ifndef MODELS_MM_SHEAVES_H
#define MODELS_MM_SHEAVES_H

#include "models/mm/slub.h"

#define MAX_FULL_SHEAVES 10u /* in a barn */
#define MAX_EMPTY_SHEAVES 10u
#define PCS_BATCH_MAX 32u /* objects handled at a time on the stack */

struct slab_sheaf {
	union {
		struct list_head barn_list; /* in a barn */
		u32 capacity;		    /* owned by a caller */
	};
	struct kmem_cache *cache; /* 16 */
	u32 size;		  /* 24: objects in it */
	s32 node;		  /* 28: where it waited for a grace period */
	void *objects[];	  /* 32 */
};

struct slub_percpu_sheaves {
	u32 lock; /* 0: taken by this CPU itself, never waited for */
	u32 __gap;
	struct slab_sheaf *main;  /* 8: never NULL */
	struct slab_sheaf *spare; /* 16 */
	struct slab_sheaf *rcu_free; /* 24 */
};

struct node_barn {
	spinlock_t lock; /* 0 */
	u32 __gap;
	struct list_head sheaves_full;	/* 8 */
	struct list_head sheaves_empty; /* 24 */
	u32 nr_full;			/* 40 */
	u32 nr_empty;			/* 44 */
};

/* This policy's objects of the cache kmem_cache_node: the barn lies on the second line, as in 6.18. */
struct barn_cache_node {
	struct kmem_cache_node n;
	struct node_barn *barn; /* 64 */
};

static inline struct slub_percpu_sheaves *cpu_sheaves(const struct kmem_cache *s, u32 cpu)
{
	u64 offset = READ_ONCE(s->cpu_sheaves);

	return (struct slub_percpu_sheaves *)(READ_ONCE(kdata->per_cpu_offset[cpu]) + offset);
}

static inline struct slub_percpu_sheaves *this_cpu_sheaves(const struct kmem_cache *s)
{
	return (struct slub_percpu_sheaves *)(kms_my_cpu_offset() + READ_ONCE(s->cpu_sheaves));
}

static inline bool has_sheaves(const struct kmem_cache *s)
{
	return READ_ONCE(s->cpu_sheaves);
}

static inline struct node_barn *node_barn(const struct kmem_cache *s, u32 nid)
{
	struct kmem_cache_node *n = READ_ONCE(s->node[nid]);

	return n ? READ_ONCE(container_of(n, struct barn_cache_node, n)->barn) : NULL;
}

/* A local trylock: plain accesses, as no other CPU ever takes it. */
static inline bool pcs_trylock(struct slub_percpu_sheaves *pcs)
{
	if (unlikely(READ_ONCE(pcs->lock)))
		return false;
	WRITE_ONCE(pcs->lock, 1);
	return true;
}

static inline void pcs_unlock(struct slub_percpu_sheaves *pcs)
{
	WRITE_ONCE(pcs->lock, 0);
}

/* pre: pcs is locked */
static inline void swap_sheaves(struct slub_percpu_sheaves *pcs)
{
	struct slab_sheaf *main_sheaf = READ_ONCE(pcs->main);

	WRITE_ONCE(pcs->main, READ_ONCE(pcs->spare));
	WRITE_ONCE(pcs->spare, main_sheaf);
	trace0(sheaf_swap);
}

/* sheaves_barn.c */
int numa_mem_id(void);
struct node_barn *local_barn(const struct kmem_cache *s);
struct slab_sheaf *alloc_empty_sheaf(struct kmem_cache *s, gfp_t gfp, u32 capacity);
void free_empty_sheaf(struct slab_sheaf *sheaf);
bool refill_sheaf(struct kmem_cache *s, struct slab_sheaf *sheaf, u32 capacity, gfp_t gfp);
void flush_sheaf(struct kmem_cache *s, struct slab_sheaf *sheaf);
struct slab_sheaf *barn_get_empty(struct node_barn *barn);
struct slab_sheaf *barn_get_any(struct node_barn *barn);
void barn_put_empty(struct node_barn *barn, struct slab_sheaf *sheaf);
void barn_put_full(struct node_barn *barn, struct slab_sheaf *sheaf);
struct slab_sheaf *barn_replace_empty(struct node_barn *barn, struct slab_sheaf *empty);
struct slab_sheaf *barn_replace_full(struct node_barn *barn, struct slab_sheaf *full, bool *too_many);
void barn_shrink(struct kmem_cache *s, struct node_barn *barn);
struct node_barn *new_barn(int nid);

/* sheaves.c */
bool flush_main_sheaf(struct kmem_cache *s);

/* sheaves_cache.c */
void sheaves_init(void);
struct kmem_cache *sheaves_cache_create(const struct kmem_cache_args *args);
void sheaves_cache_shrink(struct kmem_cache *s);
void sheaves_cache_destroy(struct kmem_cache *s);

/* sheaves_prefill.c */
extern const struct sheaf_ops sheaf_ops;

#endif
