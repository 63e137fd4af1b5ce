/*
 * fit.c - see fit.h.
 */
#include "workloads/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "workloads/fit_sweep.h"
#include "workloads/ordered.h"

#define FIT_MAX_KMALLOC (4ul << 20)
#define PART_LEAST 64
#define PART_MOST 8192

struct live {
	u32 generation, class;
	u64 born; /* allocations of its CPU */
	u64 serial; /* over all CPUs */
	u64 bytes;
	u64 pages; /* left, of a block that is freed in parts */
	u32 epoch; /* sweeps before */
	u16 cpu;
	bool known;
};

struct pass {
	struct fit *fit;
	struct live *objects; /* by slot */
	u64 capacity;
	u64 clock[256]; /* allocations by CPU */
	struct fit_stretch stretches[256];
	u32 nr_cpus;
	u32 phase;
};

/* Sixteen bytes of key to a class; open addressing, at most half full. */
static u32 *place(struct fit *f, const struct fit_key *key)
{
	u32 *index = f->index, at = (u32)XXH3_64bits(key, sizeof(*key)) & (f->index_size - 1);

	while (index[at] && memcmp(&f->classes[index[at] - 1].key, key, sizeof(*key)))
		at = (at + 1) & (f->index_size - 1);
	return &index[at];
}

static bool index_grow(struct fit *f)
{
	u32 size = f->index_size ? 2 * f->index_size : 1024;

	free(f->index);
	f->index = calloc(size, sizeof(u32));
	f->index_size = f->index ? size : 0;
	for (u32 i = 0; f->index && i < f->nr_classes; i++)
		*place(f, &f->classes[i].key) = i + 1;
	return f->index;
}

static struct fit_class *class_of(struct fit *f, const struct fit_key *key)
{
	struct fit_class *grown;
	u32 *at;

	if (2 * (f->nr_classes + 1) > f->index_size && !index_grow(f))
		return NULL;
	at = place(f, key);
	if (*at)
		return &f->classes[*at - 1];
	if (!(f->nr_classes & (f->nr_classes - 1))) {
		grown = realloc(f->classes, (f->nr_classes ? 2ul * f->nr_classes : 1) * sizeof(*grown));
		if (!grown)
			return NULL;
		f->classes = grown;
	}
	*at = f->nr_classes + 1;
	f->classes[f->nr_classes] = (struct fit_class){.key = *key};
	return &f->classes[f->nr_classes++];
}

/* ---- buckets ---- */

static u32 lifetime_bucket(u64 v)
{
	u32 e;

	if (v < 4)
		return (u32)v;
	e = 63 - (u32)__builtin_clzll(v);
	return 4 * (e - 1) + (u32)(v >> (e - 2) & 3);
}

u64 fit_lifetime_low(u32 bucket)
{
	return bucket < 4 ? bucket : (u64)(4 + bucket % 4) << (bucket / 4 - 1);
}

static u32 size_bucket(u64 v)
{
	u32 e;

	if (v < 8)
		return (u32)v;
	e = 63 - (u32)__builtin_clzll(v);
	return 8 * (e - 2) + (u32)(v >> (e - 3) & 7);
}

/* Of kmalloc: 8, 16, 32, 64, 96, 128, 192, 256, 512 ...: what shares a class shares a cache. */
static u32 kmalloc_class(u64 size)
{
	u32 class = size > 8 ? 64 - (u32)__builtin_clzll(size - 1) : 3;

	if (size > 64 && size <= 96)
		return 1;
	return size > 128 && size <= 192 ? 2 : class;
}

double fit_distance(const u64 *a, const u64 *b, size_t n)
{
	double sum_a = 0, sum_b = 0, at_a = 0, at_b = 0, most = 0;

	for (size_t i = 0; i < n; i++) {
		sum_a += (double)a[i];
		sum_b += (double)b[i];
	}
	if (!(sum_a > 0) || !(sum_b > 0))
		return 0;
	for (size_t i = 0; i < n; i++) {
		at_a += (double)a[i];
		at_b += (double)b[i];
		most = fmax(most, fabs(at_a / sum_a - at_b / sum_b));
	}
	return most;
}

