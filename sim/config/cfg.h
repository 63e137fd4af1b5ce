/*
 * cfg.h - JSON to typed structures, from one table per section.
 *
 * A section is a const struct cfg_table: its fields with key, type, default,
 * range, unit and one sentence of documentation. From it come validation (with
 * file:line:column, JSON pointer, what was expected, the nearest key),
 * defaults, --print-config with the origin of every value, the JSON Schema and
 * the reference page. Nothing else in the program interprets JSON keys.
 *
 * Layers: defaults, then the file (an object member that is a string naming a
 * .json file is replaced by that file's content; paths are relative to the file
 * they stand in; a file's "extends" member names a file whose members it
 * overrides), then --set path=value. Unknown keys are errors in every layer. null
 * takes a value back: the default counts again.
 *
 * A relative file name that is not there is also looked for on the search list
 * of data.h. Whole numbers keep all 64 bits; "123" and "0x7b" are accepted too.
 */
#ifndef SIM_CONFIG_CFG_H
#define SIM_CONFIG_CFG_H

#include <cjson/cJSON.h>

#include "sim/engine/base.h"

enum cfg_type {
	CFG_BOOL,    /* bool */
	CFG_UINT,    /* u64 */
	CFG_INT,     /* s64 */
	CFG_DOUBLE,  /* double */
	CFG_STRING,  /* char * (NULL when absent and without default) */
	CFG_PATH,    /* char *, made relative to the working directory */
	CFG_ENUM,    /* u32, one of choices */
	CFG_BYTES,   /* u64: number or "64KiB", "1.5GiB" */
	CFG_TIME,    /* kms_ps: number of ns, or "1.5ns", "10us", "1s" */
	CFG_OBJECT,  /* embedded struct, by table */
	CFG_ARRAY,   /* cfg_array of structs, by table */
	CFG_STRINGS, /* cfg_array of char * */
	CFG_UINTS,   /* cfg_array of u64 (CFG_BYTES notation allowed) */
	CFG_DOUBLES, /* cfg_array of double */
	CFG_JSON     /* cJSON *, taken over as it is (owned by the config) */
};

struct cfg_array {
	void *items; /* n structs of table->size, or n char *, u64, double */
	size_t n;
};

struct cfg_table;

struct cfg_field {
	const char *key;
	enum cfg_type type;
	size_t offset;
	const char *def;	   /* default as JSON text; NULL: required (arrays, strings, objects: absent is empty) */
	double min, max;	   /* numbers: range, both inclusive; 0,0: none. CFG_TIME: in ns */
	const char *unit;
	const char *doc;	   /* one sentence */
	const char *file_suffix; /* CFG_STRING: a value that ends so is a file name, as with CFG_PATH */
	const char *const *choices; /* CFG_ENUM: names, NULL-terminated; value is the index */
	const struct cfg_table *table;
	bool power_of_two;
	size_t present; /* offset of a bool: was the member given? An absent object then stays zero; 0: none */
};

struct cfg_ctx; /* where values came from; for errors raised by checks */

struct cfg_table {
	const char *name; /* "machine" */
	const char *doc;
	const struct cfg_field *fields;
	size_t nr_fields;
	size_t size; /* of the structure */
	/* What one field cannot say: combinations, geometry. Report with cfg_fail(). */
	int (*check)(const void *section, struct cfg_ctx *ctx, struct kms_error *err);
};

/*
 * Error about member `key` of the section being checked ("" for the section
 * itself, "nodes[1].cpus" for one further down): prefixed with file:line:column
 * and the JSON pointer. Checks run when every value by itself
 * is right, sections after the sections in them.
 */
int cfg_fail(struct cfg_ctx *ctx, struct kms_error *err, const char *key, const char *fmt, ...)
	KMS_PRINTF(4, 5);

struct cfg; /* a loaded configuration */

/* Load path (JSON), apply the n "path=value" settings, check, fill in *out (table->size bytes). */
int cfg_load(struct cfg **cfg, const struct cfg_table *table, void *out, const char *path,
	     const char *const *settings, size_t n, struct kms_error *err);
/* The same from text; name stands for the file in errors, paths are relative to dir. */
int cfg_load_text(struct cfg **cfg, const struct cfg_table *table, void *out, const char *text,
		  const char *name, const char *dir, const char *const *settings, size_t n,
		  struct kms_error *err);
void cfg_free(struct cfg *cfg); /* and everything *out points to */

/* Every value resolved, as one self-contained JSON object (for the database). Caller frees. */
char *cfg_resolved(const struct cfg *cfg);
/* The same for people: one "path = value  # origin" line each. Caller frees. */
char *cfg_print(const struct cfg *cfg);
/* JSON Schema (draft 2020-12) of a table; Markdown reference of a table. Caller frees. */
char *cfg_schema(const struct cfg_table *table);
char *cfg_reference(const struct cfg_table *table);

#endif
