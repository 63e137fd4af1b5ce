/*
 * inspect.h - reading the allocators' state from outside, uncharged.
 *
 * Compiled without instrumentation (inspect_*.c): a look costs no simulated
 * time and changes nothing. Used for samples, tables, invariant checks, plots.
 */
#ifndef MODELS_MM_INSPECT_H
#define MODELS_MM_INSPECT_H

#include "models/mm/mm.h"
#include "sim/engine/base.h"

struct mm_zone_info {
	u32 node, zone_idx;
	const char *name; /* "DMA", "DMA32", "Normal", "Movable" */
	u64 start_pfn, spanned, present, managed;
	u64 watermark[4]; /* min, low, high, promo, without boost */
	u64 watermark_boost, highatomic;
	u64 reserve[4];	   /* lowmem_reserve by zone index */
	u64 free_counter;  /* global counter alone, as watermark tests read it */
	u64 nr_free_pages; /* exact: global counter plus all CPUs' differentials */
	u64 pcp_pages;	   /* on all per-CPU lists */
	u64 nr_free[11];   /* blocks by order */
	s32 pcp_high, pcp_batch;
};

const char *mm_zone_name(u32 zone_idx);

/* Free blocks and pageblocks by migratetype: walks the lists, which takes long on a big machine. */
struct mm_zone_types {
	u64 nr_free[11][4];
	u32 pageblocks[4];
};

/* Pageblocks of each migratetype alone; and the type of one frame's pageblock. */
void mm_inspect_pageblocks(u32 node, u32 zone_idx, u32 count[4]);
u32 mm_inspect_pageblock_type(u64 pfn);
u64 mm_inspect_max_pfn(void);
u32 mm_inspect_pageblock_order(void);

/* Pages of every pageblock that lie in free buddy blocks are added to its entry. Walks the lists. */
void mm_inspect_free_pages(u16 *in_block);

void mm_inspect_zone_types(u32 node, u32 zone_idx, struct mm_zone_types *types);

/* A zone's page lists of one CPU, in pages; high_min and high_max are high without auto-tuning. */
struct mm_pcp_info {
	s32 count, high, batch, high_min, high_max, stat_threshold;
};
void mm_inspect_pcp(u32 node, u32 zone_idx, u32 cpu, struct mm_pcp_info *info);
u32 mm_inspect_cpus(void); /* CPUs online */

/*
 * Counters by the kernel's names, as its readers see them: without what CPUs
 * have not passed on yet. Of a zone, of a node, and event counters.
 */
typedef void mm_counter_fn(void *arg, const char *name, s64 value);
void mm_inspect_zone_counters(u32 node, u32 zone_idx, mm_counter_fn *fn, void *arg);
void mm_inspect_node_counters(u32 node, mm_counter_fn *fn, void *arg);
void mm_inspect_events(mm_counter_fn *fn, void *arg);
/* Counters of reclaim and compaction by the names of /proc/vmstat; NULL ends the names. */
const char *mm_vm_event_name(u32 event);
u64 mm_inspect_vm_event(u32 event);

u32 mm_inspect_nodes(void);
u32 mm_inspect_cpu_node(u32 cpu);

/* Populated zones, node by node, zone index ascending. Returns how many (at most max). */
u32 mm_inspect_zones(struct mm_zone_info *zones, u32 max);

/*
 * One slab cache as a policy reports it. Objects: total = in use + free_cpu +
 * free_partial, where free_cpu are free objects that belong to a CPU (CPU slab,
 * CPU partial slabs, SLAB's arrays, shared and alien ones too) and free_partial
 * lie in slabs on a node.
 */
struct mm_cache_info {
	const struct kmem_cache *cache;
	u64 name; /* id given at creation; kmalloc and boot caches: index into mm_boot_cache_names */
	bool boot_cache;
	bool whole_pages;  /* no slabs: every object is a page block (noslab) */
	bool shared_pages; /* no slabs: objects lie in pages that all share, nobody counts them (slob) */
	u32 descriptor_bytes; /* of the kmem_cache itself; 0: it is an object of a listed cache */
	u32 object_size, size, align, order, objects_per_slab, refcount;
	u32 min_partial, cpu_partial, cpu_partial_slabs, flags;
	u64 slabs, slab_pages, objects, inuse, free_cpu, free_partial;
	u64 partial_slabs; /* on node lists */
	u64 cpu_slabs;	   /* CPU slabs and CPU partial slabs */
	u64 sheaf_capacity; /* 0: no sheaves */
	u64 own_bytes; /* kmalloc memory that the slab layer itself holds for this cache (sheaves, barns) */
	/*
	 * Of inuse: objects that the slab layer itself keeps in a size class (SLAB: node
	 * structures, shared and alien arrays, index arrays outside slabs).
	 */
	u64 metadata;
};

/* All slab caches in creation order. Returns how many there are (may exceed max). */
u32 mm_inspect_caches(struct mm_cache_info *caches, u32 max);

/*
 * A number that stays with a cache as long as it lives, moves included, and
 * that no other cache has meanwhile: below mm_inspect_cache_slots(). 0: none yet.
 */
