/*
 * internal.h - what the files of models/mm call of each other.
 *
 * page_alloc*.c serve the slab layers; boot.c, percpu.c and vmstat.c serve
 * everybody. Names are the kernel's.
 */
#ifndef MODELS_MM_INTERNAL_H
#define MODELS_MM_INTERNAL_H

#include "models/mm/list.h"
#include "models/mm/mm.h"
#include "models/mm/mm_types.h"

/* page_alloc.c: the zoned buddy allocator */
struct page *__alloc_pages(gfp_t gfp, u32 order, int preferred_nid, u64 nodemask);
struct page *alloc_pages_node(gfp_t gfp, u32 order, int nid); /* -1: this CPU's node */
struct page *alloc_pages_nodemask(gfp_t gfp, u32 order, int nid, u64 nodemask);
void __free_pages(struct page *page, u32 order);
struct page *alloc_pages_exact(u64 size, gfp_t gfp);
void split_page(struct page *page, u32 order);
u32 __alloc_pages_bulk(gfp_t gfp, int nid, u32 n, struct page **pages);
void free_unref_page_list(struct page **pages, u32 n);
void drain_all_pages(void);

/* lru.c: pages that their owner can let go of; task NO_TASK (-1): page cache */
void lru_cache_add(struct page *page, u64 mapping, u64 index, s32 task);
void mark_page_accessed(struct page *page);
void put_page(struct page *page);
s32 register_shrinker(u32 seeks, u32 batch);
void release_pages(struct page **pages, u32 n);

/* kswapd.c, compaction.c: one wake-up of a node's kernel thread */
void kswapd(u32 nid);
void kcompactd(u32 nid);
void proactive_compact(u32 nid);
void compact_node(u32 nid);

struct zone *page_zone(struct page *page);
u32 page_to_nid(struct page *page);
u32 compound_order(struct page *head); /* 0 when not compound */

/* boot.c: zones, zonelists, memblock's release, watermarks */
void mm_boot(const struct mm_boot *boot);
void setup_per_cpu_pageset(void);
void init_per_zone_wmark_min(void);
void mm_cpu_online(u32 cpu);
void free_reserved_block(u64 pfn, u32 order);

/* percpu.c: per-CPU memory; bytes come zeroed */
void __percpu *__alloc_percpu(u64 size, u64 align);
void free_percpu(void __percpu *p, u64 size);

/* vmstat.c: counters with per-CPU differentials */
void __mod_zone_page_state(struct zone *zone, u32 item, s64 delta);
void mod_node_page_state(struct pglist_data *pgdat, u32 item, s64 delta);
void count_vm_events(u32 event, u64 n);
void refresh_cpu_vm_stats(void);
void refresh_zone_stat_thresholds(void);

/* slab_common.c: what slab layers share: alignment, size classes, cache list */
u32 calculate_alignment(u32 flags, u32 align, u32 size);
u32 kmalloc_index(u64 size);
u32 kmalloc_type(gfp_t gfp);
void *kmalloc_large_node(u64 size, gfp_t gfp, int node);
void free_large_kmalloc(struct page *head, void *object);

/* policies.c */
#define NR_SLAB_POLICIES 5
extern const struct slab_policy *const slab_policy_table[NR_SLAB_POLICIES];

#endif
