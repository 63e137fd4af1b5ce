/*
 * cfg_common.h - a table with a field of every type, shared by the cfg_* tests,
 * and a folder for their files.
 */
#ifndef TESTS_UNIT_CFG_COMMON_H
#define TESTS_UNIT_CFG_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/config/cfg.h"

struct part {
	char *name;
	u64 ways, size;
};

struct extra {
	double ratio;
	bool deep;
};

struct sample {
	bool on;
	u64 count;
	s64 offset;
	double ratio;
	char *title, *file;
	u32 color;
	u64 bytes;
	kms_ps delay;
	struct part part;
	struct cfg_array parts, words, sizes, weights;
	cJSON *any;
	bool has_extra;
	struct extra extra;
};

static const char *const colors[] = {"red", "green", "blue", NULL};

#define FIELD(struct_, member) .key = #member, .offset = offsetof(struct struct_, member)

static const struct cfg_field part_fields[] = {
	{FIELD(part, name), .type = CFG_STRING, .def = "\"unnamed\"", .doc = "Name."},
	{FIELD(part, ways), .type = CFG_UINT, .def = "8", .min = 1, .max = 64, .power_of_two = true, .doc = "Ways."},
	{FIELD(part, size), .type = CFG_BYTES, .def = "\"32KiB\"", .min = 64, .max = 1 << 30, .unit = "bytes", .doc = "Size."},
};

static int check_part(const void *section, struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct part *p = section;

	if (p->size < p->ways * 64)
		return cfg_fail(ctx, err, "size", "expected at least %d bytes", (int)p->ways * 64);
	return 0;
}

static const struct cfg_table part_table = {
	"part", "A part.", part_fields, KMS_ARRAY_SIZE(part_fields), sizeof(struct part), check_part,
};

static const struct cfg_field extra_fields[] = {
	{FIELD(extra, ratio), .type = CFG_DOUBLE, .min = 0, .max = 1, .doc = "Must be given."},
	{FIELD(extra, deep), .type = CFG_BOOL, .def = "true", .doc = "Deep."},
};

static const struct cfg_table extra_table = {
	"extra", "Only when given.", extra_fields, KMS_ARRAY_SIZE(extra_fields), sizeof(struct extra), NULL,
};

static const struct cfg_field sample_fields[] = {
	{FIELD(sample, on), .type = CFG_BOOL, .def = "true", .doc = "On."},
	{FIELD(sample, count), .type = CFG_UINT, .def = "3", .doc = "Count."},
	{FIELD(sample, offset), .type = CFG_INT, .def = "-1", .min = -100, .max = 100, .doc = "Offset."},
	{FIELD(sample, ratio), .type = CFG_DOUBLE, .def = "0.1", .min = 0, .max = 1e308, .unit = "of all", .doc = "Ratio."},
	{FIELD(sample, title), .type = CFG_STRING, .doc = "Title | or not."},
	{FIELD(sample, file), .type = CFG_PATH, .doc = "File."},
	{FIELD(sample, color), .type = CFG_ENUM, .def = "\"green\"", .choices = colors, .doc = "Color."},
	{FIELD(sample, bytes), .type = CFG_BYTES, .def = "4096", .doc = "Bytes."},
	{FIELD(sample, delay), .type = CFG_TIME, .def = "\"1us\"", .max = 1.9e16, .doc = "Delay."},
	{FIELD(sample, part), .type = CFG_OBJECT, .table = &part_table, .doc = "Part."},
	{FIELD(sample, parts), .type = CFG_ARRAY, .table = &part_table, .doc = "Parts."},
	{FIELD(sample, words), .type = CFG_STRINGS, .def = "[\"a\", \"b\"]", .doc = "Words."},
	{FIELD(sample, sizes), .type = CFG_UINTS, .doc = "Sizes."},
	{FIELD(sample, weights), .type = CFG_DOUBLES, .max = 10, .doc = "Weights."},
	{FIELD(sample, any), .type = CFG_JSON, .doc = "Anything."},
	{FIELD(sample, extra), .type = CFG_OBJECT, .table = &extra_table, .present = offsetof(struct sample, has_extra), .doc = "Extra."},
};

static int check_sample(const void *section, struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct sample *s = section;

	if (s->parts.n > 3)
		return cfg_fail(ctx, err, "parts[3].ways", "a fourth part has no room");
	if (s->count == 77)
		return cfg_fail(ctx, err, "count", "77 is taken");
	if (s->count == 78)
		return cfg_fail(ctx, err, "part.size", "too small for %d", 78);
	if (s->count == 79)
		return cfg_fail(ctx, err, "", "nothing fits");
	return 0;
}

static const struct cfg_table sample_table = {
	"sample", "One of everything.", sample_fields, KMS_ARRAY_SIZE(sample_fields), sizeof(struct sample), check_sample,
};

/* A folder of our own to work in, removed again by folder_remove(). */
static char folder[64];

__attribute__((unused)) static int folder_make(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/kmemsim-cfg-XXXXXX");
	return mkdtemp(folder) && !chdir(folder) ? 0 : -1;
}

__attribute__((unused)) static int folder_remove(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return chdir("/") || system(command);
}

__attribute__((unused)) static void put_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

#endif
