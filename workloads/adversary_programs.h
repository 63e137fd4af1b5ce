/*
 * adversary_programs.h - who writes each adversary's moves (adversary.h), for
 * the table in adversary_table.c. They lie in adversary_programs.c.
 */
#ifndef WORKLOADS_ADVERSARY_PROGRAMS_H
#define WORKLOADS_ADVERSARY_PROGRAMS_H

#include "workloads/adversary_program.h"
#include "workloads/adversary.h"

void write_checkerboard(struct program *p, const struct adversary_params *v);
void write_sparse_slabs(struct program *p, const struct adversary_params *v);
void write_pollution(struct program *p, const struct adversary_params *v);
void write_ping_pong(struct program *p, const struct adversary_params *v);
void write_size_borders(struct program *p, const struct adversary_params *v);
void write_remote_storm(struct program *p, const struct adversary_params *v);
void write_high_order(struct program *p, const struct adversary_params *v);
void write_leak(struct program *p, const struct adversary_params *v);
void write_slab_batch(struct program *p, const struct adversary_params *v);
void write_slab_pairs(struct program *p, const struct adversary_params *v);
void write_slab_remote(struct program *p, const struct adversary_params *v);
void write_slab_concurrent(struct program *p, const struct adversary_params *v);
void write_page_batch(struct program *p, const struct adversary_params *v);
void write_page_pairs(struct program *p, const struct adversary_params *v);

#endif
