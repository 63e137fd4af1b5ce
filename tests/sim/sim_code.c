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

void sim_code_every_size(char *p)
{
	uint8_t *p1 = (uint8_t *)p;
	uint16_t *p2 = (uint16_t *)p;
	uint32_t *p4 = (uint32_t *)p;
	uint64_t *p8 = (uint64_t *)p;
	unsigned __int128 *p16 = (unsigned __int128 *)p;

	p1[1] = p1[0] ^ 1;
	p2[2] = p2[1] ^ 1;
	p4[3] = p4[2] ^ 1;
	p8[3] = p8[2] ^ 1;
	p16[3] = p16[2] ^ 1;
	WRITE_ONCE(p4[5], READ_ONCE(p4[4]));
}

struct packed_word {
	char fill[61];
	uint64_t word;
} __attribute__((packed));

uint64_t sim_code_straddle(char *p, uint64_t value)
{
	struct packed_word *packed = (struct packed_word *)p;
	uint64_t old = packed->word;

	packed->word = value;
	return old;
}

uint64_t sim_code_atomics(uint64_t *p)
{
	uint64_t expected = 5;

	__atomic_store_n(p, 5, __ATOMIC_RELEASE);
	__atomic_compare_exchange_n(p, &expected, 7, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	__atomic_fetch_add(p, 3, __ATOMIC_RELAXED);
	__atomic_store_n(p + 1, 9, __ATOMIC_SEQ_CST);
	return __atomic_load_n(p, __ATOMIC_ACQUIRE) * 100 +
	       __atomic_exchange_n(p + 1, 1, __ATOMIC_ACQUIRE);
}

static __attribute__((noinline)) void step(volatile int *count)
{
	++*count;
}

int sim_code_host_stack(int n)
{
	volatile int count = 0;

	while (n--)
		step(&count);
	return count;
}

void sim_code_copy(void *to, const void *from, uint64_t n)
{
	memcpy(to, from, n);
}

void sim_code_clear(void *p, uint64_t n)
{
	memset(p, 0, n);
}

void sim_code_wait(const uint32_t *flag)
{
	while (!READ_ONCE(*flag))
		cpu_relax();
}
