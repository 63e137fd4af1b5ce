/*
 * golden_parser.h - reading a golden file line by line: what golden_words.c,
 * golden_state.c and golden_parse.c share.
 *
 * Functions return 0 or an error code; the error says file, line and column,
 * what was found there and what was expected.
 */
#ifndef SIM_VALIDATE_GOLDEN_PARSER_H
#define SIM_VALIDATE_GOLDEN_PARSER_H

#include "sim/validate/golden_internal.h"

struct parser {
	struct golden_file *f;
	u64 line;
	char *start, *at; /* of the current line, NUL-terminated */
	struct golden_test *open;
	struct golden_state *state; /* of the last state line */
	u64 *pfns; /* of the list being read */
	u8 *types;
	size_t room;
	struct kms_error *err;
};

/* golden_words.c: a line's words */
int golden_bad(struct parser *p, const char *expected);
/* Give an error that came from elsewhere its file and line. */
int golden_in_line(struct parser *p, int rc);
void golden_skip_blanks(struct parser *p);
bool golden_at_end(struct parser *p);
int golden_expect_end(struct parser *p);
/* A number up to the next blank (or one of stops); at most limit. */
int golden_number(struct parser *p, u32 base, u64 limit, const char *stops, u64 *value,
		  const char *expected);
int golden_decimal(struct parser *p, u64 limit, u64 *value);
/* The next word if it is this one. */
bool golden_word_is(struct parser *p, const char *word);
int golden_expect_word(struct parser *p, const char *word);
/* "name number" */
int golden_named(struct parser *p, const char *name, u64 *value);
int golden_named_integer(struct parser *p, const char *name, s32 *value);
/* The character that comes now. */
int golden_expect_char(struct parser *p, char c, const char *expected);

/* golden_state.c: snapshots */
int golden_state_line(struct parser *p, char letter);
/* Every zone has its per-CPU part, once, and free lists add up to what the zone counted. */
int golden_check_states(struct parser *p);

#endif
