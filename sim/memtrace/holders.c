/*
 * holders.c - holders.h.
 */
#include "sim/memtrace/holders.h"

#include <stdlib.h>

static u64 home(const struct holders *h, u64 key)
{
	return key * 0x9e3779b97f4a7c15ull >> 24 & h->mask;
}

/* Where the key is, or would be put. */
static u64 place(const struct holders *h, u64 key)
{
	u64 at = home(h, key);

	while (h->keys[at] && h->keys[at] != key)
		at = (at + 1) & h->mask;
	return at;
}

static void move_all(struct holders *h, const struct holders *old)
{
	for (u64 i = 0; old->keys && i <= old->mask; i++) {
		u64 at;

		if (!old->keys[i])
			continue;
		at = place(h, old->keys[i]);
		h->keys[at] = old->keys[i];
		h->entries[at] = old->entries[i];
	}
}

int holders_reserve(struct holders *h, u64 lines, struct kms_error *err)
{
	struct holders new = {.reserved = h->reserved + lines};
	u64 size = 1024;

	while (size < 4 * new.reserved)
		size *= 2;
	if (h->keys && size <= h->mask + 1) {
		h->reserved += lines;
		return 0;
	}
	new.mask = size - 1;
	new.keys = calloc(size, sizeof(*new.keys));
	new.entries = calloc(size, sizeof(*new.entries));
	if (!new.keys || !new.entries) {
		holders_exit(&new);
		return kms_fail(err, KMS_EFAIL, "not enough memory for a directory of %llu lines",
				(unsigned long long)size);
	}
	move_all(&new, h);
	holders_exit(h);
	*h = new;
	return 0;
}

void holders_exit(struct holders *h)
{
	free(h->keys);
	free(h->entries);
	*h = (struct holders){0};
}

struct holders_entry *holders_of(struct holders *h, u64 line)
{
	u64 at = place(h, line + 1);

	if (!h->keys[at]) {
		h->keys[at] = line + 1;
		h->entries[at] = (struct holders_entry){.owner = -1};
	}
	return &h->entries[at];
}

/* Close the gap: move back whoever would no longer be found. */
static void take_out(struct holders *h, u64 gap)
{
	for (u64 at = (gap + 1) & h->mask; h->keys[at]; at = (at + 1) & h->mask) {
		u64 wanted = home(h, h->keys[at]);

		if (((at - wanted) & h->mask) < ((at - gap) & h->mask))
			continue;
		h->keys[gap] = h->keys[at];
		h->entries[gap] = h->entries[at];
		gap = at;
	}
	h->keys[gap] = 0;
}

void holders_leave(struct holders *h, u64 line, u32 cpu)
{
	u64 at = place(h, line + 1);
	struct holders_entry *e = &h->entries[at];

	e->cpus[cpu / 64] &= ~(1ull << cpu % 64);
	if (e->owner == (s32)cpu)
		e->owner = -1;
	if (!--e->count)
		take_out(h, at);
}
