/*
 * cache.h - one set-associative tag array with its replacement state.
 *
 * Used three times by the machine: each CPU's L1D and L2, each node's LLC
 * slice. The array knows lines (physical address / 64), ways and recency; what
 * the flag bits of an entry mean is the user's business (coherence.h). There is
 * no data: simulated memory itself holds it.
 *
 * An entry is line << CACHE_FLAG_BITS | flags; flags 0 is an empty way. The
 * look-up is inline because it is on the path of every access. Nothing is
 * allocated after cache_init().
 */
#ifndef MODELS_HW_CACHE_H
#define MODELS_HW_CACHE_H

#include <gsl/gsl_rng.h>

#include "models/hw/machine_config.h"
#include "sim/engine/base.h"

#define CACHE_FLAG_BITS 4
#define CACHE_FLAG_MASK 15u
#define CACHE_MAX_WAYS 64
#define CACHE_NIBBLE_WAYS 16 /* LRU order of up to this many ways fits one word */

/*
 * Recency, one word per set:
 * LRU, up to 16 ways: way numbers as nibbles, most recent lowest.
 * LRU, more ways: unused; order[] holds way numbers as bytes, most recent first.
 * tree-PLRU: bit n is node n of a heap-ordered tree (root 1); a set bit says
 * that the victim is on the right. random: unused, no touch changes anything.
 * SRRIP, BRRIP: unused; order[] holds the predicted re-reference interval of
 * each way, 0 (soon) to 3 (distant), CACHE_RRIP_NEW between victim and fill.
 *
 * The number of sets of a slice need not be a power of two (set = line modulo
 * sets); tree-PLRU needs a power of two of ways.
 */
#define CACHE_RRIP_DISTANT 3u
#define CACHE_RRIP_NEW 4u
#define CACHE_BRRIP_LONG 32u /* one fill in so many is predicted long, not distant */

struct cache {
	u64 *entries; /* sets * ways */
	u64 *recency; /* sets */
	u8 *order;    /* sets * ways, or NULL: nibbles or the tree suffice */
	u32 set_mask, ways; /* set_mask: sets of a slice - 1 */
	bool modulo;	    /* sets of a slice are no power of two */
	u32 replacement; /* enum hw_replacement */
	gsl_rng *rng;			  /* random and BRRIP */
	u64 tree_mask[CACHE_MAX_WAYS];	  /* nodes on the way's path */
	u64 tree_value[CACHE_MAX_WAYS]; /* their bits when they point away from it */
};

/*
 * pre: the geometry passed the checks of machine_config.c. slices: arrays of
 * config's size, their sets one after the other (an LLC with one slice per
 * node); 1 for a private cache. name ("l1d.0") names the random stream. Fails
 * only for want of host memory (KMS_EFAIL).
 */
int cache_init(struct cache *cache, const struct cache_config *config, u32 slices,
	       const char *name, u64 seed, struct kms_error *err);
void cache_exit(struct cache *cache);

/* cache_touch() of a cache with order[]. */
void cache_touch_wide(struct cache *cache, u32 set, u32 way);

/*
 * The way to fill next: an empty one (the lowest), else the replacement's
 * choice. With RRIP the next cache_touch() of that way is its fill.
 */
u32 cache_victim(struct cache *cache, u32 set);

/*
 * The same among the ways whose bits are set in allowed (at least one below
 * cache->ways): way partitioning. A partition restricts what a fill may throw
 * out; hits are served from any way.
 */
u32 cache_victim_within(struct cache *cache, u32 set, u64 allowed);

/* The mask of `count` ways from `first` on, for cache_victim_within(). */
static inline u64 cache_ways_mask(u32 first, u32 count)
{
	return (count < 64 ? (1ull << count) - 1 : ~0ull) << first;
}

/* Set of a line within its slice. */
static inline u32 cache_set_of(const struct cache *cache, u64 line)
{
	if (KMS_UNLIKELY(cache->modulo))
		return (u32)(line % (cache->set_mask + 1));
	return (u32)line & cache->set_mask;
}

static inline u64 *cache_entry(const struct cache *cache, u32 set, u32 way)
{
	return &cache->entries[(size_t)set * cache->ways + way];
}

static inline u64 cache_line_of(u64 entry)
{
	return entry >> CACHE_FLAG_BITS;
}

static inline u32 cache_flags_of(u64 entry)
{
	return (u32)entry & CACHE_FLAG_MASK;
}

static inline void cache_put(struct cache *cache, u32 set, u32 way, u64 line, u32 flags)
{
	*cache_entry(cache, set, way) = line << CACHE_FLAG_BITS | flags;
}

/* The way that holds line in set, or -1. */
static inline int cache_find(const struct cache *cache, u32 set, u64 line)
{
	const u64 *entry = &cache->entries[(size_t)set * cache->ways];
	u64 key = line << CACHE_FLAG_BITS;

	for (u32 way = 0; way < cache->ways; way++) {
		if (entry[way] - key - 1 < CACHE_FLAG_MASK)
			return (int)way;
	}
	return -1;
}

/* Whether touching way again would change nothing. */
static inline bool cache_is_mru(const struct cache *cache, u32 set, u32 way)
{
	u64 recency = cache->recency[set];

	if (cache->replacement == HW_TREE_PLRU)
		return (recency & cache->tree_mask[way]) == cache->tree_value[way];
	if (cache->replacement >= HW_SRRIP)
		return !cache->order[(size_t)set * cache->ways + way];
	if (cache->order)
		return cache->order[(size_t)set * cache->ways] == way;
	return (recency & 15) == way || cache->replacement == HW_RANDOM;
}

#define CACHE_NIBBLES 0x1111111111111111ull

/* Move way's nibble to the bottom, those that were below it up by one. */
static inline u64 cache_to_front(u64 order, u32 way)
{
	u64 differ = order ^ way * CACHE_NIBBLES;
	u64 equal = (differ - CACHE_NIBBLES) & ~differ & CACHE_NIBBLES << 3;
	u64 at_and_below = equal ^ (equal - 1); /* up to and with the nibble's high bit */

	return (order & ~at_and_below) | ((order << 4 | way) & at_and_below);
}

/* Make way the most recently used of its set. */
static inline void cache_touch(struct cache *cache, u32 set, u32 way)
{
	u64 *recency = &cache->recency[set];

	if (cache->replacement == HW_TREE_PLRU)
		*recency = (*recency & ~cache->tree_mask[way]) | cache->tree_value[way];
	else if (KMS_UNLIKELY(cache->order != NULL))
		cache_touch_wide(cache, set, way);
	else if (cache->replacement == HW_LRU)
		*recency = cache_to_front(*recency, way);
}

#endif
