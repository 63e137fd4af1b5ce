/*
 * capture_internal.h - what the files of a capture share.
 */
#ifndef WORKLOADS_CAPTURE_INTERNAL_H
#define WORKLOADS_CAPTURE_INTERNAL_H

#include <sys/types.h>

#include "workloads/capture.h"

struct tracefs_instance;

/* ---- capture_tracefs.c ---- */

/* One CPU's buffer in the kernel and the file that its pages go to. */
struct capture_cpu {
	u32 id;
	int from, to;
	u64 bytes; /* written to the file, whole pages */
};

struct capture_tracing {
	struct tracefs_instance *instance;
	char *tracefs; /* the folder */
	char name[64];
	int watchdog_pipe;
	pid_t watchdog;
	u32 page_bytes; /* of the kernel's ring buffer */
	u8 *page;
	int pipe[2]; /* on the way to a file */
	struct capture_cpu *cpus;
	u32 nr_cpus;
};

/* An instance of its own, ready to record into files below folder. KMS_EUSAGE: what is missing. */
int capture_tracing_open(struct capture_tracing *t, const struct capture_options *options,
			 const char *folder, struct kms_error *err);
int capture_tracing_switch(struct capture_tracing *t, bool on, struct kms_error *err);
/* What the kernel has recorded so far goes to the files: full pages only, or all, when it has stopped. */
int capture_tracing_drain(struct capture_tracing *t, bool all, struct kms_error *err);
/* Events that the kernel dropped or overwrote, all CPUs. */
u64 capture_tracing_lost(struct capture_tracing *t);
/* Removes the instance; safe to call twice. */
int capture_tracing_close(struct capture_tracing *t, struct kms_error *err);

/* ---- capture_dat.c ---- */

/* One trace.dat of the CPUs' files. */
int capture_write_dat(const struct capture_tracing *t, const char *path, struct kms_error *err);

/* ---- capture_state.c ---- */

/* Folder with copies of what /proc and /sys say now; returns how many could not be read. */
int capture_state(const char *folder, u32 *missing, struct kms_error *err);
/* What does not change while the kernel runs. */
int capture_topology(const char *folder, u32 *missing, struct kms_error *err);

/* ---- capture_experiment.c ---- */

/* folder/experiment.json: this machine and the trace, as far as the state tells. */
int capture_experiment(const char *folder, const char *trace, u32 nr_cpus, struct kms_error *err);

#endif
