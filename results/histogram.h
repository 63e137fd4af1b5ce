/*
 * histogram.h - latencies in log-linear buckets, exact in count, sum and max.
 *
 * 64 buckets per power of two: a value is known to 1.6 %. Adding is a few
 * instructions and never allocates.
 */
#ifndef RESULTS_HISTOGRAM_H
#define RESULTS_HISTOGRAM_H

#include "sim/engine/base.h"

#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
	u64 count, sum, min, max;
	u64 bucket[HISTOGRAM_BUCKETS];
};

static inline u32 histogram_index(u64 v)
{
	u32 shift;

	if (v < (1u << HISTOGRAM_SUB_BITS))
		return (u32)v;
	shift = 63 - (u32)__builtin_clzll(v) - HISTOGRAM_SUB_BITS;
	return ((shift + 1) << HISTOGRAM_SUB_BITS) + (u32)((v >> shift) & ((1u << HISTOGRAM_SUB_BITS) - 1));
}

static inline void histogram_add(struct histogram *h, u64 v)
{
	if (!h->count || v < h->min)
		h->min = v;
	if (v > h->max)
		h->max = v;
	h->count++;
	h->sum += v;
	h->bucket[histogram_index(v)]++;
}

/* Bounds of a bucket: values low..high, both inclusive. */
u64 histogram_low(u32 index);
u64 histogram_high(u32 index);
/* Smallest bucket bound that at least q (0..1) of the values do not exceed; 0 when empty. */
u64 histogram_quantile(const struct histogram *h, double q);
void histogram_merge(struct histogram *into, const struct histogram *from);

#endif
