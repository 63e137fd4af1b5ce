/*
 * show.h - the sections of `kmemsim show`, between show.c and show_*.c.
 *
 * A section prints itself twice: as tables for people and as members of one
 * JSON object. Most are a query and a list of columns, from which both come.
 */
#ifndef SIM_CLI_SHOW_H
#define SIM_CLI_SHOW_H

#include "results/json.h"
#include "results/query.h"
#include "sim/cli/cli.h"

struct show {
	struct cli *cli;
	struct store *store;
	struct kms_error *err;
	s64 run;
	u64 top; /* rows of a ranking; JSON has all */
	bool definitions;
	bool cycle; /* the run has latencies */
	struct json json;
};

struct show_section {
	const char *name, *title;
	bool by_default; /* else only when named */
	int (*print)(struct show *s);
};
extern const struct show_section show_sections[]; /* ends with name NULL */

/* How a column's value reads for people; JSON has plain numbers. */
enum show_kind {
	SHOW_TEXT,
	SHOW_COUNT,
	SHOW_BYTES,
	SHOW_NS,
	SHOW_SHARE, /* 0 to 1, as per cent */
};

struct show_column {
	const char *heading, *key;
	enum show_kind kind;
};

#define SHOW_CELL 96
/* A value of that kind into cell, which is returned. */
const char *show_cell(char cell[SHOW_CELL], enum show_kind kind, double value);

/*
 * The rows of a query with the run's id as ?1 (and limit as ?2): a table, or an
 * array of objects under key. empty is printed instead of a table without rows.
 */
int show_query(struct show *s, const char *key, const char *empty, const struct show_column *columns,
	       int n, const char *sql);

int show_summary(struct show *s);
int show_metrics(struct show *s);
int show_phases(struct show *s);
int show_latency(struct show *s);
int show_parts(struct show *s);
int show_bytes(struct show *s);
int show_caches(struct show *s);
int show_zones(struct show *s);
int show_locks(struct show *s);
int show_fields(struct show *s);
int show_lines(struct show *s);
int show_sites(struct show *s);
int show_coverage(struct show *s);
int show_counters(struct show *s);

/* The end state in one of the kernel's text formats (results/as.h), instead of sections. */
int show_as(struct show *s, const char *name);

#endif
