/*
 * trace_minimise.c - `trace minimise`: what must still be so, and the runs that
 * find out, each in a process of its own, so that one that crashes only fails.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "results/query.h"
#include "sim/cli/trace.h"
#include "workloads/minimise.h"

/* Written by the process that runs. */
struct outcome {
	int rc;
	bool known; /* the metric has a value */
	double value;
	struct kms_error err;
};

struct predicate {
	struct cli *cli;
	const char *command;
	const char *config;
	char metric[64];
	const char *comparison; /* ">", ">=", ...; NULL: that it fails */
	double value;
	const char *text; /* of the failure; NULL: any */
	char db[4096];
	struct outcome *outcome;
};

static bool compares(double a, const char *how, double b)
{
	if (!strcmp(how, ">"))
		return a > b;
	if (!strcmp(how, ">="))
		return a >= b;
	return !strcmp(how, "<") ? a < b : a <= b;
}

static const char *const metric_names[] = {
#define METRIC(id, name, unit, better, definition) name,
#include "results/metrics.def"
#undef METRIC
	"extfrag",
};

static int parse_keep(struct predicate *p, const char *text, struct kms_error *err)
{
	static const char *const signs[] = {">=", "<=", ">", "<"};
	size_t n = strcspn(text, "<>");
	char *end;

	if (!strncmp(text, "fails", 5) && (!text[5] || text[5] == '=')) {
		p->text = text[5] ? text + 6 : NULL;
		return 0;
	}
	for (size_t i = 0; i < KMS_ARRAY_SIZE(signs) && !p->comparison; i++)
		if (!strncmp(text + n, signs[i], strlen(signs[i])))
			p->comparison = signs[i];
	if (!p->comparison || !n || n >= sizeof(p->metric))
		return kms_fail(err, KMS_EUSAGE, "--keep: expected METRIC>VALUE (or <, >=, <=), fails or fails=TEXT, found \"%s\"",
				text);
	snprintf(p->metric, sizeof(p->metric), "%.*s", (int)n, text);
	p->value = strtod(text + n + strlen(p->comparison), &end);
	if (end == text + n + strlen(p->comparison) || *end)
		return kms_fail(err, KMS_EUSAGE, "--keep: expected a number after %s, found \"%s\"", p->comparison,
				text + n + strlen(p->comparison));
	for (size_t i = 0; i < KMS_ARRAY_SIZE(metric_names); i++)
		if (!strcmp(metric_names[i], p->metric))
			return 0;
	return cli_unknown(err, "metric", p->metric, metric_names, KMS_ARRAY_SIZE(metric_names));
}

/* ---- one run, in its own process ---- */

static int read_metric(struct predicate *p, struct store *store, s64 run, struct kms_error *err)
{
	const char *name = strcmp(p->metric, "extfrag") ? p->metric : "unusable_index_order9";
	struct query q;

	query_begin(&q, store, err,
		    "SELECT value FROM run_metric JOIN metric ON metric.id = run_metric.metric"
		    " WHERE run = ? AND phase < 0 AND metric.name = ?", "is", run, name);
	p->outcome->known = query_next(&q);
	if (p->outcome->known)
		p->outcome->value = query_double(&q, 0);
	return query_end(&q);
}

static int load(struct predicate *p, const char *trace, struct cfg **cfg, struct experiment_config *config,
		struct kms_error *err)
{
	size_t n;
	const char *const *given = cli_values(p->cli, "set", &n), **sets = calloc(n + 5, sizeof(*sets));
	char *path = NULL;
	int rc;

	if (!sets || asprintf(&path, "workload.trace=%s", trace) < 0)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	sets[0] = path;
	sets[1] = "workload.synthetic=null";
	sets[2] = "workload.adversary=null";
	sets[3] = "workload.parameters=null";
	sets[4] = cli_flag(p->cli, "check") ? "check=true" : "matrix=null";
	for (size_t i = 0; i < n; i++)
		sets[5 + i] = given[i];
	rc = cfg_load(cfg, &experiment_config_table, config, p->config, sets, n + 5, err);
	free(sets);
	free(path);
	return rc;
}

static int run_once(struct predicate *p, const char *trace, struct kms_error *err)
{
	struct run_options options = {0};
	struct experiment_config config;
	struct store *store;
	struct cfg *cfg;
	char *json;
	s64 run = 0;
	int rc = load(p, trace, &cfg, &config, err);

	if (rc)
		return rc;
	json = cfg_resolved(cfg);
	rc = json ? store_open(&store, p->db, STORE_WRITE, err) : kms_fail(err, KMS_EFAIL, "out of memory");
	if (!rc) {
		options.check = config.check;
		rc = run_experiment(&config, json, store, &options, &run, err);
		if (!rc && p->comparison)
			rc = read_metric(p, store, run, err);
		store_close(store, NULL);
	}
	free(json);
	cfg_free(cfg);
	return rc;
}

static void remove_db(const struct predicate *p)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	char path[4200];

	for (size_t i = 0; i < KMS_ARRAY_SIZE(ends); i++) {
		snprintf(path, sizeof(path), "%s%s", p->db, ends[i]);
		unlink(path);
	}
}

