/*
 * import_gt.h - inside the importer of full-hook recordings (import_groundtruth.c).
 *
 * The recording has one line per event of the recorded kernel's allocators:
 * what callers asked for, and every step the allocators took. import_gt_page.c,
 * import_gt_slab.c (caches and SLUB), import_gt_slab_slab.c (SLAB) and
 * import_gt_slab_slob.c (SLOB) each turn their layer's lines into requests; a
 * line that is only a step is counted, by name, as left out.
 *
 * Events of one operation can be interleaved with those of other CPUs and of
 * interrupts, so what spans lines is kept per flow: a task, an idle CPU or an
 * interrupt level of a CPU.
 */
#ifndef WORKLOADS_IMPORT_GT_H
#define WORKLOADS_IMPORT_GT_H

#include "workloads/import_internal.h"
#include "workloads/info.h"
#include "workloads/lines.h"
#include "workloads/slots.h"

/* What is left out for a reason other than its event's name. */
enum gt_reason {
	REASON_SLAB_PAGE_ALLOC, REASON_SLAB_PAGE_FREE, REASON_CACHE_STRUCTURE, REASON_SLAB_LAYER,
	REASON_BULK_CHAIN, REASON_EXACT_SURPLUS, REASON_MEMBLOCK, REASON_LARGE_PAGE, REASON_MIGRATED, REASON_COMPACTION,
	REASON_FREE_UNKNOWN, REASON_LATE, REASON_REPEATED, NR_GT_REASONS
};

enum gt_page_kind {
	GT_PAGE_NONE,
	GT_PAGE_OBJECT,	 /* of the object in slot */
	GT_PAGE_OUTCOME, /* taken by the allocators themselves: a slab, a cut-off tail ... */
	GT_PAGE_COMPACT, /* held by compaction */
	GT_PAGE_TARGET	 /* the object in slot is being migrated here */
};

struct gt_page {
	u32 slot;
	u8 kind;
	u8 reason; /* enum gt_reason, why its free is left out */
	bool known; /* has been in the buddy allocator */
};

/* A live object, by slot. */
struct gt_object {
	u64 request;	/* number in the queue */
	u64 pfn;	/* page blocks: first page */
	u64 moving_to;	/* migration target, 0 none */
	u32 generation;
	u32 pages, pages_left;
	u8 order;
	bool large; /* kmalloc() of whole pages */
	bool parts; /* to be freed page by page */
};

/* Slab objects by address; open addressing, no deleted marks. */
struct gt_addresses {
	struct gt_address {
		u64 address; /* 0: empty */
		u32 slot;    /* GT_INTERNAL: the slab layer's own */
	} *table;
	u64 capacity, n;
};
#define GT_INTERNAL UINT32_MAX

enum gt_cache_kind { GT_CACHE_USER, GT_CACHE_KMALLOC, GT_CACHE_INTERNAL };

/* A slab cache as the recording names it: by the first name it was created under. */
struct gt_cache {
	u8 kind;
	bool created;
	u32 id; /* index into info->caches */
};

struct gt_pending_free {
	u64 pfn;
	u32 slot;
	u8 order;
	bool release; /* boot memory, never allocated */
	bool part;
};

struct gt_flow {
	u64 key;
	/* slow slab allocation under way */
	bool slow;
	u32 slow_site, slow_gfp;
	/* bulk slab allocation under way */
	u32 bulk_want, bulk_got;
	u32 bulk_cache, bulk_site, bulk_gfp, bulk_size;
	u64 *bulk_objects; /* addresses */
	u32 bulk_capacity;
	/* bulk free: objects named so far; then objects whose chains are still to come */
	struct kms_object_ref *dying;
	u32 nr_dying, dying_capacity, chain_left;
	/* page frees whose effect has not been seen */
	struct gt_pending_free *frees;
	u32 nr_frees, frees_capacity, batched;
	/* pages taken from the per-CPU list since the last finished page request */
	u64 *taken;
	u32 nr_taken, taken_capacity;
	u64 zones_tried; /* by its current page request's first attempt: their nodes */
	bool tried_all;	 /* that attempt is over */
	u64 failed_request; /* queue number + 1 of a failed page allocation */
	u64 last_request;   /* queue number of its newest request */
	s64 creating;	    /* index into info->caches, -1 none */
};

