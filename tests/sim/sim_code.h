/*
 * sim_code.h - small pieces of simulated code for the engine's tests.
 *
 * Compiled like the allocators (Makefile, MM_CYCLE): every load and store of
 * *p goes through the hooks.
 */
#ifndef TESTS_SIM_SIM_CODE_H
#define TESTS_SIM_SIM_CODE_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_CODE __attribute__((visibility("default")))

/* Read n words one after the other, stride words apart, and add them up. */
SIM_CODE uint64_t sim_code_sum(const uint64_t *p, uint64_t n, uint64_t stride);
/* p[i * stride] += 1, n times each, without any lock. */
SIM_CODE void sim_code_increment(uint64_t *p, uint64_t n);
/* The same under the spinlock. */
SIM_CODE void sim_code_increment_locked(uint64_t *p, uint64_t n, uint32_t *lock);
SIM_CODE void sim_code_increment_atomic(uint64_t *p, uint64_t n);
/* Touch the same word n times. */
SIM_CODE void sim_code_write(volatile uint64_t *p, uint64_t n);

#endif
