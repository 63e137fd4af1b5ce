/*
 * cli.c - parsing one verb's command line, over glibc's getopt_long().
 *
 * getopt_long() gets its tables from the verb's options and the common ones;
 * its messages are not used: ours name the verb and the nearest option.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/internal.h"

volatile int cli_interrupted;

const struct cli_option cli_common_options[] = {
	{"json", 0, NULL, "print results as JSON"},
	{"quiet", 'q', NULL, "no progress and no notes"},
	{"color", 0, "WHEN", "colors: auto, always or never [auto; NO_COLOR is respected]"},
	{"help", 'h', NULL, "this text"},
	{NULL, 0, NULL, NULL},
};

#define MAX_OPTIONS 64
#define FIRST_CODE 256

struct parsed {
	const struct cli_option *options[MAX_OPTIONS]; /* the verb's, then the common ones */
	int nr_options;
	struct option longs[MAX_OPTIONS + 1];
	char shorts[3 * MAX_OPTIONS + 3];
	int nr_given;
	struct given {
		const struct cli_option *option;
		const char *value; /* "" for a flag */
	} *given;
	const char **values; /* what cli_values() returns; one list after the other */
};

int cli_unknown(struct kms_error *err, const char *what, const char *name, const char *const *names, size_t n)
{
	const char *nearest = kms_nearest(name, names, n);
	char list[400] = "", safe[200];
	size_t len = 0;

	cli_safe(safe, sizeof(safe), name);
	if (nearest)
		return kms_fail(err, KMS_EUSAGE, "unknown %s \"%s\"; did you mean \"%s\"?", what, safe, nearest);
	for (size_t i = 0; i < n && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "", names[i]);
	return kms_fail(err, KMS_EUSAGE, "unknown %s \"%s\"; there are: %s", what, safe, list);
}

const struct cli_verb *cli_find_verb(const struct cli_verb *const *verbs, const char *name,
				     struct kms_error *err)
{
	const char *names[MAX_OPTIONS];
	size_t n = 0;

	for (; verbs[n] && n < MAX_OPTIONS; n++) {
		names[n] = verbs[n]->name;
		if (!strcmp(names[n], name))
			return verbs[n];
	}
	cli_unknown(err, "command", name, names, n);
	return NULL;
}

static void add_options(struct parsed *p, const struct cli_option *options)
{
	for (; options && options->name && p->nr_options < MAX_OPTIONS; options++) {
		struct option *l = &p->longs[p->nr_options];
		size_t n = strlen(p->shorts);

		l->name = options->name;
		l->has_arg = options->arg ? required_argument : no_argument;
		l->val = FIRST_CODE + p->nr_options;
		if (options->letter) {
			p->shorts[n++] = options->letter;
			if (options->arg)
				p->shorts[n] = ':';
		}
		p->options[p->nr_options++] = options;
	}
}

static const struct cli_option *by_code(const struct parsed *p, int code)
{
	if (code >= FIRST_CODE)
		return p->options[code - FIRST_CODE];
	for (int i = 0; i < p->nr_options; i++)
		if (p->options[i]->letter == code)
			return p->options[i];
	return NULL;
}

static int unknown_option(const struct parsed *p, const struct cli_verb *verb, const char *arg,
			  struct kms_error *err)
{
	const char *names[MAX_OPTIONS], *nearest;
	char name[100], safe[200];

	if (optopt > 0 && optopt < FIRST_CODE)
		return kms_fail(err, KMS_EUSAGE, "%s has no option -%c (%s %s --help lists them)", verb->name,
				optopt >= 0x20 && optopt < 0x7f ? optopt : '?', CLI_PROGRAM, verb->name);
	if (optopt >= FIRST_CODE) /* --flag=value */
		return kms_fail(err, KMS_EUSAGE, "--%s takes no value", p->options[optopt - FIRST_CODE]->name);
	for (int i = 0; i < p->nr_options; i++)
		names[i] = p->options[i]->name;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg + 2, "="), arg + 2);
	cli_safe(safe, sizeof(safe), name);
	nearest = kms_nearest(name, names, (size_t)p->nr_options);
	if (nearest)
		return kms_fail(err, KMS_EUSAGE, "%s has no option --%s; did you mean --%s?", verb->name, safe, nearest);
	return kms_fail(err, KMS_EUSAGE, "%s has no option --%s (%s %s --help lists them)", verb->name, safe,
			CLI_PROGRAM, verb->name);
}

