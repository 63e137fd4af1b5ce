/*
 * anonymise.c - a trace without names: to be handed to others (edit.h).
 *
 * Names of call sites, slab caches, phases and the recording become numbers, in
 * the order of their first use, so that not even their former order is told.
 * What remains is what replay needs: sizes, orders, flags, times.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/edit.h"
#include "workloads/info.h"
#include "workloads/ordered.h"

/* Old index to new, in order of first use. */
struct renumber {
	u32 *to; /* new + 1; 0: not used yet */
	u32 n, used;
};

static bool renumber_init(struct renumber *r, u32 n)
{
	*r = (struct renumber){calloc(n + 1ul, sizeof(u32)), n, 0};
	return r->to;
}

static u32 renumbered(struct renumber *r, u32 old)
{
	if (old >= r->n)
		return old;
	if (!r->to[old])
		r->to[old] = ++r->used;
	return r->to[old] - 1;
}

struct anonymise {
	const struct anonymise_options *options;
	struct rewrite out;
	struct rewrite_map map;
	struct renumber sites, caches, phases;
};

static int one_request(void *arg, const struct kms_request *rq, struct kms_error *err)
{
	struct anonymise *a = arg;
	struct kms_request out = *rq;

	if (a->options->coarsen)
		out.time -= out.time % a->options->coarsen;
	out.site = renumbered(&a->sites, rq->site);
	if (kms_request_uses_cache(rq->op))
		out.cache = renumbered(&a->caches, rq->cache);
	if (rq->op == REQ_PHASE)
		out.part = renumbered(&a->phases, rq->part);
	return rewrite_add(&a->out, &a->map, &out, NULL, err);
}

static bool set_text(char **text, const char *to)
{
	free(*text);
	*text = strdup(to);
	return *text;
}

/* A name that stays keeps its new place, too. */
static bool rename_list(char **names, struct renumber *r, const char *word, bool keep)
{
	char **old = malloc((r->n + 1ul) * sizeof(*old)), name[64];
	bool ok = old;

	if (!ok)
		return false;
	memcpy(old, names, r->n * sizeof(*old));
	for (u32 i = 0; i < r->n; i++) {
		u32 to = renumbered(r, i);

		names[to] = old[i];
		snprintf(name, sizeof(name), "%s-%u", word, to);
		ok &= keep || set_text(&names[to], name);
	}
	free(old);
	return ok;
}

static bool rename_caches(struct kms_workload_info *info, struct renumber *r, bool keep)
{
	struct kms_cache_def *old = malloc((r->n + 1ul) * sizeof(*old));
	char name[64];
	bool ok = old;

	if (!ok)
		return false;
	memcpy(old, info->caches, r->n * sizeof(*old));
	for (u32 i = 0; i < r->n; i++) {
		u32 to = renumbered(r, i);

		info->caches[to] = old[i];
		snprintf(name, sizeof(name), "cache-%u", to);
		ok &= keep || set_text(&info->caches[to].name, name);
	}
	free(old);
	return ok;
}

static bool rename_all(struct anonymise *a, struct kms_workload_info *info)
{
	return rename_list(info->sites, &a->sites, "site", false) &&
	       (!info->nr_sites || set_text(&info->sites[0], "")) &&
	       rename_list(info->phases, &a->phases, "phase", a->options->keep_phases) &&
	       rename_caches(info, &a->caches, a->options->keep_caches) &&
	       set_text(&info->source, "anonymised") && set_text(&info->kernel, "");
}

static int anonymise(struct anonymise *a, struct kms_stream *stream, const char *output, struct kms_error *err)
{
	struct kms_workload_info info = {0};
	int ret = 0;

	if (!renumber_init(&a->sites, stream->info->nr_sites) ||
	    !renumber_init(&a->caches, stream->info->nr_caches) ||
	    !renumber_init(&a->phases, stream->info->nr_phases) || !rewrite_copy_info(&info, stream->info))
		ret = kms_fail(err, KMS_EFAIL, "no host memory for names");
	renumbered(&a->sites, KMS_NO_SITE); /* stays 0 */
	if (!ret)
		ret = rewrite_open(&a->out, output, stream->info->nr_cpus, err);
	if (!ret) {
		ret = ordered_each(stream, one_request, a, err);
		if (!ret && !rename_all(a, &info))
			ret = kms_fail(err, KMS_EFAIL, "no host memory for names");
		if (ret)
			rewrite_abort(&a->out);
		else
			ret = rewrite_finish(&a->out, &info, err);
	}
	workload_info_free(&info);
	return ret;
}

int trace_anonymise(const char *input, const char *output, const struct anonymise_options *options,
		    struct rewrite_counts *counts, struct kms_error *err)
{
	struct anonymise *a = calloc(1, sizeof(*a));
	struct kms_stream *stream;
	int ret;

	if (!a)
		return kms_fail(err, KMS_EFAIL, "no host memory");
	a->options = options;
	ret = trace_open(&stream, input, err);
	if (!ret) {
		ret = anonymise(a, stream, output, err);
		stream->close(stream);
	}
	*counts = a->out.counts;
	rewrite_map_free(&a->map);
	free(a->sites.to);
	free(a->caches.to);
	free(a->phases.to);
	free(a);
	return ret;
}
