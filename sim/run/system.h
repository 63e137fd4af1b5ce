/*
 * system.h - a simulated machine with its kernel, ready for requests.
 *
 * Maps RAM, sets aside boot memory, starts the engine, the run time and (in
 * cycle timing) the hardware models, and boots the page allocator. The rest of
 * the boot (slab layer, per-CPU lists, watermarks) follows as the workload's
 * boot steps, or at once with system_boot_rest().
 */
#ifndef SIM_RUN_SYSTEM_H
#define SIM_RUN_SYSTEM_H

#include "models/hw/machine.h"
#include "models/mm/mm.h"
#include "models/rt/costs.h"
#include "models/rt/rt.h"
#include "sim/plugin/plugin.h"
#include "workloads/request.h"

struct system_config {
	const struct machine_config *machine;
	const struct mm_params *params;
	const struct cfg_array *lowmem_reserve_ratio; /* u64, by zone index; NULL: the kernel's */
	const char *slab;		      /* policy name, or a file (sim/plugin) */
	const cJSON *policy_params;	      /* of such a file, or NULL */
	bool checked;			      /* look at all its accesses in functional timing, too */
	const char *costs;		      /* cost table file; NULL: instruction work costs nothing */
	const struct kms_workload_info *workload; /* its slab caches; NULL: none known */
	const struct kms_workload_info *recorded; /* memory map and CPUs to rebuild; NULL: the machine's own */
	u64 seed;
	bool cycle;
	sim_access_fn *access; /* in place of machine_access(), which it calls; NULL: none */
};

struct system {
	bool cycle;
	u32 nr_cpus;
	u64 ram_bytes, kernel_bytes;
	struct machine *machine;	  /* NULL in functional timing */
	struct cost_table costs;
	const struct mm_ops *mm;	  /* flavour that carries out requests */
	const struct slab_policy *policy, *policy_plain;
	bool plugged; /* the policy is loaded from a file */
};

/* KMS_EUSAGE: unknown policy, memory map that does not fit, bad cost table. */
int system_start(struct system *s, const struct system_config *config, struct kms_error *err);
/* Slab layer, per-CPU lists, all CPUs, watermarks: what a workload without boot steps needs. */
int system_boot_rest(struct system *s, struct kms_error *err);
void system_stop(struct system *s);

#endif
