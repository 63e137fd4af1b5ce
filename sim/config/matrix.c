/*
 * matrix.c - many configurations from one; see matrix.h.
 *
 * Values stay text: whether one is right for its path is found out when the
 * configuration is loaded with it, and reported there.
 */
#include "sim/config/matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- axes ---- */

static void free_axis(struct cfg_axis *axis)
{
	for (size_t i = 0; i < axis->n; i++)
		free(axis->values[i]);
	free(axis->values);
	free(axis->path);
	*axis = (struct cfg_axis){0};
}

void cfg_matrix_free(struct cfg_matrix *m)
{
	for (size_t i = 0; i < m->n; i++)
		free_axis(&m->axes[i]);
	free(m->axes);
	*m = (struct cfg_matrix){0};
}

static struct cfg_axis *find_axis(const struct cfg_matrix *m, const char *path)
{
	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->axes[i].path, path))
			return &m->axes[i];
	return NULL;
}

static struct cfg_axis *new_axis(struct cfg_matrix *m, const char *path, size_t n)
{
	struct cfg_axis *more = realloc(m->axes, (m->n + 1) * sizeof(*more));

	if (!more)
		return NULL;
	m->axes = more;
	more[m->n] = (struct cfg_axis){.path = strndup(path, n)};
	return more[m->n].path ? &more[m->n++] : NULL;
}

static int add_value(struct cfg_axis *axis, char *value, struct kms_error *err)
{
	char **more = realloc(axis->values, (axis->n + 1) * sizeof(char *));

	if (!value || !more) {
		free(value);
		axis->values = more ? more : axis->values;
		return kms_fail(err, KMS_EFAIL, "out of memory");
	}
	axis->values = more;
	for (size_t i = 0; i < axis->n; i++)
		if (!strcmp(more[i], value)) {
			int rc = kms_fail(err, KMS_EUSAGE, "%s: the value %s is there twice",
					  axis->path, value);

			free(value);
			return rc;
		}
	more[axis->n++] = value;
	return 0;
}

static int check_size(const struct cfg_matrix *m, struct kms_error *err)
{
	if (cfg_matrix_points(m) <= CFG_MAX_POINTS)
		return 0;
	return kms_fail(err, KMS_EUSAGE, "these lists have more than %d combinations", CFG_MAX_POINTS);
}

/* ---- from the command line ---- */

/* Length of the next value: up to a comma that is in no bracket and no string. */
static size_t value_length(const char *s)
{
	int depth = 0;
	bool quoted = false;
	size_t i;

	for (i = 0; s[i]; i++) {
		if (s[i] == '"')
			quoted = !quoted;
		else if (quoted && s[i] == '\\' && s[i + 1])
			i++;
		else if (!quoted && (s[i] == '[' || s[i] == '{'))
			depth++;
		else if (!quoted && (s[i] == ']' || s[i] == '}'))
			depth--;
		else if (!quoted && depth <= 0 && s[i] == ',')
			break;
	}
	return i;
}

static int add_list(struct cfg_axis *axis, const char *list, struct kms_error *err)
{
	int rc = 0;

	while (!rc) {
		size_t n = value_length(list);

		if (!n)
			return kms_fail(err, KMS_EUSAGE,
					"%s: expected values with commas between them, found an empty one",
					axis->path);
		rc = add_value(axis, strndup(list, n), err);
		if (!list[n])
			break;
		list += n + 1;
	}
	return rc;
}

int cfg_matrix_add(struct cfg_matrix *m, const char *text, struct kms_error *err)
{
	const char *equals = strchr(text, '=');
	struct cfg_axis *axis;
	char path[200];
	int rc;

	if (!equals || equals == text || (size_t)(equals - text) >= sizeof(path))
		return kms_fail(err, KMS_EUSAGE,
				"\"%.80s\": expected path=value,value,..., for example "
				"allocator.slab=slub,noslab",
				text);
	snprintf(path, sizeof(path), "%.*s", (int)(equals - text), text);
	axis = find_axis(m, path);
	if (axis) { /* keeps its place */
		char *kept = axis->path;

		axis->path = NULL;
		free_axis(axis);
		axis->path = kept;
	} else {
		axis = new_axis(m, path, strlen(path));
	}
	if (!axis)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	rc = add_list(axis, equals + 1, err);
	return rc ? rc : check_size(m, err);
}

/* ---- from a configuration ---- */

/* Strings as they are, the rest as JSON. */
static char *json_value(const cJSON *value)
{
	char *json, *copy;

	if (cJSON_IsString(value))
		return strdup(value->valuestring);
	json = cJSON_PrintUnformatted(value);
	copy = json ? strdup(json) : NULL;
	cJSON_free(json);
	return copy;
}

int cfg_matrix_add_json(struct cfg_matrix *m, const cJSON *matrix, const char *where,
			struct kms_error *err)
{
	const cJSON *list, *value;

	if (!matrix)
		return 0;
	if (!cJSON_IsObject(matrix))
		return kms_fail(err, KMS_EUSAGE,
				"%s: /matrix: expected an object like {\"allocator.slab\": "
				"[\"slub\", \"noslab\"]}",
				where);
	cJSON_ArrayForEach (list, matrix) {
		struct cfg_axis *axis = find_axis(m, list->string);

		if (!cJSON_IsArray(list) || !list->child)
			return kms_fail(err, KMS_EUSAGE,
					"%s: /matrix/%.80s: expected an array of values", where,
					list->string);
		if (axis)
			continue;
		axis = new_axis(m, list->string, strlen(list->string));
		if (!axis)
			return kms_fail(err, KMS_EFAIL, "out of memory");
		cJSON_ArrayForEach (value, list) {
			if (add_value(axis, json_value(value), err))
				return kms_fail_in(err, "%s: /matrix", where);
		}
	}
	return check_size(m, err) ? kms_fail_in(err, "%s: /matrix", where) : 0;
}

/* ---- points ---- */

size_t cfg_matrix_points(const struct cfg_matrix *m)
{
	size_t points = 1;

	for (size_t i = 0; i < m->n && points <= CFG_MAX_POINTS; i++)
		points *= m->axes[i].n ? m->axes[i].n : 1;
	return points;
}

const char *cfg_matrix_value(const struct cfg_matrix *m, size_t point, size_t axis)
{
	for (size_t i = m->n - 1; i > axis; i--)
		point /= m->axes[i].n;
	return m->axes[axis].values[point % m->axes[axis].n];
}

/* A word speaks for itself; a number, true or {...} needs its key. */
static bool speaks(const char *value)
{
	cJSON *json = cJSON_Parse(value);
	bool word = !json;

	cJSON_Delete(json);
	return word;
}

void cfg_matrix_label(const struct cfg_matrix *m, size_t point, char *buf, size_t n)
{
	size_t len = 0;

	buf[0] = 0;
	for (size_t i = 0; i < m->n && len < n; i++) {
		const char *value = cfg_matrix_value(m, point, i), *path = m->axes[i].path;
		const char *dot = strrchr(path, '.'), *key = dot ? dot + 1 : path;
		bool word = speaks(value);

		if (m->axes[i].n < 2 && m->n > 1)
			continue; /* the same everywhere */
		len += (size_t)snprintf(buf + len, n - len, "%s%s%s%s", len ? ", " : "",
					word ? "" : key, word ? "" : "=", value);
	}
}
