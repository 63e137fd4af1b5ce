/*
 * dat_writer.h - for tests: a trace-cmd file of version 6 with kmem events, as
 * small as the format allows.
 *
 * The format is public (trace-cmd.dat.v6(5)). Events must come in order of time.
 */
#ifndef TESTS_UNIT_DAT_WRITER_H
#define TESTS_UNIT_DAT_WRITER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine/base.h"

#define BIT(n) (1u << (n))
#define DAT_CPUS 2
#define DAT_PAGE 4096

struct dat_page {
	u8 data[DAT_PAGE];
	u32 used;
	u64 last;
};

struct dat_writer {
	struct dat_page *pages[DAT_CPUS];
	u32 nr_pages[DAT_CPUS];
};

/* Below 32: sets of them are words. */
enum dat_event { DAT_KMALLOC = 11, DAT_CACHE_ALLOC, DAT_KMALLOC_NODE, DAT_CACHE_ALLOC_NODE, DAT_KFREE,
		 DAT_CACHE_FREE, DAT_PAGE_ALLOC, DAT_PAGE_FREE, DAT_BATCHED };

#define DAT_COMMON                                                                                     \
	"format:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"                 \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"                          \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"                  \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
#define DAT_COMMON_BYTES 8

/* The kernels whose events differ. */
enum dat_version { DAT_5_4, DAT_5_10, DAT_6_1, DAT_6_18, NR_DAT_VERSIONS };
#define DAT_OLD (BIT(DAT_5_4) | BIT(DAT_5_10))
#define DAT_NEW (BIT(DAT_6_1) | BIT(DAT_6_18))
#define DAT_ALL (DAT_OLD | DAT_NEW)

static const struct {
	const char *name;
	int id;
	u32 versions;
} dat_formats[] = {
	{ "kmalloc", DAT_KMALLOC, DAT_ALL }, { "kmem_cache_alloc", DAT_CACHE_ALLOC, DAT_ALL },
	{ "kmalloc_node", DAT_KMALLOC_NODE, DAT_OLD },
	{ "kmem_cache_alloc_node", DAT_CACHE_ALLOC_NODE, DAT_OLD }, { "kfree", DAT_KFREE, DAT_ALL },
	{ "kmem_cache_free", DAT_CACHE_FREE, DAT_ALL }, { "mm_page_alloc", DAT_PAGE_ALLOC, DAT_ALL },
	{ "mm_page_free", DAT_PAGE_FREE, DAT_ALL }, { "mm_page_free_batched", DAT_BATCHED, DAT_ALL },
};

#define DAT_ALLOCS (BIT(DAT_KMALLOC) | BIT(DAT_CACHE_ALLOC) | BIT(DAT_KMALLOC_NODE) | BIT(DAT_CACHE_ALLOC_NODE))
#define DAT_NODES (BIT(DAT_KMALLOC_NODE) | BIT(DAT_CACHE_ALLOC_NODE))
#define DAT_FREES (BIT(DAT_KFREE) | BIT(DAT_CACHE_FREE))
#define DAT_PAGES (BIT(DAT_PAGE_ALLOC) | BIT(DAT_PAGE_FREE) | BIT(DAT_BATCHED))

enum dat_value { DAT_SITE, DAT_PTR, DAT_NAME, DAT_REQ, DAT_ALLOC, DAT_PFN, DAT_ORDER, DAT_GFP, DAT_TYPE, DAT_NODE,
		 DAT_ACCOUNTED, NR_DAT_VALUES };

