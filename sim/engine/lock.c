/*
 * lock.c - spinlocks: who holds what, who waits for it, and for how long.
 *
 * The word in simulated RAM says only whether a lock is taken. Which CPU holds
 * it, and who queues for it, is kept here: every CPU has a short list of the
 * locks it holds (kernel code nests a few), and the queue hangs on the holder's
 * entry. So taking and releasing a free lock touches one entry; only a CPU that
 * finds a lock taken looks through the others' lists for the holder.
 */
#include "sim/engine/lock.h"

#include <stdio.h>
#include <string.h>

#include "sim/engine/internal.h"
#include "sim/engine/ram.h"

#define MAX_HELD 16

/* A CPU in a lock's queue; lives on the waiting fiber's stack. */
struct waiter {
	struct sim_cpu *cpu;
	kms_ps arrival;
	kms_ps since; /* what came before is accounted */
	u32 tag;      /* what it is doing itself */
	struct waiter *next;
};

struct held_lock {
	u32 *word;
	u32 tag;                      /* what the holder was doing when it took the lock */
	struct waiter *first, **last; /* last: meaningful while first is set */
};

static struct {
	struct held_lock held[MAX_HELD];
	u32 nr_held;
	u32 *waits_for;
} cpus[SIM_MAX_CPUS];

static struct sim_lock_stat stats[SIM_MAX_LOCK_CLASSES];

void sim_locks_reset(void)
{
	memset(cpus, 0, sizeof(cpus));
	memset(stats, 0, sizeof(stats));
}

const struct sim_lock_stat *sim_lock_stat(u32 lock_class)
{
	return &stats[lock_class];
}

static void lock_access(const u32 *word, enum sim_access kind)
{
	if (ram_contains(word))
		sim_access(ram_off(word), sizeof(*word), kind);
}

static struct held_lock *add_held(const struct sim_cpu *cpu, u32 *word, u32 tag)
{
	struct held_lock *held = &cpus[cpu->id].held[cpus[cpu->id].nr_held];

	if (KMS_UNLIKELY(cpus[cpu->id].nr_held == MAX_HELD))
		engine_stop(KMS_EFAIL, "CPU %u holds more than %d spinlocks at once", cpu->id,
			    MAX_HELD);
	cpus[cpu->id].nr_held++;
	held->word = word;
	held->tag = tag < SIM_MAX_TAGS ? tag : SIM_MAX_TAGS - 1;
	held->first = NULL;
	return held;
}

static struct held_lock *find_held(u32 cpu, const u32 *word)
{
	for (u32 i = cpus[cpu].nr_held; i-- > 0;)
		if (cpus[cpu].held[i].word == word)
			return &cpus[cpu].held[i];
	return NULL;
}

/* Locks are released in any order: close the gap. */
static void remove_held(u32 cpu, struct held_lock *held)
{
	struct held_lock *end = cpus[cpu].held + --cpus[cpu].nr_held;

	for (; held < end; held++) {
		held[0] = held[1];
		if (held->first && held->last == &held[1].first)
			held->last = &held->first;
	}
}

static struct held_lock *find_holder(const struct sim_cpu *cpu, u32 *word, u32 lock_class)
{
	struct held_lock *held = NULL;
	u32 holder;

	for (holder = 0; holder < engine_nr_cpus() && !held; holder++)
		held = find_held(holder, word);
	if (!held)
		engine_stop(
		    KMS_EFAIL,
		    "CPU %u waits for the lock at offset %#llx (class %u), whose word is %u "
		    "although no CPU holds it",
		    cpu->id, (unsigned long long)ram_off(word), lock_class, *word);
	if (holder - 1 == cpu->id)
		engine_stop(
		    KMS_EFAIL,
		    "CPU %u takes the lock at offset %#llx (class %u) that it already holds",
		    cpu->id, (unsigned long long)ram_off(word), lock_class);
	return held;
}

static void wait_in_queue(struct sim_cpu *cpu, u32 *word, u32 lock_class)
{
	struct held_lock *held = find_holder(cpu, word, lock_class);
	struct waiter self = {cpu, cpu->clock, cpu->clock, cpu->tag, NULL};

	if (!held->first)
		held->last = &held->first;
	*held->last = &self;
	held->last = &self.next;
	stats[lock_class].contended++;
	cpus[cpu->id].waits_for = word;
	sim_stall(engine_lock_part);
	cpus[cpu->id].waits_for = NULL;
}

void sim_lock(u32 *word, u32 lock_class)
{
	struct sim_cpu *cpu = sim_current;

	if (!cpu) {
		*word = 1;
		return;
	}
	lock_access(word, SIM_ATOMIC);
	if (KMS_UNLIKELY(*word)) {
		wait_in_queue(cpu, word, lock_class); /* comes back as the holder */
		lock_access(word, SIM_ATOMIC);
	} else {
		*word = 1;
		add_held(cpu, word, cpu->tag);
	}
	stats[lock_class].acquired++;
}

bool sim_trylock(u32 *word, u32 lock_class)
{
	struct sim_cpu *cpu = sim_current;

	if (cpu)
		lock_access(word, SIM_ATOMIC);
	if (*word)
		return false;
	*word = 1;
	if (cpu) {
		add_held(cpu, word, cpu->tag);
		stats[lock_class].acquired++;
	}
	return true;
}

/* The holder's time ends: account what everybody in the queue spent waiting for it. */
static void account_waits(struct sim_lock_stat *stat, const struct held_lock *held, kms_ps now)
{
	for (struct waiter *w = held->first; w; w = w->next) {
		stat->wait_by_tag[held->tag] += now - w->since;
		stat->wait += now - w->since;
		w->since = now;
	}
}

/* The word stays 1: nobody can come in between. */
static void hand_over(struct held_lock *held, u32 *word, u32 lock_class, kms_ps now)
{
	struct sim_lock_stat *stat = &stats[lock_class];
	struct waiter *next = held->first;
	struct held_lock *taken;

	account_waits(stat, held, now);
	if (now - next->arrival > stat->wait_max)
		stat->wait_max = now - next->arrival;
	taken = add_held(next->cpu, word, next->tag);
	taken->first = next->next;
	taken->last = next->next ? held->last : &taken->first;
	sim_unstall(next->cpu, now);
}

void sim_unlock(u32 *word, u32 lock_class)
{
	struct sim_cpu *cpu = sim_current;
	struct held_lock *held;

	if (!cpu) {
		*word = 0;
		return;
	}
	lock_access(word, SIM_WRITE);
	held = find_held(cpu->id, word);
	if (KMS_UNLIKELY(!held))
		engine_stop(
		    KMS_EFAIL,
		    "CPU %u releases the lock at offset %#llx (class %u) that it does not hold",
		    cpu->id, (unsigned long long)ram_off(word), lock_class);
	if (held->first)
		hand_over(held, word, lock_class, cpu->clock);
	else
		*word = 0;
	remove_held(cpu->id, held);
}

void sim_lock_describe_wait(u32 cpu, char *text, size_t size)
{
	const u32 *word = cpus[cpu].waits_for;

	text[0] = 0;
	if (!word)
		return;
	for (u32 holder = 0; holder < engine_nr_cpus(); holder++)
		if (find_held(holder, word))
			snprintf(text, size, "waits for the lock at offset %#llx held by CPU %u",
				 (unsigned long long)ram_off(word), holder);
}
