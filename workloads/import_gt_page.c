/*
 * import_gt_page.c - the recorded page allocator's lines into requests.
 *
 * The line of a page allocation comes when it is done. What it was for is often
 * told only by the next line: a slab, a large kmalloc, alloc_pages_exact(); its
 * request is then amended in the queue, or taken back. The line of a page free
 * comes before its effect, and only the effect tells whether it was freed alone
 * or in a list.
 */
#include <stdlib.h>
#include <string.h>

#include "workloads/import_gt.h"

typedef unsigned long long ull;

/* ---- allocation ---- */

/* A zone, "node/index", that the current page request has come to. */
static void tried(struct gt_import *im)
{
	struct gt_flow *f = im->flow;
	size_t length;
	const char *word = gt_word(im, &length);
	u64 node = strtoull(word, NULL, 10);

	if (!im->bad && length && node < 64 && !f->tried_all)
		f->zones_tried |= 1ull << node;
}

static void skip_words(struct gt_import *im, u32 n)
{
	size_t length;

	while (n--)
		gt_word(im, &length);
}

int gt_wmark_fail(struct gt_import *im)
{
	tried(im);
	return 0;
}

int gt_rmq_buddy(struct gt_import *im)
{
	skip_words(im, 5);
	tried(im);
	return 0;
}

int gt_pg_slow(struct gt_import *im)
{
	im->flow->tried_all = true;
	return 0;
}

int gt_pcp_alloc(struct gt_import *im)
{
	struct gt_flow *f = im->flow;
	u64 pfn = gt_hex(im);
	u64 *grown = gt_grow(im, f->taken, &f->taken_capacity, f->nr_taken + 1, sizeof(*grown));

	skip_words(im, 3);
	tried(im);

	if (!grown)
		return KMS_EFAIL;
	f->taken = grown;
	f->taken[f->nr_taken++] = pfn;
	return 0;
}

/* A block of pages for a new object; what was there is forgotten. */
static int own_pages(struct gt_import *im, struct gt_object *object, u32 slot, u64 pfn, u32 pages)
{
	struct gt_page *page;
	int ret = gt_page_at(im, pfn, pages, &page);

	if (ret)
		return ret;
	object->pfn = pfn;
	object->pages = object->pages_left = pages;
	gt_set_pages(im, pfn, pages, (struct gt_page){ .slot = slot, .kind = GT_PAGE_OBJECT });
	return 0;
}

static int own_as_outcome(struct gt_import *im, u64 pfn, u64 pages, enum gt_reason reason)
{
	struct gt_page *page;
	int ret = gt_page_at(im, pfn, pages, &page);

	if (!ret)
		gt_set_pages(im, pfn, pages, (struct gt_page){ .kind = GT_PAGE_OUTCOME, .reason = (u8)reason });
	return ret;
}

/*
 * The preferred node. A request with a nodemask ("nidNm") does not say which: of
 * the nodes it may use, the recording shows those that its first attempt came to,
 * and these are all that were allowed, or as many as it took.
 */
static s16 request_node(struct gt_import *im, u64 *nodemask)
{
	struct gt_flow *f = im->flow;
	size_t length;
	const char *word = gt_word(im, &length);
	u32 node = 0;

	if (im->bad)
		return -1;
	if (length < 4 || memcmp(word, "nid", 3)) {
		im->bad = true;
		im->bad_at = (char *)word;
		im->bad_expected = "nidN";
		return -1;
	}
	for (size_t i = 3; i < length && word[i] >= '0' && word[i] <= '9' && node < 64; i++)
		node = node * 10 + (u32)(word[i] - '0');
	if (length && word[length - 1] == 'm' && im->info.nr_nodes > 1)
		*nodemask = f->zones_tried;
	f->zones_tried = 0;
	f->tried_all = false;
	if (node < 64)
		im->node_votes[im->cpu][node]++;
	return im->info.nr_nodes > 1 ? (s16)node : -1;
}

bool gt_is_order(const struct gt_import *im, s64 order)
{
	return order >= 0 && order < 32 && 1ull << order <= im->nr_pages;
}

int gt_bad_order(struct gt_import *im, s64 order)
{
	return kms_fail(im->err, KMS_EUSAGE, "%s:%llu: order %lld, expected 0 to 10", im->lines.path,
			(ull)im->lines.number, (long long)order);
}

