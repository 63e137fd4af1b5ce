/*
 * extfrag.c - unusable free space index and fragmentation index.
 */
#include "results/extfrag.h"

struct totals {
	u64 blocks, pages, suitable; /* suitable: blocks of the order that the free ones could be cut into */
};

static struct totals add_up(const u64 *nr_free, u32 order)
{
	struct totals t = { 0 };

	for (u32 o = 0; o < EXTFRAG_ORDERS; o++) {
		t.blocks += nr_free[o];
		t.pages += nr_free[o] << o;
		if (o >= order)
			t.suitable += nr_free[o] << (o - order);
	}
	return t;
}

int extfrag_unusable(const u64 nr_free[EXTFRAG_ORDERS], u32 order)
{
	struct totals t = add_up(nr_free, order);

	return t.pages ? (int)((t.pages - (t.suitable << order)) * 1000 / t.pages) : 1000;
}

int extfrag_index(const u64 nr_free[EXTFRAG_ORDERS], u32 order)
{
	struct totals t = add_up(nr_free, order);

	if (!t.blocks)
		return 0;
	if (t.suitable)
		return -1000;
	return 1000 - (int)((1000 + t.pages * 1000 / (1ull << order)) / t.blocks);
}
