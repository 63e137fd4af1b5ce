/*
 * histogram.c - reading the buckets that histogram_add() fills.
 */
#include "results/histogram.h"

u64 histogram_low(u32 index)
{
	u32 group = index >> HISTOGRAM_SUB_BITS;
	u64 sub = index & ((1u << HISTOGRAM_SUB_BITS) - 1);

	if (!group)
		return sub;
	return ((1ull << HISTOGRAM_SUB_BITS) + sub) << (group - 1);
}

u64 histogram_high(u32 index)
{
	u32 group = index >> HISTOGRAM_SUB_BITS;

	return histogram_low(index) + (group ? (1ull << (group - 1)) - 1 : 0);
}

/* How many values "at least q of them" are, at least one. */
static u64 rank_of(double q, u64 count)
{
	double exact = q * (double)count;
	u64 rank = (u64)exact;

	rank += (double)rank < exact;
	if (rank > count)
		rank = count;
	return rank ? rank : 1;
}

u64 histogram_quantile(const struct histogram *h, double q)
{
	u64 rank, seen = 0;

	if (!h->count)
		return 0;
	rank = rank_of(q < 0 ? 0 : q > 1 ? 1 : q, h->count);
	for (u32 i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			return histogram_high(i) < h->max ? histogram_high(i) : h->max;
	}
	return h->max;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	if (!from->count)
		return;
	if (!into->count || from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	into->count += from->count;
	into->sum += from->sum;
	for (u32 i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
}
