/*
 * base.c - errors as values, and the "did you mean" used in their texts.
 */
#include "sim/engine/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int kms_fail(struct kms_error *err, enum kms_code code, const char *fmt, ...)
{
	va_list ap;

	if (!err || err->code)
		return code;
	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}

int kms_fail_in(struct kms_error *err, const char *fmt, ...)
{
	char old[sizeof(err->text)];
	va_list ap;
	int n;

	memcpy(old, err->text, sizeof(old));
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(err->text))
		snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %.*s",
			 (int)sizeof(err->text) - n - 3, old);
	return err->code;
}

#define WORD_MAX_LEN 63

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * Edit distance (insert, delete, replace, swap of neighbours); words longer
 * than the limit are far from everything.
 */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned rows[3][WORD_MAX_LEN + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX_LEN || lb > WORD_MAX_LEN)
		return WORD_MAX_LEN;
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = smaller(row[j], smaller(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = smaller(row[j], before[j - 2] + 1);
		}
	}
	return rows[la % 3][lb];
}

const char *kms_nearest(const char *word, const char *const *names, size_t n)
{
	const char *best = NULL;
	unsigned best_distance = (unsigned)strlen(word) / 2 + 1;

	for (size_t i = 0; i < n; i++) {
		unsigned d = edit_distance(word, names[i]);

		if (d < best_distance) {
			best_distance = d;
			best = names[i];
		}
	}
	return best;
}

int kms_check_output(const char *path, struct kms_error *err)
{
	struct stat st;

	if (stat(path, &st) || S_ISREG(st.st_mode))
		return 0;
	return kms_fail(err, KMS_EUSAGE, "cannot write '%s': found %s, expected a regular file or a new name", path,
			S_ISDIR(st.st_mode) ? "a directory" : "a device or pipe");
}
