/*
 * golden_slob.c - the lists that a test of a SLOB kernel begins with.
 *
 * Each G line is a page with free blocks. Here a page of our own stands for it,
 * with the same blocks at the same offsets, in the same place of its list; what
 * else lies in it is in use and never freed. golden_slub.c runs the test.
 */
#ifndef KMS_FLAVOUR_PLAIN
#define KMS_FLAVOUR_PLAIN
#endif
#include "models/mm/page_internal.h"
#include "models/mm/slob.h"
#undef memset
#undef memcpy

#include "sim/validate/golden_internal.h"

#include <stdlib.h>

static int bad_line(struct golden_replay *r, const struct golden_slob_page *g)
{
	return kms_fail(r->err, KMS_EUSAGE,
			"%s:%llu: found \"%.60s\", expected a list (0 to 2), a page's address, its free "
			"units and ascending blocks \"offset,units\" that add up to them",
			r->file->path, (unsigned long long)g->line, g->text);
}

static void write_block(struct slob_block *block, s32 units, s32 next)
{
	block->word = (s16)(units > 1 ? units : -next);
	if (units > 1)
		block[1].word = (s16)next;
}

/* "269,15 384,12": fills the page's free blocks in. False: they make no sense. */
static bool write_blocks(struct page *page, const char *at)
{
	struct slob_block *base = page_address(page), *last = NULL;
	s32 last_units = 0, end = 0, sum = 0;

	for (;;) {
		char *stop;
		long offset = strtol(at, &stop, 10), units;

		if (stop == at)
			break;
		if (*stop != ',')
			return false;
		at = stop + 1;
		units = strtol(at, &stop, 10);
		if (stop == at || offset < end || units < 1 || offset >= SLOB_PAGE_UNITS ||
		    units > SLOB_PAGE_UNITS - offset)
			return false;
		if (last)
			write_block(last, last_units, (s32)offset);
		else
			page->freelist = base + offset;
		last = base + offset;
		last_units = (s32)units;
		end = (s32)(offset + units);
		sum += last_units;
		at = stop;
	}
	if (!last)
		return false;
	write_block(last, last_units, SLOB_PAGE_UNITS);
	return sum == page->units;
}

static int restore_page(struct golden_replay *r, const struct golden_slob_page *g, golden_bind_fn *bind,
			void *arg)
{
	struct page *page = mm_ops_plain.alloc_pages(GFP_KERNEL, 0, NUMA_NO_NODE);
	char *at;
	u64 list = strtoull(g->text, &at, 10), address = strtoull(at, &at, 16);

	if (!page)
		return kms_fail(r->err, KMS_EFAIL, "no memory for the lists of '%s'", r->file->path);
	page->units = (s64)strtoull(at, &at, 10);
	page->flags |= PG_slab | PG_slob_free;
	if (list >= NR_SLOB_LISTS || (address & ~PAGE_MASK) || *at != ':' || !write_blocks(page, at + 1))
		return bad_line(r, g);
	list_add_tail(&page->lru, &kdata->free_slob[list]);
	return bind(arg, (u64)page_address(page), address) ? 0 : bad_line(r, g);
}

int golden_slob_restore(struct golden_replay *r, golden_bind_fn *bind, void *arg)
{
	const struct golden_test *t = r->test;
	int rc = 0;

	for (u32 i = 0; i < NR_SLOB_LISTS; i++)
		INIT_LIST_HEAD(&kdata->free_slob[i]);
	for (u32 i = 0; i < t->nr_slob_pages && !rc; i++)
		rc = restore_page(r, &r->file->slob_pages[t->first_slob_page + i], bind, arg);
	return rc;
}
