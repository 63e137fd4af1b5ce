/*
 * cache.c - replacement: exact LRU, tree-PLRU, RRIP and random.
 *
 * LRU keeps the order of the ways of a set as a permutation packed into one
 * word (up to 16 ways), so that a touch is a few shifts and a victim is one;
 * larger sets keep it as bytes. tree-PLRU is the usual binary tree of
 * "go there next" bits, with one mask and value per way computed beforehand.
 *
 * RRIP: Jaleel, Theobald, Steely and Emer, "High performance cache replacement
 * using re-reference interval prediction", ISCA 2010, with two bits and hit
 * priority. A fill is predicted "long" (2) by SRRIP, and by BRRIP mostly
 * "distant" (3); a hit makes it 0; the victim is the first way at 3, all ways
 * growing older together until there is one.
 */
#include "models/hw/cache.h"

#include <stdlib.h>
#include <string.h>

#include "sim/engine/rng.h"

#define NIBBLES_IDENTITY 0xfedcba9876543210ull

static u32 log2_of(u64 n)
{
	return 63 - (u32)__builtin_clzll(n);
}

static void tree_tables(struct cache *cache)
{
	u32 levels = log2_of(cache->ways);

	for (u32 way = 0; way < cache->ways; way++) {
		u32 node = 1;

		for (u32 level = levels; level-- > 0;) {
			u32 right = way >> level & 1;

			cache->tree_mask[way] |= 1ull << node;
			if (!right)
				cache->tree_value[way] |= 1ull << node;
			node = 2 * node + right;
		}
	}
}

static void init_recency(struct cache *cache, u32 sets)
{
	if (cache->replacement == HW_TREE_PLRU) {
		tree_tables(cache);
	} else if (cache->replacement >= HW_SRRIP) {
		memset(cache->order, CACHE_RRIP_DISTANT, (size_t)sets * cache->ways);
	} else if (cache->order) {
		for (u32 set = 0; set < sets; set++) {
			for (u32 way = 0; way < cache->ways; way++)
				cache->order[(size_t)set * cache->ways + way] = (u8)way;
		}
	} else if (cache->replacement == HW_LRU) {
		for (u32 set = 0; set < sets; set++)
			cache->recency[set] = NIBBLES_IDENTITY;
	}
}

int cache_init(struct cache *cache, const struct cache_config *config, u32 slices,
	       const char *name, u64 seed, struct kms_error *err)
{
	u64 slice_lines = config->size_bytes / config->line_bytes, lines = slice_lines * slices;
	u32 slice_sets = (u32)(slice_lines / config->ways), sets = slice_sets * slices;
	bool needs_order = config->replacement >= HW_SRRIP ||
			   (config->replacement == HW_LRU && config->ways > CACHE_NIBBLE_WAYS);
	char use[64] = "cache.";

	memset(cache, 0, sizeof(*cache));
	cache->modulo = slice_sets & (slice_sets - 1);
	cache->ways = (u32)config->ways;
	cache->set_mask = slice_sets - 1;
	cache->replacement = config->replacement;
	cache->entries = calloc(lines, sizeof(*cache->entries));
	cache->recency = calloc(sets, sizeof(*cache->recency));
	if (needs_order)
		cache->order = calloc(lines, 1);
	if (cache->replacement == HW_RANDOM || cache->replacement == HW_BRRIP) {
		strncat(use, name, sizeof(use) - sizeof("cache..replacement"));
		strcat(use, ".replacement");
		cache->rng = rng_open(seed, use);
	}
	if (!cache->entries || !cache->recency || (needs_order && !cache->order)) {
		cache_exit(cache);
		return kms_fail(err, KMS_EFAIL,
				"not enough host memory for the tags of cache %s (%llu "
				"lines)", name,
				(unsigned long long)lines);
	}
	init_recency(cache, sets);
	return 0;
}

void cache_exit(struct cache *cache)
{
	free(cache->entries);
	free(cache->recency);
	free(cache->order);
	if (cache->rng)
		gsl_rng_free(cache->rng);
	memset(cache, 0, sizeof(*cache));
}

/* A hit, or the fill of the way that the last victim left. */
static void touch_rrip(struct cache *cache, u8 *interval)
{
	bool fill = *interval == CACHE_RRIP_NEW;

	*interval = 0;
	if (!fill)
		return;
	*interval = CACHE_RRIP_DISTANT - 1;
	if (cache->replacement == HW_BRRIP && gsl_rng_uniform_int(cache->rng, CACHE_BRRIP_LONG))
		*interval = CACHE_RRIP_DISTANT;
}

