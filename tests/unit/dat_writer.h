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

enum dat_event { DAT_KMALLOC = 101, DAT_CACHE_ALLOC, DAT_KFREE, DAT_CACHE_FREE, DAT_PAGE_ALLOC, DAT_PAGE_FREE,
		 DAT_BATCHED };

#define DAT_COMMON                                                                                     \
	"format:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"                 \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"                          \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"                  \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
#define DAT_ALLOC_FIELDS                                                                               \
	"\tfield:unsigned long call_site;\toffset:8;\tsize:8;\tsigned:0;\n"                              \
	"\tfield:const void * ptr;\toffset:16;\tsize:8;\tsigned:0;\n"                                    \
	"\tfield:size_t bytes_req;\toffset:24;\tsize:8;\tsigned:0;\n"                                    \
	"\tfield:size_t bytes_alloc;\toffset:32;\tsize:8;\tsigned:0;\n"                                  \
	"\tfield:unsigned long gfp_flags;\toffset:40;\tsize:8;\tsigned:0;\n"                             \
	"\tfield:int node;\toffset:48;\tsize:4;\tsigned:1;\n\n"                                          \
	"print fmt: \"call_site=%pS ptr=%p bytes_req=%zu bytes_alloc=%zu gfp_flags=0x%lx node=%d\", "     \
	"(void *)REC->call_site, REC->ptr, REC->bytes_req, REC->bytes_alloc, REC->gfp_flags, REC->node\n"

static const struct {
	const char *name;
	const char *rest;
	int id;
} dat_formats[] = {
	{ "kmalloc", DAT_ALLOC_FIELDS, DAT_KMALLOC },
	{ "kmem_cache_alloc", DAT_ALLOC_FIELDS, DAT_CACHE_ALLOC },
	{ "kfree",
	  "\tfield:unsigned long call_site;\toffset:8;\tsize:8;\tsigned:0;\n"
	  "\tfield:const void * ptr;\toffset:16;\tsize:8;\tsigned:0;\n\n"
	  "print fmt: \"call_site=%pS ptr=%p\", (void *)REC->call_site, REC->ptr\n", DAT_KFREE },
	{ "kmem_cache_free",
	  "\tfield:unsigned long call_site;\toffset:8;\tsize:8;\tsigned:0;\n"
	  "\tfield:const void * ptr;\toffset:16;\tsize:8;\tsigned:0;\n"
	  "\tfield:__data_loc char[] name;\toffset:24;\tsize:4;\tsigned:1;\n\n"
	  "print fmt: \"call_site=%pS ptr=%p name=%s\", (void *)REC->call_site, REC->ptr, __get_str(name)\n",
	  DAT_CACHE_FREE },
	{ "mm_page_alloc",
	  "\tfield:unsigned long pfn;\toffset:8;\tsize:8;\tsigned:0;\n"
	  "\tfield:unsigned int order;\toffset:16;\tsize:4;\tsigned:0;\n"
	  "\tfield:unsigned long gfp_flags;\toffset:24;\tsize:8;\tsigned:0;\n"
	  "\tfield:int migratetype;\toffset:32;\tsize:4;\tsigned:1;\n\n"
	  "print fmt: \"page=%p pfn=0x%lx order=%d migratetype=%d gfp_flags=0x%lx\", "
	  "(void *)(REC->pfn), REC->pfn, REC->order, REC->migratetype, REC->gfp_flags\n", DAT_PAGE_ALLOC },
	{ "mm_page_free",
	  "\tfield:unsigned long pfn;\toffset:8;\tsize:8;\tsigned:0;\n"
	  "\tfield:unsigned int order;\toffset:16;\tsize:4;\tsigned:0;\n\n"
	  "print fmt: \"page=%p pfn=0x%lx order=%d\", (void *)(REC->pfn), REC->pfn, REC->order\n",
	  DAT_PAGE_FREE },
	{ "mm_page_free_batched",
	  "\tfield:unsigned long pfn;\toffset:8;\tsize:8;\tsigned:0;\n\n"
	  "print fmt: \"page=%p pfn=0x%lx order=0\", (void *)(REC->pfn), REC->pfn\n", DAT_BATCHED },
};

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

/* payload: the event's bytes from common_type on; at most 112. */
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

static void dat_write_formats(FILE *f)
{
	u8 n[4];

	dat_put_u32(n, 0); /* ftrace's own events */
	fwrite(n, 1, 4, f);
	dat_put_u32(n, 1);
	fwrite(n, 1, 4, f);
	fwrite("kmem", 1, 5, f);
	dat_put_u32(n, KMS_ARRAY_SIZE(dat_formats));
	fwrite(n, 1, 4, f);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(dat_formats); i++) {
		char text[2048];

		snprintf(text, sizeof(text), "name: %s\nID: %d\n%s%s", dat_formats[i].name, dat_formats[i].id,
			 DAT_COMMON, dat_formats[i].rest);
		dat_write_sized(f, text, 8);
	}
}

/* Frees the writer's pages. symbols: as /proc/kallsyms. */
static void dat_write(struct dat_writer *w, const char *path, const char *symbols)
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
	dat_write_formats(f);
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
