/*
 * capture_tracefs.c - a tracing instance of one's own, through libtracefs.
 *
 * All that is set (events, clock, buffer size) is set in the instance, so that
 * removing it restores everything. A child process waits for this one's end
 * and removes what was left; it does nothing else, so only a kill of both
 * leaves an instance behind, which the next capture then removes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tracefs.h>

#include "workloads/capture_internal.h"

#define INSTANCE_PREFIX "kmemsim-"
#define REMOVE_TRIES 100
#define REMOVE_PAUSE_US 20000
#define APPEAR_TRIES 400
#define DEFAULT_BUFFER_KIB 16384
#define MIN_BUFFER_KIB 256
#define PIPE_PAGES 16 /* as many as a pipe holds */
#define RAM_SHARE 32 /* of RAM that all buffers may take together */

/* Recorded where the kernel has them; rss_stat and the steps of the page lists say nothing of requests. */
static const char *const events[] = {
	"kmalloc", "kmalloc_node", "kmem_cache_alloc", "kmem_cache_alloc_node", "kfree",
	"kmem_cache_free", "mm_page_alloc", "mm_page_free", "mm_page_free_batched",
	"mm_page_alloc_extfrag",
};

/* ---- what must be there ---- */

static int no_permission(const char *what, struct kms_error *err)
{
	return kms_fail(err, KMS_EUSAGE, "no permission for '%s': capturing needs root (sudo kmemsim capture ...)%s",
			what, geteuid() ? "" : "; this one is root, so tracing is locked down or this is a container");
}

static int find_tracefs(struct capture_tracing *t, const char *wanted, struct kms_error *err)
{
	const char *path = wanted;
	char events_dir[4200];

	if (!path && (tracefs_tracing_dir_is_mounted(false, &path) <= 0 || !path))
		return kms_fail(err, KMS_EUSAGE,
				"tracefs is not mounted; expected it at /sys/kernel/tracing (as root: mount -t tracefs "
				"nodev /sys/kernel/tracing), or --tracefs DIR");
	t->tracefs = strdup(path);
	if (!t->tracefs)
		return kms_fail(err, KMS_EFAIL, "no host memory for capturing");
	snprintf(events_dir, sizeof(events_dir), "%s/events", t->tracefs);
	if (access(t->tracefs, R_OK | W_OK | X_OK) && errno != ENOENT)
		return no_permission(t->tracefs, err);
	if (access(events_dir, F_OK))
		return kms_fail(err, KMS_EUSAGE, "'%s' is not a tracefs with events: found no folder '%s'; expected a "
				"kernel with CONFIG_EVENT_TRACING, and tracefs mounted there", t->tracefs, events_dir);
	snprintf(events_dir, sizeof(events_dir), "%s/events/kmem", t->tracefs);
	if (access(events_dir, F_OK))
		return kms_fail(err, KMS_EUSAGE, "this kernel has no kmem tracepoints: found no folder '%s'", events_dir);
	return tracefs_set_tracing_dir(t->tracefs) ? kms_fail(err, KMS_EFAIL, "no host memory for capturing") : 0;
}

/* ---- the watchdog ---- */

/* An instance goes away when nobody has its files open any more. */
static bool remove_instance(const char *path)
{
	for (int i = 0; i < REMOVE_TRIES; i++) {
		if (!rmdir(path) || errno == ENOENT)
			return true;
		usleep(REMOVE_PAUSE_US);
	}
	return false;
}

static void watch_parent(int end, const char *path)
{
	char word;
	ssize_t n;

	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	dup2(end, 0);
	for (int fd = 1; fd < 1024; fd++)
		close(fd);
	do
		n = read(0, &word, 1);
	while (n < 0 && errno == EINTR);
	if (!n) /* the parent ended without saying so */
		remove_instance(path);
	_exit(0);
}

static int start_watchdog(struct capture_tracing *t, struct kms_error *err)
{
	char path[4300];
	int ends[2];

	snprintf(path, sizeof(path), "%s/instances/%s", t->tracefs, t->name);
	if (pipe2(ends, O_CLOEXEC))
		return kms_fail(err, KMS_EFAIL, "cannot make a pipe: %s", strerror(errno));
	t->watchdog = fork();
	if (!t->watchdog) {
		close(ends[1]);
		watch_parent(ends[0], path);
	}
	close(ends[0]);
	t->watchdog_pipe = ends[1];
	if (t->watchdog < 0)
		return kms_fail(err, KMS_EFAIL, "cannot start a process: %s", strerror(errno));
	return 0;
}

