/*
 * doc.c - tables written out: JSON Schema for editors and checkers, Markdown
 * for the reference page.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/config/internal.h"

/* The tables reachable from one, each once, in order of appearance. */
struct tables {
	const struct cfg_table *all[64];
	size_t n;
};

static void collect(struct tables *ts, const struct cfg_table *table)
{
	for (size_t i = 0; i < ts->n; i++)
		if (ts->all[i] == table)
			return;
	if (ts->n == KMS_ARRAY_SIZE(ts->all))
		return;
	ts->all[ts->n++] = table;
	for (size_t i = 0; i < table->nr_fields; i++)
		if (table->fields[i].table)
			collect(ts, table->fields[i].table);
}

static bool is_required(const struct cfg_field *field)
{
	return !field->def && cfg_is_scalar(field->type) && field->type != CFG_STRING && field->type != CFG_PATH;
}

/* ---- schema ---- */

static void add_types(cJSON *schema, const char *a, const char *b, const char *c)
{
	const char *const names[] = {a, b, c};
	cJSON *types = cJSON_AddArrayToObject(schema, "type");

	for (size_t i = 0; i < 3; i++)
		if (names[i])
			cJSON_AddItemToArray(types, cJSON_CreateString(names[i]));
}

static void add_range(cJSON *schema, const struct cfg_field *field)
{
	if (field->min != 0 || field->max != 0) {
		cJSON_AddItemToObject(schema, "minimum", cfg_number(field->min));
		cJSON_AddItemToObject(schema, "maximum", cfg_number(field->max));
	} else if (field->type != CFG_INT && field->type != CFG_DOUBLE) {
		cJSON_AddItemToObject(schema, "minimum", cfg_number(0));
	}
}

static void add_enum(cJSON *schema, const struct cfg_field *field)
{
	cJSON *names = cJSON_AddArrayToObject(schema, "enum");

	for (size_t i = 0; field->choices[i]; i++)
		cJSON_AddItemToArray(names, cJSON_CreateString(field->choices[i]));
	cJSON_AddItemToArray(names, cJSON_CreateNull());
}

static cJSON *ref(const struct cfg_table *table)
{
	cJSON *schema = cJSON_CreateObject();
	char text[200];

	snprintf(text, sizeof(text), "#/$defs/%s", table->name);
	cJSON_AddStringToObject(schema, "$ref", text);
	return schema;
}

/* What is given, or the name of a file that has it, or null. */
static void add_or_file(cJSON *schema, cJSON *given)
{
	cJSON *any = cJSON_AddArrayToObject(schema, "anyOf"), *file = cJSON_CreateObject(),
	      *null = cJSON_CreateObject();

	cJSON_AddItemToArray(any, given);
	cJSON_AddStringToObject(file, "type", "string");
	cJSON_AddStringToObject(file, "pattern", "\\.json$");
	cJSON_AddItemToArray(any, file);
	cJSON_AddStringToObject(null, "type", "null");
	cJSON_AddItemToArray(any, null);
}

static cJSON *array_of(cJSON *items)
{
	cJSON *schema = cJSON_CreateObject();

	cJSON_AddStringToObject(schema, "type", "array");
	cJSON_AddItemToObject(schema, "items", items);
	return schema;
}

static cJSON *object_or_file(const struct cfg_table *table)
{
	cJSON *schema = cJSON_CreateObject();

	add_or_file(schema, ref(table));
	return schema;
}

#define WHOLE_PATTERN "^([0-9]+|0[xX][0-9a-fA-F]+)$"
#define BYTES_PATTERN "^(0[xX][0-9a-fA-F]+|[0-9]+(\\.[0-9]*)?([eE][+-]?[0-9]+)? *([KkMmGgTtPp][iI])?[Bb]?)$"
#define TIME_PATTERN \
	"^[0-9]+(\\.[0-9]*)?([eE][+-]?[0-9]+)? *([pP][sS]|[nN][sS]|[uU][sS]|\xc2\xb5[sS]|\xce\xbc[sS]|[mM][sS]|[sS]|[mM][iI][nN])?$"

