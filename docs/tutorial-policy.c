/* tutorial - per-CPU caches in front of one free list per size: docs/tutorial-policy.md */
#include <kmemsim/policy.h>

#define MIN_SHIFT 3
#define MAX_SHIFT 12

struct cpu_cache { /* one a CPU and size: nobody else touches it, so it needs no lock */
	u64 count;
	void *first;
};

static struct {
	struct {
		spinlock_t lock;
		u32 shift;
		void *first;
	} __attribute__((aligned(SMP_CACHE_BYTES))) sizes[MAX_SHIFT + 1];
	struct cpu_cache __percpu *caches[MAX_SHIFT + 1];
	u64 limit, batch;
} state __attribute__((aligned(SMP_CACHE_BYTES)));

static void push(void **first, void *object)
{
	*(void **)object = *first;
	*first = object;
}

static void *pop(void **first)
{
	void *object = *first;

	if (object)
		*first = *(void **)object;
	return object;
}

/* A page's objects onto the common list; its struct page says what they are. */
static bool grow(u32 shift, gfp_t gfp, int node)
{
	struct page *page = alloc_pages_node(gfp & ~__GFP_ZERO, 0, node);

	if (!page)
		return false;
	page->private = shift;
	spin_lock_irqsave(&state.sizes[shift].lock, LOCK_POLICY);
	for (u64 at = PAGE_SIZE; at > 0; at -= 1ul << shift)
		push(&state.sizes[shift].first, (char *)page_address(page) + at - (1ul << shift));
	spin_unlock_irqrestore(&state.sizes[shift].lock, LOCK_POLICY);
	return true;
}

static void move(u32 shift, struct cpu_cache *cpu, bool refill)
{
	u64 n = state.batch;
	void *object = NULL;

	spin_lock_irqsave(&state.sizes[shift].lock, LOCK_POLICY);
	while (n-- && (object = pop(refill ? &state.sizes[shift].first : &cpu->first))) {
		push(refill ? &cpu->first : &state.sizes[shift].first, object);
		cpu->count += refill ? 1 : -1;
	}
	spin_unlock_irqrestore(&state.sizes[shift].lock, LOCK_POLICY);
}

static void *tutorial_kmalloc(size_t size, gfp_t gfp, int node)
{
	u32 shift = max(ilog2(size * 2 - 1), MIN_SHIFT), order = get_order(size);
	struct cpu_cache *cpu;
	struct page *page;
	void *object;

	if (shift > MAX_SHIFT) {
		page = alloc_pages_node(gfp | __GFP_COMP, order, node);
		if (page)
			page->private = PAGE_SHIFT + order;
		return page ? page_address(page) : NULL;
	}
	cpu = this_cpu_ptr(state.caches[shift]);
	while (!(object = pop(&cpu->first))) {
		move(shift, cpu, true);
		if (!READ_ONCE(cpu->first) && !grow(shift, gfp, node))
			return NULL;
	}
	cpu->count--;
	if (gfp & __GFP_ZERO)
		memset(object, 0, 1ul << shift);
	return object;
}

static size_t tutorial_ksize(const void *object)
{
	return 1ul << virt_to_head_page(object)->private;
}

static void tutorial_kfree(void *object)
{
	struct page *page = virt_to_head_page(object);
	u64 shift = page->private;
	struct cpu_cache *cpu;

	if (shift > MAX_SHIFT) {
		__free_pages(page, shift - PAGE_SHIFT);
		return;
	}
	cpu = this_cpu_ptr(state.caches[shift]);
	push(&cpu->first, object);
	if (++cpu->count > state.limit)
		move(shift, cpu, false);
}

static void tutorial_init(void)
{
	for (u32 i = MIN_SHIFT; i <= MAX_SHIFT; i++)
		state.caches[i] = alloc_percpu(struct cpu_cache);
}

static const struct kms_policy_ops ops = { .init = tutorial_init, .kmalloc = tutorial_kmalloc,
					   .kfree = tutorial_kfree, .ksize = tutorial_ksize };
static const struct kms_policy_param params[] = {
	{ "limit", KMS_PARAM_UINT, &state.limit, 64, 0, 10000, "objects", "Free objects a CPU may keep." },
	{ "batch", KMS_PARAM_UINT, &state.batch, 16, 1, 1000, "objects", "Objects moved under the lock." },
};
KMS_POLICY(.name = "tutorial", .summary = "per-CPU caches before one free list per size",
	   .ops = &ops, .params = params, .nr_params = ARRAY_SIZE(params));
