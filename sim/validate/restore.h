/*
 * restore.h - a machine with the page allocator in a recorded state.
 *
 * struct page_state collects the state while its text is being read: zones
 * first, then what belongs to them, each checked when it is added. It grows as
 * needed and owns what it holds. restore_machine() boots a functional machine
 * of that shape and puts its allocator into the state; the kernel's own data
 * lies behind the recorded memory (except the globals at 16 MiB, whose frames
 * nobody may write to).
 */
#ifndef SIM_VALIDATE_RESTORE_H
#define SIM_VALIDATE_RESTORE_H

#include "models/mm/restore.h"

struct page_state {
	struct mm_saved_pages saved;
	u32 capacity[4];
};

/*
 * All return 0 or KMS_EUSAGE (what does not fit, without saying where it was
 * read) or KMS_EFAIL (no host memory). pfns and types are copied.
 */
int page_state_add_zone(struct page_state *s, const struct mm_saved_zone *zone,
			struct kms_error *err);
int page_state_add_pcp(struct page_state *s, const struct mm_saved_pcp *pcp, struct kms_error *err);
int page_state_add_list(struct page_state *s, const struct mm_saved_list *list,
			struct kms_error *err);
int page_state_add_blocks(struct page_state *s, const struct mm_saved_blocks *blocks,
			  struct kms_error *err);
/* Index of a zone, -1: not added. */
int page_state_zone(const struct page_state *s, u32 node, u32 zone_idx);
/* The zone's pageblocks, counted from the one that its first frame lies in. */
u32 page_state_nr_blocks(const struct mm_saved_zone *zone);
void page_state_free(struct page_state *s);

struct restore_config {
	u32 nr_cpus, nr_nodes;
	const u8 *cpu_node;	 /* [nr_cpus]; NULL: all on node 0 */
	const u8 *node_distance; /* NULL: 10 and 20 */
	struct mm_params params; /* page_group_by_mobility and tunables */
};

/*
 * Boot and restore, plain flavour, CPU 0 current. KMS_EUSAGE: the state
 * contradicts itself (mm_check_pages()). Afterwards restore_machine_off(),
 * whatever the result.
 */
int restore_machine(const struct page_state *s, const struct restore_config *config,
		    struct kms_error *err);
void restore_machine_off(void);

#endif
