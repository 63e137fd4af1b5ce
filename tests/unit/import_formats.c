/*
 * import_formats.c - one recording in every form of the kmem events gives one
 * trace; what the importers count; how they take what is not as expected.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>
#include <xxhash.h>
#include <zlib.h>

#include "tests/unit/dat_writer.h"
#include "workloads/import.h"
#include "workloads/trace.h"

static char dir[] = "/tmp/kmsim-import-XXXXXX";
static char path_of[4][256];
static struct import_result result;
static struct kms_error error;

/* A path in the test's folder; four can be in use at once. */
static const char *in_dir(const char *name)
{
	static u32 next;
	char *path = path_of[next++ % 4];

	snprintf(path, 256, "%s/%s", dir, name);
	return path;
}

static void put_file(const char *name, const char *text)
{
	FILE *f = fopen(in_dir(name), "w");

	fputs(text, f);
	fclose(f);
}

static int import_named(const char *name, const char *format, bool strict)
{
	struct import_options options = { .format = format, .strict = strict };

	error = (struct kms_error){ 0 };
	return import_recording_with(in_dir(name), in_dir("out.kmt"), &options, &result, &error);
}

static int import_text(const char *text)
{
	put_file("in.txt", text);
	return import_named("in.txt", NULL, false);
}

/* A number over all requests: all that matters but interrupt contexts, which perf does not print. */
static u64 digest(void)
{
	XXH3_state_t *state = XXH3_createState();
	struct kms_stream *stream;
	struct kms_request rq;
	u64 hash;

	XXH3_64bits_reset(state);
	assert_int_equal(trace_open(&stream, in_dir("out.kmt"), &error), 0);
	for (u32 cpu = 0; cpu < stream->info->nr_cpus; cpu++)
		while (stream->next(stream, cpu, &rq, &error) > 0) {
			u64 words[] = { rq.seq, rq.time, rq.size, rq.gfp, rq.part, rq.n, (u64)rq.node, rq.cpu, rq.op,
					rq.order, rq.n ? rq.refs[0].slot : 0, rq.n ? rq.refs[0].generation : 0 };
			const char *site = stream->info->sites[rq.site];

			XXH3_64bits_update(state, words, sizeof(words));
			XXH3_64bits_update(state, site, strlen(site));
			if (rq.op == REQ_CACHE_ALLOC)
				XXH3_64bits_update(state, stream->info->caches[rq.cache].name,
						   strlen(stream->info->caches[rq.cache].name));
		}
	stream->close(stream);
	hash = XXH3_64bits_digest(state);
	XXH3_freeState(state);
	return hash;
}

/* ---- one recording, in five forms ---- */

#define BASE 0xffff888000000000ull
#define TEXT 0xffffffff81000000ull

struct happening {
	int id;
	u32 cpu;
	u64 microseconds, ptr_or_pfn, req, alloc, gfp;
	u32 order;
	const char *name;
};

#define KERNEL 0xcc0
#define SLAB_PAGE 0x12cc0 /* KERNEL | NOWARN | NORETRY */

static const struct happening recording[] = {
	{ DAT_PAGE_ALLOC, 0, 10, 0x100, 0, 0, SLAB_PAGE, 0, NULL },
	{ DAT_KMALLOC, 0, 11, BASE + 0x100000, 60, 64, KERNEL, 0, NULL },
	{ DAT_KMALLOC, 0, 12, BASE + 0x100040, 33, 64, 0xdc0, 0, NULL },
	{ DAT_PAGE_ALLOC, 1, 13, 0x200, 0, 0, SLAB_PAGE, 0, NULL },
	{ DAT_CACHE_ALLOC, 1, 14, BASE + 0x200000, 192, 192, KERNEL, 0, "dentry" },
	{ DAT_CACHE_ALLOC, 1, 15, BASE + 0x2000c0, 192, 192, KERNEL, 0, "dentry" },
	{ DAT_PAGE_ALLOC, 0, 16, 0x300, 0, 0, 0x100cca, 2, NULL },
	{ DAT_KFREE, 1, 17, BASE + 0x100000, 0, 0, 0, 0, NULL },
	{ DAT_KFREE, 1, 18, 0, 0, 0, 0, 0, NULL },
	{ DAT_CACHE_FREE, 0, 400000, BASE + 0x200000, 0, 0, 0, 0, "dentry" },
	{ DAT_CACHE_FREE, 0, 400001, BASE + 0x500000, 0, 0, 0, 0, "dentry" },
	{ DAT_PAGE_FREE, 0, 400002, 0x301, 0, 0, 0, 0, NULL },
	{ DAT_BATCHED, 0, 400003, 0x301, 0, 0, 0, 0, NULL },
	{ DAT_PAGE_FREE, 1, 400004, 0x900, 0, 0, 0, 0, NULL },
	{ DAT_KMALLOC, 0, 400005, BASE + 0x100040, 40, 64, 0x820, 0, NULL },
};

