/*
 * operations_layers.h - which lines of SLAB and SLOB belong to one operation.
 *
 * Between operations.c, which sorts all lines of a trace, and
 * operations_slab.c and operations_slob.c, which know these two layers' lines.
 */
#ifndef SIM_VALIDATE_OPERATIONS_LAYERS_H
#define SIM_VALIDATE_OPERATIONS_LAYERS_H

#include "sim/validate/operations.h"

/* A line with what operations.c knows about it. */
struct sorted_line {
	const struct recording *r;
	const struct line *line;
	const bool *rcu, *off_slab; /* by cache name */
	bool page_alloc, page_free; /* one of the page allocator's own */
};

static inline u64 sorted_arg(const struct sorted_line *l, u32 i)
{
	return line_arg(l->r, l->line, i);
}

/* Kind of operation that begins with the line; -1: none of this layer. */
int slab_kind_of(const struct sorted_line *l);
int slob_kind_of(const struct sorted_line *l);
/* An operation of the layer: may it have the line? */
bool slab_takes(const struct op *op, const struct sorted_line *l);
bool slob_takes(const struct op *op, const struct sorted_line *l);
/* A line begins or continues the operation. */
void slab_note(struct op *op, u32 at, const struct sorted_line *l);
void slob_note(struct op *op, u32 at, const struct sorted_line *l);
/* An allocation of pages goes on as one of the layer. */
bool slab_takes_pages(const struct op *op, const struct sorted_line *l);
bool slob_takes_pages(const struct op *op, const struct sorted_line *l);

#endif
