/*
 * mm_types.h - the kernel's structures, as they lie in simulated RAM.
 *
 * Sizes and offsets are those of the Linux 6.1 kernels that the recordings
 * come from (x86-64, 4 migratetypes, no memory cgroups); layout_check.c holds
 * the compiler to them. Where the kernel keeps a pointer to something outside
 * these models (names, constructors, wait queues) there is a small id or a
 * reserved gap of the same size.
 *
 * All of models/mm shares this header; the rest of the program sees the
 * structures only through mm.h and the uninstrumented inspect_*.c.
 */
#ifndef MODELS_MM_MM_TYPES_H
#define MODELS_MM_MM_TYPES_H

#include "models/mm/kernel.h"

/* ---- limits ---- */
#define MAX_ORDER 11 /* exclusive, as in 6.1: orders 0..10 */
#define MAX_NUMNODES 64
#define NR_CPUS 256
#define PAGEBLOCK_ORDER kms_tunable(TUNE_PAGEBLOCK_ORDER) /* 9 in a kernel for x86 */
#define PAGEBLOCK_NR_PAGES (1ul << PAGEBLOCK_ORDER)
#define MAX_PAGEBLOCK_NR_PAGES (1ul << (MAX_ORDER - 1))
#define PAGE_ALLOC_COSTLY_ORDER 3
#define NR_PCP_LISTS 14
#define SECTION_PFN_SHIFT 15 /* 128 MiB */

enum zone_type { ZONE_DMA, ZONE_DMA32, ZONE_NORMAL, ZONE_MOVABLE, MAX_NR_ZONES };
enum migratetype { MIGRATE_UNMOVABLE, MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE, MIGRATE_PCPTYPES,
		   MIGRATE_HIGHATOMIC = MIGRATE_PCPTYPES, MIGRATE_TYPES };
enum zone_watermarks { WMARK_MIN, WMARK_LOW, WMARK_HIGH, WMARK_PROMO, NR_WMARK };
enum lru_list { LRU_INACTIVE_ANON, LRU_ACTIVE_ANON, LRU_INACTIVE_FILE, LRU_ACTIVE_FILE, NR_LRU_LISTS };
/* from NR_ZONE_LRU_BASE and NR_LRU_BASE on: pages on each LRU list */
enum zone_stat_item { NR_FREE_PAGES, NR_ZONE_LRU_BASE, NR_VM_ZONE_STAT_ITEMS = 10 };
enum node_stat_item { NR_SLAB_RECLAIMABLE_B, NR_SLAB_UNRECLAIMABLE_B, NR_LRU_BASE,
		      NR_ISOLATED_ANON = NR_LRU_BASE + NR_LRU_LISTS, NR_ISOLATED_FILE, NR_VM_NODE_STAT_ITEMS = 41 };
enum vm_event { PGALLOC_DMA, PGALLOC_DMA32, PGALLOC_NORMAL, PGALLOC_MOVABLE, PGFREE, ALLOCSTALL,
		PGSCAN_KSWAPD, PGSCAN_DIRECT, PGSTEAL_KSWAPD, PGSTEAL_DIRECT, PGSCAN_DIRECT_THROTTLE,
		PGACTIVATE, PGDEACTIVATE, PAGEOUTRUN, KSWAPD_LOW_WMARK_HIT_QUICKLY,
		KSWAPD_HIGH_WMARK_HIT_QUICKLY, COMPACTMIGRATE_SCANNED, COMPACTFREE_SCANNED,
		COMPACTISOLATED, COMPACTSTALL, COMPACTFAIL, COMPACTSUCCESS, KCOMPACTD_WAKE,
		KCOMPACTD_MIGRATE_SCANNED, KCOMPACTD_FREE_SCANNED, PGMIGRATE_SUCCESS, PGMIGRATE_FAIL,
		OOM_KILL, SLABS_SCANNED, NR_VM_EVENTS = 32 };
enum numa_stat { NUMA_HIT, NUMA_MISS, NUMA_FOREIGN, NUMA_INTERLEAVE_HIT, NUMA_LOCAL, NUMA_OTHER, NR_NUMA_STATS };
enum zone_flags { ZONE_BOOSTED_WATERMARK, ZONE_RECLAIM_ACTIVE, ZONE_BELOW_HIGH };

