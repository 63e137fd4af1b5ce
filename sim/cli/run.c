/*
 * run.c - verb `run`: experiments from their configurations to the database.
 *
 * All configurations are read and checked before the first run starts. What a
 * run's summary shows is read back from the database, as everything else that
 * is shown of a run.
 */
#include <stdlib.h>
#include <string.h>

#include "results/json.h"
#include "results/query.h"
#include "sim/cli/internal.h"
#include "sim/config/matrix.h"
#include "workloads/trace.h"

struct job {
	const char *source; /* the file, or the run that is repeated */
	struct cfg *cfg;
	struct experiment_config config;
	char *json; /* resolved */
};

struct jobs {
	struct job *list;
	int n;
};

/* ---- settings ---- */

#define MAX_AXES 64 /* of a matrix: settings behind the others */

struct settings {
	char **list; /* "path=value", as --set takes them */
	size_t n;
};

static bool add_setting(struct settings *s, const char *path, const char *value)
{
	if (asprintf(&s->list[s->n], "%s%s%s", path, *path ? "=" : "", value) < 0)
		return false;
	s->n++;
	return true;
}

static void free_settings(struct settings *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->list[i]);
	free(s->list);
}

/* The shortcuts first, so that --set has the last word. */
static int get_settings(const struct cli *cli, struct settings *s, struct kms_error *err)
{
	static const char *const shortcuts[][2] = {
		{"seed", "seed"}, {"timing", "timing"}, {"policy", "allocator.slab"}, {"trace", "workload.trace"},
		{"from-state", "workload.start_state"}};
	size_t n;
	const char *const *sets = cli_values(cli, "set", &n);
	bool ok;

	*s = (struct settings){calloc(n + KMS_ARRAY_SIZE(shortcuts) + 5 + MAX_AXES, sizeof(char *)), 0};
	ok = s->list != NULL;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(shortcuts) && ok; i++) {
		const char *value = cli_value(cli, shortcuts[i][0], NULL);

		if (value)
			ok = add_setting(s, shortcuts[i][1], value);
	}
	if (cli_flag(cli, "trace") && ok)
		ok = add_setting(s, "workload.synthetic", "null") &&
		     add_setting(s, "workload.adversary", "null") &&
		     add_setting(s, "workload.parameters", "null");
	if (cli_flag(cli, "check") && ok)
		ok = add_setting(s, "check", "true");
	if (cli_flag(cli, "keep-reclaim") && ok)
		ok = add_setting(s, "workload.reclaim", "recorded");
	for (size_t i = 0; i < n && ok; i++)
		ok = add_setting(s, "", sets[i]);
	return ok ? 0 : kms_fail(err, KMS_EFAIL, "out of memory");
}

/* ---- configurations ---- */

static int load_file(struct job *job, const char *path, const struct settings *s,
		     struct kms_error *err)
{
	int rc;

	job->source = path;
	rc = cfg_load(&job->cfg, &experiment_config_table, &job->config, path,
		      (const char *const *)s->list, s->n, err);
	if (rc)
		return rc;
	job->json = cfg_resolved(job->cfg);
	return job->json ? 0 : kms_fail(err, KMS_EFAIL, "out of memory");
}

/* A run can be repeated only on the trace that it was made from. */
static int check_trace(const struct job *job, const char *what, const char *stored,
		       struct kms_error *err)
{
	const char *trace = job->config.workload.trace;
	char hash[33];
	int rc;

	if (!trace || !*stored)
		return 0;
	rc = trace_file_hash(trace, hash, err);
	if (rc)
		return kms_fail_in(err, "repeating %s", what);
	if (!strcmp(hash, stored))
		return 0;
	return kms_fail(
		err, KMS_EUSAGE,
		"repeating %s: expected the trace it was made from, hash %s, found %s with hash "
		"%s (--trace FILE names another trace on purpose)",
		what, stored, trace, hash);
}

static int load_stored(const struct cli *cli, struct job *job, struct store *store, const char *run,
		       const struct settings *s, struct kms_error *err)
{
	char *text = NULL, name[64], hash[33] = "";
	struct query q;
	s64 id;
	int rc = store_find_run(store, run, &id, err);

	if (rc)
		return rc;
	query_begin(&q, store, err, "SELECT config, trace_hash FROM run WHERE id = ?", "i", id);
	if (query_next(&q)) {
		text = strdup(query_text(&q, 0));
		snprintf(hash, sizeof(hash), "%s", query_text(&q, 1));
	}
	rc = query_end(&q);
	if (!rc && !text)
		rc = kms_fail(err, KMS_EFAIL, "out of memory");
	snprintf(name, sizeof(name), "stored configuration of run %lld", (long long)id);
	if (!rc)
		rc = cfg_load_text(&job->cfg, &experiment_config_table, &job->config, text, name,
				   ".", (const char *const *)s->list, s->n, err);
	free(text);
	if (rc)
		return rc;
	snprintf(name, sizeof(name), "run %lld", (long long)id);
	job->source = run;
	job->json = cfg_resolved(job->cfg);
	if (!job->json)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	return cli_flag(cli, "trace") ? 0 : check_trace(job, name, hash, err);
}

