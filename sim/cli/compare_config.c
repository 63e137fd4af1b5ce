/*
 * compare_config.c - in which values the configurations of the columns differ.
 *
 * Read from what the runs stored, so that a value that was meant to be equal
 * and is not stands above the table.
 */
#include <stdlib.h>
#include <string.h>

#include "results/query.h"
#include "sim/cli/compare.h"

struct leaf {
	char path[120];
	char **values; /* one a column, NULL: absent */
};

struct leaves {
	struct leaf *all;
	u32 n, nr_columns;
	bool failed;
};

static void add_leaf(struct leaves *l, const char *path, u32 column, const cJSON *value)
{
	struct leaf *more;
	u32 i = 0;

	while (i < l->n && strcmp(l->all[i].path, path))
		i++;
	if (i == l->n) {
		more = realloc(l->all, (l->n + 1) * sizeof(*more));
		if (!more) {
			l->failed = true;
			return;
		}
		l->all = more;
		more[i] = (struct leaf){.values = calloc(l->nr_columns, sizeof(char *))};
		snprintf(more[i].path, sizeof(more[i].path), "%s", path);
		l->n++;
	}
	if (!l->all[i].values)
		l->failed = true;
	else
		l->all[i].values[column] = cJSON_IsString(value) ? strdup(value->valuestring)
								 : cJSON_PrintUnformatted(value);
}

static void flatten(struct leaves *l, u32 column, const cJSON *node, const char *path)
{
	const cJSON *child;
	char deeper[120];

	if (!cJSON_IsObject(node)) {
		add_leaf(l, path, column, node);
		return;
	}
	cJSON_ArrayForEach (child, node) {
		snprintf(deeper, sizeof(deeper), "%s%s%s", path, *path ? "." : "", child->string);
		flatten(l, column, child, deeper);
	}
}

static bool differs(const struct leaf *leaf, u32 n)
{
	for (u32 i = 1; i < n; i++) {
		const char *a = leaf->values[0], *b = leaf->values[i];

		if (!a != !b || (a && strcmp(a, b)))
			return true;
	}
	return false;
}

static bool is_label(const char *path)
{
	return !strcmp(path, "name") || !strcmp(path, "title") || !strcmp(path, "seed") ||
	       !strcmp(path, "machine.name");
}

#define MAX_SHOWN 10

static void print_leaves(const struct leaves *l, FILE *out, const char *indent)
{
	char safe[200];
	u32 shown = 0, more = 0;

	for (u32 i = 0; i < l->n; i++) {
		const struct leaf *leaf = &l->all[i];

		if (is_label(leaf->path) || !differs(leaf, l->nr_columns))
			continue;
		if (shown++ >= MAX_SHOWN) {
			more++;
			continue;
		}
		fprintf(out, "%s%s: ", indent, cli_safe(safe, sizeof(safe), leaf->path));
		for (u32 k = 0; k < l->nr_columns; k++)
			fprintf(out, "%s%s", k ? " | " : "",
				leaf->values[k] ? cli_safe(safe, 60, leaf->values[k]) : "-");
		fputc('\n', out);
	}
	if (more)
		fprintf(out, "%s... and %u more\n", indent, more);
}

int cmp_print_differences(struct cmp *cmp, FILE *out, const char *indent, struct kms_error *err)
{
	struct leaves l = {.nr_columns = cmp->nr_columns};
	static const char *const others[] = {"trace_hash", "cost_hash", "model_hash", "compiler_flags"};
	char text[2000];
	int rc = 0;

	for (u32 i = 0; i < cmp->nr_columns && !rc; i++) {
		s64 run = cmp->columns[i].ids.runs[0];
		struct query q;

		query_begin(&q, cmp->store, err, "SELECT config FROM run WHERE id = ?", "i", run);
		if (query_next(&q)) {
			cJSON *config = cJSON_Parse(query_text(&q, 0));

			flatten(&l, i, config, "");
			cJSON_Delete(config);
		}
		rc = query_end(&q);
		for (size_t k = 0; k < KMS_ARRAY_SIZE(others) && !rc; k++) {
			cJSON *value;

			rc = cmp_run_text(cmp, run, others[k], text, sizeof(text), err);
			value = cJSON_CreateString(text);
			add_leaf(&l, others[k], i, value);
			cJSON_Delete(value);
		}
	}
	if (!rc && !l.failed)
		print_leaves(&l, out, indent);
	for (u32 i = 0; i < l.n; i++) {
		for (u32 k = 0; l.all[i].values && k < l.nr_columns; k++)
			free(l.all[i].values[k]);
		free(l.all[i].values);
	}
	free(l.all);
	return rc ? rc : l.failed ? kms_fail(err, KMS_EFAIL, "out of memory") : 0;
}
