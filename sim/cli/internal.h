/*
 * internal.h - what the files of sim/cli share beside cli.h.
 */
#ifndef SIM_CLI_INTERNAL_H
#define SIM_CLI_INTERNAL_H

#include "sim/cli/cli.h"
#include "sim/run/run.h"

#define CLI_PROGRAM "kmemsim"

/* cli.c */
/* argv[0] is the verb's name. Afterwards cli_parsed_free(), whatever the result. */
int cli_parse(struct cli *cli, const struct cli_verb *verb, int argc, char **argv,
	      struct kms_error *err);
void cli_parsed_free(struct cli *cli);
extern const struct cli_option cli_common_options[];
const struct cli_verb *cli_find_verb(const struct cli_verb *const *verbs, const char *name,
				     struct kms_error *err);
/* "unknown WHAT "NAME"; did you mean "X"?", or the names when none is near. */
int cli_unknown(struct kms_error *err, const char *what, const char *name, const char *const *names,
		size_t n);

/* help.c */
void cli_help_verb(const struct cli_verb *verb, FILE *out);
void cli_help_verbs(const struct cli_verb *const *verbs, FILE *out);
/* Words of text between two columns; the cursor is at column `at`. Ends the line. */
void cli_wrap(FILE *out, const char *text, int at, int indent, int width);

/* manual.c: the manual page kmemsim(1) as troff, and completions for bash */
void cli_manual(const struct cli_verb *const *verbs, FILE *out);
void cli_completion(const struct cli_verb *const *verbs, FILE *out);

/* validate_golden.c: below `least` percent exact, the exit status becomes EXIT_BEYOND */
int cli_validate_golden(struct cli *cli, const char *path, double least, struct kms_error *err);

/* policies.c: all of them, or the one of this name with its parameters */
int cli_list_policies(const struct cli *cli, const char *name, struct kms_error *err);

/* table.c */
int cli_width(const char *text); /* columns on a terminal */

/* progress.c: of one run, on stderr */
struct cli_progress {
	const char *name;
	bool on, bar;
	bool drawn;  /* a bar stands on the current line */
	double next; /* host seconds at which to report again */
};
void cli_progress_start(struct cli_progress *p, const struct cli *cli, const char *name,
			bool wanted);
void cli_progress_update(void *progress,
			 const struct run_progress *now); /* struct run_options' callback */
void cli_progress_end(struct cli_progress *p);
/* The line to show, without control characters; returns its length. */
int cli_progress_line(char *buf, size_t n, const char *name, const struct run_progress *now,
		      bool bar, int width);

#endif
