/*
 * settings.c - the last layer: --set path=value.
 *
 * A setting walks the tables and the tree at once. Members that are missing on
 * the way are made; at the end of the path the value replaces what was there,
 * or is merged into it, by the rules of layers.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/config/internal.h"

struct setting {
	struct cfg_doc *doc; /* its text is the value */
	const char *path;    /* what is left of it */
};

static int bad_path(struct cfg *cfg, const struct setting *set, const char *what)
{
	char quoted[80];

	return kms_fail(cfg->err, KMS_EUSAGE,
			"%s: %s at %s; expected path=value, where a path is like "
			"machine.cpus or nodes[0].cpus",
			set->doc->name, what,
			cfg_quote(quoted, sizeof(quoted), set->path, strlen(set->path)));
}

/* One step of the path: key and its [index], -1 when there is none. */
static int next_step(struct cfg *cfg, struct setting *set, const char **key, long *index)
{
	size_t n = strcspn(set->path, ".[");
	char *end;

	if (!n)
		return bad_path(cfg, set, "no key");
	*key = cfg_strndup(cfg, set->path, n);
	if (!*key)
		return KMS_EFAIL;
	*index = -1;
	if (set->path[n] == '[') {
		*index = strtol(set->path + n + 1, &end, 10);
		if (end == set->path + n + 1 || *end != ']' || *index < 0 ||
		    *index >= (long)CFG_MAX_ELEMENTS)
			return bad_path(cfg, set, "no index");
		n = (size_t)(end + 1 - set->path);
	}
	set->path += n;
	if (*set->path == '.' && set->path[1])
		set->path++;
	else if (*set->path)
		return bad_path(cfg, set, "no further key");
	return 0;
}

static bool wants_text(const struct cfg_field *field)
{
	return field &&
	       (field->type == CFG_STRING || field->type == CFG_PATH || field->type == CFG_ENUM ||
		field->type == CFG_BYTES || field->type == CFG_TIME);
}

/* The value as a node: JSON if it is, else a string. */
static struct cfg_node *setting_value(struct cfg *cfg, const struct setting *set,
				      const struct cfg_field *field)
{
	const char *text = set->doc->text;
	bool bracket = *text == '{' || *text == '[' || *text == '"';
	struct kms_error *err = cfg->err, ignored = {0};
	struct cfg_node *node;
	char *json;

	cfg->err = bracket && !wants_text(field) ? err : &ignored;
	node = cfg_parse(cfg, set->doc);
	cfg->err = err;
	if (node &&
	    (node->type == cJSON_Number || node->type == cJSON_True || node->type == cJSON_False) &&
	    field && (field->type == CFG_STRING || field->type == CFG_PATH || field->type == CFG_ENUM))
		node = NULL;
	if (node || (bracket && !wants_text(field)))
		return node;
	node = cfg_new_node(cfg, set->doc, cJSON_String, NULL);
	if (!node)
		return NULL;
	cJSON_Delete(set->doc->root);
	set->doc->root = cJSON_CreateString(text);
	node->item = set->doc->root;
	node->end = strlen(text);
	json = set->doc->root ? set->doc->root->valuestring : NULL;
	return json ? node : NULL;
}

/*
 * The member that a step leads to. When it is missing it is made, from the
 * default if there is one and only a part of it is to be set.
 */
static struct cfg_node *find_or_make(struct cfg *cfg, const struct setting *set,
				     const struct cfg_field *field, struct cfg_node *object,
				     const char *key, long index)
{
	struct cfg_node *member = cfg_member(object, key);

	if (member && (index < 0 || member->type != cJSON_NULL))
		return member;
	if (field && field->def && (index >= 0 || *set->path))
		member = cfg_default(cfg, field);
	else
		member = cfg_new_node(cfg, set->doc, index < 0 ? cJSON_NULL : cJSON_Array, key);
	if (member)
		cfg_put_member(object, member);
	return member;
}

static struct cfg_node **step_into(struct cfg *cfg, const struct setting *set,
				   const struct cfg_field *field, struct cfg_node *object,
				   const char *key, long index)
{
	struct cfg_node *member = find_or_make(cfg, set, field, object, key, index), **p;
	char quoted[80];
	long n = 0;

	if (!member)
		return NULL;
	for (p = &object->child; *p != member; p = &(*p)->next)
		;
	if (index < 0)
		return p;
	if (member->type != cJSON_Array) {
		kms_fail(cfg->err, KMS_EUSAGE, "%s: %s is not an array", set->doc->name,
			 cfg_quote(quoted, sizeof(quoted), key, strlen(key)));
		return NULL;
	}
	for (p = &member->child; *p && n < index; p = &(*p)->next)
		n++;
	if (n < index) {
		kms_fail(cfg->err, KMS_EUSAGE,
			 "%s: %s has %ld elements; expected an index up to %ld", set->doc->name,
			 cfg_quote(quoted, sizeof(quoted), key, strlen(key)), n, n);
		return NULL;
	}
	if (!*p)
		*p = cfg_new_node(cfg, set->doc, cJSON_NULL, NULL);
	return *p ? p : NULL;
}

