/*
 * main.c - the program: from argv to a verb, from its result to an exit status.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/internal.h"

/* The first signal asks long work to stop cleanly, a second one ends the program. */
static void on_signal(int sig)
{
	if (cli_interrupted) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	cli_interrupted = 1;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write, reported as such */
}

static int exit_status(int rc)
{
	switch (rc) {
	case KMS_OK:
		return EXIT_DONE;
	case KMS_EUSAGE:
		return EXIT_USAGE;
	case KMS_EINTERRUPTED:
		return EXIT_INTERRUPTED;
	default:
		return EXIT_FAILED;
	}
}

static void report(const struct kms_error *err)
{
	char safe[2 * sizeof(err->text)];

	fprintf(stderr, "%s: %s\n", CLI_PROGRAM, cli_safe(safe, sizeof(safe), err->text));
}

/* What was printed must have arrived; a full disk or a closed pipe is a failure. */
static int close_output(struct kms_error *err)
{
	bool failed;

	errno = 0;
	failed = ferror(stdout) != 0;
	failed = fflush(stdout) != 0 || failed;
	failed = fclose(stdout) != 0 || failed;
	if (!failed)
		return 0;
	return kms_fail(err, KMS_EFAIL, "cannot write to standard output: %s",
			errno ? strerror(errno) : "an earlier write failed");
}

static void init_cli(struct cli *cli)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
	bool dumb = !term || !*term || !strcmp(term, "dumb");

	*cli = (struct cli){
		.color = isatty(STDOUT_FILENO) && !dumb && !(no_color && *no_color),
		.progress_bar = isatty(STDERR_FILENO) && !dumb,
	};
}

static int run_verb(struct cli *cli, int argc, char **argv, struct kms_error *err)
{
	const struct cli_verb *verb = cli_find_verb(cli_verbs, argv[0], err);
	int rc;

	if (!verb)
		return KMS_EUSAGE;
	rc = cli_parse(cli, verb, argc, argv, err);
	if (!rc && cli_flag(cli, "help"))
		cli_help_verb(verb, stdout);
	else if (!rc)
		rc = verb->run(cli, err);
	return rc;
}

static int dispatch(struct cli *cli, int argc, char **argv, struct kms_error *err)
{
	static char version[] = "version", help[] = "help";

	if (argc < 2) {
		cli_help_verbs(cli_verbs, stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		argv[1] = help;
	else if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		argv[1] = version;
	if (argv[1][0] == '-')
		return kms_fail(err, KMS_EUSAGE, "expected a command before the options, found \"%s\" "
				"(%s --help lists them)", argv[1], CLI_PROGRAM);
	return run_verb(cli, argc - 1, argv + 1, err);
}

int main(int argc, char **argv)
{
	struct kms_error err = {0};
	struct cli cli;
	int status, rc;

	init_cli(&cli);
	catch_signals();
	rc = dispatch(&cli, argc, argv, &err);
	status = rc ? exit_status(rc) : cli.exit_status;
	cli_parsed_free(&cli);
	if (rc)
		report(&err);
	err = (struct kms_error){0};
	if (close_output(&err)) {
		report(&err);
		status = status ? status : EXIT_FAILED;
	}
	return status;
}
