/*
 * help.c - help texts, from the verbs' descriptors, and the verb `help`.
 */
#include <stdlib.h>
#include <string.h>

#include "results/store.h"
#include "sim/cli/internal.h"
#include "sim/config/experiment.h"

#define WIDTH 88
#define HELP_COLUMN 26

void cli_wrap(FILE *out, const char *text, int at, int indent, int width)
{
	while (*text) {
		int n = (int)strcspn(text, " ");

		if (at > indent && at + 1 + n > width) {
			fprintf(out, "\n%*s", indent, "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", n, text);
		at += n;
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void put_option(const struct cli_option *o, FILE *out)
{
	int at = 0;

	if (o->letter)
		at += fprintf(out, "  -%c, ", o->letter);
	else
		at += fprintf(out, "      ");
	at += fprintf(out, "--%s", o->name);
	if (o->arg)
		at += fprintf(out, " %s", o->arg);
	if (at + 2 > HELP_COLUMN) {
		fputc('\n', out);
		at = 0;
	}
	fprintf(out, "%*s", HELP_COLUMN - at, "");
	cli_wrap(out, o->help, HELP_COLUMN, HELP_COLUMN, WIDTH);
}

static void put_examples(const char *examples, FILE *out)
{
	fputs("Examples:\n", out);
	while (*examples) {
		int n = (int)strcspn(examples, "\n");

		fprintf(out, "  %.*s\n", n, examples);
		examples += n + (examples[n] == '\n');
	}
}

void cli_help_verb(const struct cli_verb *verb, FILE *out)
{
	put_examples(verb->examples, out);
	fprintf(out, "\nUsage: %s %s [OPTION...]%s%s\n\n", CLI_PROGRAM, verb->name,
		*verb->args ? " " : "", verb->args);
	cli_wrap(out, verb->summary, 0, 0, WIDTH);
	fputs("\nOptions:\n", out);
	for (const struct cli_option *o = verb->options; o && o->name; o++)
		put_option(o, out);
	for (const struct cli_option *o = cli_common_options; o->name; o++)
		put_option(o, out);
}

void cli_help_verbs(const struct cli_verb *const *verbs, FILE *out)
{
	fputs("kmemsim - what the memory of a kernel looks like, and what each allocation costs,\n"
	      "under another allocator, another setting, another machine\n\n"
	      "Examples:\n"
	      "  kmemsim run configs/experiments/slub-up.json   run an experiment\n"
	      "  kmemsim show latest                            what came out of it\n"
	      "  kmemsim run --help                             help on a command\n\n"
	      "Usage: kmemsim COMMAND [OPTION...] [ARGUMENT...]\n\nCommands:\n",
	      out);
	for (; *verbs; verbs++) {
		int at = fprintf(out, "  %-10s ", (*verbs)->name);

		cli_wrap(out, (*verbs)->summary, at, at, WIDTH);
	}
	fputs("\nExit status: 0 done, 1 failed, 2 wrong usage or input, 3 beyond a threshold, 130 "
	      "interrupted.\n",
	      out);
}

/* ---- kmemsim help [TOPIC] ---- */

static void help_config(void)
{
	char *text = cfg_reference(&experiment_config_table);

	if (text)
		fputs(text, stdout);
	free(text);
}

static void help_metrics(void)
{
	static const char *const better[] = {"lower is better", "neither is better",
					     "higher is better"};

	for (size_t i = 0; i < NR_METRICS; i++) {
		const struct metric_def *m = &metric_defs[i];

		printf("%s (%s; %s)\n    ", m->name, m->unit, better[m->better + 1]);
		cli_wrap(stdout, m->definition, 4, 4, WIDTH);
	}
}

static const char *const topics[] = {"config", "metrics", "policies", "manual", "completion"};

static int run_help(struct cli *cli, struct kms_error *err)
{
	const char *topic = cli->nr_args ? cli->args[0] : NULL, *names[64];
	size_t n = 0;

	if (!topic) {
		cli_help_verbs(cli_verbs, stdout);
		return 0;
	}
	if (!strcmp(topic, "config"))
		return help_config(), 0;
	if (!strcmp(topic, "metrics"))
		return help_metrics(), 0;
	if (!strcmp(topic, "policies"))
		return cli_list_policies(cli, NULL, err);
	if (!strcmp(topic, "manual"))
		return cli_manual(cli_verbs, stdout), 0;
	if (!strcmp(topic, "completion"))
		return cli_completion(cli_verbs, stdout), 0;
	for (; cli_verbs[n] && n < 50; n++) {
		names[n] = cli_verbs[n]->name;
		if (!strcmp(topic, names[n]))
			return cli_help_verb(cli_verbs[n], stdout), 0;
	}
	for (size_t i = 0; i < KMS_ARRAY_SIZE(topics); i++)
		names[n++] = topics[i];
	return cli_unknown(err, "topic", topic, names, n);
}

static const char *topic_name(size_t i)
{
	return i < KMS_ARRAY_SIZE(topics) ? topics[i] : NULL;
}

const struct cli_verb cli_verb_help = {
	.name = "help",
	.args = "[TOPIC]",
	.summary = "explain a command, the configuration, the metrics or the allocator policies",
	.examples = "kmemsim help run                        examples and options of a command\n"
		    "kmemsim help config                     every key of an experiment\n"
		    "kmemsim help metrics                    what is measured, and how it is defined\n"
		    "kmemsim help manual | man -l -          all commands as a manual page\n"
		    "source <(kmemsim help completion)       completions for bash",
	.max_args = 1,
	.run = run_help,
	.action = topic_name,
};
