/*
 * import_kmem.h - requests out of the kmem tracepoints of an ordinary kernel.
 *
 * The readers (import_ftrace.c: text, import_dat.c: trace.dat) decode one event
 * after the other into struct kmem_event; what the events mean is decided here,
 * once for all of them, so that one recording gives the same trace in whatever
 * form it comes. import_kmem.c follows slab objects, import_kmem_page.c page
 * blocks, import_kmem_cache.c finds out which slab cache an object is of and
 * writes the trace.
 */
#ifndef WORKLOADS_IMPORT_KMEM_H
#define WORKLOADS_IMPORT_KMEM_H

#include "workloads/import_internal.h"
#include "workloads/info.h"
#include "workloads/slots.h"

/* EVENT(id, name in tracefs, is a step of the allocators and no request) */
#define KMEM_EVENTS(EVENT)                                                                             \
	EVENT(KMEM_KMALLOC, "kmalloc", false)                                                          \
	EVENT(KMEM_KMALLOC_NODE, "kmalloc_node", false)                                                \
	EVENT(KMEM_CACHE_ALLOC, "kmem_cache_alloc", false)                                             \
	EVENT(KMEM_CACHE_ALLOC_NODE, "kmem_cache_alloc_node", false)                                   \
	EVENT(KMEM_KFREE, "kfree", false)                                                              \
	EVENT(KMEM_CACHE_FREE, "kmem_cache_free", false)                                               \
	EVENT(KMEM_PAGE_ALLOC, "mm_page_alloc", false)                                                 \
	EVENT(KMEM_PAGE_FREE, "mm_page_free", false)                                                   \
	EVENT(KMEM_PAGE_FREE_BATCHED, "mm_page_free_batched", true)                                    \
	EVENT(KMEM_ZONE_LOCKED, "mm_page_alloc_zone_locked", true)                                     \
	EVENT(KMEM_PCPU_DRAIN, "mm_page_pcpu_drain", true)                                             \
	EVENT(KMEM_EXTFRAG, "mm_page_alloc_extfrag", true)                                             \
	EVENT(KMEM_RSS_STAT, "rss_stat", true)                                                         \
	EVENT(KMEM_CONTIG_RANGE, "mm_alloc_contig_migrate_range_info", true)                           \
	EVENT(KMEM_WMARKS, "mm_setup_per_zone_wmarks", true)                                           \
	EVENT(KMEM_LOWMEM_RESERVE, "mm_setup_per_zone_lowmem_reserve", true)                           \
	EVENT(KMEM_TOTALRESERVE, "mm_calculate_totalreserve_pages", true)

enum kmem_kind {
#define KMEM_ID(id, name, step) id,
	KMEM_EVENTS(KMEM_ID)
#undef KMEM_ID
	NR_KMEM_KINDS
};

#define KMEM_NO_NAME UINT32_MAX
#define KMEM_MAX_ORDER 18 /* larger than any kernel's; above it, a record is malformed */
#define KMEM_MAX_CPUS 256

struct kmem_event {
	u64 time; /* ns, of the recording's own clock */
	u64 ptr, pfn, bytes_req, bytes_alloc;
	u32 gfp; /* bits as in Linux 6.1 */
	u32 cpu, order;
	s32 node, pid;
	u32 site; /* in kmem_import.sites */
	u32 name; /* in kmem_import.names; KMEM_NO_NAME */
	u8 kind, context;
	bool hidden; /* the address was not recorded: "(____ptrval____)" */
};

/* Why an event became no request, beside its being a step of the allocators. */
enum kmem_reason {
	KMEM_SLAB_PAGE_ALLOC, KMEM_SLAB_PAGE_FREE, KMEM_CACHE_STRUCTURE, KMEM_NULL_FREE, KMEM_FAILED,
	KMEM_NO_ADDRESS, KMEM_UNKNOWN_SIZE, KMEM_UNSEEN_ALLOC, NR_KMEM_REASONS
};

/* Allocations that look alike; they are of one cache as far as the recording tells. */
struct kmem_key {
	u32 site;
	u64 req, alloc;
	u32 name;  /* of the cache, once an object was freed; KMEM_NO_NAME */
	u32 cache; /* index into the trace's caches, in the end */
	bool reclaimable; /* its slabs are */
	bool internal;	  /* the slab layer allocates here for itself */
	bool cached;	  /* of kmem_cache_alloc(), not kmalloc() */
};

/* An object that was there before the recording began. */
struct kmem_old {
	u64 free_record; /* in the spool */
	u32 slot, name;
	u8 order;
	bool page;
};