/* The members of schema that say which values a type has. */
static void add_type(cJSON *schema, const struct cfg_field *field, enum cfg_type type)
{
	static const enum cfg_type element_types[] = {
		[CFG_STRINGS] = CFG_STRING, [CFG_UINTS] = CFG_BYTES, [CFG_DOUBLES] = CFG_DOUBLE};
	cJSON *items;

	switch (type) {
	case CFG_BOOL:
		add_types(schema, "boolean", "null", NULL);
		break;
	case CFG_UINT:
	case CFG_INT:
	case CFG_BYTES:
	case CFG_TIME:
		add_types(schema, type == CFG_TIME ? "number" : "integer", "string", "null");
		cJSON_AddStringToObject(schema, "pattern",
					type == CFG_TIME  ? TIME_PATTERN
					: type == CFG_BYTES ? BYTES_PATTERN
							  : type == CFG_INT ? "^-?[0-9]+$" : WHOLE_PATTERN);
		add_range(schema, field);
		break;
	case CFG_DOUBLE:
		add_types(schema, "number", "null", NULL);
		add_range(schema, field);
		break;
	case CFG_STRING:
	case CFG_PATH:
		add_types(schema, "string", "null", NULL);
		break;
	case CFG_ENUM:
		add_enum(schema, field);
		break;
	case CFG_OBJECT:
		add_or_file(schema, ref(field->table));
		break;
	case CFG_ARRAY:
		add_or_file(schema, array_of(object_or_file(field->table)));
		break;
	case CFG_JSON:
		break;
	default:
		items = cJSON_CreateObject();
		add_type(items, field, element_types[type]);
		add_types(schema, "array", "null", NULL);
		cJSON_AddItemToObject(schema, "items", items);
	}
}

static cJSON *field_schema(const struct cfg_field *field)
{
	cJSON *schema = cJSON_CreateObject(), *def = field->def ? cJSON_Parse(field->def) : NULL;
	struct cfg_text doc = {0};

	cfg_put(&doc, "%s", field->doc ? field->doc : "");
	if (field->unit)
		cfg_put(&doc, " Unit: %s.", field->unit);
	if (field->power_of_two)
		cfg_put(&doc, " A power of two.");
	cJSON_AddStringToObject(schema, "description", doc.s ? doc.s : "");
	free(doc.s);
	add_type(schema, field, field->type);
	if (def)
		cJSON_AddItemToObject(schema, "default", def);
	return schema;
}

static cJSON *table_schema(const struct cfg_table *table)
{
	cJSON *schema = cJSON_CreateObject(), *members, *extends;

	cJSON_AddStringToObject(schema, "type", "object");
	cJSON_AddStringToObject(schema, "description", table->doc ? table->doc : "");
	cJSON_AddFalseToObject(schema, "additionalProperties");
	members = cJSON_AddObjectToObject(schema, "properties");
	for (size_t i = 0; i < table->nr_fields; i++)
		cJSON_AddItemToObject(members, table->fields[i].key, field_schema(&table->fields[i]));
	if (!cfg_find_field(table, "extends")) {
		extends = cJSON_AddObjectToObject(members, "extends");
		cJSON_AddStringToObject(extends, "description", "A .json file whose members these override.");
		cJSON_AddStringToObject(extends, "type", "string");
		cJSON_AddStringToObject(extends, "pattern", "\\.json$");
	}
	return schema;
}

/*
 * Members that must be there are demanded of a file only, and only when it
 * extends no other: an object in it may override single members of another
 * layer.
 */
static void add_required(cJSON *schema, const struct cfg_table *table)
{
	cJSON *any = cJSON_CreateArray(), *own = cJSON_CreateObject(), *extending = cJSON_CreateObject();
	cJSON *names = cJSON_AddArrayToObject(own, "required");

	for (size_t i = 0; i < table->nr_fields; i++)
		if (is_required(&table->fields[i]))
			cJSON_AddItemToArray(names, cJSON_CreateString(table->fields[i].key));
	cJSON_AddItemToArray(cJSON_AddArrayToObject(extending, "required"), cJSON_CreateString("extends"));
	cJSON_AddItemToArray(any, own);
	cJSON_AddItemToArray(any, extending);
	cJSON_AddItemToObject(schema, "anyOf", any);
}

