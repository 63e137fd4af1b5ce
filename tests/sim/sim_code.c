/*
 * sim_code.c - see sim_code.h.
 */
#include "tests/sim/sim_code.h"

#include "models/mm/kernel.h"

uint64_t sim_code_sum(const uint64_t *p, uint64_t n, uint64_t stride)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < n; i++)
		sum += p[i * stride];
	return sum;
}

void sim_code_increment(uint64_t *p, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		WRITE_ONCE(*p, READ_ONCE(*p) + 1);
}

void sim_code_increment_locked(uint64_t *p, uint64_t n, uint32_t *lock)
{
	for (uint64_t i = 0; i < n; i++) {
		kms_spin_lock(lock, LOCK_POLICY);
		WRITE_ONCE(*p, READ_ONCE(*p) + 1);
		kms_spin_unlock(lock, LOCK_POLICY);
	}
}

void sim_code_increment_atomic(uint64_t *p, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		__atomic_fetch_add(p, 1, __ATOMIC_SEQ_CST);
}

void sim_code_write(volatile uint64_t *p, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		*p = i;
}