static const char *event_name(int id)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(dat_formats); i++)
		if (dat_formats[i].id == id)
			return dat_formats[i].name;
	return "";
}

/* Before 6.0 every other allocation is of the events that say a node. */
static int event_of(size_t i, enum dat_version version)
{
	int id = recording[i].id;

	if (version > DAT_5_10 || !(i & 1) || !(BIT(id) & DAT_ALLOCS))
		return id;
	return id == DAT_KMALLOC ? DAT_KMALLOC_NODE : DAT_CACHE_ALLOC_NODE;
}

static const char *gfp_name(u64 gfp)
{
	switch (gfp) {
	case KERNEL:
		return "GFP_KERNEL";
	case SLAB_PAGE:
		return "GFP_KERNEL|__GFP_NOWARN|__GFP_NORETRY";
	case 0xdc0:
		return "GFP_KERNEL|__GFP_ZERO";
	case 0x820:
		return "GFP_ATOMIC";
	default:
		return "GFP_HIGHUSER_MOVABLE";
	}
}

enum form { FORM_FTRACE, FORM_FTRACE_BARE, FORM_LATENCY, FORM_REPORT, FORM_REPORT_RAW, FORM_PERF, NR_FORMS };

static void page_fields(FILE *f, const struct happening *h, enum form form, bool hex, const char *gfp)
{
	fprintf(f, hex ? "page=0x1 pfn=0x%llx order=%u" : "page=0x1 pfn=%llu order=%u", (unsigned long long)h->ptr_or_pfn,
		h->order);
	if (h->id == DAT_PAGE_ALLOC)
		fprintf(f, " migratetype=0 gfp_flags=%s", gfp);
}

/* What follows "event: ". The kernel prints names of flags, a raw report numbers. */
static void fields(FILE *f, const struct happening *h, int id, enum form form, enum dat_version version)
{
	bool names = form < FORM_REPORT, raw = form == FORM_REPORT_RAW, node = BIT(id) & DAT_NODES || version > DAT_5_10;
	unsigned long long value = h->ptr_or_pfn;
	char gfp[64], ptr[32];

	snprintf(gfp, sizeof(gfp), "0x%llx", (unsigned long long)h->gfp);
	if (names || (form == FORM_REPORT && h->gfp != SLAB_PAGE))
		snprintf(gfp, sizeof(gfp), "%s", gfp_name(h->gfp));
	snprintf(ptr, sizeof(ptr), value ? names ? "%016llx" : "0x%llx" : names ? "0000000000000000" : "(nil)", value);
	if (BIT(id) & DAT_PAGES) {
		page_fields(f, h, form, version > DAT_5_10 && !raw, gfp);
	} else {
		fprintf(f, "call_site=caller+0x10%s ptr=%s", names ? "/0x40 [mod]" : "", ptr);
		if (BIT(id) & DAT_ALLOCS && version == DAT_6_18 && h->name)
			fprintf(f, " name=%s", h->name);
		if (BIT(id) & DAT_ALLOCS)
			fprintf(f, " bytes_req=%llu bytes_alloc=%llu gfp_flags=%s%s%s", (unsigned long long)h->req,
				(unsigned long long)h->alloc, gfp, node ? " node=-1" : "",
				version < DAT_6_1 ? "" : raw ? " accounted=0" : " accounted=false");
		else if (h->name && version > DAT_5_10)
			fprintf(f, " name=%s", h->name);
	}
	fputc('\n', f);
}

