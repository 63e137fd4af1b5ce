/*
 * experiment.h - what a run is: machine, allocator, workload, timing.
 *
 * Field tables in experiment.c; the machine's own are in models/hw.
 */
#ifndef SIM_CONFIG_EXPERIMENT_H
#define SIM_CONFIG_EXPERIMENT_H

#include "models/hw/machine_config.h"
#include "models/mm/mm.h"
#include "sim/config/cfg.h"
#include "workloads/adversary.h"
#include "workloads/synthetic.h"
#include "workloads/touch.h"

enum exp_timing { TIMING_CYCLE, TIMING_FUNCTIONAL };
enum exp_pacing { PACING_ASAP, PACING_ORDER, PACING_TIMESTAMPS };
enum exp_reclaim { RECLAIM_RECORDED, RECLAIM_OWN };
enum exp_memory { MEMORY_RECORDED, MEMORY_MACHINE };

struct allocator_config {
	struct cfg_array source; /* where the values come from, for people */
	char *slab;		 /* name in the policy table, or a FILE.so */
	cJSON *policy_params;	 /* of a FILE.so; NULL: none given */
	struct cfg_array lowmem_reserve_ratio; /* u64, by zone index, at most 4 */
	struct mm_params params; /* by the kernel's names */
};

struct workload_config {
	char *trace;		  /* file, or NULL */
	bool has_synthetic;
	struct synthetic_config synthetic;
	u32 adversary; /* index into adversary_choices; 0: none */
	struct adversary_params parameters;
	u32 pacing;		  /* enum exp_pacing */
	double time_scale;	  /* timestamps: recorded time times this */
	kms_ps think_time;	  /* asap: between two requests of a CPU */
	struct cfg_array shrink; /* slab caches (names) whose objects reclaim may have */
	struct cfg_array warm_up; /* phases (names) that are not measured */
	u64 max_requests;	  /* 0: all */
	struct touch_config touch;
	u32 reclaim; /* enum exp_reclaim: who decides which pages go and move */
	char *start_state; /* file; NULL: from boot */
	bool resume;	   /* the workload that the state was saved in, from there on */
	u32 memory; /* enum exp_memory: whose memory map, the recording's or the machine's */
};

struct sampling_config {
	u64 samples; /* about this many over the run */
	u64 page_maps; /* about this many of them with a page map */
};

struct periodic_config {
	kms_ps vmstat; /* interval of each CPU's vmstat worker; 0 off */
};

struct experiment_config {
	char *name, *title;
	struct machine_config machine;
	struct allocator_config allocator;
	struct workload_config workload;
	u32 timing; /* enum exp_timing */
	u64 seed;
	char *costs; /* cost table file */
	struct sampling_config sampling;
	struct periodic_config periodic;
	bool check; /* verify all invariants at every sample */
	cJSON *matrix; /* lists of values (matrix.h); NULL in a single run */
};

extern const struct cfg_table experiment_config_table;

#endif
