/*
 * grade.c - grade.h: answer files against labs carried out anew.
 */
#include "sim/labs/grade.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/json.h"
#include "sim/cli/cli.h"
#include "sim/labs/internal.h"

#define LARGEST_FILE (1u << 20)
#define LARGEST_SEED 9007199254740992.0 /* up to here a JSON number is exact */

static int no_json(const char *path, const char *text, const char *at, struct kms_error *err)
{
	u32 line = 1, column = 1;

	for (const char *p = text; p < at; p++) {
		column = *p == '\n' ? 1 : column + 1;
		line += *p == '\n';
	}
	return kms_fail(err, KMS_EUSAGE, "%s:%u:%u: found %s%.20s%s, expected JSON, here or just before", path, line, column,
			*at ? "\"" : "the end of the text", at, *at ? "\"" : "");
}

static int read_json(const char *path, cJSON **json, struct kms_error *err)
{
	FILE *f = fopen(path, "r");
	char *text = f ? calloc(1, LARGEST_FILE + 1) : NULL;
	size_t n = text ? fread(text, 1, LARGEST_FILE + 1, f) : 0;
	const char *end = NULL;
	int rc = 0;

	if (!f)
		return kms_fail(err, KMS_EUSAGE, "%s: cannot open: %s", path, strerror(errno));
	if (!text)
		rc = kms_fail(err, KMS_EFAIL, "out of memory");
	else if (ferror(f))
		rc = kms_fail(err, KMS_EUSAGE, "%s: cannot read: %s", path, strerror(errno));
	else if (n > LARGEST_FILE)
		rc = kms_fail(err, KMS_EUSAGE, "%s: more than 1 MiB, expected an answer file", path);
	fclose(f);
	if (!rc && strlen(text) < n)
		rc = kms_fail(err, KMS_EUSAGE, "%s: found a NUL byte behind %zu characters, expected JSON", path, strlen(text));
	if (!rc) {
		*json = cJSON_ParseWithOpts(text, &end, true);
		if (!*json)
			rc = no_json(path, text, end ? end : text, err);
	}
	free(text);
	return rc;
}

/* ---- one lab ---- */

static struct grade_answer *new_answer(struct grade *g)
{
	struct grade_answer *more = realloc(g->answers, (g->nr_answers + 1) * sizeof(*more));

	if (!more)
		return NULL;
	g->answers = more;
	more[g->nr_answers] = (struct grade_answer){.answered = false};
	return &more[g->nr_answers++];
}

static void mark(struct grade *g, struct grade_answer *a, const struct lab_run *r, const struct lab_question *q,
		 const cJSON *given)
{
	char *ask = lab_fill_in(r, q->ask);

	snprintf(a->lab, sizeof(a->lab), "%s", r->lab->name);
	snprintf(a->question, sizeof(a->question), "%s", q->id);
	a->answered = cJSON_IsNumber(given);
	a->given = a->answered ? given->valuedouble : 0;
	a->right = a->answered && lab_answer_right(r, q, a->given);
	g->points += a->right;
	g->most++;
	if (!a->right)
		snprintf(a->feedback, sizeof(a->feedback), "%s: %s",
			 a->answered ? "not right" : given ? "expected a number" : "no answer",
			 ask ? ask : q->ask);
	free(ask);
}

