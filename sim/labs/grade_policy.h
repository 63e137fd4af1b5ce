/*
 * grade_policy.h - marking an allocator: FILE.c or FILE.so (include/kmemsim/policy.h)
 * on fixed workloads, relative to SLUB. docs/labs/grading.md has the formula.
 */
#ifndef SIM_LABS_GRADE_POLICY_H
#define SIM_LABS_GRADE_POLICY_H

#include <stdio.h>

#include "sim/labs/lab.h"

#define GRADE_TASKS 5

struct grade_task {
	const char *name;
	bool done;		 /* without a fault */
	double held, held_slub;	 /* bytes, peak */
	double time, time_slub;	 /* ns a request, mean */
	double points;		 /* of 20 */
};

struct grade_policy {
	struct grade_task tasks[GRADE_TASKS];
	double score;	     /* of 100 */
	char feedback[1024]; /* the first fault; "" for none */
};

/* Is it graded as an allocator (FILE.c, FILE.so) rather than as answers? */
bool grade_is_policy(const char *path);

struct grade_limits {
	u32 seconds;  /* until the child is killed */
	u64 bytes;    /* of host memory, likewise */
};

/*
 * Build and run it in a child process. A fault of the allocator is no error here,
 * it is in feedback. KMS_EUSAGE: the file cannot be read.
 */
int grade_policy(struct grade_policy *g, const char *path, const struct grade_limits *limits, struct kms_error *err);
void grade_policy_print(const struct grade_policy *g, FILE *out);
void grade_policy_json(const struct grade_policy *g, FILE *out);

#endif
