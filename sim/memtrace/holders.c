/*
 * holders.c - holders.h.
 */
#include "sim/memtrace/holders.h"

#include <stdlib.h>

static u64 home(const struct holders *h, u64 key)
{
	return key * 0x9e3779b97f4a7c15ull >> 24 & h->mask;
}

static struct holders_entry *place(const struct holders *h, u64 key)
{
	u64 at = home(h, key);

	while (h->entries[at].key && h->entries[at].key != key)
		at = (at + 1) & h->mask;
	return &h->entries[at];
}

int holders_reserve(struct holders *h, u64 lines, struct kms_error *err)
{
	struct holders old = *h;
	u64 size = 1024;

	while (size < 2 * (h->reserved + lines))
		size *= 2;
	if (h->entries && size <= h->mask + 1) {
		h->reserved += lines;
		return 0;
	}
	h->entries = calloc(size, sizeof(*h->entries));
	if (!h->entries) {
		*h = old;
		return kms_fail(err, KMS_EFAIL, "not enough memory for a directory of %llu lines",
				(unsigned long long)size);
	}
	h->mask = size - 1;
	h->reserved += lines;
	for (u64 i = 0; old.entries && i <= old.mask; i++) {
		if (old.entries[i].key)
			*place(h, old.entries[i].key) = old.entries[i];
	}
	free(old.entries);
	return 0;
}

void holders_exit(struct holders *h)
{
	free(h->entries);
	*h = (struct holders){0};
}

struct holders_entry *holders_of(struct holders *h, u64 line)
{
	struct holders_entry *e = place(h, line + 1);

	if (!e->key)
		*e = (struct holders_entry){.key = line + 1, .owner = -1};
	return e;
}

/* Close the gap: move back whoever would no longer be found. */
static void take_out(struct holders *h, u64 gap)
{
	for (u64 at = (gap + 1) & h->mask; h->entries[at].key; at = (at + 1) & h->mask) {
		u64 wanted = home(h, h->entries[at].key);

		if (((at - wanted) & h->mask) < ((at - gap) & h->mask))
			continue;
		h->entries[gap] = h->entries[at];
		gap = at;
	}
	h->entries[gap].key = 0;
}

void holders_leave(struct holders *h, u64 line, u32 cpu)
{
	struct holders_entry *e = place(h, line + 1);

	e->cpus[cpu / 64] &= ~(1ull << cpu % 64);
	if (e->owner == (s32)cpu)
		e->owner = -1;
	if (!--e->count)
		take_out(h, (u64)(e - h->entries));
}
