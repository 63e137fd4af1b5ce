/*
 * compare_diverge.c - `compare --diverge A B`: where two runs first part.
 *
 * Twice: the first sample at which their waste differs, from the database; and
 * the first request that was answered with another address, by carrying both
 * out again (compare_answers.c). The latter needs a common order of requests,
 * which functional runs of the same workload have.
 */
#include <stdlib.h>
#include <string.h>

#include "results/json.h"
#include "results/query.h"
#include "sim/cli/compare.h"

struct divergence {
	struct cmp *cmp;
	double threshold; /* share of held */
	int parted;	  /* a sample was found */
	struct compare_instant at[2];
	u32 cause;
	s64 before;

	struct cmp_job jobs[2]; /* the runs' configurations */
	const char *no_answers; /* why answers are not compared */
	int answered;		/* a different one was found */
	struct cmp_answer answers[2];
	u64 equal;
	char request[400]; /* in words */
};

static int parse_threshold(const struct cli *cli, double *threshold, struct kms_error *err)
{
	const char *text = cli_value(cli, "threshold", "1");
	char *end;
	double value = strtod(text, &end);

	while (*end == ' ' || *end == '%')
		end++;
	if (end == text || *end || !(value >= 0 && value <= 100))
		return kms_fail(err, KMS_EUSAGE, "--threshold %s: expected per cent, a number from 0 to 100",
				text);
	*threshold = value / 100;
	return 0;
}

int cmp_check_diverge(const struct cmp *cmp, struct kms_error *err)
{
	double ignored;

	if (cmp->nr_columns != 2)
		return kms_fail(err, KMS_EUSAGE, "--diverge compares two columns, found %u", cmp->nr_columns);
	return parse_threshold(cmp->cli, &ignored, err);
}

/* ---- the runs' configurations ---- */

static int load_config(struct divergence *d, int side, struct kms_error *err)
{
	struct cmp_job *job = &d->jobs[side];
	char *text = NULL, name[64];
	struct query q;
	int rc;

	job->run = d->cmp->columns[side].ids.runs[0];
	query_begin(&q, d->cmp->store, err, "SELECT config, trace_hash FROM run WHERE id = ?", "i", job->run);
	if (query_next(&q)) {
		text = strdup(query_text(&q, 0));
		snprintf(job->trace_hash, sizeof(job->trace_hash), "%s", query_text(&q, 1));
	}
	rc = query_end(&q);
	if (!rc && !text)
		rc = kms_fail(err, KMS_EFAIL, "out of memory");
	snprintf(name, sizeof(name), "stored configuration of run %lld", (long long)job->run);
	if (!rc)
		rc = cfg_load_text(&job->cfg, &experiment_config_table, &job->config, text, name, ".", NULL, 0,
				   err);
	free(text);
	if (rc)
		return rc;
	job->json = cfg_resolved(job->cfg);
	return job->json ? 0 : kms_fail(err, KMS_EFAIL, "out of memory");
}

/* The member of the resolved configuration as text; the caller frees. */
static char *member_text(const char *json, const char *key)
{
	cJSON *config = cJSON_Parse(json);
	char *text = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(config, key));

	cJSON_Delete(config);
	return text;
}

static bool same_workload(const struct divergence *d)
{
	char *a = member_text(d->jobs[0].json, "workload"), *b = member_text(d->jobs[1].json, "workload");
	const struct experiment_config *x = &d->jobs[0].config, *y = &d->jobs[1].config;
	bool same = !strcmp(d->jobs[0].trace_hash, d->jobs[1].trace_hash);

	/* a trace is known by its hash; a synthetic workload by what it is drawn from */
	if (same && !*d->jobs[0].trace_hash)
		same = a && b && !strcmp(a, b) && x->seed == y->seed;
	cJSON_free(a);
	cJSON_free(b);
	return same;
}

/* NULL: the answers can be compared. */
static const char *why_not(const struct divergence *d)
{
	for (int i = 0; i < 2; i++)
		if (d->jobs[i].config.timing != TIMING_FUNCTIONAL)
			return "answers are compared between functional runs, which have a common order of "
			       "requests (compare CONFIG --timing functional --vary ... --diverge)";
	return same_workload(d) ? NULL : "the runs had different workloads";
}

/* ---- a request in words ---- */

