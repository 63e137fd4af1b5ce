/*
 * ram.c - maps simulated RAM and translates its second window.
 *
 * The mapping is reserved, not allocated: the host gives memory page by page
 * as it is touched. Huge host pages are switched off, or sparse touches (one
 * struct page here, one there) would each cost 2 MiB.
 */
#include "sim/engine/ram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define GIB (1ull << 30)
#define MAX_BACKINGS 128

u64 sim_ram_limit;

/* A piece of the second window and where it lies in RAM. */
struct backing {
	u64 start, end; /* offsets in the second window */
	u64 phys;
};

static struct {
	u64 bytes[2];
	u64 default_phys;
	struct backing backings[MAX_BACKINGS];
	u32 nr_backings;
} ram;

static int map_failed(u64 off, u64 bytes, int error, struct kms_error *err)
{
	struct rlimit limit;

	if (error == EEXIST)
		return kms_fail(
		    err, KMS_EFAIL,
		    "cannot map simulated memory: host addresses %#llx to %#llx are in use "
		    "(debugger, sanitizer or unusual address layout); SIM_RAM_BASE is a build "
		    "constant",
		    SIM_RAM_BASE + off, SIM_RAM_BASE + off + bytes);
	if (!getrlimit(RLIMIT_AS, &limit) && limit.rlim_cur != RLIM_INFINITY)
		return kms_fail(err, KMS_EFAIL,
				"cannot map %.1f GiB of simulated memory: the address space is "
				"limited to %.1f GiB "
				"(ulimit -v); raise the limit or simulate a machine with less RAM",
				(double)bytes / GIB, (double)limit.rlim_cur / GIB);
	return kms_fail(
	    err, KMS_EFAIL,
	    "cannot map %.1f GiB of simulated memory: %s; simulate a machine with less RAM, "
	    "or set vm.overcommit_memory to 0 or 1",
	    (double)bytes / GIB, strerror(error));
}

static int map_window(u64 off, u64 bytes, struct kms_error *err)
{
	void *want = ram_ptr(off), *got;

	if (!bytes)
		return 0;
	got = mmap(want, bytes, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (got == MAP_FAILED)
		return map_failed(off, bytes, errno, err);
	if (got != want) { /* before Linux 4.17 the address is only a hint */
		munmap(got, bytes);
		return map_failed(off, bytes, EEXIST, err);
	}
	madvise(got, bytes, MADV_NOHUGEPAGE);
	madvise(got, bytes, MADV_DONTDUMP);
	return 0;
}

static u64 page_align(u64 bytes)
{
	return (bytes + SIM_PAGE_BYTES - 1) & ~(u64)(SIM_PAGE_BYTES - 1);
}

int ram_map(u64 bytes, u64 window2_bytes, u64 window2_phys, struct kms_error *err)
{
	int rc;

	if (sim_ram_limit)
		return kms_fail(err, KMS_EFAIL, "simulated memory is already mapped");
	if (!bytes || bytes > SIM_WINDOW2_OFF)
		return kms_fail(
		    err, KMS_EUSAGE,
		    "%.3f GiB of RAM cannot be simulated, expected more than 0 and at most 16 TiB",
		    (double)bytes / GIB);
	bytes = page_align(bytes);
	window2_bytes = page_align(window2_bytes);
	rc = map_window(0, bytes, err);
	if (rc)
		return rc;
	rc = map_window(SIM_WINDOW2_OFF, window2_bytes, err);
	if (rc) {
		munmap(ram_ptr(0), bytes);
		return rc;
	}
	ram.bytes[0] = bytes;
	ram.bytes[1] = window2_bytes;
	ram.default_phys = window2_phys;
	ram.nr_backings = 0;
	sim_ram_limit = window2_bytes ? SIM_WINDOW2_OFF + window2_bytes : bytes;
	return 0;
}

int ram_back_window2(u64 start, u64 bytes, u64 phys, struct kms_error *err)
{
	if (ram.nr_backings == MAX_BACKINGS)
		return kms_fail(err, KMS_EFAIL, "the second window is in more than %d pieces",
				MAX_BACKINGS);
	ram.backings[ram.nr_backings++] = (struct backing){start, start + bytes, phys};
	return 0;
}

void ram_unmap(void)
{
	if (ram.bytes[0])
		munmap(ram_ptr(0), ram.bytes[0]);
	if (ram.bytes[1])
		munmap(ram_ptr(SIM_WINDOW2_OFF), ram.bytes[1]);
	memset(&ram, 0, sizeof(ram));
	sim_ram_limit = 0;
}

u64 ram_bytes(void)
{
	return ram.bytes[0];
}

u64 ram_phys(u64 off)
{
	if (KMS_LIKELY(off < SIM_WINDOW2_OFF))
		return off;
	off -= SIM_WINDOW2_OFF;
	for (const struct backing *b = ram.backings; b < ram.backings + ram.nr_backings; b++)
		if (off >= b->start && off < b->end)
			return b->phys + (off - b->start);
	return ram.default_phys + off;
}

/*
 * /proc/self/smaps gives the resident part of each mapping from its page
 * tables (20 ms for 100 000 pages scattered over 1 TiB; mincore() takes ten
 * times as long, and counts untouched pages that were only read).
 */
static bool in_window(u64 start)
{
	u64 off = start - SIM_RAM_BASE;

	return off < ram.bytes[0] ||
	       (off >= SIM_WINDOW2_OFF && off < SIM_WINDOW2_OFF + ram.bytes[1]);
}

u64 ram_resident_bytes(void)
{
	FILE *f = ram.bytes[0] ? fopen("/proc/self/smaps", "r") : NULL;
	unsigned long long start, end, kib, sum = 0;
	bool ours = false;
	char line[512];

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx-%llx ", &start, &end) == 2)
			ours = in_window(start);
		else if (ours && sscanf(line, "Rss: %llu kB", &kib) == 1)
			sum += kib;
	}
	fclose(f);
	return sum << 10;
}