int gt_pg_alloc(struct gt_import *im)
{
	struct kms_request rq = gt_request(im, REQ_PAGE_ALLOC);
	struct gt_flow *f = im->flow;
	bool failed = *im->at && im->at[1] == '-';
	u64 pfn = failed ? (u64)gt_dec(im) : gt_hex(im), number;
	s64 order = gt_dec(im);
	struct gt_object *object;
	struct kms_object_ref ref;
	int ret;

	gt_dec(im);
	rq.node = request_node(im, &rq.nodemask);
	gt_hex(im);
	rq.gfp = (u32)gt_hex(im);
	gt_hex(im);
	rq.site = gt_site(im);
	f->nr_taken = 0;
	f->failed_request = 0;
	if (im->bad)
		return 0;
	if (!gt_is_order(im, order))
		return gt_bad_order(im, order);
	rq.order = (u8)order;
	if (f->slow) { /* within a slab allocation: a new slab */
		gt_leave_out(im, REASON_SLAB_PAGE_ALLOC);
		return failed ? 0 : own_as_outcome(im, pfn, 1ull << order, REASON_SLAB_PAGE_FREE);
	}
	ret = gt_new_object(im, &ref, &object);
	if (!ret && !failed)
		ret = own_pages(im, object, ref.slot, pfn, 1u << order);
	if (ret)
		return ret;
	object->order = (u8)order;
	rq.n = 1;
	rq.refs = &ref;
	ret = gt_emit(im, &rq, &number);
	im->objects[ref.slot].request = number;
	if (failed)
		f->failed_request = number + 1;
	return ret;
}

/* The newest page request turns out to be something else: take it back. */
static int take_back(struct gt_import *im, u32 slot)
{
	struct gt_object *object = &im->objects[slot];
	struct queued *q = import_queue_find(&im->queue, object->request);
	struct kms_object_ref ref = { slot, object->generation };

	if (!q) {
		gt_leave_out(im, REASON_LATE);
		return 0;
	}
	q->cancelled = true;
	return slot_untake(&im->slots, im->cpu, ref) ? 0 : gt_no_memory(im);
}

int gt_take_slab(struct gt_import *im, u64 pfn)
{
	struct gt_page *page;
	struct gt_object *object;
	int ret = gt_page_at(im, pfn, 1, &page);

	if (ret || page->kind != GT_PAGE_OBJECT)
		return ret;
	object = &im->objects[page->slot];
	if (object->pfn != pfn)
		return 0;
	ret = take_back(im, page->slot);
	gt_leave_out(im, REASON_SLAB_PAGE_ALLOC);
	return ret ? ret : own_as_outcome(im, pfn, object->pages, REASON_SLAB_PAGE_FREE);
}

/* The flow's newest request, if it is for pages and failed. */
static struct queued *just_failed(struct gt_import *im)
{
	struct gt_flow *f = im->flow;

	return f->failed_request && f->failed_request - 1 == f->last_request ?
		       import_queue_find(&im->queue, f->last_request) : NULL;
}

int gt_take_back_failed(struct gt_import *im)
{
	struct queued *q = just_failed(im);

	if (!q)
		return 0;
	im->flow->failed_request = 0;
	gt_leave_out(im, REASON_SLAB_PAGE_ALLOC);
	return take_back(im, q->one.slot);
}

int gt_new_slab(struct gt_import *im)
{
	struct gt_page *page;
	size_t length;
	u64 pfn;
	s64 order;
	int ret;

	gt_word(im, &length);
	pfn = gt_hex(im);
	order = gt_dec(im);
	if (im->bad)
		return 0;
	if (!gt_is_order(im, order))
		return gt_bad_order(im, order);
	ret = gt_page_at(im, pfn, 1ull << order, &page);
	if (ret || page->kind != GT_PAGE_OBJECT)
		return ret;
	ret = take_back(im, page->slot);
	gt_leave_out(im, REASON_SLAB_PAGE_ALLOC);
	return ret ? ret : own_as_outcome(im, pfn, 1ull << order, REASON_SLAB_PAGE_FREE);
}

/* Pages that __alloc_pages_bulk() took one by one. */
static int bulk_pages(struct gt_import *im, struct kms_request rq, const u64 *pfns, u32 n)
{
	struct kms_object_ref refs[KMS_MAX_BULK];
	struct gt_object *object;
	int ret = 0;

	for (u32 i = 0; i < n && !ret; i++) {
		ret = gt_new_object(im, &refs[i], &object);
		if (!ret)
			ret = own_pages(im, object, refs[i].slot, pfns[i], 1);
	}
	rq.n = n;
	rq.refs = refs;
	return ret ? ret : gt_emit(im, &rq, NULL);
}

