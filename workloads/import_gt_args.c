/*
 * import_gt_args.c - the arguments of a line of a full-hook recording.
 *
 * Each gt_ function takes the current line's next argument (or, in a text line,
 * the value of a key). The first malformed one is remembered with what was
 * expected; the reader (import_groundtruth.c) reports it when the line is done.
 */
#include <string.h>

#include "workloads/import_gt.h"

static u64 bad_argument(struct gt_import *im, char *at, const char *expected)
{
	if (!im->bad) {
		im->bad = true;
		im->bad_at = at;
		im->bad_expected = (char *)expected;
	}
	return 0;
}

char *gt_next_argument(struct gt_import *im)
{
	while (*im->at == ' ')
		im->at++;
	return im->at;
}

static u64 parse_hex(struct gt_import *im, char *at, char **stop)
{
	u64 v = 0;
	char *p = at + (*at == '!');

	for (;; p++) {
		u32 c = (u8)*p, digit;

		if (c - '0' < 10)
			digit = c - '0';
		else if (c - 'a' < 6)
			digit = c - 'a' + 10;
		else
			break;
		v = v << 4 | digit;
	}
	*stop = p;
	if (p == at || p - at > 17)
		return bad_argument(im, at, "a hexadecimal number");
	return v;
}

static u64 parse_dec(struct gt_import *im, char *at, char **stop)
{
	u64 v = 0;
	char *p = at;

	while ((u32)*p - '0' < 10 && p - at < 19)
		v = v * 10 + (u64)(*p++ - '0');
	*stop = p;
	return p == at ? bad_argument(im, at, "a decimal number") : v;
}

static void end_of_argument(struct gt_import *im, char *at, const char *expected)
{
	if (KMS_UNLIKELY(*im->at && *im->at != ' '))
		bad_argument(im, at, expected);
}

u64 gt_hex(struct gt_import *im)
{
	char *at = gt_next_argument(im);
	u64 v = parse_hex(im, at, &im->at);

	end_of_argument(im, at, "a hexadecimal number");
	return v;
}

s64 gt_dec(struct gt_import *im)
{
	char *at = gt_next_argument(im);
	bool minus = *at == '-';
	s64 v = (s64)parse_dec(im, at + minus, &im->at);

	end_of_argument(im, at, "a decimal number");
	return minus ? -v : v;
}

const char *gt_word(struct gt_import *im, size_t *length)
{
	char *at = gt_next_argument(im);

	while (*im->at && *im->at != ' ')
		im->at++;
	*length = (size_t)(im->at - at);
	return at;
}

u32 gt_site(struct gt_import *im)
{
	size_t length;
	const char *word = gt_word(im, &length);
	s64 site;

	if (!length)
		return KMS_NO_SITE;
	site = names_enter(&im->sites, word, length);
	if (site < 0)
		gt_no_memory(im);
	return site < 0 ? KMS_NO_SITE : (u32)site;
}

const char *gt_value(const struct gt_import *im, const char *key, size_t *length)
{
	const char *at = im->at, *next;

	for (;; at++) {
		at = strstr(at, key);
		if (!at)
			return NULL;
		if (at[-1] == ' ')
			break;
	}
	at += strlen(key);
	next = strchr(at, '=');
	if (!next)
		next = at + strlen(at);
	else
		while (next > at && *next != ' ')
			next--;
	*length = (size_t)(next - at);
	return at;
}

u64 gt_value_number(struct gt_import *im, const char *key, int base)
{
	size_t length;
	char *at = (char *)gt_value(im, key, &length), *stop;

	if (!at)
		return bad_argument(im, im->at, key);
	return base == 16 ? parse_hex(im, at, &stop) : parse_dec(im, at, &stop);
}
