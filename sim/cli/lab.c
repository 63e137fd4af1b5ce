/*
 * lab.c - `kmemsim lab`: teaching experiments; the work is in sim/labs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "results/json.h"
#include "sim/cli/internal.h"
#include "sim/labs/grade.h"
#include "sim/labs/grade_policy.h"

static int lab_options_of(const struct cli *cli, struct lab_options *o, struct kms_error *err)
{
	const char *seed = cli_value(cli, "seed", NULL);
	char *end;

	*o = (struct lab_options){.db = cli_value(cli, "db", NULL), .dir = cli_value(cli, "output", NULL), .stop = &cli_interrupted};
	if (!seed)
		return 0;
	o->seeded = true;
	errno = 0;
	o->seed = strtoull(seed, &end, 10);
	if (end == seed || *end || *seed == '-' || errno)
		return kms_fail(err, KMS_EUSAGE, "--seed: found \"%s\", expected a whole number from 0 to 2^64 - 1", seed);
	return 0;
}

/* ---- list ---- */

static int list_one(const struct lab *lab, const struct lab_options *o, struct cli_table *t, struct json *j,
		    struct kms_error *err)
{
	struct lab_run *r;
	int rc = lab_open(&r, lab, o, err);

	if (!rc && t)
		cli_table_row(t, (const char *const[]){lab->name, lab_title(r), lab_source(r)});
	if (!rc && j) {
		json_open(j, NULL, '{');
		json_text(j, "lab", lab->name);
		json_text(j, "title", lab_title(r));
		json_text(j, "goal", lab_goal(r));
		json_text(j, "book", lab_source(r));
		json_text(j, "guide", lab_guide(r));
		json_close(j, '}');
	}
	lab_close(r);
	return rc;
}

static int list(const struct cli *cli, const struct lab_options *o, struct kms_error *err)
{
	static const char *const headings[] = {"lab", "what it is about", "in the book"};
	struct cli_table *t = cli->json ? NULL : cli_table_new(headings, 3);
	struct json j;
	int rc = 0;

	if (cli->json) {
		json_start(&j, stdout);
		json_open(&j, NULL, '[');
	}
	for (u32 i = 0; lab_table[i] && !rc; i++)
		rc = list_one(lab_table[i], o, t, cli->json ? &j : NULL, err);
	if (cli->json)
		json_close(&j, ']');
	else
		cli_table_print(t, stdout);
	return rc;
}

/* ---- one lab, all labs, grading ---- */

static int carry_out(struct cli *cli, const struct lab *lab, const struct lab_options *o, struct kms_error *err)
{
	struct lab_run *r;
	bool answers = cli_flag(cli, "answers");
	int rc = lab_carry_out(&r, lab, o, err);

	if (!rc && cli->json)
		lab_json(r, answers, stdout);
	else if (!rc)
		lab_print(r, answers, stdout);
	if (!rc && !lab_ok(r))
		cli->exit_status = EXIT_FAILED;
	lab_close(r);
	return rc;
}

/* One line a lab; those that fail are shown in full. */
static int check_all(struct cli *cli, const struct lab_options *o, struct kms_error *err)
{
	for (u32 i = 0; lab_table[i] && !cli_interrupted; i++) {
		struct lab_run *r;
		int rc = lab_carry_out(&r, lab_table[i], o, err);
		bool ok = !rc && lab_ok(r);

		printf("%s %s\n", ok ? "ok    " : "FAILED", lab_table[i]->name);
		if (!ok && !rc)
			lab_print(r, false, stdout);
		else if (!ok)
			printf("       %s\n", err->text);
		fflush(stdout);
		cli->exit_status = ok ? cli->exit_status : EXIT_FAILED;
		lab_close(r);
	}
	return 0;
}

static int grade_allocator(const struct cli *cli, struct kms_error *err)
{
	const struct grade_limits limits = {.seconds = 60, .bytes = 1ull << 30};
	struct grade_policy g;
	int rc = grade_policy(&g, cli->args[1], &limits, err);

	if (!rc && cli->json)
		grade_policy_json(&g, stdout);
	else if (!rc)
		grade_policy_print(&g, stdout);
	return rc;
}

static int grade(struct cli *cli, const struct lab_options *o, struct kms_error *err)
{
	struct grade g;
	int rc;

	if (cli->nr_args != 2)
		return kms_fail(err, KMS_EUSAGE, "expected lab grade FILE");
	if (grade_is_policy(cli->args[1]))
		return grade_allocator(cli, err);
	rc = grade_file(&g, cli->args[1], o, err);
	if (!rc && cli->json)
		grade_json(&g, stdout);
	else if (!rc)
		grade_print(&g, stdout);
	grade_free(&g);
	return rc;
}

static int run_lab(struct cli *cli, struct kms_error *err)
{
	struct lab_options o;
	const struct lab *lab;
	int rc = lab_options_of(cli, &o, err);

	if (rc)
		return rc;
	if (!strcmp(cli->args[0], "grade"))
		return grade(cli, &o, err);
	if (cli->nr_args > 1)
		return kms_fail(err, KMS_EUSAGE, "found \"%s\" behind the lab's name, expected nothing", cli->args[1]);
	if (!strcmp(cli->args[0], "list"))
		return list(cli, &o, err);
	if (!strcmp(cli->args[0], "all"))
		return check_all(cli, &o, err);
	rc = lab_find(cli->args[0], &lab, err);
	return rc ? rc : carry_out(cli, lab, &o, err);
}

static const struct cli_option options[] = {
	{"db", 0, "FILE", "keep the lab's runs in this database [nowhere]"},
	{"seed", 0, "S", "other numbers than the book's, drawn with this seed"},
	{"answers", 0, NULL, "show the answers to the questions"},
	{"output", 'o', "DIR", "draw the lab's pictures into this folder"},
	{NULL, 0, NULL, NULL},
};

/* list, all, grade, then the labs */
static const char *action_name(size_t i)
{
	static const char *const words[] = {"list", "all", "grade"};

	if (i < KMS_ARRAY_SIZE(words))
		return words[i];
	for (size_t lab = 0; lab_table[lab]; lab++)
		if (lab == i - KMS_ARRAY_SIZE(words))
			return lab_table[lab]->name;
	return NULL;
}

const struct cli_verb cli_verb_lab = {
	.name = "lab",
	.args = "NAME | list | all | grade FILE",
	.summary = "teaching experiments: each one command, with its guide in docs/labs",
	.examples = "kmemsim lab list                           all of them\n"
		    "kmemsim lab scenarios                      128 KiB and 132 KiB from the page allocator\n"
		    "kmemsim lab scenarios --seed 7 --answers   other numbers, with the answers\n"
		    "kmemsim lab saw-tooth -o pictures          with its pictures\n"
		    "kmemsim lab all                            carry out every lab and check every number\n"
		    "kmemsim lab grade answers.json --json      mark an answer file\n"
		    "kmemsim lab grade mine.c                   mark an allocator against SLUB\n",
	.options = options,
	.min_args = 1,
	.max_args = 2,
	.run = run_lab,
	.action = action_name,
};
