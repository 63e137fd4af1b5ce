/*
 * import_text.h - between import_ftrace.c (rows) and import_fields.c (fields).
 */
#ifndef WORKLOADS_IMPORT_TEXT_H
#define WORKLOADS_IMPORT_TEXT_H

#include "workloads/import_kmem.h"
#include "workloads/lines.h"

/* The left part of a line of text, up to the event's name. */
struct text_row {
	const char *name, *group, *tail; /* group: NULL where the tool prints none */
	size_t length, group_length;
	u64 time;
	u32 cpu;
	s32 pid;
	u8 context;
};

#define TEXT_GFP_MEMO 64

struct text_reader {
	struct kmem_import im;
	struct lines lines;
	const struct import_job *job;
	/* GFP flags met lately: the same few texts come again and again */
	struct {
		u32 length, bits;
		char text[120];
	} gfp_memo[TEXT_GFP_MEMO];
};

bool text_parse_row(const char *line, struct text_row *row);
/* False: *bad is where it is not as *expected. ev->kind is set before. */
bool text_parse_fields(struct text_reader *r, const char *tail, struct kmem_event *ev, const char **bad,
		       const char **expected);

#endif
