/*
 * capture.c - a recording from its first check to the trace.
 *
 * While the kernel records, its buffers are emptied every few milliseconds, by
 * plain reads: no thread a CPU, no wake-ups. Everything else (formats, symbols,
 * import) is done when it has stopped.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workloads/capture_internal.h"

#define POLL_NS 5000000

struct capture_job {
	const struct capture_options *options;
	struct capture_result *result;
	struct capture_tracing tracing;
	char *folder, *partial, *dat; /* OUTPUT.d, OUTPUT.d.partial, trace.dat in it */
	pid_t child;
	int go; /* the command starts when this is written to */
	bool child_done;
};

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the folder beside the trace ---- */

static int prepare_folder(struct capture_job *job, struct kms_error *err)
{
	const char *output = job->options->output;
	struct stat st;

	if (asprintf(&job->folder, "%s.d", output) < 0 || asprintf(&job->partial, "%s.d.partial", output) < 0 ||
	    asprintf(&job->dat, "%s.d.partial/trace.dat", output) < 0)
		return kms_fail(err, KMS_EFAIL, "no host memory for capturing");
	if (!stat(output, &st) && S_ISDIR(st.st_mode))
		return kms_fail(err, KMS_EUSAGE, "'%s' is a folder, expected the name of a file for the trace", output);
	if (!stat(job->folder, &st))
		return kms_fail(err, KMS_EUSAGE, "'%s' is there already; remove it, or choose another name than '%s'",
				job->folder, output);
	if (mkdir(job->partial, 0777))
		return kms_fail(err, KMS_EUSAGE, "cannot make the folder '%s': %s%s", job->partial, strerror(errno),
				errno == EEXIST ? " (left by a capture that was killed? remove it)" : "");
	return 0;
}

static void remove_files(const char *folder)
{
	static const char *const files[] = {
		"trace.dat", "version", "iomem", "topology.tsv", "experiment.json", "%s/buddyinfo",
		"%s/pagetypeinfo", "%s/zoneinfo", "%s/slabinfo", "%s/meminfo", "%s/vmstat", "%s/slab.tsv", "%s",
	};
	static const char *const when[] = { "start", "end" };
	char path[4400];
	int n;

	for (size_t k = 0; k < KMS_ARRAY_SIZE(when); k++)
		for (size_t i = 0; i < KMS_ARRAY_SIZE(files); i++) {
			const char *tail = strchr(files[i], '%') ? files[i] + 2 : NULL;

			n = tail ? snprintf(path, sizeof(path), "%s/%s%s", folder, when[k], tail)
				 : snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
			if (n > 0 && (size_t)n < sizeof(path))
				remove(path);
		}
	rmdir(folder);
}

static int state(struct capture_job *job, const char *when, struct kms_error *err)
{
	char path[4300];

	snprintf(path, sizeof(path), "%s/%s", job->partial, when);
	return capture_state(path, &job->result->state_missing, err);
}

/* ---- the command ---- */

static void be_command(char *const *command, int go, int failed)
{
	char word;
	int error;

	signal(SIGPIPE, SIG_DFL);
	if (read(go, &word, 1) != 1)
		_exit(0); /* not needed after all */
	execvp(command[0], command);
	error = errno;
	(void)!write(failed, &error, sizeof(error));
	_exit(127);
}

/* Waits for the word to start. *failed: what exec says is read there. */
static int prepare_command(struct capture_job *job, int *failed, struct kms_error *err)
{
	int go[2], said[2];

	*failed = job->go = -1;
	if (!job->options->command)
		return 0;
	if (pipe2(go, O_CLOEXEC) || pipe2(said, O_CLOEXEC))
		return kms_fail(err, KMS_EFAIL, "cannot make a pipe: %s", strerror(errno));
	job->child = fork();
	if (!job->child) {
		close(go[1]);
		close(said[0]);
		be_command(job->options->command, go[0], said[1]);
	}
	close(go[0]);
	close(said[1]);
	job->go = go[1];
	*failed = said[0];
	return job->child < 0 ? kms_fail(err, KMS_EFAIL, "cannot start a process: %s", strerror(errno)) : 0;
}

static int start_command(struct capture_job *job, int failed, struct kms_error *err)
{
	int error = 0;

	if (!job->options->command)
		return 0;
	if (write(job->go, "x", 1) != 1)
		return kms_fail(err, KMS_EFAIL, "the process for the command is gone");
	if (read(failed, &error, sizeof(error)) == sizeof(error))
		return kms_fail(err, KMS_EUSAGE, "cannot run '%s': %s", job->options->command[0], strerror(error));
	return 0;
}

