/*
 * import_user.h - recordings of user programs' malloc() as requests on kmalloc().
 *
 * Shared by import_mtrace.c and import_rep.c. What kmalloc() can serve becomes
 * one kmalloc() (above its caches' limit that is its large path, page blocks);
 * what is larger becomes page blocks of 4 MiB. Such recordings know no clock, CPU
 * or task: an event is a nanosecond, all on CPU 0.
 */
#ifndef WORKLOADS_IMPORT_USER_H
#define WORKLOADS_IMPORT_USER_H

#include "workloads/import_internal.h"
#include "workloads/info.h"
#include "workloads/lines.h"
#include "workloads/slots.h"

#define USER_KEY_MAX (1ull << 47) /* keys are below */

struct user_import {
	const struct import_job *job;
	struct lines lines;
	struct trace_writer *writer;
	struct slot_pool slots;
	struct names sites;
	struct live_map objects;
	struct recent freed;
	struct kms_workload_info info;
	u64 time, over_live_frees, unseen, failed;
};

int user_no_memory(struct user_import *im);
/* key: address or number of the object, from 1 up to USER_KEY_MAX. */
int user_alloc(struct user_import *im, u64 key, u64 size, u32 site);
int user_free(struct user_import *im, u64 key, u32 site);
/* The current line is not as expected: counted, or with --strict an error. */
int user_malformed(struct user_import *im, const char *found, const char *expected);
/* "0x1f", "(nil)" or decimal digits up to a blank; false: neither. */
bool user_number(const char **at, u64 *value);
/* The whole import: line() is given each line. */
int user_import_lines(const struct import_job *job, const char *what, void *arg,
		      int (*line)(struct user_import *im, void *arg, char *text));

#endif
