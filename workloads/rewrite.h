/*
 * rewrite.h - writing a trace out of parts of others: what cut, merge,
 * anonymise and minimise share.
 *
 * Objects get new slots; a request that names an object which was not taken
 * over loses it, and is dropped when it names none any more. All of that is
 * counted. Memory is bounded by the input's slots.
 */
#ifndef WORKLOADS_REWRITE_H
#define WORKLOADS_REWRITE_H

#include "workloads/request.h"
#include "workloads/slots.h"
#include "workloads/trace.h"

struct rewrite_object {
	struct kms_object_ref ref; /* its new name */
	u32 generation;
	u32 pages_left; /* of a block that is freed in parts */
	u16 cpu;
	bool known;
};

/* Of one input. */
struct rewrite_map {
	struct rewrite_object *objects; /* by slot */
	u64 capacity;
};

struct rewrite_counts {
	u64 requests;	      /* written */
	u64 objects;	      /* taken over */
	u64 frees_dropped;    /* objects whose free was left out: they were allocated elsewhere */
	u64 requests_dropped; /* for all reasons */
	u64 live_at_end;
};

struct rewrite {
	struct trace_writer *writer;
	struct slot_pool slots;
	struct kms_object_ref refs[KMS_MAX_BULK];
	struct rewrite_counts counts;
	u64 last_time;
};

int rewrite_open(struct rewrite *rw, const char *path, u32 nr_cpus, struct kms_error *err);
/*
 * Write a request of an input: with rq's CPU, time, cache and site as they
 * shall be, and its objects as the input names them. keep: which objects of an
 * allocation are taken over, by position; NULL all.
 */
int rewrite_add(struct rewrite *rw, struct rewrite_map *map, const struct kms_request *rq, const bool *keep,
		struct kms_error *err);
const struct rewrite_object *rewrite_find(const struct rewrite_map *map, struct kms_object_ref ref);
void rewrite_drop(struct rewrite *rw); /* count a request that the caller leaves out */
int rewrite_finish(struct rewrite *rw, struct kms_workload_info *info, struct kms_error *err);
void rewrite_abort(struct rewrite *rw);
/* With the names and map of from; after an error ret, which is then returned, nothing is left behind. */
int rewrite_end(struct rewrite *rw, int ret, const struct kms_workload_info *from, struct kms_error *err);
void rewrite_map_free(struct rewrite_map *map);

/* A deep copy; false: out of host memory. */
bool rewrite_copy_info(struct kms_workload_info *to, const struct kms_workload_info *from);

#endif
