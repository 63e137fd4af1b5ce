/*
 * import_kmem_page.c - page blocks among the kmem events; which of them are slabs.
 *
 * The kernel's linear map puts page frame n at a base address plus n pages; the
 * base is a multiple of 1 GiB and the same all the time. A page block and an
 * object that was handed out right after it on the same CPU give a candidate,
 * which is taken when it is so aligned: by chance, one in 2^18 would be. From then
 * on any object tells which page block it lies in, and that this is a slab.
 * Where addresses are hashed, a slab is told by its GFP flags and the next
 * event of the same task.
 */
#include <stdlib.h>
#include <string.h>

#include "workloads/import_kmem.h"

#define BASE_ALIGN (1ull << 30)
#define PAGE_BIT (1ull << 63) /* tells frame numbers from addresses among what was freed lately */
#define PAGE_SHIFT 12

/* Bits as in Linux 6.1. */
#define GFP_HIGHMEM 0x2u
#define GFP_MOVABLE 0x8u
#define GFP_RECLAIMABLE 0x10u
#define GFP_ZERO 0x100u
#define GFP_NOWARN 0x2000u
#define GFP_NORETRY 0x10000u
#define GFP_COMP 0x40000u

enum block_kind { BLOCK_USER, BLOCK_SLAB };

static u64 pages_of(u32 order)
{
	return 1ull << order;
}

/* The live block that pfn is in; NULL none. */
static struct live *covering(const struct kmem_import *im, u64 pfn)
{
	u64 before = ~0ull;

	for (u32 order = 0; order <= im->max_order; order++) {
		u64 head = pfn & ~(pages_of(order) - 1);
		struct live *b;

		if (head == before || !head)
			continue;
		before = head;
		b = live_find(&im->blocks, head);
		if (b && head + pages_of(b->order) > pfn)
			return b;
	}
	return NULL;
}

/* ---- parts of blocks ---- */

static bool is_freed(const struct live *b, u64 page)
{
	return b->freed && b->freed[page / 8] >> page % 8 & 1;
}

static u64 live_pages(const struct live *b, u64 first, u64 n)
{
	u64 live = 0;

	if (!b->freed)
		return n;
	for (u64 i = first; i < first + n; i++)
		live += !is_freed(b, i);
	return live;
}

static int split(struct kmem_import *im, const struct kmem_event *ev, struct live *b)
{
	struct spooled rq = { .time = im->time, .site = ev->site, .cpu = (u16)ev->cpu, .node = -1,
			      .context = ev->context, .op = REQ_PAGE_SPLIT, .order = b->order,
			      .slot = b->slot, .generation = b->generation };

	b->freed = calloc((pages_of(b->order) + 7) / 8, 1);
	b->left = (u32)pages_of(b->order);
	if (!b->freed)
		return kmem_no_memory(im);
	return b->kind == BLOCK_USER ? spool_add(&im->spool, &rq, NULL, im->err) : 0;
}

/* Pages [first, first + 2^order) of a block, none of them freed before. */
static int free_part(struct kmem_import *im, const struct kmem_event *ev, struct live *b, u64 first,
		     u32 order)
{
	struct spooled rq = { .time = im->time, .site = ev->site, .cpu = (u16)ev->cpu, .node = -1,
			      .context = ev->context, .op = REQ_PAGE_FREE_PART, .order = (u8)order,
			      .part = (u32)first, .slot = b->slot, .generation = b->generation };
	int ret = b->freed ? 0 : split(im, ev, b);

	if (ret)
		return ret;
	for (u64 i = first; i < first + pages_of(order); i++)
		b->freed[i / 8] |= (u8)(1 << i % 8);
	b->left -= (u32)pages_of(order);
	if (b->kind == BLOCK_USER)
		ret = spool_add(&im->spool, &rq, NULL, im->err);
	else
		im->reasons[KMEM_SLAB_PAGE_FREE]++;
	if (!ret && !b->left) {
		if (!slot_give(&im->slots, ev->cpu, (struct kms_object_ref){ b->slot, b->generation }))
			return kmem_no_memory(im);
		live_remove(&im->blocks, b);
	}
	return ret;
}

/* ---- slabs ---- */

static void vote(struct kmem_import *im, u64 ptr, u64 pfn, u32 order)
{
	u64 candidate = ptr - (pfn << PAGE_SHIFT), base = candidate & ~(BASE_ALIGN - 1);
	u32 at = 0;

	if (candidate - base >= pages_of(order) << PAGE_SHIFT || candidate > ptr)
		return;
	while (at < KMEM_BASES - 1 && im->bases[at].votes && im->bases[at].base != base)
		at++;
	if (im->bases[at].base != base)
		im->bases[at].votes = 0;
	im->bases[at].base = base;
	im->bases[at].votes++;
	if (at && im->bases[at].votes > im->bases[0].votes) {
		u64 votes = im->bases[at].votes;

		im->bases[at] = im->bases[0];
		im->bases[0].base = base;
		im->bases[0].votes = votes;
	}
	im->base = im->bases[0].base;
}

