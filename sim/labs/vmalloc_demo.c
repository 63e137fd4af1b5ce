/*
 * vmalloc_demo.c - lab "vmalloc": memory that is in one piece only for its user,
 * and kvmalloc()'s choice between the two kinds.
 */
#include "sim/labs/kit.h"

#include "models/mm/vmalloc.h"
#include "sim/engine/ram.h"

#define GFP_KERNEL_ZERO (KIT_GFP_KERNEL | KIT_GFP_ZERO)

struct call {
	const struct vmalloc_ops *ops;
	const struct slab_ops *layer;
	struct vmap_space *space;
	u64 size, address;
	u32 gfp;
	bool read_only;
};

static void do_create(void *arg)
{
	struct call *c = arg;

	c->space = c->ops->create(c->layer);
}

static void do_vmalloc(void *arg)
{
	struct call *c = arg;

	c->address = c->ops->vmalloc(c->space, c->layer, c->size, c->gfp, c->read_only);
}

static void do_kvmalloc(void *arg)
{
	struct call *c = arg;

	c->address = c->ops->kvmalloc(c->space, c->layer, c->size, c->gfp);
}

static void do_free(void *arg)
{
	struct call *c = arg;

	c->ops->kvfree(c->space, c->layer, c->address);
}

static void do_destroy(void *arg)
{
	struct call *c = arg;

	c->ops->destroy(c->space, c->layer);
}

/* Pages of an area; *pieces: runs of them that follow each other in RAM. */
static u64 count_pages(const struct call *c, u64 *pieces)
{
	u64 pages = 0, last = 0;

	for (struct page *page; (page = c->ops->to_page(c->space, c->address + pages * KIT_PAGE)); pages++) {
		u64 phys = ram_phys(ram_off(mm_page_address(page)));

		*pieces += !pages || phys != last + KIT_PAGE;
		last = phys;
	}
	return pages;
}

static u64 row(struct kit *k, const char *what, const struct call *c)
{
	bool mapped = c->address >= VMALLOC_FIRST;
	u64 pieces = 0, pages = mapped ? count_pages(c, &pieces) : 0;
	u64 held = mapped ? pages * KIT_PAGE : kit_ksize(k, (void *)(uintptr_t)c->address);
	char home[48] = "vmalloc";

	if (!mapped)
		kit_home((void *)(uintptr_t)c->address, home, sizeof(home));
	kit_row(k->r, "%s\t%llu\t%s\t0x%llx\t%llu\t%llu", what, (unsigned long long)c->size, home,
		(unsigned long long)c->address, (unsigned long long)held, (unsigned long long)(held - c->size));
	return held;
}

static int take(struct kit *k, const char *what, struct call *c, void (*fn)(void *arg), u64 size, u32 gfp, u64 *held,
		struct kms_error *err)
{
	int rc;

	c->size = size;
	c->gfp = gfp;
	rc = lab_do(k->r, fn, c, err);
	if (!rc && !c->address)
		rc = kms_fail(err, KMS_EFAIL, "%s of %llu bytes got nothing", what, (unsigned long long)size);
	if (!rc)
		*held = row(k, what, c);
	return rc;
}

enum { PLAIN, ZEROED, SMALL, LARGE, TABLE, PROTECTED, NR_CALLS };

static int take_all(struct kit *k, struct call c[NR_CALLS], u64 held[NR_CALLS], struct kms_error *err)
{
	static const char *const headings[] = {"call", "asked for", "from", "address", "bytes held", "lost"};
	struct lab_run *r = k->r;
	u64 bytes = (u64)lab_param(r, "bytes"), objects = (u64)lab_param(r, "objects");
	int rc;

	c[PROTECTED].read_only = true;
	lab_table_begin(r, "calls", headings, 6);
	rc = take(k, "vmalloc", &c[PLAIN], do_vmalloc, bytes, KIT_GFP_KERNEL, &held[PLAIN], err);
	if (!rc)
		rc = take(k, "vzalloc", &c[ZEROED], do_vmalloc, bytes, GFP_KERNEL_ZERO, &held[ZEROED], err);
	if (!rc)
		rc = take(k, "kvmalloc", &c[SMALL], do_kvmalloc, (u64)lab_param(r, "small"), KIT_GFP_KERNEL, &held[SMALL], err);
	if (!rc)
		rc = take(k, "kvmalloc", &c[LARGE], do_kvmalloc, (u64)lab_param(r, "large_mib") << 20, KIT_GFP_KERNEL,
			  &held[LARGE], err);
	if (!rc)
		rc = take(k, "kcalloc", &c[TABLE], do_kvmalloc, objects * 8, GFP_KERNEL_ZERO, &held[TABLE], err);
	if (!rc)
		rc = take(k, "read-only pages", &c[PROTECTED], do_vmalloc, (u64)lab_param(r, "pages") * KIT_PAGE,
			  KIT_GFP_KERNEL, &held[PROTECTED], err);
	lab_table_end(r);
	return rc;
}

