/*
 * trace_info.h - what a trace contains, as data: for `trace info`, for tests.
 *
 * trace_summarize() reads the whole file once, block by block, so it also
 * verifies every checksum and that the requests are consistent with each other.
 */
#ifndef WORKLOADS_TRACE_INFO_H
#define WORKLOADS_TRACE_INFO_H

#include "workloads/request.h"
#include "workloads/trace.h"

#define TRACE_SIZE_CLASSES 24 /* class c: sizes in (2^(c-1), 2^c], class 0: up to 1 byte */

struct trace_phase_summary {
	const char *name; /* in info */
	u64 first_seq, requests;
	u64 start_ns, duration_ns; /* recorded time */
	u64 allocs, frees;	   /* objects, not requests */
	u64 live_end;		   /* objects */
	u64 live_bytes_end;	   /* asked for and not freed; whole pages for page blocks */
};

#define TRACE_LIFETIMES 48 /* class c: [2^(c-1), 2^c) ns, class 0: none */
#define TRACE_CURVE 20	   /* points of the live-set curve, evenly over the requests */

struct trace_live_point {
	u64 seq, time; /* of the request after which it was so */
	u64 objects, bytes;
};

/* Of a call site or slab cache. */
struct trace_rank {
	u64 allocs, bytes, live_end;
};

struct trace_summary {
	/* the file */
	u32 version;
	u64 file_bytes, raw_bytes; /* raw: blocks before compression */
	u64 blocks;
	char hash[33]; /* XXH3-128 */
	/* the requests */
	u64 ops[NR_REQUESTS];	  /* requests by kind */
	u64 objects[NR_REQUESTS]; /* object references by kind */
	u64 bytes[NR_REQUESTS];	  /* bytes asked for, by kind (allocations) */
	u64 kmalloc_sizes[TRACE_SIZE_CLASSES]; /* allocations by size class */
	u64 page_orders[16];	  /* page block allocations by order */
	u64 cpu_requests[256];
	u64 remote_frees; /* objects freed on another CPU than allocated */
	u64 allocs, frees; /* objects */
	u64 live_end, live_peak;
	u64 live_bytes_end, live_bytes_peak;
	u64 inconsistent; /* frees of nothing, allocations into a slot still in use */
	u64 lifetimes[TRACE_LIFETIMES]; /* objects freed, by recorded time from allocation to free */
	struct trace_live_point curve[TRACE_CURVE];
	u32 nr_curve;
	struct trace_rank *sites, *cache_ranks; /* by index in info */
	struct trace_phase_summary *phases;
	u32 nr_phases;
	/* where it comes from, what was left out (left_out), caches, sites, zones */
	const struct kms_workload_info *info;
	struct kms_stream *stream; /* keeps info alive; closed by trace_summary_free() */
};

int trace_summarize(struct trace_summary *summary, const char *path, struct kms_error *err);
void trace_summary_free(struct trace_summary *summary);

#endif
