/*
 * call.c - call.h: reading an allocator call. Names and values of flags are
 * those of Linux 6.1.
 */
#include "sim/teach/call.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ORDER_GIVEN 10u

struct flag {
	const char *name;
	u32 value;
};

/* Combinations before what they consist of: the longest match names a value. */
static const struct flag gfp_flags[] = {
	{"GFP_HIGHUSER_MOVABLE", 0x100cca}, {"GFP_USER", 0x100cc0}, {"GFP_KERNEL", 0xcc0},
	{"GFP_ATOMIC", 0xa20}, {"GFP_NOFS", 0xc40}, {"GFP_NOIO", 0xc00}, {"GFP_NOWAIT", 0x800},
	{"GFP_DMA32", 0x4}, {"GFP_DMA", 0x1},
	{"__GFP_DMA32", 0x4}, {"__GFP_DMA", 0x1}, {"__GFP_HIGHMEM", 0x2}, {"__GFP_MOVABLE", 0x8}, {"__GFP_RECLAIMABLE", 0x10},
	{"__GFP_HIGH", 0x20}, {"__GFP_IO", 0x40}, {"__GFP_FS", 0x80}, {"__GFP_ZERO", 0x100},
	{"__GFP_ATOMIC", 0x200}, {"__GFP_DIRECT_RECLAIM", 0x400}, {"__GFP_KSWAPD_RECLAIM", 0x800},
	{"__GFP_NOWARN", 0x2000}, {"__GFP_RETRY_MAYFAIL", 0x4000}, {"__GFP_NOFAIL", 0x8000},
	{"__GFP_NORETRY", 0x10000}, {"__GFP_MEMALLOC", 0x20000}, {"__GFP_COMP", 0x40000},
	{"__GFP_NOMEMALLOC", 0x80000}, {"__GFP_HARDWALL", 0x100000}, {"__GFP_THISNODE", 0x200000},
	{"__GFP_ACCOUNT", 0x400000},
};

static const struct flag slab_flags[] = {
	{"SLAB_CONSISTENCY_CHECKS", 0x100}, {"SLAB_RED_ZONE", 0x400}, {"SLAB_POISON", 0x800},
	{"SLAB_HWCACHE_ALIGN", 0x2000}, {"SLAB_CACHE_DMA", 0x4000}, {"SLAB_CACHE_DMA32", 0x8000},
	{"SLAB_STORE_USER", 0x10000}, {"SLAB_RECLAIM_ACCOUNT", 0x20000}, {"SLAB_PANIC", 0x40000},
	{"SLAB_TYPESAFE_BY_RCU", 0x80000}, {"SLAB_ACCOUNT", 0x4000000},
};

/* ---- the text, with a place in it ---- */

struct reader {
	const char *text, *at;
	struct kms_error *err;
};

static void skip(struct reader *r)
{
	while (isspace((unsigned char)*r->at))
		r->at++;
}

static int bad(struct reader *r, const char *expected)
{
	size_t n = strcspn(r->at, ",()| \t");
	int shown = n ? (int)(n < 40 ? n : 40) : *r->at != 0;

	return kms_fail(r->err, KMS_EUSAGE, "'%s': at character %zu: found %s%.*s%s, expected %s", r->text,
			(size_t)(r->at - r->text) + 1, shown ? "\"" : "the end", shown, r->at,
			shown ? "\"" : "", expected);
}

static bool take(struct reader *r, char c)
{
	skip(r);
	if (*r->at != c)
		return false;
	r->at++;
	skip(r);
	return true;
}

/* One argument's text without blanks at its ends; an argument in quotes without them. */
static int argument(struct reader *r, char *buf, size_t n, const char *expected)
{
	const char *start;
	size_t length;

	skip(r);
	if (*r->at == '"') {
		start = r->at + 1;
		length = strcspn(start, "\"");
		if (!start[length])
			return bad(r, "a closing quote");
		r->at = start + length + 1;
	} else {
		start = r->at;
		length = strcspn(start, ",()");
		r->at += length;
		while (length && isspace((unsigned char)start[length - 1]))
			length--;
	}
	if (!length || length >= n) {
		r->at = start;
		return bad(r, expected);
	}
	memcpy(buf, start, length);
	buf[length] = 0;
	return 0;
}

