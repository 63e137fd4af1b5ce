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
/* *p += 1, n times, without any lock. */
SIM_CODE void sim_code_increment(uint64_t *p, uint64_t n);
/* The same under the spinlock. */
SIM_CODE void sim_code_increment_locked(uint64_t *p, uint64_t n, uint32_t *lock);
SIM_CODE void sim_code_increment_atomic(uint64_t *p, uint64_t n);
/* Touch the same word n times. */
SIM_CODE void sim_code_write(volatile uint64_t *p, uint64_t n);

/* One access of each kind at p, which is 64-byte aligned; see engine_hooks.c for the order. */
SIM_CODE void sim_code_every_size(char *p);
/* A word in a packed structure that straddles two lines; returns what it was. */
SIM_CODE uint64_t sim_code_straddle(char *p, uint64_t value);
SIM_CODE uint64_t sim_code_atomics(uint64_t *p);
/* Count up to n in a variable on the host's stack whose address escapes. */
SIM_CODE int sim_code_host_stack(int n);
SIM_CODE void sim_code_copy(void *to, const void *from, uint64_t n);
SIM_CODE void sim_code_clear(void *p, uint64_t n);
/* Wait for *flag to become set. */
SIM_CODE void sim_code_wait(const uint32_t *flag);

#endif
