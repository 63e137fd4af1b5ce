/*
 * lru.h - exact LRU sets of any number of ways, for counting only.
 *
 * The tag arrays of models/hw/cache.h carry states and stop at 64 ways; a count
 * needs neither. Up to LRU_ARRAY_WAYS a set is an array, most recent first (the
 * usual hit is the first entry); wider sets, up to fully associative ones of
 * millions of lines, are linked lists with one hash table over all of them.
 * Each entry has a dirty bit, for write-back caches.
 */
#ifndef SIM_MEMTRACE_LRU_H
#define SIM_MEMTRACE_LRU_H

#include "sim/memtrace/memtrace.h"

#define LRU_ARRAY_WAYS 64u
#define LRU_NOTHING 0ull

struct lru_node {
	u64 key;
	u32 newer, older; /* node numbers */
	u32 chain;	  /* next of the same hash */
};

/* A key is (line + 1) << 1 | dirty; 0 is an empty way. */
struct lru {
	struct memtrace_geometry geometry;
	u64 sets, mask; /* mask: sets - 1, or 0 when sets is not a power of two */
	u32 ways, line_shift;
	u64 *keys; /* narrow: [set][ways] */
	/* wide: nodes[0 .. sets) are the list heads, the lines follow */
	struct lru_node *nodes;
	u32 *filled;  /* [set] lines that it has */
	u32 *buckets; /* node number, 0: empty */
	u64 bucket_mask;
};

/* KMS_EFAIL: not enough host memory. */
int lru_init(struct lru *lru, const struct memtrace_geometry *geometry, struct kms_error *err);
void lru_exit(struct lru *lru);

/* lru_access() of a wide cache. */
bool lru_access_wide(struct lru *lru, u64 set, u64 key, u64 *victim);

/*
 * Calls visit for the line of each dirty entry, set by set, most recent first,
 * and makes it clean.
 */
void lru_clean(struct lru *lru, void (*visit)(void *arg, u64 line), void *arg);

static inline u64 lru_set_of(const struct lru *lru, u64 line)
{
	return KMS_LIKELY(lru->mask) ? line & lru->mask : line % lru->sets;
}

static inline u64 lru_line_of_key(u64 key)
{
	return (key >> 1) - 1;
}

/* Whether the cache has the line; afterwards it has, most recent. *victim: the key that left, or 0. */
static inline bool lru_access(struct lru *lru, u64 line, bool dirty, u64 *victim)
{
	u64 set = lru_set_of(lru, line), key = (line + 1) << 1, carried, *at;

	*victim = LRU_NOTHING;
	if (KMS_UNLIKELY(!lru->keys))
		return lru_access_wide(lru, set, key | dirty, victim);
	at = &lru->keys[set * lru->ways];
	if (KMS_LIKELY((at[0] ^ key) < 2)) {
		at[0] |= dirty;
		return true;
	}
	carried = at[0];
	for (u32 way = 1; way < lru->ways; way++) {
		u64 here = at[way];

		at[way] = carried;
		if ((here ^ key) < 2) {
			at[0] = here | dirty;
			return true;
		}
		carried = here;
	}
	at[0] = key | dirty;
	*victim = carried;
	return false;
}

#endif