/* ---- GFP flags (6.1 values) ---- */
#define __GFP_DMA 0x01u
#define __GFP_HIGHMEM 0x02u
#define __GFP_DMA32 0x04u
#define __GFP_MOVABLE 0x08u
#define __GFP_RECLAIMABLE 0x10u
#define __GFP_HIGH 0x20u
#define __GFP_IO 0x40u
#define __GFP_FS 0x80u
#define __GFP_ZERO 0x100u
#define __GFP_ATOMIC 0x200u
#define __GFP_DIRECT_RECLAIM 0x400u
#define __GFP_KSWAPD_RECLAIM 0x800u
#define __GFP_WRITE 0x1000u
#define __GFP_NOWARN 0x2000u
#define __GFP_RETRY_MAYFAIL 0x4000u
#define __GFP_NOFAIL 0x8000u
#define __GFP_NORETRY 0x10000u
#define __GFP_MEMALLOC 0x20000u
#define __GFP_COMP 0x40000u
#define __GFP_NOMEMALLOC 0x80000u
#define __GFP_HARDWALL 0x100000u
#define __GFP_THISNODE 0x200000u
#define __GFP_ACCOUNT 0x400000u
#define __GFP_RECLAIM (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)
#define GFP_ATOMIC (__GFP_HIGH | __GFP_ATOMIC | __GFP_KSWAPD_RECLAIM)
#define GFP_NOWAIT (__GFP_KSWAPD_RECLAIM)
#define GFP_KERNEL (__GFP_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_USER (GFP_KERNEL | __GFP_HARDWALL)
#define GFP_HIGHUSER_MOVABLE (GFP_USER | __GFP_HIGHMEM | __GFP_MOVABLE)

/* ---- allocation flags ---- */
#define ALLOC_WMARK_MASK 0x3u
#define ALLOC_NO_WATERMARKS 0x4u
#define ALLOC_OOM 0x8u
#define ALLOC_NON_BLOCK 0x10u
#define ALLOC_MIN_RESERVE 0x20u
#define ALLOC_CPUSET 0x40u
#define ALLOC_CMA 0x80u
#define ALLOC_NOFRAGMENT 0x100u
#define ALLOC_HIGHATOMIC 0x200u
#define ALLOC_KSWAPD 0x800u
#define ALLOC_RESERVES (ALLOC_NON_BLOCK | ALLOC_MIN_RESERVE | ALLOC_HIGHATOMIC | ALLOC_OOM)

/* ---- slab cache flags (6.1 values) ---- */
#define SLAB_CONSISTENCY_CHECKS 0x00000100u
#define SLAB_RED_ZONE 0x00000400u
#define SLAB_POISON 0x00000800u
#define SLAB_KMALLOC 0x00001000u
#define SLAB_HWCACHE_ALIGN 0x00002000u
#define SLAB_CACHE_DMA 0x00004000u
#define SLAB_CACHE_DMA32 0x00008000u
#define SLAB_STORE_USER 0x00010000u
#define SLAB_RECLAIM_ACCOUNT 0x00020000u
#define SLAB_PANIC 0x00040000u
#define SLAB_TYPESAFE_BY_RCU 0x00080000u
#define SLAB_MEM_SPREAD 0x00100000u
#define SLAB_TRACE 0x00200000u
#define SLAB_DEBUG_FLAGS                                                                           \
	(SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER | SLAB_TRACE)
#define SLAB_NOLEAKTRACE 0x00800000u
#define SLAB_ACCOUNT 0x04000000u
#define SLAB_CMPXCHG_DOUBLE 0x40000000u

struct list_head {
	struct list_head *next, *prev;
};

/* ---- struct page: 64 bytes, one cache line ---- */

/*
 * flags: zone and node as in the kernel (node << 58, zone << 56) plus the bits
 * below. A struct page that was never written is valid as zeros: PG_init says
 * that zone and node have been filled in (page_zone() does it on first use, as
 * deferred struct page initialisation does), page_type 0 is "no type".
 */
