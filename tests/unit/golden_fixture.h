/*
 * golden_fixture.h - golden files for tests: the packed ones of tests/golden,
 * and texts changed and written to a temporary file.
 */
#ifndef TESTS_UNIT_GOLDEN_FIXTURE_H
#define TESTS_UNIT_GOLDEN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/validate/golden_internal.h"

#define GOLDEN_DIR "tests/golden/"

static struct golden_report report;

static inline void temporary_file(char path[64], const void *bytes, size_t n)
{
	FILE *f;
	int fd;

	strcpy(path, "/tmp/golden-test-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	f = fdopen(fd, "wb");
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

/* Replay bytes as a file; its name ends up in path. */
static inline int validate_bytes(const void *bytes, size_t n, char path[64], struct kms_error *err)
{
	int rc;

	temporary_file(path, bytes, n);
	rc = golden_validate(path, &report, err);
	unlink(path);
	return rc;
}

static inline void validate_text(const char *text)
{
	struct kms_error err = { 0 };
	char path[64];

	if (validate_bytes(text, strlen(text), path, &err))
		fail_msg("%s", err.text);
}

/* The text of a packed file; the caller frees it. */
static inline char *unpacked(const char *name, size_t *bytes)
{
	struct kms_error err = { 0 };
	char *text;

	if (golden_text(name, &text, bytes, &err))
		fail_msg("%s", err.text);
	return text;
}

/* Start of line n (from 1). */
static inline char *line_at(char *text, u64 n)
{
	while (--n)
		text = strchr(text, '\n') + 1;
	return text;
}

static inline u64 inexact(const char *kind)
{
	u64 total, exact;

	golden_sum(&report, kind, &total, &exact);
	return total - exact;
}

#endif