int gt_pg_bulk(struct gt_import *im)
{
	struct kms_request rq = gt_request(im, REQ_PAGE_ALLOC_BULK);
	struct gt_flow *f = im->flow;
	s64 got = gt_dec(im);
	int ret = 0;

	gt_dec(im);
	gt_dec(im);
	gt_hex(im);
	rq.gfp = (u32)gt_hex(im);
	rq.site = gt_site(im);
	if (got < 0 || got > f->nr_taken)
		return kms_fail(im->err, KMS_EUSAGE, "%s:%llu: PG_BULK of %lld pages after %u PCP_ALLOC lines",
				im->lines.path, (ull)im->lines.number, (long long)got, f->nr_taken);
	for (u64 done = 0; done < (u64)got && !ret; done += KMS_MAX_BULK) {
		u64 left = (u64)got - done, n = left < KMS_MAX_BULK ? left : KMS_MAX_BULK;

		ret = bulk_pages(im, rq, f->taken + f->nr_taken - got + done, (u32)n);
	}
	f->nr_taken = 0;
	return ret;
}

/* The allocation's request, if it can still be amended. */
static struct queued *amend(struct gt_import *im, u64 pfn, struct gt_object **object)
{
	struct queued *q = NULL;

	if (pfn < im->nr_pages && im->pages[pfn].kind == GT_PAGE_OBJECT) {
		*object = &im->objects[im->pages[pfn].slot];
		if ((*object)->pfn == pfn)
			q = import_queue_find(&im->queue, (*object)->request);
	}
	if (!q)
		gt_leave_out(im, REASON_LATE);
	return q;
}

int gt_pg_exact(struct gt_import *im)
{
	u64 pfn = gt_hex(im);
	s64 order = gt_dec(im);
	u64 size = (u64)gt_dec(im), pages = (u64)gt_dec(im);
	struct gt_object *object;
	struct queued *q;

	if (im->bad)
		return 0;
	q = amend(im, pfn, &object);
	if (!q)
		return 0;
	if (order != object->order || !pages || pages > object->pages)
		return kms_fail(im->err, KMS_EUSAGE, "%s:%llu: PG_EXACT of %llu pages in a block of %u",
				im->lines.path, (ull)im->lines.number, (ull)pages, object->pages);
	q->request.op = REQ_PAGE_ALLOC_EXACT;
	q->request.size = size;
	q->request.order = 0;
	object->parts = true;
	gt_set_pages(im, pfn + pages, object->pages - pages,
		     (struct gt_page){ .kind = GT_PAGE_OUTCOME, .reason = REASON_EXACT_SURPLUS });
	object->pages = object->pages_left = (u32)pages;
	return 0;
}

int gt_pg_split(struct gt_import *im)
{
	struct kms_request rq = gt_request(im, REQ_PAGE_SPLIT);
	u64 pfn = gt_hex(im);
	struct kms_object_ref ref;

	gt_dec(im);
	rq.site = gt_site(im);
	if (im->bad)
		return 0;
	if (pfn >= im->nr_pages || im->pages[pfn].kind != GT_PAGE_OBJECT) {
		gt_leave_out(im, REASON_COMPACTION);
		return 0;
	}
	ref = (struct kms_object_ref){ im->pages[pfn].slot, im->objects[im->pages[pfn].slot].generation };
	im->objects[ref.slot].parts = true;
	rq.n = 1;
	rq.refs = &ref;
	return gt_emit(im, &rq, NULL);
}

/* ---- kmalloc() of whole pages ---- */

static int failed_large(struct gt_import *im, const struct kms_request *rq)
{
	struct kms_request alone = *rq;
	struct kms_object_ref ref;
	struct gt_object *object;
	struct queued *q = just_failed(im);
	int ret;

	if (q && 4096ull << q->request.order >= rq->size) { /* the page request that failed is part of it */
		q->request.op = REQ_KMALLOC;
		q->request.size = rq->size;
		q->request.site = rq->site;
		q->request.gfp = rq->gfp;
		q->request.order = 0;
		return 0;
	}
	ret = gt_new_object(im, &ref, &object);
	alone.n = 1;
	alone.refs = &ref;
	return ret ? ret : gt_emit(im, &alone, NULL);
}

