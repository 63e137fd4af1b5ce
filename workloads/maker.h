/*
 * maker.h - what generators of requests share: slots, queues, time, the stream.
 *
 * A generator (synthetic.c, adversary.c) is a step function that makes some
 * requests in one global order. They wait in a queue for each CPU until replay
 * asks for them, so what a CPU gets does not depend on the pace at which any
 * CPU asks. Nothing is made before it is needed: memory is bounded by what is
 * alive, plus how far replay lets one CPU run ahead of another.
 *
 * The number of requests and slots in info are upper bounds until the stream
 * has ended; then they are exact. Barriers appear when their phase is made,
 * which is before any request behind them can be handed out.
 */
#ifndef WORKLOADS_MAKER_H
#define WORKLOADS_MAKER_H

#include "workloads/request.h"
#include "workloads/slots.h"

#define MAKER_MAX_CPUS 256

struct made {
	struct kms_request request;
	struct kms_object_ref ref;
};

struct maker_queue {
	struct made *ring;
	u64 head, tail, capacity;
	struct kms_object_ref out; /* of the request handed out last */
};

struct maker {
	struct kms_stream stream;
	struct kms_workload_info info;
	struct slot_pool slots;
	struct maker_queue queues[MAKER_MAX_CPUS];
	u64 seq, time; /* time: ns, of the requests being made */
	bool failed;   /* host memory ran out */
	bool ended;
	bool (*step)(struct maker *maker); /* false: nothing left to make */
	void (*destroy)(struct maker *maker); /* of the generator itself */
};

/* Sets up the stream; barriers has room for as many phases as will be added. */
bool maker_init(struct maker *m, u32 nr_cpus, const char *source, u32 max_phases);
void maker_free(struct maker *m); /* everything but m itself */

/* Index of the new or known name; false: out of host memory. */
bool maker_site(struct maker *m, const char *name, u32 *site);
bool maker_cache(struct maker *m, const struct kms_cache_def *def, u32 *cache);

void maker_phase(struct maker *m, u32 phase); /* the mark, on CPU 0 */
void maker_create_cache(struct maker *m, u32 cache);
/* An allocation; *ref names the object from now on. */
void maker_alloc(struct maker *m, u32 cpu, struct kms_request rq, struct kms_object_ref *ref);
void maker_release(struct maker *m, u32 cpu, u8 op, u8 order, struct kms_object_ref ref);

#endif
