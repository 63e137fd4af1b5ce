/*
 * latencies.c - latencies.h: one counter per clock, as far as the longest latency.
 */
#include "sim/memtrace/latencies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool grow(struct latencies *l, u64 latency)
{
	u64 size = latency + 1 > 2 * l->size ? latency + 1024 : 2 * l->size;
	u64 *counts = realloc(l->counts, size * sizeof(*counts));

	if (!counts)
		return false;
	memset(counts + l->size, 0, (size - l->size) * sizeof(*counts));
	l->counts = counts;
	l->size = size;
	return true;
}

bool latencies_add(struct latencies *l, u64 latency)
{
	if (latency >= l->size && !grow(l, latency))
		return false;
	l->counts[latency]++;
	l->n++;
	l->sum += latency;
	l->max = latency > l->max ? latency : l->max;
	return true;
}

void latencies_free(struct latencies *l)
{
	free(l->counts);
}

u64 latencies_min(const struct latencies *l)
{
	u64 i = 0;

	while (i < l->size && !l->counts[i])
		i++;
	return l->n ? i : 0;
}

u64 latencies_quantile(const struct latencies *l, double part)
{
	u64 below = 0, i = 0, want = (u64)ceil(part * (double)l->n);

	if (!l->n)
		return 0;
	for (want = want ? want : 1; below < want; i++)
		below += l->counts[i];
	return i - 1;
}
