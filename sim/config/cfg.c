/*
 * cfg.c - loading a configuration: the layered tree into the caller's
 * structure, by table.
 *
 * Missing members get their defaults as nodes of the tree, so that afterwards
 * every value has a node that says where it came from. All memory of a
 * configuration hangs on struct cfg and goes with it.
 */
#include "sim/config/cfg.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/config/internal.h"

struct cfg_block {
	struct cfg_block *next;
	max_align_t data[];
};

void *cfg_alloc(struct cfg *cfg, size_t size)
{
	struct cfg_block *block = calloc(1, sizeof(*block) + (size ? size : 1));

	if (!block) {
		kms_fail(cfg->err, KMS_EFAIL, "out of memory while reading the configuration");
		return NULL;
	}
	block->next = cfg->blocks;
	cfg->blocks = block;
	return block->data;
}

char *cfg_strndup(struct cfg *cfg, const char *s, size_t n)
{
	char *copy = cfg_alloc(cfg, n + 1);

	if (copy)
		memcpy(copy, s, n);
	return copy;
}

void cfg_free(struct cfg *cfg)
{
	struct cfg_block *next;

	if (!cfg)
		return;
	for (struct cfg_doc *doc = cfg->docs; doc; doc = doc->next)
		cJSON_Delete(doc->root);
	for (size_t i = 0; i < cfg->nr_owned; i++)
		cJSON_Delete(cfg->owned[i]);
	for (struct cfg_block *block = cfg->blocks; block; block = next) {
		next = block->next;
		free(block);
	}
	free(cfg->owned);
	free(cfg->resolved);
	free(cfg->print);
	free(cfg);
}

/* ---- filling in ---- */

struct cfg_node *cfg_default(struct cfg *cfg, const struct cfg_field *field)
{
	struct cfg_node *node;
	struct cfg_doc *doc;
	char name[120];

	snprintf(name, sizeof(name), "default of \"%s\"", field->key);
	doc = cfg_doc_new(cfg, DOC_DEFAULT, name, "", field->def, strlen(field->def));
	node = doc ? cfg_parse(cfg, doc) : NULL;
	if (node && field->table && node->type == cJSON_Object)
		node = cfg_resolve(cfg, field->table, node, NULL, NULL);
	if (node)
		node->key = field->key;
	return node;
}

static void add_member(struct cfg_node *section, struct cfg_node *node)
{
	node->next = section->child;
	section->child = node;
}

static bool may_be_absent(const struct cfg_field *field)
{
	return field->type == CFG_STRING || field->type == CFG_PATH || field->type >= CFG_OBJECT;
}

static int missing(struct cfg *cfg, const struct cfg_field *field, const struct cfg_node *section,
		   const struct cfg_at *at)
{
	char want[300];

	return cfg_error(cfg, section, POINT_VALUE, at, "missing \"%s\": expected %s%s%s", field->key,
			 cfg_expected(want, sizeof(want), field), field->doc ? " - " : "",
			 field->doc ? field->doc : "");
}

/* CFG_JSON: what layering left, as one tree of cJSON's. */
static cJSON *to_json(const struct cfg_node *node)
{
	cJSON *json;

	if (node->type != cJSON_Object && node->type != cJSON_Array)
		return cJSON_Duplicate(node->item, false);
	json = node->type == cJSON_Object ? cJSON_CreateObject() : cJSON_CreateArray();
	for (const struct cfg_node *child = node->child; child; child = child->next) {
		cJSON *part = to_json(child);

		if (node->type == cJSON_Object)
			cJSON_AddItemToObject(json, child->key, part);
		else
			cJSON_AddItemToArray(json, part);
	}
	return json;
}

static int take_json(struct cfg *cfg, const struct cfg_node *node, cJSON **out)
{
	cJSON **owned = realloc(cfg->owned, (cfg->nr_owned + 1) * sizeof(cJSON *));

	if (!owned)
		return kms_fail(cfg->err, KMS_EFAIL, "out of memory while reading the configuration");
	cfg->owned = owned;
	cfg->owned[cfg->nr_owned++] = *out = to_json(node);
	return 0;
}