static void row(FILE *f, const struct happening *h, int id, enum form form)
{
	unsigned long long s = h->microseconds / 1000000, us = h->microseconds % 1000000;

	if (form == FORM_FTRACE)
		fprintf(f, "  a: b [1] c-7       (    7) [%03u] d..1. %5llu.%06llu: ", h->cpu, s, us);
	else if (form == FORM_FTRACE_BARE) /* nop: without irq-info */
		fprintf(f, "           a b-7       [%03u] %5llu.%06llu: ", h->cpu, s, us);
	else if (form == FORM_LATENCY)
		fprintf(f, "     a b-7       %4ud..1. %5llu.%06llu: ", h->cpu, s, us);
	else if (form < FORM_PERF)
		fprintf(f, "            task-7     [%03u] %5llu.%06llu: ", h->cpu, s, us);
	else
		fprintf(f, "some [x] task:1     7/7 [%03u] %5llu.%06llu:          1 ", h->cpu, s, us);
	fprintf(f, "%s%s: ", form == FORM_PERF ? "kmem:" : "", event_name(id));
	if (form == FORM_REPORT)
		fprintf(f, "     ");
}

static void write_text(const char *name, enum form form, enum dat_version version)
{
	static const char *const first[] = { "# tracer: nop\n#\n", "# tracer: nop\n", "# tracer: nop\n", "cpus=2\n",
					     "cpus=2\n", "" };
	FILE *f = fopen(in_dir(name), "w");

	fputs(first[form], f);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(recording); i++) {
		const struct happening *h = &recording[i];
		int id = event_of(i, version);

		row(f, h, id, form);
		fields(f, h, id, form, version);
		if (form == FORM_PERF)
			fputs("\tffffffff81000010 caller+0x10 ([kernel.kallsyms])\n\n", f);
		if (form == FORM_FTRACE && i == 3)
			fputs("##### CPU 1 buffer started ####\n => caller\n", f);
	}
	fclose(f);
}

static void write_dat(const char *name, enum dat_version version)
{
	struct dat_writer w = { .nr_pages = { 0 } };

	for (size_t i = 0; i < KMS_ARRAY_SIZE(recording); i++) {
		const struct happening *h = &recording[i];
		u64 values[NR_DAT_VALUES] = {
			[DAT_SITE] = TEXT + 0x10, [DAT_PTR] = h->ptr_or_pfn, [DAT_REQ] = h->req, [DAT_ALLOC] = h->alloc,
			[DAT_PFN] = h->ptr_or_pfn, [DAT_ORDER] = h->order, [DAT_GFP] = h->gfp, [DAT_NODE] = UINT32_MAX,
		};
		u8 p[128];
		u32 length = dat_encode(p, version, event_of(i, version), values, h->name ? h->name : "");

		dat_add(&w, h->cpu, h->microseconds * 1000, p, length);
	}
	dat_write(&w, in_dir(name), version, "ffffffff81000000 T caller\nffffffff81000040 T next\n");
}

static void check_recording(const char *name, const char *format, u64 *first)
{
	if (import_named(name, NULL, true))
		fail_msg("%s: %s", name, error.text);
	assert_string_equal(result.format, format);
	assert_int_equal(result.events, KMS_ARRAY_SIZE(recording));
	assert_int_equal(result.slab_pages, 2);
	assert_int_equal(result.null_frees, 1);
	assert_int_equal(result.frees_matched, 3); /* an object of kmalloc(), a dentry, a page of four */
	assert_int_equal(result.frees_without_alloc, 2);
	assert_int_equal(result.live_at_start, 2);
	assert_int_equal(result.alloc_over_live, 1);
	assert_int_equal(result.live_at_end, 3); /* an object of each kind, what is left of the pages */
	assert_int_equal(result.unknown, 0);
	if (!*first)
		*first = digest();
	if (digest() != *first)
		fail_msg("%s: another digest", format);
}

