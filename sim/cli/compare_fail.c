/*
 * compare_fail.c - --fail-on: what must not become worse than the baseline.
 *
 * A rule is FIGURE > or < LIMIT. The limit is a number in the figure's unit
 * (or with one: 1.5us, 64MiB), or relative to the baseline: +5%, -10%. Rules
 * are read before anything runs.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/mm/mm.h"
#include "models/rt/rt.h"
#include "sim/cli/compare.h"
#include "workloads/request.h"

struct rule {
	const char *text;
	char name[112];
	bool above; /* > */
	bool relative;
	bool percent; /* an absolute share */
	const char *unit; /* "ns", "bytes", NULL: the figure's own */
	double limit;
};

static const struct {
	const char *name, *unit;
	double factor;
} units[] = {
	{"ns", "ns", 1},	       {"us", "ns", 1e3},	  {"ms", "ns", 1e6},
	{"s", "ns", 1e9},	       {"B", "bytes", 1},	  {"KiB", "bytes", 1024},
	{"MiB", "bytes", 1048576},     {"GiB", "bytes", 1073741824.0},
};

static int bad_rule(struct kms_error *err, const char *text, const char *what)
{
	return kms_fail(err, KMS_EUSAGE,
			"--fail-on \"%.100s\": %s; expected FIGURE>LIMIT or FIGURE<LIMIT, where LIMIT is "
			"+5%% (of the baseline) or a number, as in latency.kmalloc.p99>+5%%",
			text, what);
}

static const char *skip_space(const char *p)
{
	while (isspace((u8)*p))
		p++;
	return p;
}

/* What stands behind the number. */
static int parse_unit(struct rule *r, const char *unit, bool sign, struct kms_error *err)
{
	char word[16];
	size_t n;

	unit = skip_space(unit);
	for (n = strlen(unit); n && isspace((u8)unit[n - 1]); n--)
		;
	snprintf(word, sizeof(word), "%.*s", n < sizeof(word) ? (int)n : 15, unit);
	r->relative = sign && !strcmp(word, "%");
	r->percent = !sign && !strcmp(word, "%");
	if (r->relative || r->percent || !*word) {
		if (!r->relative && sign)
			return bad_rule(err, r->text, "a limit with a sign is relative and ends in %");
		return 0;
	}
	for (size_t i = 0; i < KMS_ARRAY_SIZE(units); i++)
		if (!strcmp(units[i].name, word)) {
			r->unit = units[i].unit;
			r->limit *= units[i].factor;
			return 0;
		}
	return bad_rule(err, r->text, "unknown unit (there are ns, us, ms, s, B, KiB, MiB, GiB and %)");
}

static int parse_rule(struct rule *r, const char *text, struct kms_error *err)
{
	const char *start = skip_space(text), *op = strpbrk(start, "<>"), *number;
	size_t n = op ? (size_t)(op - start) : 0;
	char *end;

	*r = (struct rule){.text = text};
	while (n && isspace((u8)start[n - 1]))
		n--;
	if (!n)
		return bad_rule(err, text, op ? "no figure before the sign" : "found neither > nor <");
	if (n >= sizeof(r->name))
		return bad_rule(err, text, "the figure's name is too long");
	snprintf(r->name, sizeof(r->name), "%.*s", (int)n, start);
	r->above = *op == '>';
	number = skip_space(op + 1);
	if (*number == '=')
		return bad_rule(err, text, "found >= or <=");
	r->limit = strtod(number, &end);
	if (end == number || !isfinite(r->limit))
		return bad_rule(err, text, "no number after the sign");
	return parse_unit(r, end, *number == '+' || *number == '-', err);
}

/* ---- names that can be ---- */

struct names {
	char **all;
	size_t n;
};

static void add_name(struct names *names, const char *fmt, const char *a, const char *b, const char *c)
{
	char **more = realloc(names->all, (names->n + 1) * sizeof(char *));

	if (!more)
		return;
	names->all = more;
	if (asprintf(&more[names->n], fmt, a, b, c) >= 0)
		names->n++;
}

static void add_latencies(struct names *names, const char *operation)
{
	static const char *const statistics[] = {"mean", "p50", "p99", "p99.9"};

	for (size_t s = 0; s < KMS_ARRAY_SIZE(statistics); s++)
		add_name(names, "latency.%s.%s%s", operation, statistics[s], "");
	for (u32 path = 0; path < NR_MM_PATHS; path++) {
		add_name(names, "latency.%s.%s.%s", operation, rt_path_names[path], "share");
		for (size_t s = 0; s < KMS_ARRAY_SIZE(statistics); s++)
			add_name(names, "latency.%s.%s.%s", operation, rt_path_names[path], statistics[s]);
	}
}

static void all_names(struct names *names)
{
	static const char *const states[] = {"requested",  "rounding",     "slab_tail",
					     "page_order", "free_partial", "cpu_cached"};

	for (u32 i = 0; i < NR_METRICS; i++)
		add_name(names, "%s%s%s", metric_defs[i].name, "", "");
	for (u32 i = 0; i < NR_REQUESTS; i++)
		add_latencies(names, kms_request_names[i]);
	add_latencies(names, "touch");
	add_latencies(names, "vmstat");
	for (size_t i = 0; i < KMS_ARRAY_SIZE(states); i++)
		add_name(names, "peak.%s%s%s", states[i], "", "");
	for (u32 i = 0; i < rt_nr_locks; i++) {
		add_name(names, "lock.%s.%s%s", rt_lock_names[i], "acquired", "");
		add_name(names, "lock.%s.%s%s", rt_lock_names[i], "contended", "");
		add_name(names, "lock.%s.%s%s", rt_lock_names[i], "wait", "");
	}
}

