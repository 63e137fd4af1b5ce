/*
 * synthetic.c - a workload from distributions, as a stream of requests.
 *
 * CPUs take turns by their own clocks, which advance by the think time. In its
 * turn a CPU frees what has reached its lifetime, counted in its allocations,
 * and allocates once. An object to be freed by another CPU goes into that CPU's
 * queue. All requests are made in one global order, a little ahead of what
 * replay has asked for, so each CPU's requests do not depend on the pace at
 * which they are taken. The stream is made twice: once at opening, to know how
 * many requests and slots there will be.
 *
 * Every use of randomness on every CPU has its own stream of numbers.
 */
#include <stdio.h>

#include "models/mm/mm_types.h"
#include "sim/engine/rng.h"
#include "workloads/dist.h"
#include "workloads/info.h"
#include "workloads/slots.h"
#include "workloads/synthetic.h"

#define MAX_KMALLOC (4u << 20)
#define MAX_ORDER_ASKED 10
#define GFP_KERNEL_FLAGS (__GFP_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_MOVABLE_FLAGS (GFP_KERNEL_FLAGS | __GFP_HARDWALL | __GFP_HIGHMEM | __GFP_MOVABLE)

enum synthetic_site { SITE_NONE, SITE_KMALLOC, SITE_PAGES_MOVABLE, SITE_PAGES_UNMOVABLE, NR_SITES };

static const char *const site_names[NR_SITES] = {
	"", "synthetic.kmalloc", "synthetic.pages.movable", "synthetic.pages.unmovable",
};

enum synthetic_stream { RNG_SIZE, RNG_LIFETIME, RNG_THINK, RNG_KIND, RNG_ORDER, RNG_REMOTE, NR_RNGS };

static const char *const rng_names[NR_RNGS] = { "size", "lifetime", "think", "kind", "order", "remote" };

/* An object and when it dies. Ties: allocated first, freed first. */
struct living {
	u64 death;  /* allocations of its CPU */
	u64 serial;
	struct kms_object_ref ref;
	u8 op; /* that frees it */
	u8 order;
};

struct made {
	struct kms_request request;
	struct kms_object_ref ref;
};

struct synthetic_cpu {
	gsl_rng *rng[NR_RNGS];
	struct living *heap; /* earliest death first */
	u64 n, capacity;
	u64 allocations, quota;
	double clock; /* ns */
	struct made *queue; /* ring */
	u64 head, tail, queue_capacity;
	struct kms_object_ref out; /* of the request handed out last */
};

struct synthetic {
	struct kms_stream stream;
	struct kms_workload_info info;
	struct synthetic_config config;
	u64 seed;
	struct dist size, lifetime, think, order;
	struct slot_pool slots;
	struct synthetic_cpu *cpus;
	u32 nr_cpus;
	u64 seq, serial;
	u64 last_time;
	bool counting; /* the first pass: requests are counted, not kept */
	bool failed;   /* host memory ran out */
};

/* ---- objects by time of death ---- */

static bool dies_before(const struct living *a, const struct living *b)
{
	return a->death != b->death ? a->death < b->death : a->serial < b->serial;
}

static bool heap_add(struct synthetic_cpu *c, struct living object)
{
	u64 at = c->n;

	if (c->n == c->capacity) {
		u64 capacity = c->capacity ? 2 * c->capacity : 256;
		struct living *grown = realloc(c->heap, capacity * sizeof(*grown));

		if (!grown)
			return false;
		c->heap = grown;
		c->capacity = capacity;
	}
	for (c->n++; at && dies_before(&object, &c->heap[(at - 1) / 2]); at = (at - 1) / 2)
		c->heap[at] = c->heap[(at - 1) / 2];
	c->heap[at] = object;
	return true;
}

static struct living heap_take(struct synthetic_cpu *c)
{
	struct living first = c->heap[0], last = c->heap[--c->n];
	u64 at = 0;

	for (;;) {
		u64 child = 2 * at + 1;

		if (child >= c->n)
			break;
		if (child + 1 < c->n && dies_before(&c->heap[child + 1], &c->heap[child]))
			child++;
		if (!dies_before(&c->heap[child], &last))
			break;
		c->heap[at] = c->heap[child];
		at = child;
	}
	c->heap[at] = last;
	return first;
}

/* ---- requests ---- */

