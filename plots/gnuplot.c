/*
 * gnuplot.c - running gnuplot on a script, and what it said when it failed.
 */
#include "plots/plot_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEED "install the Debian package gnuplot-nox (gnuplot 5.4 or newer)"

/*
 * The parent's environment without what would change the picture: the locale
 * decides the decimal point, and GNUPLOT_* where fonts and libraries come from.
 */
static char **clean_environment(void)
{
	size_t n = 0, kept = 0;
	char **env;

	while (environ[n])
		n++;
	env = malloc((n + 2) * sizeof(*env));
	if (!env)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], "LC_", 3) && strncmp(environ[i], "LANG", 4) &&
		    strncmp(environ[i], "GNUPLOT", 7) && strncmp(environ[i], "GNUTERM", 7))
			env[kept++] = environ[i];
	env[kept++] = (char *)"LC_ALL=C.UTF-8";
	env[kept] = NULL;
	return env;
}

/* What gnuplot writes to stderr, up to n bytes; the rest is read and dropped so that it never blocks. */
static void read_all(int fd, char *text, size_t n)
{
	char drop[512];
	size_t have = 0;
	ssize_t got;

	for (;;) {
		bool room = have + 1 < n;

		got = read(fd, room ? text + have : drop, room ? n - 1 - have : sizeof(drop));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		have += room ? (size_t)got : 0;
	}
	text[have] = 0;
}

/* The line of gnuplot's message that says what is wrong: the last that is not blank or a caret. */
static void pick_message(char *text, char *line, size_t n)
{
	char *save;

	snprintf(line, n, "no message");
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		l += strspn(l, " \t");
		if (*l && *l != '^')
			snprintf(line, n, "%s", l);
	}
	for (char *c = line; *c; c++)
		if ((u8)*c < ' ' || *c == 0x7f)
			*c = '?';
}

static int spawn(const char *dir, const char *script, int stderr_fd, pid_t *pid)
{
	char *argv[] = {(char *)"gnuplot", (char *)"-d", (char *)script, NULL};
	posix_spawn_file_actions_t actions;
	char **env = clean_environment();
	int rc = env ? posix_spawn_file_actions_init(&actions) : ENOMEM;

	if (rc) {
		free(env);
		return rc;
	}
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, stderr_fd, 2);
	posix_spawn_file_actions_addchdir_np(&actions, dir);
	rc = posix_spawnp(pid, "gnuplot", &actions, NULL, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	free(env);
	return rc;
}

int plot_gnuplot(const char *dir, const char *script, struct kms_error *err)
{
	char text[2048], line[512];
	int fd[2], rc, status;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC))
		return kms_fail(err, KMS_EFAIL, "cannot run gnuplot: %s", strerror(errno));
	rc = spawn(dir, script, fd[1], &pid);
	close(fd[1]);
	if (rc) {
		close(fd[0]);
		if (rc == ENOENT)
			return kms_fail(err, KMS_EFAIL, "gnuplot was not found; " NEED);
		return kms_fail(err, KMS_EFAIL, "cannot run gnuplot: %s; " NEED, strerror(rc));
	}
	read_all(fd[0], text, sizeof(text));
	close(fd[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	pick_message(text, line, sizeof(line));
	return kms_fail(err, KMS_EFAIL, "gnuplot failed on %s/%s: %s; if a terminal or command is unknown, " NEED,
			dir, script, line);
}
