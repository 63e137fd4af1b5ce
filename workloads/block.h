/*
 * block.h - one CPU's run of requests as bytes, and back.
 *
 * A block is decoded on its own: nothing carries over from the one before. Its
 * bytes are seven columns of varints, so that like stands next to like and
 * compresses well:
 *
 *	shapes		what requests look like: kind, flags, cache, size, call site
 *	ids		per request its shape; the number after the last starts a new one
 *	seqs, times	per request the difference to the one before
 *	args		what varies from request to request of one shape
 *	refs		the objects
 *	generations	of those that cannot be told from the block itself
 *
 * A new object mostly takes the slot that its CPU freed last, and an object
 * that is freed was mostly allocated in the same block; both are then one small
 * number. docs/trace-format.md has the bytes.
 */
#ifndef WORKLOADS_BLOCK_H
#define WORKLOADS_BLOCK_H

#include "workloads/request.h"
#include "workloads/varint.h"

#define BLOCK_RAW_MAX 65536
#define BLOCK_REFS_MAX 16384
#define BLOCK_SHAPES_MAX 4096

enum block_column {
	COLUMN_SHAPES, COLUMN_IDS, COLUMN_SEQS, COLUMN_TIMES, COLUMN_ARGS, COLUMN_REFS,
	COLUMN_GENERATIONS, NR_BLOCK_COLUMNS
};

/* What is the same for many requests. No padding: compared and hashed as bytes. */
struct block_shape {
	u64 size, nodemask;
	u32 gfp, cache, site;
	s16 node;
	u8 op, order, context;
	u8 fields; /* SHAPE_...: members that each request has for itself */
	u8 n;
	u8 zero[5];
};
_Static_assert(sizeof(struct block_shape) == 40, "no padding in struct block_shape");

#define SHAPE_SIZE 1
#define SHAPE_N 2
#define SHAPE_PART 4
#define SHAPE_NODEMASK 8 /* the shape has one */

/* Where an object was allocated, by slot; one table for all CPUs' encoders. */
struct block_place {
	u32 block; /* serial number of the block, 0 none */
	u32 index; /* among the block's new objects */
};

struct block_places {
	struct block_place *slots;
	size_t nr_slots;
	u32 last_serial;
};

struct block_encoder {
	struct block_places *places;
	struct bytes columns[NR_BLOCK_COLUMNS];
	struct block_shape *shapes;
	u16 *shape_hash; /* index + 1 */
	u32 nr_shapes;
	u32 serial;
	u32 records, nr_refs;
	u64 first_seq, last_seq, last_time;
	struct kms_object_ref *fresh; /* new objects of this block */
	struct kms_object_ref *freed; /* stack */
	u32 nr_fresh, nr_freed;
	u64 next_new;	 /* slot expected for a new object that reuses none */
	u32 last_use;	 /* slot last named outright */
	bool failed;	 /* host memory ran out */
};

int block_encoder_init(struct block_encoder *e, struct block_places *places);
void block_encoder_free(struct block_encoder *e);
/* False: finish this block first. */
bool block_encoder_fits(const struct block_encoder *e, const struct kms_request *rq);
void block_encoder_add(struct block_encoder *e, const struct kms_request *rq);
/* Write the block to raw[BLOCK_RAW_MAX], return its length, and begin the next. */
size_t block_encoder_finish(struct block_encoder *e, u8 *raw);
void block_encoder_reset(struct block_encoder *e);

/* Whether a request of this kind may name as many objects as this one does. */
bool block_right_number(const struct kms_request *rq);

/* What numbers in a block may be, from the trace's info. */
struct block_limits {
	u64 slots;
	u32 caches, sites, phases;
};

struct block_decoder {
	struct cursor columns[NR_BLOCK_COLUMNS];
	struct block_limits limits;
	struct block_shape *shapes;
	u32 nr_shapes;
	u64 seq, time;
	struct kms_object_ref *fresh, *freed;
	u32 nr_fresh, nr_freed;
	u64 next_new;
	u32 last_use;
	u32 records; /* still to come */
	struct kms_object_ref *refs;
};

int block_decoder_init(struct block_decoder *d, const struct block_limits *limits);
void block_decoder_free(struct block_decoder *d);
/* raw must stay until the block's last request was read. False: malformed. */
bool block_decoder_begin(struct block_decoder *d, const u8 *raw, size_t length, u32 records,
			 u64 first_seq);
/*
 * Next request (its cpu is left alone; refs are valid until the next call).
 * NULL, or what is wrong with the record. pre: d->records > 0.
 */
const char *block_decoder_next(struct block_decoder *d, struct kms_request *rq);

#endif
