/*
 * emit.c - a loaded configuration written out: as JSON for the database and as
 * lines for people.
 *
 * Values come from the filled structure, so what is written is what the run
 * uses; origins come from the tree. The JSON form loads again to the same
 * structure and the same text: numbers are written with as many digits as that
 * takes, those beyond 2^53 as strings, times in ns, bytes as numbers.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/config/internal.h"

void cfg_put(struct cfg_text *t, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || t->failed)
		return;
	if (t->len + (size_t)n + 1 > t->cap) {
		t->cap = (t->len + (size_t)n + 1) * 2;
		s = realloc(t->s, t->cap);
		if (!s) {
			free(t->s);
			*t = (struct cfg_text){.failed = true};
			return;
		}
		t->s = s;
	}
	va_start(ap, fmt);
	vsnprintf(t->s + t->len, t->cap - t->len, fmt, ap);
	va_end(ap);
	t->len += (size_t)n;
}

/* ---- values ---- */

char *cfg_double_text(char buf[32], double value)
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buf, 32, "%.*g", digits, value);
		if (strtod(buf, NULL) == value)
			break;
	}
	return buf;
}

cJSON *cfg_number(double value)
{
	char buf[32];

	return cJSON_CreateRaw(cfg_double_text(buf, value));
}

#define EXACT_IN_DOUBLE (1ull << 53)

static cJSON *u64_json(u64 value)
{
	char buf[32];

	snprintf(buf, sizeof(buf), "%" PRIu64, value);
	return value <= EXACT_IN_DOUBLE ? cJSON_CreateRaw(buf) : cJSON_CreateString(buf);
}

static cJSON *s64_json(s64 value)
{
	char buf[32];
	u64 size = value < 0 ? 0 - (u64)value : (u64)value;

	snprintf(buf, sizeof(buf), "%" PRId64, value);
	return size <= EXACT_IN_DOUBLE ? cJSON_CreateRaw(buf) : cJSON_CreateString(buf);
}

/* ns with as many decimals as the picoseconds need. */
static cJSON *time_json(kms_ps ps)
{
	char buf[40];
	size_t n;

	if (ps > EXACT_IN_DOUBLE) {
		snprintf(buf, sizeof(buf), "%" PRIu64 "ps", ps);
		return cJSON_CreateString(buf);
	}
	snprintf(buf, sizeof(buf), "%" PRIu64 ".%03u", ps / 1000, (unsigned)(ps % 1000));
	n = strlen(buf);
	while (buf[n - 1] == '0')
		n--;
	buf[buf[n - 1] == '.' ? n - 1 : n] = 0;
	return cJSON_CreateRaw(buf);
}

/* A path as a configuration elsewhere would name it: not where the search list found it. */
static cJSON *path_json(const char *path, const struct cfg_node *node)
{
	return cJSON_CreateString(node && node->from_data ? node->item->valuestring : path);
}

static cJSON *scalar_json(const struct cfg_field *field, const void *value,
			  const struct cfg_node *node)
{
	const char *s;

	switch (field->type) {
	case CFG_BOOL:
		return cJSON_CreateBool(*(const bool *)value);
	case CFG_INT:
		return s64_json(*(const s64 *)value);
	case CFG_DOUBLE:
		return cfg_number(*(const double *)value);
	case CFG_TIME:
		return time_json(*(const u64 *)value);
	case CFG_ENUM:
		return cJSON_CreateString(field->choices[*(const u32 *)value]);
	case CFG_STRING:
	case CFG_PATH:
		s = *(char *const *)value;
		return !s                        ? NULL
		       : cfg_names_file(field, s) ? path_json(s, node)
						  : cJSON_CreateString(s);
	default:
		return u64_json(*(const u64 *)value);
	}
}

/* Numbers of a CFG_JSON value as they were written: cJSON prints only 15 to 17 digits, not always
 * enough. */
static cJSON *json_json(const struct cfg_node *node)
{
	cJSON *json;

	if (node->type == cJSON_Number)
		return cfg_number(node->item->valuedouble);
	if (node->type != cJSON_Object && node->type != cJSON_Array)
		return cJSON_Duplicate(node->item, false);
	json = node->type == cJSON_Object ? cJSON_CreateObject() : cJSON_CreateArray();
	for (const struct cfg_node *child = node->child; child; child = child->next) {
		cJSON *part = json_json(child);

		if (node->type == cJSON_Object)
			cJSON_AddItemToObject(json, child->key, part);
		else
			cJSON_AddItemToArray(json, part);
	}
	return json;
}

/* ---- the whole ---- */

struct emitter {
	struct cfg_text print;
	char path[512];
};

static cJSON *emit_table(struct emitter *em, const struct cfg_table *table,
			 const struct cfg_node *node, const void *out);

