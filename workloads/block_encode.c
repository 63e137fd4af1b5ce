/*
 * block_encode.c - requests into a block's columns (block.h).
 */
#include <xxhash.h>

#include "workloads/block.h"

#define SHAPE_HASH (2 * BLOCK_SHAPES_MAX)
/* From this many shapes on, sizes travel with the requests: they are not few. */
#define SHAPES_WITH_SIZE 1024
/* Bytes of a request without its objects, and of an object, at most. */
#define RECORD_MAX 128
#define REF_MAX 12
#define COLUMN_HEADER (4 * NR_BLOCK_COLUMNS)

int block_encoder_init(struct block_encoder *e, struct block_places *places)
{
	*e = (struct block_encoder){ .places = places };
	e->shapes = malloc(BLOCK_SHAPES_MAX * sizeof(*e->shapes));
	e->shape_hash = malloc(SHAPE_HASH * sizeof(*e->shape_hash));
	e->fresh = malloc(BLOCK_REFS_MAX * sizeof(*e->fresh));
	e->freed = malloc(BLOCK_REFS_MAX * sizeof(*e->freed));
	if (!e->shapes || !e->shape_hash || !e->fresh || !e->freed) {
		block_encoder_free(e);
		return -1;
	}
	block_encoder_reset(e);
	return 0;
}

void block_encoder_free(struct block_encoder *e)
{
	for (int i = 0; i < NR_BLOCK_COLUMNS; i++)
		bytes_free(&e->columns[i]);
	free(e->shapes);
	free(e->shape_hash);
	free(e->fresh);
	free(e->freed);
	*e = (struct block_encoder){ 0 };
}

void block_encoder_reset(struct block_encoder *e)
{
	for (int i = 0; i < NR_BLOCK_COLUMNS; i++)
		e->columns[i].length = 0;
	memset(e->shape_hash, 0, SHAPE_HASH * sizeof(*e->shape_hash));
	e->nr_shapes = e->records = e->nr_refs = e->nr_fresh = e->nr_freed = 0;
	e->last_time = e->next_new = e->last_use = 0;
	e->serial = ++e->places->last_serial;
}

static size_t encoded_length(const struct block_encoder *e)
{
	size_t n = COLUMN_HEADER;

	for (int i = 0; i < NR_BLOCK_COLUMNS; i++)
		n += e->columns[i].length;
	return n;
}

bool block_encoder_fits(const struct block_encoder *e, const struct kms_request *rq)
{
	return e->nr_shapes < BLOCK_SHAPES_MAX && e->nr_refs + rq->n <= BLOCK_REFS_MAX &&
	       encoded_length(e) + RECORD_MAX + (size_t)rq->n * REF_MAX <= BLOCK_RAW_MAX;
}

static void put_shape(struct bytes *out, const struct block_shape *s)
{
	bytes_put_varint(out, s->fields);
	bytes_put_varint(out, s->op);
	bytes_put_varint(out, s->context);
	bytes_put_varint(out, s->order);
	bytes_put_signed(out, s->node);
	bytes_put_varint(out, s->gfp);
	bytes_put_varint(out, s->cache);
	bytes_put_varint(out, s->site);
	if (!(s->fields & SHAPE_N))
		bytes_put_varint(out, s->n);
	if (!(s->fields & SHAPE_SIZE))
		bytes_put_varint(out, s->size);
	if (s->fields & SHAPE_NODEMASK)
		bytes_put_varint(out, s->nodemask);
}

static u32 shape_id(struct block_encoder *e, const struct block_shape *shape)
{
	u64 at = XXH3_64bits(shape, sizeof(*shape));

	for (;; at++) {
		u32 id = e->shape_hash[at % SHAPE_HASH];

		if (!id)
			break;
		if (!memcmp(&e->shapes[id - 1], shape, sizeof(*shape)))
			return id - 1;
	}
	e->shapes[e->nr_shapes++] = *shape;
	e->shape_hash[at % SHAPE_HASH] = (u16)e->nr_shapes;
	put_shape(&e->columns[COLUMN_SHAPES], shape);
	return e->nr_shapes - 1;
}

static struct block_shape shape_of(const struct block_encoder *e, const struct kms_request *rq)
{
	struct block_shape s = {
		.gfp = rq->gfp, .cache = rq->cache, .site = rq->site, .node = rq->node,
		.op = rq->op, .nodemask = rq->nodemask, .order = rq->order, .context = rq->context,
	};

	if (rq->op == REQ_PAGE_RELEASE || e->nr_shapes >= SHAPES_WITH_SIZE)
		s.fields |= SHAPE_SIZE;
	else
		s.size = rq->size;
	if (rq->n > 1)
		s.fields |= SHAPE_N;
	else
		s.n = (u8)rq->n;
	if (rq->part)
		s.fields |= SHAPE_PART;
	if (rq->nodemask)
		s.fields |= SHAPE_NODEMASK;
	return s;
}

