/*
 * simple.h - a bump-and-chain allocator that the failing policies of these tests
 * share: one free list per power of two, pages never given back. Each of them
 * spoils one thing.
 */
#include <kmemsim/policy.h>

#define SHIFTS 23

static struct {
	spinlock_t lock;
	void *chain[SHIFTS];
	u64 number;
} s __attribute__((aligned(64)));

static u32 shift_of(u64 size)
{
	return max(ilog2(size * 2 - 1), 3);
}

static void refill(u32 shift)
{
	u32 order = shift > PAGE_SHIFT ? shift - PAGE_SHIFT : 0;
	struct page *page = alloc_pages(GFP_KERNEL, order);
	char *p = page ? page_address(page) : NULL;

	for (u64 at = 0; p && at < PAGE_SIZE << order; at += 1ul << shift) {
		*(void **)(p + at) = s.chain[shift];
		s.chain[shift] = p + at;
	}
	if (page)
		page->private = shift;
	for (u64 i = 1; page && i < 1ul << order; i++)
		page[i].private = shift;
}

static void *simple_alloc(u64 size)
{
	u32 shift = shift_of(size);
	void *p;

	spin_lock(&s.lock, LOCK_POLICY);
	if (!s.chain[shift])
		refill(shift);
	p = s.chain[shift];
	if (p)
		s.chain[shift] = *(void **)p;
	s.number++;
	spin_unlock(&s.lock, LOCK_POLICY);
	return p;
}

static void simple_free(void *p)
{
	u64 shift = virt_to_page(p)->private;

	spin_lock(&s.lock, LOCK_POLICY);
	*(void **)p = s.chain[shift];
	s.chain[shift] = p;
	spin_unlock(&s.lock, LOCK_POLICY);
}

#define SIMPLE(name_, alloc_, free_)                                                               \
	static const struct kms_policy_ops ops = { .kmalloc = alloc_, .kfree = free_ };            \
	KMS_POLICY(.name = name_, .summary = "a policy that fails", .ops = &ops)