static void pack_gz(const char *from, const char *to)
{
	char data[16384];
	FILE *f = fopen(in_dir(from), "r");
	size_t n = fread(data, 1, sizeof(data), f);
	gzFile gz = gzopen(in_dir(to), "wb");

	fclose(f);
	gzwrite(gz, data, (unsigned)n);
	gzclose(gz);
}

/* Within a version all forms agree; newer kernels tell more (the names of caches). */
static void test_same_in_every_form(void **state)
{
	static const char *const formats[] = { "ftrace", "ftrace", "ftrace", "trace-cmd-report", "trace-cmd-report",
					       "perf-script" };
	u64 of_version[NR_DAT_VERSIONS] = { 0 };

	for (u32 version = 0; version < NR_DAT_VERSIONS; version++) {
		u64 *first = &of_version[version];

		for (u32 form = 0; form < NR_FORMS; form++) {
			write_text("rec.txt", form, version);
			check_recording("rec.txt", formats[form], first);
		}
		write_dat("rec.dat", version);
		check_recording("rec.dat", "trace.dat", first);
		write_text("rec.txt", FORM_FTRACE, version);
		pack_gz("rec.txt", "rec.txt.gz");
		check_recording("rec.txt.gz", "ftrace", first);
	}
	assert_int_equal(of_version[DAT_5_4], of_version[DAT_5_10]);
	assert_int_equal(of_version[DAT_6_1], of_version[DAT_6_18]);
	assert_int_not_equal(of_version[DAT_5_10], of_version[DAT_6_1]);
}

/* ---- versions of the events ---- */

#define ROW "task-7 [000] .... 1.000000: "

/* 5.4: node events of their own with bare addresses, pfn in decimal, no cache name. */
static void test_linux_5_4(void **state)
{
	assert_int_equal(import_text(
		ROW "mm_page_alloc: page=00000000abcdef01 pfn=4096 order=1 migratetype=0 gfp_flags=GFP_KERNEL|__GFP_NOWARN|__GFP_NORETRY|__GFP_COMP\n"
		ROW "kmalloc_node: call_site=ffffffff81234567 ptr=00000000deadbeef bytes_req=500 bytes_alloc=512 gfp_flags=GFP_KERNEL node=0\n"
		ROW "kmem_cache_alloc_node: call_site=ffffffff81234567 ptr=00000000deadbeaf bytes_req=232 bytes_alloc=256 gfp_flags=GFP_KERNEL node=-1\n"
		ROW "kmem_cache_free: call_site=foo+0x1/0x2 ptr=00000000deadbeaf\n"
		ROW "kfree: call_site=foo+0x1/0x2 ptr=00000000deadbeef\n"
		ROW "kfree: call_site=foo+0x1/0x2 ptr=          (null)\n"
		ROW "mm_page_free: page=00000000abcdef01 pfn=4096 order=1\n"), 0);
	assert_int_equal(result.events, 7);
	assert_int_equal(result.slab_pages, 1); /* told by its flags: addresses are hashed */
	assert_int_equal(result.frees_matched, 3);
	assert_int_equal(result.null_frees, 1);
	assert_int_equal(result.live_at_end, 0);
	assert_int_equal(result.unknown, 0);
}

