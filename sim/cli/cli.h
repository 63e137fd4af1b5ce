/*
 * cli.h - the command line: one verb a file, one table of options each.
 *
 * A verb is a const descriptor listed in verbs.c; parsing, --help (examples
 * first), error texts and the nearest-name offers come from it. Data goes to
 * stdout, progress and notes to stderr.
 */
#ifndef SIM_CLI_CLI_H
#define SIM_CLI_CLI_H

#include <stdio.h>

#include "sim/engine/base.h"

/* Exit statuses. */
enum cli_exit { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_BEYOND = 3, EXIT_INTERRUPTED = 130 };

struct cli_option {
	const char *name;    /* long name without dashes */
	char letter;	     /* 0: none */
	const char *arg;     /* "FILE"; NULL: a flag */
	const char *help;    /* one sentence, default in brackets */
};

struct cli;

struct cli_verb {
	const char *name;
	const char *args;     /* "CONFIG..." */
	const char *summary;  /* one line */
	const char *examples; /* lines of "command   what it does" */
	const struct cli_option *options; /* ends with name NULL; --json, --help, ... are common to all */
	int min_args, max_args;		  /* positional; max -1: any number */
	int (*run)(struct cli *cli, struct kms_error *err);
	const char *(*action)(size_t i); /* the words its first argument may be; NULL after the last */
};

extern const struct cli_verb *const cli_verbs[]; /* ends with NULL */

/* One invocation, parsed. */
struct cli {
	const struct cli_verb *verb;
	const char *const *args; /* positional */
	int nr_args;
	bool json, quiet, color; /* --json, -q, --color=auto|always|never and NO_COLOR */
	bool progress_bar;	 /* stderr is a terminal */
	int exit_status;	 /* a verb may set EXIT_BEYOND etc. and return 0 */
	void *parsed;
};

bool cli_flag(const struct cli *cli, const char *option);
const char *cli_value(const struct cli *cli, const char *option, const char *def);
/* All values of an option that may be repeated. */
const char *const *cli_values(const struct cli *cli, const char *option, size_t *n);

/* The database: --db, else $KMEMSIM_DB, else results/kmemsim.db. */
const char *cli_db(const struct cli *cli);
#define CLI_OPTION_DB {"db", 0, "FILE", "database to use [results/kmemsim.db, or $KMEMSIM_DB]"}
#define CLI_OPTION_KEEP_RECLAIM                                                                        \
	{"keep-reclaim", 0, NULL,                                                                      \
	 "what the recorded kernel reclaimed goes as recorded: the same as --set workload.reclaim=recorded"}

/* Set by SIGINT and SIGTERM; long work looks at it and stops cleanly. */
extern volatile int cli_interrupted;

/* ---- tables for people: columns align, numbers right ---- */
struct cli_table;
struct cli_table *cli_table_new(const char *const *headings, int nr_columns);
void cli_table_row(struct cli_table *t, const char *const *cells); /* copies */
void cli_table_print(struct cli_table *t, FILE *out);		   /* and frees it */
/* "1.23 MiB", "456 ns", "12,345": into buf, which is returned. */
char *cli_bytes(char *buf, size_t n, double bytes);
char *cli_time_ns(char *buf, size_t n, double ns);
char *cli_count(char *buf, size_t n, u64 count);
/* A count that was computed: rounded to a whole one; "-1,234"; of no count ("inf", 1e300) as it is. */
char *cli_rounded(char *buf, size_t n, double count);
/* Text safe for a terminal: control characters and escapes shown as \xNN. */
char *cli_safe(char *buf, size_t n, const char *text);

#endif
