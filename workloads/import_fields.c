/*
 * import_fields.c - the key=value fields of a kmem event's text, of any version.
 *
 * Fields come in any order; those that are not known are passed over. A call
 * site may hold blanks ("symbol+0x1/0x2 [module]") and ends at " ptr="; so may a
 * cache's name, which ends at " bytes_req=" (allocations of newer kernels, from
 * which it is before the sizes) or at the end of the line.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/import_text.h"

enum field { PTR = 1, REQ = 2, ALLOC = 4, GFP = 8, PFN = 16, ORDER = 32, BAD = 64 };

static const u8 needed[NR_KMEM_KINDS] = {
	[KMEM_KMALLOC] = PTR | REQ | ALLOC | GFP, [KMEM_KMALLOC_NODE] = PTR | REQ | ALLOC | GFP,
	[KMEM_CACHE_ALLOC] = PTR | REQ | ALLOC | GFP, [KMEM_CACHE_ALLOC_NODE] = PTR | REQ | ALLOC | GFP,
	[KMEM_KFREE] = PTR, [KMEM_CACHE_FREE] = PTR, [KMEM_PAGE_ALLOC] = PFN | ORDER | GFP,
	[KMEM_PAGE_FREE] = PFN | ORDER, [KMEM_PAGE_FREE_BATCHED] = PFN, [KMEM_ZONE_LOCKED] = PFN | ORDER,
	[KMEM_PCPU_DRAIN] = PFN | ORDER, [KMEM_EXTFRAG] = PFN,
};

static const struct {
	u8 field;
	const char *expected;
} complaints[] = {
	{ PTR, "ptr=ADDRESS" }, { REQ, "bytes_req=NUMBER" }, { ALLOC, "bytes_alloc=NUMBER" },
	{ GFP, "gfp_flags=FLAGS" }, { PFN, "pfn=NUMBER" }, { ORDER, "order=NUMBER, at most 18" },
};

static bool number(const char *text, size_t length, u32 base, u64 *value)
{
	size_t i = 0;

	if (length > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
		base = 16;
		i = 2;
	}
	*value = 0;
	if (i == length)
		return false;
	if (length - i > (base == 16 ? 16 : 19))
		return false;
	for (; i < length; i++) {
		u32 c = (unsigned char)text[i], digit;

		digit = c - '0' < 10 ? c - '0' : (c | 0x20) - 'a' < 6 ? (c | 0x20) - 'a' + 10 : 99;
		if (digit >= base)
			return false;
		*value = *value * base + digit;
	}
	return true;
}

static u8 parse_ptr(const char *text, size_t length, struct kmem_event *ev)
{
	if (text[0] == '(' && length >= 5 && (!memcmp(text, "(null", 5) || !memcmp(text, "(nil)", 5))) {
		ev->ptr = 0;
		return PTR;
	}
	if (length >= 5 && !memcmp(text, "(____", 5)) {
		ev->hidden = true;
		return PTR;
	}
	return number(text, length, 16, &ev->ptr) ? PTR : BAD;
}

static u8 parse_gfp(struct text_reader *r, const char *text, size_t length, struct kmem_event *ev)
{
	u32 at = (u32)(length * 31 + (unsigned char)text[length - !!length] * 7 + (unsigned char)text[length / 2]);
	s64 bits;

	at %= TEXT_GFP_MEMO;
	if (length && r->gfp_memo[at].length == length && !memcmp(r->gfp_memo[at].text, text, length)) {
		ev->gfp = r->gfp_memo[at].bits;
		return GFP;
	}
	bits = kmem_gfp_text(text, length);
	if (bits < 0)
		return BAD;
	ev->gfp = (u32)bits;
	if (length < sizeof(r->gfp_memo[at].text)) {
		memcpy(r->gfp_memo[at].text, text, length);
		r->gfp_memo[at].length = (u32)length;
		r->gfp_memo[at].bits = ev->gfp;
	}
	return GFP;
}

static u8 parse_order(const char *text, size_t length, struct kmem_event *ev)
{
	u64 value;

	if (!number(text, length, 10, &value) || value > KMEM_MAX_ORDER)
		return BAD;
	ev->order = (u32)value;
	return ORDER;
}

static u8 parse_node(const char *text, size_t length, struct kmem_event *ev)
{
	u64 value;
	bool minus = length && *text == '-';

	if (!number(text + minus, length - minus, 10, &value) || value > 1023)
		return BAD;
	ev->node = minus ? -1 : (s32)value;
	return 0;
}

static inline bool is(const char *key, size_t length, const char *name)
{
	return length == strlen(name) && !memcmp(key, name, length);
}

/* Which fields the value gives; BAD. */
static u8 take(struct text_reader *r, const char *key, size_t key_length, const char *value, size_t length,
	       struct kmem_event *ev)
{
	switch (*key) {
	case 'c':
		if (is(key, key_length, "call_site"))
			ev->site = kmem_site(&r->im, value, length);
		return 0;
	case 'p':
		if (is(key, key_length, "ptr"))
			return parse_ptr(value, length, ev);
		if (is(key, key_length, "pfn"))
			return number(value, length, 10, &ev->pfn) ? PFN : BAD;
		return 0;
	case 'b':
		if (is(key, key_length, "bytes_req"))
			return number(value, length, 10, &ev->bytes_req) ? REQ : BAD;
		if (is(key, key_length, "bytes_alloc"))
			return number(value, length, 10, &ev->bytes_alloc) ? ALLOC : BAD;
		return 0;
	case 'g':
		return is(key, key_length, "gfp_flags") ? parse_gfp(r, value, length, ev) : 0;
	case 'o':
		return is(key, key_length, "order") ? parse_order(value, length, ev) : 0;
	case 'n':
		if (is(key, key_length, "node"))
			return parse_node(value, length, ev);
		if (is(key, key_length, "name") && length)
			ev->name = kmem_name(&r->im, value, length);
		return 0;
	}
	return 0;
}

