/*
 * timing.c - see timing.h.
 */
#include "sim/calibrate/timing.h"

#include <stdlib.h>
#include <time.h>

#define ADDITIONS 20000u
#define BLOCK_NS 40000.0
#define MOST_NS 12e6 /* of all blocks together, but FEWEST are run */
#define BLOCKS 60u
#define FEWEST 4u

double timing_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

struct calibrate_value timing_summary(double *values, u32 n)
{
	double median;

	qsort(values, n, sizeof(*values), by_value);
	median = values[n / 2];
	return (struct calibrate_value){median, median > 0 ? (values[n * 3 / 4] - values[n / 4]) / median : 0};
}

void timing_use(u64 value)
{
	__asm__ volatile("" : : "r"(value) : "memory");
}

double timing_addition(u32 n)
{
	u64 x = n, step = 3;
	double start = timing_ns();

	__asm__ volatile("" : "+r"(step)); /* a register: newer cores add constants for nothing */
	for (u32 i = 0; i < n / 64; i++) {
#define ADD x += step; __asm__ volatile("" : "+r"(x));
#define EIGHT(what) what what what what what what what what
		EIGHT(EIGHT(ADD)) /* so many that the loop's own work, and where it lies, do not count */
	}
	timing_use(x);
	return (timing_ns() - start) / (n / 64 * 64);
}

/* ns of `times` runs in a row. */
static double run(void (*fn)(void *arg), void *arg, u32 times)
{
	double start = timing_ns();

	for (u32 i = 0; i < times; i++)
		fn(arg);
	return timing_ns() - start;
}

double timing_cycles(void (*fn)(void *arg), void *arg)
{
	double once, least = 1e30, addition = 1e30, all = 0;
	u32 times;

	fn(arg);
	once = run(fn, arg, 1);
	times = once < BLOCK_NS ? (u32)(BLOCK_NS / (once > 1 ? once : 1)) + 1 : 1;
	for (u32 i = 0; i < FEWEST || (i < BLOCKS && all < MOST_NS); i++) {
		double one = timing_addition(ADDITIONS), ns = run(fn, arg, times);

		all += ns;
		addition = one < addition ? one : addition;
		least = ns < least ? ns : least;
	}
	return least / times / addition;
}