static int wait_for(pid_t pid, int *status, struct kms_error *err)
{
	while (waitpid(pid, status, 0) < 0)
		if (cli_interrupted)
			break;
	return cli_interrupted ? kms_fail(err, KMS_EINTERRUPTED, "interrupted") : 0;
}

static int test_run(struct predicate *p, const char *trace, bool *holds, struct kms_error *err)
{
	struct outcome *o = p->outcome;
	int status = 0;
	pid_t pid;

	memset(o, 0, sizeof(*o));
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return kms_fail(err, KMS_EFAIL, "cannot start another process");
	if (!pid) {
		o->rc = run_once(p, trace, &o->err);
		_exit(0);
	}
	if (wait_for(pid, &status, err))
		return KMS_EINTERRUPTED;
	remove_db(p);
	if (WIFSIGNALED(status))
		*holds = !p->comparison && !p->text;
	else if (o->rc == KMS_EFAIL)
		*holds = !p->comparison && (!p->text || strstr(o->err.text, p->text));
	else if (o->rc)
		return kms_fail(err, o->rc, "%s", o->err.text);
	else
		*holds = p->comparison && o->known && compares(o->value, p->comparison, p->value);
	return 0;
}

/* {} in the command is the trace's name; without, the name is appended. */
static int test_command(struct predicate *p, const char *trace, bool *holds, struct kms_error *err)
{
	const char *place = strstr(p->command, "{}");
	size_t before = place ? (size_t)(place - p->command) : strlen(p->command);
	char *text = NULL;
	int status;

	if (asprintf(&text, "%.*s%s'%s'%s", (int)before, p->command, place ? "" : " ", trace,
		     place ? place + 2 : "") < 0)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	fflush(stdout);
	status = system(text);
	free(text);
	if (cli_interrupted || (status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == 2))
		return kms_fail(err, KMS_EINTERRUPTED, "interrupted");
	if (status == -1 || (WIFEXITED(status) && WEXITSTATUS(status) == 127))
		return kms_fail(err, KMS_EUSAGE, "--command: cannot be run: %s", p->command);
	*holds = !status;
	return 0;
}

static int test(void *arg, const char *trace, bool *holds, struct kms_error *err)
{
	struct predicate *p = arg;

	return p->command ? test_command(p, trace, holds, err) : test_run(p, trace, holds, err);
}

static void report(void *arg, u64 tests, u64 requests, u64 objects)
{
	const struct predicate *p = arg;

	if (!p->cli->quiet && tests % 10 == 0)
		fprintf(stderr, "%llu runs: %llu requests, %llu objects\n", (unsigned long long)tests,
			(unsigned long long)requests, (unsigned long long)objects);
}

/* ---- the action ---- */

static int prepare(struct predicate *p, const char *output, struct kms_error *err)
{
	const char *keep = cli_value(p->cli, "keep", NULL);

	p->command = cli_value(p->cli, "command", NULL);
	p->config = cli_value(p->cli, "config", NULL);
	if (!keep == !p->command)
		return kms_fail(err, KMS_EUSAGE, "expected either --keep WHAT with --config FILE or --command COMMAND, found %s",
				keep ? "both" : "neither");
	if (keep && !p->config)
		return kms_fail(err, KMS_EUSAGE, "--keep needs --config FILE: the experiment to run");
	if (keep && parse_keep(p, keep, err))
		return KMS_EUSAGE;
	snprintf(p->db, sizeof(p->db), "%s.db", output);
	p->outcome = mmap(NULL, sizeof(*p->outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return p->outcome == MAP_FAILED ? kms_fail(err, KMS_EFAIL, "out of memory") : 0;
}

static int max_runs(const struct cli *cli, u64 *runs, struct kms_error *err)
{
	const char *text = cli_value(cli, "max-runs", "300");
	char *end;

	*runs = strtoull(text, &end, 10);
	if (!isdigit((u8)*text) || *end || !*runs)
		return kms_fail(err, KMS_EUSAGE, "--max-runs: expected a number from 1, found \"%s\"", text);
	return 0;
}

int cli_trace_minimise(struct cli *cli, struct kms_error *err)
{
	struct predicate p = {.cli = cli};
	struct minimise_options o = {.test = test, .report = report, .arg = &p};
	struct minimise_result r;
	const char *output;
	int rc;

	if (cli_trace_output(cli, &output, err) || max_runs(cli, &o.max_tests, err))
		return KMS_EUSAGE;
	rc = prepare(&p, output, err);
	if (rc)
		return rc;
	rc = trace_minimise(cli->args[1], output, &o, &r, err);
	munmap(p.outcome, sizeof(*p.outcome));
	if (rc)
		return rc;
	const struct cli_trace_count counts[] = {
		{"requests_before", "requests before", r.requests_before},
		{"requests", "requests now", r.requests},
		{"objects_before", "objects before", r.objects_before},
		{"objects", "objects now", r.objects},
		{"runs", "runs", r.tests},
		{"minimal", r.minimal ? "minimal: no single object can be left out" :
					"minimal: no, --max-runs was reached", r.minimal},
	};

	cli_trace_counts(cli, counts, KMS_ARRAY_SIZE(counts), output);
	return 0;
}
