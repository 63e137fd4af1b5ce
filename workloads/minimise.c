/*
 * minimise.c - see minimise.h.
 */
#include "workloads/minimise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workloads/info.h"
#include "workloads/ordered.h"
#include "workloads/rewrite.h"

struct search {
	const struct minimise_options *options;
	struct minimise_result *result;
	const char *input;
	char *candidate;	   /* file */
	u64 limit;		   /* requests of the input that count */
	u64 *kept;		   /* objects, by number in order of allocation */
	u64 nr_kept;
	bool *keep;		   /* by object: in the candidate */
	u64 nr_objects;
	u64 written, written_objects; /* of the candidate */
};

static int copy(struct search *s, struct kms_stream *stream, struct rewrite *out, struct kms_error *err)
{
	struct rewrite_map map = {0};
	const struct kms_request *rq;
	struct ordered in;
	u64 object = 0;
	int ret = ordered_open(&in, stream, err), got = 1;

	if (ret)
		return ret;
	while (!ret && (got = ordered_next(&in, &rq, err)) > 0 && rq->seq < s->limit) {
		bool allocates = kms_request_classes[rq->op] == 'A';

		ret = rewrite_add(out, &map, rq, allocates && s->keep ? s->keep + object : NULL, err);
		object += allocates ? rq->n : 0;
	}
	ordered_close(&in);
	rewrite_map_free(&map);
	s->nr_objects = s->keep ? s->nr_objects : object;
	return ret ? ret : got < 0 ? got : 0;
}

static int write_candidate(struct search *s, struct kms_error *err)
{
	struct kms_stream *stream;
	struct rewrite out;
	int ret = trace_open(&stream, s->input, err);

	if (ret)
		return ret;
	ret = rewrite_open(&out, s->candidate, stream->info->nr_cpus, err);
	if (!ret) {
		ret = copy(s, stream, &out, err);
		s->written = out.counts.requests;
		s->written_objects = out.counts.objects;
		ret = rewrite_end(&out, ret, stream->info, err);
	}
	stream->close(stream);
	return ret;
}

static int try_candidate(struct search *s, bool *holds, struct kms_error *err)
{
	int ret = write_candidate(s, err);

	*holds = false;
	if (ret)
		return ret;
	s->result->tests++;
	ret = s->options->test(s->options->arg, s->candidate, holds, err);
	if (ret)
		return ret;
	if (*holds) {
		s->result->requests = s->written;
		s->result->objects = s->written_objects;
	}
	if (s->options->report)
		s->options->report(s->options->arg, s->result->tests, s->result->requests, s->result->objects);
	return 0;
}

static bool exhausted(const struct search *s)
{
	return s->result->tests >= s->options->max_tests;
}

/* The shortest beginning for which it holds, as far as bisection finds it. */
static int cut_end(struct search *s, u64 requests, struct kms_error *err)
{
	u64 low = 0, high = requests;
	bool holds;

	while (high - low > 1 && !exhausted(s)) {
		s->limit = low + (high - low) / 2;
		if (try_candidate(s, &holds, err))
			return err->code;
		if (holds)
			high = s->limit;
		else
			low = s->limit;
	}
	s->limit = high;
	return 0;
}

/* Without the kept objects number [from, to). */
static int try_without(struct search *s, u64 from, u64 to, bool *holds, struct kms_error *err)
{
	for (u64 i = from; i < to; i++)
		s->keep[s->kept[i]] = false;
	if (try_candidate(s, holds, err))
		return err->code;
	if (!*holds) {
		for (u64 i = from; i < to; i++)
			s->keep[s->kept[i]] = true;
		return 0;
	}
	memmove(s->kept + from, s->kept + to, (s->nr_kept - to) * sizeof(*s->kept));
	s->nr_kept -= to - from;
	return 0;
}

static int ddmin(struct search *s, struct kms_error *err)
{
	u64 parts = 2;

	while (s->nr_kept && !exhausted(s)) {
		u64 size = (s->nr_kept + parts - 1) / parts, at = 0;
		bool any = false, holds;

		while (at < s->nr_kept && !exhausted(s)) {
			u64 to = at + size < s->nr_kept ? at + size : s->nr_kept;

			if (try_without(s, at, to, &holds, err))
				return err->code;
			any |= holds;
			at = holds ? at : to;
		}
		s->result->minimal = size == 1 && !any && at >= s->nr_kept;
		if (s->result->minimal)
			break;
		if (!any || size > 1)
			parts = size > 1 ? 2 * parts : parts;
		if (parts > s->nr_kept)
			parts = s->nr_kept ? s->nr_kept : 1;
	}
	s->result->minimal |= !s->nr_kept;
	return 0;
}

static int prepare_objects(struct search *s, struct kms_error *err)
{
	s->nr_kept = s->nr_objects;
	s->kept = malloc((s->nr_objects + 1) * sizeof(*s->kept));
	s->keep = malloc(s->nr_objects + 1);
	if (!s->kept || !s->keep)
		return kms_fail(err, KMS_EFAIL, "no host memory for %llu objects",
				(unsigned long long)s->nr_objects);
	memset(s->keep, true, s->nr_objects + 1);
	for (u64 i = 0; i < s->nr_objects; i++)
		s->kept[i] = i;
	return 0;
}

static int search(struct search *s, u64 requests, const char *output, struct kms_error *err)
{
	bool holds;

	s->limit = requests;
	if (try_candidate(s, &holds, err))
		return err->code;
	if (!holds)
		return kms_fail(err, KMS_EUSAGE, "what is to be kept does not hold for '%s' itself", s->input);
	s->result->requests_before = s->result->requests;
	s->result->objects_before = s->result->objects;
	if (cut_end(s, requests, err) || write_candidate(s, err) || prepare_objects(s, err) || ddmin(s, err) ||
	    write_candidate(s, err))
		return err->code;
	s->result->requests = s->written;
	s->result->objects = s->written_objects;
	return rename(s->candidate, output) ? kms_fail(err, KMS_EFAIL, "cannot write '%s'", output) : 0;
}

int trace_minimise(const char *input, const char *output, const struct minimise_options *options,
		   struct minimise_result *result, struct kms_error *err)
{
	struct search s = {.options = options, .result = result, .input = input};
	struct kms_stream *stream;
	u64 requests;
	int ret;

	memset(result, 0, sizeof(*result));
	ret = trace_open(&stream, input, err);
	if (ret)
		return ret;
	requests = stream->info->requests;
	stream->close(stream);
	if (asprintf(&s.candidate, "%s.candidate", output) < 0)
		return kms_fail(err, KMS_EFAIL, "no host memory");
	ret = search(&s, requests, output, err);
	if (ret)
		unlink(s.candidate);
	free(s.candidate);
	free(s.kept);
	free(s.keep);
	return ret;
}
