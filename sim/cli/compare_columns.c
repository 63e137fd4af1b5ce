/*
 * compare_columns.c - what stands in which column of a comparison.
 *
 * A configuration gives a column for each point of its lists (--vary, or its
 * "matrix"), made of a run for each seed; stored runs that differ in nothing
 * but their seed become one column.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "build_info.h"
#include "results/query.h"
#include "sim/cli/compare.h"
#include "sim/config/data.h"
#include "workloads/trace.h"

#define MAX_COLUMNS 200
#define MAX_SEEDS 1000

/* ---- settings of one point ---- */

struct settings {
	char **list;
	size_t n, cap;
	bool failed;
};

static void add_setting(struct settings *s, const char *path, const char *value)
{
	char **more = realloc(s->list, (s->n + 1) * sizeof(char *));

	if (!more || asprintf(&more[s->n], "%s%s%s", path, *path ? "=" : "", value) < 0)
		s->failed = true;
	s->list = more ? more : s->list;
	s->n += !s->failed;
}

static void free_settings(struct settings *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->list[i]);
	free(s->list);
}

static void common_settings(const struct cli *cli, struct settings *s)
{
	size_t n;
	const char *const *sets = cli_values(cli, "set", &n);
	const char *timing = cli_value(cli, "timing", NULL);

	if (timing)
		add_setting(s, "timing", timing);
	if (cli_flag(cli, "keep-reclaim"))
		add_setting(s, "workload.reclaim", "recorded");
	for (size_t i = 0; i < n; i++)
		add_setting(s, "", sets[i]);
}

/* ---- jobs of a configuration ---- */

/* Of the files that the run reads beside its configuration. */
static int hash_files(struct cmp_job *job, struct kms_error *err)
{
	const struct workload_config *w = &job->config.workload;
	char path[4096];

	if (run_cost_hash(&job->config, job->cost_hash, err))
		return err->code;
	if (!w->trace)
		return 0;
	data_find(w->trace, path, sizeof(path));
	return trace_file_hash(path, job->trace_hash, err);
}

static int load(struct cmp_job *job, const char *path, const struct settings *s, struct kms_error *err)
{
	int rc;

	if (s->failed)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	rc = cfg_load(&job->cfg, &experiment_config_table, &job->config, path,
		      (const char *const *)s->list, s->n, err);
	if (rc)
		return rc;
	job->json = cfg_resolved(job->cfg);
	if (!job->json)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	run_config_hash(job->json, job->hash);
	return 0;
}

static void free_job(struct cmp_job *job)
{
	free(job->json);
	cfg_free(job->cfg);
}

struct source {
	const char *path;
	struct cfg_matrix matrix;
	u64 seed; /* of the configuration as it is */
	u32 nr_seeds;
	char name[64];
};

static int load_job(const struct cli *cli, const struct source *src, size_t point, u32 seed,
		    struct cmp_job *job, struct kms_error *err)
{
	struct settings s = {0};
	char text[32];
	int rc;

	common_settings(cli, &s);
	add_setting(&s, "matrix", "null");
	if (src->nr_seeds > 1) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)(src->seed + seed));
		add_setting(&s, "seed", text);
	}
	for (size_t i = 0; i < src->matrix.n; i++)
		add_setting(&s, src->matrix.axes[i].path, cfg_matrix_value(&src->matrix, point, i));
	rc = load(job, src->path, &s, err);
	if (!rc)
		rc = hash_files(job, err);
	free_settings(&s);
	return rc;
}

static struct cmp_column *new_column(struct cmp *cmp, struct kms_error *err)
{
	struct cmp_column *more;

	if (cmp->nr_columns == MAX_COLUMNS) {
		kms_fail(err, KMS_EUSAGE, "more than %d columns", MAX_COLUMNS);
		return NULL;
	}
	more = realloc(cmp->columns, (cmp->nr_columns + 1) * sizeof(*more));
	if (!more) {
		kms_fail(err, KMS_EFAIL, "out of memory");
		return NULL;
	}
	cmp->columns = more;
	more[cmp->nr_columns] = (struct cmp_column){0};
	return &more[cmp->nr_columns++];
}

static int add_point(struct cmp *cmp, const struct source *src, size_t point, struct kms_error *err)
{
	struct cmp_column *column = new_column(cmp, err);
	char label[64];
	int rc = 0;

	if (!column)
		return err->code;
	cfg_matrix_label(&src->matrix, point, label, sizeof(label));
	if (cmp->cli->nr_args > 1)
		snprintf(column->label, sizeof(column->label), "%.30s%s%.30s", src->name,
			 *label ? ": " : "", label);
	else
		snprintf(column->label, sizeof(column->label), "%s", *label ? label : src->name);
	column->jobs = calloc(src->nr_seeds, sizeof(*column->jobs));
	column->ids.runs = calloc(src->nr_seeds, sizeof(s64));
	if (!column->jobs || !column->ids.runs)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	for (u32 i = 0; i < src->nr_seeds && !rc; i++) {
		struct cmp_job *job = &column->jobs[column->nr_jobs++];

		rc = load_job(cmp->cli, src, point, i, job, err);
		snprintf(job->label, sizeof(job->label), src->nr_seeds > 1 ? "%s, seed %llu" : "%s",
			 column->label, (unsigned long long)job->config.seed);
	}
	return rc;
}