static bool is_kernel_address(u64 ptr)
{
	return ptr >> 47 == 0x1ffff;
}

/* The block was the slab layer's own request. */
static int mark_slab(struct kmem_import *im, const struct kmem_event *ev, struct live *b,
		     struct kmem_key *key)
{
	u64 start = im->base + (b->key << PAGE_SHIFT);

	if (b->cache & GFP_RECLAIMABLE)
		key->reclaimable = true;
	if (b->kind == BLOCK_SLAB)
		return 0;
	b->kind = BLOCK_SLAB;
	im->result->slab_pages++;
	im->reasons[KMEM_SLAB_PAGE_ALLOC]++;
	if (im->base && ev->bytes_alloc && ev->bytes_alloc <= UINT32_MAX) {
		b->stride = (u32)ev->bytes_alloc;
		if (!b->freed)
			b->left = (u32)((ev->ptr - start) % b->stride);
	}
	return spool_drop(&im->spool, b->record, im->err);
}

/* The last page request of this CPU was for a slab of which this is the first object. */
static bool follows_its_page(const struct kmem_cpu *cpu, const struct kmem_event *ev)
{
	bool large = cpu->compound && ev->bytes_alloc == pages_of(cpu->order) << PAGE_SHIFT;

	return cpu->pending && cpu->pid == ev->pid && (cpu->slab_like || large);
}

int kmem_slab_page(struct kmem_import *im, const struct kmem_event *ev, struct kmem_key *key)
{
	struct kmem_cpu *cpu = &im->cpus[ev->cpu];
	bool follows = follows_its_page(cpu, ev), pending = cpu->pending;
	struct live *b = NULL;

	cpu->pending = false;
	if (is_kernel_address(ev->ptr)) {
		if (pending)
			vote(im, ev->ptr, cpu->pfn, cpu->order);
		if (im->base && ev->ptr >= im->base)
			b = covering(im, (ev->ptr - im->base) >> PAGE_SHIFT);
	} else if (follows) {
		b = live_find(&im->blocks, cpu->pfn);
	}
	if (!b || (b->kind == BLOCK_USER && b->freed))
		return 0;
	return mark_slab(im, ev, b, key);
}

/* Objects still in a slab that goes were freed in bulk, which no event shows. */
static int empty_slab(struct kmem_import *im, const struct kmem_event *ev, const struct live *b)
{
	u64 at = im->base + (b->key << PAGE_SHIFT), end = at + (pages_of(b->order) << PAGE_SHIFT);
	int ret = 0;

	if (!b->stride || b->freed)
		return 0;
	for (at += b->left; at < end && !ret && im->objects.n; at += b->stride) {
		struct live *object = live_find(&im->objects, at);

		if (!object)
			continue;
		recent_add(&im->freed, kmem_gone_key(at));
		ret = kmem_object_gone(im, ev, object);
	}
	return ret;
}

/* A slab from before the recording: an object of it was just freed here. */
static bool frees_old_slab(const struct kmem_import *im, const struct kmem_event *ev)
{
	u64 ptr = im->cpus[ev->cpu].freed;

	return im->base && ptr >= im->base && (ptr - im->base) >> PAGE_SHIFT >= ev->pfn &&
	       (ptr - im->base) >> PAGE_SHIFT < ev->pfn + pages_of(ev->order);
}

/* ---- whole blocks ---- */

static int free_block(struct kmem_import *im, const struct kmem_event *ev, struct live *b)
{
	u64 pfn = b->key;
	int ret;

	if (b->kind == BLOCK_SLAB) {
		ret = empty_slab(im, ev, b);
		im->reasons[KMEM_SLAB_PAGE_FREE]++;
		if (!slot_give(&im->slots, ev->cpu, (struct kms_object_ref){ b->slot, b->generation }))
			return kmem_no_memory(im);
	} else {
		ret = kmem_free_request(im, ev, b, REQ_PAGE_FREE, NULL);
	}
	live_remove(&im->blocks, b);
	recent_add(&im->freed, pfn | PAGE_BIT);
	return ret;
}

/* Part of the block is handed out again, so its free was not recorded; the rest is as it was. */
static int part_gone(struct kmem_import *im, const struct kmem_event *ev, struct live *b, u64 first, u64 n)
{
	struct kmem_event at = *ev;
	u64 key = b->key;
	int ret = 0;

	at.site = KMS_NO_SITE;
	im->implied_frees++;
	if (n == pages_of(b->order) && !b->freed)
		return free_block(im, &at, b);
	for (u64 i = first; i < first + n && !ret; i++) {
		b = live_find(&im->blocks, key);
		if (b && !is_freed(b, i))
			ret = free_part(im, &at, b, i, 0);
	}
	return ret;
}

