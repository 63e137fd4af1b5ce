/*
 * compare.c - verb `compare`: runs side by side, run first where they are missing.
 *
 * In this order: read all arguments and rules, run what is missing, read the
 * figures back from the database, print, judge.
 */
#include "sim/cli/compare.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum format { AS_TABLE, AS_MARKDOWN, AS_CSV, AS_JSON };

static int parse_format(const struct cli *cli, enum format *format, struct kms_error *err)
{
	bool csv = cli_flag(cli, "csv"), markdown = cli_flag(cli, "markdown");

	if (csv + markdown + cli->json > 1)
		return kms_fail(err, KMS_EUSAGE, "expected one of --json, --csv and --markdown, found several");
	*format = cli->json ? AS_JSON : csv ? AS_CSV : markdown ? AS_MARKDOWN : AS_TABLE;
	return 0;
}

static int find_section(struct cmp *cmp, const char *name, struct kms_error *err)
{
	for (u32 i = 0; i < NR_COMPARE_SECTIONS; i++)
		if (!strcmp(name, compare_section_names[i])) {
			cmp->sections |= 1ull << i;
			return 0;
		}
	return cli_unknown(err, "section", name, compare_section_names, NR_COMPARE_SECTIONS);
}

static int parse_sections(struct cmp *cmp, struct kms_error *err)
{
	const char *const *values;
	size_t n;
	int rc = 0;

	values = cli_values(cmp->cli, "section", &n);
	for (size_t i = 0; i < n && !rc; i++) {
		char *list = strdup(values[i]), *save = NULL;

		if (!list)
			return kms_fail(err, KMS_EFAIL, "out of memory");
		for (char *name = strtok_r(list, ",", &save); name && !rc; name = strtok_r(NULL, ",", &save))
			rc = find_section(cmp, name, err);
		free(list);
	}
	if (!n)
		cmp->sections = ~0ull;
	return rc;
}

static int parse_top(struct cmp *cmp, struct kms_error *err)
{
	const char *text = cli_value(cmp->cli, "top", "5");
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || *text < '0' || *text > '9' || !value || value > 1000000)
		return kms_fail(err, KMS_EUSAGE, "--top %s: expected a number from 1 to 1000000", text);
	cmp->top = (u32)value;
	cmp->all = cli_flag(cmp->cli, "all");
	return 0;
}

/* ---- printing ---- */

/* 0: as wide as it gets. */
static int output_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col >= 20)
		return size.ws_col;
	return columns && atoi(columns) >= 20 ? atoi(columns) : 80;
}

static u32 most_runs(const struct cmp *cmp)
{
	u32 most = 0;

	for (u32 i = 0; i < cmp->nr_columns; i++)
		if (cmp->columns[i].ids.nr_runs > most)
			most = cmp->columns[i].ids.nr_runs;
	return most;
}

static int by_id(const void *a, const void *b)
{
	s64 x = *(const s64 *)a, y = *(const s64 *)b;

	return x < y ? -1 : x > y;
}

/* "run 4", "runs 3 to 7", "runs 1, 5, 9". */
static void print_run_list(const struct compare_column *ids, FILE *out)
{
	s64 *sorted = malloc(ids->nr_runs * sizeof(*sorted));
	u32 n = ids->nr_runs;

	if (!sorted)
		return;
	memcpy(sorted, ids->runs, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_id);
	fprintf(out, n > 1 ? "runs " : "run ");
	if (n > 2 && sorted[n - 1] - sorted[0] == n - 1)
		fprintf(out, "%lld to %lld", (long long)sorted[0], (long long)sorted[n - 1]);
	else
		for (u32 i = 0; i < n; i++)
			fprintf(out, "%s%lld", i ? ", " : "", (long long)sorted[i]);
	free(sorted);
}

static int print_head(struct cmp *cmp, FILE *out, struct kms_error *err)
{
	char safe[200];
	int rc;

	for (u32 i = 0; i < cmp->nr_columns; i++) {
		const struct cmp_column *c = &cmp->columns[i];

		if (strcmp(c->shown, c->label))
			fprintf(out, "%s: ", c->shown);
		fprintf(out, "%s (", cli_safe(safe, sizeof(safe), c->label));
		print_run_list(&c->ids, out);
		fputs(")\n", out);
	}
	fputs("The configurations differ in\n", out);
	rc = cmp_print_differences(cmp, out, "  ", err);
	fputc('\n', out);
	return rc;
}

static void print_legend(const struct cmp *cmp, FILE *out)
{
	u32 runs = most_runs(cmp);

	fputs("\n* best; differences are from the first column (pp: percentage points).", out);
	if (!cmp->all)
		fprintf(out, "\nOperations and locks beyond the first %u and rare paths are left out (--all).",
			cmp->top);
	if (runs == 1)
		fputs("\nOne seed: exact for these runs, but it says nothing about chance; --seeds 5 does.",
		      out);
	if (runs > 1)
		fprintf(out,
			"\nMeans of %u seeds, ± their 95 %% confidence interval; ~ where the intervals\n"
			"overlap, so that chance may explain the difference.",
			runs);
	if (runs > 1 && runs < 5)
		fputs("\nWith fewer than 5 seeds the intervals are too narrow for 95 %.", out);
	fputc('\n', out);
}

static int print_people(struct cmp *cmp, enum format format, struct kms_error *err)
{
	int rc = 0;

	if (format == AS_MARKDOWN) {
		cmp_print_table(cmp, CMP_MARKDOWN, 0, stdout);
	} else {
		rc = print_head(cmp, stdout, err);
		cmp_print_table(cmp, CMP_TERMINAL, output_width(), stdout);
		print_legend(cmp, stdout);
	}
	fputc('\n', stdout);
	cmp_print_words(cmp, format == AS_MARKDOWN ? 0 : output_width(), stdout);
	return rc;
}

