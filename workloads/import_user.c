/*
 * import_user.c - see import_user.h.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/import_user.h"

#define KMALLOC_MAX (4ull << 20)
#define CHUNK_ORDER 10
#define CHUNK_SHIFT 48 /* of a chunk's number, above the object's key */
#define GFP_KERNEL_BITS 0xcc0u

enum user_kind { USER_KMALLOC, USER_PAGES };

int user_no_memory(struct user_import *im)
{
	return kms_fail(im->job->err, KMS_EFAIL, "no host memory for importing");
}

int user_malformed(struct user_import *im, const char *found, const char *expected)
{
	im->job->result->unknown++;
	if (!im->job->strict)
		return 0;
	return kms_fail(im->job->err, KMS_EUSAGE, "%s:%llu: found '%.60s', expected %s", im->lines.path,
			(unsigned long long)im->lines.number, found, expected);
}

bool user_number(const char **at, u64 *value)
{
	const char *p = *at;
	char *end;

	while (*p == ' ')
		p++;
	if (!strncmp(p, "(nil)", 5)) {
		*value = 0;
		*at = p + 5;
		return true;
	}
	if (!isdigit((unsigned char)*p))
		return false;
	*value = strtoull(p, &end, p[0] == '0' && p[1] == 'x' ? 16 : 10);
	*at = end;
	return !*end || isspace((unsigned char)*end);
}

/* ---- requests ---- */

static int put(struct user_import *im, const struct live *e, u8 op, u64 size, u32 site)
{
	struct kms_object_ref ref = { e->slot, e->generation };
	struct kms_request rq = {
		.time = im->time, .size = size, .site = site, .n = 1, .node = -1, .op = op, .order = e->order,
		.gfp = kms_request_classes[op] == 'A' ? GFP_KERNEL_BITS : 0, .refs = &ref,
	};

	im->job->result->requests++;
	return trace_writer_add(im->writer, &rq, im->job->err);
}

static int add(struct user_import *im, u64 key, u64 size, u32 site, enum user_kind kind)
{
	struct live *e = live_add(&im->objects, key);
	struct kms_object_ref ref;

	if (!e || !slot_take(&im->slots, 0, &ref))
		return user_no_memory(im);
	e->slot = ref.slot;
	e->generation = ref.generation;
	e->kind = kind;
	e->order = kind == USER_PAGES ? CHUNK_ORDER : 0;
	return put(im, e, kind == USER_PAGES ? REQ_PAGE_ALLOC : REQ_KMALLOC, kind == USER_PAGES ? 0 : size,
		   site);
}

static int drop(struct user_import *im, u64 key, u32 site)
{
	int ret = 0;

	for (u64 chunk = 0; !ret; chunk++) {
		struct live *e = live_find(&im->objects, key | chunk << CHUNK_SHIFT);
		bool last;

		if (!e)
			break;
		last = e->kind == USER_KMALLOC;
		ret = put(im, e, last ? REQ_KFREE : REQ_PAGE_FREE, 0, site);
		if (!slot_give(&im->slots, 0, (struct kms_object_ref){ e->slot, e->generation }))
			return user_no_memory(im);
		live_remove(&im->objects, e);
		if (last)
			break;
	}
	recent_add(&im->freed, key);
	return ret;
}

int user_alloc(struct user_import *im, u64 key, u64 size, u32 site)
{
	u64 chunks = (size + KMALLOC_MAX - 1) / KMALLOC_MAX;
	int ret = 0;

	if (live_find(&im->objects, key)) {
		im->job->result->alloc_over_live++;
		ret = drop(im, key, KMS_NO_SITE);
		im->job->result->live_at_end--;
	}
	im->job->result->live_at_end++;
	if (!ret && size <= KMALLOC_MAX)
		return add(im, key, size ? size : 1, site, USER_KMALLOC);
	for (u64 i = 0; i < chunks && !ret; i++)
		ret = add(im, key | i << CHUNK_SHIFT, 0, site, USER_PAGES);
	return ret;
}

int user_free(struct user_import *im, u64 key, u32 site)
{
	struct import_result *result = im->job->result;

	if (live_find(&im->objects, key)) {
		result->frees_matched++;
		result->live_at_end--;
		return drop(im, key, site);
	}
	result->frees_without_alloc++;
	im->unseen++;
	if (!recent_has(&im->freed, key))
		result->live_at_start++;
	recent_add(&im->freed, key);
	return 0;
}

/* ---- the whole ---- */

static int describe(struct user_import *im, const char *what)
{
	const char *slash = strrchr(im->job->source, '/');
	struct kms_workload_info *info = &im->info;

	if (asprintf(&info->source, "%s %s", what, slash ? slash + 1 : im->job->source) < 0)
		info->source = NULL;
	info->kernel = strdup("");
	info->allocator = strdup("");
	info->nr_nodes = 1;
	if (!info->source || !info->kernel || !info->allocator)
		return user_no_memory(im);
	info->sites = im->sites.texts;
	info->nr_sites = im->sites.n;
	im->sites.texts = NULL;
	im->sites.n = 0;
	im->job->result->outcomes = im->unseen + im->failed + im->job->result->null_frees;
	if ((im->unseen && workload_info_leave_out(info, "frees of what was not seen allocated", im->unseen)) ||
	    (im->failed && workload_info_leave_out(info, "failed allocations", im->failed)) ||
	    (im->job->result->null_frees &&
	     workload_info_leave_out(info, "frees of nothing", im->job->result->null_frees)))
		return user_no_memory(im);
	return 0;
}

static int read_lines(struct user_import *im, void *arg,
		      int (*line)(struct user_import *im, void *arg, char *text))
{
	struct kms_request phase = { .op = REQ_PHASE, .node = -1 };
	char *text;
	int ret;

	if (workload_info_add_phase(&im->info, "recording") < 0)
		return user_no_memory(im);
	im->job->result->requests++;
	ret = trace_writer_add(im->writer, &phase, im->job->err);
	while (!ret && (ret = lines_next(&im->lines, &text, im->job->err)) > 0)
		ret = line(im, arg, text);
	return ret;
}

static int import_into(struct user_import *im, const char *what, void *arg,
		       int (*line)(struct user_import *im, void *arg, char *text))
{
	const struct import_job *job = im->job;
	struct trace_writer *w;
	int ret = lines_open_file(&im->lines, job->source, job->err);

	if (!ret)
		ret = trace_writer_open(&im->writer, job->output, 1, job->err);
	if (!ret && (!recent_init(&im->freed) || names_enter(&im->sites, "", 0) != KMS_NO_SITE))
		ret = user_no_memory(im);
	if (!ret)
		ret = read_lines(im, arg, line);
	if (!ret && !job->result->events)
		ret = kms_fail(job->err, KMS_EUSAGE, "'%s' has no event, expected allocations and frees",
			       job->source);
	if (!ret)
		ret = describe(im, what);
	if (ret)
		return ret;
	w = im->writer;
	im->writer = NULL; /* gone, whatever becomes of it */
	return trace_writer_finish(w, &im->info, job->err);
}

int user_import_lines(const struct import_job *job, const char *what, void *arg,
		      int (*line)(struct user_import *im, void *arg, char *text))
{
	struct user_import im = { .job = job };
	int ret = import_into(&im, what, arg, line);

	trace_writer_abort(im.writer);
	lines_close(&im.lines);
	slot_pool_free(&im.slots);
	names_free(&im.sites);
	live_free(&im.objects);
	recent_free(&im.freed);
	workload_info_free(&im.info);
	return ret;
}