static int check_ids(const struct lab_run *r, const cJSON *answers, struct kms_error *err)
{
	const struct lab_question *q = r->config.questions.items;
	const char *ids[64], *near;
	u32 n = 0;
	const cJSON *a;

	for (size_t i = 0; i < r->config.questions.n && n < 64; i++)
		ids[n++] = q[i].id;
	cJSON_ArrayForEach(a, answers) {
		u32 i = 0;

		while (i < n && strcmp(ids[i], a->string))
			i++;
		if (i < n)
			continue;
		near = kms_nearest(a->string, ids, n);
		return kms_fail(err, KMS_EUSAGE, "lab %s has no question '%s'%s%s%s", r->lab->name, a->string,
				near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	return 0;
}

static int mark_all(struct grade *g, const struct lab_run *r, const cJSON *answers, struct kms_error *err)
{
	const struct lab_question *q = r->config.questions.items;
	int rc = check_ids(r, answers, err);

	for (size_t i = 0; i < r->config.questions.n && !rc; i++, q++) {
		struct grade_answer *a = new_answer(g);

		if (!a)
			return kms_fail(err, KMS_EFAIL, "out of memory");
		mark(g, a, r, q, cJSON_GetObjectItemCaseSensitive(answers, q->id));
	}
	return rc;
}

static int grade_lab(struct grade *g, const cJSON *entry, const struct lab_options *options, struct kms_error *err)
{
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(entry, "lab");
	const cJSON *seed = cJSON_GetObjectItemCaseSensitive(entry, "seed");
	const cJSON *answers = cJSON_GetObjectItemCaseSensitive(entry, "answers");
	struct lab_options own = *options;
	const struct lab *lab;
	struct lab_run *r = NULL;
	int rc;

	if (!cJSON_IsString(name) || !cJSON_IsObject(answers))
		return kms_fail(err, KMS_EUSAGE, "expected {\"lab\": NAME, \"answers\": {ID: NUMBER}}");
	if (seed && (!cJSON_IsNumber(seed) || !(seed->valuedouble >= 0 && seed->valuedouble <= LARGEST_SEED) ||
		     seed->valuedouble != floor(seed->valuedouble)))
		return kms_fail(err, KMS_EUSAGE, "\"seed\": expected a whole number from 0 to 2^53");
	own.seeded = seed;
	own.seed = seed ? (u64)seed->valuedouble : 0;
	own.dir = NULL;
	rc = lab_find(name->valuestring, &lab, err);
	if (!rc)
		rc = lab_carry_out(&r, lab, &own, err);
	if (!rc)
		rc = mark_all(g, r, answers, err);
	lab_close(r);
	return rc;
}

int grade_file(struct grade *g, const char *path, const struct lab_options *options, struct kms_error *err)
{
	const cJSON *labs, *student, *entry;
	cJSON *json = NULL;
	int rc;

	*g = (struct grade){.points = 0};
	rc = read_json(path, &json, err);
	if (rc)
		return rc;
	student = cJSON_GetObjectItemCaseSensitive(json, "student");
	labs = cJSON_GetObjectItemCaseSensitive(json, "labs");
	if (cJSON_IsString(student))
		snprintf(g->student, sizeof(g->student), "%s", student->valuestring);
	if (!cJSON_IsArray(labs)) {
		rc = grade_lab(g, json, options, err);
	} else {
		cJSON_ArrayForEach(entry, labs) {
			if (!rc)
				rc = grade_lab(g, entry, options, err);
		}
	}
	cJSON_Delete(json);
	return rc ? kms_fail_in(err, "%s", path) : 0;
}

void grade_free(struct grade *g)
{
	free(g->answers);
	*g = (struct grade){.points = 0};
}

/* ---- output ---- */

void grade_print(const struct grade *g, FILE *out)
{
	char safe[2 * GRADE_FEEDBACK];

	if (*g->student)
		fprintf(out, "%s: ", cli_safe(safe, sizeof(safe), g->student));
	fprintf(out, "%u of %u points\n", g->points, g->most);
	for (u32 i = 0; i < g->nr_answers; i++)
		if (!g->answers[i].right)
			fprintf(out, "%s %s %s\n", g->answers[i].lab, g->answers[i].question, g->answers[i].feedback);
}

void grade_json(const struct grade *g, FILE *out)
{
	struct json j;

	json_start(&j, out);
	json_open(&j, NULL, '{');
	json_text(&j, "student", g->student);
	json_uint(&j, "points", g->points);
	json_uint(&j, "most", g->most);
	json_double(&j, "score", g->most ? (double)g->points / g->most : 0);
	json_open(&j, "answers", '[');
	for (u32 i = 0; i < g->nr_answers; i++) {
		const struct grade_answer *a = &g->answers[i];

		json_open(&j, NULL, '{');
		json_text(&j, "lab", a->lab);
		json_text(&j, "question", a->question);
		if (a->answered)
			json_double(&j, "given", a->given);
		json_bool(&j, "right", a->right);
		json_text(&j, "feedback", a->feedback);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
}
