/*
 * json.h - writing JSON, in the order in which it is written.
 *
 * Whole 64-bit numbers stay exact, numbers that JSON cannot say become null,
 * and text that is no UTF-8 is repaired with U+FFFD, so that what comes out
 * always parses. key is NULL inside arrays and for the outermost value.
 */
#ifndef RESULTS_JSON_H
#define RESULTS_JSON_H

#include <stdio.h>

#include "sim/engine/base.h"

#define JSON_MAX_DEPTH 16

struct json {
	FILE *out;
	u32 depth;
	bool has_members[JSON_MAX_DEPTH];
};

void json_start(struct json *j, FILE *out);
void json_open(struct json *j, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *j, char bracket);		       /* '}' or ']'; the outermost ends the line */
void json_int(struct json *j, const char *key, s64 value);
void json_uint(struct json *j, const char *key, u64 value);
void json_double(struct json *j, const char *key, double value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);
void json_text(struct json *j, const char *key, const char *text);
/* text is JSON already. */
void json_raw(struct json *j, const char *key, const char *text);

/*
 * Length of the valid UTF-8 sequence at s (which ends with 0), 1 to 4; 0 when
 * it is none (overlong, surrogate, cut short, beyond U+10FFFF).
 */
u32 utf8_length(const char *s);

#endif