/* The table's entry for a slot; NULL when it is out of host memory. */
static struct block_place *place_of(struct block_encoder *e, u32 slot)
{
	struct block_places *p = e->places;

	if (KMS_UNLIKELY(slot >= p->nr_slots)) {
		size_t n = p->nr_slots ? p->nr_slots : 1024;
		struct block_place *grown;

		while (n <= slot)
			n *= 2;
		grown = realloc(p->slots, n * sizeof(*grown));
		if (!grown) {
			e->failed = true;
			return NULL;
		}
		memset(grown + p->nr_slots, 0, (n - p->nr_slots) * sizeof(*grown));
		p->slots = grown;
		p->nr_slots = n;
	}
	return &p->slots[slot];
}

/* 0: the slot freed last, its next generation. Else the slot against the expected one. */
static void put_new(struct block_encoder *e, struct kms_object_ref ref)
{
	struct block_place *place = place_of(e, ref.slot);
	const struct kms_object_ref *top = e->nr_freed ? &e->freed[e->nr_freed - 1] : NULL;

	if (top && top->slot == ref.slot && top->generation + 1 == ref.generation) {
		e->nr_freed--;
		bytes_put_varint(&e->columns[COLUMN_REFS], 0);
	} else {
		bytes_put_varint(&e->columns[COLUMN_REFS],
				 1 + zigzag((s64)ref.slot - (s64)e->next_new));
		bytes_put_varint(&e->columns[COLUMN_GENERATIONS], ref.generation);
		e->next_new = (u64)ref.slot + 1;
	}
	if (place)
		*place = (struct block_place){ e->serial, e->nr_fresh };
	e->fresh[e->nr_fresh++] = ref;
}

/* Even: how many new objects ago it was allocated. Odd: the slot against the last so named. */
static void put_use(struct block_encoder *e, struct kms_object_ref ref)
{
	const struct block_place *place = place_of(e, ref.slot);

	if (place && place->block == e->serial &&
	    e->fresh[place->index].generation == ref.generation) {
		bytes_put_varint(&e->columns[COLUMN_REFS], (u64)(e->nr_fresh - place->index) << 1);
		return;
	}
	bytes_put_varint(&e->columns[COLUMN_REFS],
			 zigzag((s64)ref.slot - (s64)e->last_use) << 1 | 1);
	bytes_put_varint(&e->columns[COLUMN_GENERATIONS], ref.generation);
	e->last_use = ref.slot;
}

static void put_refs(struct block_encoder *e, const struct kms_request *rq)
{
	bool frees = kms_request_classes[rq->op] == 'F' && rq->op != REQ_PAGE_FREE_PART;

	for (u32 i = 0; i < rq->n; i++) {
		if (kms_request_classes[rq->op] == 'A') {
			put_new(e, rq->refs[i]);
			continue;
		}
		put_use(e, rq->refs[i]);
		if (frees)
			e->freed[e->nr_freed++] = rq->refs[i];
	}
	e->nr_refs += rq->n;
}

void block_encoder_add(struct block_encoder *e, const struct kms_request *rq)
{
	struct block_shape shape = shape_of(e, rq);

	if (!e->records) {
		e->first_seq = rq->seq;
		e->last_seq = rq->seq - 1;
	}
	bytes_put_varint(&e->columns[COLUMN_IDS], shape_id(e, &shape));
	bytes_put_varint(&e->columns[COLUMN_SEQS], rq->seq - e->last_seq - 1);
	bytes_put_varint(&e->columns[COLUMN_TIMES], rq->time - e->last_time);
	if (shape.fields & SHAPE_SIZE)
		bytes_put_varint(&e->columns[COLUMN_ARGS], rq->size);
	if (shape.fields & SHAPE_N)
		bytes_put_varint(&e->columns[COLUMN_ARGS], rq->n);
	if (shape.fields & SHAPE_PART)
		bytes_put_varint(&e->columns[COLUMN_ARGS], rq->part);
	put_refs(e, rq);
	e->last_seq = rq->seq;
	e->last_time = rq->time;
	e->records++;
}

size_t block_encoder_finish(struct block_encoder *e, u8 *raw)
{
	size_t at = COLUMN_HEADER;

	for (int i = 0; i < NR_BLOCK_COLUMNS; i++) {
		struct bytes *c = &e->columns[i];

		put_le32(raw + 4 * i, (u32)c->length);
		if (c->length)
			memcpy(raw + at, c->data, c->length);
		at += c->length;
		e->failed |= c->failed;
	}
	block_encoder_reset(e);
	return at;
}
