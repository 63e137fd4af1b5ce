/*
 * trace_file.h - the fixed parts of a trace file, shared by writer and reader.
 *
 * All integers are little-endian. The first 64 bytes keep their layout in all
 * versions, so that any program can tell a newer trace from a damaged one.
 */
#ifndef WORKLOADS_TRACE_FILE_H
#define WORKLOADS_TRACE_FILE_H

#include "workloads/varint.h"

#define TRACE_MAGIC "KMSTRACE"
#define TRACE_BLOCK_MAGIC 0x4b4c424bu /* "KBLK" */
#define TRACE_END_MARK "KMSTREND"

#define TRACE_HEADER_BYTES 64
#define TRACE_BLOCK_HEADER_BYTES 48
#define TRACE_INDEX_ENTRY_BYTES (8 + TRACE_BLOCK_HEADER_BYTES)
#define TRACE_FOOTER_BYTES 64

/* Offsets in the file header. */
#define HEADER_VERSION 8
#define HEADER_FLAGS 12
#define HEADER_NR_CPUS 16
#define HEADER_HASH 56 /* XXH64 of the bytes before */

/* Offsets in the footer. */
#define FOOTER_INFO 0
#define FOOTER_INFO_COMPRESSED 8
#define FOOTER_INFO_RAW 12
#define FOOTER_INFO_HASH 16
#define FOOTER_INDEX 24
#define FOOTER_BLOCKS 32
#define FOOTER_INDEX_HASH 40
#define FOOTER_HASH 48 /* XXH64 of the bytes before */
#define FOOTER_END_MARK 56

#define TRACE_INFO_MAX (256u << 20) /* bytes of an info block, uncompressed */

/* In front of every block's zstd frame, and again in the index after its offset. */
struct trace_block_header {
	u32 cpu, raw, compressed, records, refs;
	u64 first_seq, last_seq;
	u64 hash; /* XXH64 of the raw bytes */
};

static inline void trace_block_header_put(u8 at[TRACE_BLOCK_HEADER_BYTES],
					  const struct trace_block_header *h)
{
	put_le32(at, TRACE_BLOCK_MAGIC);
	put_le32(at + 4, h->cpu);
	put_le32(at + 8, h->raw);
	put_le32(at + 12, h->compressed);
	put_le32(at + 16, h->records);
	put_le32(at + 20, h->refs);
	put_le64(at + 24, h->first_seq);
	put_le64(at + 32, h->last_seq);
	put_le64(at + 40, h->hash);
}

static inline void trace_block_header_get(struct trace_block_header *h,
					  const u8 at[TRACE_BLOCK_HEADER_BYTES])
{
	h->cpu = get_le32(at + 4);
	h->raw = get_le32(at + 8);
	h->compressed = get_le32(at + 12);
	h->records = get_le32(at + 16);
	h->refs = get_le32(at + 20);
	h->first_seq = get_le64(at + 24);
	h->last_seq = get_le64(at + 32);
	h->hash = get_le64(at + 40);
}

#endif