static void end_watchdog(struct capture_tracing *t, bool removed)
{
	if (t->watchdog_pipe < 0)
		return;
	if (removed && write(t->watchdog_pipe, "x", 1) != 1)
		removed = false; /* it then tries, too, and finds nothing */
	close(t->watchdog_pipe);
	t->watchdog_pipe = -1;
	if (t->watchdog > 0)
		waitpid(t->watchdog, NULL, 0);
}

/* Instances of captures that were killed together with their watchdog. */
static void remove_stale(const char *tracefs)
{
	char path[4400];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/instances", tracefs);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		long pid;

		if (strncmp(e->d_name, INSTANCE_PREFIX, strlen(INSTANCE_PREFIX)))
			continue;
		pid = atol(e->d_name + strlen(INSTANCE_PREFIX));
		if (pid <= 0 || !kill((pid_t)pid, 0) || errno != ESRCH)
			continue;
		snprintf(path, sizeof(path), "%s/instances/%s", tracefs, e->d_name);
		rmdir(path);
	}
	if (dir)
		closedir(dir);
}

/* ---- setting up ---- */

static int instance_failed(const struct capture_tracing *t, const char *what, struct kms_error *err)
{
	if (errno == EACCES || errno == EPERM)
		return no_permission(what, err);
	return kms_fail(err, KMS_EFAIL, "%s/instances/%s/%s: %s", t->tracefs, t->name, what, strerror(errno));
}

static int make_instance(struct capture_tracing *t, struct kms_error *err)
{
	char instances[4300];
	char *file;

	snprintf(instances, sizeof(instances), "%s/instances", t->tracefs);
	if (access(instances, W_OK))
		return errno == ENOENT ? kms_fail(err, KMS_EUSAGE, "'%s' has no folder 'instances'; expected Linux 5.4 or "
						  "later", t->tracefs) : no_permission(instances, err);
	errno = 0;
	t->instance = tracefs_instance_create(t->name);
	if (!t->instance)
		return errno == EACCES || errno == EPERM ? no_permission(instances, err)
							 : kms_fail(err, KMS_EFAIL, "cannot make '%s/%s': %s", instances, t->name,
								    strerror(errno));
	file = tracefs_instance_get_file(t->instance, "tracing_on");
	for (int i = 0; file && i < APPEAR_TRIES && access(file, F_OK); i++)
		usleep(REMOVE_PAUSE_US / 4);
	tracefs_put_tracing_file(file);
	return 0;
}

static u64 default_buffer(u32 nr_cpus)
{
	u64 ram = (u64)sysconf(_SC_PHYS_PAGES) * (u64)sysconf(_SC_PAGESIZE) >> 10;
	u64 share = ram / RAM_SHARE / (nr_cpus ? nr_cpus : 1);

	return share > DEFAULT_BUFFER_KIB ? DEFAULT_BUFFER_KIB : share < MIN_BUFFER_KIB ? MIN_BUFFER_KIB : share;
}

static int write_setting(struct capture_tracing *t, const char *file, const char *value, struct kms_error *err)
{
	errno = 0;
	return tracefs_instance_file_write(t->instance, file, value) < 0 ? instance_failed(t, file, err) : 0;
}

static int enable_events(struct capture_tracing *t, struct kms_error *err)
{
	u32 enabled = 0;

	for (size_t i = 0; i < KMS_ARRAY_SIZE(events); i++) {
		char file[128];

		snprintf(file, sizeof(file), "events/kmem/%s/enable", events[i]);
		if (!tracefs_file_exists(t->instance, file))
			continue; /* not in this version */
		if (write_setting(t, file, "1", err))
			return err->code;
		enabled++;
	}
	return enabled ? 0 : kms_fail(err, KMS_EUSAGE, "this kernel has no kmem tracepoints for allocations");
}

static int configure(struct capture_tracing *t, const struct capture_options *options, struct kms_error *err)
{
	char text[32];
	int ret = capture_tracing_switch(t, false, err);

	snprintf(text, sizeof(text), "%llu",
		 (unsigned long long)(options->buffer_kib ? options->buffer_kib : default_buffer(t->nr_cpus)));
	if (!ret)
		ret = write_setting(t, "buffer_size_kb", text, err);
	if (!ret) /* one clock for all CPUs; the default one is each CPU's own */
		(void)tracefs_instance_file_write(t->instance, "trace_clock", "mono");
	return ret ? ret : enable_events(t, err);
}

