/*
 * oom.c - no memory left: whose to take.
 *
 * Tasks are what owners of anonymous pages say they are (lru_cache_add()); of
 * each the model keeps the number of its pages and how ready one is to give it
 * up. Page tables and swap are not modelled. The owner frees the victim's pages
 * at once, as the kernel's reaper would soon after.
 */
#include "models/mm/reclaim.h"

static u64 totalpages(void)
{
	struct zone *zone;
	u64 sum = 0;

	for_each_populated_zone(zone)
		sum += READ_ONCE(zone->managed_pages);
	return sum;
}

/* Pages, moved by oom_score_adj thousandths of all memory; not above 0: not to be killed. */
static s64 oom_badness(const struct oom_task *task, u64 total)
{
	s64 rss = READ_ONCE(task->rss);
	s32 adj = READ_ONCE(task->oom_score_adj);

	if (rss <= 0 || adj == OOM_SCORE_ADJ_MIN)
		return 0;
	return rss + adj * (s64)(total / 1000);
}

/* The task of the greatest badness, the first of equals; -1 if none may be killed. */
static s32 select_bad_process(void)
{
	u64 total = totalpages();
	s64 worst = 0;
	s32 chosen = -1;
	u32 i;

	for (i = 0; i < NR_OOM_TASKS; i++) {
		s64 badness = oom_badness(&kdata->oom_tasks[i], total);

		if (badness > worst) {
			worst = badness;
			chosen = (s32)i;
		}
	}
	return chosen;
}

/*
 * True if it is worth trying again. A request that may not enter file systems
 * kills nobody and in the kernel waits for others to; here, where nobody may
 * come, it counts as hopeless. The kernel panics where there is no victim.
 * pre: oom_lock is held
 */
bool out_of_memory(gfp_t gfp)
{
	u64 freed;
	s32 task;

	if (!(gfp & __GFP_FS))
		return false;
	task = select_bad_process();
	if (task < 0)
		return false;
	freed = kms_owner_kill((u32)task);
	WRITE_ONCE(kdata->oom_tasks[task].killed, 1);
	count_vm_events(OOM_KILL, 1);
	trace2(mm_oom, (u32)task, freed);
	return freed != 0;
}
