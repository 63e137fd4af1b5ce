/*
 * bench.h - for labs that use memory rather than only allocate it: allocations
 * and accesses by any CPU of the lab's sandbox (cycle timing), and what the
 * accesses cost.
 */
#ifndef SIM_LABS_BENCH_H
#define SIM_LABS_BENCH_H

#include "sim/labs/lab.h"

#define BENCH_GFP_KERNEL 0xcc0u

struct bench {
	struct lab_run *r;
	struct sandbox *box;
};

/* A fresh machine with further settings, blanks between them ("" none). */
int bench_open(struct bench *b, struct lab_run *r, const char *settings, struct kms_error *err);

/* node -1: any. KMS_EFAIL: no memory. */
int bench_kmalloc(struct bench *b, u32 cpu, u64 bytes, int node, void **memory, struct kms_error *err);
int bench_kfree(struct bench *b, u32 cpu, void *memory, struct kms_error *err);
int bench_pages(struct bench *b, u32 cpu, u32 order, void **memory, struct kms_error *err);
/* (Merged with another where the configuration has no slab_nomerge.) */
int bench_cache_create(struct bench *b, u32 size, u32 align, u32 flags, struct kmem_cache **s,
		       struct kms_error *err);
int bench_cache_alloc(struct bench *b, u32 cpu, struct kmem_cache *s, void **object, struct kms_error *err);

struct bench_cost {
	double cycles; /* simulated, of the core */
	struct hw_stats hw; /* what the hardware counted meanwhile, all CPUs */
};

/*
 * One CPU accesses `bytes` at each of the n addresses, one after the other, as one
 * operation; cost may be NULL.
 */
int bench_touch(struct bench *b, u32 cpu, void *const *list, u32 n, u64 bytes, bool write,
		struct bench_cost *cost, struct kms_error *err);

#endif
