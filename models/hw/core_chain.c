/*
 * core_chain.c - see core_chain.h.
 */
#include "models/hw/core_chain.h"

#include <string.h>

#include "models/rt/rt.h"
#include "sim/engine/ram.h"

#define POINTER_REACH 2048u
#define NO_WORD (~0ull)

void chain_init(struct core_chain *chain, const struct core_config *core, const struct cache_config *l1d)
{
	double cycle_ps = 1e3 / core->ghz;

	*chain = (struct core_chain){ .on = core->model == HW_CORE_OOO && core->l1_dependences,
				      .latency = (kms_ps)((double)l1d->latency_cycles * cycle_ps + 0.5),
				      .lag = (kms_ps)((double)core->rob / core->ipc * cycle_ps + 0.5) };
	for (u32 i = 0; i < CHAIN_WORDS; i++)
		chain->words[i].word = NO_WORD;
}

/* When the pointers are there that the address lies near, now at the earliest. */
static kms_ps address_ready(const struct core_chain *chain, u64 off, kms_ps now)
{
	kms_ps ready = now;

	for (u32 i = 0; i < CHAIN_VALUES; i++) {
		const struct chain_value *v = &chain->values[i];

		if (v->ready > ready && off - v->pointer + POINTER_REACH < 2 * POINTER_REACH)
			ready = v->ready;
	}
	return ready;
}

/* When a stored word's data are: a pointer's when it was loaded, else a load's of the same word. */
static kms_ps data_ready(const struct core_chain *chain, const struct chain_word *w, u64 pointer, bool is_pointer)
{
	kms_ps ready = is_pointer ? 0 : w->ready;

	for (u32 i = 0; i < CHAIN_VALUES && is_pointer; i++)
		if (chain->values[i].pointer == pointer && chain->values[i].ready > ready)
			ready = chain->values[i].ready;
	return ready;
}

static void load(struct core_chain *chain, struct chain_word *w, struct sim_cpu *sim, u64 off)
{
	kms_ps now = sim->clock, ready = address_ready(chain, off, now), data;
	u64 value, pointer;
	bool is_pointer;

	memcpy(&value, ram_ptr(off & ~7ull), sizeof(value));
	pointer = value - SIM_RAM_BASE;
	is_pointer = pointer < sim_ram_limit;
	if (w->word == off >> 3 && w->stored) {
		data = data_ready(chain, w, pointer, is_pointer);
		ready = data > ready ? data : ready;
	}
	ready += chain->latency;
	if (is_pointer)
		chain->values[chain->next++ % CHAIN_VALUES] = (struct chain_value){ pointer, ready };
	*w = (struct chain_word){ off >> 3, ready, false };
	chain->latest = ready > chain->latest ? ready : chain->latest;
	if (ready > now + chain->lag)
		sim_charge(sim, PART_L1, ready - now - chain->lag);
}

static void store(struct chain_word *w, u64 off, kms_ps now)
{
	if (w->word != off >> 3)
		w->ready = now;
	w->word = off >> 3;
	w->stored = true;
}

void chain_access(struct core_chain *chain, struct sim_cpu *sim, u64 off, enum sim_access kind)
{
	struct chain_word *w = &chain->words[off >> 3 & (CHAIN_WORDS - 1)];

	if (off + 8 > sim_ram_limit)
		return;
	if (kind == SIM_READ || kind == SIM_ATOMIC_LOCAL)
		load(chain, w, sim, off);
	if (kind == SIM_WRITE || kind == SIM_ATOMIC_LOCAL)
		store(w, off, sim->clock);
	if (kind == SIM_ATOMIC && chain->latest > sim->clock)
		sim_charge(sim, PART_L1, chain->latest - sim->clock);
}
