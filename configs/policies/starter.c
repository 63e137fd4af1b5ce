/*
 * NAME - an allocator policy for kmemsim, to be changed as you like.
 *
 *   kmemsim policy build NAME.c
 *   kmemsim run CONFIG.json --policy NAME.so
 *   kmemsim compare CONFIG.json --vary allocator.slab=slub,./NAME.so
 *
 * As it stands: each object size, a power of two, has slabs of 2^slab_order
 * pages. A slab's free objects are chained through themselves; its struct page
 * holds the head of that chain and links the slab into the list of those that
 * have free objects. One lock per size. Slab caches are served by kmalloc();
 * docs/tutorial-policy.md goes on from here. Values are read once into locals where
 * they are needed twice, so that every compiler makes the same accesses.
 */
#include <kmemsim/policy.h>

#define MIN_SHIFT 3  /* 8 bytes */
#define MAX_SHIFT 12 /* one page; what is larger gets whole pages */

/* All slabs of one object size. */
struct size_class {
	spinlock_t lock;
	u32 shift;		/* log2 of the object size */
	struct list_head slabs; /* with free objects */
} __attribute__((aligned(SMP_CACHE_BYTES)));

/* Static variables are simulated memory: charged, and as they stand here at the start of each run. */
static struct {
	struct size_class classes[MAX_SHIFT + 1];
	u64 slab_order;
} state __attribute__((aligned(SMP_CACHE_BYTES)));

/* In a slab's struct page: freelist is the chain, slab_cache its class, counters the objects in use. */
static struct size_class *class_of(struct page *slab)
{
	return (struct size_class *)slab->slab_cache;
}

/* A slab of fresh objects. Called without the lock: getting pages can take long. */
static struct page *new_slab(struct size_class *c, gfp_t gfp, int node)
{
	u64 size = 1ul << c->shift, order = state.slab_order;
	struct page *slab = alloc_pages_node(gfp | __GFP_COMP, order, node);
	char *objects;
	void *next = NULL;

	if (!slab)
		return NULL;
	objects = page_address(slab);
	for (u64 at = PAGE_SIZE << order; at >= size; at -= size) {
		*(void **)(objects + at - size) = next;
		next = objects + at - size;
	}
	slab->freelist = next;
	slab->counters = 0;
	slab->slab_cache = (struct kmem_cache *)c;
	return slab;
}

static void *take_object(struct size_class *c, struct page *slab)
{
	void *object = slab->freelist, *rest = *(void **)object;

	slab->freelist = rest;
	slab->counters++;
	if (!rest)
		list_del_init(&slab->lru);
	return object;
}

static void *NAME_kmalloc(size_t size, gfp_t gfp, int node)
{
	u32 shift = max(ilog2(size * 2 - 1), MIN_SHIFT);
	struct size_class *c;
	struct page *slab;
	void *object;

	if (shift > MAX_SHIFT) { /* whole pages, of class 0 */
		u32 order = get_order(size);

		slab = alloc_pages_node(gfp | __GFP_COMP, order, node);
		if (!slab)
			return NULL;
		slab->slab_cache = NULL;
		slab->counters = order;
		return page_address(slab);
	}
	c = &state.classes[shift];
	spin_lock_irqsave(&c->lock, LOCK_POLICY);
	slab = list_first_entry_or_null(&c->slabs, struct page, lru);
	if (!slab) {
		spin_unlock_irqrestore(&c->lock, LOCK_POLICY);
		slab = new_slab(c, gfp & ~__GFP_ZERO, node);
		if (!slab)
			return NULL;
		spin_lock_irqsave(&c->lock, LOCK_POLICY);
		list_add(&slab->lru, &c->slabs);
	}
	object = take_object(c, slab);
	spin_unlock_irqrestore(&c->lock, LOCK_POLICY);
	if (gfp & __GFP_ZERO)
		memset(object, 0, 1ul << shift);
	return object;
}

static void NAME_kfree(void *object)
{
	struct page *slab = virt_to_head_page(object);
	struct size_class *c = class_of(slab);
	bool empty = false;
	void *rest;
	u64 used;

	if (!c) {
		__free_pages(slab, slab->counters);
		return;
	}
	spin_lock_irqsave(&c->lock, LOCK_POLICY);
	rest = slab->freelist;
	used = slab->counters - 1;
	*(void **)object = rest;
	slab->freelist = object;
	slab->counters = used;
	if (!rest) /* it was full, and on no list */
		list_add(&slab->lru, &c->slabs);
	if (!used && !list_is_singular(&c->slabs)) { /* the last one is kept */
		list_del(&slab->lru);
		empty = true;
	}
	spin_unlock_irqrestore(&c->lock, LOCK_POLICY);
	if (empty)
		__free_pages(slab, state.slab_order);
}

/* Bytes that an object takes up: what it wastes is this minus what was asked for. */
static size_t NAME_ksize(const void *object)
{
	struct page *slab = virt_to_head_page(object);
	struct size_class *c = class_of(slab);

	return c ? 1ul << c->shift : PAGE_SIZE << slab->counters;
}

static void NAME_init(void)
{
	for (u32 i = 0; i <= MAX_SHIFT; i++) {
		state.classes[i].shift = i;
		INIT_LIST_HEAD(&state.classes[i].slabs);
	}
}

static const struct kms_policy_ops NAME_ops = {
	.init = NAME_init,
	.kmalloc = NAME_kmalloc,
	.kfree = NAME_kfree,
	.ksize = NAME_ksize,
};

/* "allocator": {"slab": "./NAME.so", "policy_params": {"slab_order": 1}} */
static const struct kms_policy_param NAME_params[] = {
	{ .name = "slab_order", .value = &state.slab_order, .def = 0, .min = 0, .max = 3, .unit = "order",
	  .doc = "Pages of a slab, as a power of two." },
};

KMS_POLICY(.name = "NAME",
	   .summary = "slabs of power-of-two sizes, one lock per size",
	   .kernel = "",
	   .source = "kmemsim's starter policy",
	   .ops = &NAME_ops,
	   .params = NAME_params,
	   .nr_params = ARRAY_SIZE(NAME_params));