/* ---- the curve ---- */

static void curve_note(struct fit_curve *c, u64 allocs)
{
	c->peak = c->live > c->peak ? c->live : c->peak;
	if (allocs % c->step)
		return;
	if (c->n == FIT_CURVE) {
		for (u32 i = 0; i < FIT_CURVE / 2; i++)
			c->bytes[i] = c->bytes[2 * i + 1];
		c->n = FIT_CURVE / 2;
		c->step *= 2;
		if (allocs % c->step)
			return;
	}
	c->bytes[c->n++] = c->live;
}

double fit_curve_distance(const struct fit_curve *a, const struct fit_curve *b)
{
	double apart = 0, sum = 0;

	for (u32 i = 0; i < a->n && b->n; i++) {
		u64 at = (u64)(i + 1) * a->step / b->step;
		u64 other = b->bytes[!at ? 0 : at > b->n ? b->n - 1 : at - 1];

		apart += fabs((double)a->bytes[i] - (double)other);
		sum += (double)a->bytes[i];
	}
	return sum > 0 ? apart / sum : 0;
}

/* ---- the pass ---- */

static u64 bytes_of(const struct kms_request *rq)
{
	return rq->op == REQ_PAGE_ALLOC || rq->op == REQ_PAGE_ALLOC_BULK ? 4096ull << (rq->order & 31) : rq->size;
}

/* alloc_pages_exact() as the block that it is cut from. */
static u32 order_of(const struct kms_request *rq)
{
	u32 order = 0;

	if (rq->op != REQ_PAGE_ALLOC_EXACT)
		return rq->op == REQ_PAGE_ALLOC ? rq->order : 0;
	while (order < 10 && 4096ull << order < rq->size)
		order++;
	return order;
}

static struct fit_key key_of(const struct pass *p, const struct kms_request *rq)
{
	struct fit_key key = {.phase = p->phase, .gfp = rq->gfp, .site = rq->site, .part = p->fit->nr_parts - 1};

	if (rq->op == REQ_KMALLOC) {
		key.what = kmalloc_class(rq->size);
	} else if (rq->op == REQ_CACHE_ALLOC || rq->op == REQ_CACHE_ALLOC_BULK) {
		key.kind = 1;
		key.what = rq->cache;
	} else {
		key.kind = 2;
		key.what = order_of(rq);
	}
	return key;
}

static void add_size(struct fit_class *c, u64 size, u64 n)
{
	u32 near = 0;

	for (u32 i = 0; i < c->nr_sizes; i++) {
		u64 d = c->sizes[i].size > size ? c->sizes[i].size - size : size - c->sizes[i].size;
		u64 least = c->sizes[near].size > size ? c->sizes[near].size - size : size - c->sizes[near].size;

		if (d < least)
			near = i;
	}
	if (c->nr_sizes < FIT_SIZES && (!c->nr_sizes || c->sizes[near].size != size)) {
		near = c->nr_sizes++;
		c->sizes[near].size = size;
	}
	c->sizes[near].n += n;
}

static struct live *entry(struct pass *p, u32 slot)
{
	if (slot >= p->capacity) {
		u64 capacity = p->capacity ? p->capacity : 4096;
		struct live *grown;

		while (capacity <= slot)
			capacity *= 2;
		grown = realloc(p->objects, capacity * sizeof(*grown));
		if (!grown)
			return NULL;
		memset(grown + p->capacity, 0, (capacity - p->capacity) * sizeof(*grown));
		p->objects = grown;
		p->capacity = capacity;
	}
	return &p->objects[slot];
}

static bool new_part(struct fit *f)
{
	struct fit_part *grown;

	if (!(f->nr_parts & (f->nr_parts - 1))) {
		grown = realloc(f->parts, (f->nr_parts ? 2ul * f->nr_parts : 1) * sizeof(*grown));
		if (!grown)
			return false;
		f->parts = grown;
	}
	f->parts[f->nr_parts++] = (struct fit_part){.begin = f->allocs, .end = f->allocs};
	return true;
}

