/*
 * mm.h - the allocators as the rest of the program sees them.
 *
 * Two flavours of everything in this directory are linked in (kernel.h): each
 * exports one struct mm_ops. The slab layer is a policy: a const descriptor in
 * its own file, registered in policies.c.
 *
 * Call order: boot() first; then slab->init(); setup_pagesets() and
 * init_watermarks() when the machine's boot gets there (before that the
 * per-CPU lists have high 0 and batch 1, and all watermarks are 0, as in a
 * booting kernel). All calls are made in the context of a simulated CPU
 * (rt_enter_cpu()).
 */
#ifndef MODELS_MM_MM_H
#define MODELS_MM_MM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct page;
struct kmem_cache;

enum mm_path {
#define MM_PATH(id, name, doc) id,
#include "models/mm/paths.def"
#undef MM_PATH
	NR_MM_PATHS
};

struct mm_range {
	uint64_t pfn, end; /* [pfn, end) */
};

struct mm_zone_boot {
	uint32_t node, zone_idx;
	uint64_t start_pfn, spanned, present;
};

/* The machine as boot firmware and memblock leave it. Host memory; copied, not kept. */
struct mm_boot {
	uint32_t nr_cpus, nr_nodes;
	const uint8_t *cpu_node;   /* [nr_cpus] */
	const uint8_t *node_distance; /* [nr_nodes * nr_nodes], 10 = local */
	uint64_t max_pfn;
	const struct mm_zone_boot *zones; /* ascending by node, then zone index */
	uint32_t nr_zones;
	const struct mm_range *free;	  /* memory to hand to the buddy allocator, ascending */
	uint32_t nr_free;
	/* physical addresses set aside for kernel data (see rt/memblock.h) */
	uint64_t node_data_phys[64];
	uint64_t percpu_phys[256];
	uint64_t percpu_unit_bytes;
	/* section table, then the usage records: 88 bytes per 128 MiB, more for pageblock_order < 9 */
	uint64_t mem_section_phys;
	const struct mm_params *params;
};

/*
 * Behaviours that differ between kernel versions; 0 is that of late 6.1.
 * configs/policies/linux-*.json have each version's.
 */
enum mm_pcp_high { PCP_HIGH_LOW_WATERMARK, PCP_HIGH_SIX_BATCHES };
enum mm_pcp_free_batch { PCP_FREE_GROWING, PCP_FREE_UNCAPPED, PCP_FREE_FIXED };
enum mm_pcp_drain { PCP_DRAIN_LIST_BY_LIST, PCP_DRAIN_ROUND_ROBIN };
enum mm_freed_type { FREED_TYPE_CACHED, FREED_TYPE_EXACT };
enum mm_fallback { FALLBACK_STEAL, FALLBACK_CLAIM };
enum mm_slab_order { SLAB_ORDER_6_1, SLAB_ORDER_6_8 };
enum mm_free_pointer { FREE_POINTER_MIDDLE, FREE_POINTER_START };
enum mm_cpu_partial_limit { CPU_PARTIAL_SLABS, CPU_PARTIAL_OBJECTS };

enum free_list_order { FREE_LIST_LIFO, FREE_LIST_FIFO, FREE_LIST_ADDRESS };
enum mm_transparent_hugepage { THP_NEVER, THP_MADVISE, THP_ALWAYS };
enum sheaf_caches { SHEAF_CACHES_6_18, SHEAF_CACHES_ALL };
#define SEEKS_DEFAULT (~0u)
#define MM_PARAM_ZERO (1ull << 63)

/*
 * Tunables, by the kernel's names. 0 is the default (the kernel's, which it may
 * compute); where 0 itself has a meaning, MM_PARAM_ZERO says it.
 */
struct mm_params {
	uint64_t min_free_kbytes;
	uint64_t watermark_scale_factor;
	uint64_t watermark_boost_factor;
	uint64_t percpu_pagelist_high_fraction;
	uint64_t compaction_proactiveness; /* 0..100 */
	uint64_t lowmem_reserve_ratio[4]; /* by zone index */
	uint64_t slub_min_order;
	uint64_t slub_max_order;
	uint64_t slub_min_objects;
	bool slab_nomerge;
	bool slub_cpu_partial;
	bool page_group_by_mobility;
	/* slab layers (slab_params.def) */
	uint64_t slab_max_order, slab_limit, slab_batchcount, slab_shared, cache_reap_ms;
	bool noaliencache;
	uint64_t slob_break1, slob_break2;
	uint64_t cpu_partial, min_partial;
	uint64_t remote_node_defrag_ratio;
	const char *slub_debug; /* letters of the boot parameter; NULL: none */
	bool slab_freelist_hardened;
	uint64_t sheaf_capacity;
	uint32_t sheaf_caches; /* enum sheaf_caches */
	/* variants of the page allocator */
	bool no_pcp_lists, no_merge_lookahead;
	uint64_t pcp_batch, pcp_high;
	uint32_t free_list_order; /* enum free_list_order */
	uint64_t pageblock_order, max_page_order;
	bool pcp_auto_tune;
	bool pcp_order0_only;
	uint32_t pcp_high_from;		 /* enum mm_pcp_high */
	uint32_t pcp_free_batch;	 /* enum mm_pcp_free_batch */
	uint32_t pcp_drain;		 /* enum mm_pcp_drain */
	bool pcp_free_high_batch;
	uint32_t freed_type;		 /* enum mm_freed_type */
	uint32_t fallback;		 /* enum mm_fallback */
	uint32_t slab_order_calculation; /* enum mm_slab_order */
	uint32_t slub_free_pointer;	 /* enum mm_free_pointer */
	uint32_t slub_cpu_partial_limit; /* enum mm_cpu_partial_limit */
	uint32_t transparent_hugepage;	 /* enum mm_transparent_hugepage */
};