/* Hashed addresses: a page for user space before an object of a page's size is no slab, nor is read-ahead. */
static void test_hashed(void **state)
{
	assert_int_equal(import_text(
		ROW "mm_page_alloc: page=00000000abcdef01 pfn=4096 order=0 migratetype=1 gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_ZERO|__GFP_COMP\n"
		ROW "kmem_cache_alloc: call_site=getname+0x1/0x2 ptr=00000000deadbeaf bytes_req=4096 bytes_alloc=4096 gfp_flags=GFP_KERNEL node=-1\n"
		ROW "mm_page_alloc: page=00000000abcdef02 pfn=4097 order=0 migratetype=1 gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_NOWARN|__GFP_NORETRY\n"
		ROW "kmem_cache_alloc: call_site=xas_alloc+0x1/0x2 ptr=00000000deadbeef bytes_req=576 bytes_alloc=576 gfp_flags=GFP_KERNEL node=-1\n"
		ROW "mm_page_alloc: page=00000000abcdef03 pfn=4100 order=2 migratetype=0 gfp_flags=GFP_KERNEL|__GFP_COMP\n"
		ROW "kmalloc: call_site=foo+0x1/0x2 ptr=00000000deadbeed bytes_req=16000 bytes_alloc=16384 gfp_flags=GFP_KERNEL node=-1\r\n\r\n"), 0);
	assert_int_equal(result.slab_pages, 1); /* of the large kmalloc() */
	assert_int_equal(result.unknown, 0);
}

/* 6.18: fields and events that 6.1 does not have. */
static void test_linux_6_18(void **state)
{
	assert_int_equal(import_text(
		ROW "kmalloc: call_site=foo+0x1/0x2 ptr=000000001234abcd bytes_req=8 bytes_alloc=8 gfp_flags=GFP_NOWAIT|___GFP_NO_OBJ_EXT|0x8000000 node=-1 accounted=true new_field=3\n"
		ROW "mm_calculate_totalreserve_pages: totalreserve_pages=4\n"
		ROW "sched_switch: prev_comm=a prev_pid=1\n"
		ROW "kfree: call_site=foo+0x1/0x2 ptr=000000001234abcd\n"), 0);
	assert_int_equal(result.events, 3);
	assert_int_equal(result.frees_matched, 1);
	assert_int_equal(result.unknown, 0);
}

/* ---- counts ---- */

static void test_losses(void **state)
{
	assert_int_equal(import_text(
		"# tracer: nop\n# entries-in-buffer/entries-written: 3/10   #P:2\n"
		ROW "kmalloc: call_site=a+0x1/0x2 ptr=ffff888000001000 bytes_req=8 bytes_alloc=8 gfp_flags=GFP_KERNEL\n"
		"CPU:1 [LOST 37 EVENTS]\n"
		ROW "kmalloc: call_site=a+0x1/0x2 ptr=ffff888000001000 bytes_req=8 bytes_alloc=8 gfp_flags=GFP_KERNEL\n"
		"CPU:0 [5 EVENTS DROPPED]\n"), 0);
	assert_int_equal(result.lost, 42);
	assert_int_equal(result.alloc_over_live, 1);
	assert_int_equal(result.live_at_end, 1);
}

static void test_malformed(void **state)
{
	static const char text[] =
		"# tracer: nop\n"
		ROW "kfree: call_site=a+0x1/0x2 ptr=ffff888000001000\n"
		"this is nothing\n"
		ROW "kmalloc: call_site=a+0x1/0x2 ptr=ffff888000001000 bytes_req=many bytes_alloc=8 gfp_flags=GFP_KERNEL\n"
		ROW "mm_page_free: page=1 pfn=0x10\n";

	assert_int_equal(import_text(text), 0);
	assert_int_equal(result.events, 1);
	assert_int_equal(result.unknown, 3);
	assert_float_equal(import_coverage(&result), 0.25, 1e-9);
	assert_int_equal(import_named("in.txt", NULL, true), KMS_EUSAGE);
	assert_non_null(strstr(error.text, "in.txt:3: found 'this is nothing', expected"));
}

