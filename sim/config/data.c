/*
 * data.c - the search list of data.h.
 */
#include "sim/config/data.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool try(char *buf, size_t n, const char *dir, const char *between, const char *name)
{
	int len = snprintf(buf, n, "%s%s%s", dir, between, name);

	return len > 0 && (size_t)len < n && !access(buf, F_OK);
}

/* Folder of the running program, without a slash at the end. */
static bool program_dir(char *buf, size_t n)
{
	ssize_t len = readlink("/proc/self/exe", buf, n - 1);
	char *slash;

	if (len <= 0)
		return false;
	buf[len] = 0;
	slash = strrchr(buf, '/');
	if (!slash)
		return false;
	*slash = 0;
	return true;
}

/* dir/.., without the dots, so that messages stay readable. */
static void parent(char *dir)
{
	char *slash = strrchr(dir, '/');

	if (slash)
		*slash = 0;
}

bool data_find(const char *name, char *buf, size_t n)
{
	const char *env = getenv("KMEMSIM_DATA");
	char dir[PATH_MAX];

	if (try(buf, n, "", "", name))
		return true;
	if (name[0] != '/') {
		if (env && *env && try(buf, n, env, "/", name))
			return true;
		if (program_dir(dir, sizeof(dir))) {
			parent(dir);
			if (try(buf, n, dir, "/", name) || try(buf, n, dir, "/share/kmemsim/", name))
				return true;
		}
	}
	snprintf(buf, n, "%s", name);
	return false;
}
