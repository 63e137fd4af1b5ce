/*
 * geometry.c - the SIZE,WAYS,LINE of a cache, as given to memtrace.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/memtrace/memtrace.h"

static const struct {
	const char *name;
	u32 shift;
} units[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}};

/* A number, with KiB, MiB or GiB behind it if it is a size. */
static bool take_number(const char **text, bool size, u64 *value)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	*value = strtoull(*text, &end, 10);
	for (size_t i = 0; size && i < KMS_ARRAY_SIZE(units); i++) {
		if (strncmp(end, units[i].name, 3))
			continue;
		if (*value >> (40 - units[i].shift))
			return false;
		*value <<= units[i].shift;
		end += 3;
		break;
	}
	*text = end;
	return true;
}

static int check(const char *option, const char *text, const struct memtrace_geometry *g,
		 struct kms_error *err)
{
	if (g->line < 4 || g->line > 1 << 20 || g->line & (g->line - 1))
		return kms_fail(err, KMS_EUSAGE,
				"--%s %s: a line of %llu bytes, expected a power of two from 4", option,
				text, (unsigned long long)g->line);
	if (!g->ways || !g->size || g->size > 1ull << 36)
		return kms_fail(err, KMS_EUSAGE,
				"--%s %s: expected at least one way and a size up to 64 GiB", option, text);
	if (g->size / g->line > 1 << 28)
		return kms_fail(err, KMS_EUSAGE, "--%s %s: %llu lines, expected at most 268435456", option,
				text, (unsigned long long)(g->size / g->line));
	if (g->ways > g->size / g->line || g->size % (g->ways * g->line))
		return kms_fail(err, KMS_EUSAGE,
				"--%s %s: %llu bytes do not divide into %llu ways of %llu-byte lines",
				option, text, (unsigned long long)g->size, (unsigned long long)g->ways,
				(unsigned long long)g->line);
	return 0;
}

int memtrace_geometry_parse(struct memtrace_geometry *g, const char *option, const char *text,
			    struct kms_error *err)
{
	bool line_fixed = g->line != 0;
	const char *at = text;
	bool ok = take_number(&at, true, &g->size) && *at++ == ',' && take_number(&at, false, &g->ways);

	if (ok && *at == ',')
		ok = at++, take_number(&at, false, &g->line);
	else if (!line_fixed)
		ok = false;
	if (!ok || *at)
		return kms_fail(err, KMS_EUSAGE, "--%s: found \"%s\", expected SIZE,WAYS%s, such as 32768,8%s",
				option, text, line_fixed ? "" : ",LINE", line_fixed ? "" : ",64");
	return check(option, text, g, err);
}
