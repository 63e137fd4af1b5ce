/*
 * call.h - an allocator call as people write it: "kmalloc(132K)",
 * "kmem_cache_create(mine, 328, 0, SLAB_RED_ZONE|SLAB_POISON)".
 */
#ifndef SIM_TEACH_CALL_H
#define SIM_TEACH_CALL_H

#include "sim/engine/base.h"

enum call_kind { CALL_KMALLOC, CALL_KZALLOC, CALL_CACHE_CREATE, CALL_ALLOC_PAGES, CALL_ALLOC_PAGES_EXACT, NR_CALLS };

struct call {
	enum call_kind kind;
	u64 size;	/* bytes; of alloc_pages(): of the block */
	u32 order;	/* alloc_pages() */
	u32 gfp;	/* GFP_KERNEL unless given */
	u32 align, flags; /* kmem_cache_create() */
	char name[64];
};

#define CALL_GFP_KERNEL 0xcc0u
#define CALL_GFP_ZERO 0x100u

/* KMS_EUSAGE: where in the text, what was found, what was expected. */
int call_parse(struct call *call, const char *text, struct kms_error *err);

/* "132K", "0x1000", "1.5MiB", "33 KB": binary units. Whole bytes only. */
int call_parse_size(const char *text, u64 *bytes, struct kms_error *err);

/* Flags in words: "GFP_KERNEL | __GFP_ZERO", "SLAB_POISON"; into buf, which is returned. */
char *call_gfp_text(char *buf, size_t n, u32 gfp);
char *call_slab_flags_text(char *buf, size_t n, u32 flags);

#endif
