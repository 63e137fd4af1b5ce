/*
 * compare_answers.c - two runs side by side, answer by answer.
 *
 * Each run is a process that writes what its allocations answered into a pipe;
 * the parent reads both in step and stops at the first difference, so that
 * nothing is stored and nothing is run further than needed.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "models/mm/mm.h"
#include "sim/cli/compare.h"
#include "workloads/request.h"

#define PIPE_BUFFER (1u << 20)

/* Behind the last answer: how the run ended. */
#define END_SEQ (~0ull)

struct side {
	pid_t pid;
	FILE *in;
	char db[4200];
	struct kms_error end;
	bool ended;
};

/* ---- in the process of a run ---- */

static void send_answer(void *out, const struct kms_request *rq, u32 object, u64 address)
{
	struct cmp_answer answer = {
		.seq = rq->seq, .address = address, .size = rq->size, .op = (u32)rq->op, .site = rq->site,
		.cache = rq->cache, .order = rq->order, .object = object,
	};

	fwrite(&answer, sizeof(answer), 1, out);
}

static int run_side(struct cmp_job *job, const char *db, FILE *out, struct kms_error *err)
{
	struct run_options options = {
		.interrupted = &cli_interrupted, .answer = send_answer, .answer_arg = out,
	};
	struct store *store;
	s64 id;
	int rc = store_open(&store, db, STORE_WRITE, err);

	if (rc)
		return rc;
	job->config.sampling.samples = 1; /* nobody reads them */
	rc = run_experiment(&job->config, job->json, store, &options, &id, err);
	store_close(store, NULL);
	return rc;
}

static void work(struct cmp_job *job, const char *db, int fd)
{
	struct cmp_answer end = {.seq = END_SEQ};
	struct kms_error err = {0};
	FILE *out = fdopen(fd, "wb");

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!out)
		_exit(1);
	setvbuf(out, NULL, _IOFBF, PIPE_BUFFER);
	run_side(job, db, out, &err);
	fwrite(&end, sizeof(end), 1, out);
	fwrite(&err, sizeof(err), 1, out);
	fclose(out);
	_exit(0);
}

/* ---- in the parent ---- */

static int start(struct side *side, struct cmp_job *job, struct kms_error *err)
{
	int ends[2];

	if (pipe(ends))
		return kms_fail(err, KMS_EFAIL, "cannot make a pipe: %s", strerror(errno));
	fflush(NULL);
	side->pid = fork();
	if (!side->pid) {
		close(ends[0]);
		work(job, side->db, ends[1]);
	}
	close(ends[1]);
	side->in = side->pid > 0 ? fdopen(ends[0], "rb") : NULL;
	if (!side->in) {
		close(ends[0]);
		return kms_fail(err, KMS_EFAIL, "cannot start a process: %s", strerror(errno));
	}
	setvbuf(side->in, NULL, _IOFBF, PIPE_BUFFER);
	return 0;
}

static void stop(struct side *side)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char path[4300];

	if (side->in)
		fclose(side->in);
	if (side->pid > 0) {
		kill(side->pid, SIGKILL);
		while (waitpid(side->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	for (size_t i = 0; i < KMS_ARRAY_SIZE(ends); i++) {
		snprintf(path, sizeof(path), "%s%s", side->db, ends[i]);
		unlink(path);
	}
}

static int next_answer(struct side *side, struct cmp_answer *answer, struct kms_error *err)
{
	if (cli_interrupted)
		return kms_fail(err, KMS_EINTERRUPTED, "interrupted");
	if (fread(answer, sizeof(*answer), 1, side->in) != 1)
		return kms_fail(err, cli_interrupted ? KMS_EINTERRUPTED : KMS_EFAIL,
				"the process that repeats a run ended early");
	if (answer->seq != END_SEQ)
		return 0;
	side->ended = true;
	if (fread(&side->end, sizeof(side->end), 1, side->in) != 1)
		return kms_fail(err, KMS_EFAIL, "the process that repeats a run ended early");
	return side->end.code ? kms_fail(err, side->end.code, "%s", side->end.text) : 0;
}

static bool same_answer(const struct cmp_answer *a, const struct cmp_answer *b)
{
	return a->seq == b->seq && a->object == b->object && a->address == b->address;
}

static int compare_sides(struct side sides[2], struct cmp_answer answers[2], u64 *equal,
			 struct kms_error *err)
{
	for (*equal = 0;; (*equal)++) {
		int rc = next_answer(&sides[0], &answers[0], err);

		if (!rc)
			rc = next_answer(&sides[1], &answers[1], err);
		if (rc)
			return rc;
		if (sides[0].ended && sides[1].ended)
			return 0;
		if (sides[0].ended || sides[1].ended)
			return kms_fail(err, KMS_EFAIL, "one of the runs answered only %llu times, the other more often",
					(unsigned long long)*equal);
		if (!same_answer(&answers[0], &answers[1]))
			return 1;
	}
}

int cmp_compare_answers(struct cmp_job *const jobs[2], const char *db, struct cmp_answer answers[2],
			u64 *equal, struct kms_error *err)
{
	struct side sides[2] = {{0}};
	char dir[4096];
	int rc = 0;

	snprintf(dir, sizeof(dir), "%s-runs-XXXXXX", db);
	if (!mkdtemp(dir))
		return kms_fail(err, KMS_EFAIL, "cannot make the folder '%s': %s", dir, strerror(errno));
	for (int i = 0; i < 2 && !rc; i++) {
		snprintf(sides[i].db, sizeof(sides[i].db), "%s/%d.db", dir, i);
		rc = start(&sides[i], jobs[i], err);
	}
	if (!rc)
		rc = compare_sides(sides, answers, equal, err);
	stop(&sides[0]);
	stop(&sides[1]);
	rmdir(dir);
	return rc;
}