void cache_touch_wide(struct cache *cache, u32 set, u32 way)
{
	u8 *order = cache->order + (size_t)set * cache->ways;
	u32 at = 0;

	if (cache->replacement >= HW_SRRIP) {
		touch_rrip(cache, &order[way]);
		return;
	}
	while (order[at] != way)
		at++;
	memmove(order + 1, order, at);
	order[0] = (u8)way;
}

/* The tree's choice, kept from subtrees without an allowed way. */
static u32 tree_victim(const struct cache *cache, u64 bits, u64 allowed)
{
	u32 node = 1, first = 0, width = cache->ways;

	while (width > 1) {
		u32 right = bits >> node & 1;

		width /= 2;
		if (!(allowed & cache_ways_mask(first + right * width, width)))
			right ^= 1;
		first += right * width;
		node = 2 * node + right;
	}
	return first;
}

static u32 whole_tree_victim(const struct cache *cache, u64 bits)
{
	u32 node = 1;

	while (node < cache->ways)
		node = 2 * node + (bits >> node & 1);
	return node - cache->ways;
}

static u32 random_victim(struct cache *cache, u64 allowed)
{
	unsigned long skip = gsl_rng_uniform_int(cache->rng, (u32)__builtin_popcountll(allowed));

	while (skip--)
		allowed &= allowed - 1;
	return (u32)__builtin_ctzll(allowed);
}

static u32 rrip_victim(const struct cache *cache, u8 *interval, u64 allowed)
{
	u32 oldest = 0, victim = 0;

	for (u32 way = 0; way < cache->ways; way++) {
		if (allowed >> way & 1 && interval[way] + 1u > oldest) {
			oldest = interval[way] + 1u;
			victim = way;
		}
	}
	for (u32 way = 0; way < cache->ways && oldest - 1 < CACHE_RRIP_DISTANT; way++) {
		if (allowed >> way & 1)
			interval[way] = (u8)(interval[way] + CACHE_RRIP_DISTANT - (oldest - 1));
	}
	return victim;
}

static u32 lru_victim(const struct cache *cache, u32 set, u64 allowed)
{
	const u8 *order = cache->order ? cache->order + (size_t)set * cache->ways : NULL;
	u32 at = cache->ways, way;

	do {
		at--;
		way = order ? order[at] : (u32)(cache->recency[set] >> 4 * at) & 15;
	} while (!(allowed >> way & 1));
	return way;
}

static u32 choose(struct cache *cache, u32 set, u64 allowed)
{
	switch (cache->replacement) {
	case HW_TREE_PLRU:
		return tree_victim(cache, cache->recency[set], allowed);
	case HW_RANDOM:
		return random_victim(cache, allowed);
	case HW_SRRIP:
	case HW_BRRIP:
		return rrip_victim(cache, cache->order + (size_t)set * cache->ways, allowed);
	default:
		return lru_victim(cache, set, allowed);
	}
}

u32 cache_victim_within(struct cache *cache, u32 set, u64 allowed)
{
	const u64 *entry = cache_entry(cache, set, 0);
	u32 victim = cache->ways;

	allowed &= cache_ways_mask(0, cache->ways);
	for (u32 way = 0; way < cache->ways && victim == cache->ways; way++) {
		if (!entry[way] && allowed >> way & 1)
			victim = way;
	}
	if (victim == cache->ways)
		victim = choose(cache, set, allowed);
	if (cache->replacement >= HW_SRRIP)
		cache->order[(size_t)set * cache->ways + victim] = CACHE_RRIP_NEW;
	return victim;
}

/* The path of every miss: as cache_victim_within(), without a mask to look at. */
u32 cache_victim(struct cache *cache, u32 set)
{
	const u64 *entry = cache_entry(cache, set, 0);

	if (KMS_UNLIKELY(cache->replacement >= HW_RANDOM))
		return cache_victim_within(cache, set, ~0ull);
	for (u32 way = 0; way < cache->ways; way++) {
		if (!entry[way])
			return way;
	}
	if (cache->replacement == HW_TREE_PLRU)
		return whole_tree_victim(cache, cache->recency[set]);
	if (KMS_UNLIKELY(cache->order != NULL))
		return cache->order[(size_t)set * cache->ways + cache->ways - 1];
	return (u32)(cache->recency[set] >> 4 * (cache->ways - 1)) & 15;
}
