/*
 * policy.h - what an allocator policy of your own is written against, version 1.
 *
 * A policy is one plain C file that includes this header, defines some of the
 * functions of struct kms_policy_ops and ends with KMS_POLICY(...). `kmemsim
 * policy build FILE.c` compiles it twice into one FILE.so: instrumented, so that
 * every load, store and atomic is charged and checked, for cycle timing; and
 * natively for functional timing. `kmemsim run CONFIG --policy FILE.so` uses it.
 * docs/tutorial-policy.md builds one step by step.
 *
 * What there is, by the kernel's names and meanings:
 *   from models/mm/kernel.h    u8..u64, gfp_t, likely(), min(), ALIGN(), READ_ONCE(),
 *                              WRITE_ONCE(), BUG_ON(), spin_lock(), atomic_inc(),
 *                              smp_processor_id(), this_cpu_ptr(), kms_cmpxchg_double(),
 *                              memset(), memcpy(), PAGE_SIZE, SMP_CACHE_BYTES, trace0()..trace3()
 *   from models/mm/mm_types.h  struct page, struct list_head, GFP and SLAB flags,
 *                              virt_to_page(), virt_to_head_page(), page_address(),
 *                              get_order(), per_cpu_ptr(), cpu_to_node(), numa_node_id()
 *   from models/mm/list.h      list_add(), list_del(), list_for_each_entry() ...
 *   from here                  alloc_pages(), __free_pages(), alloc_percpu(), LOCK_POLICY
 *
 * Where a policy may keep what it knows: in static variables (simulated memory
 * like any other: charged, reset for every run), in pages it got from
 * alloc_pages(), in the struct page of these, in per-CPU memory from
 * alloc_percpu(). Everything else is not its own and touching it ends the run.
 * Pages and objects are at addresses that repeat from run to run.
 *
 * Rules: no bit-fields, no structures by value, no inline assembly, no C
 * library; READ_ONCE/WRITE_ONCE, locks or atomics for what CPUs share. All
 * static variables in one structure aligned to SMP_CACHE_BYTES make a policy
 * behave alike whichever compiler built it: compilers order and align separate
 * variables as they like.
 */
#ifndef KMEMSIM_POLICY_H
#define KMEMSIM_POLICY_H

/* Raised when a policy built before could no longer be used. Checked when one is loaded. */
#define KMS_POLICY_ABI 1

#include "models/mm/list.h"

/* A slab cache as the policy keeps it: define struct kms_cache as you need it. */
struct kms_cache;

struct kms_cache_args {
	u32 size;  /* bytes of an object, above 0 */
	u32 align; /* a power of two, at least 8 */
	u32 flags; /* SLAB_HWCACHE_ALIGN, SLAB_RECLAIM_ACCOUNT, ... */
	u32 id;	   /* number of the cache, unique in a run */
};

/* What lies in the pages of a policy that no object holds. All bytes; the rest counts as free in partial slabs. */
struct kms_policy_usage {
	u64 cpu_cached; /* free objects that CPUs keep for themselves */
	u64 slab_tail;	/* behind the last object of a slab */
	u64 metadata;	/* headers, descriptors, pages for tables */
};

/*
 * Called on the CPU that makes the request. Only kmalloc and kfree are required;
 * caches without functions of their own are served by these two.
 *
 * What an allocation returns must be aligned to 8 bytes, to the cache's `align`,
 * and for a kmalloc() of a power of two to that size, up to a page; it must lie
 * wholly in pages that the policy got from alloc_pages() and overlap with no
 * other object in use. NULL: no memory. An object belongs to its user from the
 * moment it is returned until it is handed to a free function: the policy may not
 * look into it meanwhile. Every free must count: memory that has been freed can
 * be allocated again.
 */
struct kms_policy_ops {
	void *(*kmalloc)(size_t size, gfp_t gfp, int node); /* 0 < size <= KMALLOC_MAX_SIZE; node -1: any */
	void (*kfree)(void *object);
	size_t (*ksize)(const void *object); /* bytes that an object takes up; NULL: size asked for, rounded to 8 */

	void (*init)(void);	       /* once, on CPU 0, before any other call */
	void (*init_late)(void);       /* per-CPU page lists are about to start */
	void (*cpu_prepare)(u32 cpu);  /* before a CPU comes online */

