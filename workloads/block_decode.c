/*
 * block_decode.c - a block's columns into requests (block.h).
 *
 * The bytes have passed their checksum, but are still not trusted: every number
 * is checked against what it indexes, here or in replay.
 */
#include "workloads/block.h"

int block_decoder_init(struct block_decoder *d, const struct block_limits *limits)
{
	*d = (struct block_decoder){ .limits = *limits };
	d->shapes = malloc(BLOCK_SHAPES_MAX * sizeof(*d->shapes));
	d->fresh = malloc(BLOCK_REFS_MAX * sizeof(*d->fresh));
	d->freed = malloc(BLOCK_REFS_MAX * sizeof(*d->freed));
	d->refs = malloc(KMS_MAX_BULK * sizeof(*d->refs));
	if (d->shapes && d->fresh && d->freed && d->refs)
		return 0;
	block_decoder_free(d);
	return -1;
}

void block_decoder_free(struct block_decoder *d)
{
	free(d->shapes);
	free(d->fresh);
	free(d->freed);
	free(d->refs);
	*d = (struct block_decoder){ 0 };
}

bool block_decoder_begin(struct block_decoder *d, const u8 *raw, size_t length, u32 records,
			 u64 first_seq)
{
	struct cursor all = { raw, raw + length, false };
	const u8 *lengths = cursor_bytes(&all, 4 * NR_BLOCK_COLUMNS);

	for (int i = 0; lengths && i < NR_BLOCK_COLUMNS; i++) {
		const u8 *at = cursor_bytes(&all, get_le32(lengths + 4 * i));

		d->columns[i] = (struct cursor){ at, all.at, false };
	}
	d->nr_shapes = d->nr_fresh = d->nr_freed = 0;
	d->next_new = d->last_use = 0;
	d->seq = first_seq - 1;
	d->time = 0;
	d->records = records;
	return !all.bad && all.at == all.end;
}

static const char *get_shape(struct block_decoder *d)
{
	struct cursor *c = &d->columns[COLUMN_SHAPES];
	struct block_shape *s = &d->shapes[d->nr_shapes];

	if (d->nr_shapes == BLOCK_SHAPES_MAX)
		return "too many shapes";
	*s = (struct block_shape){ 0 };
	s->fields = (u8)cursor_varint_max(c, SHAPE_SIZE | SHAPE_N | SHAPE_PART | SHAPE_NODEMASK);
	s->op = (u8)cursor_varint_max(c, NR_REQUESTS - 1);
	s->context = (u8)cursor_varint_max(c, 255);
	s->order = (u8)cursor_varint_max(c, 255);
	s->node = (s16)cursor_signed(c);
	s->gfp = (u32)cursor_varint_max(c, UINT32_MAX);
	s->cache = (u32)cursor_varint_max(c, UINT32_MAX);
	s->site = (u32)cursor_varint_max(c, UINT32_MAX);
	if (!(s->fields & SHAPE_N))
		s->n = (u8)cursor_varint_max(c, 1);
	if (!(s->fields & SHAPE_SIZE))
		s->size = cursor_varint(c);
	if (s->fields & SHAPE_NODEMASK)
		s->nodemask = cursor_varint(c);
	if (c->bad)
		return "malformed shape";
	if (s->cache >= d->limits.caches && s->cache)
		return "slab cache number beyond the trace's caches";
	if (s->site >= d->limits.sites && s->site)
		return "call site number beyond the trace's sites";
	d->nr_shapes++;
	return NULL;
}

static const char *get_new(struct block_decoder *d, struct kms_object_ref *ref)
{
	u64 code = cursor_varint(&d->columns[COLUMN_REFS]);

	if (!code) {
		if (!d->nr_freed)
			return "reuses a slot, but the block has freed none";
		*ref = d->freed[--d->nr_freed];
		ref->generation++;
	} else {
		u64 slot = d->next_new + (u64)unzigzag(code - 1);

		if (slot >= d->limits.slots)
			return "object slot beyond the trace's slots";
		ref->slot = (u32)slot;
		ref->generation = (u32)cursor_varint_max(&d->columns[COLUMN_GENERATIONS], UINT32_MAX);
		d->next_new = slot + 1;
	}
	d->fresh[d->nr_fresh++] = *ref;
	return NULL;
}