static void describe(char *buf, size_t n, const struct cmp_answer *a, const struct kms_workload_info *info)
{
	const char *site = a->site < info->nr_sites ? info->sites[a->site] : "";
	const char *name = kms_request_names[a->op];
	size_t len;

	if ((a->op == REQ_CACHE_ALLOC || a->op == REQ_CACHE_ALLOC_BULK) && a->cache < info->nr_caches)
		len = (size_t)snprintf(buf, n, "%s from %s", name, info->caches[a->cache].name);
	else if (a->op == REQ_KMALLOC || a->op == REQ_PAGE_ALLOC_EXACT)
		len = (size_t)snprintf(buf, n, "%s of %llu bytes", name, (unsigned long long)a->size);
	else if (a->op == REQ_PAGE_ALLOC)
		len = (size_t)snprintf(buf, n, "%s of order %u", name, a->order);
	else
		len = (size_t)snprintf(buf, n, "%s", name);
	if (*site && len < n)
		snprintf(buf + len, n - len, ", called by %s", site);
}

static int describe_request(struct divergence *d, struct kms_error *err)
{
	struct kms_stream *stream;
	int rc = run_open_workload(&stream, &d->jobs[0].config, err);

	if (rc)
		return rc;
	describe(d->request, sizeof(d->request), &d->answers[0], stream->info);
	stream->close(stream);
	return 0;
}

/* ---- finding ---- */

static int find(struct divergence *d, struct kms_error *err)
{
	struct cmp *cmp = d->cmp;
	struct cmp_job *const jobs[] = {&d->jobs[0], &d->jobs[1]};
	int rc = parse_threshold(cmp->cli, &d->threshold, err);

	if (!rc) {
		d->parted = compare_diverge(cmp->store, cmp->columns[0].ids.runs[0],
					    cmp->columns[1].ids.runs[0], d->threshold, d->at, &d->cause,
					    &d->before, err);
		rc = d->parted < 0 ? d->parted : 0;
	}
	for (int i = 0; i < 2 && !rc; i++)
		rc = load_config(d, i, err);
	store_close(cmp->store, NULL); /* SQLite must not go through fork() */
	cmp->store = NULL;
	if (rc)
		return rc;
	d->no_answers = why_not(d);
	if (d->no_answers)
		return 0;
	if (!cmp->cli->quiet)
		fprintf(stderr, "carrying out both runs again to compare their answers\n");
	d->answered = cmp_compare_answers(jobs, cli_db(cmp->cli), d->answers, &d->equal, err);
	if (d->answered < 0)
		return d->answered;
	return d->answered ? describe_request(d, err) : 0;
}

/* ---- printing ---- */

static const char *const cause_labels[COMPARE_CAUSES + 1] = {
	"size rounding", "slab tails", "page-order rounding", "free in partial slabs", "cached by CPUs", "waste",
};

static s64 waste(const struct compare_instant *at)
{
	s64 sum = 0;

	for (int i = 0; i < COMPARE_CAUSES; i++)
		sum += at->waste[i];
	return sum;
}

static void bytes_row(struct cli_table *t, const char *label, s64 a, s64 b)
{
	char x[40], y[40], difference[48];
	size_t sign = b >= a ? 1 : 0;

	if (sign)
		difference[0] = '+';
	cli_bytes(difference + sign, sizeof(difference) - 1, (double)(b - a));
	cli_table_row(t, (const char *const[]){label, cli_bytes(x, sizeof(x), (double)a),
					       cli_bytes(y, sizeof(y), (double)b), a == b ? "0 B" : difference});
}

/* What the letters stand for, where the table has letters. */
static void print_key(const struct divergence *d)
{
	char safe[300];

	for (int i = 0; i < 2; i++) {
		const struct cmp_column *c = &d->cmp->columns[i];

		if (strcmp(c->shown, c->label))
			printf("%s: %s\n", c->shown, cli_safe(safe, sizeof(safe), c->label));
	}
}

