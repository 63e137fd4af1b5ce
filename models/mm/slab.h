/*
 * slab.h - what the files of SLAB share, and its structures.
 *
 * slab.c allocates and frees objects, slab_grow.c makes slabs and takes objects
 * back into them, slab_alien.c serves other nodes, slab_cache.c creates slab
 * caches, slab_boot.c brings the layer up, slab_reap.c takes back what CPUs and
 * nodes hold. Another layer than SLUB with other structures under the same
 * names in the kernel: struct kmem_cache is struct slab_cache here, struct
 * kmem_cache_node is struct slab_node.
 *
 * A slab is described by the struct page of its first page and always on one
 * of its node's three lists: full, partial, free. Which objects are free says
 * an array of one-byte indices, used as a stack from entry `active` on; it
 * lies in a free object, in memory of its own, or at the end of the slab. Free
 * objects are handed out through per-CPU arrays, last in first out; to its
 * slab an object in such an array is in use.
 */
#ifndef MODELS_MM_SLAB_H
#define MODELS_MM_SLAB_H

#include "models/mm/slab_common.h"

#define SLAB_KMALLOC_SHIFT_LOW 5
#define SLAB_MAX_OBJECTS 255 /* indices are one byte */
#define REFILL_UNTOUCHED 16  /* objects for an array that nobody used lately */
#define ALIEN_LIMIT 12
#define SHARED_BATCHCOUNT 0xbaadf00du /* shared and alien arrays are never refilled themselves */
#define CFLGS_OBJFREELIST 0x40000000u /* the index array lies in a free object */
#define CFLGS_OFF_SLAB 0x80000000u    /* it is a kmalloc object */
#define HZ 100
#define NODE_REAP_JIFFIES (4 * HZ)

struct array_cache {
	u32 avail; /* entry[0 .. avail) are filled */
	u32 limit;
	u32 batchcount;
	u32 touched; /* used since the reaper looked last */
	void *entry[];
};

struct alien_cache {
	spinlock_t lock;
	u32 __gap;
	struct array_cache ac;
};

struct slab_node {
	spinlock_t list_lock;		/* 0 */
	u32 __gap;
	struct list_head slabs_partial; /* 8 */
	struct list_head slabs_full;	/* 24 */
	struct list_head slabs_free;	/* 40 */
	u64 total_slabs;		/* 56 */
	u64 free_slabs;			/* 64 */
	u64 free_objects;		/* 72: in slabs, not in arrays */
	u32 free_limit;			/* 80 */
	u32 colour_next;		/* 84 */
	struct array_cache *shared;	/* 88 */
	struct alien_cache **alien;	/* 96: by node */
	u64 next_reap;			/* 104: jiffies */
	u32 free_touched;		/* 112 */
	u32 __gap2;
};

struct slab_cache {
	struct array_cache __percpu *cpu_cache; /* 0 */
	u32 batchcount;				/* 8 */
	u32 limit;				/* 12 */
	u32 shared;				/* 16 */
	u32 size;				/* 20 */
	u64 reciprocal;				/* 24: multiplier, then two shifts */
	u32 flags;				/* 32 */
	u32 num;				/* 36: objects per slab */
	u32 gfporder;				/* 40 */
	gfp_t allocflags;			/* 44 */
	u64 colour;				/* 48: number of colours */
	u32 colour_off;				/* 56: bytes per colour */
	u32 freelist_size;			/* 60 */
	u64 ctor;				/* 64: id, 0 none */
	u64 name;				/* 72: id given by the creator */
	struct list_head list;			/* 80 */
	s32 refcount;				/* 96 */
	u32 object_size;			/* 100 */
	u32 align;				/* 104 */
	u32 useroffset;				/* 108 */
	u32 usersize;				/* 112 */
	u32 __gap;
	struct slab_node *node[MAX_NUMNODES];	/* 120 */
};

/* The rest of the program knows slab caches as struct kmem_cache. */
static inline struct slab_cache *to_slab_cache(const struct kmem_cache *s)
{
	return (struct slab_cache *)s;
}

static inline struct kmem_cache *to_kmem_cache(struct slab_cache *s)
{
	return (struct kmem_cache *)s;
}

static inline struct slab_cache *slab_owner(const struct page *slab)
{
	return to_slab_cache(READ_ONCE(slab->slab_cache));
}

