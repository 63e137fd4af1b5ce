/*
 * poison.c - lab "poison": a write into an object that has been freed, and one
 * behind an object in use.
 */
#include "sim/labs/debug.h"

struct result {
	bool found;
	struct debug_report report;
};

/* Free it, write one byte through the old pointer, ask again. */
static int use_after_free(struct kit *k, struct kmem_cache *cache, s64 offset, u8 byte, struct result *res,
			  struct kms_error *err)
{
	char *object;
	void *again;
	int rc = kit_cache_alloc(k, cache, (void **)&object, err);

	if (!rc)
		rc = kit_cache_free(k, cache, object, err);
	if (rc)
		return rc;
	debug_row(k, "free");
	object[offset] = (char)byte;
	rc = kit_cache_alloc(k, cache, &again, err);
	if (rc)
		return rc;
	debug_row(k, "next allocation");
	res->found = debug_reported(k, &res->report) && res->report.object == (u64)(uintptr_t)object;
	return again ? kit_cache_free(k, cache, again, err) : 0;
}

/* Write one byte behind the end, then free it. */
static int overrun(struct kit *k, struct kmem_cache *cache, u32 size, u8 byte, struct result *res, struct kms_error *err)
{
	char *object;
	int rc = kit_cache_alloc(k, cache, (void **)&object, err);

	if (rc)
		return rc;
	debug_row(k, "allocation");
	object[size] = (char)byte;
	rc = kit_cache_free(k, cache, object, err);
	if (rc)
		return rc;
	debug_row(k, "free");
	res->found = debug_reported(k, &res->report) && res->report.object == (u64)(uintptr_t)object;
	return 0;
}

static int carry_out(struct kit *k, u32 size, s64 offset, u8 byte, struct result *after, struct result *over,
		     struct kms_error *err)
{
	static const char *const headings[] = {"operation", "reported", "offset", "byte"};
	struct kmem_cache_args args = {
		.name = 1, .size = size, .flags = KIT_SLAB_CHECKS | KIT_SLAB_POISON | KIT_SLAB_RED_ZONE,
	};
	struct kmem_cache *cache;
	int rc = kit_cache_create(k, &args, &cache, err);

	if (rc)
		return rc;
	lab_say(k->r, "Byte 0x%02x is written at offset %lld of a freed object of %u bytes.", byte, (long long)offset, size);
	lab_table_begin(k->r, "use_after_free", headings, 4);
	rc = use_after_free(k, cache, offset, byte, after, err);
	lab_table_end(k->r);
	if (rc)
		return rc;
	args.name = 2;
	rc = kit_cache_create(k, &args, &cache, err); /* the first cache's slab stays damaged */
	if (rc)
		return rc;
	lab_say(k->r, "Then one byte behind the end of an object in use, of another cache.");
	lab_table_begin(k->r, "overrun", headings, 4);
	rc = overrun(k, cache, size, byte, over, err);
	lab_table_end(k->r);
	return rc;
}

static int run(struct lab_run *r, struct kms_error *err)
{
	u32 size = (u32)lab_param(r, "bytes");
	s64 offset = lab_param(r, "offset");
	u8 byte = (u8)lab_param(r, "byte");
	struct result after = {.found = false}, over = {.found = false};
	struct watch_log log;
	struct kit k;
	int rc = debug_open(&k, &log, r, err);

	if (!rc && (offset < 0 || offset >= size))
		rc = kms_fail(err, KMS_EUSAGE, "offset %lld is outside of %u bytes", (long long)offset, size);
	if (!rc)
		rc = carry_out(&k, size, offset, byte, &after, &over, err);
	debug_close(&k);
	if (rc)
		return rc;
	lab_value(r, "found_offset", "", (double)after.report.offset);
	lab_value(r, "found_byte", "", after.report.byte);
	lab_value(r, "zone_offset", "", (double)over.report.offset);
	lab_check_that(r, after.found && after.report.what == DEBUG_POISON, "the write into the freed object is reported");
	lab_check(r, "its offset", (double)after.report.offset, (double)offset);
	lab_check(r, "its byte", after.report.byte, byte);
	lab_check_that(r, over.found && over.report.what == DEBUG_RIGHT_ZONE, "the write behind the end is reported");
	lab_check(r, "the red zone begins where the object ends", (double)over.report.offset, size);
	lab_check(r, "... and the byte is told as well", over.report.byte, byte);
	return 0;
}

const struct lab lab_poison = {.name = "poison", .run = run};
