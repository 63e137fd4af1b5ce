/*
 * import_internal.h - what importers share: names, the queue before the writer.
 */
#ifndef WORKLOADS_IMPORT_INTERNAL_H
#define WORKLOADS_IMPORT_INTERNAL_H

#include "workloads/import.h"
#include "workloads/trace.h"

/* What an importer of a single file is given. */
struct import_job {
	const char *source, *output;
	bool strict; /* stop at the first malformed record */
	const struct slab_list *slabs; /* NULL: not known */
	struct import_result *result;
	struct kms_error *err;
};

/* An importer, registered in import.c: of folders (recognises, import) or of files. */
struct importer {
	const char *name, *what; /* "what" finishes "expected ..." */
	bool (*recognises)(const char *source);
	int (*import)(const char *source, const char *output, struct import_result *result,
		      struct kms_error *err);
	/* The file's first bytes, decompressed and followed by a NUL, are of this format. */
	bool (*recognises_text)(const char *text, size_t length);
	int (*import_file)(const struct import_job *job);
};

extern const struct importer import_groundtruth;
extern const struct importer import_ftrace, import_report, import_perf; /* import_ftrace.c */
extern const struct importer import_dat;
extern const struct importer import_mtrace;
extern const struct importer import_rep;

/* Opens a file without a name beside path: what the two passes of an import hand over. */
int import_temporary(const char *path, struct kms_error *err);

/* ---- import_slabs.c: the slab caches that the recorded machine had ---- */

struct slab_list;

int slab_list_open(struct slab_list **list, const char *path, struct kms_error *err);
void slab_list_close(struct slab_list *list); /* may be NULL */
/* The one cache, not of kmalloc(), with objects of these sizes; NULL: none or several, or no list. */
const char *slab_list_find(const struct slab_list *list, u64 req, u64 alloc);

/* ---- import_names.c: strings to dense numbers ---- */

struct names {
	u32 *table; /* number + 1; open addressing */
	u32 capacity, n;
	char **texts;
	u32 *lengths;
};

/* The number of text, entered if new (then == the n before); -1: out of host memory. */
s64 names_enter(struct names *names, const char *text, size_t length);
void names_free(struct names *names);

/* ---- import_queue.c: requests that may still change ---- */

#define IMPORT_QUEUE 8192 /* requests; the last so many can be amended */

struct queued {
	struct kms_request request;
	struct kms_object_ref one;
	struct kms_object_ref *many;
	bool cancelled;
};

/*
 * A recording often says only after the fact what an event was: a page
 * allocation turns out to be a slab, or a large kmalloc. So requests wait here
 * before they are written.
 */
struct import_queue {
	struct trace_writer *writer;
	struct queued *ring;
	u64 head, tail; /* numbers of the oldest and of the next request */
	u64 written;
};

int import_queue_init(struct import_queue *q, struct trace_writer *writer, struct kms_error *err);
/* Appends a copy; *number identifies it. */
int import_queue_add(struct import_queue *q, const struct kms_request *request, u64 *number,
		     struct kms_error *err);
/* A request that has not been written yet, or NULL. */
struct queued *import_queue_find(struct import_queue *q, u64 number);
/* One more object for a request that was added with one. */
int import_queue_extend(struct queued *e, struct kms_object_ref ref, struct kms_error *err);
int import_queue_flush(struct import_queue *q, struct kms_error *err);
void import_queue_free(struct import_queue *q);

/* ---- import_spool.c: requests of the first pass ---- */

/* A request whose cache may not be known yet, or that may turn out to be none. */
struct spooled {
	u64 time, size;
	u32 gfp, site, part, slot, generation;
	u32 cache; /* number that the importer resolves */
	u16 cpu;
	s16 node;
	u8 op, order, context;
	bool dropped;
};

#define SPOOL_BUFFER 16384 /* requests in memory; what is older is in a file */

struct spool {
	int fd;
	struct spooled *buffer;
	u64 first, n; /* number of the oldest in the buffer; number of all */
};

int spool_init(struct spool *s, const char *output, struct kms_error *err);
int spool_add(struct spool *s, const struct spooled *rq, u64 *number, struct kms_error *err);
/* Change a request that was added earlier. */
int spool_drop(struct spool *s, u64 number, struct kms_error *err);
int spool_set_cache(struct spool *s, u64 number, u32 cache, struct kms_error *err);
/* All requests in order; visit() may change its copy. Non-zero from visit() ends it. */
int spool_play(struct spool *s, int (*visit)(void *arg, struct spooled *rq), void *arg,
	       struct kms_error *err);
void spool_free(struct spool *s);

/* Give a spooled request to the writer. */
int spool_write(struct trace_writer *w, const struct spooled *rq, struct kms_error *err);

/* ---- import_live.c: what is allocated, by address or page frame number ---- */

struct live {
	u64 key;    /* 0: empty entry */
	u64 record; /* of the allocation, in the spool */
	u32 slot, generation;
	u32 cache; /* number of a cache key; meaning is the importer's */
	u8 kind, order;
	u8 *freed; /* page blocks: bit map of pages freed already, NULL none */
	u32 left;  /* pages not freed */
	u32 stride; /* slab pages: bytes from object to object */
};

/* Open addressing without deleted marks: memory follows the number of entries. */
struct live_map {
	struct live *table;
	u64 capacity, n;
};

struct live *live_find(const struct live_map *m, u64 key);
/* A new entry, zeroed but for its key, which must not be there yet; NULL: no host memory. */
struct live *live_add(struct live_map *m, u64 key);
void live_remove(struct live_map *m, struct live *entry);
void live_free(struct live_map *m);

/*
 * Keys that were freed lately, in bounded memory: tells a second free of an
 * address from the free of something older than the recording. Forgets what was
 * not used for long.
 */
struct recent {
	u64 *table;
	u8 *next;
};

bool recent_init(struct recent *r);
bool recent_has(const struct recent *r, u64 key);
void recent_add(struct recent *r, u64 key);
bool recent_forget(struct recent *r, u64 key); /* false: was not there */
void recent_free(struct recent *r);

#endif