static void end_command(struct capture_job *job)
{
	if (job->go >= 0)
		close(job->go);
	job->go = -1;
	if (job->child <= 0 || job->child_done)
		return;
	kill(job->child, SIGTERM);
	waitpid(job->child, &job->result->command_status, 0);
	job->child_done = true;
}

/* ---- recording ---- */

static bool finished(struct capture_job *job, double began)
{
	const struct capture_options *o = job->options;

	if (o->interrupted && *o->interrupted)
		return true;
	if (job->child > 0 && waitpid(job->child, &job->result->command_status, WNOHANG) == job->child) {
		job->child_done = true;
		return true;
	}
	return o->seconds > 0 && seconds_now() - began >= o->seconds;
}

static int record(struct capture_job *job, int failed, struct kms_error *err)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };
	double began = seconds_now();
	int ret = capture_tracing_switch(&job->tracing, true, err);

	if (!ret)
		ret = start_command(job, failed, err);
	while (!ret && !finished(job, began)) {
		nanosleep(&pause, NULL);
		ret = capture_tracing_drain(&job->tracing, false, err);
	}
	job->result->seconds = seconds_now() - began;
	if (!ret)
		ret = capture_tracing_switch(&job->tracing, false, err);
	return ret ? ret : capture_tracing_drain(&job->tracing, true, err);
}

static int record_and_save(struct capture_job *job, struct kms_error *err)
{
	struct capture_result *r = job->result;
	int failed, ret = state(job, "start", err);

	if (!ret)
		ret = prepare_command(job, &failed, err);
	if (ret)
		return ret;
	ret = record(job, failed, err);
	if (failed >= 0)
		close(failed);
	end_command(job);
	if (!ret)
		ret = state(job, "end", err);
	if (ret)
		return ret;
	r->lost = capture_tracing_lost(&job->tracing);
	r->nr_cpus = job->tracing.cpus[job->tracing.nr_cpus - 1].id + 1;
	for (u32 i = 0; i < job->tracing.nr_cpus; i++)
		r->recorded_bytes += job->tracing.cpus[i].bytes;
	if (!r->recorded_bytes)
		return kms_fail(err, KMS_EFAIL, "nothing was recorded in %.1f s", r->seconds);
	return capture_write_dat(&job->tracing, job->dat, err);
}

/* ---- from recording to trace ---- */

static int make_trace(struct capture_job *job, struct kms_error *err)
{
	const struct capture_options *o = job->options;
	struct import_options options = {0};
	char *slabs = NULL;
	int ret;

	if (asprintf(&slabs, "%s/end/slab.tsv", job->partial) < 0)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	options.slabs = access(slabs, R_OK) ? NULL : slabs;
	ret = import_recording_with(job->dat, o->output, &options, &job->result->import, err);
	free(slabs);
	if (!ret && !o->keep)
		unlink(job->dat);
	if (!ret)
		ret = capture_topology(job->partial, &job->result->state_missing, err);
	if (!ret)
		ret = capture_experiment(job->partial, o->output, job->result->nr_cpus, err);
	if (!ret && rename(job->partial, job->folder))
		ret = kms_fail(err, KMS_EFAIL, "cannot rename '%s': %s", job->partial, strerror(errno));
	return ret;
}

int capture(const struct capture_options *options, struct capture_result *result, struct kms_error *err)
{
	struct capture_job job = { .options = options, .result = result, .go = -1,
				   .tracing = { .watchdog_pipe = -1, .pipe = { -1, -1 } } };
	struct kms_error late = { 0 };
	bool made = false;
	int ret, closed;

	memset(result, 0, sizeof(*result));
	ret = prepare_folder(&job, err);
	made = !ret;
	if (!ret)
		ret = capture_tracing_open(&job.tracing, options, job.partial, err);
	if (!ret)
		ret = record_and_save(&job, err);
	end_command(&job);
	closed = capture_tracing_close(&job.tracing, ret ? &late : err);
	ret = ret ? ret : closed;
	if (!ret)
		ret = make_trace(&job, err);
	if (ret && made)
		remove_files(job.partial);
	free(job.folder);
	free(job.partial);
	free(job.dat);
	return ret;
}
