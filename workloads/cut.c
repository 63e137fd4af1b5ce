/*
 * cut.c - a part of a trace, by time, phase, CPU and cache (edit.h).
 *
 * Control requests that the rest stands on are kept from before the beginning:
 * caches that are created, boot memory that is released. Boot steps are kept
 * only if the cut begins with the trace.
 */
#include <stdlib.h>
#include <string.h>

#include "workloads/edit.h"
#include "workloads/info.h"
#include "workloads/ordered.h"

/* An allocation before the beginning, of an object that may still be alive there. */
struct early {
	struct kms_request rq;
	struct kms_object_ref ref;
	u64 serial;
	bool alive;
};

struct cut {
	const struct cut_options *options;
	struct cut_counts *counts;
	const struct kms_workload_info *info;
	struct rewrite out;
	struct rewrite_map map;
	struct early *early; /* by slot */
	u16 cpu_map[256];
	u32 phase;
	bool *phase_wanted, *cache_wanted;
	bool kmalloc_wanted, pages_wanted;
	bool begun, boot_kept;
	u64 serial, origin; /* origin: time at which the output begins */
	struct kms_request *pending; /* control requests to be written when something follows */
	u64 nr_pending;
};

static int unknown(struct kms_error *err, const char *what, const char *name, const char *const *names, size_t n)
{
	const char *near = kms_nearest(name, names, n);

	return kms_fail(err, KMS_EUSAGE, "the trace has no %s '%s'%s%s%s", what, name,
			near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int want_phases(struct cut *c, struct kms_error *err)
{
	for (size_t i = 0; i < c->options->nr_phases; i++) {
		const char *name = c->options->phases[i];
		bool found = false;

		for (u32 p = 0; p < c->info->nr_phases; p++)
			if (!strcmp(c->info->phases[p], name))
				found = c->phase_wanted[p] = true;
		if (!found)
			return unknown(err, "phase", name, (const char *const *)c->info->phases, c->info->nr_phases);
	}
	return 0;
}

static int no_cache(struct cut *c, const char *name, struct kms_error *err)
{
	const char **names = calloc(c->info->nr_caches + 2ul, sizeof(*names));
	int ret;

	if (!names)
		return kms_fail(err, KMS_EFAIL, "no host memory");
	for (u32 i = 0; i < c->info->nr_caches; i++)
		names[i] = c->info->caches[i].name;
	names[c->info->nr_caches] = "kmalloc";
	names[c->info->nr_caches + 1] = "pages";
	ret = unknown(err, "slab cache", name, names, c->info->nr_caches + 2ul);
	free(names);
	return ret;
}

static int want_caches(struct cut *c, struct kms_error *err)
{
	for (size_t i = 0; i < c->options->nr_caches; i++) {
		const char *name = c->options->caches[i];
		bool found = !strcmp(name, "kmalloc") || !strcmp(name, "pages");

		c->kmalloc_wanted |= !strcmp(name, "kmalloc");
		c->pages_wanted |= !strcmp(name, "pages");
		for (u32 k = 0; k < c->info->nr_caches; k++)
			if (!strcmp(c->info->caches[k].name, name))
				found = c->cache_wanted[k] = true;
		if (!found)
			return no_cache(c, name, err);
	}
	return 0;
}

static int want_cpus(struct cut *c, u32 *nr_cpus, struct kms_error *err)
{
	*nr_cpus = 0;
	for (u32 i = 0; i < 256; i++) {
		bool wanted = !c->options->some_cpus || c->options->cpus[i];

		if (wanted && i >= c->info->nr_cpus && c->options->some_cpus)
			return kms_fail(err, KMS_EUSAGE, "the trace has no CPU %u, expected 0 to %u", i,
					c->info->nr_cpus - 1);
		if (i < c->info->nr_cpus)
			c->cpu_map[i] = wanted ? (u16)(*nr_cpus)++ : UINT16_MAX;
	}
	return 0;
}

static bool in_time(const struct cut *c, const struct kms_request *rq)
{
	const struct cut_options *o = c->options;

	return rq->time >= o->from && (!o->to || rq->time < o->to) && (!o->nr_phases || c->phase_wanted[c->phase]);
}

static bool right_kind(const struct cut *c, const struct kms_request *rq)
{
	if (!c->options->nr_caches)
		return true;
	switch (rq->op) {
	case REQ_KMALLOC:
		return c->kmalloc_wanted;
	case REQ_CACHE_ALLOC:
	case REQ_CACHE_ALLOC_BULK:
		return c->cache_wanted[rq->cache];
	default:
		return c->pages_wanted;
	}
}

static int write_request(struct cut *c, const struct kms_request *rq, u16 cpu, struct kms_error *err)
{
	struct kms_request out = *rq;

	out.cpu = cpu;
	out.time = rq->time > c->origin ? rq->time - c->origin : 0;
	return rewrite_add(&c->out, &c->map, &out, NULL, err);
}

static int keep_pending(struct cut *c, const struct kms_request *rq, struct kms_error *err)
{
	struct kms_request *grown = c->pending;

	if (!(c->nr_pending & (c->nr_pending - 1)))
		grown = realloc(c->pending, (c->nr_pending ? 2 * c->nr_pending : 1) * sizeof(*grown));
	if (!grown)
		return kms_fail(err, KMS_EFAIL, "no host memory for a cut");
	c->pending = grown;
	c->pending[c->nr_pending++] = *rq;
	return 0;
}

static int write_pending(struct cut *c, struct kms_error *err)
{
	int ret = 0;

	for (u64 i = 0; i < c->nr_pending && !ret; i++) {
		u16 cpu = c->cpu_map[c->pending[i].cpu];

		ret = write_request(c, &c->pending[i], cpu == UINT16_MAX ? 0 : cpu, err);
	}
	c->nr_pending = 0;
	return ret;
}

/* ---- before the beginning ---- */

static void remember(struct cut *c, const struct kms_request *rq)
{
	bool kept = right_kind(c, rq) && c->cpu_map[rq->cpu] != UINT16_MAX;

	for (u32 i = 0; i < rq->n; i++) {
		struct early *e = &c->early[rq->refs[i].slot];

		*e = (struct early){*rq, rq->refs[i], c->serial++, kept};
		e->rq.n = 1;
		if (rq->op == REQ_PAGE_ALLOC_BULK)
			e->rq.op = REQ_PAGE_ALLOC, e->rq.order = 0;
		else if (rq->op == REQ_CACHE_ALLOC_BULK)
			e->rq.op = REQ_CACHE_ALLOC;
	}
}

static void forget(struct cut *c, const struct kms_request *rq)
{
	for (u32 i = 0; i < rq->n && rq->op != REQ_PAGE_FREE_PART; i++)
		c->early[rq->refs[i].slot].alive = false;
}

static int by_serial(const void *a, const void *b)
{
	const struct early *x = *(struct early *const *)a, *y = *(struct early *const *)b;

	return (x->serial > y->serial) - (x->serial < y->serial);
}

/* What is alive, in the order of allocation. */
static int begin(struct cut *c, const struct kms_request *first, struct kms_error *err)
{
	struct early **alive = malloc((c->info->slots + 1) * sizeof(*alive));
	int ret = 0;
	u64 n = 0;

	if (!alive)
		return kms_fail(err, KMS_EFAIL, "no host memory for the objects alive");
	c->begun = true;
	c->origin = first->time;
	for (u64 i = 0; i < c->info->slots; i++)
		if (c->early[i].alive)
			alive[n++] = &c->early[i];
	c->counts->live_before = n;
	qsort(alive, n, sizeof(*alive), by_serial);
	ret = write_pending(c, err);
	for (u64 i = 0; c->options->live && i < n && !ret; i++) {
		alive[i]->rq.refs = &alive[i]->ref;
		alive[i]->rq.time = c->origin;
		ret = write_request(c, &alive[i]->rq, c->cpu_map[alive[i]->rq.cpu], err);
	}
	free(alive);
	return ret;
}

/* ---- the requests ---- */

static int control(struct cut *c, const struct kms_request *rq, struct kms_error *err)
{
	u16 cpu = c->cpu_map[rq->cpu] == UINT16_MAX ? 0 : c->cpu_map[rq->cpu];
	bool keep = in_time(c, rq);

	if (rq->op == REQ_CACHE_CREATE || rq->op == REQ_PAGE_RELEASE)
		keep = true;
	else if (rq->op == REQ_BOOT)
		keep = c->boot_kept && cpu < 1 && c->cpu_map[0] != UINT16_MAX;
	else if (rq->op == REQ_PHASE)
		keep = c->begun && (!c->options->nr_phases || c->phase_wanted[rq->part]) &&
		       (!c->options->to || rq->time < c->options->to);
	if (!keep) {
		c->counts->boot_steps += rq->op == REQ_BOOT;
		rewrite_drop(&c->out);
		return 0;
	}
	if (!in_time(c, rq) && rq->op != REQ_BOOT)
		return keep_pending(c, rq, err);
	return write_request(c, rq, cpu, err);
}

/* Objects that are taken over are freed by their own CPU where the freeing one is not. */
static int one_free(struct cut *c, const struct kms_request *rq, struct kms_error *err)
{
	const struct rewrite_object *first = NULL;
	u16 cpu = c->cpu_map[rq->cpu];
	u32 known = 0;

	for (u32 i = 0; i < rq->n; i++) {
		const struct rewrite_object *o = rewrite_find(&c->map, rq->refs[i]);

		known += o != NULL;
		first = first ? first : o;
	}
	if (known && !in_time(c, rq)) {
		c->counts->freed_after += known;
		rewrite_drop(&c->out);
		return 0;
	}
	if (cpu == UINT16_MAX) {
		c->counts->freed_elsewhere += known;
		cpu = first ? first->cpu : 0;
	}
	return write_request(c, rq, cpu, err);
}

static int one_request(void *arg, const struct kms_request *rq, struct kms_error *err)
{
	struct cut *c = arg;
	char class = kms_request_classes[rq->op];
	int ret = 0;

	if (rq->op == REQ_PHASE)
		c->phase = rq->part;
	if (!c->begun && in_time(c, rq))
		ret = begin(c, rq, err);
	if (!ret && c->nr_pending && in_time(c, rq))
		ret = write_pending(c, err);
	if (ret)
		return ret;
	if (!c->begun && class == 'A')
		remember(c, rq);
	if (!c->begun && class == 'F')
		forget(c, rq);
	if (class == 'C' && rq->op != REQ_PAGE_SPLIT)
		return control(c, rq, err);
	if (!c->begun) {
		rewrite_drop(&c->out);
		return 0;
	}
	if (class == 'A') {
		if (in_time(c, rq) && right_kind(c, rq) && c->cpu_map[rq->cpu] != UINT16_MAX)
			return write_request(c, rq, c->cpu_map[rq->cpu], err);
		rewrite_drop(&c->out);
		return 0;
	}
	return one_free(c, rq, err);
}

static void cut_cpus(struct cut *c, struct kms_workload_info *info)
{
	for (u32 i = 0; i < c->info->nr_cpus; i++)
		if (c->cpu_map[i] != UINT16_MAX)
			info->cpu_node[c->cpu_map[i]] = c->info->cpu_node[i];
}

static int prepare(struct cut *c, u32 *nr_cpus, struct kms_error *err)
{
	c->phase_wanted = calloc(c->info->nr_phases + 1ul, 1);
	c->cache_wanted = calloc(c->info->nr_caches + 1ul, 1);
	c->early = calloc(c->info->slots + 1, sizeof(*c->early));
	if (!c->phase_wanted || !c->cache_wanted || !c->early)
		return kms_fail(err, KMS_EFAIL, "no host memory for a cut");
	if (want_phases(c, err) || want_caches(c, err))
		return KMS_EUSAGE;
	if (c->options->to && c->options->to <= c->options->from)
		return kms_fail(err, KMS_EUSAGE, "the cut ends before it begins: from %llu ns to %llu ns",
				(unsigned long long)c->options->from, (unsigned long long)c->options->to);
	c->boot_kept = !c->options->from && (!c->options->nr_phases || c->phase_wanted[0]);
	return want_cpus(c, nr_cpus, err);
}

static int cut_stream(struct cut *c, struct kms_stream *stream, const char *output, struct kms_error *err)
{
	struct kms_workload_info info = {0};
	u32 nr_cpus = 0;
	int ret = prepare(c, &nr_cpus, err);

	if (!ret && !rewrite_copy_info(&info, c->info))
		ret = kms_fail(err, KMS_EFAIL, "no host memory for a cut");
	if (!ret)
		ret = rewrite_open(&c->out, output, nr_cpus, err);
	if (!ret) {
		ret = ordered_each(stream, one_request, c, err);
		if (!ret && !c->begun)
			ret = kms_fail(err, KMS_EUSAGE, "nothing of the trace lies within the cut (it lasts %llu ns)",
				       (unsigned long long)c->info->duration_ns);
		c->counts->all = c->out.counts;
		cut_cpus(c, &info);
		if (ret)
			rewrite_abort(&c->out);
		else
			ret = rewrite_finish(&c->out, &info, err);
	}
	workload_info_free(&info);
	return ret;
}

int trace_cut(const char *input, const char *output, const struct cut_options *options,
	      struct cut_counts *counts, struct kms_error *err)
{
	struct cut *c = calloc(1, sizeof(*c));
	struct kms_stream *stream;
	int ret;

	memset(counts, 0, sizeof(*counts));
	if (!c)
		return kms_fail(err, KMS_EFAIL, "no host memory for a cut");
	c->options = options;
	c->counts = counts;
	ret = trace_open(&stream, input, err);
	if (!ret) {
		c->info = stream->info;
		ret = cut_stream(c, stream, output, err);
		stream->close(stream);
	}
	rewrite_map_free(&c->map);
	free(c->early);
	free(c->pending);
	free(c->phase_wanted);
	free(c->cache_wanted);
	free(c);
	return ret;
}
