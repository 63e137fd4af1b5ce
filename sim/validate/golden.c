/*
 * golden.c - a golden file from its path to a report; see golden.h.
 */
#include "sim/validate/golden.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim/validate/golden_internal.h"

#define MOST_CPUS 32u

/* ---- answers ---- */

bool golden_next_answer(struct golden_replay *r, u64 *answer)
{
	if (r->next < r->test->nr_answers) {
		*answer = r->test->answers[r->next++];
		return true;
	}
	r->rc = kms_fail(r->err, KMS_EUSAGE,
			 "%s:%llu: the test of line %llu ends after %llu answers, its steps ask for more",
			 r->file->path, (unsigned long long)(r->test->line + r->next + 1),
			 (unsigned long long)r->test->line, (unsigned long long)r->next);
	return false;
}

static void note(struct golden_report *report, const char *fmt, va_list ap)
{
	if (report->nr_notes == GOLDEN_MAX_NOTES) {
		report->more_notes++;
		return;
	}
	vsnprintf(report->notes[report->nr_notes++], GOLDEN_NOTE_BYTES, fmt, ap);
}

void golden_note(struct golden_report *report, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(report, fmt, ap);
	va_end(ap);
}

void golden_judge(struct golden_replay *r, bool exact, const char *fmt, ...)
{
	char text[GOLDEN_NOTE_BYTES - 40];
	va_list ap;

	r->run->total++;
	r->run->exact += exact;
	if (exact)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	golden_note(r->report, "line %llu: %s", (unsigned long long)(r->test->line + r->next), text);
}

void golden_sum(const struct golden_report *report, const char *kind, u64 *total, u64 *exact)
{
	*total = *exact = 0;
	for (u32 i = 0; i < report->nr_runs; i++) {
		if (kind && strcmp(report->runs[i].kind, kind))
			continue;
		*total += report->runs[i].total;
		*exact += report->runs[i].exact;
	}
}

/* ---- which allocator ---- */

/*
 * The files do not say whether SLUB or SLAB served the S tests. A fresh slab
 * gives itself away: SLUB hands its objects out upwards, SLAB, from the end of
 * a refilled array, downwards.
 */
static bool looks_like_slab(const struct golden_file *f)
{
	u64 up = 0, down = 0;

	for (u32 i = 0; i < f->nr_tests; i++) {
		const struct golden_test *t = &f->tests[i];

		if (t->kind != GOLDEN_S || t->nr_params != 7)
			continue;
		for (u64 k = 1; k < t->nr_answers; k++) {
			up += t->answers[k] == t->answers[k - 1] + t->params[6];
			down += t->answers[k] == t->answers[k - 1] - t->params[6];
		}
	}
	return down > up;
}

/* ---- tests ---- */

static void describe(const struct golden_test *t, struct golden_run_report *run)
{
	static const char *const kinds[] = { "R", "R2", "S", "K" };
	const u64 *p = t->params;
	char *what = run->what;

	snprintf(run->kind, sizeof(run->kind), "%s", kinds[t->kind]);
	run->line = t->line;
	if (t->kind == GOLDEN_S && t->nr_params == 5)
		snprintf(what, sizeof(run->what), "%llu-byte objects, %llu CPU%s, shuffled free lists",
			 (unsigned long long)p[0], (unsigned long long)p[1], p[1] == 1 ? "" : "s");
	else if (t->kind == GOLDEN_S)
		snprintf(what, sizeof(run->what), "%llu-byte objects%s%s", (unsigned long long)p[0],
			 p[4] ? ", bulk" : "", p[5] ? ", shrink" : "");
	else if (t->kind == GOLDEN_K)
		snprintf(what, sizeof(run->what), "%s", run->skipped ? "kmalloc mix, from a state that was not recorded" : "kmalloc mix");
	else
		snprintf(what, sizeof(run->what), "page blocks%s",
			 t->nr_params == 5 && p[4] ? ", mostly unmovable" : "");
}

static int replay_test(struct golden_file *f, const struct golden_test *t,
		       struct golden_report *report, u32 nr_cpus, struct kms_error *err)
{
	struct golden_run_report *run = &report->runs[report->nr_runs++];
	struct golden_replay r = { .file = f, .test = t, .report = report, .run = run, .err = err };
	int rc;

	*run = (struct golden_run_report){ .skipped = t->kind == GOLDEN_K && !f->slob };
	describe(t, run);
	if (run->skipped)
		return 0;
	rc = t->kind == GOLDEN_S || t->kind == GOLDEN_K ? golden_replay_slub(&r, nr_cpus) : golden_replay_pages(&r, f);
	if (!rc && r.next < t->nr_answers)
		rc = kms_fail(err, KMS_EUSAGE,
			      "%s:%llu: the test of line %llu has %llu answers, its steps ask for %llu",
			      f->path, (unsigned long long)(t->line + r.next + 1),
			      (unsigned long long)t->line, (unsigned long long)t->nr_answers,
			      (unsigned long long)r.next);
	return rc;
}

/* The machine had at least the CPUs that its tests ran on. */
static u32 least_cpus(const struct golden_file *f)
{
	u64 cpus = 1;

	for (u32 i = 0; i < f->nr_tests; i++)
		if (f->tests[i].kind == GOLDEN_S && f->tests[i].nr_params == 5 &&
		    f->tests[i].params[1] > cpus)
			cpus = f->tests[i].params[1];
	return cpus < 256 ? (u32)cpus : 256;
}

static int replay_all(struct golden_file *f, u32 nr_cpus, struct golden_report *report,
		      struct kms_error *err)
{
	u64 total, exact;
	int rc = 0;

	*report = (struct golden_report){ .final_state = -1 };
	snprintf(report->file, sizeof(report->file), "%s", f->path);
	for (u32 i = 0; i < f->nr_tests && !rc; i++)
		rc = replay_test(f, &f->tests[i], report, nr_cpus, err);
	golden_sum(report, NULL, &total, &exact);
	report->ok = !rc && total && exact == total && report->final_state != 0;
	return rc;
}

static bool slabs_differ(const struct golden_report *report)
{
	u64 total, exact;

	golden_sum(report, "S", &total, &exact);
	return exact < total;
}

/*
 * How many CPUs the machine had is not recorded, and the order of SLUB's slabs
 * depends on it: if the S tests differ, larger machines are tried, and the
 * first that gives the recorded answers is taken.
 */
static int replay_on_larger(struct golden_file *f, u32 nr_cpus, struct golden_report *report,
			    struct kms_error *err)
{
	struct golden_report *other = malloc(sizeof(*other));
	int rc = other ? 0 : kms_fail(err, KMS_EFAIL, "no host memory for a report");

	while (!rc && slabs_differ(report) && (nr_cpus *= 2) <= MOST_CPUS) {
		rc = replay_all(f, nr_cpus, other, err);
		if (!rc && !slabs_differ(other))
			*report = *other;
	}
	free(other);
	return rc;
}

int golden_validate(const char *path, struct golden_report *report, struct kms_error *err)
{
	struct golden_file f;
	int rc = golden_parse(path, &f, err);

	f.slab = !rc && !f.slob && looks_like_slab(&f);
	if (!rc)
		rc = replay_all(&f, least_cpus(&f), report, err);
	if (!rc && slabs_differ(report))
		rc = replay_on_larger(&f, least_cpus(&f), report, err);
	golden_file_free(&f);
	return rc;
}
