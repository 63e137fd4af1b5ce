/*
 * book.c - the pages that a loaded policy holds and the objects in use in them.
 *
 * Kept on the host, beside the policy's own structures, which it cannot know:
 * a byte a page of RAM for its owner, a bit for each 8 bytes for objects in use,
 * a hash table by address for who asked for them. Reserved, not allocated: host
 * memory is used for what the policy uses.
 */
#include "sim/plugin/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define WORDS_PER_PAGE (SIM_PAGE_BYTES / 8 / 64)
#define FIRST_CAPACITY 4096

struct book book;

static void *reserve(u64 bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int book_open(u64 ram_bytes, struct kms_error *err)
{
	book = (struct book){ .nr_pages = ram_bytes >> SIM_PAGE_SHIFT, .capacity = FIRST_CAPACITY };
	book.page = reserve(book.nr_pages);
	book.used = reserve(book.nr_pages * WORDS_PER_PAGE * sizeof(u64));
	book.objects = calloc(book.capacity, sizeof(*book.objects));
	if (book.page && book.used && book.objects)
		return 0;
	return kms_fail(err, KMS_EFAIL, "no memory for the books on a loaded policy");
}

void book_close(void)
{
	struct plugin_cache *c;

	if (book.page)
		munmap(book.page, book.nr_pages);
	if (book.used)
		munmap(book.used, book.nr_pages * WORDS_PER_PAGE * sizeof(u64));
	free(book.objects);
	while ((c = book.caches)) {
		book.caches = c->next;
		free(c);
	}
	book = (struct book){ 0 };
}

/* ---- pages ---- */

void book_take_pages(u64 pfn, u32 order)
{
	book.page[pfn] = (u8)(BOOK_HEAD + order);
	memset(book.page + pfn + 1, BOOK_TAIL, (1ul << order) - 1);
	book.pages_held += 1ul << order;
}

void book_give_pages(u64 pfn, u32 order)
{
	const struct book_object *in_use;
	char text[300];

	if (pfn >= book.nr_pages || book.page[pfn] != BOOK_HEAD + order)
		plugin_fault("frees page frame %#llx, order %u, which %s", (unsigned long long)pfn, order,
			     pfn >= book.nr_pages	       ? "is outside RAM"
			     : book.page[pfn] == BOOK_RETURNED ? "it has already given back"
			     : book.page[pfn] == BOOK_FOREIGN  ? "it never got from alloc_pages()"
			     : book.page[pfn] == BOOK_TAIL     ? "is not the first of its block"
							       : "it got with another order");
	in_use = book_overlap(pfn << SIM_PAGE_SHIFT, (u64)SIM_PAGE_BYTES << order);
	if (in_use)
		plugin_fault("frees page frame %#llx, order %u, in which %s lies", (unsigned long long)pfn,
			     order, plugin_describe_object(text, sizeof(text), in_use));
	memset(book.page + pfn, BOOK_RETURNED, 1ul << order);
	book.pages_held -= 1ul << order;
}

/* ---- objects ---- */

static u64 slot_of(u64 off)
{
	return (off >> 3) * 0x9e3779b97f4a7c15ull >> 20 & (book.capacity - 1);
}

struct book_object *book_find(u64 off)
{
	u64 i;

	for (i = slot_of(off); book.objects[i].off; i = (i + 1) & (book.capacity - 1))
		if (book.objects[i].off == off)
			return &book.objects[i];
	return NULL;
}

static void insert(const struct book_object *object)
{
	u64 i = slot_of(object->off);

	while (book.objects[i].off)
		i = (i + 1) & (book.capacity - 1);
	book.objects[i] = *object;
}

static int grow(void)
{
	struct book_object *old = book.objects, *new = calloc(2 * book.capacity, sizeof(*new));
	u64 n = book.capacity;

	if (!new)
		return KMS_EFAIL;
	book.objects = new;
	book.capacity *= 2;
	for (u64 i = 0; i < n; i++)
		if (old[i].off)
			insert(&old[i]);
	free(old);
	return 0;
}

/* Granules [first, last], both in use or both not. */
static void mark(u64 off, u64 bytes, bool used)
{
	u64 i = off >> 3, end = (off + bytes + 7) >> 3;

	while (i < end) {
		u64 bit = i & 63, n = end - i < 64 - bit ? end - i : 64 - bit;
		u64 mask = (n == 64 ? ~0ull : (1ull << n) - 1) << bit;

		if (used)
			book.used[i >> 6] |= mask;
		else
			book.used[i >> 6] &= ~mask;
		i += n;
	}
}

int book_add(const struct book_object *object)
{
	if (2 * (book.nr_objects + 1) > book.capacity && grow())
		return KMS_EFAIL;
	insert(object);
	mark(object->off, object->size, true);
	book.nr_objects++;
	book.bytes_held += object->held;
	if (object->cache)
		object->cache->live++;
	return 0;
}

void book_remove(struct book_object *object)
{
	u64 i = (u64)(object - book.objects), next = i;

	mark(object->off, object->size, false);
	book.nr_objects--;
	book.bytes_held -= object->held;
	if (object->cache)
		object->cache->live--;
	/* close the gap: move up what would not be found behind it */
	for (;;) {
		u64 home;

		next = (next + 1) & (book.capacity - 1);
		if (!book.objects[next].off)
			break;
		home = slot_of(book.objects[next].off);
		if (((next - home) & (book.capacity - 1)) >= ((next - i) & (book.capacity - 1))) {
			book.objects[i] = book.objects[next];
			i = next;
		}
	}
	book.objects[i].off = 0;
}

static bool any_used(u64 off, u64 bytes)
{
	for (u64 at = off & ~7ull; at < off + bytes; at += 8)
		if (book_used(at))
			return true;
	return false;
}

const struct book_object *book_overlap(u64 off, u64 bytes)
{
	const struct book_object *found = NULL;

	if (!any_used(off, bytes))
		return NULL;
	for (u64 i = 0; i < book.capacity; i++) {
		const struct book_object *o = &book.objects[i];

		if (o->off && o->off < off + bytes && off < ((o->off + o->size + 7) & ~7ull) &&
		    (!found || o->off < found->off))
			found = o;
	}
	return found;
}
