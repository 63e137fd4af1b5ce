/*
 * recording.h - a recording's trace in memory: lines as numbers.
 *
 * Reads the files of a recording's folder, plain or .zst. The trace is turned
 * into an array of lines whose words are numbers already; text that only
 * errors and rare lines need stays where it was read.
 */
#ifndef SIM_VALIDATE_RECORDING_H
#define SIM_VALIDATE_RECORDING_H

#include "sim/engine/base.h"

enum event {
#define EVENT(name, step, words, role) EV_##name,
#include "sim/validate/events.def"
#undef EVENT
	NR_EVENTS
};

enum event_role {
	ROLE_STEP, ROLE_INPUT, ROLE_TEXT, ROLE_ANSWER_PAGE, ROLE_ANSWER_PAGE_BULK, ROLE_ANSWER_SLAB,
	ROLE_ANSWER_SLAB_BULK, ROLE_ANSWER_SLOB, ROLE_ANSWER_KMALLOC_LARGE, NR_ROLES
};

struct event_kind {
	const char *name, *words;
	u32 step; /* enum kms_step_id, or NR_STEPS */
	enum event_role role;
};
extern const struct event_kind event_kinds[NR_EVENTS];

enum layer { LAYER_SLUB, LAYER_SLAB, LAYER_SLOB };

#define NO_LINE 0xffffffffu
#define NO_OP 0xffffffffu
#define NO_PFN (~0ull)
#define NODEMASK_GIVEN (1ull << 32) /* in a node's word: the request had a mask of nodes */
#define CTX_MEMALLOC 0x10u /* bit of line->ctx: reclaim's own work */

struct line {
	u8 event, cpu, ctx;
	bool passed; /* compared, or not to be */
	s32 pid;
	u32 args; /* first word in recording->args */
	u32 op;	  /* operation that it belongs to */
	u32 next; /* next line of the same operation */
	u64 text; /* offset of its first character */
};

struct recording {
	const char *dir;
	enum layer layer; /* by the names of its lines */
	char *text; /* the trace, 0-terminated */
	size_t text_bytes;
	struct line *lines;
	u32 nr_lines;
	u64 *args;
	size_t nr_args, max_args;
	char **names; /* slab caches by id */
	u32 nr_names, max_names;
	u32 *name_slots;
};

/* Whole file dir/name, or dir/name.zst unpacked, 0-terminated; *text is the caller's to free. */
int recording_file(const char *dir, const char *name, char **text, size_t *bytes,
		   struct kms_error *err);
/* Does the folder have it, in either form? */
bool recording_has(const char *dir, const char *name);
int recording_open(struct recording *r, const char *dir, struct kms_error *err);
void recording_close(struct recording *r);

/* Id of a slab cache name of `length` characters, new if need be. */
u32 recording_name(struct recording *r, const char *name, size_t length);

static inline u64 line_arg(const struct recording *r, const struct line *line, u32 i)
{
	return r->args[line->args + i];
}

/* Value of key=value in a line's text; "" when there is none. Until a blank or the line's end. */
const char *line_value(const struct recording *r, const struct line *line, const char *key,
		       char *buf, size_t size);
u64 line_number(const struct recording *r, const struct line *line, const char *key, int base);
/* The words from the event's name on, without the newline. */
void line_words(const struct recording *r, const struct line *line, char *buf, size_t size);

#endif