static void faults(struct lab_run *r, const struct call *plain, const struct call *protected, u64 held)
{
	static const char *const says[] = {"goes through", "not mapped: the kernel dies", "read-only: the kernel dies"};
	u32 behind = plain->ops->fault(plain->space, plain->address + held, false);
	u32 reading = plain->ops->fault(plain->space, protected->address, false);
	u32 writing = plain->ops->fault(plain->space, protected->address, true);

	lab_say(r, "A read behind the end of the first area: %s. A read of the read-only pages: %s; a write: %s.",
		says[behind], says[reading], says[writing]);
	lab_check(r, "behind an area a guard page is not mapped", behind, VMAP_NOT_MAPPED);
	lab_check(r, "read-only pages can be read", reading, VMAP_OK);
	lab_check(r, "... but not written", writing, VMAP_READ_ONLY);
}

static void check(struct lab_run *r, const struct call c[NR_CALLS], const u64 held[NR_CALLS])
{
	lab_value(r, "vmalloc_pages", "pages", (double)(held[PLAIN] / KIT_PAGE));
	lab_value(r, "vmalloc_lost", "bytes", (double)(held[PLAIN] - c[PLAIN].size));
	lab_value(r, "large_pages", "pages", (double)(held[LARGE] / KIT_PAGE));
	lab_value(r, "table_got", "bytes", (double)held[TABLE]);
	lab_value(r, "table_lost", "bytes", (double)(held[TABLE] - c[TABLE].size));
	lab_value(r, "protected_bytes", "bytes", (double)held[PROTECTED]);
	lab_check_that(r, c[PLAIN].address >= VMALLOC_FIRST && c[ZEROED].address >= VMALLOC_FIRST, "vmalloc and vzalloc hand out mapped addresses");
	lab_check_that(r, c[SMALL].address < VMALLOC_FIRST, "a small kvmalloc is a kmalloc");
	lab_check_that(r, c[LARGE].address >= VMALLOC_FIRST, "a kvmalloc beyond 4 MiB is a vmalloc");
	lab_check_that(r, c[TABLE].address < VMALLOC_FIRST, "the table is a kmalloc");
	lab_check(r, "vzalloc takes as much as vmalloc", (double)held[ZEROED], (double)held[PLAIN]);
	lab_check(r, "whole pages, no power of two", (double)held[PLAIN], (double)((c[PLAIN].size + KIT_PAGE - 1) / KIT_PAGE * KIT_PAGE));
	lab_check(r, "areas are a guard page apart", (double)(c[ZEROED].address - c[PLAIN].address), (double)(held[PLAIN] + KIT_PAGE));
	lab_check_book(r, "vmalloc(10,000) is 3 pages", (double)(held[PLAIN] / KIT_PAGE), 3);
	lab_check_book(r, "8,000 bytes are served by kmalloc-8k", (double)held[TABLE], 8192);
	lab_check_book(r, "... and lose 192", (double)(held[TABLE] - c[TABLE].size), 192);
	lab_check_book(r, "the least kvmalloc has 16 bytes", (double)held[SMALL], 16);
	lab_check_book(r, "5 MiB are 1,280 pages", (double)(held[LARGE] / KIT_PAGE), 1280);
	lab_check_book(r, "42 pages are 172,032 bytes", (double)held[PROTECTED], 172032);
}

static int free_all(struct kit *k, struct call c[NR_CALLS], struct kms_error *err)
{
	int rc = 0;

	for (u32 i = NR_CALLS; i-- && !rc;)
		rc = lab_do(k->r, do_free, &c[i], err);
	return rc ? rc : lab_do(k->r, do_destroy, &c[0], err);
}

static int run(struct lab_run *r, struct kms_error *err)
{
	struct call c[NR_CALLS];
	u64 held[NR_CALLS] = {0};
	struct kit k;
	int rc = kit_open(&k, r, err);

	if (rc)
		return rc;
	c[0] = (struct call){.ops = k.box->mm->vmalloc, .layer = k.box->slab};
	rc = lab_do(r, do_create, &c[0], err);
	if (!rc && !c[0].space)
		rc = kms_fail(err, KMS_EFAIL, "no memory for the address space");
	for (u32 i = 1; i < NR_CALLS; i++)
		c[i] = c[0];
	if (!rc)
		rc = take_all(&k, c, held, err);
	if (rc)
		return rc;
	faults(r, &c[PLAIN], &c[PROTECTED], held[PLAIN]);
	check(r, c, held);
	rc = free_all(&k, c, err);
	if (rc)
		return rc;
	return mm_check(err);
}

const struct lab lab_vmalloc = {.name = "vmalloc", .run = run};