/* In the order of the kernels' own fields: of which events, in which versions. */
static const struct {
	const char *type, *name;
	u32 size;
	bool is_signed;
	u32 events, versions;
	enum dat_value value;
} dat_fields[] = {
	{ "unsigned long", "call_site", 8, false, DAT_ALLOCS | DAT_FREES, DAT_ALL, DAT_SITE },
	{ "const void *", "ptr", 8, false, DAT_ALLOCS | DAT_FREES, DAT_ALL, DAT_PTR },
	{ "__data_loc char[]", "name", 4, false, BIT(DAT_CACHE_ALLOC), BIT(DAT_6_18), DAT_NAME },
	{ "__data_loc char[]", "name", 4, true, BIT(DAT_CACHE_FREE), DAT_NEW, DAT_NAME },
	{ "size_t", "bytes_req", 8, false, DAT_ALLOCS, DAT_ALL, DAT_REQ },
	{ "size_t", "bytes_alloc", 8, false, DAT_ALLOCS, DAT_ALL, DAT_ALLOC },
	{ "unsigned long", "pfn", 8, false, DAT_PAGES, DAT_ALL, DAT_PFN },
	{ "unsigned int", "order", 4, false, BIT(DAT_PAGE_ALLOC) | BIT(DAT_PAGE_FREE), DAT_ALL, DAT_ORDER },
	{ "gfp_t", "gfp_flags", 4, false, DAT_ALLOCS | BIT(DAT_PAGE_ALLOC), DAT_OLD, DAT_GFP },
	{ "unsigned long", "gfp_flags", 8, false, DAT_ALLOCS | BIT(DAT_PAGE_ALLOC), DAT_NEW, DAT_GFP },
	{ "int", "migratetype", 4, true, BIT(DAT_PAGE_ALLOC), DAT_ALL, DAT_TYPE },
	{ "int", "node", 4, true, DAT_NODES, DAT_OLD, DAT_NODE },
	{ "int", "node", 4, true, DAT_ALLOCS, DAT_NEW, DAT_NODE },
	{ "bool", "accounted", 1, false, BIT(DAT_CACHE_ALLOC), DAT_NEW, DAT_ACCOUNTED },
};

/* The offset of a field of dat_fields[] in an event; its bytes so far in *end. 0: it has none. */
static u32 dat_offset(enum dat_version version, int id, size_t field, u32 *end)
{
	u32 at = 0;

	*end = DAT_COMMON_BYTES;
	for (size_t i = 0; i <= field; i++) {
		at = 0;
		if (!(dat_fields[i].events & BIT(id)) || !(dat_fields[i].versions & BIT(version)))
			continue;
		at = (*end + dat_fields[i].size - 1) / dat_fields[i].size * dat_fields[i].size;
		*end = at + dat_fields[i].size;
	}
	return at;
}

static void dat_format_text(char *text, size_t n, enum dat_version version, const char *name, int id)
{
	size_t length = (size_t)snprintf(text, n, "name: %s\nID: %d\n%s", name, id, DAT_COMMON);
	u32 end;

	for (size_t i = 0; i < KMS_ARRAY_SIZE(dat_fields); i++) {
		u32 at = dat_offset(version, id, i, &end);

		if (at)
			length += (size_t)snprintf(text + length, n - length, "\tfield:%s %s;\toffset:%u;\tsize:%u;\tsigned:%d;\n",
						   dat_fields[i].type, dat_fields[i].name, at, dat_fields[i].size,
						   dat_fields[i].is_signed);
	}
	snprintf(text + length, n - length, "\nprint fmt: \"%%d\", REC->common_pid\n");
}

static void dat_put_u32(u8 *at, u32 v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (u8)(v >> 8 * i);
}

static void dat_put_u64(u8 *at, u64 v)
{
	dat_put_u32(at, (u32)v);
	dat_put_u32(at + 4, (u32)(v >> 32));
}

static struct dat_page *dat_new_page(struct dat_writer *w, u32 cpu, u64 time)
{
	struct dat_page *p;

	w->pages[cpu] = realloc(w->pages[cpu], (w->nr_pages[cpu] + 1) * sizeof(*p));
	p = &w->pages[cpu][w->nr_pages[cpu]++];
	memset(p, 0, sizeof(*p));
	dat_put_u64(p->data, time);
	p->used = 16;
	p->last = time;
	return p;
}

/* payload: the event's bytes from common_type on; at most 128. */
static void dat_add(struct dat_writer *w, u32 cpu, u64 time, const u8 *payload, u32 length)
{
	u32 words = (length + 3) / 4;
	struct dat_page *p = w->nr_pages[cpu] ? &w->pages[cpu][w->nr_pages[cpu] - 1] : NULL;
	u64 delta;

	if (!p || p->used + 12 + 4 * words > DAT_PAGE)
		p = dat_new_page(w, cpu, time);
	delta = time - p->last;
	p->last = time;
	if (delta >= 1u << 27) { /* a step in time of its own */
		dat_put_u32(p->data + p->used, 30u | (u32)(delta & ((1u << 27) - 1)) << 5);
		dat_put_u32(p->data + p->used + 4, (u32)(delta >> 27));
		p->used += 8;
		delta = 0;
	}
	dat_put_u32(p->data + p->used, words | (u32)delta << 5);
	memcpy(p->data + p->used + 4, payload, length);
	p->used += 4 + 4 * words;
	dat_put_u64(p->data + 8, p->used - 16);
}

