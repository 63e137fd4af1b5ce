/*
 * import_names.c - interning of call sites and slab cache names.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "workloads/import_internal.h"

void names_free(struct names *names)
{
	for (u32 i = 0; i < names->n; i++)
		free(names->texts[i]);
	free(names->texts);
	free(names->lengths);
	free(names->table);
	*names = (struct names){ 0 };
}

static u32 *place(const struct names *names, const char *text, size_t length)
{
	u64 at = XXH3_64bits(text, length);

	for (;; at++) {
		u32 *entry = &names->table[at & (names->capacity - 1)];

		if (!*entry || (names->lengths[*entry - 1] == length &&
				!memcmp(names->texts[*entry - 1], text, length)))
			return entry;
	}
}

static bool grow(struct names *names)
{
	u32 capacity = names->capacity ? 2 * names->capacity : 1024;
	u32 *table = calloc(capacity, sizeof(*table));
	char **texts = realloc(names->texts, capacity / 2 * sizeof(*texts));
	u32 *lengths;

	if (texts)
		names->texts = texts;
	lengths = realloc(names->lengths, capacity / 2 * sizeof(*lengths));
	if (lengths)
		names->lengths = lengths;
	if (!table || !texts || !lengths) {
		free(table);
		return false;
	}
	free(names->table);
	names->table = table;
	names->capacity = capacity;
	for (u32 i = 0; i < names->n; i++)
		*place(names, names->texts[i], names->lengths[i]) = i + 1;
	return true;
}

s64 names_enter(struct names *names, const char *text, size_t length)
{
	u32 *entry;

	if (names->n == names->capacity / 2 && !grow(names))
		return -1;
	entry = place(names, text, length);
	if (*entry)
		return *entry - 1;
	names->texts[names->n] = strndup(text, length);
	if (!names->texts[names->n])
		return -1;
	names->lengths[names->n] = (u32)length;
	*entry = ++names->n;
	return names->n - 1;
}
