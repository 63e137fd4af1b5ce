/*
 * machine_config.h - what a machine is made of, as read from its JSON.
 *
 * Field tables (keys, defaults, ranges, documentation) are in
 * machine_config.c and cache_config.c. Times are in picoseconds inside, cycles of the core clock
 * where a field says so.
 */
#ifndef MODELS_HW_MACHINE_CONFIG_H
#define MODELS_HW_MACHINE_CONFIG_H

#include "models/hw/dram_config.h"
#include "sim/config/cfg.h"
#include "sim/engine/base.h"

enum hw_replacement { HW_LRU, HW_TREE_PLRU, HW_RANDOM, HW_SRRIP, HW_BRRIP };
enum hw_core_model { HW_CORE_IN_ORDER, HW_CORE_OOO };
enum hw_page_size { HW_PAGE_4K, HW_PAGE_2M, HW_PAGE_1G, HW_NR_PAGE_SIZES };
enum hw_write { HW_WRITE_BACK, HW_WRITE_THROUGH };
enum hw_write_miss { HW_WRITE_ALLOCATE, HW_WRITE_AROUND };
enum hw_inclusion { HW_INCLUSIVE, HW_NON_INCLUSIVE, HW_EXCLUSIVE };
enum hw_topology { HW_FLAT, HW_RING, HW_MESH };
enum hw_prefetcher { HW_PREFETCH_NONE, HW_PREFETCH_NEXT_LINE, HW_PREFETCH_STRIDE };

struct cache_config {
	u64 size_bytes, ways, line_bytes; /* size 0: there is no such level */
	u64 latency_cycles;	/* a hit, from the core */
	u32 replacement;	/* enum hw_replacement */
	u64 mshrs;		/* misses under way at a time; 0: as many as there can be */
	u32 write, write_miss;	/* enum hw_write, enum hw_write_miss */
	u32 inclusion;		/* LLC: enum hw_inclusion */
	struct cfg_array partition; /* LLC: struct llc_partition */
};

struct llc_partition {
	u64 cpu, cpus; /* from cpu on */
	u64 ways;      /* mask */
};

struct core_config {
	u32 model; /* enum hw_core_model */
	u64 width; /* instructions dispatched per cycle, at most */
	u64 rob;   /* instructions in flight, at most */
	u64 store_buffer; /* stores that retired and are not in the cache yet, at most */
	u64 retire_width; /* instructions that leave the reorder buffer per cycle; 0: as many as enter */
	bool l1_dependences; /* core_chain.h */
	double ghz;
	double ipc;		    /* of instruction work without its memory accesses */
	double atomic_cycles;	    /* uncontended locked read-modify-write, beyond the access */
	double local_rmw_cycles;    /* unlocked cmpxchg16b, beyond the access */
	double irq_save_cycles, irq_restore_cycles, pause_cycles;
	double l1_hit_cycles;	    /* charged per L1D hit: throughput, not latency */
	double fence_cycles;
};

struct tlb_level_config {
	u64 entries, ways;
};

struct tlb_config {
	struct tlb_level_config l1[HW_NR_PAGE_SIZES]; /* all 0 entries: no TLB is modelled */
	struct tlb_level_config l2;
	u64 l2_latency_cycles;
	u64 walk_entries; /* of each upper level of the tables, kept by the walker */
	bool l2_holds_1g;
	u32 direct_map_page, vmemmap_page, trace_page; /* enum hw_page_size */
};

struct prefetch_config {
	u32 l1, l2;		  /* enum hw_prefetcher */
	u64 l1_degree, l2_degree; /* lines ahead */
};

struct coherence_config {
	u32 protocol;		  /* enum protocol_kind */
	double cache_to_cache_ns; /* a dirty or exclusive line from another CPU */
	double invalidate_ns;	  /* write to a line others share: wait for their acknowledgement */
	double upgrade_ns;	  /* S to M without data */
	double write_back_ns;	  /* charged to the evicting access: handing the line down */
	double directory_ns;	  /* a directory look-up */
};

struct interconnect_config {
	u32 topology;	/* enum hw_topology, within a node */
	double hop_ns;	/* flat: core to LLC slice and back */
	double stop_ns; /* ring, mesh: from stop to stop */
	double inject_ns;
	double flit_ns; /* 16 bytes on a link; 0: no contention */
	double node_ns; /* to another NUMA node and back */
};

struct node_config {
	u64 memory_bytes;
	u64 cpus;
};

struct memory_config {
	u64 size_bytes;		   /* when no nodes are given: one node with all CPUs */
	u64 dma_limit_bytes;	   /* end of ZONE_DMA: 16 MiB */
	u64 dma32_limit_bytes;	   /* end of ZONE_DMA32: 4 GiB */
	u64 kernel_image_bytes;	   /* text and data, from 16 MiB up, never given to the buddy */
	u64 movable_bytes;	   /* top of RAM in ZONE_MOVABLE */
	u64 low_reserved_bytes;	   /* firmware area at 0 */
	struct cfg_array nodes;	   /* struct node_config */
	u64 node_distance;	   /* between any two nodes; local is 10 */
};

struct machine_config {
	char *name;
	char *source; /* where its numbers come from */
	u64 cpus;
	struct core_config core;
	struct tlb_config tlb;
	struct cache_config l1d, l2, l3, llc; /* l3: private */
	struct prefetch_config prefetch;
	struct coherence_config coherence;
	struct interconnect_config interconnect;
	struct dram_config dram;
	struct memory_config memory;
};

extern const struct cfg_table machine_config_table;

/* Its sections of cache_config.c. */
extern const struct cfg_table cache_l1d_table, cache_l2_table, cache_l3_table, cache_llc_table;
extern const struct cfg_table coherence_table, interconnect_table;

#define HW_PRIVATE_LEVELS 3u

/* The private levels that there are, from L1D on: their configurations, and how many. */
static inline u32 machine_private_levels(const struct machine_config *c,
					 const struct cache_config *level[HW_PRIVATE_LEVELS])
{
	const struct cache_config *all[HW_PRIVATE_LEVELS] = { &c->l1d, &c->l2, &c->l3 };
	u32 n = 0;

	while (n < HW_PRIVATE_LEVELS && all[n]->size_bytes) {
		level[n] = all[n];
		n++;
	}
	return n;
}

#endif
