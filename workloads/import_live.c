/*
 * import_live.c - tables of what a recording has allocated and not yet freed.
 */
#include <stdlib.h>
#include <string.h>

#include "workloads/import_internal.h"

#define MIN_CAPACITY 1024

static u64 mix(u64 key)
{
	key *= 0x9e3779b97f4a7c15ull;
	return key ^ key >> 29;
}

static u64 home(const struct live_map *m, u64 key)
{
	return mix(key) & (m->capacity - 1);
}

struct live *live_find(const struct live_map *m, u64 key)
{
	if (!m->n)
		return NULL;
	for (u64 i = home(m, key); m->table[i].key; i = (i + 1) & (m->capacity - 1))
		if (m->table[i].key == key)
			return &m->table[i];
	return NULL;
}

static struct live *empty_entry(const struct live_map *m, u64 key)
{
	u64 i = home(m, key);

	while (m->table[i].key)
		i = (i + 1) & (m->capacity - 1);
	return &m->table[i];
}

static bool resize(struct live_map *m, u64 capacity)
{
	struct live_map old = *m;

	m->table = calloc(capacity, sizeof(*m->table));
	if (!m->table) {
		*m = old;
		return false;
	}
	m->capacity = capacity;
	for (u64 i = 0; i < old.capacity; i++)
		if (old.table[i].key)
			*empty_entry(m, old.table[i].key) = old.table[i];
	free(old.table);
	return true;
}

struct live *live_add(struct live_map *m, u64 key)
{
	struct live *e;

	if (2 * m->n >= m->capacity && !resize(m, m->capacity ? 2 * m->capacity : MIN_CAPACITY))
		return NULL;
	e = empty_entry(m, key);
	*e = (struct live){ .key = key };
	m->n++;
	return e;
}

/* Entries after the gap move up into it, unless that is before where they belong. */
void live_remove(struct live_map *m, struct live *entry)
{
	u64 mask = m->capacity - 1, gap = (u64)(entry - m->table);

	free(entry->freed);
	for (u64 i = (gap + 1) & mask; m->table[i].key; i = (i + 1) & mask) {
		if (((i - home(m, m->table[i].key)) & mask) < ((i - gap) & mask))
			continue;
		m->table[gap] = m->table[i];
		gap = i;
	}
	m->table[gap] = (struct live){ 0 };
	m->n--;
	if (m->capacity > MIN_CAPACITY && 16 * m->n < m->capacity)
		resize(m, m->capacity / 4); /* without memory for it: stays as it is */
}

void live_free(struct live_map *m)
{
	for (u64 i = 0; i < m->capacity; i++)
		free(m->table[i].freed);
	free(m->table);
	*m = (struct live_map){ 0 };
}

/* ---- freed lately ---- */

#define RECENT_SETS 262144
#define RECENT_WAYS 4

bool recent_init(struct recent *r)
{
	r->table = calloc((u64)RECENT_SETS * RECENT_WAYS, sizeof(*r->table));
	r->next = calloc(RECENT_SETS, 1);
	return r->table && r->next;
}

void recent_free(struct recent *r)
{
	free(r->table);
	free(r->next);
	*r = (struct recent){ 0 };
}

static u64 set_of(u64 key)
{
	return mix(key) >> 7 & (RECENT_SETS - 1);
}

bool recent_has(const struct recent *r, u64 key)
{
	const u64 *set = &r->table[set_of(key) * RECENT_WAYS];

	for (u32 i = 0; i < RECENT_WAYS; i++)
		if (set[i] == key)
			return true;
	return false;
}

void recent_add(struct recent *r, u64 key)
{
	u64 set = set_of(key);

	if (recent_has(r, key))
		return;
	r->table[set * RECENT_WAYS + r->next[set]] = key;
	r->next[set] = (r->next[set] + 1) % RECENT_WAYS;
}

bool recent_forget(struct recent *r, u64 key)
{
	u64 *set = &r->table[set_of(key) * RECENT_WAYS];

	for (u32 i = 0; i < RECENT_WAYS; i++) {
		if (set[i] != key)
			continue;
		set[i] = 0;
		return true;
	}
	return false;
}