u32 mm_inspect_cache_slot(const struct kmem_cache *s);
u32 mm_inspect_cache_slots(void);

/* Slab memory that belongs to no slab cache: pages shared by all of them (slob). */
struct mm_pool_info {
	bool used;
	u64 pages;	/* with free bytes */
	u64 free_bytes; /* in them */
	/* of a loaded slab layer, not in free_bytes: kept by CPUs, behind objects, its own data */
	u64 cpu_bytes, tail_bytes, metadata_bytes;
};

void mm_inspect_pool(struct mm_pool_info *pool);

/* Text of a boot cache's name id ("kmem_cache", "kmalloc-64", "kmalloc-rcl-64", ...). */
const char *mm_boot_cache_name(u64 id);

/* What an address handed out by an allocator is (inspect_object.c). */
bool mm_object_is_slab(const void *object);
const struct kmem_cache *mm_object_cache(const void *object); /* NULL: its page does not say */
/* Bytes of one object as its creator, or the largest of those merged into it, asked for. */
u32 mm_cache_object_size(const struct kmem_cache *s);
/* What it takes up: slab slot or page block. s: slab cache it was allocated from, NULL kmalloc(). */
u64 mm_object_held_bytes(const struct kmem_cache *s, const void *object);
void *mm_page_address(const struct page *page);
struct page *mm_virt_to_page(const void *object);
u32 mm_object_node(const void *object);

/* What the bytes of one object's slot are for, from its beginning on (SLUB, SLAB; else no parts). */
#define MM_SLOT_PARTS 8
struct mm_slot_layout {
	struct {
		const char *what; /* "object", "red zone", "alignment" */
		u32 bytes;
	} parts[MM_SLOT_PARTS];
	u32 nr_parts;
	bool free_pointer_inside; /* of a free object, at free_pointer bytes from its start */
	u32 free_pointer;
	u32 index_bytes; /* SLAB: free-object indices at the slab's end */
	u32 colours, colour_bytes; /* SLAB */
};

void mm_inspect_slot(const struct kmem_cache *s, struct mm_slot_layout *layout);

/* One slab: what each of its objects is (inspect_map.c; SLUB and SLAB). */
#define MM_MAP_OBJECTS 512 /* described; a slab may have more */
enum mm_map_state { MM_MAP_USED, MM_MAP_FREE, MM_MAP_CPU /* free, and a CPU's to hand out */ };
struct mm_slab_map {
	const struct kmem_cache *cache;
	u64 pfn;
	u32 objects, size;
	s32 cpu; /* whose CPU slab it is, -1 none */
	u8 state[MM_MAP_OBJECTS];
};

bool mm_inspect_slab_map(u64 pfn, struct mm_slab_map *map); /* false: no slab there */
/* How full a slab is; nothing is walked (SLUB and SLAB). */
struct mm_slab_fill {
	const struct kmem_cache *cache; /* NULL: not the slab's first frame, or a layer without such slabs */
	u32 objects, inuse;		/* inuse: all but those on the slab's own list of free ones */
	bool cpu;			/* SLUB: a CPU's slab, as its first or on its partial list */
};

bool mm_inspect_slab_fill(u64 pfn, struct mm_slab_fill *fill); /* false: the frame is in no slab */
/* First frame of the slab that the CPU's next object of this cache comes from, ~0: not known yet. */
u64 mm_inspect_next_slab(const struct kmem_cache *s, u32 cpu);
/* Slab cache that serves kmalloc() of this size, NULL: none does. */
const struct kmem_cache *mm_inspect_kmalloc_cache(u64 size, u32 gfp);

/*
 * What lies at an address of simulated memory (off as hooks see it, either
 * window), at this moment; a walk over CPUs and slab caches (inspect_place.c).
 */
struct mm_place {
	char structure[32]; /* "struct zone", "object", "page" */
	char owner[40];	    /* "node 0 Normal", "CPU 3", "pfn 0x1234"; may be empty */
	char field[40];	    /* "free_area[3]", "lock"; empty: not in a field that is known */
	u64 offset;	    /* from the beginning of the structure */
	const struct kmem_cache *cache; /* slab cache whose it is, or NULL */
};

void mm_inspect_place(u64 off, struct mm_place *place);
/* Names of the fields that share the cache line of off, into text; how many. */
u32 mm_inspect_line_fields(u64 off, char *text, size_t n);

/*
 * Every invariant of the page allocator and the slab layer: list links, counts,
 * buddy marks, alignment, merge completeness, slab freelists. KMS_EFAIL with
 * the first violation in words.
 */
int mm_check(struct kms_error *err);

/* The page allocator's part of mm_check(), LRU lists included. Call between operations. */
int mm_check_pages(struct kms_error *err);

/*
 * The slab layer's part of mm_check(). Call between operations. In SLUB's caches
 * with debug options every byte of red zones, poison and padding on listed slabs is
 * checked, too: a write beyond an object or after its free is reported here even
 * if nobody touches the object again (docs/slub-debug.md; slab_ops.cache_validate()
 * does it for one cache).
 */
int mm_check_slabs(struct kms_error *err);

#endif
