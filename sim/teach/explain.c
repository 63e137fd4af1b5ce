/*
 * explain.c - explain.h: making the call and collecting the facts.
 */
#include "sim/teach/explain.h"

#include <stdlib.h>
#include <string.h>

#include "sim/engine/ram.h"

#define ANY_NODE (-1)
#define ZERO_SIZE ((void *)16)

/* The call's state while it is made: what came back, and the cache it made. */
struct attempt {
	struct sandbox *box;
	const struct call *call;
	struct kmem_cache *cache;
	void *memory; /* NULL: it failed */
};

/* ---- carrying the call out, on the simulated CPU ---- */

static void create_cache(void *arg)
{
	struct attempt *a = arg;
	struct kmem_cache_args args = {
		.size = (u32)a->call->size, .align = a->call->align, .flags = a->call->flags,
	};

	a->cache = a->box->slab->cache_create(&args);
}

static void allocate(void *arg)
{
	struct attempt *a = arg;
	const struct call *c = a->call;
	struct page *page = NULL;

	switch (c->kind) {
	case CALL_CACHE_CREATE:
		a->memory = a->box->slab->cache_alloc(a->cache, c->gfp, ANY_NODE);
		return;
	case CALL_ALLOC_PAGES:
		page = a->box->mm->alloc_pages(c->gfp, c->order, ANY_NODE);
		break;
	case CALL_ALLOC_PAGES_EXACT:
		page = a->box->mm->alloc_pages_exact(c->size, c->gfp);
		break;
	default:
		a->memory = a->box->slab->kmalloc(c->size, c->gfp, ANY_NODE);
		return;
	}
	a->memory = page ? mm_page_address(page) : NULL;
}

static u64 exact_pages(const struct call *c)
{
	return (c->size + SIM_PAGE_BYTES - 1) >> SIM_PAGE_SHIFT;
}

static void release(void *arg)
{
	struct attempt *a = arg;
	const struct call *c = a->call;

	switch (c->kind) {
	case CALL_CACHE_CREATE:
		a->box->slab->cache_free(a->cache, a->memory);
		break;
	case CALL_ALLOC_PAGES:
		a->box->mm->free_pages(mm_virt_to_page(a->memory), c->order);
		break;
	case CALL_ALLOC_PAGES_EXACT:
		for (u64 i = 0; i < exact_pages(c); i++)
			a->box->mm->free_pages(mm_virt_to_page((char *)a->memory + i * SIM_PAGE_BYTES), 0);
		break;
	default:
		a->box->slab->kfree(a->memory);
	}
}

/* ---- facts ---- */

static void slab_facts(struct explained *x, const struct kmem_cache *cache)
{
	x->slab = watch_cache(cache, &x->cache);
	if (!x->slab)
		return;
	x->order = x->cache.order;
	x->slab_bytes = (u64)SIM_PAGE_BYTES << x->cache.order;
	x->slab_tail = x->slab_bytes - (u64)x->cache.objects_per_slab * x->cache.size;
	x->merged = x->call.kind == CALL_CACHE_CREATE && x->cache.refcount > 1;
	mm_inspect_slot(cache, &x->slot);
}

static u32 block_order(u64 bytes)
{
	u32 order = 0;

	while ((u64)SIM_PAGE_BYTES << order < bytes)
		order++;
	return order;
}

static void memory_facts(struct explained *x, const struct attempt *a)
{
	const struct kmem_cache *cache = a->cache;

	x->address = ram_phys(ram_off(a->memory));
	x->requested = x->call.size;
	switch (x->call.kind) {
	case CALL_ALLOC_PAGES:
		x->order = x->call.order;
		x->held = x->requested;
		return;
	case CALL_ALLOC_PAGES_EXACT:
		x->order = block_order(x->call.size);
		x->held = exact_pages(&x->call) * SIM_PAGE_BYTES;
		return;
	default:
		break;
	}
	x->held = mm_object_held_bytes(cache, a->memory);
	if (!mm_object_is_slab(a->memory)) {
		x->order = block_order(x->held);
		return;
	}
	cache = cache ? cache : mm_object_cache(a->memory);
	if (cache)
		slab_facts(x, cache);
	x->shared_pages = !x->slab || x->cache.shared_pages;
	x->slab &= !x->shared_pages && !x->cache.whole_pages;
}

u64 explained_waste(const struct explained *x)
{
	return x->held > x->requested ? x->held - x->requested : 0;
}

double explained_waste_percent(const struct explained *x)
{
	return x->held ? 100.0 * (double)explained_waste(x) / (double)x->held : 0;
}

/* ---- the experiment ---- */

static int cold(struct explained *x, struct sandbox *box, struct attempt *a, struct kms_error *err)
{
	int rc = 0;

	if (x->call.kind == CALL_CACHE_CREATE) {
		rc = sandbox_do(box, 0, create_cache, a, NULL, err);
		if (!rc && !a->cache)
			rc = kms_fail(err, KMS_EFAIL, "the slab layer refused to create the cache");
	}
	if (!rc)
		rc = sandbox_do(box, 0, allocate, a, &x->cold, err);
	x->failed = !rc && !a->memory;
	return rc;
}

static int warm(struct explained *x, struct sandbox *box, struct attempt *a, struct kms_error *err)
{
	int rc = 0;

	for (u32 i = 0; i < EXPLAIN_REPEATS && !rc; i++) {
		rc = sandbox_do(box, 0, release, a, NULL, err);
		if (!rc)
			rc = sandbox_do(box, 0, allocate, a, i + 1 < EXPLAIN_REPEATS ? NULL : &x->warm, err);
	}
	return rc ? rc : sandbox_do(box, 0, release, a, &x->release, err);
}

static int experiment(struct explained *x, struct sandbox *box, struct kms_error *err)
{
	struct attempt a = {.box = box, .call = &x->call};
	int rc = cold(x, box, &a, err);

	if (rc || x->failed || a.memory == ZERO_SIZE)
		return rc;
	memory_facts(x, &a);
	return warm(x, box, &a, err);
}

int explain(struct explained *x, const char *text, const struct sandbox_options *options,
	    struct kms_error *err)
{
	struct sandbox box = {0};
	int rc;

	*x = (struct explained){.failed = false};
	snprintf(x->text, sizeof(x->text), "%s", text);
	rc = call_parse(&x->call, text, err);
	if (rc)
		return rc;
	rc = sandbox_open(&box, options, err);
	if (!rc) {
		snprintf(x->machine, sizeof(x->machine), "%s", box.config.machine.name);
		snprintf(x->policy, sizeof(x->policy), "%s", box.config.allocator.slab);
		x->ghz = box.config.machine.core.ghz;
		x->nr_cpus = box.sys.nr_cpus;
		rc = experiment(x, &box, err);
	}
	sandbox_close(&box);
	return rc;
}

void explained_free(struct explained *x)
{
	watch_log_free(&x->cold);
	watch_log_free(&x->warm);
	watch_log_free(&x->release);
}
