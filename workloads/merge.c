/*
 * merge.c - several traces as one, side by side in time (edit.h).
 *
 * The first trace's boot steps and memory map count; the others' boot steps are
 * left out. Slab caches of equal name, size and flags become one; so do call
 * sites and phases of equal name. A phase mark of any input is one for all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/edit.h"
#include "workloads/info.h"
#include "workloads/ordered.h"

struct input {
	struct kms_stream *stream;
	struct ordered in;
	const struct kms_request *head; /* NULL: at its end */
	struct rewrite_map map;
	u32 *sites, *caches, *phases; /* to the output's */
	u32 first_cpu;
};

struct merge {
	struct rewrite out;
	struct kms_workload_info info;
	struct input *inputs;
	size_t n;
	bool *created; /* by the output's caches */
};

static s64 find(char *const *names, u32 n, const char *name)
{
	for (u32 i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

static s64 add_cache(struct kms_workload_info *info, const struct kms_cache_def *def)
{
	struct kms_cache_def *grown;

	for (u32 i = 0; i < info->nr_caches; i++) {
		const struct kms_cache_def *d = &info->caches[i];

		if (!strcmp(d->name, def->name) && d->object_size == def->object_size && d->align == def->align &&
		    d->flags == def->flags && d->ctor == def->ctor)
			return i;
	}
	grown = realloc(info->caches, (info->nr_caches + 1ul) * sizeof(*grown));
	if (!grown)
		return -1;
	info->caches = grown;
	grown[info->nr_caches] = *def;
	grown[info->nr_caches].name = strdup(def->name);
	if (!grown[info->nr_caches].name)
		return -1;
	return info->nr_caches++;
}

/* The input's names into the output's; with the indices they get there. */
static bool add_names(struct merge *m, struct input *input)
{
	const struct kms_workload_info *from = input->stream->info;
	s64 at = 0;

	input->sites = calloc(from->nr_sites + 1ul, sizeof(u32));
	input->caches = calloc(from->nr_caches + 1ul, sizeof(u32));
	input->phases = calloc(from->nr_phases + 1ul, sizeof(u32));
	if (!input->sites || !input->caches || !input->phases)
		return false;
	for (u32 i = 0; i < from->nr_sites && at >= 0; i++) {
		at = find(m->info.sites, m->info.nr_sites, from->sites[i]);
		if (at < 0)
			at = workload_info_add_site(&m->info, from->sites[i], strlen(from->sites[i]));
		input->sites[i] = (u32)at;
	}
	for (u32 i = 0; i < from->nr_phases && at >= 0; i++) {
		at = find(m->info.phases, m->info.nr_phases, from->phases[i]);
		if (at < 0)
			at = workload_info_add_phase(&m->info, from->phases[i]);
		input->phases[i] = (u32)at;
	}
	for (u32 i = 0; i < from->nr_caches && at >= 0; i++) {
		at = add_cache(&m->info, &from->caches[i]);
		input->caches[i] = (u32)at;
	}
	for (u32 i = 0; i < from->nr_left_out && at >= 0; i++)
		at = workload_info_leave_out(&m->info, from->left_out[i].what, from->left_out[i].count);
	return at >= 0;
}

/* The first input's memory map; names of all. */
static bool start_info(struct merge *m, const struct kms_workload_info *first)
{
	if (!rewrite_copy_info(&m->info, first))
		return false;
	for (u32 i = 0; i < m->info.nr_left_out; i++)
		free(m->info.left_out[i].what);
	m->info.nr_left_out = 0;
	free(m->info.source);
	m->info.source = NULL;
	if (asprintf(&m->info.source, "%zu traces merged, the first: %s", m->n, first->source) < 0)
		return false;
	return workload_info_leave_out(&m->info, "boot steps of all traces but the first", 0) == 0;
}

static int advance(struct input *input, struct kms_error *err)
{
	int got = ordered_next(&input->in, &input->head, err);

	if (got <= 0)
		input->head = NULL;
	return got < 0 ? got : 0;
}

/* Ties: the input named first. A boot comes before everything else. */
static struct input *earliest(struct merge *m)
{
	struct input *best = NULL;

	for (size_t i = 0; i < m->n; i++)
		if (m->inputs[i].head && (!best || m->inputs[i].head->time < best->head->time))
			best = &m->inputs[i];
	return best;
}

static bool left_out(struct merge *m, const struct input *input, const struct kms_request *rq, u32 cache)
{
	bool first = input == m->inputs;

	if (rq->op == REQ_BOOT && !first) {
		workload_info_leave_out(&m->info, "boot steps of all traces but the first", 1);
		return true;
	}
	if (rq->op == REQ_PAGE_RELEASE || rq->op == REQ_CACHE_DESTROY)
		return !first;
	if (rq->op != REQ_CACHE_CREATE)
		return false;
	if (m->created[cache])
		return true;
	m->created[cache] = true;
	return false;
}

static int one_request(struct merge *m, struct input *input, struct kms_error *err)
{
	struct kms_request out = *input->head;

	out.site = input->sites[out.site];
	if (out.op == REQ_PHASE)
		out.part = input->phases[out.part];
	if (input->stream->info->nr_caches && out.cache < input->stream->info->nr_caches)
		out.cache = input->caches[out.cache];
	out.cpu = (u16)(out.cpu + input->first_cpu);
	if (left_out(m, input, &out, out.cache)) {
		rewrite_drop(&m->out);
		return 0;
	}
	return rewrite_add(&m->out, &input->map, &out, NULL, err);
}

static int merge_requests(struct merge *m, struct kms_error *err)
{
	struct input *input;
	int ret = 0;

	for (size_t i = 0; i < m->n && !ret; i++) {
		ret = ordered_open(&m->inputs[i].in, m->inputs[i].stream, err);
		if (!ret)
			ret = advance(&m->inputs[i], err);
	}
	while (!ret && (input = earliest(m))) {
		ret = one_request(m, input, err);
		if (!ret)
			ret = advance(input, err);
	}
	return ret;
}

static int open_inputs(struct merge *m, const char *const *paths, bool same_cpus, u32 *nr_cpus,
		       struct kms_error *err)
{
	*nr_cpus = 0;
	for (size_t i = 0; i < m->n; i++) {
		int ret = trace_open(&m->inputs[i].stream, paths[i], err);
		u32 n;

		if (ret)
			return ret;
		n = m->inputs[i].stream->info->nr_cpus;
		m->inputs[i].first_cpu = same_cpus ? 0 : *nr_cpus;
		if (!i && !start_info(m, m->inputs[i].stream->info))
			return kms_fail(err, KMS_EFAIL, "no host memory for names");
		if (!add_names(m, &m->inputs[i]))
			return kms_fail(err, KMS_EFAIL, "no host memory for names");
		*nr_cpus = same_cpus ? n > *nr_cpus ? n : *nr_cpus : *nr_cpus + n;
	}
	if (*nr_cpus > 256)
		return kms_fail(err, KMS_EUSAGE, "together they have %u CPUs, a trace has at most 256", *nr_cpus);
	m->created = calloc(m->info.nr_caches + 1ul, 1);
	return m->created ? 0 : kms_fail(err, KMS_EFAIL, "no host memory");
}

int trace_merge(const char *const *paths, size_t n, const char *output, bool same_cpus,
		struct rewrite_counts *counts, struct kms_error *err)
{
	struct merge *m = calloc(1, sizeof(*m));
	u32 nr_cpus = 0;
	int ret;

	if (m)
		m->inputs = calloc(n, sizeof(*m->inputs));
	if (!m || !m->inputs) {
		free(m);
		return kms_fail(err, KMS_EFAIL, "no host memory");
	}
	m->n = n;
	ret = open_inputs(m, paths, same_cpus, &nr_cpus, err);
	if (!ret)
		ret = rewrite_open(&m->out, output, nr_cpus, err);
	if (!ret) {
		ret = merge_requests(m, err);
		*counts = m->out.counts;
		if (ret)
			rewrite_abort(&m->out);
		else
			ret = rewrite_finish(&m->out, &m->info, err);
	}
	for (size_t i = 0; i < n; i++) {
		struct input *in = &m->inputs[i];

		ordered_close(&in->in);
		if (in->stream)
			in->stream->close(in->stream);
		rewrite_map_free(&in->map);
		free(in->sites);
		free(in->caches);
		free(in->phases);
	}
	workload_info_free(&m->info);
	free(m->created);
	free(m->inputs);
	free(m);
	return ret;
}

struct copy {
	struct rewrite out;
	struct rewrite_map map;
};

static int copy_one(void *arg, const struct kms_request *rq, struct kms_error *err)
{
	struct copy *c = arg;

	return rewrite_add(&c->out, &c->map, rq, NULL, err);
}

int trace_make(struct kms_stream *stream, const char *output, struct rewrite_counts *counts,
	       struct kms_error *err)
{
	struct copy c = {0};
	int ret = rewrite_open(&c.out, output, stream->info->nr_cpus, err);

	if (ret)
		return ret;
	ret = ordered_each(stream, copy_one, &c, err);
	*counts = c.out.counts;
	rewrite_map_free(&c.map);
	return rewrite_end(&c.out, ret, stream->info, err);
}
