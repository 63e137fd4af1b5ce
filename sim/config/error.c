/*
 * error.c - what is said about a value: where it stands, what it is, what was
 * expected.
 *
 * Every message reads FILE:LINE:COLUMN: POINTER: text, for instance
 *   exp.json:7:12: /machine/cpus: expected a whole number from 1 to 256, found 0
 * The pointer (RFC 6901) names the place in the whole configuration, also when
 * the value stands in an included file. A --set has no line, only its text.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/config/internal.h"

static size_t append(char *buf, size_t n, size_t len, const char *fmt, ...) KMS_PRINTF(4, 5);
static size_t append(char *buf, size_t n, size_t len, const char *fmt, ...)
{
	va_list ap;
	int got;

	if (len >= n)
		return len;
	va_start(ap, fmt);
	got = vsnprintf(buf + len, n - len, fmt, ap);
	va_end(ap);
	return got < 0 ? len : len + (size_t)got;
}

char *cfg_quote(char *buf, size_t n, const char *text, size_t len)
{
	size_t out = append(buf, n, 0, "\"");

	for (size_t i = 0; i < len; i++) {
		u8 c = (u8)text[i];

		if (out + 12 > n && (c & 0xc0) != 0x80) {
			append(buf, n, out, "...\"");
			return buf;
		}
		if (c < 0x20 || c == 0x7f)
			out = append(buf, n, out, "\\x%02x", c);
		else
			out = append(buf, n, out, "%c", c);
	}
	append(buf, n, out, "\"");
	return buf;
}

static size_t put_pointer(char *buf, size_t n, const struct cfg_at *at)
{
	size_t len;

	if (!at)
		return append(buf, n, 0, "%s", "");
	len = put_pointer(buf, n, at->up);
	if (!at->key)
		return append(buf, n, len, "/%ld", at->index);
	len = append(buf, n, len, "/");
	for (const char *p = at->key; *p; p++) {
		if (*p == '~' || *p == '/')
			len = append(buf, n, len, "~%c", *p == '~' ? '0' : '1');
		else if ((u8)*p < 0x20 || *p == 0x7f)
			len = append(buf, n, len, "\\x%02x", (u8)*p);
		else
			len = append(buf, n, len, "%c", *p);
	}
	return len;
}

static void put_place(char *buf, size_t n, const struct cfg_node *node, enum cfg_point point)
{
	size_t line, column;

	if (!node || !node->doc) {
		snprintf(buf, n, "configuration");
	} else if (node->doc->kind == DOC_FILE) {
		cfg_line_column(node->doc, point == POINT_KEY ? node->key_at : node->at, &line, &column);
		snprintf(buf, n, "%s:%zu:%zu", node->doc->name, line, column);
	} else {
		snprintf(buf, n, "%s", node->doc->name);
	}
}

int cfg_error(struct cfg *cfg, const struct cfg_node *node, enum cfg_point point, const struct cfg_at *at,
	      const char *fmt, ...)
{
	char place[300], pointer[200], text[500];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_place(place, sizeof(place), node, point);
	put_pointer(pointer, sizeof(pointer), at);
	return kms_fail(cfg->err, KMS_EUSAGE, "%s: %s%s%s", place, pointer, *pointer ? ": " : "", text);
}

char *cfg_describe(char *buf, size_t n, const struct cfg_node *node)
{
	char quoted[80];

	switch (node->type) {
	case cJSON_Object:
		snprintf(buf, n, "an object");
		break;
	case cJSON_Array:
		snprintf(buf, n, "an array");
		break;
	case cJSON_String:
		snprintf(buf, n, "string %s",
			 cfg_quote(quoted, sizeof(quoted), node->item->valuestring,
				   strlen(node->item->valuestring)));
		break;
	default: /* numbers, true, false, null: as they are written */
		snprintf(buf, n, "%.*s", (int)(node->end - node->at < 60 ? node->end - node->at : 60),
			 node->doc->text + node->at);
	}
	return buf;
}

