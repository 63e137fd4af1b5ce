/*
 * import_dat.c - the kmem events of a trace-cmd file (trace.dat).
 *
 * libtracecmd reads the file, versions 6 and 7, compressed or not; where an
 * event's fields lie is in the file itself. Call sites are addresses, resolved
 * with the symbols in the file to what %pS prints, less the function's length.
 * The library trusts what it reads, so it does that in a process of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <trace-cmd.h>

#include "workloads/import_kmem.h"
#include "workloads/lines.h"

#define MAX_HANDLES 16
#define CONTEXT_HARDIRQ 0x08 /* of common_flags */
#define CONTEXT_SOFTIRQ 0x10

enum dat_field { F_SITE, F_PTR, F_REQ, F_ALLOC, F_GFP, F_NODE, F_PFN, F_ORDER, F_NAME, F_FLAGS, NR_FIELDS };

static const char *const field_names[NR_FIELDS] = {
	[F_SITE] = "call_site", [F_PTR] = "ptr", [F_REQ] = "bytes_req", [F_ALLOC] = "bytes_alloc",
	[F_GFP] = "gfp_flags", [F_NODE] = "node", [F_PFN] = "pfn", [F_ORDER] = "order", [F_NAME] = "name",
	[F_FLAGS] = "common_flags",
};

#define BIT(f) (1u << (f))

static const u32 needed[NR_KMEM_KINDS] = {
	[KMEM_KMALLOC] = BIT(F_PTR) | BIT(F_REQ) | BIT(F_ALLOC) | BIT(F_GFP),
	[KMEM_KMALLOC_NODE] = BIT(F_PTR) | BIT(F_REQ) | BIT(F_ALLOC) | BIT(F_GFP),
	[KMEM_CACHE_ALLOC] = BIT(F_PTR) | BIT(F_REQ) | BIT(F_ALLOC) | BIT(F_GFP),
	[KMEM_CACHE_ALLOC_NODE] = BIT(F_PTR) | BIT(F_REQ) | BIT(F_ALLOC) | BIT(F_GFP),
	[KMEM_KFREE] = BIT(F_PTR), [KMEM_CACHE_FREE] = BIT(F_PTR),
	[KMEM_PAGE_ALLOC] = BIT(F_PFN) | BIT(F_ORDER) | BIT(F_GFP),
	[KMEM_PAGE_FREE] = BIT(F_PFN) | BIT(F_ORDER),
};

/* An event's format, as one of the file's buffers has it. */
struct dat_format {
	struct tep_handle *tep;
	struct tep_format_field *fields[NR_FIELDS];
	int kind; /* enum kmem_kind; -1 not of the kmem group */
	int id;
};

struct dat_reader {
	struct kmem_import im;
	const struct import_job *job;
	struct dat_format *formats;
	u32 nr_formats;
	struct live_map sites; /* address to number of the call site */
	u64 records;
	u64 *progress;
	int status;
};

