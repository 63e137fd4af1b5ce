/*
 * json.c - writing JSON; see json.h.
 */
#include "results/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

u32 utf8_length(const char *s)
{
	const u8 *c = (const u8 *)s;
	u32 code, n;

	if (c[0] < 0x80)
		return 1;
	if (c[0] < 0xc2 || c[0] > 0xf4)
		return 0;
	n = c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
	code = c[0] & (0x7f >> n);
	for (u32 i = 1; i < n; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (c[i] & 0x3f);
	}
	if ((n == 3 && code < 0x800) || (n == 4 && code < 0x10000) || code > 0x10ffff ||
	    (code >= 0xd800 && code < 0xe000))
		return 0;
	return n;
}

static void write_string(FILE *out, const char *s)
{
	fputc('"', out);
	while (*s) {
		u32 n = utf8_length(s);

		if (!n)
			fputs("\xef\xbf\xbd", out);
		else if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if ((u8)*s < 0x20 || *s == 0x7f)
			fprintf(out, "\\u%04x", (u8)*s);
		else
			fwrite(s, 1, n, out);
		s += n ? n : 1;
	}
	fputc('"', out);
}

void json_start(struct json *j, FILE *out)
{
	*j = (struct json){.out = out};
}

static void lead_in(struct json *j, const char *key)
{
	if (!j->depth)
		return;
	if (j->has_members[j->depth - 1])
		fputc(',', j->out);
	j->has_members[j->depth - 1] = true;
	fprintf(j->out, "\n%*s", 2 * (int)j->depth, "");
	if (!key)
		return;
	write_string(j->out, key);
	fputs(": ", j->out);
}

void json_open(struct json *j, const char *key, char bracket)
{
	lead_in(j, key);
	fputc(bracket, j->out);
	j->has_members[j->depth++] = false;
}

void json_close(struct json *j, char bracket)
{
	if (j->has_members[--j->depth])
		fprintf(j->out, "\n%*s", 2 * (int)j->depth, "");
	fputc(bracket, j->out);
	if (!j->depth)
		fputc('\n', j->out);
}

void json_int(struct json *j, const char *key, s64 value)
{
	lead_in(j, key);
	fprintf(j->out, "%" PRId64, value);
}

void json_uint(struct json *j, const char *key, u64 value)
{
	lead_in(j, key);
	fprintf(j->out, "%" PRIu64, value);
}

/* The shortest form that reads back as the same number. */
void json_double(struct json *j, const char *key, double value)
{
	char text[32];

	lead_in(j, key);
	if (!isfinite(value)) {
		fputs("null", j->out);
		return;
	}
	for (int digits = 6; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	fputs(text, j->out);
}

void json_bool(struct json *j, const char *key, bool value)
{
	lead_in(j, key);
	fputs(value ? "true" : "false", j->out);
}

void json_null(struct json *j, const char *key)
{
	lead_in(j, key);
	fputs("null", j->out);
}

void json_text(struct json *j, const char *key, const char *text)
{
	lead_in(j, key);
	write_string(j->out, text);
}

void json_raw(struct json *j, const char *key, const char *text)
{
	lead_in(j, key);
	fputs(text, j->out);
}