/* A page block is freed in parts; objects left in a slab that goes were freed in bulk. */
static void test_split_and_bulk(void **state)
{
	assert_int_equal(import_text(
		ROW "mm_page_alloc: page=1 pfn=0x10 order=2 migratetype=0 gfp_flags=GFP_KERNEL\n"
		ROW "mm_page_free: page=1 pfn=0x10 order=0\n"
		ROW "mm_page_free: page=1 pfn=0x12 order=1\n"
		ROW "mm_page_free: page=1 pfn=0x12 order=1\n"
		ROW "mm_page_free: page=1 pfn=0x11 order=0\n"
		ROW "mm_page_alloc: page=1 pfn=0x20 order=0 migratetype=0 gfp_flags=GFP_KERNEL\n"
		ROW "kmem_cache_alloc: call_site=a+0x1/0x2 ptr=ffff888000020000 bytes_req=256 bytes_alloc=256 gfp_flags=GFP_KERNEL node=-1\n"
		ROW "kmem_cache_alloc: call_site=a+0x1/0x2 ptr=ffff888000020f00 bytes_req=256 bytes_alloc=256 gfp_flags=GFP_KERNEL node=-1\n"
		ROW "mm_page_free: page=1 pfn=0x20 order=0\n"), 0);
	assert_int_equal(result.frees_matched, 4);
	assert_int_equal(result.frees_without_alloc, 1);
	assert_int_equal(result.slab_pages, 1);
	assert_int_equal(result.live_at_end, 0);
}

/* Caches that no event names have the name of the machine's one cache of their sizes. */
static void test_slab_list(void **state)
{
	static const char *const lists[] = {
		":0000200\tobject_size\t200\n:0000200\tslab_size\t200\nvm_area_struct\talias_of\t:0000200\n"
		"kmalloc-192\tobject_size\t192\nkmalloc-192\tslab_size\t192\ndentry\tslab_size\t192\n"
		"dentry\tobject_size\t192\none\tslab_size\t64\none\tobject_size\t64\ntwo\tslab_size\t64\ntwo\tobject_size\t64\n",
		"slabinfo - version: 2.1\n# name <active_objs>\nvm_area_struct 1 20 200 20 1 : tunables 0 0 0\n"
		"kmalloc-192 1 21 192 21 1 :\ndentry 1 21 192 21 1 :\none 0 0 64 64 1 :\ntwo 0 0 64 64 1 :\n",
	};
	static const char *const wanted[] = {"vm_area_struct", "dentry", "unnamed-64-64"};
	struct import_options options = {0};
	char list[256];

	put_file("in.txt",
		 ROW "kmem_cache_alloc: call_site=a+0x1/0x2 ptr=ffff888000020000 bytes_req=200 bytes_alloc=200 gfp_flags=GFP_KERNEL\n"
		 ROW "kmem_cache_alloc: call_site=b+0x1/0x2 ptr=ffff888000021000 bytes_req=192 bytes_alloc=192 gfp_flags=GFP_KERNEL\n"
		 ROW "kmem_cache_alloc: call_site=c+0x1/0x2 ptr=ffff888000022000 bytes_req=64 bytes_alloc=64 gfp_flags=GFP_KERNEL\n");
	snprintf(list, sizeof(list), "%s", in_dir("slabs"));
	options.slabs = list;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(lists); i++) {
		struct kms_stream *stream;

		put_file("slabs", lists[i]);
		assert_int_equal(import_recording_with(in_dir("in.txt"), in_dir("out.kmt"), &options, &result, &error), 0);
		assert_int_equal(trace_open(&stream, in_dir("out.kmt"), &error), 0);
		assert_int_equal(stream->info->nr_caches, 3);
		for (u32 k = 0; k < 3; k++)
			assert_string_equal(stream->info->caches[k].name, wanted[k]);
		stream->close(stream);
	}
	put_file("slabs", "dentry 5\n");
	assert_int_equal(import_recording_with(in_dir("in.txt"), in_dir("x.kmt"), &options, &result, &error), KMS_EUSAGE);
	assert_non_null(strstr(error.text, "slabs:1: found 'dentry 5', expected"));
}

/* ---- user programs ---- */

