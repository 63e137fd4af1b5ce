/*
 * grade_policy.c - grade_policy.h. A child process builds the allocator and runs
 * the workloads of configs/labs/grading.json, first with SLUB; what it finds comes
 * through a pipe, task by task, so that what was reached before a crash counts.
 */
#include "sim/labs/grade_policy.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "results/json.h"
#include "sim/cli/cli.h"
#include "sim/plugin/plugin.h"

#define POINTS_DONE 8.0 /* of each task's 20 */
#define POINTS_HELD 6.0
#define POINTS_TIME 6.0
#define LARGEST_OUTPUT (64u << 20)

static const struct {
	const char *name, *settings;
} tasks[GRADE_TASKS] = {
	{"pairs of every size", "workload.adversary=slab-pairs workload.parameters.objects=200"},
	{"batches of every size", "workload.adversary=slab-batch workload.parameters.objects=200"},
	{"size borders", "workload.adversary=size-borders workload.parameters.objects=60 workload.parameters.rounds=4"},
	{"freed by other CPUs", "workload.adversary=remote-free-storm workload.parameters.rounds=4"},
	{"mixed, four CPUs", "workload.adversary=none"},
};

static const struct lab grading = {.name = "grading"};

bool grade_is_policy(const char *path)
{
	size_t n = strlen(path);

	return (n > 2 && !strcmp(path + n - 2, ".c")) || (n > 3 && !strcmp(path + n - 3, ".so"));
}

/* ---- in the child ---- */

/* What the child sends: a task's figures, or (task GRADE_TASKS) the fault. */
struct message {
	u32 task;
	double held, held_slub, time, time_slub;
	char fault[1024];
};

static void send_fault(int fd, const char *where, const char *what)
{
	struct message m = {.task = GRADE_TASKS};

	snprintf(m.fault, sizeof(m.fault), "%s: %s", where, what);
	if (write(fd, &m, sizeof(m)) != sizeof(m))
		_exit(3);
}

static int run_task(struct lab_run *r, u32 task, const char *slab, double *held, double *took, struct kms_error *err)
{
	char text[512], setting[4400], *save, *one;
	const char *list[8] = {setting};
	size_t n = 1;
	s64 run;
	int rc;

	snprintf(setting, sizeof(setting), "allocator.slab=%s", slab);
	snprintf(text, sizeof(text), "%s", tasks[task].settings);
	for (one = strtok_r(text, " ", &save); one && n < KMS_ARRAY_SIZE(list); one = strtok_r(NULL, " ", &save))
		list[n++] = one;
	if (task + 1 == GRADE_TASKS)
		list[n++] = "workload.parameters=null";
	else
		list[n++] = "workload.synthetic=null";
	rc = lab_experiment(r, tasks[task].name, list, n, &run, err);
	if (rc)
		return rc;
	*held = lab_metric(r, run, "held_bytes_peak");
	*took = lab_metric(r, run, "latency_mean");
	return 0;
}

static void run_tasks(struct lab_run *r, const char *slab, int fd, struct kms_error *err)
{
	for (u32 t = 0; t < GRADE_TASKS; t++) {
		struct message m = {.task = t};

		if (run_task(r, t, "slub", &m.held_slub, &m.time_slub, err) ||
		    run_task(r, t, slab, &m.held, &m.time, err)) {
			send_fault(fd, tasks[t].name, err->text);
			return;
		}
		if (write(fd, &m, sizeof(m)) != sizeof(m))
			return;
	}
}

/* The file to load: the one given, or what it is compiled to in dir. */
static int build(const char *path, const char *dir, char *so, size_t n, struct kms_error *err)
{
	char full[4096];

	if (!realpath(path, full))
		return kms_fail(err, KMS_EUSAGE, "%s: %s", path, strerror(errno));
	if (strcmp(path + strlen(path) - 2, ".c")) {
		snprintf(so, n, "%s", full);
		return 0;
	}
	snprintf(so, n, "%s/graded.so", dir);
	if (plugin_build(full, so, NULL, false, err))
		return err->code;
	plugin_unload();
	return 0;
}

