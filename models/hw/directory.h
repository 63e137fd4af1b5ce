/*
 * directory.h - places for the lines that CPUs have, when the LLC's tags are not the directory.
 *
 * As the shadow tags of real machines it has room for all that the private
 * caches hold at once, so nothing is ever pushed out of it. Slots come from a
 * free list and are found through chains from a hash of the line; which slot a
 * line gets has no influence on anything. What stands in a slot is the
 * machine's (struct machine: tags[], sharers[], owner[], contention[]).
 */
#ifndef MODELS_HW_DIRECTORY_H
#define MODELS_HW_DIRECTORY_H

#include "sim/engine/base.h"

#define DIRECTORY_NONE (~0u)

struct directory {
	u32 *first; /* [hash] slot or DIRECTORY_NONE */
	u32 *next;  /* [slot], of a chain or of the free list */
	u32 slots, free, shift;
};

/* KMS_EFAIL: out of host memory. */
int directory_init(struct directory *d, u32 slots, struct kms_error *err);
void directory_exit(struct directory *d);

static inline u32 directory_hash(const struct directory *d, u64 line)
{
	return (u32)(line * 0x9e3779b97f4a7c15ull >> d->shift);
}

/* The slot of a line, or DIRECTORY_NONE. tags[]: line << CACHE_FLAG_BITS | flags. */
u32 directory_find(const struct directory *d, const u64 *tags, u64 line);
/* A slot for a line that has none; the caller writes its tag. pre: not more lines than slots. */
u32 directory_take(struct directory *d, u64 line);
/* Free the slot, whose tag still stands. */
void directory_drop(struct directory *d, const u64 *tags, u32 slot);

/* Every chain leads to slots of its hash with a line, and every other slot is free. */
int directory_check(const struct directory *d, const u64 *tags, struct kms_error *err);

#endif