struct kmem_cache_args {
	uint64_t name; /* id; the caller keeps the text */
	uint32_t size, align, flags, useroffset, usersize;
	uint64_t ctor; /* id, 0 none */
	uint32_t sheaf_capacity; /* objects in a sheaf that the creator asks for; 0: none (sheaves.h) */
};

struct slab_sheaf;

/*
 * Sheaves that a caller owns, and frees after a grace period (Linux 6.18). The
 * cache has sheaves; pointers are NULL and results false when memory is out.
 */
struct sheaf_ops {
	struct slab_sheaf *(*prefill)(struct kmem_cache *s, uint32_t gfp, uint32_t n);
	void (*return_sheaf)(struct kmem_cache *s, uint32_t gfp, struct slab_sheaf *sheaf);
	bool (*refill)(struct kmem_cache *s, uint32_t gfp, struct slab_sheaf **sheaf, uint32_t n);
	void *(*alloc)(struct kmem_cache *s, uint32_t gfp, struct slab_sheaf *sheaf);
	void (*kfree_rcu)(struct kmem_cache *s, void *object); /* any cache of the layer */
};

/*
 * A slab layer. Sizes in bytes, node -1 for any. Allocation returns NULL when
 * memory is out. free functions take what the matching allocation returned.
 */
struct slab_ops {
	void (*init)(void); /* kmem_cache_init(): bootstrap and the kmalloc caches */
	void *(*kmalloc)(size_t size, uint32_t gfp, int node);
	void (*kfree)(const void *object);
	size_t (*ksize)(const void *object); /* bytes that its owner may use */
	/* In place if ksize() allows; else a new object, the old one's contents copied, it freed. */
	void *(*krealloc)(const void *object, size_t size, uint32_t gfp);
	struct kmem_cache *(*cache_create)(const struct kmem_cache_args *args);
	void (*cache_destroy)(struct kmem_cache *s);
	void (*cache_shrink)(struct kmem_cache *s);
	void *(*cache_alloc)(struct kmem_cache *s, uint32_t gfp, int node);
	void (*cache_free)(struct kmem_cache *s, void *object);
	/* Optional: check what debug options wrote into the cache's slabs; the first defect stops the run. */
	void (*cache_validate)(struct kmem_cache *s);
	int (*cache_alloc_bulk)(struct kmem_cache *s, uint32_t gfp, size_t n, void **objects);
	void (*free_bulk)(struct kmem_cache *s, size_t n, void **objects); /* s NULL: kfree_bulk */
	/* Optional (NULL): */
	void (*init_late)(void);	   /* kmem_cache_init_late(): before setup_pagesets() */
	void (*cpu_prepare)(uint32_t cpu); /* before mm_ops.cpu_online() */
	/*
	 * Background work of the current CPU, called between its requests every
	 * periodic_ns nanoseconds of recorded time (simulated time under
	 * `timestamps` pacing); now_ns is that time.
	 */
	void (*periodic)(uint64_t now_ns);
	uint64_t periodic_ns;
	const struct sheaf_ops *sheaves; /* NULL: the layer has none */
};

/* One parameter that a slab layer heeds: a key below "allocator" in configurations. */
struct slab_param {
	const char *name, *type; /* "bool", "uint", "int", "enum" */
	const char *def;	 /* as JSON text */
	int64_t min, max;	 /* numbers: both inclusive */
	const char *choices;	 /* enum: "a, b" */
	const char *unit;	 /* "" none */
	const char *doc;	 /* one sentence */
};

/* A slab layer's descriptor: one per policy file, listed in policies.c. */
struct slab_policy {
	const char *name;    /* in configs: "allocator": {"slab": NAME} */
	const char *summary; /* one line */
	const char *source;  /* kernel version and where its behaviour is described */
	const struct slab_ops *ops;
	const struct slab_param *params; /* [nr_params] */
	uint32_t nr_params;
	/* Most per-CPU memory that a slab cache for objects of that size takes; NULL: little. */
	uint64_t (*percpu_bytes)(uint32_t object_size);
};

struct vmalloc_ops;