/* Make room for a block: what is recorded as live there cannot be. */
static int clear_range(struct kmem_import *im, const struct kmem_event *ev, bool *overlap)
{
	u64 end = ev->pfn + pages_of(ev->order);
	struct live *b = covering(im, ev->pfn);
	int ret = 0;

	if (b && b->key < ev->pfn) {
		u64 first = ev->pfn - b->key, n = pages_of(b->order) - first;

		if (n > end - ev->pfn)
			n = end - ev->pfn;
		*overlap = live_pages(b, first, n) > 0;
		ret = part_gone(im, ev, b, first, n);
	}
	for (u64 pfn = ev->pfn; pfn < end && !ret && im->blocks.n; pfn++) {
		b = live_find(&im->blocks, pfn);
		if (!b)
			continue;
		if (pages_of(b->order) > end - pfn) {
			*overlap |= live_pages(b, 0, end - pfn) > 0;
			ret = part_gone(im, ev, b, 0, end - pfn);
		} else {
			*overlap |= live_pages(b, 0, pages_of(b->order)) > 0;
			ret = part_gone(im, ev, b, 0, pages_of(b->order));
		}
	}
	return ret;
}

static void note_page(struct kmem_import *im, const struct kmem_event *ev)
{
	struct kmem_cpu *cpu = &im->cpus[ev->cpu];
	u32 slab = GFP_NOWARN | GFP_NORETRY | (ev->order ? GFP_COMP : 0);
	bool kernels = !(ev->gfp & (GFP_HIGHMEM | GFP_MOVABLE));

	cpu->pending = true;
	cpu->pfn = ev->pfn;
	cpu->pid = ev->pid;
	cpu->order = (u8)ev->order;
	cpu->compound = kernels && ev->order && ev->gfp & GFP_COMP;
	cpu->slab_like = (ev->gfp & slab) == slab && kernels && !(ev->gfp & GFP_ZERO);
	if (ev->order > im->max_order)
		im->max_order = ev->order;
}

int kmem_page_alloc(struct kmem_import *im, const struct kmem_event *ev)
{
	bool overlap = false;
	struct spooled rq;
	struct live *b;
	int ret;

	if (!ev->pfn || ev->pfn >= 1ull << 48) { /* all ones, or 0 in text */
		im->reasons[KMEM_FAILED]++;
		return 0;
	}
	ret = clear_range(im, ev, &overlap);
	im->result->alloc_over_live += overlap;
	note_page(im, ev);
	if (!ret)
		ret = kmem_new_request(im, ev, REQ_PAGE_ALLOC, &rq);
	b = ret ? NULL : live_add(&im->blocks, ev->pfn);
	if (!b)
		return ret ? ret : kmem_no_memory(im);
	b->order = (u8)ev->order;
	b->slot = rq.slot;
	b->generation = rq.generation;
	b->cache = ev->gfp;
	return spool_add(&im->spool, &rq, &b->record, im->err);
}

static int free_unknown(struct kmem_import *im, const struct kmem_event *ev)
{
	bool seen = recent_has(&im->freed, ev->pfn | PAGE_BIT);

	im->result->frees_without_alloc++;
	recent_add(&im->freed, ev->pfn | PAGE_BIT);
	if (frees_old_slab(im, ev)) {
		im->reasons[KMEM_SLAB_PAGE_FREE]++;
		im->result->live_at_start += !seen;
		return 0;
	}
	if (!seen)
		return kmem_free_old(im, ev, REQ_PAGE_FREE, KMEM_NO_NAME, true);
	im->reasons[KMEM_UNSEEN_ALLOC]++;
	return 0;
}

int kmem_page_free(struct kmem_import *im, const struct kmem_event *ev)
{
	struct live *b = covering(im, ev->pfn);
	u64 first, n = pages_of(ev->order);
	bool overlap;
	int ret;

	if (b && b->key == ev->pfn && b->order == ev->order && !b->freed) {
		im->result->frees_matched++;
		return free_block(im, ev, b);
	}
	first = b ? ev->pfn - b->key : 0;
	if (b && first + n <= pages_of(b->order) && live_pages(b, first, n) == n) {
		im->result->frees_matched++;
		recent_add(&im->freed, ev->pfn | PAGE_BIT);
		return free_part(im, ev, b, first, ev->order);
	}
	ret = clear_range(im, ev, &overlap); /* more is freed than was allocated: losses before */
	return ret ? ret : free_unknown(im, ev);
}
