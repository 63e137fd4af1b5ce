/*
 * import_internal.h - what importers share: names, the queue before the writer.
 */
#ifndef WORKLOADS_IMPORT_INTERNAL_H
#define WORKLOADS_IMPORT_INTERNAL_H

#include "workloads/import.h"
#include "workloads/trace.h"

/* An importer, registered in import.c. */
struct importer {
	const char *name, *what; /* "what" finishes "expected ..." */
	bool (*recognises)(const char *source);
	int (*import)(const char *source, const char *output, struct import_result *result,
		      struct kms_error *err);
};

extern const struct importer import_groundtruth;

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

#endif
