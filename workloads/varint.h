/*
 * varint.h - growing byte buffers, variable-length integers, and reading them
 * back within bounds.
 *
 * A varint is LEB128: seven bits a byte, least significant first, the top bit
 * set on all but the last, at most ten bytes. Signed numbers are zigzag-coded.
 */
#ifndef WORKLOADS_VARINT_H
#define WORKLOADS_VARINT_H

#include <stdlib.h>
#include <string.h>

#include "sim/engine/base.h"

#define VARINT_MAX 10

struct bytes {
	u8 *data;
	size_t length, capacity;
	bool failed; /* host memory ran out; what follows is dropped */
};

static inline bool bytes_reserve(struct bytes *b, size_t more)
{
	size_t want = b->length + more, capacity = b->capacity ? b->capacity : 256;
	u8 *grown;

	if (want <= b->capacity)
		return true;
	while (capacity < want)
		capacity *= 2;
	grown = realloc(b->data, capacity);
	if (!grown) {
		b->failed = true;
		return false;
	}
	b->data = grown;
	b->capacity = capacity;
	return true;
}

static inline void bytes_put(struct bytes *b, const void *data, size_t n)
{
	if (!n || !bytes_reserve(b, n))
		return;
	memcpy(b->data + b->length, data, n);
	b->length += n;
}

static inline void bytes_put_varint(struct bytes *b, u64 v)
{
	if (!bytes_reserve(b, VARINT_MAX))
		return;
	while (v >= 0x80) {
		b->data[b->length++] = (u8)(v | 0x80);
		v >>= 7;
	}
	b->data[b->length++] = (u8)v;
}

static inline u64 zigzag(s64 v)
{
	return ((u64)v << 1) ^ (u64)(v >> 63);
}

static inline s64 unzigzag(u64 v)
{
	return (s64)(v >> 1) ^ -(s64)(v & 1);
}

static inline void bytes_put_signed(struct bytes *b, s64 v)
{
	bytes_put_varint(b, zigzag(v));
}

static inline void bytes_free(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){ 0 };
}

/* A place in foreign bytes. Reading beyond the end or a malformed varint sets bad and yields 0. */
struct cursor {
	const u8 *at, *end;
	bool bad;
};

static inline u64 cursor_varint_slow(struct cursor *c)
{
	u64 v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		u8 byte;

		if (c->at == c->end)
			break;
		byte = *c->at++;
		if (shift == 63 && byte > 1)
			break;
		v |= (u64)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	c->bad = true;
	c->at = c->end;
	return 0;
}

static inline u64 cursor_varint(struct cursor *c)
{
	if (KMS_LIKELY(c->at != c->end && *c->at < 0x80))
		return *c->at++;
	return cursor_varint_slow(c);
}

static inline s64 cursor_signed(struct cursor *c)
{
	return unzigzag(cursor_varint(c));
}

/* A varint that must not exceed max. */
static inline u64 cursor_varint_max(struct cursor *c, u64 max)
{
	u64 v = cursor_varint(c);

	if (KMS_LIKELY(v <= max))
		return v;
	c->bad = true;
	return 0;
}

/* n bytes in place, or NULL. */
static inline const u8 *cursor_bytes(struct cursor *c, u64 n)
{
	const u8 *at = c->at;

	if (n > (u64)(c->end - c->at)) {
		c->bad = true;
		c->at = c->end;
		return NULL;
	}
	c->at += n;
	return at;
}

static inline void put_le32(u8 *at, u32 v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (u8)(v >> (8 * i));
}

static inline void put_le64(u8 *at, u64 v)
{
	for (int i = 0; i < 8; i++)
		at[i] = (u8)(v >> (8 * i));
}

static inline u32 get_le32(const u8 *at)
{
	return (u32)at[0] | (u32)at[1] << 8 | (u32)at[2] << 16 | (u32)at[3] << 24;
}

static inline u64 get_le64(const u8 *at)
{
	return get_le32(at) | (u64)get_le32(at + 4) << 32;
}

#endif