static void child(const char *path, const char *dir, int fd, const struct grade_limits *limits)
{
	const struct rlimit cpu = {limits->seconds, limits->seconds}, core = {0, 0};
	const struct rlimit output = {LARGEST_OUTPUT, LARGEST_OUTPUT};
	const struct lab_options options = {.seed = 1};
	struct rlimit space, before;
	struct lab_run *r = NULL;
	char so[4200];
	struct kms_error err;
	int rc;

	setpgid(0, 0);
	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_CORE, &core);
	setrlimit(RLIMIT_FSIZE, &output);
	/* the compiler's memory; the simulation reserves much address space that it does not use */
	getrlimit(RLIMIT_AS, &before);
	space = before;
	space.rlim_cur = limits->bytes;
	setrlimit(RLIMIT_AS, &space);
	rc = build(path, dir, so, sizeof(so), &err);
	setrlimit(RLIMIT_AS, &before);
	if (rc)
		send_fault(fd, "building it", err.text);
	else if (lab_open(&r, &grading, &options, &err))
		send_fault(fd, "reading the workloads", err.text);
	else
		run_tasks(r, so, fd, &err);
	lab_close(r);
	_exit(0);
}

/* ---- in the parent ---- */

static u64 resident_bytes(pid_t pid)
{
	unsigned long long all, resident = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%llu %llu", &all, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return resident * (u64)sysconf(_SC_PAGESIZE);
}

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void take(struct grade_policy *g, const struct message *m)
{
	struct grade_task *t;

	if (m->task >= GRADE_TASKS) {
		snprintf(g->feedback, sizeof(g->feedback), "%.*s", (int)sizeof(m->fault) - 1, m->fault);
		return;
	}
	t = &g->tasks[m->task];
	t->done = true;
	t->held = m->held;
	t->held_slub = m->held_slub;
	t->time = m->time;
	t->time_slub = m->time_slub;
}

/* Until the child closes the pipe or has used up what it may; NULL or which limit. */
static const char *listen_to(struct grade_policy *g, int fd, pid_t pid, const struct grade_limits *limits)
{
	double end = seconds_now() + limits->seconds;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct message m;

	for (;;) {
		int ready = poll(&p, 1, 50);

		if (ready > 0) {
			if (read(fd, &m, sizeof(m)) != sizeof(m))
				return NULL;
			take(g, &m);
		}
		if (seconds_now() > end)
			return "time";
		if (resident_bytes(pid) > limits->bytes)
			return "memory";
	}
}

static double ratio_points(double most, double slub, double mine)
{
	double r = mine > 0 ? slub / mine : 1;

	return most * (r < 1 ? r : 1);
}

static void add_up(struct grade_policy *g)
{
	for (u32 i = 0; i < GRADE_TASKS; i++) {
		struct grade_task *t = &g->tasks[i];

		t->points = t->done ? POINTS_DONE + ratio_points(POINTS_HELD, t->held_slub, t->held) +
					      ratio_points(POINTS_TIME, t->time_slub, t->time) : 0;
		t->points = floor(t->points * 10 + 0.5) / 10;
		g->score += t->points;
	}
	g->score = round(10 * g->score) / 10;
}

