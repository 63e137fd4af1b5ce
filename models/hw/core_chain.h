/*
 * core_chain.h - dependences between loads that hit L1D (core.l1_dependences).
 *
 * core.c knows dependences only upon loads whose line is still on its way. With
 * this, every load has a time at which its data are there: an L1D latency after
 * its address is, and its address is there when the pointer is that it lies near
 * (by value, as in core.c), or, for what was just stored, when the stored value
 * was. The clock goes on meanwhile; it waits when a load is later than what the
 * reorder buffer holds, and at atomics. So a chase through L1D takes its latency
 * a load, and other work hides it.
 */
#ifndef MODELS_HW_CORE_CHAIN_H
#define MODELS_HW_CORE_CHAIN_H

#include "models/hw/machine_config.h"
#include "sim/engine/engine.h"

#define CHAIN_VALUES 32u
#define CHAIN_WORDS 64u

/* A pointer that was loaded. */
struct chain_value {
	u64 pointer; /* offset */
	kms_ps ready;
};

/* A word that was accessed last of those that share its place. */
struct chain_word {
	u64 word; /* offset / 8 */
	kms_ps ready, address; /* data; of a store, its address */
	bool stored;
};

struct core_chain {
	bool on;
	u32 next;
	kms_ps latency, lag; /* of L1D; work that the reorder buffer holds */
	kms_ps latest;	     /* of all loads */
	kms_ps bound;	     /* ... of those that waited for another */
	struct chain_value values[CHAIN_VALUES];
	struct chain_word words[CHAIN_WORDS];
};

void chain_init(struct core_chain *chain, const struct core_config *core, const struct cache_config *l1d);
/* An access whose own cost was charged; charges what it has to wait for. */
void chain_access(struct core_chain *chain, struct sim_cpu *sim, u64 off, enum sim_access kind);

#endif