/* The lists: --vary, then what the file's matrix has beside. */
static int read_axes(const struct cli *cli, struct source *src, struct kms_error *err)
{
	struct cmp_job plain = {0};
	struct settings s = {0};
	const char *const *vary;
	size_t n;
	int rc;

	common_settings(cli, &s);
	rc = load(&plain, src->path, &s, err);
	free_settings(&s);
	vary = cli_values(cli, "vary", &n);
	for (size_t i = 0; i < n && !rc; i++)
		if (cfg_matrix_add(&src->matrix, vary[i], err))
			rc = kms_fail_in(err, "--vary");
	if (!rc)
		rc = cfg_matrix_add_json(&src->matrix, plain.config.matrix, src->path, err);
	if (!rc) {
		src->seed = plain.config.seed;
		snprintf(src->name, sizeof(src->name), "%s", plain.config.name);
	}
	free_job(&plain);
	for (size_t i = 0; i < src->matrix.n && !rc; i++)
		if (src->nr_seeds > 1 && !strcmp(src->matrix.axes[i].path, "seed"))
			rc = kms_fail(err, KMS_EUSAGE,
				      "--seeds makes one column of several seeds, --vary seed a column "
				      "of each; expected one of them");
	return rc;
}

static int parse_seeds(const struct cli *cli, u32 *n, struct kms_error *err)
{
	const char *text = cli_value(cli, "seeds", "1");
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || *text < '0' || *text > '9' || !value || value > MAX_SEEDS)
		return kms_fail(err, KMS_EUSAGE, "--seeds %s: expected a number from 1 to %d", text,
				MAX_SEEDS);
	*n = (u32)value;
	return 0;
}

static int load_config(struct cmp *cmp, const char *path, struct kms_error *err)
{
	struct source src = {.path = path};
	int rc = parse_seeds(cmp->cli, &src.nr_seeds, err);

	if (!rc)
		rc = read_axes(cmp->cli, &src, err);
	for (size_t i = 0; !rc && i < cfg_matrix_points(&src.matrix); i++)
		rc = add_point(cmp, &src, i, err);
	cfg_matrix_free(&src.matrix);
	cmp->has_configs = true;
	return rc;
}

static bool is_config(const char *arg)
{
	size_t n = strlen(arg);
	struct stat st;

	return (n > 5 && !strcmp(arg + n - 5, ".json")) || strchr(arg, '/') ||
	       (strspn(arg, "0123456789") != n && !stat(arg, &st) && S_ISREG(st.st_mode));
}

/* Configurations of the same name. */
static void number_equal_labels(struct cmp *cmp)
{
	for (u32 i = 1; i < cmp->nr_columns; i++) {
		struct cmp_column *c = &cmp->columns[i];
		char label[sizeof(c->label)];

		for (u32 k = 0; k < i && c->nr_jobs; k++)
			if (!strcmp(cmp->columns[k].label, c->label)) {
				snprintf(label, sizeof(label), "%.50s #%u", c->label, i + 1);
				memcpy(c->label, label, sizeof(label));
				break;
			}
	}
}

int cmp_load_columns(struct cmp *cmp, struct kms_error *err)
{
	static const char *const for_configs[] = {"vary", "set", "seeds", "timing", "jobs", "again",
						   "keep-reclaim"};
	int rc = 0;

	for (int i = 0; i < cmp->cli->nr_args && !rc; i++) {
		const char *arg = cmp->cli->args[i];
		struct cmp_column *column;

		if (is_config(arg)) {
			rc = load_config(cmp, arg, err);
			continue;
		}
		cmp->has_runs = true;
		column = new_column(cmp, err);
		if (!column)
			return err->code;
		column->ids.runs = calloc(1, sizeof(s64));
		snprintf(column->label, sizeof(column->label), "%s", arg);
		if (!column->ids.runs)
			rc = kms_fail(err, KMS_EFAIL, "out of memory");
	}
	for (size_t i = 0; i < KMS_ARRAY_SIZE(for_configs) && !rc && !cmp->has_configs; i++)
		if (cli_flag(cmp->cli, for_configs[i]))
			rc = kms_fail(err, KMS_EUSAGE,
				      "--%s is about a configuration to run, but all arguments are stored "
				      "runs; expected a file that ends in .json",
				      for_configs[i]);
	if (!rc && cmp->nr_columns < 2)
		rc = kms_fail(err, KMS_EUSAGE,
			      "nothing to compare with: expected two runs, two configurations, or "
			      "--vary PATH=VALUE,VALUE (kmemsim compare --help shows examples)");
	number_equal_labels(cmp);
	return rc;
}