	struct kms_cache *(*cache_create)(const struct kms_cache_args *args);
	void (*cache_destroy)(struct kms_cache *s); /* all its objects have been freed */
	void (*cache_shrink)(struct kms_cache *s);
	void *(*cache_alloc)(struct kms_cache *s, gfp_t gfp, int node);
	void (*cache_free)(struct kms_cache *s, void *object);
	/* all or nothing: returns n or 0 */
	int (*cache_alloc_bulk)(struct kms_cache *s, gfp_t gfp, size_t n, void **objects);

	/* background work of the current CPU, every periodic_ns of recorded time */
	void (*periodic)(u64 now_ns);
	u64 periodic_ns;

	void (*usage)(struct kms_policy_usage *usage); /* for the byte accounts; uncharged */
};

enum kms_param_type { KMS_PARAM_UINT, KMS_PARAM_BOOL };

/* One parameter: "allocator": {"policy_params": {NAME: VALUE}} writes *value before init(). */
struct kms_policy_param {
	const char *name;
	enum kms_param_type type;
	u64 *value;	    /* a static variable of the policy */
	u64 def, min, max;  /* both inclusive */
	const char *unit;   /* "objects", "bytes", ...; "" for none */
	const char *doc;    /* one sentence */
};

struct kms_policy {
	u32 abi;	   /* KMS_POLICY_ABI, by KMS_POLICY() */
	u32 bytes;	   /* of this structure, likewise */
	const char *name;
	const char *summary;	/* one line */
	const char *kernel;	/* kernel version whose behaviour it models; "" for none */
	const char *source;	/* where that behaviour is described */
	const char *compiler;	/* by KMS_POLICY() */
	const struct kms_policy_ops *ops;
	const struct kms_policy_param *params; /* [nr_params] */
	u32 nr_params;
};

/* The last lines of a policy: KMS_POLICY(.name = "mine", .summary = "...", .ops = &mine_ops); */
#ifdef KMS_FLAVOUR_CYCLE
#define KMS_POLICY_SYMBOL kms_policy_cycle
#else
#define KMS_POLICY_SYMBOL kms_policy_plain
#endif
#define KMS_POLICY(...)                                                                            \
	__attribute__((visibility("default"))) extern const struct kms_policy KMS_POLICY_SYMBOL;   \
	const struct kms_policy KMS_POLICY_SYMBOL = { .abi = KMS_POLICY_ABI,                       \
						      .bytes = sizeof(struct kms_policy),          \
						      .compiler = __VERSION__, __VA_ARGS__ }

/* ---- pages ---- */

/*
 * 2^order pages, order 0..10, physically contiguous; NULL: none left. Their
 * struct page words flags, _refcount and page_type belong to the page allocator,
 * the others to the policy while it holds the pages (lru, slab_cache, freelist,
 * counters and what shares their place); they hold anything at first.
 */
struct page *kms_policy_alloc_pages(gfp_t gfp, u32 order, int node);
/* page and order as allocated; no object in use may lie in them. */
void kms_policy_free_pages(struct page *page, u32 order);

static inline struct page *alloc_pages_node(gfp_t gfp, u32 order, int node)
{
	return kms_policy_alloc_pages(gfp, order, node);
}

static inline struct page *alloc_pages(gfp_t gfp, u32 order)
{
	return kms_policy_alloc_pages(gfp, order, -1);
}

static inline void __free_pages(struct page *page, u32 order)
{
	WRITE_ONCE(page->mapping, 0); /* shares its place with slab_cache; must be 0 in a free page */
	kms_policy_free_pages(page, order);
}

/* ---- per-CPU memory, zeroed: use with this_cpu_ptr() and per_cpu_ptr() ---- */

void __percpu *kms_policy_alloc_percpu(u64 size, u64 align); /* NULL: none left */
void kms_policy_free_percpu(void __percpu *p, u64 size);
#define alloc_percpu(type) ((type __percpu *)kms_policy_alloc_percpu(sizeof(type), _Alignof(type)))
#define free_percpu(p) kms_policy_free_percpu(p, sizeof(*(p)))

#define nr_cpu_ids READ_ONCE(kdata->nr_cpu_ids) /* a memory access, as in the kernel */

#endif
