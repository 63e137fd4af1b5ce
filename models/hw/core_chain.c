/*
 * core_chain.c - see core_chain.h.
 */
#include "models/hw/core_chain.h"

#include <string.h>

#include "models/rt/rt.h"
#include "sim/engine/ram.h"

#define POINTER_REACH 2048u
#define STRUCT_PAGE_BYTES 64u
#define NO_WORD (~0ull)
#define PERCPU_FIRST 256u
#define PERCPU_END (1u << 20)

u64 kms_my_cpu_offset(void); /* models/rt */

void chain_init(struct core_chain *chain, const struct core_config *core, const struct cache_config *l1d)
{
	double cycle_ps = 1e3 / core->ghz;

	*chain = (struct core_chain){ .on = core->model == HW_CORE_OOO && core->l1_dependences,
				      .latency = (kms_ps)((double)l1d->latency_cycles * cycle_ps + 0.5),
				      .lag = (kms_ps)((double)core->rob / core->ipc * cycle_ps + 0.5) };
	for (u32 i = 0; i < CHAIN_WORDS; i++)
		chain->words[i].word = NO_WORD;
}

/* The frame of an offset into RAM, or of a struct page in the second window. */
static u64 frame_of(u64 off)
{
	return off < SIM_WINDOW2_OFF ? off >> SIM_PAGE_SHIFT : (off - SIM_WINDOW2_OFF) / STRUCT_PAGE_BYTES;
}

/* Is the address near the pointer, or one of both the struct page of the other's page? */
static bool comes_from(u64 off, u64 pointer)
{
	if (off - pointer + POINTER_REACH < 2 * POINTER_REACH)
		return true;
	return (off < SIM_WINDOW2_OFF) != (pointer < SIM_WINDOW2_OFF) && frame_of(off) == frame_of(pointer);
}

/* When the pointers are there that the address lies near, now at the earliest. */
static kms_ps address_ready(const struct core_chain *chain, u64 off, kms_ps now)
{
	kms_ps ready = now;

	for (u32 i = 0; i < CHAIN_VALUES; i++) {
		const struct chain_value *v = &chain->values[i];

		if (v->ready > ready && comes_from(off, v->pointer))
			ready = v->ready;
	}
	return ready;
}

/* When a stored word's data are: a pointer's when it was loaded, else a load's of the same word. */
static kms_ps data_ready(const struct core_chain *chain, const struct chain_word *w, u64 pointer, bool is_pointer)
{
	kms_ps ready = is_pointer ? w->address : w->ready;

	for (u32 i = 0; i < CHAIN_VALUES && is_pointer; i++)
		if (chain->values[i].pointer == pointer && chain->values[i].ready > ready)
			ready = chain->values[i].ready;
	return ready;
}

/*
 * The offset that a word points to, or false. Per-CPU pointers are offsets into
 * the CPU's area, recognised by being small and aligned.
 */
static bool points_to(u64 value, u64 *pointer)
{
	if (value % 8 == 0 && value >= PERCPU_FIRST && value < PERCPU_END)
		value += kms_my_cpu_offset();
	*pointer = value - SIM_RAM_BASE;
	return *pointer < sim_ram_limit;
}

static void load(struct core_chain *chain, struct chain_word *w, struct sim_cpu *sim, u64 off)
{
	kms_ps now = sim->clock, ready = address_ready(chain, off, now), data;
	u64 value, pointer;
	bool is_pointer;

	memcpy(&value, ram_ptr(off & ~7ull), sizeof(value));
	is_pointer = points_to(value, &pointer);
	if (w->word == off >> 3 && w->stored) {
		data = data_ready(chain, w, pointer, is_pointer);
		ready = data > ready ? data : ready;
	}
	if (ready > now && ready + chain->latency > chain->bound)
		chain->bound = ready + chain->latency;
	ready += chain->latency;
	if (is_pointer)
		chain->values[chain->next++ % CHAIN_VALUES] = (struct chain_value){ pointer, ready };
	*w = (struct chain_word){ off >> 3, ready, 0, false };
	chain->latest = ready > chain->latest ? ready : chain->latest;
	if (ready > now + chain->lag)
		sim_charge(sim, PART_L1, ready - now - chain->lag);
}

/* Who loads it next waits for the store's address, too. */
static void store(const struct core_chain *chain, struct chain_word *w, u64 off, kms_ps now)
{
	kms_ps address = address_ready(chain, off, now);

	if (w->word != off >> 3)
		w->ready = 0;
	*w = (struct chain_word){ off >> 3, w->ready > address ? w->ready : address, address, true };
}

void chain_access(struct core_chain *chain, struct sim_cpu *sim, u64 off, enum sim_access kind)
{
	struct chain_word *w = &chain->words[off >> 3 & (CHAIN_WORDS - 1)];

	if (off + 8 > sim_ram_limit)
		return;
	if (kind == SIM_READ || kind == SIM_ATOMIC_LOCAL)
		load(chain, w, sim, off);
	if (kind == SIM_WRITE || kind == SIM_ATOMIC_LOCAL)
		store(chain, w, off, sim->clock);
	if (kind == SIM_ATOMIC && chain->latest > sim->clock)
		sim_charge(sim, PART_L1, chain->latest - sim->clock);
}
