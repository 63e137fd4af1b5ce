/*
 * compare_jobs.c - running what a comparison lacks, side by side.
 *
 * A run is a process with a database of its own in a folder beside the real
 * one; when it is done the parent merges it, all or nothing, and removes it. A
 * run that fails or is interrupted leaves nothing behind, so that the same
 * command goes on where it was. Processes tell the parent over a pipe how far
 * they are and how they ended. The parent has no database open while it forks.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "results/merge.h"
#include "sim/cli/compare.h"

#define MAX_JOBS 256
#define POLL_MS 100

/* Written and read whole: shorter than a pipe's atomic size. */
struct report {
	bool done;
	u64 requests, total;
	struct kms_error err;
};

struct worker {
	struct cmp_job *job;
	pid_t pid;
	int fd;
	char db[4200];
	struct report last;
};

struct pool {
	struct cmp *cmp;
	struct worker *workers;
	u32 nr_workers, running;
	struct cmp_job **queue;
	u32 nr_queued, next, done;
	char dir[4096];
	bool drawn, stopping;
	double next_draw; /* host seconds */
	struct kms_error *err;
};

/* ---- in the process of a run ---- */

static void send(int fd, const struct report *report)
{
	ssize_t n;

	do
		n = write(fd, report, sizeof(*report));
	while (n < 0 && errno == EINTR);
}

static void send_progress(void *arg, const struct run_progress *p)
{
	struct report report = {.requests = p->requests, .total = p->total};

	send(*(int *)arg, &report);
}

static int run_one(const struct cmp_job *job, const char *db, int fd, struct kms_error *err)
{
	struct run_options options = {
		.progress = send_progress,
		.arg = &fd,
		.interrupted = &cli_interrupted,
		.check = job->config.check,
	};
	struct store *store;
	s64 id = 0;
	int rc = store_open(&store, db, STORE_WRITE, err), closed;

	if (rc)
		return rc;
	rc = run_experiment(&job->config, job->json, store, &options, &id, err);
	closed = store_close(store, rc ? NULL : err);
	return rc ? rc : closed;
}

static void work(const struct cmp_job *job, const char *db, int fd)
{
	struct report report = {.done = true};

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	run_one(job, db, fd, &report.err);
	send(fd, &report);
	_exit(0);
}

/* ---- in the parent ---- */

static int start(struct pool *p, struct worker *w, struct cmp_job *job)
{
	int ends[2];

	*w = (struct worker){.job = job, .fd = -1};
	snprintf(w->db, sizeof(w->db), "%s/%u.db", p->dir, p->next);
	if (pipe(ends))
		return kms_fail(p->err, KMS_EFAIL, "cannot make a pipe: %s", strerror(errno));
	fflush(NULL);
	w->pid = fork();
	if (!w->pid) {
		close(ends[0]);
		work(job, w->db, ends[1]);
	}
	close(ends[1]);
	w->fd = ends[0];
	if (w->pid > 0) {
		p->running++;
		return 0;
	}
	close(w->fd);
	w->fd = -1;
	return kms_fail(p->err, KMS_EFAIL, "cannot start a process: %s", strerror(errno));
}

static void remove_db(const char *db)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	char path[4300];

	for (size_t i = 0; i < KMS_ARRAY_SIZE(ends); i++) {
		snprintf(path, sizeof(path), "%s%s", db, ends[i]);
		unlink(path);
	}
}

static int merge(struct pool *p, struct worker *w)
{
	struct store *store;
	int rc = store_open(&store, cli_db(p->cmp->cli), STORE_WRITE, p->err), closed;

	if (rc)
		return rc;
	rc = store_merge(store, w->db, &w->job->run, p->err);
	closed = store_close(store, rc ? NULL : p->err);
	return rc ? rc : closed;
}

static void note_done(struct pool *p, const struct worker *w)
{
	char safe[200];

	if (p->cmp->cli->quiet)
		return;
	if (p->drawn)
		fputs("\r\033[K", stderr);
	p->drawn = false;
	fprintf(stderr, "%u of %u: %s, stored as run %lld\n", p->done, p->nr_queued,
		cli_safe(safe, sizeof(safe), w->job->label), (long long)w->job->run);
}