void cmp_free_columns(struct cmp *cmp)
{
	for (u32 i = 0; i < cmp->nr_columns; i++) {
		struct cmp_column *column = &cmp->columns[i];

		for (u32 k = 0; k < column->nr_jobs; k++)
			free_job(&column->jobs[k]);
		free(column->jobs);
		free(column->ids.runs);
	}
	free(cmp->columns);
}

/* ---- runs that are there ---- */

/* A loaded allocator may have been built anew under its old name. */
static bool may_reuse(const struct cmp_job *job)
{
	const char *slab = job->config.allocator.slab;
	size_t n = slab ? strlen(slab) : 0;

	return n < 3 || strcmp(slab + n - 3, ".so");
}

static int find_stored(struct cmp *cmp, struct cmp_job *job, struct kms_error *err)
{
	struct query q;

	query_begin(&q, cmp->store, err,
		    "SELECT max(id) FROM run WHERE config_hash = ? AND trace_hash = ? AND cost_hash = ?"
		    " AND model_hash = ? AND compiler_flags = ? AND status = 'complete'",
		    "sssss", job->hash, job->trace_hash, job->cost_hash, KMS_MODEL, KMS_SIM_FLAGS);
	if (query_next(&q))
		job->run = query_int(&q, 0);
	return query_end(&q);
}

static struct cmp_job *earlier_same(const struct cmp *cmp, u32 column, u32 index)
{
	const struct cmp_job *job = &cmp->columns[column].jobs[index];

	for (u32 i = 0; i <= column; i++)
		for (u32 k = 0; k < cmp->columns[i].nr_jobs && (i < column || k < index); k++)
			if (!strcmp(cmp->columns[i].jobs[k].hash, job->hash))
				return &cmp->columns[i].jobs[k];
	return NULL;
}

int cmp_find_stored(struct cmp *cmp, struct kms_error *err)
{
	bool again = cli_flag(cmp->cli, "again");
	int rc = 0;

	for (u32 i = 0; i < cmp->nr_columns; i++)
		for (u32 k = 0; k < cmp->columns[i].nr_jobs && !rc; k++) {
			struct cmp_job *job = &cmp->columns[i].jobs[k];

			job->same = earlier_same(cmp, i, k);
			if (!job->same && !again && may_reuse(job))
				rc = find_stored(cmp, job, err);
		}
	return rc;
}

/* ---- columns of stored runs ---- */

/* The configuration without its seed, and what it was run on and by. */
static int read_key(struct store *store, s64 run, char **key, u64 *seed, struct kms_error *err)
{
	cJSON *config = NULL;
	char *text = NULL;
	struct query q;
	int rc;

	*key = NULL;
	query_begin(&q, store, err,
		    "SELECT config, seed, trace_hash || ' ' || coalesce(cost_hash || ' ' || model_hash, tool_version)"
		    " FROM run WHERE id = ?", "i", run);
	if (query_next(&q)) {
		config = cJSON_Parse(query_text(&q, 0));
		*seed = (u64)query_int(&q, 1);
		cJSON_DeleteItemFromObject(config, "seed");
		text = cJSON_PrintUnformatted(config);
		if (asprintf(key, "%s %s", query_text(&q, 2), text ? text : "") < 0)
			*key = NULL;
	}
	rc = query_end(&q);
	cJSON_free(text);
	cJSON_Delete(config);
	return rc || *key ? rc : kms_fail(err, KMS_EFAIL, "out of memory");
}

/* Make the run part of an earlier column that has the same configuration on other seeds. */
static int join_column(struct cmp *cmp, u32 index, char **keys, u64 *seeds, bool *joined,
		       struct kms_error *err)
{
	s64 run = cmp->columns[index].ids.runs[0];
	int rc = read_key(cmp->store, run, &keys[index], &seeds[index], err);

	*joined = false;
	for (u32 i = 0; i < index && !rc && !*joined; i++) {
		struct compare_column *ids = &cmp->columns[i].ids;
		s64 *more;

		if (!keys[i] || strcmp(keys[i], keys[index]) || seeds[i] == seeds[index])
			continue;
		more = realloc(ids->runs, (ids->nr_runs + 1) * sizeof(*more));
		if (!more)
			return kms_fail(err, KMS_EFAIL, "out of memory");
		ids->runs = more;
		more[ids->nr_runs++] = run;
		*joined = true;
	}
	return rc;
}