static void test_mtrace(void **state)
{
	assert_int_equal(import_text("= Start\n@ ./a - b:[0x4011] + 0x1b6c2a0 0x10\n@ ./a:(main+0x2)[0x4012] + 0x2000000 0x900000\n"
				     "@ ./a:[0x4013] < 0x1b6c2a0\n@ ./a:[0x4013] > 0x1b6c2c0 0x40\n@ ./a:[0x4014] - 0x2000000\n"
				     "@ ./a:[0x4015] - 0x99\nnonsense\n= End\n"), 0);
	assert_string_equal(result.format, "mtrace");
	assert_int_equal(result.events, 6);
	assert_int_equal(result.frees_matched, 2);
	assert_int_equal(result.frees_without_alloc, 1);
	assert_int_equal(result.live_at_end, 1);
	assert_int_equal(result.unknown, 1);
	assert_int_equal(result.requests, 1 + 1 + 3 + 2 + 3); /* 9 MiB are three blocks */
}

static void test_rep(void **state)
{
	assert_int_equal(import_text("20000\n2\n7\n1\na 0 512\na 1 128\nr 0 640\nf 1\nf 1\nf -1\n"), 0);
	assert_string_equal(result.format, "rep");
	assert_int_equal(result.events, 6);
	assert_int_equal(result.null_frees, 1);
	assert_int_equal(result.frees_without_alloc, 1);
	assert_int_equal(result.live_at_start, 0);
	assert_int_equal(result.live_at_end, 1);
	assert_int_equal(result.lost, 1);
}

/* ---- what cannot be imported ---- */

static void test_refused(void **state)
{
	assert_int_equal(import_text("hello\n"), KMS_EUSAGE);
	assert_int_equal(import_text(""), KMS_EUSAGE);
	assert_int_equal(import_text("# tracer: nop\n"), KMS_EUSAGE);
	assert_non_null(strstr(error.text, "has no kmem event"));
	assert_int_equal(import_named("in.txt", "ftrac", false), KMS_EUSAGE);
	assert_non_null(strstr(error.text, "did you mean 'ftrace'"));
	put_file("bad.dat", "\x17\x08\x44tracing6");
	assert_int_equal(import_named("bad.dat", NULL, false), KMS_EUSAGE);
	assert_int_equal(access(in_dir("none.kmt"), F_OK), -1);
}

/* Damage of every kind to a trace.dat: imported or refused with a message, nothing left behind. */
static void test_damaged_dat(void **state)
{
	static u8 whole[65536], damaged[65536];
	u64 seed = 1, refused = 0;
	size_t n;
	FILE *f;

	write_dat("rec.dat", DAT_6_1);
	f = fopen(in_dir("rec.dat"), "rb");
	n = fread(whole, 1, sizeof(whole), f);
	fclose(f);
	for (int round = 0; round < 60; round++) {
		size_t length = n;

		memcpy(damaged, whole, n);
		for (int i = 0; i < 1 + round % 4; i++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			damaged[(seed >> 33) % n] = (u8)(seed >> 20);
		}
		if (round % 3 == 0)
			length = (seed >> 33) % n;
		f = fopen(in_dir("damaged.dat"), "wb");
		fwrite(damaged, 1, length, f);
		fclose(f);
		unlink(in_dir("out.kmt"));
		if (!import_named("damaged.dat", "trace.dat", false))
			continue;
		refused++;
		assert_true(error.text[0] && error.code == KMS_EUSAGE);
		assert_int_equal(access(in_dir("out.kmt"), F_OK), -1);
		assert_int_equal(access(in_dir("out.kmt.partial"), F_OK), -1);
	}
	assert_true(refused > 0 && refused < 60);
}

static int make_dir(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_in_every_form), cmocka_unit_test(test_linux_5_4),
		cmocka_unit_test(test_linux_6_18), cmocka_unit_test(test_hashed), cmocka_unit_test(test_losses),
		cmocka_unit_test(test_malformed), cmocka_unit_test(test_split_and_bulk),
		cmocka_unit_test(test_slab_list), cmocka_unit_test(test_mtrace), cmocka_unit_test(test_rep), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_damaged_dat),
	};

	return cmocka_run_group_tests_name("import_formats", tests, make_dir, remove_dir);
}
