/*
 * trace.h - the actions of verb `trace`, one function each; trace.c has the
 * table of them and of their options.
 */
#ifndef SIM_CLI_TRACE_H
#define SIM_CLI_TRACE_H

#include "sim/cli/internal.h"

/* Arguments after the action's name: cli->args[1] and on. */
int cli_trace_info(struct cli *cli, struct kms_error *err);
int cli_trace_cut(struct cli *cli, struct kms_error *err);
int cli_trace_cat(struct cli *cli, struct kms_error *err);
int cli_trace_pack(struct cli *cli, struct kms_error *err);
int cli_trace_anonymise(struct cli *cli, struct kms_error *err);
int cli_trace_merge(struct cli *cli, struct kms_error *err);
int cli_trace_make(struct cli *cli, struct kms_error *err);
int cli_trace_fit(struct cli *cli, struct kms_error *err);
int cli_trace_minimise(struct cli *cli, struct kms_error *err);

struct cli_trace_count {
	const char *key, *text;
	u64 value;
};

/* As a table, or JSON with the output's name. */
void cli_trace_counts(const struct cli *cli, const struct cli_trace_count *counts, size_t n, const char *output);
/* The option -o, which must be given. */
int cli_trace_output(const struct cli *cli, const char **output, struct kms_error *err);

#endif