static int print(struct cmp *cmp, enum format format, struct kms_error *err)
{
	switch (format) {
	case AS_JSON:
		cmp_print_json(cmp, stdout);
		return 0;
	case AS_CSV:
		cmp_print_csv(cmp, stdout);
		return 0;
	default:
		return print_people(cmp, format, err);
	}
}

/* ---- the verb ---- */

static int run_all(struct cmp *cmp, struct kms_error *err)
{
	int rc;

	if (!cmp->has_configs)
		return 0;
	rc = store_open(&cmp->store, cli_db(cmp->cli), STORE_WRITE, err);
	if (rc)
		return rc;
	rc = cmp_find_stored(cmp, err);
	store_close(cmp->store, NULL); /* SQLite must not go through fork() */
	cmp->store = NULL;
	return rc ? rc : cmp_run_missing(cmp, err);
}

static int compare_stored(struct cmp *cmp, enum format format, struct kms_error *err)
{
	u32 failed = 0;
	int rc = cmp_find_runs(cmp, err);

	if (!rc) {
		struct compare_column *columns = calloc(cmp->nr_columns, sizeof(*columns));

		if (!columns)
			return kms_fail(err, KMS_EFAIL, "out of memory");
		for (u32 i = 0; i < cmp->nr_columns; i++)
			columns[i] = cmp->columns[i].ids;
		rc = compare_columns(&cmp->c, cmp->store, columns, cmp->nr_columns, err);
		free(columns);
	}
	cmp_name_columns(cmp);
	if (!rc)
		rc = print(cmp, format, err);
	fflush(stdout);
	if (!rc)
		rc = cmp_judge_rules(cmp, stderr, &failed, err);
	if (!rc && failed)
		cmp->cli->exit_status = EXIT_BEYOND;
	comparison_free(&cmp->c);
	return rc;
}

static int find_divergence(struct cmp *cmp, struct kms_error *err)
{
	int rc = cmp_find_runs(cmp, err);

	cmp_name_columns(cmp);
	return rc ? rc : cmp_diverge(cmp, err);
}

static int run_compare(struct cli *cli, struct kms_error *err)
{
	struct cmp cmp = {.cli = cli};
	enum format format = AS_TABLE;
	int rc;

	rc = parse_format(cli, &format, err);
	if (!rc)
		rc = parse_sections(&cmp, err);
	if (!rc)
		rc = parse_top(&cmp, err);
	if (!rc)
		rc = cmp_check_rules(cli, err);
	if (!rc)
		rc = cmp_load_columns(&cmp, err);
	if (!rc && cli_flag(cli, "diverge"))
		rc = cmp_check_diverge(&cmp, err);
	if (!rc)
		rc = run_all(&cmp, err);
	if (!rc)
		rc = store_open(&cmp.store, cli_db(cli), STORE_READ, err);
	if (!rc)
		rc = cli_flag(cli, "diverge") ? find_divergence(&cmp, err)
					      : compare_stored(&cmp, format, err);
	store_close(cmp.store, NULL);
	cmp_free_columns(&cmp);
	return rc;
}

static const struct cli_option options[] = {
	CLI_OPTION_DB,
	{"vary", 0, "PATH=VALUE,...",
	 "a column for each value; may be repeated: a column for each combination"},
	{"set", 0, "PATH=VALUE", "override one value in all columns; may be repeated"},
	{"timing", 0, "MODE", "cycle or functional: the same as --set timing=MODE"},
	CLI_OPTION_KEEP_RECLAIM,
	{"seeds", 0, "N", "run each column on N seeds and show means with confidence intervals [1]"},
	{"jobs", 'j', "N", "runs at a time [as many as there are processors]"},
	{"again", 0, NULL, "run everything, also what is stored already"},
	{"fail-on", 0, "RULE", "exit with 3 if a column breaks it: latency_p99>+5%; may be repeated"},
	{"section", 's', "NAME,...",
	 "only these: work, latency, paths, memory, waste, contention, sharing, hardware, other [all]"},
	{"top", 0, "N", "operations and locks to show [5]"},
	{"all", 0, NULL, "every figure in the table; JSON and CSV always have all"},
	{"csv", 0, NULL, "a line for each figure and column"},
	{"markdown", 0, NULL, "tables in Markdown"},
	{"diverge", 0, NULL, "where two runs first part: waste, and answers to requests"},
	{"threshold", 0, "PERCENT", "with --diverge: difference in waste that counts, of held bytes [1]"},
	{NULL, 0, NULL, NULL},
};

const struct cli_verb cli_verb_compare = {
	.name = "compare",
	.args = "RUN|CONFIG...",
	.summary = "compare runs, or allocators and settings on the same work",
	.examples = "kmemsim compare why-slabs-slub why-slabs-noslab                 stored runs\n"
		    "kmemsim compare configs/experiments/slub-smp4.json --vary allocator.slab=slub,noslab\n"
		    "kmemsim compare configs/experiments/synthetic.json --seeds 5 --vary "
		    "allocator.slub_max_order=1,3\n"
		    "kmemsim compare main mine --fail-on 'latency.kmalloc.p99>+5%'   for CI: exit status 3\n"
		    "kmemsim compare --diverge why-slabs-slub why-slabs-noslab       where they part\n",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.run = run_compare,
};