static void dat_write_sized(FILE *f, const char *text, u32 bytes_of_size)
{
	u8 size[8] = { 0 };

	dat_put_u32(size, (u32)strlen(text));
	fwrite(size, 1, bytes_of_size, f);
	fwrite(text, 1, strlen(text), f);
}

/* The event's bytes from common_type on, at most 128; values by enum dat_value. */
static u32 dat_encode(u8 *p, enum dat_version version, int id, const u64 values[NR_DAT_VALUES], const char *name)
{
	u32 end = DAT_COMMON_BYTES, name_at = 0;

	memset(p, 0, 128);
	dat_put_u32(p, (u32)id);
	dat_put_u32(p + 4, 7);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(dat_fields); i++) {
		u32 at = dat_offset(version, id, i, &end);
		u8 bytes[8];

		if (at && dat_fields[i].value == DAT_NAME)
			name_at = at;
		dat_put_u64(bytes, values[dat_fields[i].value]);
		memcpy(p + at, bytes, at ? dat_fields[i].size : 0);
	}
	if (!name_at)
		return end;
	dat_put_u32(p + name_at, end | (u32)(strlen(name) + 1) << 16);
	memcpy(p + end, name, strlen(name) + 1);
	return end + (u32)strlen(name) + 1;
}

static void dat_write_formats(FILE *f, enum dat_version version)
{
	u8 n[4];
	u32 events = 0;

	dat_put_u32(n, 0); /* ftrace's own events */
	fwrite(n, 1, 4, f);
	dat_put_u32(n, 1);
	fwrite(n, 1, 4, f);
	fwrite("kmem", 1, 5, f);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(dat_formats); i++)
		events += !!(dat_formats[i].versions & BIT(version));
	dat_put_u32(n, events);
	fwrite(n, 1, 4, f);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(dat_formats); i++) {
		char text[2048];

		if (!(dat_formats[i].versions & BIT(version)))
			continue;
		dat_format_text(text, sizeof(text), version, dat_formats[i].name, dat_formats[i].id);
		dat_write_sized(f, text, 8);
	}
}

/* Frees the writer's pages. symbols: as /proc/kallsyms. */
static void dat_write(struct dat_writer *w, const char *path, enum dat_version version, const char *symbols)
{
	static const u8 start[] = "\x17\x08\x44tracing" "6\0\0\x08\0\x10\0"; /* 8 byte longs, 4 KiB pages */
	FILE *f = fopen(path, "wb");
	u8 number[8];
	u64 offset;

	fwrite(start, 1, 10 + 2 + 1 + 1 + 4, f);
	fwrite("header_page", 1, 12, f);
	dat_write_sized(f, "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
			   "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
			   "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
			   "\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n", 8);
	fwrite("header_event", 1, 13, f);
	dat_write_sized(f, "# compressed entry header\n", 8);
	dat_write_formats(f, version);
	dat_write_sized(f, symbols, 4);
	dat_write_sized(f, "", 4);		/* printk formats */
	dat_write_sized(f, "7 task\n", 8); /* names of tasks */
	dat_put_u32(number, DAT_CPUS);
	fwrite(number, 1, 4, f);
	fwrite("options  \0\0", 1, 12, f);
	fwrite("flyrecord", 1, 10, f);
	offset = ((u64)ftell(f) + 16 * DAT_CPUS + DAT_PAGE - 1) / DAT_PAGE * DAT_PAGE;
	for (u32 cpu = 0; cpu < DAT_CPUS; cpu++) {
		dat_put_u64(number, offset);
		fwrite(number, 1, 8, f);
		dat_put_u64(number, (u64)w->nr_pages[cpu] * DAT_PAGE);
		fwrite(number, 1, 8, f);
		offset += (u64)w->nr_pages[cpu] * DAT_PAGE;
	}
	fseek(f, (ftell(f) + DAT_PAGE - 1) / DAT_PAGE * DAT_PAGE, SEEK_SET);
	for (u32 cpu = 0; cpu < DAT_CPUS; cpu++) {
		for (u32 i = 0; i < w->nr_pages[cpu]; i++)
			fwrite(w->pages[cpu][i].data, 1, DAT_PAGE, f);
		free(w->pages[cpu]);
	}
	fclose(f);
	memset(w, 0, sizeof(*w));
}

#endif
