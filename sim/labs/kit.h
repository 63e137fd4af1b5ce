/*
 * kit.h - single allocator calls for labs: each is one operation of CPU 0 on the
 * lab's sandbox. What the allocator refuses comes back as NULL, not as an error.
 */
#ifndef SIM_LABS_KIT_H
#define SIM_LABS_KIT_H

#include "sim/labs/lab.h"

#define KIT_PAGE 4096ull
#define KIT_ORDERS 11
#define KIT_GFP_KERNEL 0xcc0u
#define KIT_GFP_ATOMIC 0xa20u
#define KIT_GFP_ZERO 0x100u

/* Slab flags (models/mm/mm_types.h). */
#define KIT_SLAB_CHECKS 0x100u /* SLAB_CONSISTENCY_CHECKS */
#define KIT_SLAB_RED_ZONE 0x400u
#define KIT_SLAB_POISON 0x800u
#define KIT_SLAB_HWCACHE_ALIGN 0x2000u

struct kit {
	struct lab_run *r;
	struct sandbox *box;
	struct watch_log *log; /* operations are logged here; NULL: not */
	bool listens;	       /* what the allocator reports as a bug goes to report and is no error (debug.h) */
	char report[1024];     /* of the last operation; "" nothing */
};

/* Boots the machine at the first call. */
int kit_open(struct kit *k, struct lab_run *r, struct kms_error *err);

int kit_kmalloc(struct kit *k, u64 bytes, u32 gfp, void **memory, struct kms_error *err);
int kit_kfree(struct kit *k, void *memory, struct kms_error *err);
int kit_pages(struct kit *k, u32 order, u32 gfp, struct page **page, struct kms_error *err);
int kit_free_pages(struct kit *k, struct page *page, u32 order, struct kms_error *err);
/* Frames of exactly bytes, rounded up to pages; each has a reference of its own. */
int kit_exact(struct kit *k, u64 bytes, struct page **page, struct kms_error *err);
int kit_free_exact(struct kit *k, struct page *page, u64 bytes, struct kms_error *err);
int kit_cache_create(struct kit *k, const struct kmem_cache_args *args, struct kmem_cache **cache,
		     struct kms_error *err);
int kit_cache_alloc(struct kit *k, struct kmem_cache *cache, void **object, struct kms_error *err);
int kit_cache_free(struct kit *k, struct kmem_cache *cache, void *object, struct kms_error *err);
int kit_cache_destroy(struct kit *k, struct kmem_cache *cache, struct kms_error *err);

/* Bytes that kmalloc()ed memory really has. */
u64 kit_ksize(const struct kit *k, const void *memory);
/* "kmalloc-64", or "pages" for what comes straight from the page allocator. */
const char *kit_home(const void *memory, char *buf, size_t n);
/* Free blocks of each order, over all zones. */
void kit_count_blocks(u64 blocks[KIT_ORDERS]);
u64 kit_free_page_count(void); /* pages on buddy and per-CPU lists */
u32 kit_order_of(u64 bytes);   /* smallest order that holds them */

/* A row of the table that is open, its cells separated by tabs. */
void kit_row(struct lab_run *r, const char *fmt, ...) KMS_PRINTF(2, 3);

/*
 * Published figures: configs/labs/NAME.tsv, an edition ("1E") and numbers on each
 * line, # comments. rows has room for max; KMS_EFAIL: not found, damaged, too many.
 */
#define KIT_FIGURES 4
struct kit_figures {
	char edition[8];
	double value[KIT_FIGURES];
};
int kit_published(const char *name, u32 columns, struct kit_figures *rows, u32 max, u32 *n, struct kms_error *err);

#endif
