/*
 * operations_slab.c - the operations of a SLAB recording.
 *
 * An allocation ends with its own L_ALLOC; what lies between its L_REFILL and
 * that belongs to it, also the allocation of an array of indices outside the
 * slab. A slab of such a cache takes its array along when it is destroyed: one
 * L_FREE follows its L_DESTROY. The periodic reaper is taken cache by cache.
 */
#include "sim/validate/operations_layers.h"

#include <string.h>

int slab_kind_of(const struct sorted_line *l)
{
	switch (l->line->event) {
	case EV_L_ALLOC: case EV_L_ALLOC_BULK: case EV_L_REFILL: case EV_L_GROW: return OP_L_ALLOC;
	case EV_L_FREE: return OP_L_FREE;
	case EV_L_UNTOUCH: case EV_L_DRAIN_ARRAY: case EV_L_REAP: case EV_L_FREE_BLOCK: return OP_L_REAP;
	case EV_L_DO_DRAIN: return OP_L_DRAIN;
	case EV_L_FREEPAGES: return OP_L_RCU_FREE;
	default: return -1;
	}
}

static bool is_alloc(u32 event)
{
	return event == EV_L_ALLOC || event == EV_L_ALLOC_BULK;
}

/* What goes back with slabs that are given up, or with an array that overflows. */
static bool takes_back(const struct op *op, const struct sorted_line *l)
{
	u32 last = op->last_event;

	switch (l->line->event) {
	case EV_L_DESTROY: return true;
	case EV_L_FREEPAGES: return last == EV_L_DESTROY && !l->rcu[sorted_arg(l, 0)];
	case EV_PG_FREE: return last == EV_L_FREEPAGES;
	case EV_L_FREE: return op->left > 0;
	case EV_L_FLUSH: return last == EV_L_FREE;
	case EV_L_FREE_BLOCK: return last == EV_L_FLUSH;
	default:
		return l->page_free && l->line->event != EV_PG_FREE_BATCHED &&
		       last != EV_L_FREE && last != EV_L_FREE_BLOCK;
	}
}

static bool own_cache(const struct op *op, const struct sorted_line *l)
{
	return sorted_arg(l, 0) == op->cache;
}

static bool reap_takes(const struct op *op, const struct sorted_line *l)
{
	switch (l->line->event) {
	case EV_L_UNTOUCH: case EV_L_DRAIN_ARRAY: case EV_L_REAP:
		return own_cache(op, l) && !op->reaped;
	case EV_L_DRAIN_FREELIST:
		return own_cache(op, l) && op->reaped;
	case EV_L_FREE_BLOCK:
		return op->last_event == EV_L_DRAIN_ARRAY || takes_back(op, l);
	default:
		return takes_back(op, l);
	}
}

static bool shrink_takes(const struct op *op, const struct sorted_line *l)
{
	switch (l->line->event) {
	case EV_L_DO_DRAIN: case EV_L_DRAIN_ARRAY: case EV_L_DRAIN_FREELIST:
		return true;
	case EV_L_FREE_BLOCK:
		return op->last_event != EV_CACHE_SHRINK;
	default:
		return takes_back(op, l);
	}
}

static bool of_layer(u32 event)
{
	return event >= EV_L_ALLOC && event <= EV_L_DRAIN_FREELIST;
}

static bool is_cache_of_caches(const struct sorted_line *l)
{
	return !strcmp(l->r->names[sorted_arg(l, 0)], "kmem_cache");
}

bool slab_takes(const struct op *op, const struct sorted_line *l)
{
	switch (op->kind) {
	case OP_L_ALLOC:
		return op->open && (l->page_alloc || l->page_free ||
				    (of_layer(l->line->event) && l->line->event < EV_L_DRAIN_ARRAY));
	case OP_L_FREE:
		return takes_back(op, l) || (l->line->event == EV_L_FREE_BLOCK && op->last_event == EV_L_FREE);
	case OP_L_REAP:
		return reap_takes(op, l);
	case OP_L_DRAIN:
		return takes_back(op, l) ||
		       (l->line->event == EV_L_FREE_BLOCK && op->last_event == EV_L_DO_DRAIN);
	case OP_L_RCU_FREE:
		return l->line->event == EV_PG_FREE ? op->last_event == EV_L_FREEPAGES :
			       l->page_free && l->line->event != EV_PG_FREE_BATCHED;
	case OP_SHRINK:
		return shrink_takes(op, l);
	case OP_DESTROY:
		return op->open && (shrink_takes(op, l) || l->line->event == EV_L_FREE);
	case OP_CREATE:
		if (op->last_event == EV_CACHE_CREATE_REQ) /* a copy of the name may come before */
			return (l->line->event == EV_L_REFILL || l->line->event == EV_L_ALLOC) &&
			       is_cache_of_caches(l);
		return l->page_alloc || l->page_free || of_layer(l->line->event) ||
		       l->line->event == EV_PG_FREE;
	default:
		return false;
	}
}

/* A new slab of a node whose arrays are passed by. */
bool slab_takes_pages(const struct op *op, const struct sorted_line *l)
{
	return l->line->event == EV_L_GROW && op->last_event == EV_PG_ALLOC &&
	       sorted_arg(l, 1) == line_arg(l->r, &l->r->lines[op->last], 0);
}

void slab_note(struct op *op, u32 at, const struct sorted_line *l)
{
	u32 event = l->line->event;

	if (op->kind == OP_PAGE && event == EV_L_GROW)
		op->kind = OP_L_ALLOC;
	if (op->last_event == NO_EVENT || op->cache == NO_CACHE)
		op->cache = of_layer(event) ? (u32)sorted_arg(l, 0) : NO_CACHE;
	if (op->kind == OP_L_ALLOC) {
		bool own = is_alloc(event) && own_cache(op, l);

		op->open = !own;
		op->request = own ? at : op->request;
	}
	if (op->kind == OP_DESTROY && event == EV_L_FREE)
		op->open = !is_cache_of_caches(l);
	op->reaped |= event == EV_L_REAP;
	if (event == EV_L_DESTROY && l->off_slab[sorted_arg(l, 0)])
		op->left++;
	else if (event == EV_L_FREE && op->left > 0 && op->kind != OP_DESTROY)
		op->left--;
}
