/*
 * costs.c - see costs.h. cJSON keeps no positions, so an error looks up the
 * offending key in the text: keys are unique where they are allowed.
 */
#include "models/rt/costs.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/rt/rt_internal.h"

#define MAX_FILE_BYTES (1u << 20)

struct parse {
	const char *text, *name;
	struct kms_error *err;
};

static int fail_at(const struct parse *parse, const char *at, const char *fmt, ...)
    KMS_PRINTF(3, 4);

static int fail_at(const struct parse *parse, const char *at, const char *fmt, ...)
{
	char what[512];
	unsigned line = 1, column = 1;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	for (const char *p = parse->text; p < at && *p; p++) {
		column = *p == '\n' ? 1 : column + 1;
		line += *p == '\n';
	}
	return kms_fail(parse->err, KMS_EUSAGE, "%s:%u:%u: %s", parse->name, line, column, what);
}

/* Where "key" stands in the text, at or after `from`; the start of the text if it is not found. */
static const char *find_key(const struct parse *parse, const char *from, const char *key)
{
	char quoted[128];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\"", key);
	at = strstr(from, quoted);
	return at ? at : parse->text;
}

static int unknown_key(const struct parse *parse, const char *from, const char *key,
		       const char *const *known, size_t n, const char *what)
{
	const char *near = kms_nearest(key, known, n);

	return fail_at(parse, find_key(parse, from, key), "unknown %s \"%.64s\"%s%s%s", what, key,
		       near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int read_number(const struct parse *parse, const char *at, const char *segment,
		       const cJSON *item, double *value)
{
	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) || isinf(item->valuedouble))
		return fail_at(
		    parse, find_key(parse, at, item->string),
		    "\"%s\" of segment \"%s\": expected a number of instructions, 0 or more",
		    item->string, segment);
	*value = item->valuedouble;
	return 0;
}

static int read_segment(const struct parse *parse, const cJSON *segment, struct rt_cost *cost)
{
	static const char *const keys[] = {"insns", "per", "doc"};
	const char *at = find_key(parse, find_key(parse, parse->text, "segments"), segment->string);
	const cJSON *item;
	int rc = 0;

	if (!cJSON_IsObject(segment))
		return fail_at(parse, at,
			       "segment \"%s\": expected an object {\"insns\": N, \"per\": N}",
			       segment->string);
	cJSON_ArrayForEach (item, segment) {
		if (!strcmp(item->string, "insns"))
			rc = read_number(parse, at, segment->string, item, &cost->insns);
		else if (!strcmp(item->string, "per"))
			rc = read_number(parse, at, segment->string, item, &cost->insns_per_arg);
		else if (strcmp(item->string, "doc"))
			rc =
			    unknown_key(parse, at, item->string, keys, KMS_ARRAY_SIZE(keys), "key");
		if (rc)
			return rc;
	}
	return 0;
}

static int find_tracepoint(const char *name)
{
	for (int i = 0; i < NR_TRACEPOINTS; i++)
		if (!strcmp(rt_tracepoint_names[i], name))
			return i;
	return -1;
}

static int read_segments(const struct parse *parse, const cJSON *segments, struct cost_table *table)
{
	const char *from = find_key(parse, parse->text, "segments");
	bool given[NR_TRACEPOINTS] = {false};
	const cJSON *segment;
	int rc;

	if (!cJSON_IsObject(segments))
		return fail_at(parse, from,
			       "\"segments\": expected an object with a member per tracepoint");
	cJSON_ArrayForEach (segment, segments) {
		int i = find_tracepoint(segment->string);

		if (i < 0)
			return unknown_key(parse, from, segment->string, rt_tracepoint_names,
					   NR_TRACEPOINTS, "tracepoint");
		if (given[i])
			return fail_at(parse, find_key(parse, from, segment->string),
				       "tracepoint \"%s\" is given twice", segment->string);
		given[i] = true;
		table->nr_given++;
		rc = read_segment(parse, segment, &table->costs[i]);
		if (rc)
			return rc;
	}
	return 0;
}

