/*
 * adversary_programs.c - the moves of each adversary and micro-benchmark.
 */
#include "workloads/adversary_programs.h"

#include <stdio.h>

#include "models/mm/mm_types.h"

#define RECLAIM_ACCOUNT 0x20000u /* SLAB_RECLAIM_ACCOUNT of Linux 6.1 */

static struct move *by_all(struct program *p, struct move *m)
{
	m->nr_cpus = p->nr_cpus;
	return m;
}

static void free_but(struct program *p, u32 group, u64 every)
{
	struct move *m = move_free(p, group, IN_ORDER);

	m->every = (u32)every;
	m->but = true;
}

/* ---- fragmentation of memory ---- */

static void fill_and_free_every_second(struct program *p, const struct adversary_params *v, u32 order)
{
	u32 page = thing_pages(p, "checkerboard", order, GFP_USER);

	move_phase(p, "fill");
	move_alloc(p, page, 0, v->objects);
	move_phase(p, "free-every-second");
	free_but(p, 0, 2);
}

void write_checkerboard(struct program *p, const struct adversary_params *v)
{
	fill_and_free_every_second(p, v, (u32)v->order);
}

void write_high_order(struct program *p, const struct adversary_params *v)
{
	u32 block = thing_pages(p, "burst", (u32)v->order, GFP_KERNEL | __GFP_NOWARN | __GFP_COMP);

	fill_and_free_every_second(p, v, 0);
	move_phase(p, "bursts");
	move_repeat(p, v->rounds);
	move_alloc(p, block, 1, 32);
	move_free(p, 1, IN_ORDER);
	move_end_repeat(p);
}

void write_pollution(struct program *p, const struct adversary_params *v)
{
	u32 user = thing_pages(p, "user", 0, GFP_HIGHUSER_MOVABLE);
	u32 kernel = thing_pages(p, "kernel", 0, GFP_KERNEL);

	move_phase(p, "user-memory");
	move_alloc(p, user, 0, v->objects);
	move_phase(p, "pollute");
	move_repeat(p, v->rounds);
	move_free(p, 0, SHUFFLED)->n = 64;
	move_alloc(p, kernel, 1, 16);
	move_alloc(p, user, 2, 40);
	move_end_repeat(p);
	move_phase(p, "exit");
	move_free(p, 0, IN_ORDER);
	move_free(p, 2, IN_ORDER);
}

void write_sparse_slabs(struct program *p, const struct adversary_params *v)
{
	u32 dentry = thing_object(p, "adversary_dentry", 192, RECLAIM_ACCOUNT);
	u32 inode = thing_object(p, "adversary_inode", 1096, RECLAIM_ACCOUNT);
	u32 vma = thing_object(p, "adversary_vma", 200, 0);
	u32 page = thing_pages(p, "build", 0, GFP_HIGHUSER_MOVABLE);

	move_phase(p, "updatedb");
	move_repeat(p, v->objects);
	move_alloc(p, dentry, 0, 1);
	move_alloc(p, inode, 1, 1);
	move_end_repeat(p);
	move_phase(p, "forget");
	free_but(p, 0, v->every);
	free_but(p, 1, v->every);
	move_phase(p, "build");
	move_repeat(p, v->rounds);
	move_alloc(p, vma, 2, 64);
	move_alloc(p, page, 3, 256);
	move_free(p, 2, SHUFFLED);
	move_free(p, 3, SHUFFLED);
	move_end_repeat(p);
}

void write_leak(struct program *p, const struct adversary_params *v)
{
	u32 leak = thing_kmalloc(p, "leak", v->size);
	u32 session = thing_kmalloc(p, "session", v->size);

	move_phase(p, "serve");
	move_repeat(p, v->rounds);
	move_alloc(p, session, 0, v->objects);
	move_alloc(p, leak, PROGRAM_LEAK, v->objects / 64 + 1);
	move_free(p, 0, SHUFFLED)->n = v->objects;
	move_end_repeat(p);
	move_phase(p, "rush");
	move_alloc(p, session, 1, v->objects * 16);
	move_phase(p, "after");
	free_but(p, 1, v->every);
}

/* ---- slab layers ---- */

void write_ping_pong(struct program *p, const struct adversary_params *v)
{
	u32 ball = thing_kmalloc(p, "ball", v->size);

	move_phase(p, "ping-pong");
	move_repeat(p, v->rounds);
	for (u32 cpu = 0; cpu < p->nr_cpus; cpu++) {
		struct move *m = move_alloc(p, ball, 0, v->objects);

		m->first_cpu = cpu;
		m = move_free(p, 0, IN_ORDER);
		m->first_cpu = (cpu + 1) % p->nr_cpus;
		m->shift = 1;
		if (p->nr_moves > PROGRAM_MOVES - 8)
			break;
	}
	move_end_repeat(p);
}

