/*
 * dram_trace.c - dram_trace.h: lines into requests, without the C library's slow ways.
 */
#include "sim/memtrace/dram_trace.h"

#include <string.h>

struct cursor {
	const char *path, *line, *at;
	u64 number;
};

static int found_at(const struct cursor *c, const char *at, const char *expected,
		    struct kms_error *err)
{
	int n = 0;

	while (at[n] && at[n] != ' ' && at[n] != '\t' && n < 40)
		n++;
	return kms_fail(err, KMS_EUSAGE, "%s:%llu:%d: found %s%.*s%s, expected %s", c->path,
			(unsigned long long)c->number, (int)(at - c->line) + 1, n ? "\"" : "the end of the line",
			n, at, n ? "\"" : "", expected);
}

static bool is_space(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\r' || ch == ',';
}

static void skip_space(struct cursor *c)
{
	while (is_space(*c->at))
		c->at++;
}

/* The digit's value + 1; 0: none. */
static const u8 digits[256] = {
	['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8,
	['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static int digit(char ch)
{
	return digits[(u8)ch] ? digits[(u8)ch] - 1 : 16;
}

static int read_number(struct cursor *c, u64 *value, const char *what, struct kms_error *err)
{
	const char *start = c->at;
	int base = start[0] == '0' && (start[1] | 0x20) == 'x' ? 16 : 10, d;
	u64 v = 0;

	c->at += base == 16 ? 2 : 0;
	if (digit(*c->at) >= base)
		return found_at(c, start, what, err);
	while ((d = digit(*c->at)) < base) {
		if (v >> 59 && v > (~0ull - (u64)d) / (u64)base)
			return found_at(c, start, "a number of at most 64 bits", err);
		v = v * (u64)base + (u64)d;
		c->at++;
	}
	if (*c->at && !is_space(*c->at))
		return found_at(c, start, what, err);
	*value = v;
	return 0;
}

static const struct word {
	const char *text;
	bool write;
} words[] = {{"READ", false}, {"WRITE", true}, {"R", false},  {"W", true},
	     {"LD", false},   {"ST", true},    {"P_MEM_RD", false}, {"P_MEM_WR", true}};

static bool read_word(struct cursor *c, bool *write)
{
	size_t n = 0;

	while (c->at[n] && !is_space(c->at[n]))
		n++;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(words); i++) {
		if (strlen(words[i].text) != n || strncasecmp(c->at, words[i].text, n))
			continue;
		*write = words[i].write;
		c->at += n;
		return true;
	}
	return false;
}

#define WHAT "READ, WRITE, LD, ST, R or W"

static int read_pair(struct cursor *c, struct dram_record *r, struct kms_error *err)
{
	bool word_first = read_word(c, &r->write);

	skip_space(c);
	if (!word_first && (digit(*c->at) > 9))
		return found_at(c, c->at, "an address (0x...) or " WHAT, err);
	if (read_number(c, &r->address, "an address: 0x and hexadecimal digits, or decimal digits", err))
		return KMS_EUSAGE;
	skip_space(c);
	if (!word_first && !read_word(c, &r->write))
		return found_at(c, c->at, WHAT, err);
	return 0;
}

static int parse(struct cursor *c, struct dram_record *r, struct kms_error *err)
{
	r->cycle = 0;
	if (read_pair(c, r, err))
		return KMS_EUSAGE;
	skip_space(c);
	if (*c->at && read_number(c, &r->cycle, "the earliest cycle, a whole number", err))
		return KMS_EUSAGE;
	skip_space(c);
	return *c->at ? found_at(c, c->at, "the end of the line", err) : 0;
}

int dram_trace_next(struct memtrace_input *in, const char *path, struct dram_record *r, bool *end,
		    struct kms_error *err)
{
	struct cursor c = {.path = path};
	char *line;
	size_t length;

	do {
		int rc = memtrace_input_line(in, &line, &length, err);

		*end = !line;
		if (rc || !line)
			return rc;
		c.line = c.at = line;
		skip_space(&c);
	} while (!*c.at || *c.at == '#');
	c.number = memtrace_input_line_number(in);
	return parse(&c, r, err);
}