/* Ends a sweep, and with it a part, if there is one; n allocations are next. */
static bool advance(struct pass *p, u32 cpu, u32 n)
{
	struct fit *f = p->fit;
	u32 moments = f->nr_moments;
	u64 length;

	for (u32 i = 0; i < n * p->nr_cpus; i++) {
		u32 other = i % p->nr_cpus;

		if (!fit_stretch_alloc(f, other, &p->stretches[other], other == cpu))
			return false;
	}
	length = f->nr_parts ? f->allocs - f->parts[f->nr_parts - 1].begin : UINT64_MAX;
	return length < (f->nr_moments > moments ? PART_LEAST : PART_MOST) || new_part(f);
}

static bool note_alloc(struct pass *p, const struct kms_request *rq)
{
	struct fit_key key;
	struct fit_class *c;

	if (rq->op == REQ_KMALLOC && rq->size > FIT_MAX_KMALLOC) /* fails */
		return true;
	if (!advance(p, rq->cpu, rq->n))
		return false;
	key = key_of(p, rq);
	c = class_of(p->fit, &key);
	for (u32 i = 0; c && i < rq->n; i++) {
		struct live *o = entry(p, rq->refs[i].slot);

		if (!o)
			return false;
		p->clock[rq->cpu]++;
		*o = (struct live){.generation = rq->refs[i].generation, .class = (u32)(c - p->fit->classes),
				   .born = p->clock[rq->cpu], .serial = p->fit->allocs, .bytes = bytes_of(rq),
				   .pages = bytes_of(rq) / 4096, .epoch = p->fit->nr_moments, .cpu = rq->cpu,
				   .known = true};
		c->allocs++;
		add_size(c, key.kind == 2 ? bytes_of(rq) : rq->size, 1);
		p->fit->sizes[size_bucket(bytes_of(rq))]++;
		p->fit->phases[p->phase].allocs++;
		p->fit->phases[p->phase].cpu_allocs[rq->cpu]++;
		p->fit->allocs++;
		p->fit->curve.live += bytes_of(rq);
		curve_note(&p->fit->curve, p->fit->allocs);
	}
	p->fit->parts[p->fit->nr_parts - 1].end = p->fit->allocs;
	return c;
}

static bool note_free(struct pass *p, const struct kms_request *rq, struct kms_object_ref ref)
{
	struct live *o = ref.slot < p->capacity ? &p->objects[ref.slot] : NULL;
	struct fit_death death;

	if (!o || !o->known || o->generation != ref.generation)
		return true;
	if (rq->op == REQ_PAGE_FREE_PART && 1ull << rq->order < o->pages) {
		o->pages -= 1ull << rq->order;
		return true;
	}
	death = (struct fit_death){.class = o->class, .epoch = o->epoch, .serial = o->serial,
				   .bucket = (u16)lifetime_bucket(p->clock[o->cpu] - o->born),
				   .remote = rq->cpu != o->cpu};
	if (death.bucket >= FIT_LIFETIMES)
		death.bucket = FIT_LIFETIMES - 1;
	p->fit->lifetimes[death.bucket]++;
	p->fit->frees++;
	p->fit->remote_frees += death.remote;
	p->fit->curve.live -= o->bytes;
	o->known = false;
	return fit_stretch_death(&p->stretches[rq->cpu], &death);
}

static bool end_stretches(struct pass *p)
{
	for (u32 cpu = 0; cpu < KMS_ARRAY_SIZE(p->stretches); cpu++)
		if (!fit_stretch_end(p->fit, cpu, &p->stretches[cpu]))
			return false;
	return true;
}

static bool note(struct pass *p, const struct kms_request *rq)
{
	struct fit_phase *phase;

	if (rq->op == REQ_PHASE) {
		if (!end_stretches(p) || !new_part(p->fit))
			return false;
		p->phase = rq->part;
		p->fit->phases[p->phase].first = p->fit->allocs;
		p->fit->phases[p->phase].begin = rq->time;
	}
	phase = &p->fit->phases[p->phase];
	phase->end = rq->time;
	if (kms_request_classes[rq->op] == 'A')
		return note_alloc(p, rq);
	for (u32 i = 0; kms_request_classes[rq->op] == 'F' && i < rq->n; i++)
		if (!note_free(p, rq, rq->refs[i]))
			return false;
	return true;
}

