/*
 * output.c - what a lab says: paragraphs, tables, figures, checks, pictures;
 * kept until it is done, then printed for people or programs.
 */
#include "sim/labs/internal.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "plots/plot.h"
#include "results/json.h"
#include "sim/cli/cli.h"

/* ---- keeping ---- */

/* Room for one more; NULL: out of memory, the lab fails. */
static void *one_more(struct lab_run *r, void *list, u32 n, size_t bytes)
{
	void *more = n & (n - 1) ? list : realloc(list, (n ? 2 * (size_t)n : 1) * bytes);

	if (!more)
		lab_fail(r, "out of memory");
	return more;
}

void lab_fail(struct lab_run *r, const char *fmt, ...)
{
	va_list args;

	if (*r->failed)
		return;
	va_start(args, fmt);
	vsnprintf(r->failed, sizeof(r->failed), fmt, args);
	va_end(args);
}

const struct lab_figure *lab_find_figure(const struct lab_figure *list, u32 n, const char *name)
{
	for (u32 i = 0; i < n; i++)
		if (!strcmp(list[i].name, name))
			return &list[i];
	return NULL;
}

static struct lab_item *new_item(struct lab_run *r, enum lab_item_kind kind)
{
	struct lab_item *items = one_more(r, r->items, r->nr_items, sizeof(*items));

	if (!items)
		return NULL;
	r->items = items;
	items[r->nr_items] = (struct lab_item){.kind = kind};
	return &items[r->nr_items++];
}

void lab_say(struct lab_run *r, const char *fmt, ...)
{
	struct lab_item *item = new_item(r, LAB_TEXT);
	va_list args;

	va_start(args, fmt);
	if (item && vasprintf(&item->text, fmt, args) < 0)
		item->text = NULL;
	va_end(args);
}

static void add_cells(struct lab_run *r, struct lab_item *item, const char *const *cells)
{
	for (u32 i = 0; i < item->columns; i++) {
		char **more = one_more(r, item->cells, item->nr_cells, sizeof(*more));

		if (!more)
			return;
		item->cells = more;
		more[item->nr_cells] = strdup(cells[i]);
		if (!more[item->nr_cells++])
			lab_fail(r, "out of memory");
	}
}

void lab_table_begin(struct lab_run *r, const char *key, const char *const *headings, u32 columns)
{
	struct lab_item *item = new_item(r, LAB_TABLE);

	if (!item)
		return;
	item->columns = columns;
	snprintf(item->key, sizeof(item->key), "%s", key);
	add_cells(r, item, headings);
}

void lab_table_row(struct lab_run *r, const char *const *cells)
{
	if (!*r->failed && r->nr_items)
		add_cells(r, &r->items[r->nr_items - 1], cells);
}

void lab_table_end(struct lab_run *r)
{
	(void)r;
}

void lab_value(struct lab_run *r, const char *name, const char *unit, double value)
{
	struct lab_figure *more = one_more(r, r->values, r->nr_values, sizeof(*more));

	if (!more)
		return;
	r->values = more;
	more += r->nr_values++;
	snprintf(more->name, sizeof(more->name), "%s", name);
	snprintf(more->unit, sizeof(more->unit), "%s", unit);
	more->value = value;
}

static struct lab_checked *new_check(struct lab_run *r, bool holds)
{
	struct lab_checked *more = one_more(r, r->checks, r->nr_checks, sizeof(*more));

	if (!more)
		return NULL;
	r->checks = more;
	more[r->nr_checks] = (struct lab_checked){.holds = holds};
	return &more[r->nr_checks++];
}

void lab_check(struct lab_run *r, const char *what, double found, double expected)
{
	struct lab_checked *check = new_check(r, found == expected);

	if (!check)
		return;
	snprintf(check->what, sizeof(check->what), "%s", what);
	check->found = found;
	check->expected = expected;
	check->compares = true;
}

void lab_check_book(struct lab_run *r, const char *what, double found, double expected)
{
	if (lab_is_book(r))
		lab_check(r, what, found, expected);
}

void lab_check_that(struct lab_run *r, bool holds, const char *fmt, ...)
{
	struct lab_checked *check = new_check(r, holds);
	va_list args;

	va_start(args, fmt);
	if (check)
		vsnprintf(check->what, sizeof(check->what), fmt, args);
	va_end(args);
}

bool lab_ok(const struct lab_run *r)
{
	for (u32 i = 0; i < r->nr_checks; i++)
		if (!r->checks[i].holds)
			return false;
	return r->done;
}

void lab_output_free(struct lab_run *r)
{
	for (u32 i = 0; i < r->nr_items; i++) {
		for (u32 c = 0; c < r->items[i].nr_cells; c++)
			free(r->items[i].cells[c]);
		free(r->items[i].cells);
		free(r->items[i].text);
	}
	free(r->items);
	free(r->values);
	free(r->checks);
	free(r->pictures);
}

/* ---- pictures ---- */

int lab_picture(struct lab_run *r, const char *name, const char *title, const char *data,
		const char *commands, struct kms_error *err)
{
	char file[LAB_NAME + 96], *more = NULL;
	int rc;

	if (!r->options.dir)
		return 0;
	snprintf(file, sizeof(file), "%s-%s", r->lab->name, name);
	rc = plot_custom(r->options.dir, file, title, data, commands, err);
	if (rc)
		return rc;
	if (asprintf(&more, "%s%s/%s.svg\n", r->pictures ? r->pictures : "", r->options.dir, file) < 0)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	free(r->pictures);
	r->pictures = more;
	return 0;
}

