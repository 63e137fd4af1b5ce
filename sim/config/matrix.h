/*
 * matrix.h - many configurations from one: the product of lists of values.
 *
 * An axis is a path as --set takes it and the values it is to have, from
 * `--vary allocator.slab=slub,noslab` or from an experiment's "matrix" member.
 * A point of the product is one setting of each axis; the last axis changes
 * fastest.
 */
#ifndef SIM_CONFIG_MATRIX_H
#define SIM_CONFIG_MATRIX_H

#include <cjson/cJSON.h>

#include "sim/engine/base.h"

#define CFG_MAX_POINTS 10000

struct cfg_axis {
	char *path;
	char **values; /* text, as behind the = of --set */
	size_t n;
};

struct cfg_matrix {
	struct cfg_axis *axes;
	size_t n;
};

/* "path=a,b,c"; commas inside brackets and quotes are the value's. An axis of this path is replaced. */
int cfg_matrix_add(struct cfg_matrix *m, const char *text, struct kms_error *err);
/* {"path": [values], ...}; paths that are axes already stay as they are. where stands in errors. */
int cfg_matrix_add_json(struct cfg_matrix *m, const cJSON *matrix, const char *where,
			struct kms_error *err);
void cfg_matrix_free(struct cfg_matrix *m);

/* How many points; 1 without any axis. Above CFG_MAX_POINTS the adding functions refuse. */
size_t cfg_matrix_points(const struct cfg_matrix *m);
/* The value of an axis at a point. */
const char *cfg_matrix_value(const struct cfg_matrix *m, size_t point, size_t axis);
/* "slub", "slub_cpu_partial=false, slub": what tells a point from the others, for people. */
void cfg_matrix_label(const struct cfg_matrix *m, size_t point, char *buf, size_t n);

#endif