static int load_again(const struct cli *cli, struct job *job, const char *run,
		      const struct settings *s, struct kms_error *err)
{
	struct store *store;
	int rc = store_open(&store, cli_db(cli), STORE_READ, err);

	if (rc)
		return rc;
	rc = load_stored(cli, job, store, run, s, err);
	store_close(store, rc ? NULL : err);
	return rc;
}

static void free_jobs(struct jobs *jobs)
{
	for (int i = 0; i < jobs->n; i++) {
		free(jobs->list[i].json);
		cfg_free(jobs->list[i].cfg);
	}
	free(jobs->list);
}

static struct job *new_job(struct jobs *jobs, struct kms_error *err)
{
	struct job *more = realloc(jobs->list, ((size_t)jobs->n + 1) * sizeof(*more));

	if (!more) {
		kms_fail(err, KMS_EFAIL, "out of memory");
		return NULL;
	}
	jobs->list = more;
	more[jobs->n] = (struct job){0};
	return &more[jobs->n++];
}

/* One point of a configuration's matrix. The settings are as before when it returns. */
static int load_point(struct jobs *jobs, const char *path, const struct cfg_matrix *m, size_t point,
		      struct settings *s, struct kms_error *err)
{
	struct job *job = new_job(jobs, err);
	size_t before = s->n;
	bool ok = job && add_setting(s, "matrix", "null");
	int rc;

	for (size_t i = 0; i < m->n && ok; i++)
		ok = add_setting(s, m->axes[i].path, cfg_matrix_value(m, point, i));
	rc = ok ? load_file(job, path, s, err) : kms_fail(err, KMS_EFAIL, "out of memory");
	while (s->n > before)
		free(s->list[--s->n]);
	return rc;
}

/* A file is one run, or with a "matrix" one for each of its points. */
static int load_config(struct jobs *jobs, const char *path, struct settings *s, struct kms_error *err)
{
	struct cfg_matrix m = {0};
	struct job *job = new_job(jobs, err);
	int rc = job ? load_file(job, path, s, err) : err->code;

	if (rc || !job->config.matrix)
		return rc;
	rc = cfg_matrix_add_json(&m, job->config.matrix, path, err);
	if (!rc && m.n >= MAX_AXES)
		rc = kms_fail(err, KMS_EUSAGE, "%s: /matrix: more than %d lists", path, MAX_AXES - 1);
	free(job->json);
	cfg_free(job->cfg);
	jobs->n--;
	for (size_t i = 0; !rc && i < cfg_matrix_points(&m); i++)
		rc = load_point(jobs, path, &m, i, s, err);
	cfg_matrix_free(&m);
	return rc;
}

static int load_jobs(const struct cli *cli, struct jobs *jobs, struct kms_error *err)
{
	const char *again = cli_value(cli, "again", NULL);
	struct settings s;
	int rc = get_settings(cli, &s, err);

	if (!rc && again) {
		struct job *job = new_job(jobs, err);

		rc = job ? load_again(cli, job, again, &s, err) : err->code;
	}
	for (int i = 0; i < cli->nr_args && !rc; i++)
		rc = load_config(jobs, cli->args[i], &s, err);
	free_settings(&s);
	return rc;
}

static int print_configs(const struct cli *cli, const struct job *jobs, int n,
			 struct kms_error *err)
{
	for (int i = 0; i < n; i++) {
		char *text = cli->json ? strdup(jobs[i].json) : cfg_print(jobs[i].cfg), *safe;

		if (!text)
			return kms_fail(err, KMS_EFAIL, "out of memory");
		if (cli->json) {
			puts(text);
		} else {
			safe = text; /* names of files are the only part that is not escaped yet */
			if (n > 1)
				printf("%s# %s\n", i ? "\n" : "", jobs[i].source);
			for (char *line = strsep(&safe, "\n"); line; line = strsep(&safe, "\n")) {
				char shown[1200];

				if (*line)
					puts(cli_safe(shown, sizeof(shown), line));
			}
		}
		free(text);
	}
	return 0;
}

/* ---- summaries ---- */

struct shown {
	enum metric_id metric;
	const char *label;
	enum { AS_COUNT, AS_NS, AS_BYTES, AS_SHARE } as;
};

