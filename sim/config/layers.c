/*
 * layers.c - several pieces of JSON into one tree: included files, "extends",
 * --set.
 *
 * Two rules. Naming a file replaces what was there; writing an object
 * overrides member by member. And every layer is checked against the tables by
 * itself, so an unknown key is reported where it stands, even if a later layer
 * would have hidden it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/config/data.h"
#include "sim/config/internal.h"

const struct cfg_field *cfg_find_field(const struct cfg_table *table, const char *key)
{
	for (size_t i = 0; i < table->nr_fields; i++)
		if (!strcmp(table->fields[i].key, key))
			return &table->fields[i];
	return NULL;
}

struct cfg_node *cfg_new_node(struct cfg *cfg, const struct cfg_doc *doc, int type, const char *key)
{
	struct cfg_node *node = cfg_alloc(cfg, sizeof(*node));

	if (!node)
		return NULL;
	node->doc = doc;
	node->type = type;
	node->key = key ? cfg_strndup(cfg, key, strlen(key)) : NULL;
	return key && !node->key ? NULL : node;
}

/* ---- files ---- */

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	if (stat(a, &x))
		return stat(b, &y) != 0;
	return !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Take "a/../" and "./" out of a path, in place. */
static void simplify(char *path)
{
	char *out = path, *p = path;
	bool absolute = *path == '/', more = *path;

	if (absolute)
		out = ++p;
	while (more) {
		size_t n = strcspn(p, "/");
		bool up = n == 2 && !memcmp(p, "..", 2);
		char *start = absolute ? path + 1 : path, *last = out;

		more = p[n] == '/';
		if (up && out > start) { /* find the last component written */
			for (last = out - 1; last > start && last[-1] != '/'; last--)
				;
		}
		if (up && last < out && strncmp(last, "../", 3)) {
			out = last;
		} else if (n && !(n == 1 && *p == '.')) {
			memmove(out, p, n);
			out += n;
			*out++ = '/';
		}
		p += n + more;
	}
	if (out > path + 1 && out[-1] == '/')
		out--;
	*out = 0;
}

char *cfg_file_name(struct cfg *cfg, struct cfg_node *node)
{
	const char *name = node->item->valuestring, *dir = node->doc->dir;
	char joined[PATH_MAX], simple[PATH_MAX];

	if (*name == '/' || !*dir)
		snprintf(joined, sizeof(joined), "%s", name);
	else
		snprintf(joined, sizeof(joined), "%s/%s", dir, name);
	memcpy(simple, joined, sizeof(simple));
	simplify(simple);
	if (*simple && same_file(joined, simple)) /* not so behind a symbolic link */
		memcpy(joined, simple, sizeof(joined));
	if (access(joined, F_OK) && *name && *name != '/' && data_find(name, simple, sizeof(simple))) {
		node->from_data = true;
		return cfg_strndup(cfg, simple, strlen(simple));
	}
	return cfg_strndup(cfg, joined, strlen(joined));
}

/* The whole of a file; *why says what is wrong when NULL is returned. Caller frees. */
static char *read_text(const char *path, size_t *len, struct stat *st, const char **why)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	size_t got = 0, cap = 0;

	*why = f && !fstat(fileno(f), st) ? NULL : strerror(errno);
	if (!*why && S_ISDIR(st->st_mode))
		*why = "it is a directory";
	while (!*why) {
		if (got == cap) {
			char *more = cap > CFG_MAX_FILE ? NULL : realloc(text, cap = cap ? cap * 2 : 4096);

			if (!more) {
				*why = "it is larger than 16 MiB";
				break;
			}
			text = more;
		}
		size_t n = fread(text + got, 1, cap - got, f);

		got += n;
		if (!n && ferror(f))
			*why = strerror(errno);
		if (!n)
			break;
	}
	if (f)
		fclose(f);
	*len = got;
	if (!*why)
		return text;
	free(text);
	return NULL;
}

static int cannot_read(struct cfg *cfg, const struct cfg_node *named, const struct cfg_at *at,
		       const char *path, const char *why)
{
	if (!named)
		return kms_fail(cfg->err, KMS_EUSAGE, "%s: cannot read this file: %s", path, why);
	return cfg_error(cfg, named, POINT_VALUE, at, "cannot read the file %s named here: %s", path, why);
}

static int check_cycle(struct cfg *cfg, const struct cfg_node *named, const struct cfg_open *files,
		       const struct stat *st, const struct cfg_at *at)
{
	for (const struct cfg_open *f = files; f; f = f->up)
		if (S_ISREG(st->st_mode) && f->dev == st->st_dev && f->ino == st->st_ino)
			return cfg_error(cfg, named, POINT_VALUE, at,
					 "%s includes itself, by way of this place", f->name);
	return 0;
}

/* Read and parse one file; *here is it on the stack of files, for what it includes. */
static struct cfg_node *open_file(struct cfg *cfg, const char *path, const struct cfg_node *named,
				  const struct cfg_open *files, const struct cfg_at *at,
				  struct cfg_open *here)
{
	const char *why, *slash = strrchr(path, '/');
	struct cfg_node *root = NULL;
	struct cfg_doc *doc;
	struct stat st;
	char dir[PATH_MAX];
	char *text;
	size_t len;

