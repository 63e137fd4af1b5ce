/*
 * fuzz.h - what the fuzzers (tests/fuzz/NAME_fuzz.c) share: inputs as files and folders, and what
 * every reader owes to whoever gave it a bad one.
 *
 * A folder is one input: its files one after the other, each behind a line
 * "@@ NAME".
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/engine/base.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define FUZZ_REQUIRE(what)                                                                             \
	do {                                                                                           \
		if (!(what)) {                                                                         \
			fprintf(stderr, "finding: %s does not hold (%s:%d)\n", #what, __FILE__,        \
				__LINE__);                                                             \
			abort();                                                                       \
		}                                                                                      \
	} while (0)

/* A reader returned ret: bad input is KMS_EUSAGE with a message, and nothing else happens. */
static inline void fuzz_result(int ret, const struct kms_error *err)
{
	if (!ret)
		return;
	if (ret != KMS_EUSAGE || err->code != ret || !err->text[0])
		fprintf(stderr, "finding: returned %d, error %d \"%s\"\n", ret, err->code, err->text);
	FUZZ_REQUIRE(ret == KMS_EUSAGE && err->code == ret && err->text[0]);
}

static inline void fuzz_write(int fd, const u8 *data, size_t size)
{
	FUZZ_REQUIRE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
}

/* A file in memory with this content; path is valid until the descriptor is closed. */
static inline int fuzz_file(const u8 *data, size_t size, char path[64])
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	fuzz_write(fd, data, size);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

/* A folder of this process, in memory. */
static inline const char *fuzz_directory(void)
{
	static char path[64];

	if (!path[0]) {
		snprintf(path, sizeof(path), "/dev/shm/kmemsim-fuzz-%d", getpid());
		mkdir(path, 0700);
	}
	return path;
}

static inline void fuzz_empty_directory(void)
{
	DIR *dir = opendir(fuzz_directory());
	struct dirent *e;

	FUZZ_REQUIRE(dir);
	while ((e = readdir(dir)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(dir), e->d_name, 0);
	closedir(dir);
}

/* The name behind "@@ ", if it is that of a file. */
static inline bool fuzz_file_name(const u8 *line, size_t length, char name[64])
{
	if (length < 4 || length > 60 || memcmp(line, "@@ ", 3))
		return false;
	memcpy(name, line + 3, length - 3);
	name[length - 3] = '\0';
	return name[0] != '.' && !strchr(name, '/') && strlen(name) == length - 3;
}

/* The input as the folder's content. False: it does not begin with a name. */
static inline bool fuzz_folder(const u8 *data, size_t size)
{
	const u8 *end = data + size, *start = NULL;
	char name[64] = "", path[160];

	fuzz_empty_directory();
	while (data <= end) {
		const u8 *stop = memchr(data, '\n', (size_t)(end - data));
		char next[64];
		bool last = data == end, begins;

		stop = stop ? stop : end;
		begins = !last && fuzz_file_name(data, (size_t)(stop - data), next);
		if ((begins || last) && start) {
			int fd;

			snprintf(path, sizeof(path), "%s/%s", fuzz_directory(), name);
			fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
			fuzz_write(fd, start, (size_t)(data - start));
			close(fd);
		}
		if (!start && !begins)
			return false;
		data = stop < end ? stop + 1 : end + last;
		if (begins) {
			strcpy(name, next);
			start = data;
		}
	}
	return true;
}

/* As a NUL-terminated text; free() it. */
static inline char *fuzz_text(const u8 *data, size_t size)
{
	char *text = malloc(size + 1);

	FUZZ_REQUIRE(text);
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

#endif