/* ---- touched pages ---- */

#define PAGEMAP_BATCH 4096
#define PAGEMAP_THERE (3ull << 62) /* present, or swapped out */

struct touched {
	int (*fn)(void *arg, u64 off, u64 bytes);
	void *arg;
	u64 off, bytes; /* run that may grow */
};

static int end_run(struct touched *t)
{
	u64 bytes = t->bytes;

	t->bytes = 0;
	return bytes ? t->fn(t->arg, t->off, bytes) : 0;
}

static int add_page(struct touched *t, u64 off, bool there)
{
	if (!there)
		return end_run(t);
	if (!t->bytes)
		t->off = off;
	t->bytes += SIM_PAGE_BYTES;
	return 0;
}

/* Host pages of another size than simulated ones, or no /proc: everything may have been touched. */
static int each_in_window(struct touched *t, int pagemap, u64 start, u64 bytes)
{
	u64 entries[PAGEMAP_BATCH];
	int ret = 0;

	for (u64 at = 0; at < bytes && !ret; at += (u64)PAGEMAP_BATCH * SIM_PAGE_BYTES) {
		u64 n = (bytes - at) / SIM_PAGE_BYTES;
		off_t where = (off_t)((SIM_RAM_BASE + start + at) / SIM_PAGE_BYTES * sizeof(u64));

		n = n < PAGEMAP_BATCH ? n : PAGEMAP_BATCH;
		if (pagemap < 0 || pread(pagemap, entries, n * sizeof(u64), where) != (ssize_t)(n * sizeof(u64)))
			memset(entries, 0xff, sizeof(entries));
		for (u64 i = 0; i < n && !ret; i++)
			ret = add_page(t, start + at + i * SIM_PAGE_BYTES, entries[i] & PAGEMAP_THERE);
	}
	return ret ? ret : end_run(t);
}

int ram_each_touched(int (*fn)(void *arg, u64 off, u64 bytes), void *arg)
{
	struct touched t = { .fn = fn, .arg = arg };
	int pagemap = -1, ret;

	if (sysconf(_SC_PAGESIZE) == SIM_PAGE_BYTES)
		pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ret = each_in_window(&t, pagemap, 0, ram.bytes[0]);
	if (!ret)
		ret = each_in_window(&t, pagemap, SIM_WINDOW2_OFF, ram.bytes[1]);
	if (pagemap >= 0)
		close(pagemap);
	return ret;
}

void ram_clear(void)
{
	if (ram.bytes[0])
		madvise(ram_ptr(0), ram.bytes[0], MADV_DONTNEED);
	if (ram.bytes[1])
		madvise(ram_ptr(SIM_WINDOW2_OFF), ram.bytes[1], MADV_DONTNEED);
}