struct mm_ops {
	void (*boot)(const struct mm_boot *boot); /* zones, zonelists, then memblock's release */
	void (*setup_pagesets)(void);
	void (*init_watermarks)(void); /* min_free_kbytes, watermarks, reserves, thresholds */
	void (*cpu_online)(uint32_t cpu); /* 0, which is on: joins its node (init_watermarks does so at the latest) */
	void (*release_reserved)(uint64_t pfn, uint32_t order); /* boot memory freed late */
	struct page *(*alloc_pages)(uint32_t gfp, uint32_t order, int node);
	/* likewise, of these nodes only (bit n: node n; 0: of any), the nearest to node first */
	struct page *(*alloc_pages_nodemask)(uint32_t gfp, uint32_t order, int node, uint64_t nodemask);
	void (*free_pages)(struct page *page, uint32_t order);
	struct page *(*alloc_pages_exact)(uint64_t size, uint32_t gfp); /* first of size pages */
	void (*split_page)(struct page *page, uint32_t order);
	uint32_t (*alloc_pages_bulk)(uint32_t gfp, int node, uint32_t n, struct page **pages);
	void (*free_page_list)(struct page **pages, uint32_t n); /* free_unref_page_list() */
	void (*drain_all_pages)(void);
	/*
	 * Pages that can be reclaimed or moved (docs/reclaim.md): an order-0 page's owner
	 * puts it on an LRU list under two words of its own (mapping < 2^62); task -1: page
	 * cache, else anonymous memory of that task (below 64). Such a page is freed with
	 * put_page() or release_pages(), whose array is overwritten.
	 */
	void (*lru_cache_add)(struct page *page, uint64_t mapping, uint64_t index, int32_t task);
	void (*mark_page_accessed)(struct page *page);
	void (*put_page)(struct page *page);
	void (*release_pages)(struct page **pages, uint32_t n);
	/*
	 * A kind of slab object that its owner gives back under pressure (rt.h:
	 * shrink_count, shrink_scan). seeks: what one costs to make again, SEEKS_DEFAULT 2,
	 * 0 nothing; batch: objects asked for at a time, 0: 128. Returns its number; -1: there are 8.
	 */
	int32_t (*register_shrinker)(uint32_t seeks, uint32_t batch);
	/* a node's kernel threads: from being woken until they sleep */
	void (*kswapd)(uint32_t node);
	void (*kcompactd)(uint32_t node);
	void (*proactive_compact)(uint32_t node); /* kcompactd's check, every 500 ms */
	void (*compact_node)(uint32_t node);	  /* all its zones, as far as it goes */
	void (*refresh_cpu_vm_stats)(void); /* this CPU's vmstat worker */
	const struct slab_policy *const *policies; /* the table of policies.c */
	uint32_t nr_policies;
	/* per-CPU memory, for slab layers that are not compiled in: an offset, NULL when it is out */
	void *(*alloc_percpu)(uint64_t size, uint64_t align);
	void (*free_percpu)(void *p, uint64_t size);
	const struct vmalloc_ops *vmalloc; /* vmalloc.h */
};

/*
 * What replaying a recording (sim/validate) needs beyond requests: what the
 * kernel does of its own accord. Plain flavour only.
 */
struct mm_replay_ops {
	void (*drain_pages_zone)(uint32_t cpu, uint32_t node, uint32_t zone_idx);
	void (*drain_zone_pages)(uint32_t node, uint32_t zone_idx); /* this CPU's */
	void (*fold_zone)(uint32_t node, uint32_t zone_idx);	    /* this CPU's differential */
	void (*set_watermarks)(uint64_t min_free_kbytes); /* again, with a new value */
	void (*isolate_free_block)(uint64_t pfn);
	/* the model's own compaction, as a copy of the replay tries it: for an allocation, kcompactd's */
	uint32_t (*compact)(uint32_t gfp, uint32_t order, uint32_t alloc_flags, int node, uint32_t priority);
	void (*compact_daemon)(uint32_t node, uint32_t order, uint32_t highest_zoneidx);
	/* what follows: an allocation after compaction got its page; kswapd goes to sleep */
	void (*compact_succeeded)(uint32_t node, uint32_t zone_idx, uint32_t order);
	void (*kswapd_sleeps)(uint32_t node);
	void (*flush_cpu)(struct kmem_cache *s); /* this CPU's slabs to the nodes */
	void (*free_slab)(struct kmem_cache *s, uint64_t pfn); /* after its grace period */
	/* SLAB: begin without caches; arrays of so many entries, one a CPU, as their offset */
	void (*slab_enter)(void);
	struct array_cache *(*slab_arrays)(uint32_t entries);
	/* this CPU's pass over one cache; alien_node -1: no such array is drained */
	void (*slab_reap)(struct kmem_cache *s, int alien_node, bool node_too);
	void (*slab_drain_cpu)(struct kmem_cache *s); /* this CPU's array to the slabs */
	void (*slab_free_pages)(struct kmem_cache *s, uint64_t pfn); /* after a grace period */
	void (*slob_free)(void *block, uint64_t bytes);		     /* likewise */
	bool (*slob_has_room)(uint64_t bytes, uint32_t align, int node, uint32_t align_offset);
};
extern const struct mm_replay_ops mm_replay_ops __attribute__((visibility("default")));

extern const struct mm_ops mm_ops_cycle __attribute__((visibility("default")));
extern const struct mm_ops mm_ops_plain __attribute__((visibility("default")));

#endif
