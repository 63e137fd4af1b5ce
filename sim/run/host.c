/*
 * host.c - the host's clock, for progress and host facts only.
 */
#include "sim/run/internal.h"

#include <time.h>

double run_host_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
