/* tutorial - per-CPU caches in front of one free list per size: docs/tutorial-policy.md */
#include <kmemsim/policy.h>

#define MIN_SHIFT 3   /* 8 bytes */
#define MAX_SHIFT 12u /* a page */

struct cpu_cache { /* one per CPU and size: nobody else touches it, so it needs no lock */
	u64 count;
	void *first;
};
struct size_class {
	spinlock_t lock;
	void *first; /* free objects, chained through themselves */
	struct cpu_cache __percpu *cpu;
} __attribute__((aligned(SMP_CACHE_BYTES)));

static struct {
	struct size_class sizes[MAX_SHIFT + 1];
	u64 limit;
} state __attribute__((aligned(SMP_CACHE_BYTES)));

static void push(void **first, void *object)
{
	*(void **)object = *first;
	*first = object;
}

static void *pop(void **first)
{
	void *object = *first;

	*first = object ? *(void **)object : NULL;
	return object;
}

static void move(struct size_class *c, void **from, void **to, u64 n)
{
	spin_lock_irqsave(&c->lock, LOCK_POLICY);
	for (void *object; n-- && (object = pop(from));)
		push(to, object);
	spin_unlock_irqrestore(&c->lock, LOCK_POLICY);
}

static void *tutorial_kmalloc(size_t size, gfp_t gfp, int node)
{
	u32 shift = max(ilog2(size * 2 - 1), MIN_SHIFT), large = max(shift, MAX_SHIFT) - MAX_SHIFT;
	struct size_class *c = &state.sizes[min(shift, MAX_SHIFT)];
	struct cpu_cache *cpu = this_cpu_ptr(c->cpu);
	struct page *page;
	void *object;

	if (!large && !READ_ONCE(cpu->first))
		move(c, &c->first, &cpu->first, state.limit / 2);
	if (large || !READ_ONCE(cpu->first)) {
		page = alloc_pages_node((gfp & ~__GFP_ZERO) | __GFP_COMP, large, node);
		if (!page)
			return NULL;
		page->private = shift; /* what kfree() will want to know */
		for (u64 at = 0; at < PAGE_SIZE; at += 1ul << min(shift, MAX_SHIFT))
			push(&cpu->first, (char *)page_address(page) + at);
	}
	object = pop(&cpu->first);
	cpu->count -= cpu->count > 0;
	return gfp & __GFP_ZERO ? memset(object, 0, 1ul << shift) : object;
}

static void tutorial_kfree(void *object)
{
	struct page *page = virt_to_head_page(object);
	u64 shift = page->private;
	struct size_class *c = &state.sizes[min(shift, (u64)MAX_SHIFT)];
	struct cpu_cache *cpu = this_cpu_ptr(c->cpu);

	if (shift > MAX_SHIFT)
		return __free_pages(page, shift - MAX_SHIFT);
	push(&cpu->first, object);
	if (++cpu->count > state.limit) {
		move(c, &cpu->first, &c->first, state.limit / 2);
		cpu->count /= 2;
	}
}

static size_t tutorial_ksize(const void *object)
{
	return 1ul << virt_to_head_page(object)->private;
}

static void tutorial_init(void)
{
	for (u32 i = MIN_SHIFT; i <= MAX_SHIFT; i++)
		state.sizes[i].cpu = alloc_percpu(struct cpu_cache);
}

static const struct kms_policy_ops ops = { .init = tutorial_init, .kmalloc = tutorial_kmalloc,
					   .kfree = tutorial_kfree, .ksize = tutorial_ksize };
static const struct kms_policy_param params[] = {
	{ "limit", KMS_PARAM_UINT, &state.limit, 64, 2, 10000, "objects", "What a CPU may keep." } };
KMS_POLICY(.name = "tutorial", .summary = "per-CPU caches before one free list per size",
	   .ops = &ops, .params = params, .nr_params = ARRAY_SIZE(params));
