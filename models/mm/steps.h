/*
 * steps.h - marks at the steps that recordings show (steps.def).
 *
 * Unlike a tracepoint a step carries all that the recording's line has, costs
 * nothing in simulated time and exists in the plain flavour only. While a
 * recording is replayed (sim/validate) a step may suspend the operation, and
 * may give back what only the recording knows.
 */
#ifndef MODELS_MM_STEPS_H
#define MODELS_MM_STEPS_H

#include <stdbool.h>
#include <stdint.h>

enum kms_step_id {
#define STEP(name, args) STEP_##name,
#include "models/mm/steps.def"
#undef STEP
	NR_STEPS
};

#define STEP_UNRESERVE (~1u) /* kms_step_retry() */
#define STEP_ARGS(...) ((const uint64_t[]){__VA_ARGS__}), sizeof((uint64_t[]){__VA_ARGS__}) / 8

#if defined(KMS_FLAVOUR_PLAIN) && !defined(KMS_FLAVOUR_NATIVE)
extern bool kms_stepping; /* a recording is being replayed */
/* Returns what the recording says where it knows better, else `usual`. */
uint64_t kms_step(uint32_t step, const uint64_t *args, uint32_t n, uint64_t usual);
/* Is this what the recording shows next of the operation? Then it is taken as passed. */
bool kms_step_if_next(uint32_t step, const uint64_t *args, uint32_t n);
/*
 * alloc_flags of the slow path's next attempt, of three possible ones; ~0: no
 * other attempt; STEP_UNRESERVE: first a high-atomic pageblock is given up.
 */
uint32_t kms_step_retry(uint32_t flags, uint32_t reserves, uint32_t last);
/* Frame number of the block that compaction set aside for the operation; ~0: none. */
uint64_t kms_step_captured(void);
/* A recording says that the search of a SLOB request found nothing when it was made. */
bool kms_step_no_room(void);
/* Was the zone's watermark test passed? `ok` as it is now; a recording shows how it went when made. */
bool kms_step_watermark(uint64_t zone, bool ok);
/* Does the request pass the zone over, for its task's memory policy or the node's dirty pages? */
bool kms_step_leaves_out(uint64_t zone, uint32_t gfp);
/* Node that the task's memory policy prefers for the next pages. */
int kms_step_node(int usual);

#define stepping() __builtin_expect(kms_stepping, 0)
#define trace_step_in(name, usual, ...)                                                            \
	(stepping() ? kms_step(STEP_##name, STEP_ARGS(__VA_ARGS__), usual) : (usual))
#define trace_step(name, ...) ((void)trace_step_in(name, 0, __VA_ARGS__))
#define trace_step_next(name, ...)                                                                 \
	(stepping() && kms_step_if_next(STEP_##name, STEP_ARGS(__VA_ARGS__)))
#else
#define stepping() false
#define kms_step_retry(flags, reserves, last) (~0u)
#define kms_step_captured() (~0ul)
#define kms_step_no_room() false
#define kms_step_node(usual) (usual)
#define kms_step_watermark(zone, ok) (ok)
#define kms_step_leaves_out(zone, gfp) false
#define trace_step_in(name, usual, ...) ((void)sizeof((uint64_t[]){__VA_ARGS__}), (usual))
#define trace_step(name, ...) ((void)sizeof((uint64_t[]){__VA_ARGS__}))
#define trace_step_next(name, ...) ((void)sizeof((uint64_t[]){__VA_ARGS__}), false)
#endif

#endif
