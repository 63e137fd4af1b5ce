/*
 * grade.h - marking answer files.
 *
 * {"student": "...", "labs": [{"lab": "scenarios", "seed": 7,
 *   "answers": {"q1": 6, "q2": 126976}}]}, or one such lab by itself. Each lab
 * is carried out with the seed given, and each answer compared with its figure:
 * one point a question.
 */
#ifndef SIM_LABS_GRADE_H
#define SIM_LABS_GRADE_H

#include <stdio.h>

#include "sim/labs/lab.h"

#define GRADE_FEEDBACK 240

struct grade_answer {
	char lab[48], question[24];
	bool answered, right;
	double given;
	char feedback[GRADE_FEEDBACK]; /* "" when right */
};

struct grade {
	char student[80];
	u32 points, most;
	struct grade_answer *answers;
	u32 nr_answers;
};

/* KMS_EUSAGE: not readable, not JSON, unknown lab or question. Afterwards grade_free(). */
int grade_file(struct grade *g, const char *path, const struct lab_options *options, struct kms_error *err);
void grade_free(struct grade *g);
void grade_print(const struct grade *g, FILE *out);
void grade_json(const struct grade *g, FILE *out);

#endif