static int fill_array(struct cfg *cfg, const struct cfg_field *field, struct cfg_node *node,
		      struct cfg_array *out, const struct cfg_at *up)
{
	static const enum cfg_type element_types[] = {
		[CFG_STRINGS] = CFG_STRING, [CFG_UINTS] = CFG_BYTES, [CFG_DOUBLES] = CFG_DOUBLE};
	struct cfg_field element = *field;
	size_t size = field->type == CFG_ARRAY ? field->table->size : cfg_scalar_size(field->type);
	struct cfg_at at = {up, NULL, 0};
	size_t n;
	u8 *item;

	if (node->type != cJSON_Array)
		return cfg_wrong(cfg, node, up, field);
	n = cfg_length(node);
	if (n > CFG_MAX_ELEMENTS)
		return cfg_error(cfg, node, POINT_VALUE, up, "expected at most %u elements, found %zu",
				 CFG_MAX_ELEMENTS, n);
	if (!n)
		return 0;
	out->items = item = cfg_alloc(cfg, n * size);
	if (!item)
		return KMS_EFAIL;
	element.type = field->type == CFG_ARRAY ? CFG_OBJECT : element_types[field->type];
	for (struct cfg_node *child = node->child; child; child = child->next, at.index++, item += size) {
		int rc = field->type == CFG_ARRAY ? cfg_fill(cfg, field->table, child, item, &at)
						  : cfg_scalar(cfg, &element, child, item, &at);

		if (rc)
			return rc;
	}
	out->n = n;
	return 0;
}

static int fill_field(struct cfg *cfg, const struct cfg_field *field, struct cfg_node *node, void *out,
		      const struct cfg_at *at)
{
	if (cfg_is_scalar(field->type))
		return cfg_scalar(cfg, field, node, out, at);
	if (field->type == CFG_OBJECT)
		return cfg_fill(cfg, field->table, node, out, at);
	if (field->type == CFG_JSON)
		return take_json(cfg, node, out);
	return fill_array(cfg, field, node, out, at);
}

/* A member that no layer gives. */
static int fill_absent(struct cfg *cfg, const struct cfg_field *field, struct cfg_node *section, void *out,
		       const struct cfg_at *up)
{
	struct cfg_at at = {up, field->key, 0};
	struct cfg_node *node;

	if (field->def) {
		node = cfg_default(cfg, field);
		if (!node)
			return KMS_EFAIL;
		add_member(section, node);
		return fill_field(cfg, field, node, out, &at);
	}
	if (!may_be_absent(field))
		return missing(cfg, field, section, up);
	if (field->type != CFG_OBJECT || field->present)
		return 0;
	node = cfg_new_node(cfg, section->doc, cJSON_Object, field->key);
	if (!node)
		return KMS_EFAIL;
	node->at = section->at; /* the nearest place that was written */
	add_member(section, node);
	return cfg_fill(cfg, field->table, node, out, &at);
}

static void remove_nulls(struct cfg_node *section)
{
	struct cfg_node **p = &section->child;

	while (*p) {
		if ((*p)->type == cJSON_NULL)
			*p = (*p)->next;
		else
			p = &(*p)->next;
	}
}

int cfg_fill(struct cfg *cfg, const struct cfg_table *table, struct cfg_node *node, void *out,
	     const struct cfg_at *at)
{
	static const struct cfg_field object = {.type = CFG_OBJECT};
	struct cfg_ctx ctx = {cfg, node, at};

	if (node->type != cJSON_Object)
		return cfg_wrong(cfg, node, at, &object);
	remove_nulls(node);
	memset(out, 0, table->size);
	for (size_t i = 0; i < table->nr_fields; i++) {
		const struct cfg_field *field = &table->fields[i];
		struct cfg_node *member = cfg_member(node, field->key);
		struct cfg_at here = {at, field->key, 0};
		void *target = (u8 *)out + field->offset;
		int rc = member ? fill_field(cfg, field, member, target, &here)
				: fill_absent(cfg, field, node, target, at);

		if (rc)
			return rc;
		if (field->present)
			*(bool *)((u8 *)out + field->present) = member || field->def;
	}
	return table->check ? table->check(out, &ctx, cfg->err) : 0;
}

/* ---- errors of checks ---- */

/* One step of "nodes[1].cpus" down from node; NULL when nothing is there. */
static const struct cfg_node *walk(const struct cfg_node *node, const char *key, size_t n, long index)
{
	const struct cfg_node *child = node ? node->child : NULL;

	while (child && (!child->key || strlen(child->key) != n || memcmp(child->key, key, n)))
		child = child->next;
	if (index < 0 || !child)
		return child;
	for (child = child->child; child && index; index--)
		child = child->next;
	return child;
}

