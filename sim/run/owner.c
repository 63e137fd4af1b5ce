/*
 * owner.c - the workload as the owner of pages that can be reclaimed and moved.
 *
 * With workload.reclaim "own", order-0 pages that the workload asks for as
 * movable go on the node's LRU lists, as page cache or as anonymous memory. The
 * allocators tell here what became of them: page cache that was reclaimed is
 * gone, and the workload's later free of it does nothing; a page that was moved
 * is freed where it then is. What the recorded kernel's own reclaim freed is an
 * outcome of that run, not a request: dropped (docs/reclaim.md).
 */
#include "sim/run/internal.h"

#include <string.h>

#define GFP_MOVABLE_BIT 0x08u
#define GFP_WRITE_BIT 0x1000u
#define OOM_TASKS 64u
#define NO_TASK (-1)

/* Which allocations are page cache: dirtied through write(), or made by these functions. */
static bool is_page_cache(const struct run *run, const struct kms_request *rq)
{
	static const char *const makers[] = { "folio_alloc", "filemap_alloc_folio", "__page_cache_alloc",
					      "page_cache_ra_unbounded", "do_read_cache_folio",
					      "grow_dev_page", "pagecache_get_page",
					      "__filemap_get_folio" };
	const char *site = rq->site < run->info->nr_sites ? run->info->sites[rq->site] : "";

	if (rq->gfp & GFP_WRITE_BIT)
		return true;
	for (size_t i = 0; i < KMS_ARRAY_SIZE(makers); i++)
		if (!strcmp(site, makers[i]))
			return true;
	return false;
}

static bool can_be_listed(const struct run *run, const struct kms_request *rq)
{
	return run->config->workload.reclaim == RECLAIM_OWN && rq->op == REQ_PAGE_ALLOC && !rq->order &&
	       (rq->gfp & GFP_MOVABLE_BIT);
}

/*
 * While the page is being put on its list (other CPUs run meanwhile, and the
 * object may move in the table) nobody may free it: OBJECT_LISTING.
 */
void owner_list(struct run *run, u32 cpu, const struct kms_request *rq)
{
	struct object *object = can_be_listed(run, rq) ? objects_find(&run->objects, rq->refs[0]) : NULL;
	bool file;
	struct op_mark mark;

	if (!object || object->state != OBJECT_LIVE)
		return;
	file = is_page_cache(run, rq);
	object->lru = true;
	object->page_cache = file;
	object->task = (u8)(rq->cpu % OOM_TASKS);
	object->state = OBJECT_LISTING;
	*(file ? &run->owner.page_cache : &run->owner.anonymous) += 1;
	record_begin(run, cpu, OPERATION_LRU_ADD, &mark);
	run->mm->lru_cache_add(mm_virt_to_page(object->memory), rq->refs[0].slot, rq->refs[0].generation,
			       file ? NO_TASK : (s32)object->task);
	record_end(run, cpu, OPERATION_LRU_ADD, &mark);
	objects_find(&run->objects, rq->refs[0])->state = OBJECT_LIVE;
}

bool owner_begins_free(struct run *run, struct object *object)
{
	if (object->state == OBJECT_GONE)
		run->owner.frees_of_gone++;
	if (object->state != OBJECT_LIVE)
		return false;
	shrink_loses(run, object);
	object->state = OBJECT_FREEING;
	return true;
}

bool owner_drops(struct run *run, const struct kms_request *rq)
{
	const struct object *first;

	if (rq->op != REQ_PAGE_FREE_LIST || !(rq->context & KMS_CTX_MEMALLOC))
		return false;
	if (run->config->workload.reclaim != RECLAIM_OWN) {
		run->owner.kept_reclaim += rq->n;
		return false;
	}
	first = objects_find(&run->objects, rq->refs[0]);
	if (!first->page_cache)
		return false;
	run->owner.recorded_reclaim += rq->n;
	return true;
}

/* ---- what the allocators tell ---- */

static struct object *named(const struct run *run, u64 mapping, u64 index)
{
	struct object *object = objects_find(&run->objects, (struct kms_object_ref){ (u32)mapping, (u32)index });

	return object && object->state == OBJECT_LIVE ? object : NULL;
}

static bool lets_go(void *arg, u64 mapping, u64 index)
{
	struct run *run = arg;
	struct object *object = named(run, mapping, index);

	if (!object)
		return false;
	account_free_object(&run->account, object);
	object->state = OBJECT_GONE;
	run->owner.reclaimed++;
	return true;
}

static bool moves(void *arg, u64 mapping, u64 index, u64 new_pfn)
{
	struct run *run = arg;
	struct object *object = named(run, mapping, index);

	if (!object)
		return false;
	object->memory = ram_ptr(new_pfn << SIM_PAGE_SHIFT);
	run->owner.moved++;
	return true;
}

static struct object *victim_in(const struct objects *o, u64 slot, u32 task)
{
	struct object *object = &o->slots[slot];

	for (; object; object = object->next ? &o->overflow[object->next - 1] : NULL)
		if (object->state == OBJECT_LIVE && object->lru && !object->page_cache &&
		    object->task == task)
			return object;
	return NULL;
}

/* All anonymous pages of a task. Its later frees of them do nothing. Other CPUs run meanwhile. */
static u64 kill_task(void *arg, u32 task)
{
	struct run *run = arg;
	struct object *object;
	u64 freed = 0;

	for (u64 slot = 0; slot < run->objects.used; slot++)
		while ((object = victim_in(&run->objects, slot, task))) {
			struct page *page = mm_virt_to_page(object->memory);

			account_free_object(&run->account, object);
			object->state = OBJECT_GONE;
			run->mm->put_page(page);
			freed++;
		}
	run->owner.killed_tasks++;
	run->owner.killed_pages += freed;
	return freed;
}

void owner_start(struct run *run)
{
	rt_set_owner(&(struct rt_owner){ .lets_go = lets_go, .moves = moves, .kill = kill_task,
					  .shrink_count = shrink_count, .shrink_scan = shrink_scan,
					  .arg = run });
}