struct gt_import {
	struct import_result *result;
	struct kms_error *err;
	struct kms_workload_info info;
	struct import_queue queue;
	struct slot_pool slots;
	struct names sites, cache_names;
	struct lines lines;
	/* the current line */
	char *at;   /* next argument */
	bool bad;   /* an argument was malformed */
	char *bad_at, *bad_expected;
	u64 time;
	u32 cpu, context, pid;
	struct gt_flow *flow;
	/* tables */
	struct gt_page *pages;
	u64 nr_pages;
	struct gt_object *objects;
	u64 nr_objects;
	struct gt_addresses addresses;
	struct gt_cache *caches;
	u32 nr_gt_caches;
	u32 *alias_of;	/* by info->caches: number of the recorded cache + 1, 0 not an alias */
	u32 cache_capacity;
	bool *destroyed;
	struct gt_flow **flows; /* open addressing by key */
	u32 nr_flows, flow_capacity;
	/* progress of the machine */
	bool first_line_seen, memblock_release, slab_ready, pagesets_ready, watermarks_ready;
	bool cpu_seen[SLOTS_MAX_CPUS];
	u32 node_votes[SLOTS_MAX_CPUS][64];
	char phase[64]; /* name of the current one */
	u64 reasons[NR_GT_REASONS];
};

/* ---- import_gt_args.c: arguments of the current line; each takes the next one ---- */

char *gt_next_argument(struct gt_import *im); /* where it begins; stays */
u64 gt_hex(struct gt_import *im);
s64 gt_dec(struct gt_import *im);
/* A word; *length is 0 at the end of the line. */
const char *gt_word(struct gt_import *im, size_t *length);
/* Value of "key=" in a text line, up to the next key; NULL when it is not there. */
const char *gt_value(const struct gt_import *im, const char *key, size_t *length);
u64 gt_value_number(struct gt_import *im, const char *key, int base);
u32 gt_site(struct gt_import *im); /* the last argument: who called */

/* Earliest state dump that a folder has; NULL: none. */
const char *gt_first_dump(const char *directory);

/* ---- import_gt_tables.c ---- */

struct gt_flow *gt_flow_find(struct gt_import *im);
int gt_page_at(struct gt_import *im, u64 pfn, u64 n, struct gt_page **page);
void gt_set_pages(struct gt_import *im, u64 pfn, u64 n, struct gt_page value);
struct gt_object *gt_object_at(struct gt_import *im, u32 slot);
int gt_address_add(struct gt_import *im, u64 address, u32 slot);
/* Takes an address out; false: not there. */
bool gt_address_take(struct gt_import *im, u64 address, u32 *slot);
struct gt_cache *gt_cache_at(struct gt_import *im, const char *name, size_t length);
int gt_no_memory(struct gt_import *im);
void *gt_grow(struct gt_import *im, void *array, u32 *capacity, u32 want, size_t size);
void gt_tables_free(struct gt_import *im);

/* ---- import_groundtruth.c ---- */

/* A request with the current line's time, CPU and context. */
struct kms_request gt_request(const struct gt_import *im, u8 op);
int gt_emit(struct gt_import *im, const struct kms_request *request, u64 *number);
/* A new object's slot, entered in the object table. */
int gt_new_object(struct gt_import *im, struct kms_object_ref *ref, struct gt_object **object);
/* Frees the slot; returns the reference for the request that frees it. */
struct kms_object_ref gt_drop_object(struct gt_import *im, u32 slot);
void gt_leave_out(struct gt_import *im, enum gt_reason reason);
/* The slab layer is up from here on, if it was not yet. */
int gt_slab_init(struct gt_import *im);

/* ---- import_gt_page.c, import_gt_compact.c ---- */

bool gt_is_order(const struct gt_import *im, s64 order);
int gt_bad_order(struct gt_import *im, s64 order);
/* The block of pages that begins at pfn, if a request of its own so far, is the slab layer's. */
int gt_take_slab(struct gt_import *im, u64 pfn);
/* A page request of this flow failed just before, for what fails now: it is no request. */
int gt_take_back_failed(struct gt_import *im);
/* The page that is being freed was moved: its object is now elsewhere. */
bool gt_migrated(struct gt_import *im, u64 pfn);

