/*
 * book_state.c - the books on a loaded policy as bytes, for saved states.
 *
 * The policy's own memory (pages, static variables) is saved by others; here is
 * what this side knows of it: pages it holds, its slab caches, objects in use,
 * and where static variables and per-CPU memory are charged.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/plugin/internal.h"

static void save_pages(struct bytes *b)
{
	u64 since = 0;

	for (u64 pfn = 1; pfn <= book.nr_pages; pfn++) {
		if (pfn < book.nr_pages && book.page[pfn] == book.page[since])
			continue;
		bytes_put_varint(b, pfn - since);
		bytes_put_varint(b, book.page[since]);
		since = pfn;
	}
	bytes_put_varint(b, 0);
	bytes_put_varint(b, book.pages_held);
}

static void load_pages(struct cursor *c)
{
	u64 at = 0, n;

	while ((n = cursor_varint_max(c, book.nr_pages - at))) {
		u64 what = cursor_varint_max(c, 255);

		if (what)
			memset(book.page + at, (int)what, n);
		at += n;
	}
	book.pages_held = cursor_varint(c);
}

static void save_caches(struct bytes *b)
{
	const struct plugin_cache *c;
	u32 n = 0;

	for (c = book.caches; c; c = c->next)
		n++;
	bytes_put_varint(b, n);
	for (c = book.caches; c; c = c->next) {
		bytes_put_varint(b, (u64)(uintptr_t)c->handle);
		bytes_put_varint(b, c->args.size);
		bytes_put_varint(b, c->args.align);
		bytes_put_varint(b, c->args.flags);
		bytes_put_varint(b, c->args.id);
		bytes_put_varint(b, c->name);
		bytes_put_varint(b, c->gone);
	}
	bytes_put_varint(b, book.nr_caches);
}

/* In the same order. False: no host memory. */
static bool load_caches(struct cursor *c)
{
	struct plugin_cache **end = &book.caches;
	u64 n = cursor_varint_max(c, 1u << 24);

	while (*end)
		end = &(*end)->next;
	for (u64 i = 0; i < n && !c->bad; i++) {
		struct plugin_cache *new = calloc(1, sizeof(*new));

		if (!new)
			return false;
		new->handle = (struct kms_cache *)(uintptr_t)cursor_varint(c);
		new->args.size = (u32)cursor_varint(c);
		new->args.align = (u32)cursor_varint(c);
		new->args.flags = (u32)cursor_varint(c);
		new->args.id = (u32)cursor_varint(c);
		new->name = cursor_varint(c);
		new->gone = cursor_varint(c);
		*end = new;
		end = &new->next;
	}
	book.nr_caches = (u32)cursor_varint(c);
	return true;
}

static void save_objects(struct bytes *b)
{
	bytes_put_varint(b, book.nr_objects);
	for (u64 i = 0; i < book.capacity; i++) {
		const struct book_object *o = &book.objects[i];

		if (!o->off)
			continue;
		bytes_put_varint(b, o->off);
		bytes_put_varint(b, o->request);
		bytes_put_varint(b, o->cache ? o->cache->args.id + 1 : 0);
		bytes_put_varint(b, o->size);
		bytes_put_varint(b, o->held);
		bytes_put_varint(b, o->gfp);
		bytes_put_varint(b, o->cpu);
	}
}

static bool load_objects(struct cursor *c)
{
	u64 n = cursor_varint(c), limit = book.nr_pages << SIM_PAGE_SHIFT;

	for (u64 i = 0; i < n && !c->bad; i++) {
		struct book_object o = { .off = cursor_varint_max(c, limit - 1), .request = cursor_varint(c) };
		u64 cache = cursor_varint(c);

		o.cache = cache ? plugin_cache_at((u32)cache - 1) : NULL;
		o.size = (u32)cursor_varint_max(c, limit - o.off);
		o.held = (u32)cursor_varint(c);
		o.gfp = (u32)cursor_varint(c);
		o.cpu = (u32)cursor_varint(c);
		if (!o.off || (cache && !o.cache))
			c->bad = true;
		if (!c->bad && book_add(&o))
			return false;
	}
	return true;
}

struct plugin_cache *plugin_cache_at(u32 id)
{
	struct plugin_cache *c = book.caches;

	while (c && c->args.id != id)
		c = c->next;
	return c;
}

u32 plugin_cache_number(const struct kmem_cache *s)
{
	return ((const struct plugin_cache *)s)->args.id;
}

struct kmem_cache *plugin_cache_of_number(u32 number)
{
	return (struct kmem_cache *)plugin_cache_at(number);
}

void plugin_save_books(struct bytes *b)
{
	bytes_put_varint(b, plugin.policy == plugin.cycle);
	bytes_put_varint(b, plugin.data_off);
	bytes_put_varint(b, plugin.data_order);
	save_pages(b);
	save_caches(b);
	save_objects(b);
	plugin_save_percpu(b);
}

int plugin_load_books(struct cursor *c, struct kms_error *err)
{
	bool ok, instrumented = cursor_varint(c);

	if (instrumented != (plugin.policy == plugin.cycle))
		return kms_fail(err, KMS_EUSAGE, "the state was made by the policy's %s flavour, which has static variables of "
				"its own: %s", instrumented ? "instrumented" : "plain",
				instrumented ? "go on in cycle timing or with --check"
					     : "go on in functional timing without --check, or make it with --check");
	mm_plugged_begins();
	plugin.data_off = cursor_varint_max(c, sim_ram_limit);
	plugin.data_order = (u32)cursor_varint_max(c, 10);
	load_pages(c);
	ok = load_caches(c) && load_objects(c);
	if (ok)
		plugin_load_percpu(c);
	if (!ok)
		return kms_fail(err, KMS_EFAIL, "no memory for the books on a loaded policy");
	return c->bad ? kms_fail(err, KMS_EUSAGE, "the state's part about the policy does not fit it") : 0;
}
