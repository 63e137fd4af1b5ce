/*
 * request.h - one request of a workload, decoded.
 *
 * The same structure comes out of a recorded trace (trace.h) and a synthetic
 * generator (synthetic.h), and goes into replay. Objects are named by a dense
 * slot and a generation: slots are reused after the object is freed, the
 * generation says which of a slot's objects is meant, so that replay indexes an
 * array and never hashes, with memory bounded by the live objects.
 */
#ifndef WORKLOADS_REQUEST_H
#define WORKLOADS_REQUEST_H

#include "sim/engine/base.h"

/*
 * REQUEST(id, name, class, doc). class: A allocation, F free, C control.
 */
#define KMS_REQUESTS(REQUEST)                                                                          \
	REQUEST(REQ_PAGE_ALLOC, "page_alloc", 'A', "alloc_pages(gfp, order) on a node")                \
	REQUEST(REQ_PAGE_FREE, "page_free", 'F', "free the whole block")                               \
	REQUEST(REQ_PAGE_FREE_PART, "page_free_part", 'F', "free 2^order pages at an offset of a split or exact block") \
	REQUEST(REQ_PAGE_ALLOC_BULK, "page_bulk", 'A', "n order-0 pages at once")                      \
	REQUEST(REQ_PAGE_FREE_LIST, "page_free_list", 'F', "free_unref_page_list() of n pages")        \
	REQUEST(REQ_PAGE_ALLOC_EXACT, "page_exact", 'A', "alloc_pages_exact(size)")                    \
	REQUEST(REQ_PAGE_SPLIT, "page_split", 'C', "split_page(): from here freed page by page")       \
	REQUEST(REQ_PAGE_RELEASE, "page_release", 'C', "boot-time reserved pages given to the buddy")  \
	REQUEST(REQ_KMALLOC, "kmalloc", 'A', "kmalloc(size, gfp) on a node")                           \
	REQUEST(REQ_KFREE, "kfree", 'F', "kfree(object)")                                              \
	REQUEST(REQ_CACHE_CREATE, "cache_create", 'C', "kmem_cache_create()")                          \
	REQUEST(REQ_CACHE_DESTROY, "cache_destroy", 'C', "kmem_cache_destroy()")                       \
	REQUEST(REQ_CACHE_SHRINK, "cache_shrink", 'C', "kmem_cache_shrink()")                          \
	REQUEST(REQ_CACHE_ALLOC, "cache_alloc", 'A', "kmem_cache_alloc(cache, gfp)")                   \
	REQUEST(REQ_CACHE_FREE, "cache_free", 'F', "kmem_cache_free(cache, object)")                   \
	REQUEST(REQ_CACHE_ALLOC_BULK, "cache_bulk", 'A', "kmem_cache_alloc_bulk() of n objects")       \
	REQUEST(REQ_FREE_BULK, "free_bulk", 'F', "kmem_cache_free_bulk() of n objects")                \
	REQUEST(REQ_BOOT, "boot", 'C', "a step of the machine's boot (enum kms_boot_step)")            \
	REQUEST(REQ_PHASE, "phase", 'C', "a phase of the workload begins")

enum kms_request_op {
#define REQUEST_ID(id, name, class, doc) id,
	KMS_REQUESTS(REQUEST_ID)
#undef REQUEST_ID
	NR_REQUESTS
};

extern const char *const kms_request_names[NR_REQUESTS];
extern const char kms_request_classes[NR_REQUESTS];

/* Does the request name a slab cache? */
static inline bool kms_request_uses_cache(u8 op)
{
	return op == REQ_CACHE_CREATE || op == REQ_CACHE_DESTROY || op == REQ_CACHE_SHRINK ||
	       op == REQ_CACHE_ALLOC || op == REQ_CACHE_ALLOC_BULK;
}

enum kms_boot_step { BOOT_SLAB_INIT, BOOT_PAGESETS, BOOT_WATERMARKS, BOOT_CPU_ONLINE };

struct kms_object_ref {
	u32 slot;
	u32 generation;
};

#define KMS_MAX_BULK 4096 /* objects in one request */
#define KMS_NO_SITE 0u	  /* call site unknown; sites[0] is "" */

struct kms_request {
	u64 seq;  /* position in the recorded global order, from 0 */
	u64 time; /* recorded time in ns since the trace's start */
	u64 nodemask; /* page_alloc: nodes that may serve it, bit n for node n; 0: all */
	u64 size; /* bytes asked for: kmalloc, exact, cache_alloc (object size); release: pfn */
	u32 gfp;
	u32 cache; /* index into the trace's caches */
	u32 site;  /* index into the trace's call sites */
	u32 part;  /* free_part: page offset in the block; phase: index; boot: step (cpu online: order is the CPU) */
	u32 n;	   /* number of objects in refs */
	s16 node;  /* -1: any */
	u16 cpu;
	u8 op; /* enum kms_request_op */
	u8 order;
	u8 context; /* KMS_CTX_... */
	const struct kms_object_ref *refs; /* valid until the next request of the same stream */
};

#define KMS_CTX_HARDIRQ 1
#define KMS_CTX_SOFTIRQ 2
#define KMS_CTX_KTHREAD 8
#define KMS_CTX_MEMALLOC 16 /* inside the recorded kernel's reclaim */

/* A slab cache that a workload creates or expects. */
struct kms_cache_def {
	char *name;
	u32 object_size, align, flags, useroffset, usersize;
	bool ctor;
};

/* Memory of the machine that a trace was recorded on, so that it can be rebuilt. */
struct kms_zone_def {
	u32 node, zone_idx;
	u64 start_pfn, spanned, present;
};

struct kms_range {
	u64 pfn, end; /* [pfn, end) */
};

/* What is known of a workload before its first request. */
struct kms_workload_info {
	char *source;	   /* "groundtruth recording slub-up", "synthetic: ..." */
	char *kernel;	   /* "Linux 6.1.192", may be "" */
	char *allocator;   /* slab allocator that was recorded, may be "" */
	u32 nr_cpus, nr_nodes;
	u64 requests;	   /* in all */
	u64 slots;	   /* size of the object table */
	u64 duration_ns;
	u64 cpu_requests[256];
	struct kms_cache_def *caches;
	u32 nr_caches;
	char **sites;
	u32 nr_sites;
	char **phases;
	u32 nr_phases;
	struct kms_zone_def *zones; /* empty: the workload does not say */
	u32 nr_zones;
	struct kms_range *free; /* released by memblock, ascending */
	u32 nr_free;
	struct kms_range *late; /* boot memory that REQ_PAGE_RELEASE hands over later, ascending */
	u32 nr_late;
	u64 *barriers; /* seq of every REQ_PHASE and REQ_BOOT: all CPUs meet there */
	u32 nr_barriers;
	u32 nr_boot_steps; /* REQ_BOOT requests: the workload boots the kernel itself */
	u8 cpu_node[256];
	u64 min_free_kbytes; /* 0: computed */
	/* what import left out and why: name and count pairs, for coverage */
	struct kms_left_out {
		char *what;
		u64 count;
	} *left_out;
	u32 nr_left_out;
};

/* A source of requests: per CPU in program order. */
struct kms_stream {
	const struct kms_workload_info *info;
	/* Next request of a CPU: 1 filled in, 0 no more, < 0 error. */
	int (*next)(struct kms_stream *stream, u32 cpu, struct kms_request *request, struct kms_error *err);
	void (*close)(struct kms_stream *stream);
};

#endif