#define PG_locked (1ul << 0)
#define PG_referenced (1ul << 2)
#define PG_lru (1ul << 4) /* on an LRU list; also any page allocated as movable whose owner keeps it off them */
#define PG_lru_listed (1ul << 5) /* linked there: PG_lru proper */
#define PG_active (1ul << 8)
#define PG_anon (1ul << 19) /* swap-backed: on the anonymous lists */
#define PG_slab (1ul << 9)
#define PG_slob_free (1ul << 11) /* on one of SLOB's lists */
#define PG_reserved (1ul << 12)
#define PG_head (1ul << 16)
#define PG_init (1ul << 24)
#define PAGE_ZONE_SHIFT 56
#define PAGE_NODE_SHIFT 58
#define PAGE_TYPE_BUDDY 0x80000000u /* above any count of a slab's objects, which shares its word */
#define LIST_POISON1 ((void *)0x100)
#define LIST_POISON2 ((void *)0x122)
#define TAIL_MAPPING 0x400ul

struct kmem_cache;

struct page {
	u64 flags; /* 0 */
	union {	   /* 8 */
		struct list_head lru; /* buddy_list, pcp_list, slab_list */
		u64 compound_head;    /* tail: head address | 1 */
		struct {
			struct page *next; /* SLUB: CPU partial chain */
			s32 slabs;
			s32 pobjects; /* with slub_cpu_partial_limit "objects" */
		};
		struct {
			u64 __compound_head;
			u8 compound_dtor; /* first tail page */
			u8 compound_order;
		};
	};
	union { /* 24 */
		u64 mapping;
		struct kmem_cache *slab_cache;
	};
	union { /* 32, 16-byte aligned together with the next word */
		u64 index; /* cached migratetype on per-CPU lists */
		void *freelist;
	};
	union { /* 40 */
		u64 private; /* order of a free buddy block */
		u64 counters; /* SLUB: inuse 0..15, objects 16..30, frozen 31 */
		s64 units; /* SLOB: free units in the page */
		void *s_mem; /* SLAB: first object */
	};
	union { /* 48 */
		u32 page_type;
		u32 active; /* SLAB: objects in use */
	};
	s32 _refcount;	/* 52 */
	u64 __reserved; /* 56 */
};

/* ---- zones ---- */

struct free_area {
	struct list_head free_list[MIGRATE_TYPES];
	u64 nr_free;
};

struct per_cpu_pages {
	spinlock_t lock;
	s32 count; /* base pages on all lists */
	s32 high;
	s32 batch;
	s16 free_factor; /* < 0: the lists are auto-tuned (pcp_tune.c) */
	s16 expire;
	u8 flags;	/* auto-tuning; the kernels that have it lay this struct out anew */
	u8 alloc_factor;
	s16 free_count; /* pages freed in a row */
	struct list_head lists[NR_PCP_LISTS];
	s32 high_min; /* auto-tuning */
	s32 high_max;
};

struct per_cpu_zonestat {
	s8 vm_stat_diff[NR_VM_ZONE_STAT_ITEMS];
	s8 stat_threshold;
	u8 __gap[5];
	u64 vm_numa_event[NR_NUMA_STATS];
};

struct pglist_data;

struct zone {
	u64 _watermark[NR_WMARK];		    /* 0 */
	u64 watermark_boost;			    /* 32 */
	u64 nr_reserved_highatomic;		    /* 40 */
	u64 lowmem_reserve[MAX_NR_ZONES];	    /* 48 */
	s32 node;				    /* 80 */
	u32 zone_idx;				    /* 84: a hole in the kernel's */
	struct pglist_data *zone_pgdat;		    /* 88 */
	struct per_cpu_pages __percpu *per_cpu_pageset; /* 96 */
	struct per_cpu_zonestat __percpu *per_cpu_zonestats; /* 104 */
	s32 pageset_high;			    /* 112 */
	s32 pageset_batch;			    /* 116 */
	u64 zone_start_pfn;			    /* 120 */
	u64 managed_pages;			    /* 128 */
	u64 spanned_pages;			    /* 136 */
	u64 present_pages;			    /* 144 */
	u64 name;				    /* 152: id */
	s32 initialized;			    /* 160 */
	u8 __pad1[28];
	struct free_area free_area[MAX_ORDER];	    /* 192 */
	u64 flags;				    /* 984 */
	spinlock_t lock;			    /* 992 */
	u8 __pad2[28];
	u64 percpu_drift_mark;			    /* 1024 */
	u64 compact_cached_free_pfn;		    /* 1032 */
	u64 compact_cached_migrate_pfn[2];	    /* 1040 */
	u64 compact_init_migrate_pfn;		    /* 1056 */
	u64 compact_init_free_pfn;		    /* 1064 */
	u32 compact_considered;			    /* 1072 */
	u32 compact_defer_shift;		    /* 1076 */
	s32 compact_order_failed;		    /* 1080 */
	bool compact_blockskip_flush;		    /* 1084 */
	bool contiguous;			    /* 1085 */
	s64 vm_stat[NR_VM_ZONE_STAT_ITEMS];	    /* 1088 */
	u64 vm_numa_event[NR_NUMA_STATS];	    /* 1168 */
} __attribute__((aligned(64)));

