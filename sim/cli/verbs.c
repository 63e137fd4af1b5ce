/*
 * verbs.c - the commands, in the order in which help lists them.
 */
#include "sim/cli/internal.h"

extern const struct cli_verb cli_verb_run, cli_verb_import, cli_verb_trace, cli_verb_policies,
	cli_verb_schema, cli_verb_version, cli_verb_help, cli_verb_list, cli_verb_show, cli_verb_plot,
	cli_verb_digest, cli_verb_validate, cli_verb_compare, cli_verb_memtrace, cli_verb_explain,
	cli_verb_lab, cli_verb_step, cli_verb_policy, cli_verb_workloads, cli_verb_calibrate,
	cli_verb_capture;

const struct cli_verb *const cli_verbs[] = {
	&cli_verb_run, &cli_verb_list, &cli_verb_show, &cli_verb_compare, &cli_verb_plot, &cli_verb_digest,
	&cli_verb_capture, &cli_verb_import, &cli_verb_trace, &cli_verb_workloads,
	&cli_verb_policies, &cli_verb_policy,
	&cli_verb_explain, &cli_verb_step, &cli_verb_lab,
	&cli_verb_validate, &cli_verb_memtrace, &cli_verb_calibrate,
	&cli_verb_schema, &cli_verb_version, &cli_verb_help, NULL,
};