/* ---- numbers ---- */

static int suffix_shift(const char *s)
{
	static const struct {
		const char *name;
		int shift;
	} units[] = {{"", 0}, {"b", 0}, {"bytes", 0}, {"k", 10}, {"kb", 10}, {"kib", 10}, {"m", 20},
		     {"mb", 20}, {"mib", 20}, {"g", 30}, {"gb", 30}, {"gib", 30}};

	while (isspace((unsigned char)*s))
		s++;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(units); i++)
		if (!strcasecmp(s, units[i].name))
			return units[i].shift;
	return -1;
}

int call_parse_size(const char *text, u64 *bytes, struct kms_error *err)
{
	bool hex = !strncasecmp(text, "0x", 2);
	char *end;
	double value = hex ? (double)strtoull(text, &end, 16) : isdigit((unsigned char)*text) ? strtod(text, &end) : (end = (char *)text, 0);
	int shift = end == text ? -1 : suffix_shift(end);

	if (shift >= 0)
		value *= (double)(1ull << shift);
	if (shift < 0 || value > 0x1p62 || value != (double)(u64)value)
		return kms_fail(err, KMS_EUSAGE, "found \"%s\", expected a size in bytes such as 132K, 4096 or 1.5MiB",
				text);
	*bytes = (u64)value;
	return 0;
}

static int size_argument(struct reader *r, u64 *bytes)
{
	const char *start = r->at;
	char text[64];
	int rc = argument(r, text, sizeof(text), "a size such as 132K or 4096");

	if (!rc && call_parse_size(text, bytes, r->err)) {
		r->at = start;
		skip(r);
		return bad(r, "a size such as 132K or 4096");
	}
	return rc;
}

/* ---- flags ---- */

static const struct flag *find_flag(const struct flag *table, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

static int unknown_flag(const struct flag *table, size_t n, const char *name, struct kms_error *err)
{
	const char *names[64], *near;

	for (size_t i = 0; i < n; i++)
		names[i] = table[i].name;
	near = kms_nearest(name, names, (u32)n);
	return kms_fail(err, KMS_EUSAGE, "found \"%s\", expected a flag such as %s%s%s%s", name, table[0].name,
			near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int flags_text(const char *text, const struct flag *table, size_t n, u32 *flags, struct kms_error *err)
{
	char copy[256], *save = NULL, *end;

	*flags = 0;
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, "| \t", &save); word; word = strtok_r(NULL, "| \t", &save)) {
		const struct flag *flag = find_flag(table, n, word);
		u64 number = strtoull(word, &end, 0);

		if (!flag && (*end || !isdigit((unsigned char)*word) || number > 0xffffffffull))
			return unknown_flag(table, n, word, err);
		*flags |= flag ? flag->value : (u32)number;
	}
	return 0;
}

static int flags_argument(struct reader *r, const struct flag *table, size_t n, u32 *flags)
{
	char text[256];
	int rc = argument(r, text, sizeof(text), "flags");

	return rc ? rc : flags_text(text, table, n, flags, r->err);
}

static char *text_of(char *buf, size_t size, u32 flags, const struct flag *table, size_t n)
{
	size_t used = 0;

	snprintf(buf, size, "0");
	for (size_t i = 0; i < n && flags; i++) {
		if ((flags & table[i].value) != table[i].value)
			continue;
		flags &= ~table[i].value;
		used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? "|" : "", table[i].name);
	}
	if (flags && used < size)
		snprintf(buf + used, size - used, "%s0x%x", used ? "|" : "", flags);
	return buf;
}

char *call_gfp_text(char *buf, size_t n, u32 gfp)
{
	return text_of(buf, n, gfp, gfp_flags, KMS_ARRAY_SIZE(gfp_flags));
}

char *call_slab_flags_text(char *buf, size_t n, u32 flags)
{
	return text_of(buf, n, flags, slab_flags, KMS_ARRAY_SIZE(slab_flags));
}

/* ---- calls ---- */

static int gfp_if_given(struct reader *r, struct call *c)
{
	return take(r, ',') ? flags_argument(r, gfp_flags, KMS_ARRAY_SIZE(gfp_flags), &c->gfp) : 0;
}