static const char *get_use(struct block_decoder *d, struct kms_object_ref *ref)
{
	u64 code = cursor_varint(&d->columns[COLUMN_REFS]);

	if (!(code & 1)) {
		u64 back = code >> 1;

		if (!back || back > d->nr_fresh)
			return "names an object of the block that is not there";
		*ref = d->fresh[d->nr_fresh - back];
	} else {
		u64 slot = (u64)d->last_use + (u64)unzigzag(code >> 1);

		if (slot >= d->limits.slots)
			return "object slot beyond the trace's slots";
		ref->slot = d->last_use = (u32)slot;
		ref->generation = (u32)cursor_varint_max(&d->columns[COLUMN_GENERATIONS], UINT32_MAX);
	}
	return NULL;
}

static const char *get_refs(struct block_decoder *d, const struct kms_request *rq)
{
	bool fresh = kms_request_classes[rq->op] == 'A';
	bool frees = kms_request_classes[rq->op] == 'F' && rq->op != REQ_PAGE_FREE_PART;
	const char *wrong = NULL;

	if (rq->n > KMS_MAX_BULK)
		return "too many objects in one request";
	for (u32 i = 0; i < rq->n && !wrong; i++) {
		if (fresh) {
			if (d->nr_fresh == BLOCK_REFS_MAX)
				return "too many objects in one block";
			wrong = get_new(d, &d->refs[i]);
			continue;
		}
		wrong = get_use(d, &d->refs[i]);
		if (!frees || wrong)
			continue;
		if (d->nr_freed == BLOCK_REFS_MAX)
			return "too many objects in one block";
		d->freed[d->nr_freed++] = d->refs[i];
	}
	return wrong;
}

static bool bad_columns(const struct block_decoder *d)
{
	bool bad = false;

	for (int i = 0; i < NR_BLOCK_COLUMNS; i++)
		bad |= d->columns[i].bad;
	return bad;
}

bool block_right_number(const struct kms_request *rq)
{
	switch (rq->op) {
	case REQ_PAGE_RELEASE:
	case REQ_CACHE_CREATE:
	case REQ_CACHE_DESTROY:
	case REQ_CACHE_SHRINK:
	case REQ_BOOT:
	case REQ_PHASE:
		return !rq->n;
	case REQ_PAGE_ALLOC_BULK:
	case REQ_PAGE_FREE_LIST:
	case REQ_CACHE_ALLOC_BULK:
	case REQ_FREE_BULK:
		return rq->n;
	default:
		return rq->n == 1;
	}
}

static const char *check_request(const struct block_decoder *d, const struct kms_request *rq)
{
	if (!block_right_number(rq))
		return "wrong number of objects for its kind";
	if (kms_request_uses_cache(rq->op) && rq->cache >= d->limits.caches)
		return "slab cache number beyond the trace's caches";
	if (rq->op == REQ_PHASE && rq->part >= d->limits.phases)
		return "phase number beyond the trace's phases";
	return NULL;
}

const char *block_decoder_next(struct block_decoder *d, struct kms_request *rq)
{
	struct cursor *columns = d->columns;
	u64 id = cursor_varint(&columns[COLUMN_IDS]);
	const struct block_shape *s;
	const char *wrong = NULL;

	if (id == d->nr_shapes)
		wrong = get_shape(d);
	else if (id > d->nr_shapes)
		wrong = "shape that was not defined";
	if (wrong)
		return wrong;
	s = &d->shapes[id];
	d->seq += 1 + cursor_varint(&columns[COLUMN_SEQS]);
	d->time += cursor_varint(&columns[COLUMN_TIMES]);
	rq->seq = d->seq;
	rq->time = d->time;
	rq->op = s->op;
	rq->order = s->order;
	rq->context = s->context;
	rq->node = s->node;
	rq->nodemask = s->nodemask;
	rq->gfp = s->gfp;
	rq->cache = s->cache;
	rq->site = s->site;
	rq->size = s->fields & SHAPE_SIZE ? cursor_varint(&columns[COLUMN_ARGS]) : s->size;
	rq->n = s->fields & SHAPE_N ?
			(u32)cursor_varint_max(&columns[COLUMN_ARGS], KMS_MAX_BULK) : s->n;
	rq->part = s->fields & SHAPE_PART ?
			(u32)cursor_varint_max(&columns[COLUMN_ARGS], UINT32_MAX) : 0;
	rq->refs = d->refs;
	wrong = get_refs(d, rq);
	if (!wrong)
		wrong = bad_columns(d) ? "a number is cut off or out of range" : check_request(d, rq);
	d->records--;
	return wrong;
}