struct zoneref {
	struct zone *zone;
	s32 zone_idx;
	s32 __gap;
};

struct zonelist {
	struct zoneref _zonerefs[MAX_NUMNODES * MAX_NR_ZONES + 1];
};

/* A node's pages in user hands, least recently used last. */
struct lruvec {
	struct list_head lists[NR_LRU_LISTS];
	spinlock_t lru_lock;
	u32 __gap;
};

struct pglist_data {
	struct zone node_zones[MAX_NR_ZONES]; /* 0 */
	struct zonelist node_zonelists[2];    /* 4864: fallback, no fallback */
	s32 nr_zones;			      /* 13088 */
	u64 node_start_pfn;		      /* 13096 */
	u64 node_present_pages;		      /* 13104 */
	u64 node_spanned_pages;		      /* 13112 */
	s32 node_id;			      /* 13120 */
	s32 kswapd_order;		      /* wanted of kswapd by those who woke it */
	u32 kswapd_highest_zoneidx;	      /* MAX_NR_ZONES: by nobody */
	s32 kswapd_failures;		      /* passes without a page since the last one with */
	u32 kswapd_awake;
	s32 kcompactd_max_order;
	u32 kcompactd_highest_zoneidx;
	u32 kcompactd_awake;
	u32 lru_used;			      /* the node has had pages on LRU lists */
	u32 proactive_deferred;		      /* checks of proactive compaction to leave out */
	u8 __pad1[200];
	u64 totalreserve_pages;		      /* 13360 */
	struct lruvec lruvec;		      /* 13368 */
	u8 __pad2[168];
	u64 flags;			      /* 13608 */
	u8 __pad3[16];
	u64 per_cpu_nodestats;		      /* 13632 */
	s64 vm_stat[NR_VM_NODE_STAT_ITEMS];   /* 13640 */
	u64 memtier;			      /* 13968 */
	u8 __pad4[40];
};

/* One kind of object that its owner can give back (shrinker.c). */
#define NR_SHRINKERS 8
struct shrinker {
	u32 seeks, batch;
	u64 nr_deferred[MAX_NUMNODES]; /* objects not looked at yet, by node */
};

struct vm_event_state {
	u64 event[NR_VM_EVENTS];
};

struct mem_section {
	u64 section_mem_map;
	struct mem_section_usage *usage;
	u64 __pad[2];
};

struct mem_section_usage {
	u64 __head[3];
	u64 pageblock_flags[4]; /* 24: 4 bits a pageblock; more words if pageblocks are smaller than 9 */
};

static inline u64 *pageblock_words(struct mem_section_usage *usage)
{
	return (u64 *)((u64)usage + offsetof(struct mem_section_usage, pageblock_flags));
}

static inline u64 section_usage_bytes(void)
{
	u64 bitmap = (1ul << SECTION_PFN_SHIFT >> PAGEBLOCK_ORDER) / 2;
	u64 extra = bitmap > 4 * sizeof(u64) ? bitmap - 4 * sizeof(u64) : 0;

	return sizeof(struct mem_section_usage) + extra;
}

/* ---- SLUB ---- */

struct kmem_cache_cpu {
	void **freelist;
	u64 tid;
	struct page *slab;
	struct page *partial;
};

struct kmem_cache_node {
	spinlock_t list_lock;	  /* 0 */
	u32 __gap;
	u64 nr_partial;		  /* 8 */
	struct list_head partial; /* 16 */
	u64 nr_slabs;		  /* 32 */
	u64 total_objects;	  /* 40 */
	struct list_head full;	  /* 48 */
};

