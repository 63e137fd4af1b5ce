/*
 * lru.c - lru.h: memory of the sets, and the wide ones.
 */
#include "sim/memtrace/lru.h"

#include <stdlib.h>

static void init_lists(struct lru *lru)
{
	for (u64 set = 0; set < lru->sets; set++)
		lru->nodes[set].newer = lru->nodes[set].older = (u32)set;
}

int lru_init(struct lru *lru, const struct memtrace_geometry *g, struct kms_error *err)
{
	u64 lines = g->size / g->line, buckets = 16;

	*lru = (struct lru){.geometry = *g, .ways = (u32)g->ways, .sets = lines / g->ways};
	lru->mask = lru->sets & (lru->sets - 1) ? 0 : lru->sets - 1;
	lru->line_shift = (u32)__builtin_ctzll(g->line);
	if (lru->ways <= LRU_ARRAY_WAYS) {
		lru->keys = calloc(lines, sizeof(*lru->keys));
		return lru->keys ? 0 : kms_fail(err, KMS_EFAIL, "not enough memory for %llu lines",
						(unsigned long long)lines);
	}
	while (buckets < 2 * lines)
		buckets *= 2;
	lru->bucket_mask = buckets - 1;
	lru->nodes = calloc(lru->sets + lines, sizeof(*lru->nodes));
	lru->filled = calloc(lru->sets, sizeof(*lru->filled));
	lru->buckets = calloc(buckets, sizeof(*lru->buckets));
	if (!lru->nodes || !lru->filled || !lru->buckets) {
		lru_exit(lru);
		return kms_fail(err, KMS_EFAIL, "not enough memory for %llu lines",
				(unsigned long long)lines);
	}
	init_lists(lru);
	return 0;
}

void lru_exit(struct lru *lru)
{
	free(lru->keys);
	free(lru->nodes);
	free(lru->filled);
	free(lru->buckets);
	*lru = (struct lru){0};
}

static u32 *bucket_of(struct lru *lru, u64 key)
{
	return &lru->buckets[((key >> 1) * 0x9e3779b97f4a7c15ull >> 20) & lru->bucket_mask];
}

static u32 find(struct lru *lru, u64 key)
{
	u32 at = *bucket_of(lru, key);

	while (at && (lru->nodes[at].key ^ key) >= 2)
		at = lru->nodes[at].chain;
	return at;
}

static void unhash(struct lru *lru, u32 node)
{
	u32 *link = bucket_of(lru, lru->nodes[node].key);

	while (*link != node)
		link = &lru->nodes[*link].chain;
	*link = lru->nodes[node].chain;
}

static void unlink_node(struct lru *lru, u32 node)
{
	const struct lru_node *n = &lru->nodes[node];

	lru->nodes[n->newer].older = n->older;
	lru->nodes[n->older].newer = n->newer;
}

/* A head's `older` is the most recent of its set, its `newer` the least recent. */
static void link_newest(struct lru *lru, u32 head, u32 node)
{
	u32 next = lru->nodes[head].older;

	lru->nodes[node].newer = head;
	lru->nodes[node].older = next;
	lru->nodes[next].newer = node;
	lru->nodes[head].older = node;
}

/* The node for a new line: a fresh one, or that of the least recent, which leaves. */
static u32 take_node(struct lru *lru, u64 set, u64 *victim)
{
	u32 node;

	if (lru->filled[set] < lru->ways)
		return (u32)(lru->sets + set * lru->ways) + lru->filled[set]++;
	node = lru->nodes[set].newer;
	*victim = lru->nodes[node].key;
	unhash(lru, node);
	unlink_node(lru, node);
	return node;
}

bool lru_access_wide(struct lru *lru, u64 set, u64 key, u64 *victim)
{
	u32 node = find(lru, key);
	u32 *bucket;

	if (node) {
		lru->nodes[node].key |= key;
		unlink_node(lru, node);
		link_newest(lru, (u32)set, node);
		return true;
	}
	node = take_node(lru, set, victim);
	bucket = bucket_of(lru, key);
	lru->nodes[node].key = key;
	lru->nodes[node].chain = *bucket;
	*bucket = node;
	link_newest(lru, (u32)set, node);
	return false;
}

static void clean(u64 *key, void (*visit)(void *arg, u64 line), void *arg)
{
	if (*key & 1)
		visit(arg, lru_line_of_key(*key));
	*key &= ~1ull;
}

void lru_clean(struct lru *lru, void (*visit)(void *arg, u64 line), void *arg)
{
	if (lru->keys) {
		for (u64 i = 0; i < lru->sets * lru->ways; i++)
			clean(&lru->keys[i], visit, arg);
		return;
	}
	for (u64 set = 0; set < lru->sets; set++) {
		for (u32 at = lru->nodes[set].older; at != set; at = lru->nodes[at].older)
			clean(&lru->nodes[at].key, visit, arg);
	}
}
