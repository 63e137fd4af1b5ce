/*
 * double_free.c - lab "double-free": a pointer that is not reset is freed in
 * the second pass once more; unnoticed, and noticed.
 */
#include "sim/labs/debug.h"

#include <string.h>

#define PASSES 2
#define AFTERWARDS 3

struct outcome {
	void *after[AFTERWARDS]; /* what the next allocations get */
	u32 shared;		 /* pairs of them that are the same object */
	bool reported;
	bool broken; /* the allocator's own state, by our invariant check */
	char found[160];
};

/*
 * The loop: memory is asked for in the first pass only (in the second the
 * request "fails", and the old pointer is still there), and freed in both.
 */
static int faulty_loop(struct kit *k, struct kmem_cache *cache, struct outcome *o, struct kms_error *err)
{
	struct debug_report report;
	void *memory = NULL;
	char what[32];
	int rc = 0;

	for (u32 pass = 1; pass <= PASSES && !rc; pass++) {
		if (pass == 1)
			rc = kit_cache_alloc(k, cache, &memory, err);
		if (!rc && !memory)
			rc = kms_fail(err, KMS_EFAIL, "no object was to be had");
		if (!rc)
			rc = kit_cache_free(k, cache, memory, err);
		if (rc)
			break;
		snprintf(what, sizeof(what), "pass %u: free", pass);
		debug_row(k, what);
		o->reported |= debug_reported(k, &report) && report.what == DEBUG_ALREADY_FREE &&
			       report.object == (u64)(uintptr_t)memory;
	}
	return rc;
}

static int look_afterwards(struct kit *k, struct kmem_cache *cache, struct outcome *o, struct kms_error *err)
{
	struct kms_error broken = {.code = KMS_OK};
	int rc = 0;

	o->broken = mm_check(&broken) != 0;
	snprintf(o->found, sizeof(o->found), "%.*s", (int)sizeof(o->found) - 1, broken.text);
	for (u32 i = 0; i < AFTERWARDS && !rc; i++) {
		rc = kit_cache_alloc(k, cache, &o->after[i], err);
		for (u32 j = 0; j < i && !rc; j++)
			o->shared += o->after[i] == o->after[j];
	}
	return rc;
}

/* On a machine of its own: the first kind leaves its allocator broken. */
static int attempt(struct lab_run *r, const char *name, u32 bytes, u32 flags, struct outcome *o, struct kms_error *err)
{
	static const char *const headings[] = {"operation", "reported", "offset", "byte"};
	struct kmem_cache_args args = {.name = 1, .size = bytes, .flags = flags};
	struct kmem_cache *cache;
	struct watch_log log;
	struct kit k;
	int rc;

	*o = (struct outcome){.shared = 0};
	lab_sandbox_reset(r);
	rc = debug_open(&k, &log, r, err);
	lab_table_begin(r, name, headings, 4);
	if (!rc)
		rc = kit_cache_create(&k, &args, &cache, err);
	if (!rc)
		rc = faulty_loop(&k, cache, o, err);
	lab_table_end(r);
	if (!rc && !o->reported) /* a report ends the simulated kernel's life */
		rc = look_afterwards(&k, cache, o, err);
	debug_close(&k);
	return rc;
}

static void say(struct lab_run *r, const struct outcome *o)
{
	lab_say(r, "The next %u allocations get 0x%llx, 0x%llx, 0x%llx: %u pairs are the same object. Invariant check: %s.",
		AFTERWARDS, (unsigned long long)(uintptr_t)o->after[0], (unsigned long long)(uintptr_t)o->after[1],
		(unsigned long long)(uintptr_t)o->after[2], o->shared, o->broken ? o->found : "nothing wrong");
}

static int run(struct lab_run *r, struct kms_error *err)
{
	u32 bytes = (u32)lab_param(r, "bytes");
	struct outcome plain, checked;
	int rc;

	lab_say(r, "A slab cache without debug flags.");
	rc = attempt(r, "unnoticed", bytes, 0, &plain, err);
	if (rc)
		return rc;
	say(r, &plain);
	lab_say(r, "The same with SLAB_CONSISTENCY_CHECKS.");
	rc = attempt(r, "noticed", bytes, KIT_SLAB_CHECKS, &checked, err);
	if (rc)
		return rc;
	lab_say(r, "The report ends it here: the object is not put on the free list a second time, nobody gets it twice.");
	lab_value(r, "pairs", "pairs", plain.shared);
	lab_value(r, "pairs_checked", "pairs", checked.shared);
	lab_value(r, "report_pass", "", checked.reported ? 2 : 0);
	lab_check_that(r, !plain.reported, "without debug flags nobody notices the second free");
	lab_check(r, "... and three owners are given one object: pairs that are the same", plain.shared, 3);
	lab_check_that(r, plain.broken, "our invariant check finds the free list that leads into itself");
	lab_check_that(r, checked.reported, "with checks the second free is reported: object already free");
	lab_check(r, "... and refused: pairs that are the same", checked.shared, 0);
	lab_sandbox_reset(r);
	return 0;
}

const struct lab lab_double_free = {.name = "double-free", .run = run};
