/*
 * lackey.c - lackey.h: from the bytes of a trace to words.
 */
#include "sim/memtrace/lackey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/memtrace/input.h"

enum { BATCH = 8192 };

enum format { FORMAT_TEXT, FORMAT_BINARY, FORMAT_U32 };
static const char *const format_names[] = {"lackey", "binary", "u32"};

struct lackey {
	struct memtrace_input *in;
	char path[256];
	enum format format;
	u64 line, records;
	size_t carried; /* bytes of an incomplete record at the start of raw */
	u64 words[BATCH];
	u64 raw[BATCH];
};

static int find_format(const char *name, enum format *format, struct kms_error *err)
{
	const char *near;

	for (u32 i = 0; i < KMS_ARRAY_SIZE(format_names); i++) {
		if (!strcmp(name, format_names[i])) {
			*format = (enum format)i;
			return 0;
		}
	}
	near = kms_nearest(name, format_names, KMS_ARRAY_SIZE(format_names));
	return kms_fail(err, KMS_EUSAGE,
			"--format: found \"%s\", expected lackey, binary or u32%s%s%s", name,
			near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* Reads the magic, if there; otherwise opens the file anew, from its first byte. */
static int look_at_start(struct lackey *l, bool wanted, struct kms_error *err)
{
	char magic[sizeof(LACKEY_MAGIC) - 1];
	size_t have = 0, got;

	do {
		int rc = memtrace_input_read(l->in, magic + have, sizeof(magic) - have, &got, err);

		if (rc)
			return rc;
		have += got;
	} while (got && have < sizeof(magic));
	if (have == sizeof(magic) && !memcmp(magic, LACKEY_MAGIC, sizeof(magic))) {
		l->format = FORMAT_BINARY;
		return 0;
	}
	if (wanted)
		return kms_fail(err, KMS_EUSAGE,
				"%s: not a binary trace: it does not begin with \"KMSACC1\"; write one "
				"with --cachegrind --convert FILE", l->path);
	return memtrace_input_unread(l->in, magic, have, err);
}

int lackey_open(struct lackey **out, const char *path, const char *format, u64 line,
		struct kms_error *err)
{
	struct lackey *l = malloc(sizeof(*l));
	int rc;

	*out = NULL;
	if (!l)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	memset(l, 0, offsetof(struct lackey, words));
	l->line = line;
	snprintf(l->path, sizeof(l->path), "%s", path);
	rc = format ? find_format(format, &l->format, err) : 0;
	if (!rc)
		rc = memtrace_input_open(&l->in, path, err);
	if (!rc && (!format || l->format == FORMAT_BINARY))
		rc = look_at_start(l, l->format == FORMAT_BINARY, err);
	if (rc) {
		lackey_close(l);
		return rc;
	}
	*out = l;
	return 0;
}

void lackey_close(struct lackey *l)
{
	if (!l)
		return;
	memtrace_input_close(l->in);
	free(l);
}

/* ---- text ---- */

static const signed char digits[256] = {
	['0'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ['A'] = 11, 12, 13, 14, 15, 16,
	['a'] = 11, 12, 13, 14, 15, 16,
};

static const char *skip_blanks(const char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return at;
}

static bool take_hex(const char **text, u64 *value)
{
	const char *at = *text;
	u32 n = 0;

	if (at[0] == '0' && (at[1] | 32) == 'x')
		at += 2;
	*value = 0;
	for (int digit; (digit = digits[(unsigned char)*at]); at++, n++)
		*value = *value << 4 | (u64)(digit - 1);
	*text = at;
	return n && n <= 16;
}

static bool take_size(const char **text, u64 *value)
{
	const char *at = *text;

	*value = 0;
	for (; *at >= '0' && *at <= '9' && *value <= LACKEY_MAX_SIZE; at++)
		*value = *value * 10 + (u64)(*at - '0');
	*text = at;
	return *value && *value <= LACKEY_MAX_SIZE;
}

static int bad_line(const struct lackey *l, const char *line, const char *at, const char *what,
		    struct kms_error *err)
{
	return kms_fail(err, KMS_EUSAGE, "%s:%llu:%u: found \"%.60s\", expected %s", l->path,
			(unsigned long long)memtrace_input_line_number(l->in), (u32)(at - line) + 1, line,
			what);
}

static int pack(const struct lackey *l, const char *line, const char *at, u32 kind, u64 address, u64 size, u64 *word,
		struct kms_error *err)
{
	if (address + size - 1 < address)
		return bad_line(l, line, at, "an access that ends before the address space does", err);
	*word = address << LACKEY_ADDRESS_SHIFT | (size - 1) << 2 | kind;
	if (lackey_address_of(*word) != address)
		return bad_line(l, line, at, "an address of 50 bits, sign-extended", err);
	return 0;
}

/* Whether the line is an access; others are comments of valgrind and empty ones. */
static int parse_line(const struct lackey *l, const char *line, u64 *word, bool *is_access,
		      struct kms_error *err)
{
	static const char kinds[] = "ILSM";
	const char *at = skip_blanks(line), *kind, *field, *number;
	u64 address, size;

	*is_access = false;
	if (!*at || *at == '=' || *at == '-' || *at == '#' || *at == '\r')
		return 0;
	kind = strchr(kinds, *at);
	if (!kind || (at[1] != ' ' && at[1] != '\t'))
		return bad_line(l, line, at, "I, L, S or M, then ADDR SIZE or ADDR,SIZE", err);
	number = at = skip_blanks(at + 1);
	if (!take_hex(&at, &address) || (*at != ',' && *at != ' ' && *at != '\t'))
		return bad_line(l, line, number, "a hexadecimal address behind the kind", err);
	at = skip_blanks(at);
	field = at = skip_blanks(*at == ',' ? at + 1 : at);
	if (!take_size(&at, &size) || (*(at = skip_blanks(at)) && *at != '\r'))
		return bad_line(l, line, field, "a size from 1 to 4096 behind the address", err);
	*is_access = true;
	return pack(l, line, number, (u32)(kind - kinds), address, size, word, err);
}

static int next_text(struct lackey *l, size_t *n, struct kms_error *err)
{
	size_t length, have = 0;
	bool is_access;
	char *line;

	while (have < BATCH) {
		int rc = memtrace_input_line(l->in, &line, &length, err);

		if (!rc && line)
			rc = parse_line(l, line, &l->words[have], &is_access, err);
		if (rc)
			return rc;
		if (!line)
			break;
		have += is_access;
	}
	*n = have;
	return 0;
}

/* ---- binary and u32 ---- */

/* Whole records of `bytes` into raw. */
static int next_records(struct lackey *l, size_t bytes, size_t *n, struct kms_error *err)
{
	char *raw = (char *)l->raw;
	size_t room = BATCH * bytes, have = l->carried, got;

	do {
		int rc = memtrace_input_read(l->in, raw + have, room - have, &got, err);

		if (rc)
			return rc;
		have += got;
	} while (got && have < bytes);
	*n = have / bytes;
	l->carried = have % bytes;
	if (!*n && l->carried)
		return kms_fail(err, KMS_EUSAGE, "%s: record %llu is cut off: %zu bytes, expected %zu",
				l->path, (unsigned long long)l->records + 1, l->carried, bytes);
	l->records += *n;
	return 0;
}

static void keep_rest(struct lackey *l, size_t bytes, size_t n)
{
	memmove(l->raw, (char *)l->raw + n * bytes, l->carried);
}

static bool leaves_address_space(u64 word)
{
	u64 address = lackey_address_of(word);

	return address + lackey_size_of(word) - 1 < address;
}

static int check_words(const struct lackey *l, size_t n, struct kms_error *err)
{
	bool bad = false;
	size_t i = 0;

	for (size_t k = 0; k < n; k++)
		bad |= leaves_address_space(l->words[k]);
	if (!bad)
		return 0;
	while (!leaves_address_space(l->words[i]))
		i++;
	return kms_fail(err, KMS_EUSAGE, "%s: record %llu: found an access of %u bytes at %#llx, expected one that "
			"ends before the address space does", l->path, (unsigned long long)(l->records - n + i + 1),
			lackey_size_of(l->words[i]), (unsigned long long)lackey_address_of(l->words[i]));
}

static int next_binary(struct lackey *l, size_t *n, struct kms_error *err)
{
	int rc = next_records(l, sizeof(u64), n, err);

	if (rc)
		return rc;
	memcpy(l->words, l->raw, *n * sizeof(u64));
	keep_rest(l, sizeof(u64), *n);
	return check_words(l, *n, err);
}

static int next_u32(struct lackey *l, size_t *n, struct kms_error *err)
{
	const u32 *ids = (const u32 *)l->raw;
	int rc = next_records(l, sizeof(u32), n, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < *n; i++)
		l->words[i] = ids[i] * l->line << LACKEY_ADDRESS_SHIFT | LACKEY_LOAD;
	keep_rest(l, sizeof(u32), *n);
	return 0;
}

int lackey_next(struct lackey *l, const u64 **words, size_t *n, struct kms_error *err)
{
	*words = l->words;
	switch (l->format) {
	case FORMAT_BINARY:
		return next_binary(l, n, err);
	case FORMAT_U32:
		return next_u32(l, n, err);
	default:
		return next_text(l, n, err);
	}
}