/* Report at the member, or what is left of it: the nearest thing that was written. */
static int fail_at(struct cfg_ctx *ctx, const struct cfg_node *node, const struct cfg_node *written,
		   const struct cfg_at *at, const char *key, const char *text)
{
	size_t n = strcspn(key, ".[");
	struct cfg_at element = {NULL, NULL, -1}, member = {at, NULL, 0};
	char name[100], *end;

	if (!n)
		return cfg_error(ctx->cfg, written, POINT_VALUE, at, "%s%s", text,
				 node && node->doc && node->doc->kind == DOC_DEFAULT ? " (the default)" : "");
	snprintf(name, sizeof(name), "%.*s", (int)n, key);
	member.key = name;
	element.up = &member;
	key += n;
	if (*key == '[') {
		element.index = strtol(key + 1, &end, 10);
		key = *end ? end + 1 : end;
	}
	key += *key == '.';
	node = walk(node, name, strlen(name), element.index);
	if (node && node->doc && node->doc->kind != DOC_DEFAULT)
		written = node;
	return fail_at(ctx, node, written, element.index < 0 ? &member : &element, key, text);
}

int cfg_fail(struct cfg_ctx *ctx, struct kms_error *err, const char *key, const char *fmt, ...)
{
	struct kms_error *saved = ctx->cfg->err;
	char text[500];
	va_list ap;
	int rc;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ctx->cfg->err = err;
	rc = fail_at(ctx, ctx->node, ctx->node, ctx->at, key, text);
	ctx->cfg->err = saved;
	return rc;
}

/* ---- loading ---- */

static int load(struct cfg *cfg, const struct cfg_table *table, void *out, struct cfg_node *root,
		const char *const *settings, size_t n)
{
	int rc = root ? 0 : KMS_EUSAGE;

	for (size_t i = 0; i < n && !rc; i++)
		rc = cfg_apply_setting(cfg, table, root, settings[i]);
	if (!rc)
		rc = cfg_fill(cfg, table, root, out, NULL);
	if (!rc)
		rc = cfg_emit(cfg, table, root, out);
	return rc;
}

static int finish(struct cfg **out_cfg, struct cfg *cfg, const struct cfg_table *table, void *out, int rc)
{
	if (rc) {
		/* every failure has filled in the error; its code counts, not the one handed up */
		rc = cfg->err->code ? (int)cfg->err->code : rc;
		cfg_free(cfg);
		cfg = NULL;
		memset(out, 0, table->size);
	} else {
		cfg->err = NULL;
	}
	*out_cfg = cfg;
	return rc;
}

int cfg_load(struct cfg **cfg, const struct cfg_table *table, void *out, const char *path,
	     const char *const *settings, size_t n, struct kms_error *err)
{
	struct cfg *c = calloc(1, sizeof(*c));

	*cfg = NULL;
	if (!c)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	c->err = err ? err : &c->local;
	return finish(cfg, c, table, out,
		      load(c, table, out, cfg_load_file(c, table, path, NULL, NULL, NULL), settings, n));
}

int cfg_load_text(struct cfg **cfg, const struct cfg_table *table, void *out, const char *text,
		  const char *name, const char *dir, const char *const *settings, size_t n,
		  struct kms_error *err)
{
	struct cfg *c = calloc(1, sizeof(*c));
	struct cfg_node *root = NULL;
	struct cfg_doc *doc;

	*cfg = NULL;
	if (!c)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	c->err = err ? err : &c->local;
	doc = cfg_doc_new(c, DOC_FILE, name, dir && strcmp(dir, ".") ? dir : "", text, strlen(text));
	if (doc)
		root = cfg_parse(c, doc);
	if (root)
		root = cfg_resolve(c, table, root, NULL, NULL);
	return finish(cfg, c, table, out, load(c, table, out, root, settings, n));
}

static char *copy(const char *s)
{
	return s ? strdup(s) : NULL;
}

char *cfg_resolved(const struct cfg *cfg)
{
	return copy(cfg->resolved);
}

char *cfg_print(const struct cfg *cfg)
{
	return copy(cfg->print);
}