static int read_text(const struct parse *parse, const cJSON *item, char **value)
{
	char *copy;

	if (!cJSON_IsString(item))
		return fail_at(parse, find_key(parse, parse->text, item->string),
			       "\"%s\": expected a string", item->string);
	copy = strdup(item->valuestring);
	if (!copy)
		return kms_fail(parse->err, KMS_EFAIL, "out of memory");
	free(*value);
	*value = copy;
	return 0;
}

static int read_table(const struct parse *parse, const cJSON *root, struct cost_table *table)
{
	static const char *const keys[] = {"name", "source", "segments"};
	bool segments = false;
	const cJSON *item;
	int rc = 0;

	if (!cJSON_IsObject(root))
		return fail_at(parse, parse->text, "expected an object with \"segments\"");
	cJSON_ArrayForEach (item, root) {
		if (!strcmp(item->string, "name")) {
			rc = read_text(parse, item, &table->name);
		} else if (!strcmp(item->string, "source")) {
			rc = read_text(parse, item, &table->source);
		} else if (!strcmp(item->string, "segments")) {
			segments = true;
			rc = read_segments(parse, item, table);
		} else {
			rc = unknown_key(parse, parse->text, item->string, keys,
					 KMS_ARRAY_SIZE(keys), "key");
		}
		if (rc)
			return rc;
	}
	return segments ? 0 : fail_at(parse, parse->text, "\"segments\" is missing");
}

int costs_parse(struct cost_table *table, const char *text, const char *name, struct kms_error *err)
{
	struct parse parse = {text, name, err};
	const char *end = text;
	cJSON *root = cJSON_ParseWithOpts(text, &end, true);
	int rc;

	memset(table, 0, sizeof(*table));
	if (!root)
		return *end ? fail_at(&parse, end, "found \"%.20s\", expected JSON, here or just before", end) :
			      fail_at(&parse, end, "found the end of the text, expected a JSON object with \"segments\"");
	table->name = strdup("");
	table->source = strdup("");
	table->costs = calloc(NR_TRACEPOINTS, sizeof(*table->costs));
	if (table->name && table->source && table->costs)
		rc = read_table(&parse, root, table);
	else
		rc = kms_fail(err, KMS_EFAIL, "out of memory");
	cJSON_Delete(root);
	if (rc)
		costs_free(table);
	return rc;
}

int costs_load(struct cost_table *table, const char *path, struct kms_error *err)
{
	FILE *f = fopen(path, "rb");
	char *text = f ? malloc(MAX_FILE_BYTES + 1) : NULL;
	size_t n;
	int rc;

	memset(table, 0, sizeof(*table));
	if (!f)
		return kms_fail(err, KMS_EUSAGE, "%s: cannot read this cost table: %s", path,
				strerror(errno));
	errno = 0;
	n = text ? fread(text, 1, MAX_FILE_BYTES + 1, f) : 0;
	if (!text)
		rc = kms_fail(err, KMS_EFAIL, "out of memory");
	else if (ferror(f))
		rc = kms_fail(err, KMS_EUSAGE, "%s: cannot read this cost table: %s", path,
			      strerror(errno));
	else if (n > MAX_FILE_BYTES)
		rc = kms_fail(err, KMS_EUSAGE, "%s: more than 1 MiB, this is no cost table", path);
	else
		rc = 0;
	fclose(f);
	if (!rc) {
		text[n] = 0;
		if (strlen(text) < n)
			rc = kms_fail(err, KMS_EUSAGE, "%s: found a NUL byte behind %zu characters, expected JSON", path, strlen(text));
	}
	if (!rc) {
		rc = costs_parse(table, text, path, err);
	}
	free(text);
	return rc;
}

void costs_free(struct cost_table *table)
{
	free(table->name);
	free(table->source);
	free(table->costs);
	memset(table, 0, sizeof(*table));
}
