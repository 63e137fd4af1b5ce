/*
 * plugin.h - allocator policies that are loaded from a file (include/kmemsim/policy.h).
 *
 * Between replay and the policy stands a layer that knows which pages the policy
 * holds and which objects are in use: it looks at everything the policy returns
 * (ops.c), at everything it touches (hooks.c, instrumented flavour), and stops
 * the run with a report on the first fault. The rest of the program sees an
 * ordinary struct slab_policy. One policy at a time: simulated memory and the
 * engine are one per process, too.
 *
 * The loaded file's static variables are simulated memory: they lie at a fixed
 * host address (the linker's, checked), are reset to their first values by
 * plugin_start(), and are charged as the physical pages set aside for them.
 */
#ifndef SIM_PLUGIN_PLUGIN_H
#define SIM_PLUGIN_PLUGIN_H

#include <cjson/cJSON.h>

#include "models/mm/mm.h"
#include "sim/engine/base.h"

/* Does this value of allocator.slab name a file? */
bool plugin_is_file(const char *slab);

/*
 * Load a policy for looking at it; it replaces the one loaded before. KMS_EUSAGE:
 * no such file, no policy, or built for another version of the header.
 */
int plugin_load(const char *path, struct kms_error *err);
void plugin_unload(void);

/* The loaded policy as any other. NULL: none is loaded. */
const struct slab_policy *plugin_policy(void);
const char *plugin_compiler(void);

/*
 * Set static variables to their first values, then the parameters (a JSON object
 * or NULL). KMS_EUSAGE: unknown parameter, wrong type or range. checked: use the
 * instrumented flavour in functional timing, too. mm carries out page requests.
 */
int plugin_start(const cJSON *params, const struct mm_ops *mm, bool instrumented,
		 struct kms_error *err);
/* Simulated memory is mapped: set up the books. */
int plugin_watch(struct kms_error *err);
void plugin_stop(void);

/* Number of the request that a CPU carries out, for reports; NULL: unknown. */
typedef u64 plugin_request_fn(void *arg, u32 cpu);
void plugin_set_requests(plugin_request_fn *fn, void *arg);

/*
 * After the run, uncharged: free what is in use, then allocate and free the same
 * things over and over. KMS_EFAIL: that takes more and more pages, so frees are lost.
 */
int plugin_check_frees(struct kms_error *err);

/* Host memory that belongs to the state of a run beside simulated RAM. */
struct plugin_region {
	const char *name;
	void *start;
	u64 bytes;
};
/* At most max; returns how many there are. */
u32 plugin_regions(struct plugin_region *regions, u32 max);
/*
 * What this side knows of the policy's memory, for saved states: to be loaded after
 * regions and RAM, when nothing was asked of the policy yet. KMS_EUSAGE: it does not fit.
 */
struct bytes;
struct cursor;
void plugin_save_books(struct bytes *b);
int plugin_load_books(struct cursor *c, struct kms_error *err);
/* A slab cache of the policy by its number in a run, and back; NULL: there is none. */
u32 plugin_cache_number(const struct kmem_cache *s);
struct kmem_cache *plugin_cache_of_number(u32 number);

/* ---- build.c: verb `policy` ---- */

/* Write a starter NAME.c into the working folder. KMS_EUSAGE: bad name, or the file exists. */
int plugin_new(const char *name, char *path, size_t n, struct kms_error *err);
/*
 * Compile source to a loadable policy. cc NULL: $CC, else gcc. Compiler messages
 * go to stderr. KMS_EFAIL: it does not compile, link, or load.
 */
int plugin_build(const char *source, const char *out, const char *cc, bool verbose,
		 struct kms_error *err);

#endif