int gt_large_alloc(struct gt_import *im)
{
	struct kms_request rq = gt_request(im, REQ_KMALLOC);
	u64 address = gt_hex(im);
	struct gt_object *object;
	struct queued *q;

	rq.size = (u64)gt_dec(im);
	rq.gfp = (u32)gt_hex(im);
	rq.node = (s16)gt_dec(im);
	rq.site = gt_site(im);
	if (im->bad)
		return 0;
	if (!address)
		return failed_large(im, &rq);
	q = amend(im, address >> 12, &object);
	if (!q)
		return 0;
	rq.time = q->request.time;
	rq.cpu = q->request.cpu;
	rq.n = 1;
	q->request = rq;
	object->large = true;
	return 0;
}

static int free_large(struct gt_import *im, u32 slot)
{
	struct kms_request rq = gt_request(im, REQ_KFREE);
	struct gt_object *object = &im->objects[slot];
	struct kms_object_ref ref;

	gt_set_pages(im, object->pfn, object->pages,
		     (struct gt_page){ .kind = GT_PAGE_OUTCOME, .reason = REASON_LARGE_PAGE });
	ref = gt_drop_object(im, slot);
	rq.n = 1;
	rq.refs = &ref;
	return gt_emit(im, &rq, NULL);
}

int gt_large_free(struct gt_import *im)
{
	u64 pfn = gt_hex(im) >> 12;

	if (im->bad)
		return 0;
	if (im->flow->chain_left) { /* part of a bulk free */
		im->flow->chain_left--;
		gt_leave_out(im, REASON_BULK_CHAIN);
		return 0;
	}
	if (pfn >= im->nr_pages || im->pages[pfn].kind != GT_PAGE_OBJECT) {
		gt_leave_out(im, REASON_FREE_UNKNOWN);
		return 0;
	}
	return free_large(im, im->pages[pfn].slot);
}

/* ---- free ---- */

/* Memory that memblock hands over becomes the trace's free ranges. */
static int add_free_range(struct gt_import *im, u64 pfn, u64 pages)
{
	struct kms_workload_info *info = &im->info;
	struct kms_range *last = info->nr_free ? &info->free[info->nr_free - 1] : NULL;
	struct kms_range *grown;

	gt_leave_out(im, REASON_MEMBLOCK);
	gt_set_pages(im, pfn, pages, (struct gt_page){ .kind = GT_PAGE_NONE });
	if (last && last->end == pfn) {
		last->end += pages;
		return 0;
	}
	grown = realloc(info->free, (info->nr_free + 1) * sizeof(*grown));
	if (!grown)
		return gt_no_memory(im);
	info->free = grown;
	grown[info->nr_free++] = (struct kms_range){ pfn, pfn + pages };
	return 0;
}

static int pend(struct gt_import *im, struct gt_pending_free pending)
{
	struct gt_flow *f = im->flow;
	struct gt_pending_free *grown =
		gt_grow(im, f->frees, &f->frees_capacity, f->nr_frees + 1, sizeof(*grown));

	if (!grown)
		return KMS_EFAIL;
	f->frees = grown;
	f->frees[f->nr_frees++] = pending;
	return 0;
}

int gt_pg_free(struct gt_import *im)
{
	struct gt_pending_free pending = { .pfn = gt_hex(im) };
	s64 order = gt_dec(im);
	struct gt_page *page, was;
	u64 pages = 1ull << (order & 31);
	int ret;

	if (im->bad)
		return 0;
	if (!gt_is_order(im, order))
		return gt_bad_order(im, order);
	ret = gt_page_at(im, pending.pfn, pages, &page);
	if (ret)
		return ret;
	if (im->memblock_release && page->kind == GT_PAGE_NONE)
		return add_free_range(im, pending.pfn, pages);
	was = *page;
	pending.order = (u8)order;
	pending.slot = was.slot;
	if (was.kind == GT_PAGE_OBJECT && gt_migrated(im, pending.pfn))
		return 0;
	gt_set_pages(im, pending.pfn, pages, (struct gt_page){ .kind = GT_PAGE_NONE });
	switch (was.kind) {
	case GT_PAGE_OBJECT:
		break;
	case GT_PAGE_NONE:
		if (was.known || !im->info.nr_free) {
			gt_leave_out(im, REASON_FREE_UNKNOWN);
			return 0;
		}
		pending.release = true;
		return pend(im, pending);
	default:
		gt_leave_out(im, was.kind == GT_PAGE_OUTCOME ? (enum gt_reason)was.reason : REASON_COMPACTION);
		return 0;
	}
	if (im->objects[was.slot].large)
		return free_large(im, was.slot);
	pending.part = im->objects[was.slot].parts || im->objects[was.slot].pages != pages;
	return pend(im, pending);
}