	text = read_text(path, &len, &st, &why);
	if (!text) {
		cannot_read(cfg, named, at, path, why);
		return NULL;
	}
	*here = (struct cfg_open){files, st.st_dev, st.st_ino, path};
	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path + (slash == path)) : 0, path);
	if (!check_cycle(cfg, named, files, &st, at)) {
		doc = cfg_doc_new(cfg, DOC_FILE, path, dir, text, len);
		root = doc ? cfg_parse(cfg, doc) : NULL;
	}
	free(text);
	return root;
}

struct cfg_node *cfg_load_file(struct cfg *cfg, const struct cfg_table *table, const char *path,
			       const struct cfg_node *named, const struct cfg_open *files,
			       const struct cfg_at *at)
{
	struct cfg_open here;
	struct cfg_node *root = open_file(cfg, path, named, files, at, &here);

	return root ? cfg_resolve(cfg, table, root, &here, at) : NULL;
}

/* ---- objects over objects ---- */

static bool is_object(const struct cfg_node *node)
{
	return node->type == cJSON_Object;
}

/* Put child where an equal key is, or at the end. */
static void put_member(struct cfg_node *object, struct cfg_node *child)
{
	struct cfg_node **p = &object->child;

	while (*p && strcmp((*p)->key, child->key))
		p = &(*p)->next;
	child->next = *p ? (*p)->next : NULL;
	*p = child;
}

/* Both are ours alone; the result is over's node, with what only base has added. */
static struct cfg_node *merge(struct cfg_node *base, struct cfg_node *over)
{
	struct cfg_node *next;

	if (!is_object(base) || !is_object(over) || over->whole)
		return over;
	for (struct cfg_node *child = over->child; child; child = next) {
		struct cfg_node *below = cfg_member(base, child->key);

		next = child->next;
		put_member(base, below ? merge(below, child) : child);
	}
	over->child = base->child;
	over->whole = base->whole;
	return over;
}

/* ---- one layer: names of files, extends, keys ---- */

static bool names_json(const struct cfg_node *node)
{
	const char *s = node->type == cJSON_String ? node->item->valuestring : "";
	size_t n = strlen(s);

	return n > 5 && !strcmp(s + n - 5, ".json");
}

static struct cfg_node *include(struct cfg *cfg, const struct cfg_table *table, struct cfg_node *node,
				const struct cfg_open *files, const struct cfg_at *at)
{
	char *path = cfg_file_name(cfg, node);
	struct cfg_node *root = path ? cfg_load_file(cfg, table, path, node, files, at) : NULL;

	if (root) {
		root->key = node->key;
		root->whole = true;
	}
	return root;
}

static struct cfg_node *resolve_base(struct cfg *cfg, const struct cfg_table *table, struct cfg_node *name,
				     const struct cfg_open *files, const struct cfg_at *at)
{
	struct cfg_at here = {at, "extends", 0};
	struct cfg_open open;
	struct cfg_node *base;
	char have[120];
	char *path;

	if (!names_json(name)) {
		cfg_error(cfg, name, POINT_VALUE, &here, "expected the name of a .json file, found %s",
			  cfg_describe(have, sizeof(have), name));
		return NULL;
	}
	path = cfg_file_name(cfg, name);
	base = path ? open_file(cfg, path, name, files, &here, &open) : NULL;
	/* its members count as members of this object, hence at and not &here */
	return base ? cfg_resolve(cfg, table, base, &open, at) : NULL;
}

static struct cfg_node *resolve_elements(struct cfg *cfg, const struct cfg_table *table,
					 struct cfg_node *array, const struct cfg_open *files,
					 const struct cfg_at *at)
{
	struct cfg_node **p = &array->child;
	struct cfg_at here = {at, NULL, 0};

	for (; *p; p = &(*p)->next, here.index++) {
		struct cfg_node *next = (*p)->next;
		struct cfg_node *element = cfg_resolve(cfg, table, *p, files, &here);

		if (!element)
			return NULL;
		element->next = next;
		*p = element;
	}
	return array;
}

/* A member whose field is known; anything that is no object or array is left to the conversion. */
static struct cfg_node *resolve_member(struct cfg *cfg, const struct cfg_field *field, struct cfg_node *node,
				       const struct cfg_open *files, const struct cfg_at *at)
{
	struct cfg_open open;

	if (field->type == CFG_OBJECT && (is_object(node) || names_json(node)))
		return cfg_resolve(cfg, field->table, node, files, at);
	if (field->type != CFG_ARRAY)
		return node;
	if (names_json(node)) {
		char *path = cfg_file_name(cfg, node);
		struct cfg_node *root = path ? open_file(cfg, path, node, files, at, &open) : NULL;

		if (!root)
			return NULL;
		root->key = node->key;
		root->whole = true;
		node = root;
		files = &open;
	}
	return node->type == cJSON_Array ? resolve_elements(cfg, field->table, node, files, at) : node;
}