/* slab_cache.c: what a cache for objects of that size takes of each CPU's memory */
u64 slab_percpu_bytes(u32 object_size);

static inline u64 array_bytes(u32 entries)
{
	return sizeof(struct array_cache) + entries * sizeof(void *);
}

/* Division by an invariant: q = (t + ((n - t) >> sh1)) >> sh2 with t = n * m >> 32. */
static inline u32 reciprocal_divide(u32 n, u64 reciprocal)
{
	u32 t = (u32)((u64)n * (u32)reciprocal >> 32);

	return (t + ((n - t) >> (reciprocal >> 32 & 0xff))) >> (reciprocal >> 40 & 0xff);
}

static inline u64 reciprocal_value(u32 d)
{
	u32 l = (u32)fls(d - 1);
	u64 m = (((1ull << l) - d) << 32) / d + 1;

	return (u32)m | (u64)(l ? 1 : 0) << 32 | (u64)(l ? l - 1 : 0) << 40;
}

/* As per_cpu_ptr(), with its reads in a fixed order. */
static inline struct array_cache *cpu_array(struct array_cache __percpu *arrays, u32 cpu)
{
	return (struct array_cache *)((u64)arrays + READ_ONCE(kdata->per_cpu_offset[cpu]));
}

/* slab.c */
void *slab_alloc_node(struct slab_cache *s, gfp_t gfp, int node);
void *slab_kmalloc(size_t size, u32 gfp, int node);
void slab_free_object(struct slab_cache *s, void *object);
void slab_kfree(const void *object);
size_t slab_ksize(const void *object);
void *slab_cache_alloc(struct kmem_cache *s, u32 gfp, int node);
void slab_cache_free(struct kmem_cache *s, void *object);
int slab_alloc_bulk(struct kmem_cache *s, u32 gfp, size_t n, void **objects);
void slab_free_bulk(struct kmem_cache *s, size_t n, void **objects);

/* slab_grow.c */
struct page *slab_grow_begin(struct slab_cache *s, gfp_t gfp, int nid);
void slab_grow_end(struct slab_cache *s, struct page *slab);
struct page *slab_first(struct slab_node *n);
void *slab_get_object(struct slab_cache *s, struct page *slab);
void slab_fixup_lists(struct slab_cache *s, struct slab_node *n, struct page *slab);
struct page *slab_free_block(struct slab_cache *s, struct slab_node *n, void **objects, u32 count, int nid);
void slab_destroy_chain(struct slab_cache *s, struct page *chain);
void slab_put_pages(struct slab_cache *s, struct page *slab);
u32 slab_transfer(struct array_cache *to, struct array_cache *from, u32 most);
void slab_drop_oldest(struct array_cache *ac, u32 count);

/* slab_alien.c */
void *slab_alloc_from_node(struct slab_cache *s, gfp_t gfp, int nid);
void *slab_alloc_anywhere(struct slab_cache *s, gfp_t gfp);
void slab_free_alien(struct slab_cache *s, void *object, int nid);
struct page *slab_drain_alien(struct slab_cache *s, struct array_cache *ac, int nid);
gfp_t slab_exact_node(gfp_t gfp);

/* slab_cache.c */
struct kmem_cache *slab_cache_create(const struct kmem_cache_args *args);
bool slab_open_cache(struct slab_cache *s, u32 flags);
bool slab_setup_node(struct slab_cache *s, int nid, gfp_t gfp, bool replace);
bool slab_enable_arrays(struct slab_cache *s, gfp_t gfp);
void slab_release_cache(struct slab_cache *s);
void slab_node_init(struct slab_cache *s, struct slab_node *n);
bool slab_setup_boot_arrays(struct slab_cache *s);

/* slab_boot.c */
struct slab_node *slab_boot_node(int nid, u32 which);
void slab_init(void);
void slab_init_late(void);
void slab_enter_running(void);
void slab_cpu_prepare(u32 cpu);

/* slab_reap.c */
void slab_reap_alien(struct slab_cache *s, struct slab_node *n, u32 nid);
void slab_reap_array(struct slab_cache *s, struct slab_node *n, int nid);
void slab_reap_node(struct slab_cache *s, struct slab_node *n, int nid);
void slab_drain_this_cpu(void *cache);
void slab_reap(u64 now_ns);
void slab_cache_shrink(struct kmem_cache *s);
void slab_cache_destroy(struct kmem_cache *s);

#endif