static int apply(struct cfg *cfg, const struct cfg_table *table, struct cfg_node *object,
		 struct setting *set, const struct cfg_at *at);

/* At the end of the path: *p is replaced, or merged into. */
static int apply_value(struct cfg *cfg, const struct cfg_field *field, bool element,
		       struct cfg_node **p, struct setting *set, const struct cfg_at *at)
{
	struct cfg_node *old = *p, *next = old->next;
	struct cfg_node *value = setting_value(cfg, set, element ? NULL : field);

	if (!value)
		return kms_fail(cfg->err, KMS_EUSAGE, "%s: the value cannot be read",
				set->doc->name);
	value->key = old->key;
	if (field && element && field->type == CFG_ARRAY)
		value = cfg_resolve(cfg, field->table, value, NULL, at);
	else if (field && !element)
		value = cfg_resolve_member(cfg, field, value, NULL, at);
	if (!value)
		return KMS_EUSAGE;
	value = cfg_merge(old, value);
	value->next = next;
	*p = value;
	return 0;
}

static bool has_members(const struct cfg_field *field, long index)
{
	return field->type == CFG_JSON || (field->type == CFG_OBJECT && index < 0) ||
	       (field->type == CFG_ARRAY && index >= 0);
}

static bool has_elements(const struct cfg_field *field)
{
	return field->type == CFG_ARRAY || field->type == CFG_STRINGS || field->type == CFG_UINTS ||
	       field->type == CFG_DOUBLES || field->type == CFG_JSON;
}

static int apply_deeper(struct cfg *cfg, const struct cfg_field *field, struct cfg_node **p,
			struct setting *set, const struct cfg_at *at)
{
	struct cfg_node *old = *p;

	if (old->type != cJSON_Object) {
		*p = cfg_new_node(cfg, set->doc, cJSON_Object, old->key);
		if (!*p)
			return KMS_EFAIL;
		(*p)->next = old->next;
	}
	return apply(cfg, field && field->type != CFG_JSON ? field->table : NULL, *p, set, at);
}

/* table NULL: inside a member that is taken as it is. */
static int apply(struct cfg *cfg, const struct cfg_table *table, struct cfg_node *object,
		 struct setting *set, const struct cfg_at *at)
{
	const struct cfg_field *field = NULL;
	struct cfg_at member = {at, NULL, 0}, element = {&member, NULL, 0};
	struct cfg_node here = {.doc = set->doc};
	struct cfg_node **p;
	char quoted[80];
	long index = -1;

	if (next_step(cfg, set, &member.key, &index))
		return KMS_EUSAGE;
	element.index = index;
	if (table) {
		field = cfg_find_field(table, member.key);
		if (!field)
			return cfg_unknown_key(cfg, &here, POINT_VALUE, at, table, member.key);
		if (index >= 0 && !has_elements(field))
			return cfg_error(cfg, &here, POINT_VALUE, &member, "this is not an array");
		if (*set->path && !has_members(field, index))
			return cfg_error(
				cfg, &here, POINT_VALUE, &member,
				"this has no members, but %s is asked "
				"for",
				cfg_quote(quoted, sizeof(quoted), set->path, strlen(set->path)));
	}
	p = step_into(cfg, set, field, object, member.key, index);
	if (!p)
		return KMS_EUSAGE;
	at = index < 0 ? &member : &element;
	if (*set->path)
		return apply_deeper(cfg, field, p, set, at);
	return apply_value(cfg, field, index >= 0, p, set, at);
}

static bool is_utf8(const char *s)
{
	size_t n = strlen(s), len;

	for (; n; s += len, n -= len) {
		len = cfg_utf8_length(s, n);
		if (!len)
			return false;
	}
	return true;
}

int cfg_apply_setting(struct cfg *cfg, const struct cfg_table *table, struct cfg_node *root,
		      const char *setting)
{
	const char *equals = strchr(setting, '=');
	struct setting set = {0};
	const char *value = equals ? equals + 1 : "";
	char name[120];

	snprintf(name, sizeof(name), "--set %.80s%s", setting, strlen(setting) > 80 ? "..." : "");
	set.doc = cfg_doc_new(cfg, DOC_SET, name, "", value, strlen(value));
	if (!set.doc)
		return KMS_EFAIL;
	if (!equals)
		return kms_fail(cfg->err, KMS_EUSAGE, "%s: expected path=value, found no '='",
				set.doc->name);
	if (!is_utf8(setting))
		return kms_fail(cfg->err, KMS_EUSAGE, "%s: expected UTF-8, which JSON is made of",
				set.doc->name);
	set.path = cfg_strndup(cfg, setting, (size_t)(equals - setting));
	if (!set.path)
		return KMS_EFAIL;
	return apply(cfg, table, root, &set, NULL);
}
