/*
 * store_internal.h - what the files of the store share; nobody else includes it.
 *
 * store_open.c opens, creates and migrates; store_write.c writes rows through
 * the statements of store_sql.c; store_digest.c and store_find.c read.
 */
#ifndef RESULTS_STORE_INTERNAL_H
#define RESULTS_STORE_INTERNAL_H

#include <sqlite3.h>

#include "results/store.h"

#define STORE_APPLICATION_ID 0x6b6d656d /* "kmem" */
#define STORE_SCHEMA_VERSION 3
#define STORE_BUSY_MS 5000
#define STORE_BATCH_ROWS 10000

enum store_stmt {
	ST_BEGIN_RUN,
	ST_METRIC_DEF,
	ST_PHASE,
	ST_METRIC,
	ST_SERIES,
	ST_SERIES_ID,
	ST_SAMPLE,
	ST_LATENCY,
	ST_LATENCY_PART,
	ST_LATENCY_BUCKET,
	ST_CACHE,
	ST_SLAB_STAT,
	ST_SLAB_FILL,
	ST_PAGE_CELL,
	ST_SIZE,
	ST_ZONE,
	ST_ZONE_RESERVE,
	ST_ZONE_ORDER,
	ST_ZONE_ORDER_TYPE,
	ST_ZONE_PAGEBLOCK,
	ST_ZONE_PCP,
	ST_VM_COUNTER,
	ST_SITE,
	ST_LOCK,
	ST_COUNTER,
	ST_HOST,
	ST_END_RUN,
	ST_SET_DIGEST,
	NR_STORE_STMTS
};

/* A series seen before; found by the address of its name first, then by the text. */
struct store_series {
	const char *key;
	char *name;
	s64 id;
};

struct store_queued {
	s64 series, at; /* at: position in the queue; of two equal keys the later one holds */
	struct store_sample sample;
};

struct store {
	sqlite3 *db;
	char *path;
	enum store_mode mode;
	bool opening;
	sqlite3_stmt *stmt[NR_STORE_STMTS];
	u32 rows; /* in the open transaction */

	s64 run; /* being written, 0: none */
	char **part_names;
	u32 nr_parts;
	u32 nr_caches, nr_zones;

	struct store_series *series;
	u32 nr_series, max_series;
	struct store_queued *queue;
	u32 nr_queued;
};

/* One value of a row. */
struct store_value {
	enum { SV_INT, SV_UINT, SV_REAL, SV_TEXT } type;
	union {
		s64 i;
		u64 u;
		double d;
		const char *s;
	};
};
#define SV_I(x)                                                                                        \
	{                                                                                              \
		.type = SV_INT, .i = (x)                                                               \
	}
#define SV_U(x)                                                                                        \
	{                                                                                              \
		.type = SV_UINT, .u = (x)                                                              \
	}
#define SV_D(x)                                                                                        \
	{                                                                                              \
		.type = SV_REAL, .d = (x)                                                              \
	}
#define SV_T(x)                                                                                        \
	{                                                                                              \
		.type = SV_TEXT, .s = (x)                                                              \
	}

/* Insert a row; what ("metric 'x'") stands in errors. Opens a transaction, commits full batches. */
int store_put(struct store *store, enum store_stmt st, const char *what,
	      const struct store_value *values, u32 n, struct kms_error *err);
#define STORE_PUT(store, st, what, err, ...)                                                           \
	store_put(store, st, what, (const struct store_value[]){__VA_ARGS__},                          \
		  sizeof((const struct store_value[]){__VA_ARGS__}) / sizeof(struct store_value), err)

/* The prepared statement, reset; NULL on error. */
sqlite3_stmt *store_statement(struct store *store, enum store_stmt st, struct kms_error *err);
int store_exec(struct store *store, const char *sql, struct kms_error *err);
int store_commit(struct store *store, struct kms_error *err);

/* The last SQLite failure on this database, in words. */
int store_sqlite_error(struct store *store, const char *doing, struct kms_error *err);

/* A step brings a database of version to - 1 to version to. */
struct store_migration {
	int to;
	const char *sql;
};
/* A schema: full text of its newest version and the steps towards it, ascending. */
struct store_schema {
	int version;
	const char *sql;
	const struct store_migration *steps;
	u32 nr_steps;
};
#define NR_STORE_STEPS 2
extern const struct store_migration store_steps[NR_STORE_STEPS];
extern const struct store_schema store_schema;
int store_open_schema(struct store **store, const char *path, enum store_mode mode,
		      const struct store_schema *schema, struct kms_error *err);

#endif