/* ---- import_gt_slab.c ---- */

int gt_take_cache(struct gt_import *im, const char **name, size_t *length, struct gt_cache **cache);
/* An object at address (0: the allocation failed) of the cache; rq has gfp, node, size and site. */
int gt_allocated(struct gt_import *im, const char *name, size_t length, u64 address,
		 struct kms_request *rq);
/* The object at address goes back to the cache; an unknown one is left out. */
int gt_freed(struct gt_import *im, u64 address, struct gt_cache *cache);
/*
 * Bulk calls of SLAB and SLOB show as single objects: what directly follows the
 * flow's newest request, of the same kind, becomes part of it.
 */
int gt_bulk_allocated(struct gt_import *im, struct gt_cache *cache, u64 address, struct kms_request *rq);
int gt_bulk_freed(struct gt_import *im, u64 address, struct gt_cache *cache);

/* ---- import_gt_state.c: the state dumps ---- */

int gt_read_state(struct gt_import *im, const char *directory);

/* ---- event handlers: 0, or an error. The line counts as used unless it was left out. ---- */

#define GT_HANDLERS(H)                                                                                 \
	H(PG_ALLOC, gt_pg_alloc) H(PG_BULK, gt_pg_bulk) H(PG_FREE, gt_pg_free)                          \
	H(PG_FREE_BATCHED, gt_pg_free_batched) H(PG_EXACT, gt_pg_exact) H(PG_SPLIT, gt_pg_split)        \
	H(K_LARGE_ALLOC, gt_large_alloc) H(K_LARGE_FREE, gt_large_free)                                 \
	H(S_FAST_ALLOC, gt_fast_alloc) H(S_SLOW_BEGIN, gt_slow_begin) H(S_SLOW_ALLOC, gt_slow_alloc)    \
	H(S_SLOW_FAIL, gt_slow_fail) H(S_BULK_BEGIN, gt_bulk_begin) H(S_BULK_ALLOC, gt_bulk_alloc)      \
	H(S_BULK_FREE, gt_bulk_free) H(S_FREE_FAST, gt_free) H(S_FREE_SLOW, gt_free) H(TEXT, gt_text)   \
	H(L_ALLOC, gt_l_alloc) H(L_FREE, gt_l_free) H(O_KMALLOC, gt_o_kmalloc) H(O_KFREE, gt_o_kfree)   \
	H(O_CACHE_ALLOC, gt_o_cache_alloc) H(O_CACHE_FREE, gt_o_cache_free)

/* Steps of the allocators that the importer looks at; always left out, by name. */
#define GT_STEPS(S)                                                                                    \
	S(PCP_ALLOC, gt_pcp_alloc) S(WMARK_FAIL, gt_wmark_fail) S(RMQ_BUDDY, gt_rmq_buddy)                 \
	S(PG_SLOW, gt_pg_slow) S(PCP_FREE, gt_free_effect) S(BUDDY_FREE, gt_free_effect)            \
	S(PCP_TRYFAIL, gt_free_effect) S(PG_CAPTURE, gt_free_effect) S(S_NEW_SLAB, gt_new_slab)         \
	S(ISOLATE_FREE, gt_isolate) S(COMPACT_ALLOC, gt_compact_alloc) S(COMPACT_FREE, gt_compact_free) \
	S(PCP_HIGH_BATCH, gt_pagesets) S(WMARK_SET, gt_watermarks) S(MARK, gt_dump)                       \
	S(L_REFILL, gt_l_refill) S(L_NODE_ALLOC, gt_l_refill) S(L_GROW, gt_l_grow)                      \
	S(O_NEWPAGE, gt_o_newpage)

#define GT_DECLARE(event, handler) int handler(struct gt_import *im);
GT_HANDLERS(GT_DECLARE)
GT_STEPS(GT_DECLARE)
#undef GT_DECLARE

/* Text lines that slabs are concerned with (import_gt_slab.c): word is the first. */
int gt_cache_text(struct gt_import *im, const char *word, size_t length, bool *used);

#endif
