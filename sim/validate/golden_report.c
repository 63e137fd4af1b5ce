/*
 * golden_report.c - what a golden file's replay gave, for people and programs.
 */
#include "sim/validate/golden.h"

#include "results/json.h"

static double percentage(u64 exact, u64 total)
{
	return total ? 100.0 * (double)exact / (double)total : 0;
}

static void print_run(const struct golden_run_report *run, FILE *out)
{
	if (run->skipped)
		fprintf(out, "  %-3s line %-7llu %-52s skipped\n", run->kind,
			(unsigned long long)run->line, run->what);
	else
		fprintf(out, "  %-3s line %-7llu %-52s %8llu of %8llu exact  %7.3f %%\n", run->kind,
			(unsigned long long)run->line, run->what, (unsigned long long)run->exact,
			(unsigned long long)run->total, percentage(run->exact, run->total));
}

void golden_print(const struct golden_report *report, FILE *out)
{
	static const char *const state[] = { "not recorded", "different", "equal" };

	fprintf(out, "%s\n", report->file);
	for (u32 i = 0; i < report->nr_runs; i++)
		print_run(&report->runs[i], out);
	fprintf(out, "  final state %s", state[report->final_state + 1]);
	if (report->state_differs)
		fprintf(out, ": %llu lists and fields", (unsigned long long)report->state_differs);
	fputc('\n', out);
	for (u32 i = 0; i < report->nr_notes; i++)
		fprintf(out, "    %s\n", report->notes[i]);
	if (report->more_notes)
		fprintf(out, "    and %llu more differences\n", (unsigned long long)report->more_notes);
	fprintf(out, "%s\n", report->ok ? "ok" : "DIFFERENT");
}

/* Tests of one kind count together, in the order in which kinds first occur. */
static void json_answers(const struct golden_report *report, struct json *j)
{
	json_open(j, "answers", '{');
	for (u32 i = 0; i < report->nr_runs; i++) {
		const char *kind = report->runs[i].kind;
		u64 total, exact, before = 0;

		for (u32 k = 0; k < i; k++)
			before += kind[0] == report->runs[k].kind[0] &&
				  kind[1] == report->runs[k].kind[1];
		if (before || report->runs[i].skipped)
			continue;
		golden_sum(report, kind, &total, &exact);
		json_open(j, kind, '{');
		json_uint(j, "total", total);
		json_uint(j, "exact", exact);
		json_close(j, '}');
	}
	json_close(j, '}');
}

void golden_json(const struct golden_report *report, FILE *out)
{
	struct json j;

	json_start(&j, out);
	json_open(&j, NULL, '{');
	json_text(&j, "file", report->file);
	json_answers(report, &j);
	if (report->final_state < 0)
		json_null(&j, "final_state_equal");
	else
		json_bool(&j, "final_state_equal", report->final_state);
	json_open(&j, "skipped", '[');
	for (u32 i = 0; i < report->nr_runs; i++)
		if (report->runs[i].skipped)
			json_text(&j, NULL, report->runs[i].kind);
	json_close(&j, ']');
	json_open(&j, "differences", '[');
	for (u32 i = 0; i < report->nr_notes; i++)
		json_text(&j, NULL, report->notes[i]);
	json_close(&j, ']');
	json_bool(&j, "ok", report->ok);
	json_close(&j, '}');
}