static bool queue_add(struct synthetic_cpu *c, const struct made *made)
{
	if (c->tail - c->head == c->queue_capacity) {
		u64 capacity = c->queue_capacity ? 2 * c->queue_capacity : 64;
		struct made *grown = malloc(capacity * sizeof(*grown));

		if (!grown)
			return false;
		for (u64 i = c->head; i < c->tail; i++)
			grown[i % capacity] = c->queue[i % c->queue_capacity];
		free(c->queue);
		c->queue = grown;
		c->queue_capacity = capacity;
	}
	c->queue[c->tail++ % c->queue_capacity] = *made;
	return true;
}

static void emit(struct synthetic *s, u32 cpu, struct kms_request rq, struct kms_object_ref ref)
{
	struct made made = { rq, ref };

	made.request.seq = s->seq++;
	made.request.cpu = (u16)cpu;
	made.request.node = -1;
	made.request.time = s->last_time;
	if (s->counting)
		s->info.cpu_requests[cpu]++;
	else if (!queue_add(&s->cpus[cpu], &made))
		s->failed = true;
}

static void free_object(struct synthetic *s, u32 owner, const struct living *object)
{
	gsl_rng *rng = s->cpus[owner].rng[RNG_REMOTE];
	u32 cpu = owner;

	if (s->nr_cpus > 1 && gsl_rng_uniform(rng) < s->config.remote_free_share) {
		cpu = (u32)gsl_rng_uniform_int(rng, s->nr_cpus - 1);
		cpu += cpu >= owner;
	}
	emit(s, cpu, (struct kms_request){ .op = object->op, .order = object->order, .n = 1 }, object->ref);
	if (!slot_give(&s->slots, cpu, object->ref))
		s->failed = true;
}

static struct kms_request draw_request(struct synthetic *s, struct synthetic_cpu *c)
{
	struct kms_request rq = { .op = REQ_KMALLOC, .n = 1, .gfp = GFP_KERNEL_FLAGS, .site = SITE_KMALLOC };
	bool pages = gsl_rng_uniform(c->rng[RNG_KIND]) < s->config.page_share;
	bool movable = gsl_rng_uniform(c->rng[RNG_KIND]) < s->config.movable_share;

	if (!pages) {
		rq.size = dist_draw_integer(&s->size, c->rng[RNG_SIZE], 1, MAX_KMALLOC);
		return rq;
	}
	rq.op = REQ_PAGE_ALLOC;
	rq.order = (u8)dist_draw_integer(&s->order, c->rng[RNG_ORDER], 0, MAX_ORDER_ASKED);
	rq.site = movable ? SITE_PAGES_MOVABLE : SITE_PAGES_UNMOVABLE;
	if (movable)
		rq.gfp = GFP_MOVABLE_FLAGS;
	return rq;
}

static void allocate(struct synthetic *s, u32 cpu)
{
	struct synthetic_cpu *c = &s->cpus[cpu];
	struct kms_request rq = draw_request(s, c);
	struct living object = { .serial = s->serial++, .order = rq.order };

	object.op = rq.op == REQ_KMALLOC ? REQ_KFREE : REQ_PAGE_FREE;
	object.death = ++c->allocations +
		       dist_draw_integer(&s->lifetime, c->rng[RNG_LIFETIME], 0, 1ull << 62);
	if (!slot_take(&s->slots, cpu, &object.ref) || !heap_add(c, object)) {
		s->failed = true;
		return;
	}
	emit(s, cpu, rq, object.ref);
}

/* The CPU whose turn it is, or -1 at the end. Ties: the lower number. */
static s32 whose_turn(const struct synthetic *s)
{
	s32 best = -1;

	for (u32 cpu = 0; cpu < s->nr_cpus; cpu++)
		if (s->cpus[cpu].allocations < s->cpus[cpu].quota &&
		    (best < 0 || s->cpus[cpu].clock < s->cpus[best].clock))
			best = (s32)cpu;
	return best;
}

static bool take_turn(struct synthetic *s)
{
	s32 cpu = whose_turn(s);
	struct synthetic_cpu *c;

	if (cpu < 0 || s->failed)
		return false;
	c = &s->cpus[cpu];
	s->last_time = (u64)c->clock;
	while (c->n && c->heap[0].death <= c->allocations) {
		struct living object = heap_take(c);

		free_object(s, (u32)cpu, &object);
	}
	allocate(s, (u32)cpu);
	c->clock += dist_draw(&s->think, c->rng[RNG_THINK]);
	return true;
}

/* ---- making and unmaking ---- */

