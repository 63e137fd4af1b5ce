/*
 * internal.h - what the files of sim/plugin share: the loaded policy, its books.
 */
#ifndef SIM_PLUGIN_INTERNAL_H
#define SIM_PLUGIN_INTERNAL_H

/* the types of the policy's header; calls are those of the instrumented flavour */
#define KMS_FLAVOUR_CYCLE
#include "include/kmemsim/policy.h"
#undef memset
#undef memcpy
#undef alloc_percpu
#undef free_percpu

#include "models/mm/inspect_plugged.h"
#include "models/rt/rt.h"
#include "sim/engine/ram.h"
#include "sim/plugin/plugin.h"
#include "workloads/varint.h"

/*
 * Linked to lie here: outside everything that hosts and sanitizers use, and
 * outside simulated RAM. A pointer to a static variable is then the same in
 * every run.
 */
#define PLUGIN_BASE 0x480000000000ull

struct plugin {
	void *handle;
	char path[4096];
	const struct kms_policy *cycle, *plain; /* the two flavours' descriptors */
	const struct kms_policy *policy;	/* the one in use */
	const struct kms_policy_ops *ops;
	struct slab_policy as_slab;
	struct slab_ops slab_ops;
	struct slab_param *params;
	char (*param_defaults)[24];
	u64 image, image_bytes; /* the whole file in memory */
	u64 data, data_bytes;	/* static variables */
	void *first_data;	/* their values when the file was loaded */
	u64 data_off;		/* offset in RAM that they are charged as; 0: not yet */
	u32 data_order;
	const struct mm_ops *mm;
	bool booting;		/* charges nothing */
	plugin_request_fn *request;
	void *request_arg;
};
extern struct plugin plugin;

/* ---- calls into the policy ---- */

#define PLUGIN_MAX_STEPS 20000000u /* basic blocks and accesses of one call */

/* What a CPU is doing in the policy. Kept while other CPUs run. */
struct plugin_call {
	const char *what; /* "kmalloc"; NULL: nothing */
	u64 size;
	const void *object;
	u32 steps;
	bool crashed;
};
extern struct plugin_call plugin_calls[];
extern u64 plugin_nr_calls; /* begun so far */

static inline struct plugin_call *plugin_call(void)
{
	return &plugin_calls[kms_smp_processor_id()];
}

/* ---- book.c: pages the policy holds, objects in use ---- */

struct plugin_cache {
	struct kms_cache *handle;
	struct kms_cache_args args;
	u64 name; /* as the creator gave it */
	u64 live;
	bool gone;
	struct plugin_cache *next;
};

struct book_object {
	u64 off; /* in RAM; 0: empty slot */
	u64 request;
	struct plugin_cache *cache; /* NULL: kmalloc() */
	u32 size, held;
	u32 gfp;
	u32 cpu;
};

enum book_page { BOOK_FOREIGN, BOOK_HEAD, BOOK_TAIL = 0x20, BOOK_RETURNED = 0x40 };

struct book {
	u64 nr_pages; /* of RAM */
	u8 *page;     /* [nr_pages] BOOK_HEAD + order, BOOK_TAIL, BOOK_RETURNED or BOOK_FOREIGN */
	u64 *used;    /* [nr_pages * 8] a bit for each 8 bytes of an object in use */
	struct book_object *objects; /* hash table by off */
	u64 capacity, nr_objects;
	u64 pages_held, bytes_held; /* by the policy; of them, in objects */
	struct plugin_cache *caches;
	u32 nr_caches;
};
extern struct book book;

int book_open(u64 ram_bytes, struct kms_error *err);
void book_close(void);
void book_take_pages(u64 pfn, u32 order);
void book_give_pages(u64 pfn, u32 order); /* reports faults */
struct book_object *book_find(u64 off);
int book_add(const struct book_object *object);
void book_remove(struct book_object *object);
/* An object in use of which a byte lies in [off, off + bytes); NULL: none. */
const struct book_object *book_overlap(u64 off, u64 bytes);

static inline bool book_owns(u64 off)
{
	return (u8)(book.page[off >> SIM_PAGE_SHIFT] - 1) < BOOK_RETURNED - 1;
}

static inline bool book_used(u64 off)
{
	return book.used[off >> 9] >> (off >> 3 & 63) & 1;
}

/* ---- fault.c: what is wrong, in words ---- */

/* Stops the run: "policy 'NAME', REQUEST: what". */
void plugin_fault(const char *fmt, ...) KMS_PRINTF(1, 2) __attribute__((noreturn, cold));
char *plugin_describe_object(char *buf, size_t n, const struct book_object *object);
/* What lies at an address, in words. */
char *plugin_describe_address(char *buf, size_t n, u64 address);
void plugin_catch_signals(bool on);

/* ---- ops.c ---- */

void plugin_make_ops(void);
void plugin_forget_percpu(void); /* hooks.c: a new run */
void plugin_save_percpu(struct bytes *b);
void plugin_load_percpu(struct cursor *c);

/* ---- book_state.c ---- */

struct plugin_cache *plugin_cache_at(u32 id); /* NULL: there is none */
extern const struct mm_plugged plugin_inspector;

#endif