#define KMEM_BASES 8

/* A CPU's last page allocation: it may be the slab of the object to come. */
struct kmem_cpu {
	u64 pfn;
	u64 freed; /* address that was freed last */
	s32 pid;
	u8 order;
	bool pending, slab_like, compound;
};

struct kmem_import {
	struct import_result *result;
	struct kms_error *err;
	const struct slab_list *slabs;
	struct spool spool;
	struct slot_pool slots;
	struct names sites, names;
	struct live_map objects, blocks;
	struct recent freed;
	/* direct map */
	struct kmem_base { u64 base, votes; } bases[KMEM_BASES];
	u64 base; /* address of page frame 0; 0 not known */
	/* caches */
	struct kmem_key *keys;
	u32 *key_table; /* number + 1 */
	u32 nr_keys, key_capacity;
	struct kmem_size { u64 req, alloc; bool reclaimable; } *sizes; /* by name; alloc 0 not known */
	u32 size_capacity;
	struct kmem_old *old;
	u64 nr_old, old_capacity;
	struct kmem_cpu cpus[KMEM_MAX_CPUS];
	u32 nr_cpus, nr_nodes, max_order;
	u64 first_time, time;
	bool started;
	u64 reasons[NR_KMEM_REASONS], steps[NR_KMEM_KINDS], implied_frees, overwritten;
};

/* ---- for the readers ---- */

extern const char *const kmem_event_names[NR_KMEM_KINDS];
int kmem_find_event(const char *name, size_t length); /* enum kmem_kind, -1 none */
/*
 * The call site's number: what is before the first '/' or blank, so that the
 * forms "symbol+0x1/0x2 [module]" and "symbol+0x1" are one.
 */
u32 kmem_site(struct kmem_import *im, const char *text, size_t length);
u32 kmem_name(struct kmem_import *im, const char *text, size_t length);
/* GFP flags from text ("GFP_KERNEL|__GFP_ZERO", "0xdc0"); -1: neither. */
s64 kmem_gfp_text(const char *text, size_t length);
/* From the number that the kernel keeps (5.4 and later). */
u32 kmem_gfp_bits(u64 bits);

int kmem_begin(struct kmem_import *im, const struct import_job *job);
int kmem_event(struct kmem_import *im, const struct kmem_event *ev);
/* Writes the trace. kernel may be NULL. */
int kmem_finish(struct kmem_import *im, const struct import_job *job, const char *kernel);
void kmem_free(struct kmem_import *im);

/* ---- import_kmem.c, to its neighbours ---- */

int kmem_no_memory(struct kmem_import *im);
/* A request of this event's, with a new object in a slot; the rest is the caller's. */
int kmem_new_request(struct kmem_import *im, const struct kmem_event *ev, u8 op, struct spooled *rq);
/* A request that frees the object of e, on the event's CPU. */
int kmem_free_request(struct kmem_import *im, const struct kmem_event *ev, const struct live *e, u8 op,
		      u64 *number);
/* The free of something that was there at the start. */
int kmem_free_old(struct kmem_import *im, const struct kmem_event *ev, u8 op, u32 name, bool replay);
/* What an address that no event freed, but whose slab went, is remembered by among the freed. */
u64 kmem_gone_key(u64 ptr);
/* The object's free was not recorded, but it is gone. */
int kmem_object_gone(struct kmem_import *im, const struct kmem_event *ev, struct live *object);

/* ---- import_kmem_page.c ---- */

int kmem_page_alloc(struct kmem_import *im, const struct kmem_event *ev);
int kmem_page_free(struct kmem_import *im, const struct kmem_event *ev);
/* An object was handed out: its page block, if any, is the slab layer's. */
int kmem_slab_page(struct kmem_import *im, const struct kmem_event *ev, struct kmem_key *key);

/* ---- import_kmem_cache.c ---- */

struct kmem_key *kmem_key_of(struct kmem_import *im, u32 site, u64 req, u64 alloc);
/* The allocation names its cache, as newer kernels do: the object's cache (KMEM_BY_NAME). */
int kmem_named(struct kmem_import *im, const struct kmem_event *ev, struct kmem_key *key, u32 *cache);
/* The event frees e: what does it tell of e's cache? */
int kmem_learn(struct kmem_import *im, const struct kmem_event *ev, struct live *e);
#define KMEM_BY_NAME 0x80000000u /* in spooled.cache: the rest is a name, else a key */

#endif