/* ---- for people ---- */

char *lab_number(char *buf, size_t n, double value)
{
	if (value != floor(value) || fabs(value) > 1e15)
		snprintf(buf, n, "%.4g", value);
	else if (value < 0)
		snprintf(buf, n, "%.0f", value);
	else
		cli_count(buf, n, (u64)value);
	return buf;
}

static void print_table(const struct lab_item *item, FILE *out)
{
	struct cli_table *t = cli_table_new((const char *const *)item->cells, (int)item->columns);

	for (u32 at = item->columns; at + item->columns <= item->nr_cells; at += item->columns)
		cli_table_row(t, (const char *const *)item->cells + at);
	cli_table_print(t, out);
}

static void print_checks(const struct lab_run *r, FILE *out)
{
	char found[32], expected[32];
	u32 held = 0;

	for (u32 i = 0; i < r->nr_checks; i++) {
		const struct lab_checked *c = &r->checks[i];

		held += c->holds;
		if (c->holds)
			continue;
		fprintf(out, "does not hold: %s", c->what);
		if (c->compares)
			fprintf(out, ": found %s, expected %s", lab_number(found, sizeof(found), c->found),
				lab_number(expected, sizeof(expected), c->expected));
		fputc('\n', out);
	}
	fprintf(out, "%u of %u checks hold\n", held, r->nr_checks);
}

static void print_questions(const struct lab_run *r, bool answers, FILE *out)
{
	const struct lab_question *q = r->config.questions.items;
	double answer;
	char number[32];

	if (r->config.questions.n)
		fprintf(out, "\nQuestions%s\n", answers ? "" : " (--answers shows the answers)");
	for (size_t i = 0; i < r->config.questions.n; i++, q++) {
		char *ask = lab_fill_in(r, q->ask), *why = lab_fill_in(r, q->why);

		fprintf(out, "  %s. %s\n", q->id, ask ? ask : q->ask);
		if (answers && lab_answer(r, q, &answer))
			fprintf(out, "     Answer: %s%s%s. %s\n", lab_number(number, sizeof(number), answer),
				*q->unit ? " " : "", q->unit, why ? why : q->why);
		free(ask);
		free(why);
	}
}

void lab_print(const struct lab_run *r, bool answers, FILE *out)
{
	fprintf(out, "%s\n%s\n", r->config.title, r->config.goal);
	for (u32 i = 0; i < r->nr_items; i++) {
		fputc('\n', out);
		if (r->items[i].kind == LAB_TABLE)
			print_table(&r->items[i], out);
		else
			fprintf(out, "%s\n", r->items[i].text ? r->items[i].text : "");
	}
	fputc('\n', out);
	print_checks(r, out);
	if (r->pictures)
		fprintf(out, "\nPictures:\n%s", r->pictures);
	print_questions(r, answers, out);
	fprintf(out, "\nGuide: %s\n", r->guide);
}

/* ---- for programs ---- */

static void json_figures(struct json *j, const char *key, const struct lab_figure *list, u32 n)
{
	json_open(j, key, '{');
	for (u32 i = 0; i < n; i++)
		json_double(j, list[i].name, list[i].value);
	json_close(j, '}');
}

static void json_table(struct json *j, const struct lab_item *item)
{
	json_open(j, item->key, '[');
	for (u32 at = item->columns; at + item->columns <= item->nr_cells; at += item->columns) {
		json_open(j, NULL, '{');
		for (u32 c = 0; c < item->columns; c++)
			json_text(j, item->cells[c], item->cells[at + c]);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void json_checks(struct json *j, const struct lab_run *r)
{
	json_open(j, "checks", '[');
	for (u32 i = 0; i < r->nr_checks; i++) {
		json_open(j, NULL, '{');
		json_text(j, "what", r->checks[i].what);
		json_bool(j, "holds", r->checks[i].holds);
		if (r->checks[i].compares) {
			json_double(j, "found", r->checks[i].found);
			json_double(j, "expected", r->checks[i].expected);
		}
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void json_questions(struct json *j, const struct lab_run *r, bool answers)
{
	const struct lab_question *q = r->config.questions.items;
	double answer;

	json_open(j, "questions", '[');
	for (size_t i = 0; i < r->config.questions.n; i++, q++) {
		char *ask = lab_fill_in(r, q->ask);

		json_open(j, NULL, '{');
		json_text(j, "id", q->id);
		json_text(j, "ask", ask ? ask : q->ask);
		json_text(j, "unit", q->unit);
		if (answers && lab_answer(r, q, &answer))
			json_double(j, "answer", answer);
		json_close(j, '}');
		free(ask);
	}
	json_close(j, ']');
}

void lab_json(const struct lab_run *r, bool answers, FILE *out)
{
	struct json j;

	json_start(&j, out);
	json_open(&j, NULL, '{');
	json_text(&j, "lab", r->lab->name);
	json_text(&j, "title", r->config.title);
	if (r->options.seeded)
		json_uint(&j, "seed", r->options.seed);
	json_figures(&j, "parameters", r->params, r->nr_params);
	if (answers)
		json_figures(&j, "values", r->values, r->nr_values);
	json_open(&j, "tables", '{');
	for (u32 i = 0; i < r->nr_items; i++)
		if (r->items[i].kind == LAB_TABLE)
			json_table(&j, &r->items[i]);
	json_close(&j, '}');
	json_checks(&j, r);
	json_questions(&j, r, answers);
	json_bool(&j, "ok", lab_ok(r));
	json_close(&j, '}');
}
