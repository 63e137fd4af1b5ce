/*
 * store_open.c - opening, creating and migrating the results database.
 *
 * The schema's version is SQLite's user_version, and application_id tells our
 * files from other programs'. A new or older database is brought to the present
 * version in one transaction, so a failure leaves it as it was.
 */
#include "results/store_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const char store_schema_sql[];

/*
 * To change the schema: change schema.sql, raise STORE_SCHEMA_VERSION, and add
 * to store_steps.c the step from the version before.
 */
const struct store_schema store_schema = {
	.version = STORE_SCHEMA_VERSION,
	.sql = store_schema_sql,
	.steps = store_steps,
	.nr_steps = NR_STORE_STEPS,
};

/* A lock or a read-only file met while opening is a matter of usage; later, the run fails. */
int store_sqlite_error(struct store *store, const char *doing, struct kms_error *err)
{
	int rc = sqlite3_extended_errcode(store->db);
	enum kms_code code = store->opening ? KMS_EUSAGE : KMS_EFAIL;
	const char *path = store->path;

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return kms_fail(err, code,
				"%s: database '%s' is locked by another process (waited %d s); try again when it is done, or use another --db",
				doing, path, STORE_BUSY_MS / 1000);
	case SQLITE_READONLY:
		return kms_fail(err, code, "%s: database '%s' is read-only", doing, path);
	case SQLITE_NOTADB:
		return kms_fail(err, KMS_EUSAGE, "'%s' is not a SQLite database", path);
	case SQLITE_FULL:
		return kms_fail(err, KMS_EFAIL, "%s: disk full, database '%s' cannot grow", doing, path);
	case SQLITE_CORRUPT:
		return kms_fail(err, KMS_EUSAGE,
				"%s: database '%s' is damaged (%s); sqlite3's .recover may save parts of it",
				doing, path, sqlite3_errmsg(store->db));
	case SQLITE_CANTOPEN:
		return kms_fail(err, KMS_EUSAGE, "%s: cannot open database '%s' or its -wal file: %s",
				doing, path, strerror(sqlite3_system_errno(store->db)));
	case SQLITE_IOERR:
		return kms_fail(err, KMS_EFAIL, "%s: reading or writing database '%s' failed: %s (%s)",
				doing, path, sqlite3_errmsg(store->db),
				strerror(sqlite3_system_errno(store->db)));
	default:
		return kms_fail(err, KMS_EFAIL, "%s: database '%s': %s", doing, path,
				sqlite3_errmsg(store->db));
	}
}

int store_exec(struct store *store, const char *sql, struct kms_error *err)
{
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return store_sqlite_error(store, "database", err);
}

static int query_int(struct store *store, const char *sql, s64 *value, struct kms_error *err)
{
	sqlite3_stmt *stmt;
	int rc;

	if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return store_sqlite_error(store, "opening", err);
	rc = sqlite3_step(stmt);
	*value = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		rc = store_sqlite_error(store, "opening", err);
	else
		rc = 0;
	sqlite3_finalize(stmt);
	return rc;
}