struct kmem_cache {
	struct kmem_cache_cpu __percpu *cpu_slab; /* 0 */
	u32 flags;				  /* 8 */
	u32 cpu_sheaves;			  /* 12: per-CPU offset, in a hole of 6.1's; 0: none (sheaves.h) */
	u64 min_partial;			  /* 16 */
	u32 size;				  /* 24 */
	u32 object_size;			  /* 28 */
	union {					  /* 32 */
		u64 reciprocal_size; /* only debugging reads it */
		u32 sheaf_capacity;  /* on this line in 6.18 as well */
	};
	u32 offset;				  /* 40 */
	u32 cpu_partial;			  /* 44 */
	u32 cpu_partial_slabs;			  /* 48 */
	u32 oo;					  /* 52: order << 16 | objects */
	u32 min;				  /* 56 */
	gfp_t allocflags;			  /* 60 */
	s32 refcount;				  /* 64 */
	u32 __gap2;
	u64 ctor;				  /* 72: id, 0 none */
	u32 inuse;				  /* 80 */
	u32 align;				  /* 84 */
	u32 red_left_pad;			  /* 88 */
	u32 __gap3;
	u64 name;				  /* 96: id given by the creator */
	struct list_head list;			  /* 104 */
	u8 kobj[64];				  /* 120 */
	u32 remote_node_defrag_ratio;		  /* 184 */
	u32 useroffset;				  /* 188 */
	u32 usersize;				  /* 192 */
	u32 __gap4;
	struct kmem_cache_node *node[MAX_NUMNODES]; /* 200 */
};

/* ---- SLOB: its kmem_cache has a layout of its own ---- */

struct slob_cache {
	u32 object_size;       /* 0 */
	u32 size;	       /* 4 */
	u32 align;	       /* 8 */
	u32 flags;	       /* 12 */
	u32 useroffset;	       /* 16 */
	u32 usersize;	       /* 20 */
	u64 name;	       /* 24: id given by the creator */
	s32 refcount;	       /* 32 */
	u32 __gap;
	u64 ctor;	       /* 40: id, 0 none */
	struct list_head list; /* 48 */
};

enum slob_list { SLOB_SMALL, SLOB_MEDIUM, SLOB_LARGE, NR_SLOB_LISTS };

enum kmalloc_cache_type { KMALLOC_NORMAL, KMALLOC_RECLAIM, KMALLOC_DMA, NR_KMALLOC_TYPES };
#define KMALLOC_SHIFT_LOW 3
#define KMALLOC_SHIFT_HIGH 13
#define KMALLOC_MAX_CACHE_SIZE (1ul << KMALLOC_SHIFT_HIGH)
#define KMALLOC_MAX_SIZE (PAGE_SIZE << (MAX_ORDER - 1))
#define ZERO_SIZE_PTR ((void *)16)
enum slab_state { SLAB_DOWN, SLAB_PARTIAL, SLAB_UP, SLAB_PARTIAL_NODE, SLAB_FULL };

/* ---- out of memory ---- */

#define NR_OOM_TASKS 64u
#define OOM_SCORE_ADJ_MIN (-1000)
struct oom_task {
	s64 rss;	   /* anonymous pages */
	s32 oom_score_adj; /* -1000: never to be killed */
	u32 killed;
};

/* The slab layer that is in operation, set by its init(): how inspect_*.c reads its structures. */
enum slab_policy_id { SLAB_POLICY_NONE, SLAB_POLICY_SLUB, SLAB_POLICY_NOSLAB, SLAB_POLICY_SLOB, SLAB_POLICY_SLAB, SLAB_POLICY_PLUGGED, NR_SLAB_POLICY_IDS };

/* ---- what is global in the kernel; one struct at a fixed address ---- */

/*
 * Read-mostly words first, counters that CPUs write on lines of their own.
 * params are the tunables, by the kernel's names (mm_config.h documents them).
 */