static void print_sample(const struct divergence *d)
{
	const char *const headings[] = {"", d->cmp->columns[0].shown, d->cmp->columns[1].shown, "difference"};
	const struct compare_instant *a = &d->at[0], *b = &d->at[1];
	char request[32], before[32];
	struct cli_table *t;

	if (!d->parted) {
		printf("Waste: at every sample within %.4g %% of what is held\n", 100 * d->threshold);
		return;
	}
	printf("Waste: first apart by more than %.4g %% of what is held at the sample after request %s\n"
	       "(not yet at the one after request %s), most by %s\n",
	       100 * d->threshold, cli_count(request, sizeof(request), (u64)a->request),
	       cli_count(before, sizeof(before), (u64)d->before), cause_labels[d->cause]);
	t = cli_table_new(headings, 4);
	for (int i = 0; i < COMPARE_CAUSES; i++)
		bytes_row(t, cause_labels[i], a->waste[i], b->waste[i]);
	bytes_row(t, "waste", waste(a), waste(b));
	bytes_row(t, "held", a->held, b->held);
	cli_table_print(t, stdout);
}

static void address_text(char *buf, size_t n, u64 address)
{
	if (address == ~0ull)
		snprintf(buf, n, "no memory");
	else
		snprintf(buf, n, "0x%llx (frame %llu + %llu)", (unsigned long long)address,
			 (unsigned long long)(address >> 12), (unsigned long long)(address & 4095));
}

static void print_answers(const struct divergence *d)
{
	char count[32], address[80], safe[900];

	if (d->no_answers) {
		printf("Answers: %s\n", d->no_answers);
		return;
	}
	if (!d->answered) {
		printf("Answers: all %s are equal\n", cli_count(count, sizeof(count), d->equal));
		return;
	}
	printf("Answers: the first that differs is that of request %s",
	       cli_count(count, sizeof(count), d->answers[0].seq));
	if (d->answers[0].object)
		printf(", object %u", d->answers[0].object + 1);
	printf(" (%s equal ones before)\n  %s\n", cli_count(count, sizeof(count), d->equal),
	       cli_safe(safe, sizeof(safe), d->request));
	for (int i = 0; i < 2; i++) {
		address_text(address, sizeof(address), d->answers[i].address);
		printf("  %s: %s\n", cli_safe(safe, sizeof(safe), d->cmp->columns[i].shown), address);
	}
}

static void json_sample(struct json *j, const struct divergence *d)
{
	json_open(j, "sample", '{');
	json_int(j, "request", d->at[0].request);
	json_int(j, "not_yet_at_request", d->before);
	json_text(j, "cause", d->cause < COMPARE_CAUSES ? compare_cause_names[d->cause] : "waste");
	json_open(j, "columns", '[');
	for (int k = 0; k < 2; k++) {
		json_open(j, NULL, '{');
		json_int(j, "held", d->at[k].held);
		for (int i = 0; i < COMPARE_CAUSES; i++)
			json_int(j, compare_cause_names[i], d->at[k].waste[i]);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void json_answers(struct json *j, const struct divergence *d)
{
	json_open(j, "answer", '{');
	json_uint(j, "request", d->answers[0].seq);
	json_uint(j, "object", d->answers[0].object);
	json_text(j, "what", d->request);
	json_open(j, "addresses", '[');
	for (int i = 0; i < 2; i++) {
		if (d->answers[i].address == ~0ull)
			json_null(j, NULL);
		else
			json_uint(j, NULL, d->answers[i].address);
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void print_json(const struct divergence *d)
{
	struct json j;

	json_start(&j, stdout);
	json_open(&j, NULL, '{');
	json_open(&j, "runs", '[');
	for (int i = 0; i < 2; i++)
		json_int(&j, NULL, d->jobs[i].run);
	json_close(&j, ']');
	json_double(&j, "threshold", d->threshold);
	if (d->parted)
		json_sample(&j, d);
	else
		json_null(&j, "sample");
	json_bool(&j, "answers_compared", !d->no_answers);
	json_uint(&j, "equal_answers", d->equal);
	if (d->answered)
		json_answers(&j, d);
	else
		json_null(&j, "answer");
	json_close(&j, '}');
}

int cmp_diverge(struct cmp *cmp, struct kms_error *err)
{
	struct divergence d = {.cmp = cmp};
	int rc;

	if (cmp->nr_columns != 2)
		return cmp_check_diverge(cmp, err);
	rc = find(&d, err);
	if (!rc && cmp->cli->json) {
		print_json(&d);
	} else if (!rc) {
		print_key(&d);
		print_sample(&d);
		putchar('\n');
		print_answers(&d);
	}
	for (int i = 0; i < 2; i++) {
		free(d.jobs[i].json);
		cfg_free(d.jobs[i].cfg);
	}
	return rc;
}
