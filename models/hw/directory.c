/*
 * directory.c - directory.h: chains of slots.
 */
#include "models/hw/directory.h"

#include <stdlib.h>
#include <string.h>

#include "models/hw/cache.h"

int directory_init(struct directory *d, u32 slots, struct kms_error *err)
{
	u32 bits = 1;

	while (bits < 31 && 1u << bits < slots)
		bits++;
	*d = (struct directory){ .slots = slots, .shift = 64 - bits };
	d->first = malloc(sizeof(*d->first) << bits);
	d->next = malloc(slots * sizeof(*d->next));
	if (!d->first || !d->next)
		return kms_fail(err, KMS_EFAIL, "not enough host memory for a directory of %u lines",
				slots);
	memset(d->first, 0xff, sizeof(*d->first) << bits); /* DIRECTORY_NONE */
	for (u32 slot = 0; slot < slots; slot++)
		d->next[slot] = slot + 1 < slots ? slot + 1 : DIRECTORY_NONE;
	return 0;
}

void directory_exit(struct directory *d)
{
	free(d->first);
	free(d->next);
	d->first = d->next = NULL;
}

u32 directory_find(const struct directory *d, const u64 *tags, u64 line)
{
	u32 slot = d->first[directory_hash(d, line)];

	while (slot != DIRECTORY_NONE && cache_line_of(tags[slot]) != line)
		slot = d->next[slot];
	return slot;
}

u32 directory_take(struct directory *d, u64 line)
{
	u32 slot = d->free, hash = directory_hash(d, line);

	d->free = d->next[slot];
	d->next[slot] = d->first[hash];
	d->first[hash] = slot;
	return slot;
}

void directory_drop(struct directory *d, const u64 *tags, u32 slot)
{
	u32 *at = &d->first[directory_hash(d, cache_line_of(tags[slot]))];

	while (*at != slot)
		at = &d->next[*at];
	*at = d->next[slot];
	d->next[slot] = d->free;
	d->free = slot;
}

static u32 length(const struct directory *d, u32 slot)
{
	u32 n = 0;

	for (; slot != DIRECTORY_NONE && n <= d->slots; slot = d->next[slot])
		n++;
	return n;
}

int directory_check(const struct directory *d, const u64 *tags, struct kms_error *err)
{
	u32 used = 0;

	for (u32 hash = 0; hash >> (64 - d->shift) == 0; hash++) {
		u32 n = 0;

		for (u32 slot = d->first[hash]; slot != DIRECTORY_NONE; slot = d->next[slot]) {
			u64 line = cache_line_of(tags[slot]);

			if (!tags[slot] || directory_hash(d, line) != hash || n++ > d->slots)
				return kms_fail(err, KMS_EFAIL, "directory slot %u: empty or in the "
								"wrong chain", slot);
			if (directory_find(d, tags, line) != slot)
				return kms_fail(err, KMS_EFAIL, "directory slot %u: its line has "
								"another one too", slot);
		}
		used += n;
	}
	if (used + length(d, d->free) != d->slots)
		return kms_fail(err, KMS_EFAIL, "the directory has lost slots: %u in use, %u free of %u",
				used, length(d, d->free), d->slots);
	return 0;
}