static const char *const type_texts[] = {
	[CFG_BOOL] = "true or false",
	[CFG_UINT] = "a whole number",
	[CFG_INT] = "a whole number",
	[CFG_DOUBLE] = "a number",
	[CFG_STRING] = "a string",
	[CFG_PATH] = "a file name (a string)",
	[CFG_ENUM] = "one of",
	[CFG_BYTES] = "bytes, as a number or like \"64KiB\",",
	[CFG_TIME] = "a time, as a number of ns or like \"10us\",",
	[CFG_OBJECT] = "an object, or the name of a .json file",
	[CFG_ARRAY] = "an array of objects, or the name of a .json file",
	[CFG_STRINGS] = "an array of strings",
	[CFG_UINTS] = "an array of whole numbers",
	[CFG_DOUBLES] = "an array of numbers",
	[CFG_JSON] = "any JSON",
};

static size_t put_bound(char *buf, size_t n, size_t len, double bound)
{
	char text[32];

	return append(buf, n, len, "%s", cfg_double_text(text, bound));
}

static bool has_range(const struct cfg_field *field)
{
	return field->min != 0 || field->max != 0;
}

char *cfg_expected(char *buf, size_t n, const struct cfg_field *field)
{
	const char *type = type_texts[field->type];
	size_t len = append(buf, n, 0, "%s", field->power_of_two && field->type == CFG_UINT ? "a power of two" : type);

	if (field->type == CFG_ENUM)
		for (size_t i = 0; field->choices[i]; i++)
			len = append(buf, n, len, "%s%s", i ? ", " : " ", field->choices[i]);
	if (has_range(field)) {
		len = append(buf, n, len, " from ");
		len = put_bound(buf, n, len, field->min);
		len = append(buf, n, len, " to ");
		len = put_bound(buf, n, len, field->max);
		if (field->type == CFG_TIME)
			len = append(buf, n, len, " ns");
		else if (field->unit)
			len = append(buf, n, len, " %s", field->unit);
	} else if (field->type == CFG_UINT && !field->power_of_two) {
		len = append(buf, n, len, " from 0");
	}
	if (len && len < n && buf[len - 1] == ',')
		buf[len - 1] = 0;
	return buf;
}

int cfg_wrong(struct cfg *cfg, const struct cfg_node *node, const struct cfg_at *at,
	      const struct cfg_field *field)
{
	char want[300], have[120];

	return cfg_error(cfg, node, POINT_VALUE, at, "expected %s, found %s",
			 cfg_expected(want, sizeof(want), field), cfg_describe(have, sizeof(have), node));
}

#define FEW_KEYS 12

int cfg_unknown_key(struct cfg *cfg, const struct cfg_node *node, enum cfg_point point,
		    const struct cfg_at *at, const struct cfg_table *table, const char *key)
{
	const char **names = cfg_alloc(cfg, table->nr_fields * sizeof(char *));
	char quoted[80], offer[100] = "", keys[300] = "";
	const char *nearest;
	size_t len = 0;

	if (!names)
		return KMS_EFAIL;
	for (size_t i = 0; i < table->nr_fields; i++)
		names[i] = table->fields[i].key;
	nearest = kms_nearest(key, names, table->nr_fields);
	if (nearest)
		snprintf(offer, sizeof(offer), "; did you mean \"%s\"?", nearest);
	if (!nearest || table->nr_fields <= FEW_KEYS) {
		len = append(keys, sizeof(keys), 0, " (%s has: ", table->name);
		for (size_t i = 0; i < table->nr_fields; i++)
			len = append(keys, sizeof(keys) - 1, len, "%s%s", i ? ", " : "", names[i]);
		append(keys, sizeof(keys), strlen(keys), ")");
	}
	return cfg_error(cfg, node, point, at, "unknown key %s%s%s",
			 cfg_quote(quoted, sizeof(quoted), key, strlen(key)), offer, keys);
}

void cfg_origin(char *buf, size_t n, const struct cfg_node *node)
{
	size_t line, column;

	if (!node || !node->doc || node->doc->kind == DOC_DEFAULT) {
		snprintf(buf, n, "default");
	} else if (node->doc->kind == DOC_SET) {
		snprintf(buf, n, "--set");
	} else {
		cfg_line_column(node->doc, node->at, &line, &column);
		snprintf(buf, n, "%s:%zu", node->doc->name, line);
	}
}