int fit_stream(struct fit *fit, struct kms_stream *stream, u64 sweep_least, struct kms_error *err)
{
	struct pass p = {.fit = fit, .nr_cpus = stream->info->nr_cpus};
	const struct kms_request *rq;
	struct ordered in;
	int ret, got = 0;

	memset(fit, 0, sizeof(*fit));
	fit->sweep_least = sweep_least;
	fit->curve.step = 1;
	fit->nr_phases = stream->info->nr_phases ? stream->info->nr_phases : 1;
	fit->phases = calloc(fit->nr_phases, sizeof(*fit->phases));
	ret = fit->phases ? ordered_open(&in, stream, err) : kms_fail(err, KMS_EFAIL, "no host memory for phases");
	if (!ret) {
		while (!ret && (got = ordered_next(&in, &rq, err)) > 0)
			if (!note(&p, rq))
				ret = kms_fail(err, KMS_EFAIL, "no host memory for the kinds of allocations");
		ordered_close(&in);
		if (!ret && !end_stretches(&p))
			ret = kms_fail(err, KMS_EFAIL, "no host memory for what dies together");
	}
	free(p.objects);
	for (u32 cpu = 0; cpu < KMS_ARRAY_SIZE(p.stretches); cpu++)
		free(p.stretches[cpu].deaths);
	ret = ret ? ret : got;
	if (ret)
		fit_free(fit);
	return ret;
}

static bool add_class(struct fit_class *to, const struct fit_class *from)
{
	for (u32 i = 0; i < from->nr_sweeps; i++) {
		struct fit_sweep *at = fit_sweep_of(to, from->sweeps[i].sweep);

		if (!at)
			return false;
		at->born += from->sweeps[i].born;
		at->died += from->sweeps[i].died;
		at->born_sum += from->sweeps[i].born_sum;
		at->born_squares += from->sweeps[i].born_squares;
		at->died_sum += from->sweeps[i].died_sum;
	}
	to->swept += from->swept;
	to->remote_swept += from->remote_swept;
	to->allocs += from->allocs;
	to->frees += from->frees;
	to->remote_frees += from->remote_frees;
	for (u32 i = 0; i < FIT_LIFETIMES; i++)
		to->lifetimes[i] += from->lifetimes[i];
	for (u32 i = 0; i < from->nr_sizes; i++)
		add_size(to, from->sizes[i].size, from->sizes[i].n);
	return true;
}

static void free_classes(struct fit *f)
{
	for (u32 i = 0; i < f->nr_classes; i++)
		free(f->classes[i].sweeps);
	free(f->classes);
	free(f->index);
}

/* Rare kmallocs of one class, rare objects of one cache, rare blocks of one order keep together. */
bool fit_merge_rare(struct fit *fit, double share)
{
	struct fit merged = {.nr_phases = fit->nr_phases, .phases = fit->phases};

	for (u32 i = 0; i < fit->nr_classes; i++) {
		struct fit_key key = fit->classes[i].key;
		struct fit_class *to;

		if ((double)fit->classes[i].allocs < share * (double)fit->phases[key.phase].allocs)
			key.site = KMS_NO_SITE;
		to = class_of(&merged, &key);
		if (!to || !add_class(to, &fit->classes[i])) {
			free_classes(&merged);
			return false;
		}
	}
	free_classes(fit);
	fit->classes = merged.classes;
	fit->nr_classes = merged.nr_classes;
	fit->index = merged.index;
	fit->index_size = merged.index_size;
	return true;
}

void fit_free(struct fit *fit)
{
	free_classes(fit);
	free(fit->phases);
	free(fit->moments);
	free(fit->parts);
	memset(fit, 0, sizeof(*fit));
}
