/*
 * value.c - one JSON value into one C value, by its field.
 *
 * Whole numbers are taken from their digits, not from cJSON's double, so that
 * all 64 bits count; beyond 2^53 other readers of JSON would round them, which
 * is why strings of digits ("18446744073709551615", "0xffff") are accepted too.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/config/internal.h"

/* A number's digits, or a string's text, as a NUL-terminated copy; false if it is neither. */
static bool value_text(const struct cfg_node *node, char *buf, size_t n)
{
	const char *s = node->doc->text + node->at;
	size_t len = node->end - node->at;

	if (node->type == cJSON_String) {
		s = node->item->valuestring;
		len = strlen(s);
	} else if (node->type != cJSON_Number) {
		return false;
	}
	if (len >= n)
		return false;
	memcpy(buf, s, len);
	buf[len] = 0;
	return true;
}

/* "12", "0xc" or, in numbers only, "1.2e1". */
static bool parse_u64(const struct cfg_node *node, u64 *out)
{
	char text[400], *end;
	double d;
	int base;

	if (!value_text(node, text, sizeof(text)) || !isdigit((u8)text[0]))
		return false;
	base = node->type == cJSON_String && text[0] == '0' && (text[1] | 32) == 'x' ? 16 : 10;
	errno = 0;
	*out = strtoull(text, &end, base);
	if (!*end)
		return errno == 0;
	if (node->type == cJSON_String)
		return false;
	d = strtod(text, &end);
	if (*end || !(d >= 0 && d <= 9007199254740992.0) || d != floor(d))
		return false;
	*out = (u64)d;
	return true;
}

static bool parse_s64(const struct cfg_node *node, s64 *out)
{
	char text[400], *end;
	u64 u;

	if (!value_text(node, text, sizeof(text)))
		return false;
	if (text[0] != '-') {
		if (!parse_u64(node, &u) || u > INT64_MAX)
			return false;
		*out = (s64)u;
		return true;
	}
	errno = 0;
	*out = strtoll(text, &end, 10);
	return !*end && end > text + 1 && errno == 0;
}

struct unit {
	const char *name;
	long double factor;
};

static const struct unit byte_units[] = {
	{"B", 1},
	{"KiB", 1024},
	{"MiB", 1048576},
	{"GiB", 1073741824},
	{"TiB", 1099511627776},
	{"PiB", 1125899906842624},
	{NULL, 0},
};

static const struct unit time_units[] = {
	{"ps", 1},
	{"ns", 1000},
	{"us", 1000000},
	{"\xc2\xb5s", 1000000},
	{"\xce\xbcs", 1000000},
	{"ms", 1000000000},
	{"s", 1000000000000},
	{"min", 60000000000000},
	{NULL, 0},
};

/* "1.5GiB", "10 us": number, unit. Without a unit the factor is that of a plain number. */
static bool parse_quantity(const char *text, const struct unit *units, long double plain,
			   long double *out)
{
	long double number, factor = plain;
	const char *p = text;
	char *end;

	if (!isdigit((u8)*p))
		return false;
	if (p[0] == '0' && (p[1] | 32) == 'x') /* strtold() would take it */
		return false;
	number = strtold(text, &end);
	while (*end == ' ')
		end++;
	if (*end) {
		while (units->name && strcasecmp(units->name, end))
			units++;
		if (!units->name)
			return false;
		factor = units->factor;
	}
	*out = number * factor;
	return isfinite(*out);
}

#define TWO_64 18446744073709551616.0L

static bool parse_bytes(const struct cfg_node *node, u64 *out)
{
	char text[400];
	long double value;

	if (parse_u64(node, out))
		return true;
	if (!value_text(node, text, sizeof(text)) || !parse_quantity(text, byte_units, 1, &value) ||
	    value >= TWO_64 || value != floorl(value))
		return false;
	*out = (u64)value;
	return true;
}

/* To the nearest picosecond. */
static bool parse_time(const struct cfg_node *node, u64 *out)
{
	char text[400];
	long double value;

	if (!value_text(node, text, sizeof(text)) ||
	    !parse_quantity(text, time_units, KMS_PS_PER_NS, &value))
		return false;
	value = roundl(value);
	if (value >= TWO_64)
		return false;
	*out = (u64)value;
	return true;
}

static bool in_range(const struct cfg_field *field, double value)
{
	return (field->min == 0 && field->max == 0) || (value >= field->min && value <= field->max);
}

static bool power_ok(const struct cfg_field *field, u64 value)
{
	return !field->power_of_two || (value && !(value & (value - 1)));
}

/* "64KB" and the like: say which spelling is meant. */
static int wrong_unit(struct cfg *cfg, const struct cfg_field *field, const struct cfg_node *node,
		      const struct cfg_at *at)
{
	const struct unit *units = field->type == CFG_TIME ? time_units : byte_units;
	const char *s = node->type == cJSON_String ? node->item->valuestring : "", *names[12],
		   *near;
	char want[300], have[120], *end;
	size_t n = 0;

	strtod(s, &end);
	while (*end == ' ')
		end++;
	for (; units[n].name; n++) {
		names[n] = units[n].name;
		if (!strcasecmp(units[n].name, end))
			return cfg_wrong(cfg, node, at, field); /* the unit was right */
	}
	if (end == s || !*end || strlen(s) > 40)
		return cfg_wrong(cfg, node, at, field);
	near = kms_nearest(end, names, n);
	if (field->type == CFG_BYTES && strlen(end) <= 2)
		for (size_t i = 0; i < n; i++)
			if (toupper((u8)end[0]) == names[i][0] && i)
				near = names[i];
	if (!near)
		return cfg_wrong(cfg, node, at, field);
	return cfg_error(cfg, node, POINT_VALUE, at,
			 "expected %s, found %s; did you mean \"%.*s%s\"?",
			 cfg_expected(want, sizeof(want), field),
			 cfg_describe(have, sizeof(have), node), (int)(end - s), s, near);
}

