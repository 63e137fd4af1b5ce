/*
 * rt_internal.h - what rt.c and kernel_api.c share.
 */
#ifndef MODELS_RT_RT_INTERNAL_H
#define MODELS_RT_RT_INTERNAL_H

/* The calls to provide are those of the cycle flavour; the plain one has fewer. */
#define KMS_FLAVOUR_CYCLE
#include "models/mm/kernel.h"
#undef memset
#undef memcpy

#include "models/rt/rt.h"

struct rt_state {
	u32 cpu;	/* functional timing: whose turn it is */
	u64 cpu_percpu; /* percpu[cpu] */
	u64 percpu[SIM_MAX_CPUS];
	kms_ps ps_per_insn_x1024; /* 0: instruction work costs nothing */
	kms_ps irq_save_ps, irq_restore_ps;
	u64 operations; /* begun */
	kms_ps cpu_relax_ps; /* at least 1: a spinning CPU must let time pass */
};

extern struct rt_state rt;

/* Returns unless a replay is going on. */
void rt_replay_bug(const char *file, int line, const char *what);
void rt_reset_tasks(void);				   /* kthread.c */
void rt_set_op(u32 cpu, const struct rt_op *op);	   /* rt.c */

#endif