static void free_names(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->all[i]);
	free(names->all);
}

/* Fields are those that the runs will meet: field.zone:lock.false. */
static bool is_field(const char *name)
{
	const char *end = strrchr(name, '.');

	return !strncmp(name, "field.", 6) && strchr(name, ':') &&
	       (!strcmp(end, ".conflicts") || !strcmp(end, ".false"));
}

static int check_name(const struct names *names, const struct rule *r, struct kms_error *err)
{
	const char *nearest;

	if (is_field(r->name))
		return 0;
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->all[i], r->name))
			return 0;
	nearest = kms_nearest(r->name, (const char *const *)names->all, names->n);
	return kms_fail(err, KMS_EUSAGE, "--fail-on \"%.100s\": unknown figure \"%s\"%s%s%s", r->text, r->name,
			nearest ? "; did you mean \"" : "", nearest ? nearest : "",
			nearest ? "\"?"
				: "; expected a metric (docs/metrics.md) or "
				  "latency.OPERATION[.PATH].mean|p50|p99|p99.9");
}

int cmp_check_rules(const struct cli *cli, struct kms_error *err)
{
	struct names names = {0};
	const char *const *texts;
	struct rule r;
	size_t n;
	int rc = 0;

	texts = cli_values(cli, "fail-on", &n);
	if (n)
		all_names(&names);
	for (size_t i = 0; i < n && !rc; i++) {
		rc = parse_rule(&r, texts[i], err);
		if (!rc)
			rc = check_name(&names, &r, err);
	}
	free_names(&names);
	return rc;
}

/* ---- judging ---- */

static int check_unit(const struct rule *r, const struct compare_figure *f, struct kms_error *err)
{
	if (r->unit && strcmp(r->unit, f->unit))
		return kms_fail(err, KMS_EUSAGE, "--fail-on \"%.100s\": %s is measured in %s", r->text, f->name,
				f->unit);
	if (r->percent && strcmp(f->unit, "ratio"))
		return kms_fail(err, KMS_EUSAGE,
				"--fail-on \"%.100s\": %s is measured in %s; a limit relative to the "
				"baseline has a sign, +5%% or -5%%",
				r->text, f->name, f->unit);
	return 0;
}

/* Relative limits count only where the seeds do not explain the difference. */
static bool broken(const struct rule *r, const struct compare_row *row, u32 column)
{
	double value = row->cells[column].interval.mean, limit = r->percent ? r->limit / 100 : r->limit;

	if (r->relative) {
		const struct interval *base = &row->cells[0].interval;

		if (!compare_parts(row, column))
			return false;
		limit = base->mean + fabs(base->mean) * r->limit / 100;
	}
	return r->above ? value > limit : value < limit;
}

static void say_broken(const struct cmp *cmp, const struct rule *r, const struct compare_row *row, u32 k,
		       FILE *out)
{
	char value[64], base[64], difference[64], label[200], text[400];

	cmp_value(value, sizeof(value), &row->figure, row->cells[k].interval.mean);
	cmp_value(base, sizeof(base), &row->figure, row->cells[0].interval.mean);
	cmp_difference(difference, sizeof(difference), row, k);
	fprintf(out, "failed %s: %s has %s, the baseline %s (%s)\n", cli_safe(text, sizeof(text), r->text),
		cli_safe(label, sizeof(label), cmp->columns[k].label), value, base, difference);
}

/* A figure that both sides lack was not measured: a rule about it can say nothing. */
static int judge_rule(const struct cmp *cmp, const struct rule *r, FILE *out, u32 *failed,
		      struct kms_error *err)
{
	const struct compare_row *row = comparison_find(&cmp->c, r->name);
	int rc;

	for (u32 k = 0; k < cmp->c.nr_columns; k++)
		if (!row || !row->cells[k].interval.n)
			return kms_fail(err, KMS_EUSAGE,
					"--fail-on \"%.100s\": %s was not measured in column \"%s\" "
					"(latencies need cycle timing; no request may have gone this way)",
					r->text, r->name, cmp->columns[k].label);
	rc = check_unit(r, &row->figure, err);
	for (u32 k = 1; k < cmp->c.nr_columns && !rc; k++)
		if (broken(r, row, k)) {
			say_broken(cmp, r, row, k, out);
			(*failed)++;
		}
	return rc;
}

int cmp_judge_rules(const struct cmp *cmp, FILE *out, u32 *failed, struct kms_error *err)
{
	const char *const *texts;
	struct rule r;
	size_t n;
	int rc = 0;

	*failed = 0;
	texts = cli_values(cmp->cli, "fail-on", &n);
	for (size_t i = 0; i < n && !rc; i++) {
		rc = parse_rule(&r, texts[i], err);
		if (!rc)
			rc = judge_rule(cmp, &r, out, failed, err);
	}
	return rc;
}
