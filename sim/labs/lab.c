/*
 * lab.c - carrying one lab out: its configuration, its machine, its runs.
 */
#include "sim/labs/internal.h"

#include <stdlib.h>
#include <string.h>

#include "results/query.h"
#include "sim/config/data.h"
#include "sim/engine/rng.h"
#include "sim/run/run.h"

#define DEFAULT_EXPERIMENT "{\"machine\": \"../machines/desktop-1cpu.json\", \"allocator\": {\"slab\": \"slub\"}}"

/* ---- the table of labs ---- */

int lab_find(const char *name, const struct lab **lab, struct kms_error *err)
{
	const char *names[128], *near;
	u32 n = 0;

	for (; lab_table[n]; n++) {
		names[n] = lab_table[n]->name;
		if (strcmp(name, names[n]))
			continue;
		*lab = lab_table[n];
		return 0;
	}
	near = kms_nearest(name, names, n);
	return kms_fail(err, KMS_EUSAGE, "there is no lab '%s'%s%s%s (`kmemsim lab list` shows them)", name,
			near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* ---- configuration ---- */

#define F(member) .key = #member, .offset = offsetof(struct lab_config, member)
static const struct cfg_field fields[] = {
	{F(title), .type = CFG_STRING, .doc = "One line: what the lab is about."},
	{F(goal), .type = CFG_STRING, .def = "\"\"", .doc = "What one knows afterwards."},
	{F(book), .type = CFG_STRING, .def = "\"\"", .doc = "The book's experiment that it repeats."},
	{F(experiment), .type = CFG_JSON, .doc = "Machine, allocator and workload, as in an experiment file."},
	{F(parameters), .type = CFG_JSON, .doc = "Numbers by name; {value, from, to, by}: drawn when there is a seed."},
	{F(questions), .type = CFG_ARRAY, .table = &lab_question_table, .doc = "Questions with hidden answers."},
};
#undef F

static const struct cfg_table config_table = {
	.name = "lab", .doc = "One teaching experiment.", .fields = fields,
	.nr_fields = KMS_ARRAY_SIZE(fields), .size = sizeof(struct lab_config),
};

static double member(const cJSON *object, const char *name, double def)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsNumber(item) ? item->valuedouble : def;
}

/* The parameter's value: the book's, or one of from, from + by ... up to `to`. */
static double draw(const struct lab_run *r, const cJSON *p)
{
	double value = member(p, "value", 0), from = member(p, "from", value), to = member(p, "to", value);
	double by = member(p, "by", 1), drawn = value;
	char use[96];
	gsl_rng *rng;

	if (!r->options.seeded || to <= from || by <= 0)
		return value;
	snprintf(use, sizeof(use), "lab.%s.%s", r->lab->name, p->string);
	rng = rng_open(r->options.seed, use);
	drawn = from + by * (double)gsl_rng_uniform_int(rng, (unsigned long)((to - from) / by) + 1);
	gsl_rng_free(rng);
	return drawn;
}

static int set_params(struct lab_run *r, struct kms_error *err)
{
	const cJSON *p;

	r->params = calloc((size_t)cJSON_GetArraySize(r->config.parameters) + 1, sizeof(*r->params));
	if (!r->params)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	cJSON_ArrayForEach(p, r->config.parameters) {
		struct lab_figure *f = &r->params[r->nr_params++];

		if (!cJSON_IsNumber(p) && !cJSON_IsObject(p))
			return kms_fail(err, KMS_EUSAGE, "%s: parameter '%s': expected a number or {value, from, to, by}",
					r->path, p->string);
		snprintf(f->name, sizeof(f->name), "%s", p->string);
		f->value = cJSON_IsNumber(p) ? p->valuedouble : draw(r, p);
	}
	return 0;
}

static int load(struct lab_run *r, struct kms_error *err)
{
	char name[128];
	int rc;

	snprintf(name, sizeof(name), "configs/labs/%s.json", r->lab->name);
	snprintf(r->guide, sizeof(r->guide), "docs/labs/%s.md", r->lab->name);
	if (!data_find(name, r->path, sizeof(r->path)))
		return kms_fail(err, KMS_EFAIL, "%s was not found", name);
	rc = cfg_load(&r->cfg, &config_table, &r->config, r->path, NULL, 0, err);
	return rc ? rc : set_params(r, err);
}

int lab_open(struct lab_run **out, const struct lab *lab, const struct lab_options *options, struct kms_error *err)
{
	struct lab_run *r = calloc(1, sizeof(*r));
	int rc;

	*out = r;
	if (!r)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	r->lab = lab;
	r->options = *options;
	rc = load(r, err);
	return rc;
}

int lab_carry_out(struct lab_run **out, const struct lab *lab, const struct lab_options *options,
		  struct kms_error *err)
{
	int rc = lab_open(out, lab, options, err);
	struct lab_run *r = *out;

	if (!rc)
		rc = lab->run(r, err);
	if (!rc && *r->failed)
		rc = kms_fail(err, KMS_EFAIL, "%s", r->failed);
	if (rc)
		return kms_fail_in(err, "lab %s", lab->name);
	r->done = true;
	lab_sandbox_reset(r);
	return 0;
}

void lab_close(struct lab_run *r)
{
	if (!r)
		return;
	lab_sandbox_reset(r);
	if (r->store)
		store_close(r->store, NULL);
	lab_output_free(r);
	free(r->params);
	cfg_free(r->cfg);
	free(r);
}

const char *lab_title(const struct lab_run *r)
{
	return r->config.title;
}

const char *lab_goal(const struct lab_run *r)
{
	return r->config.goal;
}

const char *lab_source(const struct lab_run *r)
{
	return r->config.book;
}

const char *lab_guide(const struct lab_run *r)
{
	return r->guide;
}

bool lab_is_book(const struct lab_run *r)
{
	return !r->options.seeded;
}

s64 lab_param(struct lab_run *r, const char *name)
{
	const struct lab_figure *f = lab_find_figure(r->params, r->nr_params, name);

	if (!f)
		lab_fail(r, "%s has no parameter '%s'", r->path, name);
	return f ? (s64)f->value : 0;
}

/* ---- the machine ---- */

/* The lab's experiment as text, with a workload, which a sandbox needs none of. */
static char *experiment_text(const struct lab_run *r, bool workload)
{
	cJSON *json = r->config.experiment ? cJSON_Duplicate(r->config.experiment, true) :
					     cJSON_Parse(DEFAULT_EXPERIMENT);
	cJSON *dummy;
	char *text;

	if (json && !workload) {
		cJSON_DeleteItemFromObjectCaseSensitive(json, "workload");
		dummy = cJSON_AddObjectToObject(cJSON_AddObjectToObject(json, "workload"), "synthetic");
		cJSON_AddNumberToObject(dummy, "requests", 1);
	}
	text = json ? cJSON_Print(json) : NULL;
	cJSON_Delete(json);
	return text;
}

static void folder_of(const char *path, char *dir, size_t n)
{
	const char *slash = strrchr(path, '/');

	snprintf(dir, n, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
}

struct sandbox *lab_sandbox(struct lab_run *r, struct kms_error *err)
{
	return r->box_open ? &r->box : lab_sandbox_with(r, NULL, 0, err);
}

struct sandbox *lab_sandbox_with(struct lab_run *r, const char *const *settings, size_t n, struct kms_error *err)
{
	char *text, dir[512];
	struct sandbox_options options = {.text_name = r->path, .settings = settings, .nr_settings = n};
	const cJSON *timing = cJSON_GetObjectItemCaseSensitive(r->config.experiment, "timing");
	int rc;

	lab_sandbox_reset(r);
	text = experiment_text(r, false);
	if (!text) {
		kms_fail(err, KMS_EFAIL, "out of memory");
		return NULL;
	}
	folder_of(r->path, dir, sizeof(dir));
	options.text = text;
	options.text_dir = dir;
	options.functional = !(cJSON_IsString(timing) && !strcmp(timing->valuestring, "cycle"));
	rc = sandbox_open(&r->box, &options, err);
	free(text);
	r->box_open = true;
	if (!rc)
		return &r->box;
	lab_sandbox_reset(r);
	return NULL;
}

void lab_sandbox_reset(struct lab_run *r)
{
	if (r->box_open)
		sandbox_close(&r->box);
	r->box_open = false;
}

int lab_do(struct lab_run *r, void (*fn)(void *arg), void *arg, struct kms_error *err)
{
	struct sandbox *box = lab_sandbox(r, err);
	int rc = box ? sandbox_do(box, 0, fn, arg, NULL, err) : KMS_EFAIL;

	if (rc)
		lab_sandbox_reset(r);
	return rc;
}

/* ---- whole runs ---- */

int lab_experiment(struct lab_run *r, const char *name, const char *const *settings, size_t n, s64 *id,
		   struct kms_error *err)
{
	struct experiment_config config;
	struct run_options options = {.interrupted = r->options.stop};
	struct cfg *cfg = NULL;
	char *text = experiment_text(r, true), *json = NULL, dir[512];
	int rc = text ? 0 : kms_fail(err, KMS_EFAIL, "out of memory");

	lab_sandbox_reset(r);
	folder_of(r->path, dir, sizeof(dir));
	if (!rc && !r->store)
		rc = store_open(&r->store, r->options.db ? r->options.db : ":memory:", STORE_WRITE, err);
	if (!rc)
		rc = cfg_load_text(&cfg, &experiment_config_table, &config, text, r->path, dir, settings, n, err);
	if (!rc)
		json = cfg_resolved(cfg);
	if (!rc && !json)
		rc = kms_fail(err, KMS_EFAIL, "out of memory");
	if (!rc) {
		config.name = (char *)name; /* the configuration's own belongs to cfg */
		rc = run_experiment(&config, json, r->store, &options, id, err);
	}
	free(json);
	free(text);
	cfg_free(cfg);
	return rc;
}

double lab_metric(struct lab_run *r, s64 id, const char *metric)
{
	struct kms_error err;
	struct query q;
	double value = 0;
	bool found = false;

	query_begin(&q, r->store, &err, "SELECT value FROM metric_value WHERE run = ? AND name = ? AND phase = -1", "is", id,
		    metric);
	if (query_next(&q)) {
		value = query_double(&q, 0);
		found = true;
	}
	if (query_end(&q))
		lab_fail(r, "metric %s of run %lld: %s", metric, (long long)id, err.text);
	else if (!found)
		lab_fail(r, "run %lld has no metric %s", (long long)id, metric);
	return value;
}

struct store *lab_store(struct lab_run *r)
{
	return r->store;
}