/* Where the value ends. */
static const char *end_of_value(const char *key, size_t key_length, const char *value)
{
	const char *end;

	if (is(key, key_length, "call_site")) {
		end = strstr(value, " ptr=");
		if (end)
			return end;
	}
	if (is(key, key_length, "name")) {
		end = strstr(value, " bytes_req=");
		end = end ? end : value + strlen(value);
		while (end > value && isspace((unsigned char)end[-1]))
			end--;
		return end;
	}
	while (*value && *value != ' ' && *value != '\t' && *value != '\r')
		value++;
	return value;
}

bool text_parse_fields(struct text_reader *r, const char *tail, struct kmem_event *ev, const char **bad,
		       const char **expected)
{
	const char *p = tail;
	u8 have = 0;

	for (;;) {
		const char *key, *value, *end;
		size_t length;
		u8 got;

		while (*p == ' ' || *p == '\t' || *p == '\r')
			p++;
		if (!*p)
			break;
		key = p;
		while (*p && *p != '=' && *p != ' ' && *p != '\t')
			p++;
		length = (size_t)(p - key);
		if (*p != '=')
			continue; /* a word of some newer version's */
		value = p + 1;
		while (*value == ' ') /* "ptr=          (null)" */
			value++;
		end = end_of_value(key, length, value);
		got = take(r, key, length, value, (size_t)(end - value), ev);
		if (got & BAD) {
			*bad = key;
			*expected = "a number, an address or flags after '='";
			return false;
		}
		have |= got;
		p = end;
	}
	for (size_t i = 0; i < KMS_ARRAY_SIZE(complaints); i++)
		if (needed[ev->kind] & ~have & complaints[i].field) {
			while (*tail == ' ')
				tail++;
			*bad = tail;
			*expected = complaints[i].expected;
			return false;
		}
	return true;
}
