/*
 * import.c - which importer reads a source.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workloads/import_internal.h"
#include "workloads/lines.h"
#include "workloads/trace_info.h"

#define FIRST_LOOK 65536 /* bytes of a file that tell its format */

static const struct importer *const importers[] = {
	&import_groundtruth, &import_dat, &import_report, &import_ftrace, &import_perf, &import_mtrace,
	&import_rep,
};

const char *import_format_name(u32 i)
{
	return i < KMS_ARRAY_SIZE(importers) ? importers[i]->name : NULL;
}

static int unrecognised(const char *source, struct kms_error *err)
{
	char expected[1024] = "";

	for (size_t i = 0; i < KMS_ARRAY_SIZE(importers); i++) {
		size_t n = strlen(expected);

		snprintf(expected + n, sizeof(expected) - n, "%s%s", i ? ", or " : "", importers[i]->what);
	}
	return kms_fail(err, KMS_EUSAGE, "'%s' is not a recording that can be imported; expected %s", source,
			expected);
}

/* The importer of a file, NULL if none knows it. */
static const struct importer *look(const char *path, struct kms_error *err)
{
	char *text = malloc(FIRST_LOOK + 1);
	const struct importer *found = NULL;
	size_t length = 0;

	if (!text) {
		kms_fail(err, KMS_EFAIL, "no host memory for importing");
		return NULL;
	}
	if (!lines_peek(path, text, FIRST_LOOK, &length, err)) {
		text[length] = '\0';
		for (size_t i = 0; i < KMS_ARRAY_SIZE(importers) && !found; i++)
			if (importers[i]->recognises_text && importers[i]->recognises_text(text, length))
				found = importers[i];
	}
	free(text);
	return found;
}

static int by_name(const char *name, const struct importer **found, struct kms_error *err)
{
	const char *names[KMS_ARRAY_SIZE(importers)], *near;

	for (size_t i = 0; i < KMS_ARRAY_SIZE(importers); i++) {
		names[i] = importers[i]->name;
		if (!strcmp(name, names[i])) {
			*found = importers[i];
			return 0;
		}
	}
	near = kms_nearest(name, names, KMS_ARRAY_SIZE(importers));
	return kms_fail(err, KMS_EUSAGE, "--format: there is no format '%s'%s%s%s; expected one that `kmemsim import --help` lists",
			name, near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* The one file of a folder that can be imported; free() it. NULL: none, or several (err is set). */
static char *file_of_folder(const char *folder, struct kms_error *err)
{
	struct dirent **entries;
	char *found = NULL;
	int n = scandir(folder, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		struct kms_error ignored = { 0 };
		struct stat st;
		char *path = NULL;

		if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0)
			path = NULL;
		free(entries[i]);
		if (!path || stat(path, &st) || !S_ISREG(st.st_mode) || !look(path, &ignored)) {
			free(path);
			continue;
		}
		if (found)
			kms_fail(err, KMS_EUSAGE, "'%s' has several recordings, among them '%s' and '%s'; expected one of these files",
				 folder, found, path);
		free(found);
		found = path;
	}
	if (n >= 0)
		free(entries);
	if (err->code) {
		free(found);
		found = NULL;
	}
	return found;
}

/* The importer of events counts what it read; how many frees it had is in the trace. */
static int import_folder(const struct importer *importer, const struct import_job *job)
{
	int ret = importer->import(job->source, job->output, job->result, job->err);
	struct trace_summary summary;

	if (ret)
		return ret;
	ret = trace_summarize(&summary, job->output, job->err);
	if (ret) {
		unlink(job->output);
		return ret;
	}
	job->result->frees_matched = summary.frees;
	job->result->live_at_start = job->result->frees_without_alloc;
	trace_summary_free(&summary);
	return 0;
}

static int import_one(const struct importer *importer, struct import_job *job, bool folder)
{
	char *file = NULL;
	int ret;

	if (!importer && folder) {
		for (size_t i = 0; i < KMS_ARRAY_SIZE(importers) && !importer; i++)
			if (importers[i]->recognises && importers[i]->recognises(job->source))
				importer = importers[i];
	}
	if (folder && (!importer || importer->import_file)) {
		file = file_of_folder(job->source, job->err);
		if (!file)
			return job->err->code ? job->err->code : unrecognised(job->source, job->err);
		job->source = file;
	}
	if (!importer)
		importer = look(job->source, job->err);
	if (!importer)
		ret = job->err->code ? job->err->code : unrecognised(job->source, job->err);
	else if (importer->import_file)
		ret = importer->import_file(job);
	else
		ret = import_folder(importer, job);
	if (importer)
		job->result->format = importer->name;
	free(file);
	return ret;
}

int import_recording_with(const char *source, const char *output, const struct import_options *options,
			  struct import_result *result, struct kms_error *err)
{
	struct kms_error local = { 0 };
	struct import_job job = { .source = source, .output = output, .result = result,
				  .err = err ? err : &local };
	const struct importer *importer = NULL;
	struct slab_list *slabs = NULL;
	struct stat st;
	int ret;

	memset(result, 0, sizeof(*result));
	if (stat(source, &st))
		return kms_fail(err, KMS_EUSAGE, "cannot read '%s': %s", source, strerror(errno));
	if (options && options->format && by_name(options->format, &importer, job.err))
		return KMS_EUSAGE;
	job.strict = options && options->strict;
	if (options && options->slabs && slab_list_open(&slabs, options->slabs, job.err))
		return job.err->code;
	job.slabs = slabs;
	ret = import_one(importer, &job, S_ISDIR(st.st_mode));
	slab_list_close(slabs);
	return ret;
}

int import_recording(const char *source, const char *output, struct import_result *result,
		     struct kms_error *err)
{
	return import_recording_with(source, output, NULL, result, err);
}

double import_matched(const struct import_result *r)
{
	u64 frees = r->frees_matched + r->frees_without_alloc;

	return frees ? (double)r->frees_matched / (double)frees : 1;
}

double import_coverage(const struct import_result *r)
{
	u64 understood = r->events - r->null_frees, all = understood + r->unknown;

	return all ? (double)understood / (double)all : 1;
}
