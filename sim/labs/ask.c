/*
 * ask.c - a lab's questions: their text with this run's numbers in it, and
 * whether an answer is right.
 */
#include "sim/labs/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define F(member) .key = #member, .offset = offsetof(struct lab_question, member)
static const struct cfg_field fields[] = {
	{F(id), .type = CFG_STRING, .doc = "Short name, by which answer files refer to it."},
	{F(ask), .type = CFG_STRING, .doc = "The question; {name} stands for a parameter or figure."},
	{F(answer), .type = CFG_STRING, .doc = "Name of the figure that answers it."},
	{F(unit), .type = CFG_STRING, .def = "\"\"", .doc = "Unit of the answer."},
	{F(tolerance), .type = CFG_DOUBLE, .def = "0", .max = 1, .doc = "Relative error that still counts as right."},
	{F(why), .type = CFG_STRING, .def = "\"\"", .doc = "Why this is the answer; shown with it."},
};
#undef F

const struct cfg_table lab_question_table = {
	.name = "question", .doc = "One question with a number as its answer.", .fields = fields,
	.nr_fields = KMS_ARRAY_SIZE(fields), .size = sizeof(struct lab_question),
};

static const struct lab_figure *figure(const struct lab_run *r, const char *name)
{
	const struct lab_figure *f = lab_find_figure(r->params, r->nr_params, name);

	return f ? f : lab_find_figure(r->values, r->nr_values, name);
}

/* Length of "{name}" at text, 0 if it is none that is known. */
static size_t replaced(const struct lab_run *r, const char *text, FILE *out)
{
	char name[LAB_NAME], number[32];
	const char *end = *text == '{' ? strchr(text, '}') : NULL;
	const struct lab_figure *f;

	if (!end || end - text > LAB_NAME)
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)(end - text - 1), text + 1);
	f = figure(r, name);
	if (!f)
		return 0;
	fputs(lab_number(number, sizeof(number), f->value), out);
	return (size_t)(end - text) + 1;
}

char *lab_fill_in(const struct lab_run *r, const char *text)
{
	char *filled = NULL;
	size_t n;
	FILE *out = open_memstream(&filled, &n);

	while (out && *text) {
		size_t skip = replaced(r, text, out);

		if (!skip)
			fputc(*text, out);
		text += skip ? skip : 1;
	}
	if (out)
		fclose(out);
	return filled;
}

bool lab_answer(const struct lab_run *r, const struct lab_question *q, double *answer)
{
	const struct lab_figure *f = figure(r, q->answer);

	if (f)
		*answer = f->value;
	return f;
}

bool lab_answer_right(const struct lab_run *r, const struct lab_question *q, double given)
{
	double answer;

	return lab_answer(r, q, &answer) && fabs(given - answer) <= fabs(answer) * q->tolerance + 1e-9;
}