/* What SQLite would report as "unable to open database file", in words. */
static int check_path(const char *path, enum store_mode mode, struct kms_error *err)
{
	char folder[4096];
	struct stat st;
	const char *slash;

	if (!*path)
		return kms_fail(err, KMS_EUSAGE, "the database's name is empty");
	if (!strcmp(path, ":memory:")) /* SQLite's word for a database in no file */
		return 0;
	if (!stat(path, &st)) {
		if (S_ISDIR(st.st_mode))
			return kms_fail(err, KMS_EUSAGE,
					"database '%s' is a directory; expected a file", path);
		if (!S_ISREG(st.st_mode))
			return kms_fail(err, KMS_EUSAGE, "database '%s' is not a regular file", path);
		if (access(path, R_OK))
			return kms_fail(err, KMS_EUSAGE, "database '%s' cannot be read: %s", path,
					strerror(errno));
		if (mode == STORE_WRITE && access(path, W_OK))
			return kms_fail(err, KMS_EUSAGE,
					"database '%s' is read-only; results cannot be stored in it", path);
		return 0;
	}
	if (errno != ENOENT)
		return kms_fail(err, KMS_EUSAGE, "database '%s': %s", path, strerror(errno));
	slash = strrchr(path, '/');
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + (slash == path) : 1,
		 slash ? path : ".");
	if (stat(folder, &st) || !S_ISDIR(st.st_mode))
		return kms_fail(err, KMS_EUSAGE, "database '%s': folder '%s' does not exist", path, folder);
	if (mode == STORE_READ)
		return kms_fail(err, KMS_EUSAGE,
				"no database '%s'; `kmemsim run` creates one, --db names another", path);
	if (access(folder, W_OK))
		return kms_fail(err, KMS_EUSAGE,
				"database '%s' cannot be created: folder '%s' is read-only", path, folder);
	return 0;
}

static int open_file(struct store *store, int flags, struct kms_error *err)
{
	if (store->db)
		sqlite3_close(store->db);
	store->db = NULL;
	if (sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK) {
		if (!store->db)
			return kms_fail(err, KMS_EFAIL, "out of memory opening database '%s'", store->path);
		return store_sqlite_error(store, "opening", err);
	}
	sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
	return 0;
}

/*
 * A database in WAL mode in a folder that cannot be written needs SQLite's
 * immutable mode, which is right when there is no -wal file to be read.
 */
static int open_immutable(struct store *store, struct kms_error *err)
{
	char *wal = sqlite3_mprintf("%s-wal", store->path), *path = store->path, *uri, *escaped;
	size_t n = 0;
	struct stat st;
	int rc;

	rc = stat(wal, &st);
	sqlite3_free(wal);
	escaped = malloc(3 * strlen(path) + 1);
	if (!escaped || (!rc && st.st_size)) {
		free(escaped);
		return store_sqlite_error(store, "opening", err);
	}
	for (const char *c = path; *c; c++)
		n += (size_t)sprintf(escaped + n, strchr("?#%", *c) ? "%%%02X" : "%c", (unsigned char)*c);
	escaped[n] = 0;
	uri = sqlite3_mprintf("file:%s?immutable=1", escaped);
	free(escaped);
	store->path = uri;
	rc = open_file(store, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
	store->path = path;
	sqlite3_free(uri);
	return rc;
}

static int read_version(struct store *store, int *application, int *version, struct kms_error *err)
{
	s64 a, v;
	int rc;

	rc = query_int(store, "PRAGMA application_id", &a, err);
	if (!rc)
		rc = query_int(store, "PRAGMA user_version", &v, err);
	if (rc)
		return rc;
	*application = (int)a;
	*version = (int)v;
	return 0;
}

/* Returns 1 when the database is one of ours, 0 when it is empty. */
static int check_identity(struct store *store, const struct store_schema *schema, int *version,
			  struct kms_error *err)
{
	int application, rc;
	s64 tables;

	rc = read_version(store, &application, version, err);
	if (!rc)
		rc = query_int(store, "SELECT count(*) FROM sqlite_master", &tables, err);
	if (rc)
		return rc;
	if (application == 0 && *version == 0 && tables == 0)
		return 0;
	if (application != STORE_APPLICATION_ID)
		return kms_fail(err, KMS_EUSAGE,
				"'%s' is a database of another program (application id 0x%x, kmemsim's is 0x%x); choose another --db",
				store->path, (unsigned)application, STORE_APPLICATION_ID);
	if (*version > schema->version)
		return kms_fail(err, KMS_EUSAGE,
				"database '%s' has schema version %d, but this kmemsim knows versions up to %d; use a newer kmemsim or another --db",
				store->path, *version, schema->version);
	return 1;
}

static int bring_up_to(struct store *store, const struct store_schema *schema, int version,
		       struct kms_error *err)
{
	char pragmas[128];
	int rc = 0;

	if (version == 0) {
		rc = store_exec(store, schema->sql, err);
		version = schema->version;
	}
	for (u32 i = 0; i < schema->nr_steps && !rc; i++) {
		if (schema->steps[i].to != version + 1)
			continue;
		rc = store_exec(store, schema->steps[i].sql, err);
		version++;
	}
	if (rc)
		return rc;
	if (version != schema->version)
		return kms_fail(err, KMS_EUSAGE,
				"database '%s' cannot be brought from schema version %d to %d: no step for it",
				store->path, version, schema->version);
	snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 STORE_APPLICATION_ID, version);
	return store_exec(store, pragmas, err);
}

