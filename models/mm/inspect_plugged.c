/*
 * inspect_plugged.c - a slab layer loaded from a file, as inspect.h shows it.
 *
 * Its structures are its own business: what is known about it is what the
 * loader (sim/plugin) counts, and reaches the other inspectors through here.
 */
#include "models/mm/inspect_plugged.h"
#include "models/mm/list.h"

static const struct mm_plugged *plug;

void mm_inspect_plug(const struct mm_plugged *plugged)
{
	plug = plugged;
}

const struct mm_plugged *mm_inspect_plugged(void)
{
	return plug;
}

void mm_plugged_begins(void)
{
	kdata->slab_policy = SLAB_POLICY_PLUGGED;
	INIT_LIST_HEAD(&kdata->slab_caches);
	kdata->slab_state = SLAB_UP;
}

u64 mm_percpu_base(u32 cpu)
{
	return kdata->per_cpu_offset[cpu];
}

bool mm_is_kernel_global(const void *address)
{
	return (u64)address - (u64)kdata < sizeof(*kdata);
}