/* The pipe of a process has ended: it has, too, or is about to. */
static void finish(struct pool *p, struct worker *w)
{
	int status = 0, rc;

	close(w->fd);
	w->fd = -1;
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	p->running--;
	rc = w->last.err.code;
	if (!w->last.done && !p->stopping)
		rc = kms_fail(p->err, KMS_EFAIL, "%s: its process ended early (%s %d)", w->job->label,
			      WIFSIGNALED(status) ? "signal" : "exit status",
			      WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	else if (rc && rc != KMS_EINTERRUPTED)
		kms_fail(p->err, w->last.err.code, "%s: %s", w->job->label, w->last.err.text);
	else if (!rc && w->last.done && !merge(p, w)) {
		p->done++;
		note_done(p, w);
	}
	remove_db(w->db);
}

static void receive(struct pool *p, struct worker *w)
{
	struct report report;
	ssize_t n = read(w->fd, &report, sizeof(report));

	if (n == sizeof(report))
		w->last = report;
	else if (n >= 0 || errno != EINTR)
		finish(p, w);
}

/* Ask the processes to end when something failed or the user wants it. */
static void stop_if_needed(struct pool *p)
{
	if (p->stopping || (!cli_interrupted && !p->err->code))
		return;
	p->stopping = true;
	for (u32 i = 0; i < p->nr_workers; i++)
		if (p->workers[i].fd >= 0)
			kill(p->workers[i].pid, SIGTERM);
}

static double host_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void draw(struct pool *p)
{
	double parts = 0, now = host_seconds();

	if (!p->cmp->cli->progress_bar || p->cmp->cli->quiet || now < p->next_draw)
		return;
	p->next_draw = now + POLL_MS / 1000.0;
	for (u32 i = 0; i < p->nr_workers; i++) {
		const struct report *r = &p->workers[i].last;

		if (p->workers[i].fd >= 0 && (r->done || r->total))
			parts += r->done ? 1 : (double)r->requests / (double)r->total;
	}
	fprintf(stderr, "\r%u of %u runs done, %u at work, %.0f %%\033[K", p->done, p->nr_queued,
		p->running, 100 * (p->done + parts) / p->nr_queued);
	fflush(stderr);
	p->drawn = true;
}

static int start_more(struct pool *p)
{
	int rc = 0;

	for (u32 i = 0; i < p->nr_workers && !rc && !p->stopping; i++) {
		if (p->workers[i].fd >= 0 || p->next == p->nr_queued)
			continue;
		rc = start(p, &p->workers[i], p->queue[p->next]);
		p->next += !rc;
	}
	return rc;
}

static void run_pool(struct pool *p)
{
	struct pollfd fds[MAX_JOBS];

	start_more(p);
	while (p->running) {
		for (u32 i = 0; i < p->nr_workers; i++)
			fds[i] = (struct pollfd){.fd = p->workers[i].fd, .events = POLLIN};
		if (poll(fds, p->nr_workers, POLL_MS) > 0)
			for (u32 i = 0; i < p->nr_workers; i++)
				if (fds[i].fd >= 0 && fds[i].revents)
					receive(p, &p->workers[i]);
		stop_if_needed(p);
		start_more(p);
		draw(p);
	}
	if (p->drawn)
		fputs("\r\033[K", stderr);
}

/* ---- */

static int parse_jobs(const struct cli *cli, u32 *n, struct kms_error *err)
{
	const char *text = cli_value(cli, "jobs", NULL);
	unsigned long value;
	char *end;

	if (!text) {
		long cpus = sysconf(_SC_NPROCESSORS_ONLN);

		*n = cpus < 1 ? 1 : cpus > MAX_JOBS ? MAX_JOBS : (u32)cpus;
		return 0;
	}
	value = strtoul(text, &end, 10);
	if (*end || *text < '0' || *text > '9' || !value || value > MAX_JOBS)
		return kms_fail(err, KMS_EUSAGE, "--jobs %s: expected a number from 1 to %d", text, MAX_JOBS);
	*n = (u32)value;
	return 0;
}

static u32 count_jobs(const struct cmp *cmp)
{
	u32 n = 0;

	for (u32 i = 0; i < cmp->nr_columns; i++)
		n += cmp->columns[i].nr_jobs;
	return n;
}

static int make_queue(struct pool *p)
{
	u32 jobs = count_jobs(p->cmp);

	p->queue = calloc(jobs + 1, sizeof(*p->queue));
	if (!p->queue)
		return kms_fail(p->err, KMS_EFAIL, "out of memory");
	for (u32 i = 0; i < p->cmp->nr_columns; i++)
		for (u32 k = 0; k < p->cmp->columns[i].nr_jobs; k++) {
			struct cmp_job *job = &p->cmp->columns[i].jobs[k];

			if (!job->run && !job->same)
				p->queue[p->nr_queued++] = job;
		}
	if (!p->cmp->cli->quiet && jobs > p->nr_queued)
		fprintf(stderr, "%u of %u runs are in %s already\n", jobs - p->nr_queued, jobs,
			cli_db(p->cmp->cli));
	return 0;
}

static int run_queue(struct pool *p)
{
	struct kms_error *err = p->err;

	snprintf(p->dir, sizeof(p->dir), "%s-runs-XXXXXX", cli_db(p->cmp->cli));
	if (!mkdtemp(p->dir))
		return kms_fail(err, KMS_EFAIL, "cannot make the folder '%s' for the runs' databases: %s",
				p->dir, strerror(errno));
	p->workers = calloc(p->nr_workers, sizeof(*p->workers));
	if (p->workers) {
		for (u32 i = 0; i < p->nr_workers; i++)
			p->workers[i].fd = -1;
		run_pool(p);
	} else {
		kms_fail(err, KMS_EFAIL, "out of memory");
	}
	free(p->workers);
	rmdir(p->dir);
	if (!err->code && p->done < p->nr_queued)
		kms_fail(err, KMS_EINTERRUPTED,
			 "interrupted: %u of %u runs are done and stored; the same command goes on "
			 "with the rest",
			 p->done, p->nr_queued);
	return err->code;
}

int cmp_run_missing(struct cmp *cmp, struct kms_error *err)
{
	struct pool p = {.cmp = cmp, .err = err};
	int rc = parse_jobs(cmp->cli, &p.nr_workers, err);

	if (!rc)
		rc = make_queue(&p);
	if (p.nr_workers > p.nr_queued)
		p.nr_workers = p.nr_queued;
	if (!rc && p.nr_queued)
		rc = run_queue(&p);
	free(p.queue);
	return rc;
}
