/*
 * dump.h - what the two halves of a dump's comparison share.
 */
#ifndef SIM_VALIDATE_DUMP_H
#define SIM_VALIDATE_DUMP_H

#include "sim/validate/replay.h"

struct dump {
	struct replay *v;
	struct validate_snapshot *snapshot;
	const char *file;
	u32 line;
	u8 free_seen[64][MAX_NR_ZONES][MAX_ORDER]; /* bit: migratetype */
	u16 pcp_seen[64][MAX_NR_ZONES][MEMBLOCK_MAX_CPUS];
	/* within one slab cache, in the order of the dump */
	const struct page *cpu_partial; /* next of the CPU's chain */
	const struct list_head *node_partial;
	u64 slab_pages; /* mentioned */
	/* SLAB: the cache and node that lines are about; SLOB: lists by size */
	const struct slab_cache *cache;
	u64 cache_pointer;
	u32 node;
	const struct list_head *list[3];
};

/* One list or value: equal, or what the dump says and what is here. */
void dump_count(struct dump *d, bool equal, const char *what, const char *ours);
/* Value of " key=" in a dump's line; false: it has none. */
bool dump_key(const char *line, const char *key, u64 *value, int base);
const char *dump_numbers(const char *line, u64 *numbers, u32 n);

/* dump_layers.c: a line about SLAB or SLOB; false: it is none. Lists must be at their end. */
bool dump_layer_line(struct dump *d, const char *line, int *rc);
void dump_layer_end(struct dump *d);

int dump_cache(struct dump *d, const char *line);
int dump_cpu_slab(struct dump *d, const char *line);
int dump_cpu_partial(struct dump *d, const char *line);
int dump_node(struct dump *d, const char *line);
int dump_node_partial(struct dump *d, const char *line);
int dump_slab_page(struct dump *d, const char *line);
void dump_check_slab_pages(struct dump *d);

#endif
