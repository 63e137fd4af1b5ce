/*
 * internal.h - what the files of sim/config share; nobody else includes it.
 *
 * json.c turns text into a tree of nodes that know where they stand, layers.c
 * and settings.c combine the trees of several files and of --set into one,
 * value.c converts a node into a C value, cfg.c fills in structures by table,
 * emit.c and doc.c write configurations and tables out again.
 */
#ifndef SIM_CONFIG_INTERNAL_H
#define SIM_CONFIG_INTERNAL_H

#include <sys/types.h>

#include "sim/config/cfg.h"

enum doc_kind { DOC_FILE, DOC_SET, DOC_DEFAULT };

/* One piece of JSON text: a file, a --set, the default of a field. */
struct cfg_doc {
	struct cfg_doc *next; /* all of a configuration's */
	enum doc_kind kind;
	char *name; /* as errors call it */
	char *dir;  /* relative names in it start here; "" is the working directory */
	char *text;
	size_t len;
	cJSON *root;
	size_t *mark; /* place, line, column that were asked for last: most go on from there; may be NULL */
};

/*
 * A JSON value and where it stands. cJSON has read the value (item); the
 * offsets are our own scanner's. After layering, children may come from
 * several documents, so the tree of nodes counts and not item->child.
 */
struct cfg_node {
	struct cfg_node *next, *child;
	const struct cfg_doc *doc;
	const cJSON *item; /* NULL: an object or array that layering made */
	const char *key;   /* NULL in an array and at the root */
	size_t key_at, at, end;
	int type;       /* cJSON_Object etc. */
	bool whole;     /* came in by naming a file: replaces instead of merging */
	bool from_data; /* a path that was found on the search list, not beside its file */
};

/* Where in the configuration a recursion is, innermost first; index -1: key. */
struct cfg_at {
	const struct cfg_at *up;
	const char *key;
	long index;
};

/* A file being read, to see cycles. */
struct cfg_open {
	const struct cfg_open *up;
	dev_t dev;
	ino_t ino;
	const char *name;
};

#define CFG_MAX_DEPTH 64            /* nesting of JSON values */
#define CFG_MAX_FILE (16u << 20)    /* bytes of one file */
#define CFG_MAX_DOCS 4096           /* files and settings of one configuration */
#define CFG_MAX_ELEMENTS (1u << 20) /* of one array */

struct cfg_block;

struct cfg {
	struct cfg_block *blocks; /* memory that lives as long as the configuration */
	struct cfg_doc *docs;
	size_t nr_docs;
	cJSON **owned; /* CFG_JSON values */
	size_t nr_owned;
	struct kms_error *err, local; /* while loading: the caller's or, if that is NULL, our own */
	char *resolved, *print;
};

struct cfg_ctx {
	struct cfg *cfg;
	const struct cfg_node *node; /* the section */
	const struct cfg_at *at;
};

/* cfg.c */
void *cfg_alloc(struct cfg *cfg, size_t size); /* zeroed; NULL and an error when out of memory */
char *cfg_strndup(struct cfg *cfg, const char *s, size_t n);
struct cfg_node *cfg_default(struct cfg *cfg,
			     const struct cfg_field *field); /* has one; NULL: error */
int cfg_fill(struct cfg *cfg, const struct cfg_table *table, struct cfg_node *node, void *out,
	     const struct cfg_at *at);

/* json.c */
struct cfg_doc *cfg_doc_new(struct cfg *cfg, enum doc_kind kind, const char *name, const char *dir,
			    const char *text, size_t len);
struct cfg_node *cfg_parse(struct cfg *cfg, struct cfg_doc *doc); /* NULL: error */
void cfg_line_column(const struct cfg_doc *doc, size_t at, size_t *line, size_t *column);
size_t cfg_utf8_length(const char *s,
		       size_t n); /* of the character at s, n > 0 bytes left; 0: it is none */
struct cfg_node *cfg_member(const struct cfg_node *object, const char *key);
struct cfg_node *cfg_new_node(struct cfg *cfg, const struct cfg_doc *doc, int type,
			      const char *key);
size_t cfg_length(const struct cfg_node *node); /* members or elements */