/* Create or migrate, in one transaction; another process may have done it meanwhile. */
static int migrate(struct store *store, const struct store_schema *schema, struct kms_error *err)
{
	int version = 0, rc;

	rc = store_exec(store, "PRAGMA journal_mode = WAL", err);
	if (!rc)
		rc = store_exec(store, "BEGIN IMMEDIATE", err);
	if (rc)
		return rc;
	rc = check_identity(store, schema, &version, err);
	if (rc >= 0 && version < schema->version)
		rc = bring_up_to(store, schema, version, err);
	if (rc >= 0)
		rc = store_exec(store, "COMMIT", err);
	if (rc < 0)
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return rc < 0 ? kms_fail_in(err, "creating or migrating '%s'", store->path) : 0;
}

static int open_store(struct store *store, const struct store_schema *schema, struct kms_error *err)
{
	bool write = store->mode == STORE_WRITE;
	int version, rc;

	rc = open_file(store, write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY,
		       err);
	if (rc)
		return rc;
	rc = check_identity(store, schema, &version, err);
	if (rc < 0 && !write &&
	    (sqlite3_errcode(store->db) == SQLITE_CANTOPEN || sqlite3_errcode(store->db) == SQLITE_READONLY)) {
		err->code = KMS_OK;
		rc = open_immutable(store, err);
		if (!rc)
			rc = check_identity(store, schema, &version, err);
	}
	if (rc < 0)
		return rc;
	if (rc == 0 && !write)
		return kms_fail(err, KMS_EUSAGE,
				"'%s' is empty; expected a database written by `kmemsim run`", store->path);
	if (rc == 0 || version < schema->version) {
		if (!write) {
			rc = check_path(store->path, STORE_WRITE, err);
			if (!rc)
				rc = open_file(store, SQLITE_OPEN_READWRITE, err);
			if (rc)
				return kms_fail_in(err, "schema version %d has to become %d", version,
						   schema->version);
		}
		rc = migrate(store, schema, err);
		if (rc)
			return rc;
	}
	return store_exec(store, "PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL", err);
}

int store_open_schema(struct store **out, const char *path, enum store_mode mode,
		      const struct store_schema *schema, struct kms_error *err)
{
	struct kms_error local = {0};
	struct store *store;
	int rc;

	*out = NULL;
	err = err ? err : &local;
	rc = check_path(path, mode, err);
	if (rc)
		return rc;
	store = calloc(1, sizeof(*store));
	if (!store || !(store->path = strdup(path))) {
		free(store);
		return kms_fail(err, KMS_EFAIL, "out of memory");
	}
	store->mode = mode;
	store->opening = true;
	if (mode == STORE_WRITE)
		store->queue = malloc(STORE_BATCH_ROWS * sizeof(*store->queue));
	if (mode == STORE_WRITE && !store->queue)
		rc = kms_fail(err, KMS_EFAIL, "out of memory");
	else
		rc = open_store(store, schema, err);
	store->opening = false;
	if (rc) {
		store_close(store, NULL);
		return err->code;
	}
	*out = store;
	return 0;
}

int store_open(struct store **store, const char *path, enum store_mode mode, struct kms_error *err)
{
	return store_open_schema(store, path, mode, &store_schema, err);
}

sqlite3 *store_db(struct store *store)
{
	return store->db;
}