static int join_columns(struct cmp *cmp, struct kms_error *err)
{
	char **keys = calloc(cmp->nr_columns, sizeof(char *));
	u64 *seeds = calloc(cmp->nr_columns, sizeof(u64));
	bool *joined = calloc(cmp->nr_columns, sizeof(bool));
	int rc = keys && seeds && joined ? 0 : kms_fail(err, KMS_EFAIL, "out of memory");
	u32 n = 0;

	for (u32 i = 0; i < cmp->nr_columns && !rc; i++)
		if (!cmp->columns[i].nr_jobs)
			rc = join_column(cmp, i, keys, seeds, &joined[i], err);
	for (u32 i = 0; i < cmp->nr_columns && !rc; i++) {
		if (joined[i])
			free(cmp->columns[i].ids.runs);
		else
			cmp->columns[n++] = cmp->columns[i];
	}
	for (u32 i = 0; keys && i < cmp->nr_columns; i++)
		free(keys[i]);
	if (!rc)
		cmp->nr_columns = n;
	free(keys);
	free(seeds);
	free(joined);
	return rc;
}

int cmp_run_text(struct cmp *cmp, s64 run, const char *column, char *buf, size_t n,
		 struct kms_error *err)
{
	char sql[80];
	struct query q;

	snprintf(sql, sizeof(sql), "SELECT %s FROM run WHERE id = ?", column);
	query_begin(&q, cmp->store, err, sql, "i", run);
	if (query_next(&q))
		snprintf(buf, n, "%s", query_text(&q, 0));
	return query_end(&q);
}

/* Name the columns of stored runs by what tells them apart: name, policy, or both and the id. */
static int label_runs(struct cmp *cmp, struct kms_error *err)
{
	static const char *const by[] = {"name", "policy", "policy || ' #' || id"};
	bool apart = false;
	int rc = 0;

	for (size_t b = 0; b < KMS_ARRAY_SIZE(by) && !apart && !rc; b++) {
		apart = true;
		for (u32 i = 0; i < cmp->nr_columns && !rc; i++) {
			struct cmp_column *c = &cmp->columns[i];

			if (!c->nr_jobs)
				rc = cmp_run_text(cmp, c->ids.runs[0], by[b], c->label, sizeof(c->label), err);
			for (u32 k = 0; k < i; k++)
				apart = apart && strcmp(cmp->columns[k].label, c->label);
		}
	}
	return rc;
}

static int check_complete(struct cmp *cmp, s64 run, struct kms_error *err)
{
	char status[32] = "";
	int rc = cmp_run_text(cmp, run, "status", status, sizeof(status), err);

	if (!rc && strcmp(status, "complete") && !cmp->cli->quiet)
		fprintf(stderr, "note: run %lld is not complete (%s)\n", (long long)run,
			strcmp(status, "running") ? status : "its program still runs or was killed");
	return rc;
}

int cmp_find_runs(struct cmp *cmp, struct kms_error *err)
{
	int rc = 0;

	for (u32 i = 0; i < cmp->nr_columns && !rc; i++) {
		struct cmp_column *c = &cmp->columns[i];

		for (u32 k = 0; k < c->nr_jobs; k++)
			c->ids.runs[k] = c->jobs[k].same ? c->jobs[k].same->run : c->jobs[k].run;
		c->ids.nr_runs = c->nr_jobs ? c->nr_jobs : 1;
		if (c->nr_jobs)
			continue;
		rc = store_find_run(cmp->store, c->label, &c->ids.runs[0], err);
		if (!rc)
			rc = check_complete(cmp, c->ids.runs[0], err);
	}
	if (!rc && cmp->has_runs)
		rc = join_columns(cmp, err);
	if (!rc && cmp->nr_columns < 2)
		rc = kms_fail(err, KMS_EUSAGE,
			      "nothing to compare with: these runs differ in their seed only");
	return rc || !cmp->has_runs ? rc : label_runs(cmp, err);
}

#define LONGEST_HEADING 18

void cmp_name_columns(struct cmp *cmp)
{
	bool letters = false;

	for (u32 i = 0; i < cmp->nr_columns; i++)
		letters = letters || cli_width(cmp->columns[i].label) > LONGEST_HEADING;
	for (u32 i = 0; i < cmp->nr_columns; i++) {
		struct cmp_column *c = &cmp->columns[i];

		if (!letters)
			memcpy(c->shown, c->label, sizeof(c->shown));
		else if (cmp->nr_columns <= 26)
			snprintf(c->shown, sizeof(c->shown), "%c", 'A' + (int)i);
		else
			snprintf(c->shown, sizeof(c->shown), "#%u", i + 1);
	}
}