static const struct shown headline[] = {
	{M_REQUESTS, "requests", AS_COUNT},
	{M_FAILED, "failed allocations", AS_COUNT},
	{M_SIM_TIME, "simulated time", AS_NS},
	{M_LAT_MEAN, "latency, mean", AS_NS},
	{M_LAT_P50, "latency, median", AS_NS},
	{M_LAT_P99, "latency, p99", AS_NS},
	{M_FAST_PATH, "slab fast path", AS_SHARE},
	{M_LOCK_WAIT, "lock wait, all CPUs", AS_NS},
	{M_REQUESTED_PEAK, "requested, peak", AS_BYTES},
	{M_HELD_PEAK, "held, peak", AS_BYTES},
	{M_INTERNAL_FRAG, "internal fragmentation", AS_SHARE},
};

static const char *figure(char *buf, size_t n, const struct shown *s, double value)
{
	if (s->as == AS_NS)
		return cli_time_ns(buf, n, value);
	if (s->as == AS_BYTES)
		return cli_bytes(buf, n, value);
	if (s->as == AS_COUNT)
		return cli_rounded(buf, n, value);
	snprintf(buf, n, "%.1f %%", value * 100);
	return buf;
}

#define METRICS_SQL                                                                                \
	"SELECT m.name, rm.value FROM run_metric rm JOIN metric m ON m.id = rm.metric "            \
	"WHERE rm.run = ? AND rm.phase = -1 ORDER BY m.id"

static int summary_table(struct store *store, s64 run, struct kms_error *err)
{
	static const char *const headings[] = {"figure", "value"};
	double values[NR_METRICS];
	bool known[NR_METRICS] = {false};
	struct cli_table *t;
	struct query q;
	char buf[40];
	bool any = false;

	query_begin(&q, store, err, METRICS_SQL, "i", run);
	while (query_next(&q)) {
		any = true;
		for (size_t i = 0; i < NR_METRICS; i++) {
			if (strcmp(metric_defs[i].name, query_text(&q, 0)))
				continue;
			values[i] = query_double(&q, 1);
			known[i] = true;
		}
	}
	t = any ? cli_table_new(headings, 2) : NULL; /* a run that failed at once has none */
	for (size_t i = 0; i < KMS_ARRAY_SIZE(headline); i++)
		if (known[headline[i].metric])
			cli_table_row(t,
				      (const char *const[]){headline[i].label,
							    figure(buf, sizeof(buf), &headline[i],
								   values[headline[i].metric])});
	cli_table_print(t, stdout);
	return query_end(&q);
}

static int summary_people(const struct cli *cli, struct store *store, s64 run,
			  struct kms_error *err)
{
	char name[200], seconds[40] = "", speed[40] = "";
	struct query q;
	int rc;

	query_begin(&q, store, err, "SELECT name, value FROM host_fact WHERE run = ?", "i", run);
	while (query_next(&q)) {
		if (!strcmp(query_text(&q, 0), "replay"))
			snprintf(seconds, sizeof(seconds), ", %.1f s", query_double(&q, 1));
		else if (!strcmp(query_text(&q, 0), "requests_per_second"))
			snprintf(speed, sizeof(speed), ", %.2f M requests/s",
				 query_double(&q, 1) / 1e6);
	}
	rc = query_end(&q);
	if (rc)
		return rc;
	query_begin(&q, store, err,
		    "SELECT name, status, policy, machine, timing, digest FROM run WHERE id = ?",
		    "i", run);
	if (query_next(&q))
		printf("run %lld: %s, %s (%s on %s, %s timing%s%s)\n", (long long)run,
		       cli_safe(name, sizeof(name), query_text(&q, 0)), query_text(&q, 1),
		       query_text(&q, 2), query_text(&q, 3), query_text(&q, 4),
		       cli->quiet ? "" : seconds, cli->quiet ? "" : speed);
	rc = query_end(&q);
	return rc ? rc : summary_table(store, run, err);
}

static int summary_json(const struct cli *cli, struct store *store, s64 run, struct kms_error *err)
{
	static const char *const columns[] = {"name",    "uuid",   "status", "policy",
					      "machine", "timing", "digest"};
	struct query q;
	struct json j;
	int rc;

	json_start(&j, stdout);
	json_open(&j, NULL, '{');
	json_int(&j, "run", run);
	json_text(&j, "database", cli_db(cli));
	query_begin(
		&q, store, err,
		"SELECT name, uuid, status, policy, machine, timing, digest FROM run WHERE id = ?",
		"i", run);
	if (query_next(&q))
		for (size_t i = 0; i < KMS_ARRAY_SIZE(columns); i++)
			json_text(&j, columns[i], query_text(&q, (int)i));
	rc = query_end(&q);
	if (!rc) {
		json_open(&j, "metrics", '{');
		query_begin(&q, store, err, METRICS_SQL, "i", run);
		while (query_next(&q))
			json_double(&j, query_text(&q, 0), query_double(&q, 1));
		rc = query_end(&q);
		json_close(&j, '}');
	}
	json_close(&j, '}');
	return rc;
}