static int check_count(const struct cli *cli, struct kms_error *err)
{
	const struct cli_verb *v = cli->verb;

	if (cli->nr_args < v->min_args)
		return kms_fail(err, KMS_EUSAGE, "expected %s after \"%s\", found %s (%s %s --help shows examples)",
				v->args, v->name, cli->nr_args ? "less" : "nothing", CLI_PROGRAM, v->name);
	if (v->max_args >= 0 && cli->nr_args > v->max_args) {
		char safe[200];

		return kms_fail(err, KMS_EUSAGE, "%s takes %s; \"%s\" is too many", v->name,
				*v->args ? v->args : "no arguments",
				cli_safe(safe, sizeof(safe), cli->args[v->max_args]));
	}
	return 0;
}

static int common_options(struct cli *cli, struct kms_error *err)
{
	static const char *const whens[] = {"auto", "always", "never"};
	const char *when = cli_value(cli, "color", "auto");

	cli->json = cli_flag(cli, "json");
	cli->quiet = cli_flag(cli, "quiet");
	if (!strcmp(when, "always"))
		cli->color = true;
	else if (!strcmp(when, "never"))
		cli->color = false;
	else if (strcmp(when, "auto"))
		return cli_unknown(err, "value of --color", when, whens, 3);
	return 0;
}

int cli_parse(struct cli *cli, const struct cli_verb *verb, int argc, char **argv, struct kms_error *err)
{
	struct parsed *p = calloc(1, sizeof(*p));
	int code;

	cli->verb = verb;
	cli->parsed = p;
	if (p) {
		p->given = calloc((size_t)argc + 1, sizeof(*p->given));
		p->values = calloc(2 * (size_t)argc + 2, sizeof(*p->values));
	}
	if (!p || !p->given || !p->values)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	p->shorts[0] = ':';
	add_options(p, verb->options);
	add_options(p, cli_common_options);
	optind = 0; /* glibc: start anew */
	opterr = 0;
	while ((code = getopt_long(argc, argv, p->shorts, p->longs, NULL)) != -1) {
		const struct cli_option *option;

		if (code == '?')
			return unknown_option(p, verb, argv[optind - 1], err);
		if (code == ':') {
			option = by_code(p, optopt);
			return kms_fail(err, KMS_EUSAGE, "--%s needs a value: %s", option->name, option->arg);
		}
		option = by_code(p, code);
		p->given[p->nr_given++] = (struct given){option, optarg ? optarg : ""};
	}
	cli->args = (const char *const *)argv + optind;
	cli->nr_args = argc - optind;
	if (cli_flag(cli, "help"))
		return 0;
	code = common_options(cli, err);
	return code ? code : check_count(cli, err);
}

void cli_parsed_free(struct cli *cli)
{
	struct parsed *p = cli->parsed;

	if (!p)
		return;
	free(p->given);
	free(p->values);
	free(p);
	cli->parsed = NULL;
}

bool cli_flag(const struct cli *cli, const char *option)
{
	return cli_value(cli, option, NULL) != NULL;
}

const char *cli_value(const struct cli *cli, const char *option, const char *def)
{
	const struct parsed *p = cli->parsed;

	for (int i = p->nr_given - 1; i >= 0; i--) /* the last one counts */
		if (!strcmp(p->given[i].option->name, option))
			return p->given[i].value;
	return def;
}

const char *const *cli_values(const struct cli *cli, const char *option, size_t *n)
{
	const struct parsed *p = cli->parsed;
	const char **list = p->values;

	/* lists of different options may be in use at once: each begins where the one before may end */
	for (int i = 0; i < p->nr_options && strcmp(p->options[i]->name, option); i++)
		for (int j = 0; j < p->nr_given; j++)
			list += p->given[j].option == p->options[i];
	*n = 0;
	for (int i = 0; i < p->nr_given; i++)
		if (!strcmp(p->given[i].option->name, option))
			list[(*n)++] = p->given[i].value;
	return list;
}

const char *cli_db(const struct cli *cli)
{
	const char *env = getenv("KMEMSIM_DB");

	return cli_value(cli, "db", env && *env ? env : "results/kmemsim.db");
}