char *cfg_schema(const struct cfg_table *table)
{
	cJSON *schema = cJSON_CreateObject(), *defs;
	struct tables ts = {.n = 0};
	char text[200], *out;

	collect(&ts, table);
	snprintf(text, sizeof(text), "#/$defs/%s", table->name);
	cJSON_AddStringToObject(schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
	cJSON_AddStringToObject(schema, "title", table->name);
	cJSON_AddStringToObject(schema, "$ref", text);
	add_required(schema, table);
	defs = cJSON_AddObjectToObject(schema, "$defs");
	for (size_t i = 0; i < ts.n; i++)
		cJSON_AddItemToObject(defs, ts.all[i]->name, table_schema(ts.all[i]));
	out = cJSON_Print(schema);
	cJSON_Delete(schema);
	return out;
}

/* ---- reference ---- */

static const char *const type_names[] = {
	[CFG_BOOL] = "true, false",
	[CFG_UINT] = "whole number",
	[CFG_INT] = "whole number",
	[CFG_DOUBLE] = "number",
	[CFG_STRING] = "string",
	[CFG_PATH] = "file",
	[CFG_ENUM] = "",
	[CFG_BYTES] = "bytes",
	[CFG_TIME] = "time",
	[CFG_OBJECT] = "object",
	[CFG_ARRAY] = "objects",
	[CFG_STRINGS] = "strings",
	[CFG_UINTS] = "whole numbers",
	[CFG_DOUBLES] = "numbers",
	[CFG_JSON] = "any JSON",
};

/* Text for a cell of a table. */
static void put_cell(struct cfg_text *t, const char *text)
{
	for (const char *p = text ? text : ""; *p; p++)
		cfg_put(t, *p == '|' ? "\\%c" : "%c", *p);
}

static void put_values(struct cfg_text *t, const struct cfg_field *field)
{
	char low[32], high[32];

	cfg_put(t, "%s", type_names[field->type]);
	for (size_t i = 0; field->choices && field->choices[i]; i++)
		cfg_put(t, "%s`%s`", i ? ", " : "", field->choices[i]);
	if (field->table)
		cfg_put(t, " [%s](#%s)", field->table->name, field->table->name);
	if (field->min != 0 || field->max != 0)
		cfg_put(t, ", %s to %s", cfg_double_text(low, field->min), cfg_double_text(high, field->max));
	if (field->power_of_two)
		cfg_put(t, ", power of two");
}

static void put_field(struct cfg_text *t, const struct cfg_field *field)
{
	cfg_put(t, "| `%s` | ", field->key);
	put_values(t, field);
	cfg_put(t, " | ");
	if (field->def) {
		cfg_put(t, "`");
		put_cell(t, field->def);
		cfg_put(t, "`");
	} else {
		cfg_put(t, "%s", is_required(field) ? "must be given" : "");
	}
	cfg_put(t, " | ");
	put_cell(t, field->type == CFG_TIME && !field->unit ? "ns" : field->unit);
	cfg_put(t, " | ");
	put_cell(t, field->doc);
	cfg_put(t, " |\n");
}

char *cfg_reference(const struct cfg_table *table)
{
	struct tables ts = {.n = 0};
	struct cfg_text t = {0};

	collect(&ts, table);
	for (size_t i = 0; i < ts.n; i++) {
		cfg_put(&t, "%s### %s\n\n%s\n\n", i ? "\n" : "", ts.all[i]->name, ts.all[i]->doc ? ts.all[i]->doc : "");
		cfg_put(&t, "| key | value | default | unit | meaning |\n|---|---|---|---|---|\n");
		for (size_t j = 0; j < ts.all[i]->nr_fields; j++)
			put_field(&t, &ts.all[i]->fields[j]);
	}
	return t.s;
}