static int not_a_power(struct cfg *cfg, const struct cfg_field *field, const struct cfg_node *node,
		       const struct cfg_at *at, u64 value)
{
	char have[120];
	u64 below = value ? 1ull << (63 - __builtin_clzll(value)) : 1;

	if (value < 2 || below > UINT64_MAX / 2)
		return cfg_error(cfg, node, POINT_VALUE, at, "expected a power of two, found %s",
				 cfg_describe(have, sizeof(have), node));
	return cfg_error(cfg, node, POINT_VALUE, at,
			 "expected a power of two, found %s (the nearest are %llu and %llu)",
			 cfg_describe(have, sizeof(have), node), (unsigned long long)below,
			 (unsigned long long)below * 2);
}

static int get_u64(struct cfg *cfg, const struct cfg_field *field, const struct cfg_node *node,
		   u64 *out, const struct cfg_at *at)
{
	bool ok = field->type == CFG_TIME    ? parse_time(node, out)
		  : field->type == CFG_BYTES ? parse_bytes(node, out)
					     : parse_u64(node, out);
	double range;

	if (!ok)
		return field->type == CFG_UINT ? cfg_wrong(cfg, node, at, field)
					       : wrong_unit(cfg, field, node, at);
	range = field->type == CFG_TIME ? (double)*out / KMS_PS_PER_NS : (double)*out;
	if (!in_range(field, range))
		return cfg_wrong(cfg, node, at, field);
	return power_ok(field, *out) ? 0 : not_a_power(cfg, field, node, at, *out);
}

static int get_s64(struct cfg *cfg, const struct cfg_field *field, const struct cfg_node *node,
		   s64 *out, const struct cfg_at *at)
{
	if (!parse_s64(node, out) || !in_range(field, (double)*out))
		return cfg_wrong(cfg, node, at, field);
	return 0;
}

static int get_double(struct cfg *cfg, const struct cfg_field *field, const struct cfg_node *node,
		      double *out, const struct cfg_at *at)
{
	char text[400];

	if (node->type != cJSON_Number)
		return cfg_wrong(cfg, node, at, field);
	*out = value_text(node, text, sizeof(text)) ? strtod(text, NULL) : node->item->valuedouble;
	if (!isfinite(*out) || !in_range(field, *out))
		return cfg_wrong(cfg, node, at, field);
	return 0;
}

static int get_enum(struct cfg *cfg, const struct cfg_field *field, const struct cfg_node *node,
		    u32 *out, const struct cfg_at *at)
{
	const char *s = node->type == cJSON_String ? node->item->valuestring : NULL, *near;
	char want[300], have[120];
	size_t n = 0;

	for (; field->choices[n]; n++) {
		if (s && !strcmp(field->choices[n], s)) {
			*out = (u32)n;
			return 0;
		}
	}
	near = s ? kms_nearest(s, field->choices, n) : NULL;
	if (!near)
		return cfg_wrong(cfg, node, at, field);
	return cfg_error(cfg, node, POINT_VALUE, at, "expected %s, found %s; did you mean \"%s\"?",
			 cfg_expected(want, sizeof(want), field),
			 cfg_describe(have, sizeof(have), node), near);
}

bool cfg_names_file(const struct cfg_field *field, const char *text)
{
	size_t n = strlen(text), suffix = field->file_suffix ? strlen(field->file_suffix) : 0;

	return field->type == CFG_PATH ||
	       (suffix && n > suffix && !strcmp(text + n - suffix, field->file_suffix));
}

static int get_string(struct cfg *cfg, const struct cfg_field *field, struct cfg_node *node,
		      char **out, const struct cfg_at *at)
{
	const char *s = node->type == cJSON_String ? node->item->valuestring : NULL;

	if (!s || (field->type == CFG_PATH && !*s))
		return cfg_wrong(cfg, node, at, field);
	*out = cfg_names_file(field, s) ? cfg_file_name(cfg, node) : cfg_strndup(cfg, s, strlen(s));
	return *out ? 0 : KMS_EFAIL;
}

bool cfg_is_scalar(enum cfg_type type)
{
	return type <= CFG_TIME;
}

size_t cfg_scalar_size(enum cfg_type type)
{
	switch (type) {
	case CFG_BOOL:
		return sizeof(bool);
	case CFG_ENUM:
		return sizeof(u32);
	case CFG_STRING:
	case CFG_PATH:
	case CFG_STRINGS:
		return sizeof(char *);
	default: /* numbers, and the elements of CFG_UINTS and CFG_DOUBLES */
		return sizeof(u64);
	}
}

int cfg_scalar(struct cfg *cfg, const struct cfg_field *field, struct cfg_node *node, void *out,
	       const struct cfg_at *at)
{
	switch (field->type) {
	case CFG_BOOL:
		if (node->type != cJSON_True && node->type != cJSON_False)
			return cfg_wrong(cfg, node, at, field);
		*(bool *)out = node->type == cJSON_True;
		return 0;
	case CFG_UINT:
	case CFG_BYTES:
	case CFG_TIME:
		return get_u64(cfg, field, node, out, at);
	case CFG_INT:
		return get_s64(cfg, field, node, out, at);
	case CFG_DOUBLE:
		return get_double(cfg, field, node, out, at);
	case CFG_ENUM:
		return get_enum(cfg, field, node, out, at);
	default:
		return get_string(cfg, field, node, out, at);
	}
}
