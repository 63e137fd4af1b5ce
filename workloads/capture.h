/*
 * capture.h - the running kernel's kmem tracepoints into a trace, with its state.
 *
 * capture.c goes from start to end; capture_tracefs.c owns the tracing instance
 * and sees to it that it goes away; capture_dat.c makes a trace.dat of what was
 * recorded, which the importer of such files (import_dat.c) turns into requests;
 * capture_state.c copies what the kernel says about itself, capture_experiment.c
 * makes an experiment of that. docs/capturing.md describes all that is written.
 */
#ifndef WORKLOADS_CAPTURE_H
#define WORKLOADS_CAPTURE_H

#include "workloads/import.h"

struct capture_options {
	const char *output;	     /* trace; the state goes to the folder OUTPUT.d, which must not exist */
	double seconds;		     /* 0: until the command ends, or *interrupted */
	char *const *command;	     /* recorded from its start to its end; NULL: none */
	const char *tracefs;	     /* where it is mounted; NULL: found */
	u64 buffer_kib;		     /* of each CPU; 0: up to 16 MiB, 1/32 of RAM in all */
	bool keep;		     /* leave the recording in OUTPUT.d/trace.dat */
	const volatile int *interrupted; /* stop recording when it becomes non-zero; may be NULL */
};

struct capture_result {
	struct import_result import;
	u64 recorded_bytes;
	u64 lost;	    /* events that found no room in the kernel's buffers */
	u32 nr_cpus;
	double seconds;
	int command_status; /* as waitpid() gives it */
	u32 state_missing;  /* files of the state that could not be read */
};

/*
 * Needs root. KMS_EUSAGE: what is missing (tracefs, kmem events, permission, the
 * command), or OUTPUT.d exists. Nothing of the tracing outside an instance of its
 * own is changed; that is removed in every case, also when the process is killed.
 */
int capture(const struct capture_options *options, struct capture_result *result, struct kms_error *err);

#endif
