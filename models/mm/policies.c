/*
 * policies.c - the table of slab layers that a configuration can name.
 *
 * To add one: write its file with a const struct slab_policy at the end,
 * declare that here, list it and count it in internal.h.
 */
#include "models/mm/slub.h"

extern const struct slab_policy noslab_policy, sheaves_policy, slob_policy, slab_policy;

static const struct slab_ops slub_ops = {
	.init = slub_init,
	.kmalloc = slub_kmalloc,
	.kfree = slub_kfree,
	.ksize = slub_ksize,
	.krealloc = slub_krealloc,
	.cache_create = slub_cache_create,
	.cache_destroy = slub_cache_destroy,
	.cache_shrink = slub_cache_shrink,
	.cache_validate = slub_cache_validate,
	.cache_alloc = slub_cache_alloc,
	.cache_free = slub_cache_free,
	.cache_alloc_bulk = slub_alloc_bulk,
	.free_bulk = slub_free_bulk,
};

static const struct slab_policy slub_policy = {
	.name = "slub",
	.summary = "SLUB: per-CPU freelists, per-CPU and per-node partial slabs",
	.source = "Linux 6.1 (mm/slub.c), without debugging and freelist hardening",
	.ops = &slub_ops,
	SLAB_PARAMS(slab_nomerge, remote_node_defrag_ratio),
};

const struct slab_policy *const slab_policy_table[NR_SLAB_POLICIES] = {
	&slub_policy,
	&sheaves_policy,
	&slab_policy,
	&noslab_policy,
	&slob_policy,
};
