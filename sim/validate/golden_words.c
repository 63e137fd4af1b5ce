/*
 * golden_words.c - the words of one line of a golden file; see golden_parser.h.
 */
#include "sim/validate/golden_parser.h"

#include <ctype.h>
#include <string.h>

int golden_bad(struct parser *p, const char *expected)
{
	int n = (int)strcspn(p->at, " \t");
	char found[48] = "the end of the line";

	if (n)
		snprintf(found, sizeof(found), "'%.*s'", n < 32 ? n : 32, p->at);
	for (char *c = found; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	return kms_fail(p->err, KMS_EUSAGE, "%s:%llu:%d: found %s, expected %s", p->f->path,
			(unsigned long long)p->line, (int)(p->at - p->start) + 1, found, expected);
}

int golden_in_line(struct parser *p, int rc)
{
	return rc ? kms_fail_in(p->err, "%s:%llu", p->f->path, (unsigned long long)p->line) : 0;
}

void golden_skip_blanks(struct parser *p)
{
	while (*p->at == ' ' || *p->at == '\t')
		p->at++;
}

bool golden_at_end(struct parser *p)
{
	golden_skip_blanks(p);
	return !*p->at;
}

static int digit_of(char c, u32 base)
{
	int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;

	return d < (int)base ? d : -1;
}

int golden_number(struct parser *p, u32 base, u64 limit, const char *stops, u64 *value,
		  const char *expected)
{
	const char *c;

	golden_skip_blanks(p);
	*value = 0;
	for (c = p->at; digit_of(*c, base) >= 0; c++) {
		u64 digit = (u64)digit_of(*c, base);

		if (digit > limit || *value > (limit - digit) / base)
			return golden_bad(p, expected);
		*value = *value * base + digit;
	}
	if (c == p->at || (*c && *c != ' ' && *c != '\t' && !strchr(stops, *c)))
		return golden_bad(p, expected);
	p->at = (char *)c;
	return 0;
}

int golden_decimal(struct parser *p, u64 limit, u64 *value)
{
	return golden_number(p, 10, limit, "", value, "a decimal number");
}

static int integer(struct parser *p, s32 *value)
{
	bool minus;
	u64 n;
	int rc;

	golden_skip_blanks(p);
	minus = *p->at == '-';
	p->at += minus;
	rc = golden_number(p, 10, INT32_MAX, "", &n, "an integer of 32 bits");
	*value = minus ? -(s32)n : (s32)n;
	return rc;
}

bool golden_word_is(struct parser *p, const char *word)
{
	size_t n = strlen(word);

	golden_skip_blanks(p);
	if (strncmp(p->at, word, n) || (p->at[n] && p->at[n] != ' ' && p->at[n] != '\t'))
		return false;
	p->at += n;
	return true;
}

int golden_expect_word(struct parser *p, const char *word)
{
	char expected[32];

	snprintf(expected, sizeof(expected), "'%s'", word);
	return golden_word_is(p, word) ? 0 : golden_bad(p, expected);
}

int golden_named(struct parser *p, const char *name, u64 *value)
{
	int rc = golden_expect_word(p, name);

	return rc ? rc : golden_decimal(p, UINT64_MAX / 16, value);
}

int golden_named_integer(struct parser *p, const char *name, s32 *value)
{
	int rc = golden_expect_word(p, name);

	return rc ? rc : integer(p, value);
}

int golden_expect_end(struct parser *p)
{
	return golden_at_end(p) ? 0 : golden_bad(p, "the end of the line");
}

int golden_expect_char(struct parser *p, char c, const char *expected)
{
	if (*p->at != c)
		return golden_bad(p, expected);
	p->at++;
	return 0;
}
