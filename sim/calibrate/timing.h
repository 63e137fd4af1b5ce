/*
 * timing.h - timing short pieces of code on a computer that others use, too.
 *
 * A piece is run many times for some 50 us, with a chain of dependent additions
 * (one a core cycle) before each. The least time of each is taken: what is longer
 * was interrupted, or shared its core. Their ratio is the piece's time in core
 * cycles, whatever the clock's frequency is at the moment.
 */
#ifndef SIM_CALIBRATE_TIMING_H
#define SIM_CALIBRATE_TIMING_H

#include "sim/calibrate/calibrate.h"

double timing_ns(void);
/* Median and distance of the quartiles; sorts the values. */
struct calibrate_value timing_summary(double *values, u32 n);
/* Keeps the compiler from dropping what it computed. */
void timing_use(u64 value);
/* ns of one dependent addition, of n. */
double timing_addition(u32 n);

/* Core cycles of one run of fn(arg). */
double timing_cycles(void (*fn)(void *arg), void *arg);

#endif