struct kernel_globals {
	/* page allocator, read-mostly */
	gfp_t gfp_allowed_mask;
	u32 nr_cpu_ids;
	u32 nr_node_ids;
	u32 nr_online_cpus;
	u32 nr_online_nodes;
	u32 page_group_by_mobility_disabled;
	u64 max_pfn;
	struct mem_section *mem_section; /* [pfn >> SECTION_PFN_SHIFT] */
	struct vm_event_state __percpu *vm_event_states;
	u64 percpu_used; /* bytes handed out of every CPU's area */
	u64 percpu_free; /* offset of the first chunk given back, 0 none */
	u64 percpu_unit_bytes;
	u64 totalreserve_pages;
	u64 min_free_kbytes;
	u64 watermark_scale_factor;
	u64 watermark_boost_factor;
	u64 percpu_pagelist_high_fraction;
	u64 lowmem_reserve_ratio[MAX_NR_ZONES];
	u8 cpu_to_node[NR_CPUS];
	u8 cpu_online[NR_CPUS];
	u8 boot_cpu_apart; /* booting, and CPU 0 does not count for its node yet (SLAB) */
	struct pglist_data *node_data[MAX_NUMNODES];
	u64 per_cpu_offset[NR_CPUS];
	u64 extfrag_threshold;
	u32 compaction_proactiveness; /* 0..100; 0: none ahead of need */
	u64 node_reclaim_mode;
	u32 nr_shrinkers;
	struct shrinker shrinkers[NR_SHRINKERS];
	/* page allocator, written by every CPU */
	s64 vm_zone_stat[NR_VM_ZONE_STAT_ITEMS] __attribute__((aligned(64)));

	/* slab layer, read-mostly */
	u32 slab_state __attribute__((aligned(64)));
	u32 slub_min_order;
	u32 slub_max_order;
	u32 slub_min_objects; /* 0: from the number of CPUs */
	u32 slab_nomerge;
	u32 slub_cpu_partial; /* 1: CPU partial lists compiled in */
	struct kmem_cache *kmem_cache;
	struct kmem_cache *kmem_cache_node;
	struct kmem_cache *kmalloc_caches[NR_KMALLOC_TYPES][KMALLOC_SHIFT_HIGH + 1];
	u8 kmalloc_size_index[24];
	struct list_head slab_caches;
	spinlock_t slab_mutex;
	struct kmem_cache boot_kmem_cache;
	struct kmem_cache boot_kmem_cache_node;

	/* the last resort: what a task holds, and how ready one is to give it up */
	struct oom_task oom_tasks[NR_OOM_TASKS];
	spinlock_t oom_lock;

	u32 slab_policy; /* enum slab_policy_id; read from outside only */

	/* SLOB: the pages with free units, by size of request; the one lock on a line of its own */
	struct list_head free_slob[NR_SLOB_LISTS] __attribute__((aligned(64)));
	spinlock_t slob_lock __attribute__((aligned(64)));
	struct slob_cache slob_boot_cache __attribute__((aligned(64)));

	/* SLAB */
	u32 slab_max_order;
	u32 use_alien_caches;
	u64 jiffies; /* as of the last periodic work of any CPU */
	u32 __percpu *slab_reap_node; /* whose alien cache a CPU empties next */
};

#define kdata ((struct kernel_globals *)(PAGE_OFFSET + KERNEL_DATA_PHYS))
#define KERNEL_DATA_BYTES ALIGN(sizeof(struct kernel_globals), PAGE_SIZE)

/* ---- conversions ---- */

#define vmemmap ((struct page *)VMEMMAP_START)

static inline struct page *pfn_to_page(u64 pfn)
{
	return vmemmap + pfn;
}

static inline u64 page_to_pfn(const struct page *page)
{
	return (u64)(page - vmemmap);
}

static inline void *page_address(const struct page *page)
{
	return (void *)(PAGE_OFFSET + (page_to_pfn(page) << PAGE_SHIFT));
}

static inline struct page *virt_to_page(const void *addr)
{
	return vmemmap + (((u64)addr - PAGE_OFFSET) >> PAGE_SHIFT);
}

/* Head of the (possibly compound) page that addr lies in: reads the page's word 8. */
static inline struct page *virt_to_head_page(const void *addr)
{
	struct page *page = virt_to_page(addr);
	u64 head = READ_ONCE(page->compound_head);

	return unlikely(head & 1) ? (struct page *)(head - 1) : page;
}

static inline int get_order(u64 size)
{
	size = (size - 1) >> PAGE_SHIFT;
	return fls64(size);
}

#define per_cpu_ptr(p, cpu)                                                                        \
	({                                                                                         \
		typeof(p) per_cpu_p_ = (p);                                                        \
		(typeof(p))((u64)per_cpu_p_ + READ_ONCE(kdata->per_cpu_offset[cpu]));              \
	})

static inline u32 cpu_to_node(u32 cpu)
{
	return kdata->cpu_to_node[cpu];
}

static inline u32 numa_node_id(void)
{
	return cpu_to_node(smp_processor_id());
}

#endif
