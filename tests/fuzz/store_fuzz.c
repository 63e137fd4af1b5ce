/*
 * store_fuzz.c - libFuzzer on results databases: those that are damaged and those
 * whose rows say what no run can have stored. tests/e2e/fuzz.sh runs it.
 *
 * The base is a database of two short runs, made anew at the start. The first
 * byte of an input chooses what the rest is:
 *
 *	0	the file itself
 *	1	changes to the base's bytes: three bytes where, one what
 *	2	SQL carried out on the base, without regard to its constraints
 *
 * Then the verbs that read databases are carried out.
 */
#include <sqlite3.h>

#include "sim/cli/internal.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

static u8 *base;
static size_t base_length;
static char path[96];

/* One command line of kmemsim, its output thrown away. */
static int command(const char *const *words, int n, struct kms_error *err)
{
	const struct cli_verb *verb = cli_find_verb(cli_verbs, words[0], err);
	struct cli cli = { 0 };
	char *copy[32], *own[32]; /* the parser moves the words about */
	int rc;

	FUZZ_REQUIRE(verb && n < 32);
	for (int i = 0; i < n; i++)
		copy[i] = own[i] = strdup(words[i]);
	copy[n] = NULL;
	rc = cli_parse(&cli, verb, n, copy, err);
	FUZZ_REQUIRE(!rc);
	rc = verb->run(&cli, err);
	cli_parsed_free(&cli);
	for (int i = 0; i < n; i++)
		free(own[i]);
	fflush(stdout);
	return rc;
}

#define COMMAND(err, ...)                                                                              \
	command((const char *const[]){ __VA_ARGS__ },                                                  \
		(int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)), err)

static void remove_files(void)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
	char name[112];

	for (size_t i = 0; i < KMS_ARRAY_SIZE(ends); i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
}

static void write_file(const u8 *data, size_t size)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	fuzz_write(fd, data, size);
	close(fd);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct kms_error err = { 0 };
	struct stat st;
	sqlite3 *db;
	int fd;

	stdout = fopen("/dev/null", "w");
	snprintf(path, sizeof(path), "%s.db", fuzz_directory());
	remove_files();
	if (COMMAND(&err, "run", "configs/experiments/slub-up.json", "configs/experiments/adversary.json",
		    "--db", path, "-q", "--set", "workload.max_requests=300", "--set",
		    "machine=configs/machines/teaching-tiny.json", "--set", "workload.memory=machine", "--set",
		    "sampling.samples=3", "--set", "sampling.page_maps=1"))
		fprintf(stderr, "%s\n", err.text);
	FUZZ_REQUIRE(!err.code);
	FUZZ_REQUIRE(sqlite3_open(path, &db) == SQLITE_OK);
	FUZZ_REQUIRE(sqlite3_exec(db, "PRAGMA journal_mode = DELETE; VACUUM", NULL, NULL, NULL) == SQLITE_OK);
	sqlite3_close(db);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	FUZZ_REQUIRE(fd >= 0 && !fstat(fd, &st));
	base_length = (size_t)st.st_size;
	base = malloc(base_length);
	FUZZ_REQUIRE(base && read(fd, base, base_length) == (ssize_t)base_length);
	close(fd);
	remove_files();
	fprintf(stderr, "base: %zu bytes\n", base_length);
	return 0;
}

static void change_bytes(const u8 *data, size_t size)
{
	u8 *copy = malloc(base_length);

	memcpy(copy, base, base_length);
	for (; size >= 4; data += 4, size -= 4)
		copy[(data[0] | data[1] << 8 | data[2] << 16) % base_length] = data[3];
	write_file(copy, base_length);
	free(copy);
}

/* Nothing outside the database, no settings of SQLite. */
static int authorise(void *arg, int action, const char *a, const char *b, const char *c, const char *d)
{
	return action == SQLITE_ATTACH || action == SQLITE_PRAGMA || action == SQLITE_DETACH ||
		       (action == SQLITE_FUNCTION && b && strstr(b, "load_ext")) ?
		       SQLITE_DENY :
		       SQLITE_OK;
}

static int give_up(void *arg)
{
	return ++*(int *)arg > 200;
}

static void run_sql(const u8 *data, size_t size)
{
	char *sql = fuzz_text(data, size);
	sqlite3 *db;
	int steps = 0;

	write_file(base, base_length);
	FUZZ_REQUIRE(sqlite3_open(path, &db) == SQLITE_OK);
	sqlite3_exec(db, "PRAGMA ignore_check_constraints = 1; PRAGMA foreign_keys = 0", NULL, NULL, NULL);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 100000);
	sqlite3_set_authorizer(db, authorise, NULL);
	sqlite3_progress_handler(db, 1000, give_up, &steps);
	sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_close(db);
	free(sql);
}

/* A changed database may be refused in whatever way, but it has to be said why. */
static void said(int rc, struct kms_error *err)
{
	FUZZ_REQUIRE(!rc || (err->code == rc && err->text[0]));
	*err = (struct kms_error){ 0 };
}

/* Every verb is slow; the input's size chooses. */
static void read_all(size_t size)
{
	static const char *const files[] = { "slabinfo", "zoneinfo", "pagetypeinfo", "buddyinfo" };
	struct kms_error err = { 0 };

	said(COMMAND(&err, "list", "--db", path), &err);
	switch (size % 4) {
	case 0:
		said(COMMAND(&err, "show", "1", "--db", path), &err);
		break;
	case 1:
		said(COMMAND(&err, "show", "latest", "--json", "--db", path), &err);
		break;
	case 2:
		said(COMMAND(&err, "compare", "1", "2", "--db", path), &err);
		break;
	default:
		said(COMMAND(&err, "digest", "1", "--db", path), &err);
		said(COMMAND(&err, "show", "2", "--as", files[size / 4 % 4], "--db", path), &err);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	if (!size || data[0] > 2)
		return -1;
	if (data[0] == 0)
		write_file(data + 1, size - 1);
	else if (data[0] == 1)
		change_bytes(data + 1, size - 1);
	else
		run_sql(data + 1, size - 1);
	read_all(size);
	remove_files();
	return 0;
}