void write_remote_storm(struct program *p, const struct adversary_params *v)
{
	u32 packet = thing_kmalloc(p, "packet", v->size);
	struct move *m;

	move_phase(p, "storm");
	move_repeat(p, v->rounds);
	move_alloc(p, packet, 0, v->objects);
	m = move_free(p, 0, SHUFFLED);
	m->first_cpu = 1;
	m->nr_cpus = p->nr_cpus - 1;
	m->owner = 0;
	move_end_repeat(p);
}

void write_size_borders(struct program *p, const struct adversary_params *v)
{
	static const u32 classes[] = {32, 64, 128, 256, 512, 1024, 2048, 4096};
	u32 below[KMS_ARRAY_SIZE(classes)], above[KMS_ARRAY_SIZE(classes)];

	for (u32 i = 0; i < KMS_ARRAY_SIZE(classes); i++) {
		below[i] = thing_kmalloc(p, "at-border", classes[i]);
		above[i] = thing_kmalloc(p, "above-border", classes[i] + 1);
	}
	move_phase(p, "thrash");
	move_repeat(p, v->rounds);
	for (u32 i = 0; i < KMS_ARRAY_SIZE(classes); i++) {
		move_alloc(p, below[i], 0, v->objects);
		move_alloc(p, above[i], 1, v->objects);
		move_free(p, 0, IN_ORDER);
		move_free(p, 1, REVERSED);
	}
	move_end_repeat(p);
	move_phase(p, "hold");
	for (u32 i = 0; i < KMS_ARRAY_SIZE(classes); i++)
		move_alloc(p, above[i], PROGRAM_LEAK, v->objects);
}

/* ---- micro-benchmarks: a phase for each size or order ---- */

static const u32 bench_sizes[] = {8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192};

/* The given size alone, or all of them. */
static bool wanted(const struct adversary_params *v, u32 i)
{
	return v->size ? i == 0 : i < KMS_ARRAY_SIZE(bench_sizes);
}

static u32 bench_thing(struct program *p, const struct adversary_params *v, u32 i, const char *what)
{
	u32 size = v->size ? (u32)v->size : bench_sizes[i];
	char name[64];

	snprintf(name, sizeof(name), "%s-%u", what, size);
	move_phase(p, name);
	return thing_kmalloc(p, name, size);
}

void write_slab_batch(struct program *p, const struct adversary_params *v)
{
	for (u32 i = 0; wanted(v, i); i++) {
		move_alloc(p, bench_thing(p, v, i, "batch"), 0, v->objects);
		move_free(p, 0, IN_ORDER);
	}
}

void write_slab_pairs(struct program *p, const struct adversary_params *v)
{
	for (u32 i = 0; wanted(v, i); i++)
		move_pairs(p, bench_thing(p, v, i, "pairs"), v->objects);
}

void write_slab_remote(struct program *p, const struct adversary_params *v)
{
	for (u32 i = 0; wanted(v, i); i++) {
		by_all(p, move_alloc(p, bench_thing(p, v, i, "remote"), 0, v->objects));
		by_all(p, move_free(p, 0, IN_ORDER))->shift = 1;
	}
}

void write_slab_concurrent(struct program *p, const struct adversary_params *v)
{
	for (u32 i = 0; wanted(v, i); i++) {
		u32 thing = bench_thing(p, v, i, "concurrent");

		by_all(p, move_alloc(p, thing, 0, v->objects));
		by_all(p, move_free(p, 0, IN_ORDER));
		by_all(p, move_pairs(p, thing, v->objects));
	}
}

static u32 page_thing(struct program *p, u32 order, const char *what)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-order-%u", what, order);
	move_phase(p, name);
	return thing_pages(p, name, order, GFP_KERNEL | (order ? __GFP_COMP : 0));
}

/* As many pages of every order: fewer blocks of the larger ones. */
void write_page_batch(struct program *p, const struct adversary_params *v)
{
	for (u32 order = 0; order <= v->order; order++) {
		u64 blocks = v->objects >> order;

		by_all(p, move_alloc(p, page_thing(p, order, "batch"), 0, blocks ? blocks : 1));
		by_all(p, move_free(p, 0, IN_ORDER));
	}
}

void write_page_pairs(struct program *p, const struct adversary_params *v)
{
	for (u32 order = 0; order <= v->order; order++)
		by_all(p, move_pairs(p, page_thing(p, order, "pairs"), v->objects));
}