struct cfg_node *cfg_resolve(struct cfg *cfg, const struct cfg_table *table, struct cfg_node *node,
			     const struct cfg_open *files, const struct cfg_at *at)
{
	struct cfg_node *base = NULL, **p = &node->child;
	char have[120];

	if (names_json(node))
		return include(cfg, table, node, files, at);
	if (!is_object(node)) {
		cfg_error(cfg, node, POINT_VALUE, at, "expected an object, or the name of a .json file, found %s",
			  cfg_describe(have, sizeof(have), node));
		return NULL;
	}
	while (*p) {
		struct cfg_node *child = *p, *next = child->next;
		const struct cfg_field *field = cfg_find_field(table, child->key);
		struct cfg_at here = {at, child->key, 0};

		if (!field && !strcmp(child->key, "extends")) {
			base = resolve_base(cfg, table, child, files, at);
			if (!base)
				return NULL;
			*p = next;
			continue;
		}
		if (!field) {
			cfg_unknown_key(cfg, child, POINT_KEY, at, table, child->key);
			return NULL;
		}
		child = resolve_member(cfg, field, child, files, &here);
		if (!child)
			return NULL;
		child->next = next;
		*p = child;
		p = &child->next;
	}
	return base ? merge(base, node) : node;
}

/* ---- --set path=value ---- */

struct setting {
	struct cfg_doc *doc; /* its text is the value */
	const char *path;    /* what is left of it */
};

static int bad_path(struct cfg *cfg, const struct setting *set, const char *what)
{
	char quoted[80];

	return kms_fail(cfg->err, KMS_EUSAGE, "%s: %s at %s; expected path=value, where a path is like "
			"machine.cpus or nodes[0].cpus", set->doc->name, what,
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
		if (end == set->path + n + 1 || *end != ']' || *index < 0 || *index >= (long)CFG_MAX_ELEMENTS)
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
	return field && (field->type == CFG_STRING || field->type == CFG_PATH || field->type == CFG_ENUM ||
			 field->type == CFG_BYTES || field->type == CFG_TIME);
}

/* The value as a node: JSON if it is, else a string. */
static struct cfg_node *setting_value(struct cfg *cfg, const struct setting *set, const struct cfg_field *field)
{
	const char *text = set->doc->text;
	bool bracket = *text == '{' || *text == '[' || *text == '"';
	struct kms_error *err = cfg->err, ignored = {0};
	struct cfg_node *node;
	char *json;

	cfg->err = bracket && !wants_text(field) ? err : &ignored;
	node = cfg_parse(cfg, set->doc);
	cfg->err = err;
	if (node && (node->type == cJSON_Number || node->type == cJSON_True || node->type == cJSON_False) &&
	    field && (field->type == CFG_STRING || field->type == CFG_PATH))
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
		put_member(object, member);
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
		kms_fail(cfg->err, KMS_EUSAGE, "%s: %s has %ld elements; expected an index up to %ld",
			 set->doc->name, cfg_quote(quoted, sizeof(quoted), key, strlen(key)), n, n);
		return NULL;
	}
	if (!*p)
		*p = cfg_new_node(cfg, set->doc, cJSON_NULL, NULL);
	return *p ? p : NULL;
}

static int apply(struct cfg *cfg, const struct cfg_table *table, struct cfg_node *object,
		 struct setting *set, const struct cfg_at *at);

/* At the end of the path: *p is replaced, or merged into. */
static int apply_value(struct cfg *cfg, const struct cfg_field *field, bool element, struct cfg_node **p,
		       struct setting *set, const struct cfg_at *at)
{
	struct cfg_node *old = *p, *next = old->next;
	struct cfg_node *value = setting_value(cfg, set, element ? NULL : field);

	if (!value)
		return kms_fail(cfg->err, KMS_EUSAGE, "%s: the value cannot be read", set->doc->name);
	value->key = old->key;
	if (field && element && field->type == CFG_ARRAY)
		value = cfg_resolve(cfg, field->table, value, NULL, at);
	else if (field && !element)
		value = resolve_member(cfg, field, value, NULL, at);
	if (!value)
		return KMS_EUSAGE;
	value = merge(old, value);
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

	if (!is_object(old)) {
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
			return cfg_error(cfg, &here, POINT_VALUE, &member, "this has no members, but %s is asked "
					 "for", cfg_quote(quoted, sizeof(quoted), set->path, strlen(set->path)));
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
		return kms_fail(cfg->err, KMS_EUSAGE, "%s: expected path=value, found no '='", set.doc->name);
	if (!is_utf8(setting))
		return kms_fail(cfg->err, KMS_EUSAGE, "%s: expected UTF-8, which JSON is made of", set.doc->name);
	set.path = cfg_strndup(cfg, setting, (size_t)(equals - setting));
	if (!set.path)
		return KMS_EFAIL;
	return apply(cfg, table, root, &set, NULL);
}