/* A page of the ring buffer: larger than a page of memory where the kernel was told so (6.8). */
static u32 ring_page_bytes(struct capture_tracing *t)
{
	long long kib = 0;

	if (tracefs_file_exists(t->instance, "buffer_subbuf_size_kb") &&
	    !tracefs_instance_file_read_number(t->instance, "buffer_subbuf_size_kb", &kib) && kib > 0 &&
	    kib <= 4096)
		return (u32)kib << 10;
	return (u32)sysconf(_SC_PAGESIZE);
}

static int by_id(const void *a, const void *b)
{
	const struct capture_cpu *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* The CPUs that the kernel keeps buffers for. */
static int find_cpus(struct capture_tracing *t, struct kms_error *err)
{
	char *path = tracefs_instance_get_file(t->instance, "per_cpu");
	DIR *dir = path ? opendir(path) : NULL;
	struct dirent *e;
	u32 id;

	tracefs_put_tracing_file(path);
	while (dir && (e = readdir(dir))) {
		struct capture_cpu *more;

		if (sscanf(e->d_name, "cpu%u", &id) != 1)
			continue;
		more = realloc(t->cpus, (t->nr_cpus + 1) * sizeof(*more));
		if (!more) {
			closedir(dir);
			return kms_fail(err, KMS_EFAIL, "no host memory for capturing");
		}
		t->cpus = more;
		t->cpus[t->nr_cpus++] = (struct capture_cpu){ .id = id, .from = -1, .to = -1 };
	}
	if (dir)
		closedir(dir);
	if (!t->nr_cpus)
		return kms_fail(err, KMS_EFAIL, "%s/instances/%s has no per_cpu buffers", t->tracefs, t->name);
	qsort(t->cpus, t->nr_cpus, sizeof(*t->cpus), by_id);
	return 0;
}

static int open_buffers(struct capture_tracing *t, const char *folder, struct kms_error *err)
{
	t->page_bytes = ring_page_bytes(t);
	t->page = malloc(t->page_bytes);
	if (!t->page)
		return kms_fail(err, KMS_EFAIL, "no host memory for capturing");
	if (pipe2(t->pipe, O_CLOEXEC | O_NONBLOCK))
		return kms_fail(err, KMS_EFAIL, "cannot make a pipe: %s", strerror(errno));
	for (u32 i = 0; i < t->nr_cpus; i++) {
		struct capture_cpu *c = &t->cpus[i];
		char file[64], path[4300];

		snprintf(file, sizeof(file), "per_cpu/cpu%u/trace_pipe_raw", c->id);
		errno = 0;
		c->from = tracefs_instance_file_open(t->instance, file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (c->from < 0)
			return instance_failed(t, file, err);
		snprintf(path, sizeof(path), "%s/cpu%u.raw", folder, c->id);
		c->to = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (c->to < 0)
			return kms_fail(err, KMS_EUSAGE, "cannot create '%s': %s", path, strerror(errno));
		unlink(path); /* nothing of it is left, however this ends */
	}
	return 0;
}

int capture_tracing_open(struct capture_tracing *t, const struct capture_options *options,
			 const char *folder, struct kms_error *err)
{
	int ret;

	*t = (struct capture_tracing){ .watchdog_pipe = -1, .pipe = { -1, -1 } };
	snprintf(t->name, sizeof(t->name), INSTANCE_PREFIX "%ld", (long)getpid());
	ret = find_tracefs(t, options->tracefs, err);
	if (ret)
		return ret;
	remove_stale(t->tracefs);
	ret = start_watchdog(t, err);
	if (!ret)
		ret = make_instance(t, err);
	if (!ret)
		ret = find_cpus(t, err);
	if (!ret)
		ret = configure(t, options, err);
	return ret ? ret : open_buffers(t, folder, err);
}

/* ---- recording ---- */

int capture_tracing_switch(struct capture_tracing *t, bool on, struct kms_error *err)
{
	return write_setting(t, "tracing_on", on ? "1" : "0", err);
}

static int write_page(struct capture_cpu *c, const u8 *page, size_t n, struct kms_error *err)
{
	while (n) {
		ssize_t done = write(c->to, page, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return kms_fail(err, KMS_EFAIL, "cannot write the recording of CPU %u: %s", c->id, strerror(errno));
		page += done;
		n -= (size_t)done;
		c->bytes += (u64)done;
	}
	return 0;
}

static int read_failed(const struct capture_cpu *c, struct kms_error *err)
{
	return kms_fail(err, KMS_EFAIL, "cannot read the kernel's buffer of CPU %u: %s", c->id, strerror(errno));
}

/* What is in a page that the kernel still writes to. */
static int read_rest(struct capture_tracing *t, struct capture_cpu *c, struct kms_error *err)
{
	for (;;) {
		ssize_t n = read(c->from, t->page, t->page_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (!n || (n < 0 && errno == EAGAIN))
			return 0;
		if (n < 0)
			return read_failed(c, err);
		memset(t->page + n, 0, t->page_bytes - (size_t)n);
		if (write_page(c, t->page, t->page_bytes, err))
			return err->code;
	}
}

/* A pipe's content to the file, whole pages. */
static int empty_pipe(struct capture_tracing *t, struct capture_cpu *c, size_t n, struct kms_error *err)
{
	while (n) {
		size_t want = n < t->page_bytes ? n : t->page_bytes;
		ssize_t got = read(t->pipe[0], t->page, want);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return read_failed(c, err);
		if (write_page(c, t->page, (size_t)got, err))
			return err->code;
		n -= (size_t)got;
	}
	return 0;
}

/*
 * splice() gives full pages only. (read() would give a nearly empty one every
 * time, whose writing allocates memory, which is an event.)
 */
static int move_full_pages(struct capture_tracing *t, struct capture_cpu *c, struct kms_error *err)
{
	for (;;) {
		ssize_t n = splice(c->from, NULL, t->pipe[1], NULL, (size_t)PIPE_PAGES * t->page_bytes,
				   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);

		if (n < 0 && errno == EINTR)
			continue;
		if (!n || (n < 0 && errno == EAGAIN))
			return 0;
		if (n < 0)
			return read_failed(c, err);
		if (empty_pipe(t, c, (size_t)n, err))
			return err->code;
	}
}

int capture_tracing_drain(struct capture_tracing *t, bool all, struct kms_error *err)
{
	int ret = 0;

	for (u32 i = 0; i < t->nr_cpus && !ret; i++) {
		ret = move_full_pages(t, &t->cpus[i], err);
		if (!ret && all)
			ret = read_rest(t, &t->cpus[i], err);
	}
	return ret;
}

u64 capture_tracing_lost(struct capture_tracing *t)
{
	static const char *const names[] = { "overrun: ", "commit overrun: ", "dropped events: " };
	u64 lost = 0;

	for (u32 i = 0; i < t->nr_cpus; i++) {
		char file[64], *text;
		int length;

		snprintf(file, sizeof(file), "per_cpu/cpu%u/stats", t->cpus[i].id);
		text = tracefs_instance_file_read(t->instance, file, &length);
		for (char *rest = text, *line; rest && (line = strsep(&rest, "\n"));)
			for (size_t k = 0; k < KMS_ARRAY_SIZE(names); k++)
				if (!strncmp(line, names[k], strlen(names[k])))
					lost += strtoull(line + strlen(names[k]), NULL, 10);
		free(text);
	}
	return lost;
}

/* ---- the end ---- */

int capture_tracing_close(struct capture_tracing *t, struct kms_error *err)
{
	char path[4300];
	bool removed = true;

	for (u32 i = 0; i < t->nr_cpus; i++) {
		if (t->cpus[i].from >= 0)
			close(t->cpus[i].from);
		if (t->cpus[i].to >= 0)
			close(t->cpus[i].to);
		t->cpus[i].from = t->cpus[i].to = -1;
	}
	for (u32 i = 0; i < 2; i++) {
		if (t->pipe[i] >= 0)
			close(t->pipe[i]);
		t->pipe[i] = -1;
	}
	if (t->instance) {
		(void)tracefs_instance_file_write(t->instance, "tracing_on", "0");
		(void)tracefs_instance_file_write(t->instance, "events/kmem/enable", "0");
		snprintf(path, sizeof(path), "%s/instances/%s", t->tracefs, t->name);
		tracefs_instance_free(t->instance);
		t->instance = NULL;
		removed = remove_instance(path);
	}
	end_watchdog(t, removed);
	free(t->tracefs);
	free(t->page);
	free(t->cpus);
	t->tracefs = NULL;
	t->page = NULL;
	t->cpus = NULL;
	t->nr_cpus = 0;
	return removed ? 0 : kms_fail(err, KMS_EFAIL, "cannot remove '%s': %s", path, strerror(errno));
}
