/*
 * capture_dat.c - pages of the kernel's ring buffer into a trace.dat, version 6.
 *
 * The layout is that of trace-cmd.dat.v6(5): header, formats of the events,
 * symbols, command names, then each CPU's pages as the kernel made them. So
 * trace-cmd and its library read what was captured.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workloads/capture_internal.h"

struct dat {
	const struct capture_tracing *t;
	FILE *out;
	struct kms_error *err;
};

/* The whole of a file whose size is not known before; *n bytes, free() them. NULL: cannot be read. */
static char *read_all(const char *path, size_t *n)
{
	FILE *f = fopen(path, "re"), *memory;
	char chunk[8192], *text = NULL;
	size_t got;

	*n = 0;
	if (!f)
		return NULL;
	memory = open_memstream(&text, n);
	while (memory && (got = fread(chunk, 1, sizeof(chunk), f)))
		fwrite(chunk, 1, got, memory);
	fclose(f);
	if (memory)
		fclose(memory);
	return text;
}

static void put_number(struct dat *d, u64 value, u32 bytes)
{
	fwrite(&value, 1, bytes, d->out); /* the host's byte order, which the header names */
}

static void put_text(struct dat *d, const char *text)
{
	fwrite(text, 1, strlen(text) + 1, d->out);
}

/* Length in so many bytes, then the file; a file that is not there is empty. */
static void put_file(struct dat *d, const char *path, u32 length_bytes)
{
	size_t n;
	char *text = read_all(path, &n);

	put_number(d, n, length_bytes);
	if (n)
		fwrite(text, 1, n, d->out);
	free(text);
}

static void put_tracefs(struct dat *d, const char *file, u32 length_bytes)
{
	char path[4400];

	snprintf(path, sizeof(path), "%s/%s", d->t->tracefs, file);
	put_file(d, path, length_bytes);
}

static void put_header(struct dat *d)
{
	const u16 order = 1;

	fwrite("\x17\x08\x44tracing", 1, 10, d->out);
	put_text(d, "6");
	put_number(d, !*(const u8 *)&order, 1); /* 1: big-endian */
	put_number(d, sizeof(long), 1);
	put_number(d, d->t->page_bytes, 4);
	put_text(d, "header_page");
	put_tracefs(d, "events/header_page", 8);
	put_text(d, "header_event");
	put_tracefs(d, "events/header_event", 8);
	put_number(d, 0, 4); /* formats of the function tracers */
}

static int is_event(const struct dirent *e)
{
	return e->d_name[0] != '.' && e->d_type != DT_REG;
}

static int put_formats(struct dat *d)
{
	struct dirent **events;
	char path[4400];
	int n;

	snprintf(path, sizeof(path), "%s/events/kmem", d->t->tracefs);
	n = scandir(path, &events, is_event, alphasort);
	if (n < 0)
		return kms_fail(d->err, KMS_EFAIL, "cannot read '%s': %s", path, strerror(errno));
	put_number(d, 1, 4); /* groups */
	put_text(d, "kmem");
	put_number(d, (u64)n, 4);
	for (int i = 0; i < n; i++) {
		char file[400];

		snprintf(file, sizeof(file), "events/kmem/%s/format", events[i]->d_name);
		put_tracefs(d, file, 8);
		free(events[i]);
	}
	free(events);
	return 0;
}

static void pad_to_page(struct dat *d)
{
	while (ftell(d->out) % d->t->page_bytes)
		fputc(0, d->out);
}

static int put_pages(struct dat *d, const struct capture_cpu *c)
{
	char chunk[65536];

	for (u64 at = 0; at < c->bytes;) {
		ssize_t n = pread(c->to, chunk, sizeof(chunk), (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return kms_fail(d->err, KMS_EFAIL, "cannot read back the recording of CPU %u: %s", c->id,
					n ? strerror(errno) : "it has become shorter");
		fwrite(chunk, 1, (size_t)n, d->out);
		at += (u64)n;
	}
	return 0;
}

/* CPUs are numbered by their place, so those that are missing have empty places. */
static int put_data(struct dat *d)
{
	const struct capture_tracing *t = d->t;
	u32 places = t->cpus[t->nr_cpus - 1].id + 1, next = 0;
	u64 offset;

	put_number(d, places, 4);
	fwrite("options  \0", 1, 10, d->out);
	put_number(d, 0, 2);
	fwrite("flyrecord\0", 1, 10, d->out);
	offset = (u64)ftell(d->out) + 16ull * places;
	offset += (t->page_bytes - offset % t->page_bytes) % t->page_bytes;
	for (u32 id = 0; id < places; id++) {
		u64 bytes = t->cpus[next].id == id ? t->cpus[next++].bytes : 0;

		put_number(d, bytes ? offset : 0, 8);
		put_number(d, bytes, 8);
		offset += bytes;
	}
	pad_to_page(d);
	for (u32 i = 0; i < t->nr_cpus; i++)
		if (put_pages(d, &t->cpus[i]))
			return d->err->code;
	return 0;
}

int capture_write_dat(const struct capture_tracing *t, const char *path, struct kms_error *err)
{
	struct dat d = { .t = t, .err = err };
	int ret;

	d.out = fopen(path, "wxe");
	if (!d.out)
		return kms_fail(err, KMS_EFAIL, "cannot create '%s': %s", path, strerror(errno));
	put_header(&d);
	ret = put_formats(&d);
	put_file(&d, "/proc/kallsyms", 4);
	put_tracefs(&d, "printk_formats", 4);
	put_tracefs(&d, "saved_cmdlines", 8);
	if (!ret)
		ret = put_data(&d);
	if (ferror(d.out) && !ret)
		ret = kms_fail(err, KMS_EFAIL, "cannot write '%s': %s", path, strerror(errno));
	if (fclose(d.out) && !ret)
		ret = kms_fail(err, KMS_EFAIL, "cannot write '%s': %s", path, strerror(errno));
	return ret;
}
