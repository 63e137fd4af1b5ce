/*
 * operations_slob.c - the operations of a SLOB recording.
 *
 * A request's own line (O_KMALLOC, O_CACHE_ALLOC) follows its O_ALLOC, and a
 * new page's lines come before both. A free begins with its request; objects of
 * a cache with a grace period come back later, with an O_FREE of their own. A new
 * cache begins with the allocation of its structure: its name may be copied before.
 */
#include "sim/validate/operations_layers.h"

#define PAGE_UNITS 2048u
#define PAGE_BYTES 4096u
#define PAGE_BITS 12
#define HEADER_BYTES 8u

int slob_kind_of(const struct sorted_line *l)
{
	switch (l->line->event) {
	case EV_O_ALLOC: return OP_SLOB_ALLOC;
	case EV_O_KFREE: case EV_O_CACHE_FREE: return OP_SLOB_FREE;
	case EV_O_FREE: return OP_SLOB_RCU_FREE;
	default: return -1;
	}
}

static u64 last_arg(const struct op *op, const struct sorted_line *l, u32 i)
{
	return line_arg(l->r, &l->r->lines[op->last], i);
}

/* The O_FREE before emptied the page that goes back now. */
static bool page_goes(const struct op *op, const struct sorted_line *l)
{
	u64 pfn = sorted_arg(l, 0);

	switch (op->last_event) {
	case EV_O_FREE:
		return last_arg(op, l, 2) + (last_arg(op, l, 1) + 1) / 2 == PAGE_UNITS &&
		       last_arg(op, l, 0) >> PAGE_BITS == pfn;
	case EV_O_CACHE_FREE:
		return last_arg(op, l, 2) >= PAGE_BYTES && !l->rcu[last_arg(op, l, 1)] &&
		       last_arg(op, l, 0) >> PAGE_BITS == pfn;
	default:
		return op->last_event == EV_K_LARGE_FREE;
	}
}

static bool free_takes(const struct op *op, const struct sorted_line *l)
{
	switch (l->line->event) {
	case EV_O_FREE:
		if (op->last_event == EV_O_KFREE)
			return sorted_arg(l, 0) + HEADER_BYTES == last_arg(op, l, 0);
		return op->last_event == EV_O_CACHE_FREE && sorted_arg(l, 0) == last_arg(op, l, 0) &&
		       !l->rcu[last_arg(op, l, 1)];
	case EV_K_LARGE_FREE:
		return op->last_event == EV_O_KFREE;
	case EV_PG_FREE:
		return page_goes(op, l);
	default:
		return l->page_free && l->line->event != EV_PG_FREE_BATCHED;
	}
}

static bool alloc_takes(const struct op *op, const struct sorted_line *l)
{
	switch (l->line->event) {
	case EV_O_ALLOC:
		return op->last_event == EV_O_NEWPAGE;
	case EV_O_KMALLOC:
		return op->last_event == EV_O_ALLOC && sorted_arg(l, 0) == last_arg(op, l, 0) + HEADER_BYTES;
	case EV_O_CACHE_ALLOC:
		return op->last_event == EV_O_ALLOC && sorted_arg(l, 0) == last_arg(op, l, 0);
	default:
		return false;
	}
}

bool slob_takes(const struct op *op, const struct sorted_line *l)
{
	switch (op->kind) {
	case OP_SLOB_ALLOC:
		return alloc_takes(op, l);
	case OP_SLOB_FREE: case OP_SLOB_RCU_FREE:
		return free_takes(op, l);
	case OP_DESTROY:
		return (l->line->event == EV_O_CACHE_FREE && op->open) || free_takes(op, l);
	case OP_CREATE:
		return op->last_event == EV_O_CACHE_ALLOC && l->line->event == EV_CACHE_NEW;
	default:
		return false;
	}
}

/* A page for small objects, or the pages that are the object; or there were none. */
bool slob_takes_pages(const struct op *op, const struct sorted_line *l)
{
	u64 pfn;

	if (op->last_event != EV_PG_ALLOC)
		return false;
	pfn = last_arg(op, l, 0);
	switch (l->line->event) {
	case EV_O_NEWPAGE:
		return sorted_arg(l, 0) >> PAGE_BITS == pfn;
	case EV_O_CACHE_ALLOC: case EV_O_KMALLOC:
		return pfn == NO_PFN ? !sorted_arg(l, 0) : sorted_arg(l, 0) >> PAGE_BITS == pfn;
	default:
		return false;
	}
}

/* The cache of caches has no name in a trace, only an address. */
static bool makes_cache(const struct sorted_line *l)
{
	return l->line->event == EV_O_CACHE_ALLOC && l->r->names[sorted_arg(l, 1)][0] == '?';
}

/* The request for a cache whose structure the line allocates. */
static u32 create_request(const struct sorted_line *l)
{
	const struct line *line = l->line;

	while (line > l->r->lines && (line->event != EV_CACHE_CREATE_REQ || line->pid != l->line->pid))
		line--;
	return (u32)(line - l->r->lines);
}

void slob_note(struct op *op, u32 at, const struct sorted_line *l)
{
	switch (l->line->event) {
	case EV_O_NEWPAGE:
		op->new_page = true;
		/* fall through */
	case EV_O_CACHE_ALLOC: case EV_O_KMALLOC:
		if (op->kind == OP_PAGE)
			op->kind = OP_SLOB_ALLOC;
		if (makes_cache(l)) {
			op->kind = OP_CREATE;
			op->open = true; /* until its CACHE_NEW */
			op->request = create_request(l);
		} else if (l->line->event != EV_O_NEWPAGE) {
			op->request = at;
		}
		break;
	case EV_O_CACHE_FREE:
		if (op->kind == OP_DESTROY)
			op->open = false;
		break;
	}
}