/* errors: error.c */
enum cfg_point { POINT_VALUE, POINT_KEY };
int cfg_error(struct cfg *cfg, const struct cfg_node *node, enum cfg_point point,
	      const struct cfg_at *at, const char *fmt, ...) KMS_PRINTF(5, 6);
/* Text from a file, fit to stand in a one-line message: quoted, control characters escaped, cut. */
char *cfg_quote(char *buf, size_t n, const char *text, size_t len);
/* What a node is, for "found ...". */
char *cfg_describe(char *buf, size_t n, const struct cfg_node *node);
/* What a field wants, for "expected ...". */
char *cfg_expected(char *buf, size_t n, const struct cfg_field *field);
/* "expected ..., found ..." about a field's value. */
int cfg_wrong(struct cfg *cfg, const struct cfg_node *node, const struct cfg_at *at,
	      const struct cfg_field *field);
int cfg_unknown_key(struct cfg *cfg, const struct cfg_node *node, enum cfg_point point,
		    const struct cfg_at *at, const struct cfg_table *table, const char *key);
/* Where a value came from: "default", "FILE:LINE", "--set". */
void cfg_origin(char *buf, size_t n, const struct cfg_node *node);

/* layers.c */
const struct cfg_field *cfg_find_field(const struct cfg_table *table, const char *key);
/*
 * Read and parse a file of the configuration and what it includes; where it is
 * named (NULL: by the caller) is what an unreadable file is reported at.
 */
struct cfg_node *cfg_load_file(struct cfg *cfg, const struct cfg_table *table, const char *path,
			       const struct cfg_node *named, const struct cfg_open *files,
			       const struct cfg_at *at);
/* Replace files named in the tree by their content; checks keys on the way. NULL: error. */
struct cfg_node *cfg_resolve(struct cfg *cfg, const struct cfg_table *table, struct cfg_node *node,
			     const struct cfg_open *files, const struct cfg_at *at);
/* A member whose field is known; what is neither object nor array is left to the conversion. */
struct cfg_node *cfg_resolve_member(struct cfg *cfg, const struct cfg_field *field,
				    struct cfg_node *node, const struct cfg_open *files,
				    const struct cfg_at *at);
/* Both are the caller's alone; the result is over's node, with what only base has added. */
struct cfg_node *cfg_merge(struct cfg_node *base, struct cfg_node *over);
/* Put child where an equal key is, or at the end. */
void cfg_put_member(struct cfg_node *object, struct cfg_node *child);
/* A file name that stands in node, as seen from the working directory (data.h). NULL: no memory. */
char *cfg_file_name(struct cfg *cfg, struct cfg_node *node);

/* settings.c */
int cfg_apply_setting(struct cfg *cfg, const struct cfg_table *table, struct cfg_node *root,
		      const char *setting);

/* value.c: *out is what the type's comment in cfg.h says. */
int cfg_scalar(struct cfg *cfg, const struct cfg_field *field, struct cfg_node *node, void *out,
	       const struct cfg_at *at);
bool cfg_is_scalar(enum cfg_type type);
bool cfg_names_file(const struct cfg_field *field, const char *text); /* is this value one of a path? */
size_t cfg_scalar_size(enum cfg_type type);

/* emit.c: both after a successful fill, from the structure. */
int cfg_emit(struct cfg *cfg, const struct cfg_table *table, const struct cfg_node *root,
	     const void *out);
cJSON *cfg_number(double value); /* the shortest text that reads back as the same number */
/* Bytes or ps in the largest unit that is exact: 65536 as 64KiB, 10000000 as 10us. */
char *cfg_human(char *buf, size_t n, enum cfg_type type, u64 value);
/* One end of a field's range, in the notation of its type. */
char *cfg_bound(char buf[32], const struct cfg_field *field, double bound);
char *cfg_double_text(char buf[32], double value);

/* A growing text; after an allocation has failed it stays NULL. */
struct cfg_text {
	char *s;
	size_t len, cap;
	bool failed;
};
void cfg_put(struct cfg_text *t, const char *fmt, ...) KMS_PRINTF(2, 3);

#endif
