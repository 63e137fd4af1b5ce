/*
 * cache.c - replacement: exact LRU, tree-PLRU and random.
 *
 * LRU keeps the order of the ways of a set as a permutation packed into one
 * word (up to 16 ways), so that a touch is a few shifts and a victim is one;
 * larger sets keep it as bytes. tree-PLRU is the usual binary tree of
 * "go there next" bits, with one mask and value per way computed beforehand.
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
	cache->tree_levels = log2_of(cache->ways);
	for (u32 way = 0; way < cache->ways; way++) {
		u32 node = 1;

		for (u32 level = cache->tree_levels; level-- > 0;) {
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
	char use[64] = "cache.";

	memset(cache, 0, sizeof(*cache));
	cache->ways = (u32)config->ways;
	cache->set_mask = slice_sets - 1;
	cache->replacement = config->replacement;
	cache->entries = calloc(lines, sizeof(*cache->entries));
	cache->recency = calloc(sets, sizeof(*cache->recency));
	if (cache->replacement == HW_LRU && cache->ways > CACHE_NIBBLE_WAYS)
		cache->order = calloc(lines, 1);
	if (cache->replacement == HW_RANDOM) {
		strncat(use, name, sizeof(use) - sizeof("cache..replacement"));
		strcat(use, ".replacement");
		cache->rng = rng_open(seed, use);
	}
	if (!cache->entries || !cache->recency ||
	    (cache->replacement == HW_LRU && cache->ways > CACHE_NIBBLE_WAYS && !cache->order)) {
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

void cache_touch_wide(struct cache *cache, u32 set, u32 way)
{
	u8 *order = cache->order + (size_t)set * cache->ways;
	u32 at = 0;

	while (order[at] != way)
		at++;
	memmove(order + 1, order, at);
	order[0] = (u8)way;
}

static u32 tree_victim(const struct cache *cache, u64 bits)
{
	u32 node = 1;

	for (u32 level = 0; level < cache->tree_levels; level++)
		node = 2 * node + (bits >> node & 1);
	return node - cache->ways;
}

u32 cache_victim(struct cache *cache, u32 set)
{
	const u64 *entry = cache_entry(cache, set, 0);

	for (u32 way = 0; way < cache->ways; way++) {
		if (!entry[way])
			return way;
	}
	switch (cache->replacement) {
	case HW_TREE_PLRU:
		return tree_victim(cache, cache->recency[set]);
	case HW_RANDOM:
		return (u32)gsl_rng_uniform_int(cache->rng, cache->ways);
	default:
		if (cache->order)
			return cache->order[(size_t)set * cache->ways + cache->ways - 1];
		return (u32)(cache->recency[set] >> 4 * (cache->ways - 1)) & 15;
	}
}