static const struct dat_format *format_of(struct dat_reader *r, struct tep_handle *tep, int id)
{
	struct dat_format *grown, *f;
	struct tep_event *event;

	for (u32 i = 0; i < r->nr_formats; i++)
		if (r->formats[i].id == id && r->formats[i].tep == tep)
			return &r->formats[i];
	grown = realloc(r->formats, (r->nr_formats + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	r->formats = grown;
	f = &grown[r->nr_formats++];
	*f = (struct dat_format){ .tep = tep, .id = id, .kind = -1 };
	event = tep_find_event(tep, id);
	if (!event || !event->system || !event->name || strcmp(event->system, "kmem"))
		return f;
	f->kind = kmem_find_event(event->name, strlen(event->name));
	for (u32 i = 0; i < NR_FIELDS; i++)
		f->fields[i] = tep_find_any_field(event, field_names[i]);
	return f;
}

static bool read_field(const struct dat_format *f, enum dat_field which, const struct tep_record *record,
		       u64 *value)
{
	struct tep_format_field *field = f->fields[which];
	unsigned long long number = 0;

	*value = 0;
	if (!field || field->offset < 0 || field->size <= 0 || record->size < field->offset ||
	    record->size - field->offset < field->size)
		return false;
	if (tep_read_number_field(field, record->data, &number))
		return false;
	*value = number;
	return true;
}

static u32 site_of(struct dat_reader *r, struct tep_handle *tep, u64 address)
{
	struct live *e = address ? live_find(&r->sites, address) : NULL;
	const char *function;
	char text[512];

	if (!address || e)
		return e ? e->slot : KMS_NO_SITE;
	function = tep_find_function(tep, address);
	if (function)
		snprintf(text, sizeof(text), "%.400s+0x%llx", function,
			 (unsigned long long)(address - tep_find_function_address(tep, address)));
	else
		snprintf(text, sizeof(text), "0x%llx", (unsigned long long)address);
	e = live_add(&r->sites, address);
	if (!e) {
		kmem_no_memory(&r->im);
		return KMS_NO_SITE;
	}
	e->slot = kmem_site(&r->im, text, strlen(text));
	return e->slot;
}

/* A __data_loc field: offset in the low half, length in the high. */
static u32 name_of(struct dat_reader *r, const struct dat_format *f, const struct tep_record *record)
{
	u64 where, offset, length;

	if (!read_field(f, F_NAME, record, &where))
		return KMEM_NO_NAME;
	offset = where & 0xffff;
	length = where >> 16 & 0xffff;
	if (offset + length > (u64)record->size)
		return KMEM_NO_NAME;
	length = strnlen((const char *)record->data + offset, length);
	return length ? kmem_name(&r->im, (const char *)record->data + offset, length) : KMEM_NO_NAME;
}

/* False: a field that the event must have is missing or out of range. */
static bool decode(struct dat_reader *r, const struct dat_format *f, const struct tep_record *record,
		   struct kmem_event *ev)
{
	u64 v[NR_FIELDS];
	u32 have = 0;

	*ev = (struct kmem_event){ .time = record->ts, .cpu = (u32)record->cpu, .kind = (u8)f->kind,
				   .name = KMEM_NO_NAME, .node = -1 };
	for (u32 i = 0; i < NR_FIELDS; i++)
		have |= read_field(f, i, record, &v[i]) ? BIT(i) : 0;
	if (needed[f->kind] & ~have || v[F_ORDER] > KMEM_MAX_ORDER || record->cpu < 0 ||
	    record->cpu >= KMEM_MAX_CPUS)
		return false;
	ev->pid = tep_data_pid(f->tep, (struct tep_record *)record);
	ev->ptr = v[F_PTR];
	ev->bytes_req = v[F_REQ];
	ev->bytes_alloc = v[F_ALLOC];
	ev->gfp = kmem_gfp_bits(v[F_GFP]);
	ev->pfn = v[F_PFN];
	ev->order = (u32)v[F_ORDER];
	if (have & BIT(F_NODE) && (s32)v[F_NODE] >= 0 && v[F_NODE] < 1024)
		ev->node = (s32)v[F_NODE];
	ev->context = (v[F_FLAGS] & CONTEXT_HARDIRQ ? KMS_CTX_HARDIRQ : 0) |
		      (v[F_FLAGS] & CONTEXT_SOFTIRQ ? KMS_CTX_SOFTIRQ : 0);
	ev->site = site_of(r, f->tep, v[F_SITE]);
	if (f->kind == KMEM_CACHE_FREE || f->kind == KMEM_CACHE_ALLOC)
		ev->name = name_of(r, f, record);
	return true;
}

static int malformed(struct dat_reader *r, const char *found, const char *expected)
{
	r->im.result->unknown++;
	if (!r->job->strict)
		return 0;
	return kms_fail(r->im.err, KMS_EUSAGE, "%s: record %llu: found %s, expected %s", r->job->source,
			(unsigned long long)r->records, found, expected);
}

static int do_record(struct dat_reader *r, struct tracecmd_input *handle, struct tep_record *record)
{
	struct tep_handle *tep = tracecmd_get_tep(handle);
	const struct dat_format *f;
	struct kmem_event ev;

	__atomic_store_n(r->progress, ++r->records, __ATOMIC_RELAXED);
	if (record->missed_events)
		r->im.result->lost += record->missed_events > 0 ? (u64)record->missed_events : 1;
	f = format_of(r, tep, tep_data_type(tep, record));
	if (!f)
		return kmem_no_memory(&r->im);
	if (f->kind < 0)
		return 0; /* of another subsystem */
	if (!decode(r, f, record, &ev))
		return malformed(r, kmem_event_names[f->kind],
				 "all fields of such an event, an order up to 18 and a CPU below 256");
	return kmem_event(&r->im, &ev);
}

static int visit(struct tracecmd_input *handle, struct tep_record *record, int cpu, void *arg)
{
	struct dat_reader *r = arg;

	r->status = do_record(r, handle, record);
	if (!r->status)
		r->status = r->im.err->code;
	return r->status;
}

static int read_handle(struct dat_reader *r, struct tracecmd_input *top)
{
	struct tracecmd_input *handles[MAX_HANDLES] = { top };
	int n = 1, instances = tracecmd_buffer_instances(top), ret;

	for (int i = 0; i < instances && n < MAX_HANDLES; i++) {
		handles[n] = tracecmd_buffer_instance_handle(top, i);
		n += handles[n] != NULL;
	}
	ret = n == 1 ? tracecmd_iterate_events(top, NULL, 0, visit, r)
		     : tracecmd_iterate_events_multi(handles, n, visit, r);
	for (int i = 1; i < n; i++)
		tracecmd_close(handles[i]);
	if (!r->status && ret)
		r->status = kms_fail(r->im.err, KMS_EUSAGE, "%s: damaged after record %llu", r->job->source,
				     (unsigned long long)r->records);
	return r->status;
}

/* The library wants a file that it can seek in. */
static int open_plain(const struct import_job *job, char magic[3])
{
	int fd = open(job->source, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || pread(fd, magic, 3, 0) != 3)
		return fd;
	if (!memcmp(magic, "\x17\x08\x44", 3))
		return fd;
	close(fd);
	fd = import_temporary(job->output, job->err);
	if (fd >= 0 && (lines_unpack(job->source, fd, job->err) || lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int read_file(struct dat_reader *r)
{
	struct tracecmd_input *handle;
	char magic[3] = { 0 };
	int fd = open_plain(r->job, magic), ret;

	if (fd < 0)
		return r->im.err->code ? r->im.err->code
				       : kms_fail(r->im.err, KMS_EUSAGE, "cannot read '%s'", r->job->source);
	tracecmd_set_loglevel(TEP_LOG_NONE);
	tep_set_loglevel(TEP_LOG_NONE);
	handle = tracecmd_open_fd(fd, 0);
	if (!handle) {
		close(fd);
		return kms_fail(r->im.err, KMS_EUSAGE,
				"'%s' is damaged: found no trace-cmd header that can be read, expected a trace.dat of version 6 or 7",
				r->job->source);
	}
	ret = read_handle(r, handle);
	tracecmd_close(handle);
	return ret;
}

static int import_here(const struct import_job *job, u64 *progress)
{
	struct dat_reader *r = calloc(1, sizeof(*r));
	int ret;

	if (!r)
		return kms_fail(job->err, KMS_EFAIL, "no host memory for importing");
	r->job = job;
	r->progress = progress;
	ret = kmem_begin(&r->im, job);
	if (!ret)
		ret = read_file(r);
	*progress = UINT64_MAX;
	if (!ret)
		ret = kmem_finish(&r->im, job, NULL);
	kmem_free(&r->im);
	live_free(&r->sites);
	free(r->formats);
	free(r);
	return ret;
}

/* ---- in a process of its own: the library does not survive every damaged file ---- */

#define POLL_US 2000
#define STUCK_POLLS 30000 /* a minute without a record */

struct shared {
	struct import_result result;
	struct kms_error error;
	u64 progress; /* records read; all ones: the library is done */
	int ret;
};

/* What the caller may have handlers for, that are not for this. */
static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGINT, SIGTERM };

/* False: it had to be ended, or ended itself. */
static bool wait_for(pid_t child, struct shared *shared)
{
	u64 last = 0;
	int status, polls = 0;

	while (!waitpid(child, &status, WNOHANG)) {
		u64 now = __atomic_load_n(&shared->progress, __ATOMIC_RELAXED);

		polls = now == last && now != UINT64_MAX ? polls + 1 : 0;
		last = now;
		if (polls > STUCK_POLLS)
			kill(child, SIGKILL);
		usleep(POLL_US);
	}
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static int import_apart(const struct import_job *job, struct shared *shared)
{
	struct import_job inner = *job;
	char *partial = NULL;
	pid_t child;

	inner.result = &shared->result;
	inner.err = &shared->error;
	fflush(NULL);
	child = fork();
	if (child < 0)
		return kms_fail(job->err, KMS_EFAIL, "cannot start a process for reading '%s': %s", job->source,
				strerror(errno));
	if (!child) {
		for (size_t i = 0; i < KMS_ARRAY_SIZE(fatal_signals); i++)
			signal(fatal_signals[i], SIG_DFL);
		shared->ret = import_here(&inner, &shared->progress);
		_exit(0);
	}
	if (wait_for(child, shared)) {
		*job->result = shared->result;
		return shared->ret ? kms_fail(job->err, shared->ret, "%s", shared->error.text) : 0;
	}
	if (asprintf(&partial, "%s.partial", job->output) >= 0) {
		unlink(partial);
		free(partial);
	}
	return kms_fail(job->err, KMS_EUSAGE, "%s: damaged after record %llu: cannot be read as a trace.dat",
			job->source, (unsigned long long)shared->progress);
}

static int import_file(const struct import_job *job)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int ret;

	if (shared == MAP_FAILED)
		return kms_fail(job->err, KMS_EFAIL, "no host memory for importing");
	ret = import_apart(job, shared);
	munmap(shared, sizeof(*shared));
	return ret;
}

static bool recognises(const char *text, size_t length)
{
	return length >= 10 && !memcmp(text, "\x17\x08\x44tracing", 10);
}

const struct importer import_dat = {
	.name = "trace.dat",
	.what = "a trace.dat of trace-cmd",
	.recognises_text = recognises,
	.import_file = import_file,
};