static int parse_kmalloc(struct reader *r, struct call *c)
{
	int rc = size_argument(r, &c->size);

	if (!rc)
		rc = gfp_if_given(r, c);
	if (c->kind == CALL_KZALLOC)
		c->gfp |= CALL_GFP_ZERO;
	return rc;
}

static int parse_order(struct reader *r, struct call *c)
{
	char *end;
	u64 order = strtoull(r->at, &end, 0);

	if (end == r->at || order > MAX_ORDER_GIVEN)
		return bad(r, "an order from 0 to 10");
	r->at = end;
	skip(r);
	c->order = (u32)order;
	c->size = 4096ull << order;
	return 0;
}

/* The order first, or the flags, as the kernel has it. */
static int parse_alloc_pages(struct reader *r, struct call *c)
{
	int rc;

	skip(r);
	if (isdigit((unsigned char)*r->at)) {
		rc = parse_order(r, c);
		return rc ? rc : gfp_if_given(r, c);
	}
	rc = flags_argument(r, gfp_flags, KMS_ARRAY_SIZE(gfp_flags), &c->gfp);
	if (rc)
		return rc;
	return take(r, ',') ? parse_order(r, c) : bad(r, "a comma and the order");
}

static int parse_cache_create(struct reader *r, struct call *c)
{
	u64 align = 0;
	int rc = argument(r, c->name, sizeof(c->name), "the cache's name, up to 63 characters");

	if (rc)
		return rc;
	if (!take(r, ','))
		return bad(r, "a comma and the size of an object");
	rc = size_argument(r, &c->size);
	if (!rc && take(r, ','))
		rc = size_argument(r, &align);
	if (!rc && take(r, ','))
		rc = flags_argument(r, slab_flags, KMS_ARRAY_SIZE(slab_flags), &c->flags);
	if (rc)
		return rc;
	if (align & (align - 1) || align > 4096)
		return kms_fail(r->err, KMS_EUSAGE, "found alignment %llu, expected a power of two up to 4096",
				(unsigned long long)align);
	if (!c->size || c->size > (4ull << 20))
		return kms_fail(r->err, KMS_EUSAGE, "found objects of %llu bytes, expected 1 byte to 4 MiB",
				(unsigned long long)c->size);
	c->align = (u32)align;
	return 0;
}

static const struct {
	const char *name;
	int (*parse)(struct reader *r, struct call *c);
} calls[NR_CALLS] = {
	[CALL_KMALLOC] = {"kmalloc", parse_kmalloc},
	[CALL_KZALLOC] = {"kzalloc", parse_kmalloc},
	[CALL_CACHE_CREATE] = {"kmem_cache_create", parse_cache_create},
	[CALL_ALLOC_PAGES] = {"alloc_pages", parse_alloc_pages},
	[CALL_ALLOC_PAGES_EXACT] = {"alloc_pages_exact", parse_kmalloc},
};

static int find_call(struct reader *r, struct call *c)
{
	const char *names[NR_CALLS], *near;
	char name[40];
	size_t n = strspn(r->at, "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

	snprintf(name, sizeof(name), "%.*s", (int)(n < 39 ? n : 39), r->at);
	for (u32 i = 0; i < NR_CALLS; i++) {
		names[i] = calls[i].name;
		if (strcmp(names[i], name))
			continue;
		c->kind = (enum call_kind)i;
		r->at += n;
		return take(r, '(') ? 0 : bad(r, "an opening parenthesis");
	}
	near = n ? kms_nearest(name, names, NR_CALLS) : NULL;
	return kms_fail(r->err, KMS_EUSAGE,
			"'%s': found \"%s\", expected kmalloc(size), kzalloc(size), "
			"kmem_cache_create(name, size, align, flags), alloc_pages(order, gfp) or "
			"alloc_pages_exact(size)%s%s%s",
			r->text, name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

int call_parse(struct call *c, const char *text, struct kms_error *err)
{
	struct reader r = {text, text, err};
	int rc;

	*c = (struct call){.gfp = CALL_GFP_KERNEL};
	skip(&r);
	rc = find_call(&r, c);
	if (!rc)
		rc = calls[c->kind].parse(&r, c);
	if (rc)
		return rc;
	if (!take(&r, ')'))
		return bad(&r, "a comma or a closing parenthesis");
	take(&r, ';');
	return *r.at ? bad(&r, "nothing more") : 0;
}