char *cfg_human(char *buf, size_t n, enum cfg_type type, u64 value)
{
	static const char *const bytes[] = {"", "KiB", "MiB", "GiB", "TiB", "PiB"};
	static const char *const times[] = {"ps", "ns", "us", "ms", "s"};
	const char *const *names = type == CFG_BYTES ? bytes : times;
	u64 step = type == CFG_BYTES ? 1024 : 1000;
	size_t last = type == CFG_BYTES ? KMS_ARRAY_SIZE(bytes) : KMS_ARRAY_SIZE(times), i = 0;

	while (value && value % step == 0 && i + 1 < last) {
		value /= step;
		i++;
	}
	snprintf(buf, n, "%" PRIu64 "%s", value, value ? names[i] : "");
	return buf;
}

static void print_line(struct emitter *em, const struct cfg_field *field, const void *value,
		       cJSON *json, const struct cfg_node *node)
{
	char origin[300], *text = NULL, buf[40];
	size_t start = em->print.len;

	if (field->type == CFG_BYTES || field->type == CFG_TIME)
		cfg_human(buf, sizeof(buf), field->type, *(const u64 *)value);
	else
		text = cJSON_PrintUnformatted(json);
	cfg_origin(origin, sizeof(origin), node);
	cfg_put(&em->print, "%s = %s", em->path,
		text                                                  ? text
		: field->type == CFG_BYTES || field->type == CFG_TIME ? buf
								      : "");
	cfg_put(&em->print, "%*s  # %s\n",
		(int)(em->print.len - start < 48 ? 48 - (em->print.len - start) : 0), "", origin);
	cJSON_free(text);
}

static cJSON *emit_objects(struct emitter *em, const struct cfg_field *field,
			   const struct cfg_node *node, const struct cfg_array *array)
{
	const struct cfg_node *child = node ? node->child : NULL;
	cJSON *json = cJSON_CreateArray();
	size_t len = strlen(em->path);

	for (size_t i = 0; i < array->n; i++, child = child ? child->next : NULL) {
		snprintf(em->path + len, sizeof(em->path) - len, "[%zu]", i);
		cJSON_AddItemToArray(json, emit_table(em, field->table, child,
						      (u8 *)array->items + i * field->table->size));
	}
	em->path[len] = 0;
	return json;
}

static cJSON *emit_scalars(const struct cfg_field *field, const struct cfg_array *array)
{
	static const enum cfg_type element_types[] = {
		[CFG_STRINGS] = CFG_STRING, [CFG_UINTS] = CFG_UINT, [CFG_DOUBLES] = CFG_DOUBLE};
	struct cfg_field element = {.type = element_types[field->type]};
	cJSON *json = cJSON_CreateArray();

	for (size_t i = 0; i < array->n; i++)
		cJSON_AddItemToArray(
			json,
			scalar_json(&element, (u8 *)array->items + i * cfg_scalar_size(field->type),
				    NULL));
	return json;
}

/* NULL: there is nothing to write. */
static cJSON *emit_field(struct emitter *em, const struct cfg_field *field,
			 const struct cfg_node *node, const void *value)
{
	const struct cfg_array *array = value;
	cJSON *json;

	if (field->type == CFG_OBJECT)
		return emit_table(em, field->table, node, value);
	if (field->type == CFG_ARRAY && array->n)
		return emit_objects(em, field, node, array);
	if (cfg_is_scalar(field->type))
		json = scalar_json(field, value, node);
	else if (field->type == CFG_JSON)
		json = node ? json_json(node) : NULL;
	else
		json = emit_scalars(field, array);
	if (json)
		print_line(em, field, value, json, node);
	return json;
}

static cJSON *emit_table(struct emitter *em, const struct cfg_table *table,
			 const struct cfg_node *node, const void *out)
{
	cJSON *json = cJSON_CreateObject();
	size_t len = strlen(em->path);

	for (size_t i = 0; i < table->nr_fields; i++) {
		const struct cfg_field *field = &table->fields[i];
		cJSON *part;

		if (field->present && !*((const bool *)((const u8 *)out + field->present)))
			continue;
		snprintf(em->path + len, sizeof(em->path) - len, "%s%s", len ? "." : "",
			 field->key);
		part = emit_field(em, field, cfg_member(node, field->key),
				  (const u8 *)out + field->offset);
		if (part)
			cJSON_AddItemToObject(json, field->key, part);
		em->path[len] = 0;
	}
	return json;
}

int cfg_emit(struct cfg *cfg, const struct cfg_table *table, const struct cfg_node *root,
	     const void *out)
{
	struct emitter *em = cfg_alloc(cfg, sizeof(*em));
	cJSON *json;

	if (!em)
		return KMS_EFAIL;
	json = emit_table(em, table, root, out);
	cfg->resolved = json ? cJSON_Print(json) : NULL;
	cJSON_Delete(json);
	cfg_put(&em->print, "%s", "");
	cfg->print = em->print.s;
	if (!cfg->resolved || !cfg->print)
		return kms_fail(cfg->err, KMS_EFAIL,
				"out of memory while writing the configuration");
	return 0;
}
