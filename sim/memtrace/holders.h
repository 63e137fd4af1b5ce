/*
 * holders.h - which CPUs' caches have a line: an exact directory as a hash table.
 *
 * Internal to coherence.c. Only lines that some cache has are in it, so it is
 * as large as the caches are, not as the trace. Open addressing, linear probes,
 * keys by themselves: eight of them are looked at in one line of the host.
 */
#ifndef SIM_MEMTRACE_HOLDERS_H
#define SIM_MEMTRACE_HOLDERS_H

#include "sim/engine/base.h"

#define HOLDERS_MAX_CPUS 256u

struct holders_entry {
	u64 cpus[HOLDERS_MAX_CPUS / 64];
	s32 owner; /* who has it E, M, F or O, or -1 */
	u32 count;
};

struct holders {
	u64 *keys; /* line + 1, or 0: nothing in this place */
	struct holders_entry *entries;
	u64 mask, reserved;
};

/* Room for `lines` lines beyond those of earlier calls; KMS_EFAIL: no memory. Entries may move. */
int holders_reserve(struct holders *h, u64 lines, struct kms_error *err);
void holders_exit(struct holders *h);

/* The entry of a line, made if it is not there. Valid until the next holders_leave(). */
struct holders_entry *holders_of(struct holders *h, u64 line);

/* The CPU no longer has the line; an entry without CPUs goes. */
void holders_leave(struct holders *h, u64 line, u32 cpu);

static inline void holders_join(struct holders_entry *e, u32 cpu)
{
	e->cpus[cpu / 64] |= 1ull << cpu % 64;
	e->count++;
}

#endif
