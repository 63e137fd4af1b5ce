/*
 * wasters.c - lab "wasters": which call sites lose most, as the kernel's
 * alloc_traces says it (waste=total/each), for one site by hand and for a
 * whole recording.
 */
#include "sim/labs/kit.h"

#include "results/query.h"

#define MOST 1024
#define TOP 10

struct site {
	u64 total, each;
};

/* So many objects of one size, all in use: what they lose. */
static int by_hand(struct kit *k, u64 bytes, u32 count, struct site *site, struct kms_error *err)
{
	void *object[MOST] = {NULL};
	char home[48] = "-";
	u32 n = 0;
	int rc = 0;

	for (; n < count && n < MOST && !rc; n++) {
		rc = kit_kmalloc(k, bytes, KIT_GFP_KERNEL, &object[n], err);
		if (!rc && !object[n])
			rc = kms_fail(err, KMS_EFAIL, "%llu bytes were not to be had", (unsigned long long)bytes);
		if (rc)
			return rc;
		site->each = mm_object_held_bytes(NULL, object[n]) - bytes;
		site->total += site->each;
	}
	kit_home(object[0], home, sizeof(home));
	lab_say(k->r, "%u objects of %llu bytes in %s: waste=%llu/%llu", n, (unsigned long long)bytes, home,
		(unsigned long long)site->total, (unsigned long long)site->each);
	while (n-- && !rc)
		rc = kit_kfree(k, object[n], err);
	return rc;
}

/* Its sites, most waste of live objects first; sums into *all. */
static int rank(struct lab_run *r, s64 id, u64 *all, u64 *top, struct kms_error *err)
{
	static const char *const headings[] = {"call site", "live objects", "waste=total/each"};
	struct query q;
	u32 n = 0;

	lab_table_begin(r, "sites", headings, 3);
	query_begin(&q, lab_store(r), err,
		    "SELECT name, live, waste_bytes, waste_bytes * 1.0 / live FROM call_site"
		    " WHERE run = ? AND live > 0 AND waste_bytes > 0 ORDER BY waste_bytes DESC, name", "i", id);
	while (query_next(&q)) {
		*all += (u64)query_int(&q, 2);
		if (n++ >= TOP)
			continue;
		*top += (u64)query_int(&q, 2);
		kit_row(r, "%s\t%lld\t%lld/%.4g", query_text(&q, 0), (long long)query_int(&q, 1),
			(long long)query_int(&q, 2), query_double(&q, 3));
	}
	lab_table_end(r);
	return query_end(&q);
}

/* The sum over sites against what the run's slab caches lose, which is reckoned elsewhere. */
static int rounding(struct lab_run *r, s64 id, u64 *bytes, struct kms_error *err)
{
	struct query q;

	query_begin(&q, lab_store(r), err, "SELECT sum(waste_bytes), sum(live) FROM call_site WHERE run = ?", "i", id);
	if (query_next(&q))
		*bytes = (u64)query_int(&q, 0);
	return query_end(&q);
}

static int recording(struct lab_run *r, struct kms_error *err)
{
	u64 all = 0, top = 0, sum = 0;
	s64 id;
	int rc = lab_experiment(r, "wasters", NULL, 0, &id, err);

	if (!rc)
		rc = rank(r, id, &all, &top, err);
	if (!rc)
		rc = rounding(r, id, &sum, err);
	if (rc)
		return rc;
	lab_say(r, "At the end of the recording %llu bytes are wasted by objects in use; the ten sites above have %.0f %% of it.",
		(unsigned long long)all, all ? 100.0 * (double)top / (double)all : 0);
	lab_value(r, "all", "bytes", (double)all);
	lab_value(r, "top_share", "%", all ? 100.0 * (double)top / (double)all : 0);
	lab_check_that(r, all > 0, "the recording has call sites that waste");
	lab_check(r, "the ranking leaves out no waste", (double)all, (double)sum);
	return 0;
}

static int run(struct lab_run *r, struct kms_error *err)
{
	u32 count = (u32)lab_param(r, "count");
	struct site site = {0}, iova = {0};
	struct kit k;
	int rc = kit_open(&k, r, err);

	if (!rc && (!count || count > MOST))
		rc = kms_fail(err, KMS_EUSAGE, "count: found %u, expected 1 to %d", count, MOST);
	if (!rc)
		rc = by_hand(&k, (u64)lab_param(r, "bytes"), count, &site, err);
	if (!rc)
		rc = by_hand(&k, 1032, 1, &iova, err);
	if (rc)
		return rc;
	lab_value(r, "total", "bytes", (double)site.total);
	lab_value(r, "each", "bytes", (double)site.each);
	lab_check(r, "total is each times the objects", (double)site.total, (double)(site.each * count));
	lab_check_book(r, "58 objects: total", (double)site.total, 406);
	lab_check_book(r, "... and each", (double)site.each, 7);
	lab_check(r, "1,032 bytes in kmalloc-2k waste 1,016 (iova_magazine)", (double)iova.each, 1016);
	return recording(r, err);
}

const struct lab lab_wasters = {.name = "wasters", .run = run};