static void cpus_free(struct synthetic *s)
{
	for (u32 i = 0; s->cpus && i < s->nr_cpus; i++) {
		for (u32 r = 0; r < NR_RNGS; r++)
			if (s->cpus[i].rng[r])
				gsl_rng_free(s->cpus[i].rng[r]);
		free(s->cpus[i].heap);
		free(s->cpus[i].queue);
	}
	free(s->cpus);
	s->cpus = NULL;
	slot_pool_free(&s->slots);
}

/* From the beginning; the phase mark is the first request. */
static bool start(struct synthetic *s)
{
	char use[64];

	cpus_free(s);
	s->cpus = calloc(s->nr_cpus, sizeof(*s->cpus));
	if (!s->cpus)
		return false;
	for (u32 i = 0; i < s->nr_cpus; i++) {
		s->cpus[i].quota = s->config.requests / s->nr_cpus + (i < s->config.requests % s->nr_cpus);
		for (u32 r = 0; r < NR_RNGS; r++) {
			snprintf(use, sizeof(use), "synthetic.cpu%u.%s", i, rng_names[r]);
			s->cpus[i].rng[r] = rng_open(s->seed, use);
		}
	}
	s->seq = s->serial = s->last_time = 0;
	emit(s, 0, (struct kms_request){ .op = REQ_PHASE }, (struct kms_object_ref){ 0 });
	return !s->failed;
}

static bool name_parts(struct kms_workload_info *info)
{
	for (u32 i = 0; i < NR_SITES; i++)
		if (workload_info_add_site(info, site_names[i], strlen(site_names[i])) < 0)
			return false;
	info->source = strdup("synthetic");
	info->kernel = strdup("");
	info->allocator = strdup("");
	info->nr_barriers = 1;
	info->barriers = calloc(1, sizeof(*info->barriers)); /* the phase mark, request 0 */
	return info->source && info->kernel && info->allocator && info->barriers &&
	       workload_info_add_phase(info, "synthetic") == 0;
}

static bool count(struct synthetic *s)
{
	s->counting = true;
	if (!start(s))
		return false;
	while (take_turn(s))
		;
	s->counting = false;
	s->info.nr_cpus = s->nr_cpus;
	s->info.nr_nodes = 1;
	s->info.requests = s->seq;
	s->info.slots = s->slots.next;
	s->info.duration_ns = s->last_time;
	return !s->failed;
}

static int synthetic_next(struct kms_stream *stream, u32 cpu, struct kms_request *request,
			  struct kms_error *err)
{
	struct synthetic *s = KMS_CONTAINER_OF(stream, struct synthetic, stream);
	struct synthetic_cpu *c = &s->cpus[cpu];
	const struct made *made;

	while (c->head == c->tail)
		if (!take_turn(s))
			return s->failed ? kms_fail(err, KMS_EFAIL, "no host memory for the synthetic workload")
					 : 0;
	made = &c->queue[c->head++ % c->queue_capacity];
	*request = made->request;
	c->out = made->ref;
	request->refs = &c->out;
	return 1;
}

static void synthetic_close(struct kms_stream *stream)
{
	struct synthetic *s = KMS_CONTAINER_OF(stream, struct synthetic, stream);

	cpus_free(s);
	dist_free(&s->size);
	dist_free(&s->lifetime);
	dist_free(&s->think);
	dist_free(&s->order);
	workload_info_free(&s->info);
	free(s);
}

int synthetic_open(struct kms_stream **stream, const struct synthetic_config *config, u64 seed,
		   struct kms_error *err)
{
	struct synthetic *s = calloc(1, sizeof(*s));

	*stream = NULL;
	if (!s)
		return kms_fail(err, KMS_EFAIL, "no host memory for the synthetic workload");
	s->stream = (struct kms_stream){ &s->info, synthetic_next, synthetic_close };
	s->config = *config;
	s->seed = seed;
	s->nr_cpus = (u32)config->cpus;
	if (!dist_init(&s->size, &s->config.size) || !dist_init(&s->lifetime, &s->config.lifetime) ||
	    !dist_init(&s->think, &s->config.think) || !dist_init(&s->order, &s->config.order) ||
	    !name_parts(&s->info) || !count(s) || !start(s)) {
		synthetic_close(&s->stream);
		return kms_fail(err, KMS_EFAIL, "no host memory for the synthetic workload");
	}
	*stream = &s->stream;
	return 0;
}
