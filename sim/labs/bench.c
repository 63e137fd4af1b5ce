/*
 * bench.c - bench.h: operations of a sandbox's CPUs.
 */
#include "sim/labs/bench.h"

#include <string.h>

#include "sim/engine/ram.h"

#define MOST_SETTINGS 8

int bench_open(struct bench *b, struct lab_run *r, const char *settings, struct kms_error *err)
{
	const char *list[MOST_SETTINGS];
	char text[256], *save, *one;
	size_t n = 0;

	snprintf(text, sizeof(text), "%s", settings);
	for (one = strtok_r(text, " ", &save); one && n < MOST_SETTINGS; one = strtok_r(NULL, " ", &save))
		list[n++] = one;
	*b = (struct bench){.r = r, .box = lab_sandbox_with(r, list, n, err)};
	return b->box ? 0 : KMS_EFAIL;
}

/* ---- allocating ---- */

struct request {
	struct bench *b;
	struct kmem_cache *cache;
	u64 bytes;
	u32 order;
	int node;
	void *memory;
};

static int carry_out(struct bench *b, u32 cpu, void (*fn)(void *arg), struct request *q, struct kms_error *err)
{
	int rc;

	q->b = b;
	rc = sandbox_do(b->box, cpu, fn, q, NULL, err);
	if (rc)
		lab_sandbox_reset(b->r);
	return rc;
}

static int obtain(struct bench *b, u32 cpu, void (*fn)(void *arg), struct request *q, void **memory,
		  struct kms_error *err)
{
	int rc = carry_out(b, cpu, fn, q, err);

	*memory = q->memory;
	return rc || q->memory ? rc : kms_fail(err, KMS_EFAIL, "no memory left");
}

static void do_kmalloc(void *arg)
{
	struct request *q = arg;

	q->memory = q->b->box->slab->kmalloc(q->bytes, BENCH_GFP_KERNEL, q->node);
}

static void do_kfree(void *arg)
{
	struct request *q = arg;

	q->b->box->slab->kfree(q->memory);
}

static void do_pages(void *arg)
{
	struct request *q = arg;
	struct page *page = q->b->box->mm->alloc_pages(BENCH_GFP_KERNEL, q->order, -1);

	q->memory = page ? mm_page_address(page) : NULL;
}

static void do_cache_alloc(void *arg)
{
	struct request *q = arg;

	q->memory = q->b->box->slab->cache_alloc(q->cache, BENCH_GFP_KERNEL, -1);
}

int bench_kmalloc(struct bench *b, u32 cpu, u64 bytes, int node, void **memory, struct kms_error *err)
{
	return obtain(b, cpu, do_kmalloc, &(struct request){.bytes = bytes, .node = node}, memory, err);
}

int bench_kfree(struct bench *b, u32 cpu, void *memory, struct kms_error *err)
{
	return carry_out(b, cpu, do_kfree, &(struct request){.memory = memory}, err);
}

int bench_pages(struct bench *b, u32 cpu, u32 order, void **memory, struct kms_error *err)
{
	return obtain(b, cpu, do_pages, &(struct request){.order = order}, memory, err);
}

int bench_cache_alloc(struct bench *b, u32 cpu, struct kmem_cache *s, void **object, struct kms_error *err)
{
	return obtain(b, cpu, do_cache_alloc, &(struct request){.cache = s}, object, err);
}

struct creation {
	struct bench *b;
	struct kmem_cache_args args;
	struct kmem_cache *cache;
};

static void do_cache_create(void *arg)
{
	struct creation *c = arg;

	c->cache = c->b->box->slab->cache_create(&c->args);
}

int bench_cache_create(struct bench *b, u32 size, u32 align, u32 flags, struct kmem_cache **s,
		       struct kms_error *err)
{
	struct creation c = {.b = b, .args = {.name = 1, .size = size, .align = align, .flags = flags}};
	int rc = sandbox_do(b->box, 0, do_cache_create, &c, NULL, err);

	if (rc)
		lab_sandbox_reset(b->r);
	*s = c.cache;
	return rc || c.cache ? rc : kms_fail(err, KMS_EFAIL, "the slab cache could not be made");
}

/* ---- using ---- */

struct touching {
	void *const *list;
	u32 n;
	u64 bytes;
	enum sim_access kind;
	kms_ps took;
};

static void do_touch(void *arg)
{
	struct touching *t = arg;
	kms_ps start = sim_this_cpu()->clock;

	for (u32 i = 0; i < t->n; i++)
		sim_access_range(ram_off(t->list[i]), t->bytes, t->kind);
	t->took = sim_this_cpu()->clock - start;
}

/* after - before, counter by counter. */
static void subtract(struct hw_stats *after, const struct hw_stats *before)
{
	u64 *a = (u64 *)after;
	const u64 *b = (const u64 *)before;

	for (size_t i = 0; i < sizeof(*after) / sizeof(*a); i++)
		a[i] -= b[i];
}

int bench_touch(struct bench *b, u32 cpu, void *const *list, u32 n, u64 bytes, bool write,
		struct bench_cost *cost, struct kms_error *err)
{
	struct touching t = {.list = list, .n = n, .bytes = bytes, .kind = write ? SIM_WRITE : SIM_READ};
	struct hw_stats before, after;
	int rc;

	machine_stats(b->box->sys.machine, -1, &before);
	rc = sandbox_do(b->box, cpu, do_touch, &t, NULL, err);
	if (rc) {
		lab_sandbox_reset(b->r);
		return rc;
	}
	machine_stats(b->box->sys.machine, -1, &after);
	subtract(&after, &before);
	if (cost)
		*cost = (struct bench_cost){.cycles = sandbox_cycles(b->box, t.took), .hw = after};
	return 0;
}
