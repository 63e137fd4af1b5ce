/*
 * kernel_api.c - what the kernel gets from its architecture, for simulated code.
 *
 * The calls that kernel.h declares for the cycle flavour: charged by the
 * engine and ordered, then carried out. Outside an engine run they are only
 * carried out (boot in functional timing, tests).
 */
#include <string.h>

#include "models/rt/rt_internal.h"
#include "sim/engine/lock.h"
#include "sim/engine/ram.h"

u32 kms_smp_processor_id(void)
{
	return sim_current ? sim_current->id : rt.cpu;
}

u64 kms_my_cpu_offset(void)
{
	return sim_current ? rt.percpu[sim_current->id] : rt.cpu_percpu;
}

/* ---- locks ---- */

void kms_spin_lock(u32 *word, u32 lock_class)
{
	if (sim_current)
		sim_lock(word, lock_class);
	else if (!sim_trylock(word, lock_class))
		kms_bug(__FILE__, __LINE__, "spinlock taken twice outside a run");
}

int kms_spin_trylock(u32 *word, u32 lock_class)
{
	return sim_trylock(word, lock_class);
}

void kms_spin_unlock(u32 *word, u32 lock_class)
{
	sim_unlock(word, lock_class);
}

/* ---- work without memory ---- */

static void charge_work(kms_ps ps)
{
	if (!sim_current)
		return;
	sim_charge(sim_current, PART_EXEC, ps);
	sim_sync();
}

void kms_local_irq_save(void)
{
	charge_work(rt.irq_save_ps);
}

void kms_local_irq_restore(void)
{
	charge_work(rt.irq_restore_ps);
}

void kms_cpu_relax(void)
{
	charge_work(rt.cpu_relax_ps);
}

/* ---- memory ---- */

static bool charged(const void *p)
{
	return sim_current && ram_contains(p);
}

static bool compare_exchange(u64 *words, const u64 *old, const u64 *new)
{
	if (words[0] != old[0] || words[1] != old[1])
		return false;
	words[0] = new[0];
	words[1] = new[1];
	return true;
}

bool kms_cmpxchg_double(void *p, u64 old1, u64 old2, u64 new1, u64 new2)
{
	if (charged(p))
		sim_access(ram_off(p), 2 * sizeof(u64), SIM_ATOMIC);
	return compare_exchange(p, (u64[]){old1, old2}, (u64[]){new1, new2});
}

bool kms_cmpxchg_double_local(void *p, u64 old1, u64 old2, u64 new1, u64 new2)
{
	if (charged(p))
		sim_access(ram_off(p), 2 * sizeof(u64), SIM_ATOMIC_LOCAL);
	return compare_exchange(p, (u64[]){old1, old2}, (u64[]){new1, new2});
}

void kms_prefetchw(const void *p)
{
	if (charged(p))
		sim_access(ram_off(p), 1, SIM_PREFETCHW);
}

void *kms_memset(void *p, int c, size_t n)
{
	if (charged(p))
		sim_access_range(ram_off(p), n, SIM_WRITE);
	return memset(p, c, n);
}

void *kms_memcpy(void *d, const void *s, size_t n)
{
	if (charged(s))
		sim_access_range(ram_off(s), n, SIM_READ);
	if (charged(d))
		sim_access_range(ram_off(d), n, SIM_WRITE);
	return memcpy(d, s, n);
}