/* ---- the verb ---- */

static int run_job(const struct cli *cli, struct job *job, struct store *store,
		   struct kms_error *err)
{
	struct kms_error ignored = {0};
	struct cli_progress progress;
	struct run_options options = {
		.progress = cli_progress_update,
		.arg = &progress,
		.interrupted = &cli_interrupted,
		.check = job->config.check,
		.save_state = cli_value(cli, "save-state", NULL),
	};
	s64 id = 0;
	int rc;

	cli_progress_start(&progress, cli, job->config.name, !cli_flag(cli, "no-progress"));
	rc = run_experiment(&job->config, job->json, store, &options, &id, err);
	cli_progress_end(&progress);
	if (id) { /* what was measured before a failure is there, too */
		int shown = (cli->json ? summary_json : summary_people)(cli, store, id,
									rc ? &ignored : err);

		rc = rc ? rc : shown;
	}
	fflush(stdout);
	if (id && !cli->quiet && !cli->json)
		fprintf(stderr, "stored in %s; try: kmemsim show %lld\n", cli_db(cli),
			(long long)id);
	return rc;
}

static int run_jobs(const struct cli *cli, struct job *jobs, int n, struct kms_error *err)
{
	struct store *store;
	int rc = store_open(&store, cli_db(cli), STORE_WRITE, err), closed;

	if (rc)
		return rc;
	for (int i = 0; i < n && !rc; i++) {
		if (i && !cli->json)
			puts("");
		rc = cli_interrupted ? kms_fail(err, KMS_EINTERRUPTED, "interrupted before %s",
						jobs[i].source)
				     : run_job(cli, &jobs[i], store, err);
	}
	closed = store_close(store, rc ? NULL : err);
	return rc ? rc : closed;
}

static int run_run(struct cli *cli, struct kms_error *err)
{
	bool again = cli_flag(cli, "again");
	struct jobs jobs = {0};
	int rc;

	if (again && cli->nr_args)
		return kms_fail(err, KMS_EUSAGE,
				"expected either CONFIG files or --again RUN, found both");
	if (!again && !cli->nr_args)
		return kms_fail(err, KMS_EUSAGE,
				"expected CONFIG files or --again RUN, found nothing "
				"(kmemsim run --help shows examples)");
	rc = load_jobs(cli, &jobs, err);
	if (!rc && cli_flag(cli, "save-state") && jobs.n > 1)
		rc = kms_fail(err, KMS_EUSAGE, "--save-state: one file is for one run, found %d runs", jobs.n);
	if (!rc && cli_flag(cli, "print-config"))
		rc = print_configs(cli, jobs.list, jobs.n, err);
	else if (!rc)
		rc = run_jobs(cli, jobs.list, jobs.n, err);
	free_jobs(&jobs);
	return rc;
}

static const struct cli_option options[] = {
	{"db", 'o', "FILE", "database to write to [results/kmemsim.db, or $KMEMSIM_DB]"},
	{"set", 0, "PATH=VALUE", "override one value, for example machine.cpus=2; may be repeated"},
	{"seed", 0, "N", "the same as --set seed=N"},
	{"timing", 0, "MODE", "cycle or functional: the same as --set timing=MODE"},
	CLI_OPTION_KEEP_RECLAIM,
	{"policy", 0, "NAME|FILE.so", "the same as --set allocator.slab=...: `kmemsim policies` lists names"},
	{"trace", 0, "FILE", "run this trace instead of the configured workload"},
	{"again", 0, "RUN",
	 "repeat a run of the database (its id, name or latest), on the same trace"},
	{"save-state", 0, "FILE", "save the state of memory at the end"},
	{"from-state", 0, "FILE", "begin in a saved state: the same as --set workload.start_state=FILE"},
	{"print-config", 0, NULL, "print every value and where it comes from; run nothing"},
	{"check", 0, NULL, "verify all invariants at every sample; slow"},
	{"no-progress", 0, NULL, "no progress on stderr"},
	{NULL, 0, NULL, NULL},
};

const struct cli_verb cli_verb_run = {
	.name = "run",
	.args = "CONFIG...",
	.summary = "run experiments, one after the other, and store what was measured",
	.examples = "kmemsim run configs/experiments/slub-up.json                        one "
		    "experiment\n"
		    "kmemsim run a.json b.json --set machine.cpus=2 --seed 7             two, with "
		    "changes\n"
		    "kmemsim run configs/experiments/slub-up.json --print-config         what "
		    "would be run\n"
		    "kmemsim run age.json --save-state aged.kms                          age a "
		    "memory, and\n"
		    "kmemsim run next.json --from-state aged.kms                          begin in "
		    "it\n"
		    "kmemsim run --again latest                                          the last "
		    "one once more",
	.options = options,
	.max_args = -1,
	.run = run_run,
};