static int emit_part(struct gt_import *im, const struct gt_pending_free *p)
{
	struct kms_request rq = gt_request(im, REQ_PAGE_FREE_PART);
	struct gt_object *object = &im->objects[p->slot];
	struct kms_object_ref ref = { p->slot, object->generation };
	u32 pages = 1u << p->order;

	if (p->pfn < object->pfn || p->pfn + pages > object->pfn + object->pages) {
		gt_leave_out(im, REASON_FREE_UNKNOWN);
		return 0;
	}
	rq.part = (u32)(p->pfn - object->pfn);
	rq.order = p->order;
	if (object->pages_left <= pages)
		gt_drop_object(im, p->slot);
	else
		object->pages_left -= pages;
	rq.n = 1;
	rq.refs = &ref;
	return gt_emit(im, &rq, NULL);
}

static int emit_single(struct gt_import *im, const struct gt_pending_free *p)
{
	struct kms_request rq = gt_request(im, p->release ? REQ_PAGE_RELEASE : REQ_PAGE_FREE);
	struct kms_object_ref ref;

	if (p->part)
		return emit_part(im, p);
	rq.order = p->order;
	if (p->release) {
		rq.size = p->pfn;
		return gt_emit(im, &rq, NULL);
	}
	ref = gt_drop_object(im, p->slot);
	rq.n = 1;
	rq.refs = &ref;
	return gt_emit(im, &rq, NULL);
}

/* A page reached a free list: unless a list is being freed, it was freed alone. */
int gt_free_effect(struct gt_import *im)
{
	struct gt_flow *f = im->flow;
	struct gt_pending_free found;
	u64 pfn;
	u32 i;

	if (!f->nr_frees || f->batched)
		return 0;
	pfn = gt_hex(im);
	for (i = f->nr_frees; i && f->frees[i - 1].pfn != pfn;)
		i--;
	if (!i)
		return 0;
	found = f->frees[i - 1];
	memmove(&f->frees[i - 1], &f->frees[i], (f->nr_frees - i) * sizeof(found));
	f->nr_frees--;
	return emit_single(im, &found);
}

static int emit_refs(struct gt_import *im, u8 op, const struct kms_object_ref *refs, u32 n)
{
	struct kms_request rq = gt_request(im, op);

	rq.n = n;
	rq.refs = refs;
	return n ? gt_emit(im, &rq, NULL) : 0;
}

/* All pages of the flow's list: whole blocks together, anything odd by itself. */
static int emit_list(struct gt_import *im)
{
	struct gt_flow *f = im->flow;
	struct kms_object_ref refs[KMS_MAX_BULK];
	u32 n = 0;
	int ret = 0;

	for (u32 i = 0; i < f->nr_frees && !ret; i++) {
		if (f->frees[i].part || f->frees[i].release || f->frees[i].order) {
			ret = emit_single(im, &f->frees[i]);
			continue;
		}
		refs[n++] = gt_drop_object(im, f->frees[i].slot);
		if (n == KMS_MAX_BULK) {
			ret = emit_refs(im, REQ_PAGE_FREE_LIST, refs, n);
			n = 0;
		}
	}
	f->nr_frees = f->batched = 0;
	return ret ? ret : emit_refs(im, REQ_PAGE_FREE_LIST, refs, n);
}

int gt_pg_free_batched(struct gt_import *im)
{
	struct gt_flow *f = im->flow;
	u64 pfn = gt_hex(im);
	int ret = 0;

	/* those before it in the list never got here: freed alone, effect unseen */
	while (f->nr_frees > f->batched && f->frees[f->batched].pfn != pfn && !ret) {
		struct gt_pending_free alone = f->frees[f->batched];

		f->nr_frees--;
		memmove(&f->frees[f->batched], &f->frees[f->batched + 1],
			(f->nr_frees - f->batched) * sizeof(alone));
		ret = emit_single(im, &alone);
	}
	if (ret)
		return ret;
	if (f->nr_frees == f->batched) {
		gt_leave_out(im, REASON_FREE_UNKNOWN);
		return f->batched ? emit_list(im) : 0;
	}
	return ++f->batched == f->nr_frees ? emit_list(im) : 0;
}