static void explain_end(struct grade_policy *g, const char *limit, int status, const struct grade_limits *limits)
{
	bool whole = *g->feedback || g->tasks[GRADE_TASKS - 1].done;
	u32 task = 0;

	while (task < GRADE_TASKS && g->tasks[task].done)
		task++;
	if (whole)
		return;
	if (limit)
		snprintf(g->feedback, sizeof(g->feedback), "%s: stopped: more than %llu %s", tasks[task].name,
			 *limit == 't' ? (unsigned long long)limits->seconds : (unsigned long long)limits->bytes >> 20,
			 *limit == 't' ? "seconds" : "MiB of memory");
	else if (WIFSIGNALED(status))
		snprintf(g->feedback, sizeof(g->feedback), "%s: the process was ended by signal %d (%s)", tasks[task].name,
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(g->feedback, sizeof(g->feedback), "%s: the process ended by itself (exit status %d)",
			 tasks[task].name, WEXITSTATUS(status));
}

static int run_child(struct grade_policy *g, const char *path, const char *dir, const struct grade_limits *limits,
		     struct kms_error *err)
{
	const char *limit;
	int fd[2], status = 0;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC))
		return kms_fail(err, KMS_EFAIL, "no pipe: %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(fd[0]);
		child(path, dir, fd[1], limits);
	}
	close(fd[1]);
	if (pid < 0) {
		close(fd[0]);
		return kms_fail(err, KMS_EFAIL, "no process: %s", strerror(errno));
	}
	setpgid(pid, pid);
	limit = listen_to(g, fd[0], pid, limits);
	kill(-pid, SIGKILL); /* and what it may have started */
	close(fd[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	explain_end(g, limit, status, limits);
	return 0;
}

int grade_policy(struct grade_policy *g, const char *path, const struct grade_limits *limits, struct kms_error *err)
{
	const char *tmp = getenv("TMPDIR");
	char dir[400], so[440];
	int rc;

	*g = (struct grade_policy){.score = 0};
	for (u32 i = 0; i < GRADE_TASKS; i++)
		g->tasks[i].name = tasks[i].name;
	if (access(path, R_OK))
		return kms_fail(err, KMS_EUSAGE, "%s: cannot open: %s", path, strerror(errno));
	snprintf(dir, sizeof(dir), "%s/kmemsim-grade-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return kms_fail(err, KMS_EFAIL, "cannot make a folder like %s: %s", dir, strerror(errno));
	rc = run_child(g, path, dir, limits, err);
	snprintf(so, sizeof(so), "%s/graded.so", dir);
	unlink(so);
	rmdir(dir);
	if (!rc)
		add_up(g);
	return rc;
}

/* ---- output ---- */

void grade_policy_print(const struct grade_policy *g, FILE *out)
{
	static const char *const headings[] = {"task", "points of 20", "memory / SLUB", "time / SLUB"};
	struct cli_table *table = cli_table_new(headings, 4);
	char safe[2 * sizeof(g->feedback)], cells[3][24];

	for (u32 i = 0; i < GRADE_TASKS; i++) {
		const struct grade_task *t = &g->tasks[i];

		snprintf(cells[0], sizeof(cells[0]), "%.1f", t->points);
		snprintf(cells[1], sizeof(cells[1]), t->done ? "%.3f" : "-", t->done ? t->held / t->held_slub : 0);
		snprintf(cells[2], sizeof(cells[2]), t->done ? "%.3f" : "-", t->done ? t->time / t->time_slub : 0);
		cli_table_row(table, (const char *const[]){t->name, cells[0], cells[1], cells[2]});
	}
	cli_table_print(table, out);
	fprintf(out, "score: %.1f of 100\n", g->score);
	if (*g->feedback)
		fprintf(out, "first failure: %s\n", cli_safe(safe, sizeof(safe), g->feedback));
}

void grade_policy_json(const struct grade_policy *g, FILE *out)
{
	struct json j;

	json_start(&j, out);
	json_open(&j, NULL, '{');
	json_double(&j, "points", g->score);
	json_uint(&j, "most", 100);
	json_double(&j, "score", round(10 * g->score) / 1000);
	json_open(&j, "tasks", '[');
	for (u32 i = 0; i < GRADE_TASKS; i++) {
		const struct grade_task *t = &g->tasks[i];

		json_open(&j, NULL, '{');
		json_text(&j, "task", t->name);
		json_bool(&j, "done", t->done);
		json_double(&j, "points", t->points);
		if (t->done) {
			json_double(&j, "memory_by_slub", t->held / t->held_slub);
			json_double(&j, "time_by_slub", t->time / t->time_slub);
		}
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_text(&j, "feedback", g->feedback);
	json_close(&j, '}');
}
