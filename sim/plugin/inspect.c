/*
 * inspect.c - a loaded policy as samples, tables and invariant checks see it.
 *
 * What it holds and what is in use comes from the books (book.c). How the rest
 * of its pages is divided only the policy can say (kms_policy_ops.usage); what
 * it says nothing about counts as free in partial slabs.
 */
#include "sim/plugin/internal.h"

static u32 inspect_caches(struct mm_cache_info *caches, u32 max)
{
	u32 i = book.nr_caches;

	for (const struct plugin_cache *c = book.caches; c; c = c->next) {
		if (--i < max)
			caches[i] = (struct mm_cache_info){
				.cache = (const struct kmem_cache *)c, .name = c->name, .shared_pages = true,
				.object_size = c->args.size, .size = ALIGN(c->args.size, c->args.align),
				.align = c->args.align, .refcount = 1, .flags = c->args.flags,
				.inuse = c->live, .objects = c->live,
			};
	}
	return book.nr_caches;
}

static u32 object_size(const struct kmem_cache *s)
{
	return ((const struct plugin_cache *)s)->args.size;
}

static u64 held_bytes(const void *object)
{
	const struct book_object *o = book_find(ram_off(object));

	return o ? o->held : 0;
}

/* Uncharged: outside the policy's calls its accesses are not looked at either. */
static struct kms_policy_usage usage_now(void)
{
	struct kms_policy_usage usage = { 0 };

	if (plugin.ops->usage)
		plugin.ops->usage(&usage);
	return usage;
}

static u64 data_pages(void)
{
	return plugin.data_off ? 1ull << plugin.data_order : 0;
}

static void inspect_pool(struct mm_pool_info *pool)
{
	u64 held = book.pages_held * SIM_PAGE_BYTES;
	struct kms_policy_usage u = usage_now();

	*pool = (struct mm_pool_info){
		.used = true, .pages = book.pages_held, .cpu_bytes = u.cpu_cached, .tail_bytes = u.slab_tail,
		.metadata_bytes = u.metadata + data_pages() * SIM_PAGE_BYTES,
		.free_bytes = held - book.bytes_held - u.cpu_cached - u.slab_tail - u.metadata,
	};
}

/* The pages of every object in use are the policy's; what it says about the rest can be true. */
static int check(struct kms_error *err)
{
	struct kms_policy_usage u = usage_now();
	u64 free_bytes = book.pages_held * SIM_PAGE_BYTES - book.bytes_held, objects = 0;

	if (u.cpu_cached > free_bytes || u.slab_tail > free_bytes || u.metadata > free_bytes ||
	    u.cpu_cached + u.slab_tail + u.metadata > free_bytes)
		return kms_fail(err, KMS_EFAIL,
				"policy '%s', usage(): %llu bytes cached, %llu in tails, %llu of metadata, but "
				"only %llu bytes of its pages are not in use",
				plugin.policy->name, (unsigned long long)u.cpu_cached,
				(unsigned long long)u.slab_tail, (unsigned long long)u.metadata,
				(unsigned long long)free_bytes);
	for (u64 i = 0; i < book.capacity; i++) {
		const struct book_object *o = &book.objects[i];

		if (!o->off)
			continue;
		objects++;
		if (!book_owns(o->off) || !book_owns(o->off + o->size - 1) || !book_used(o->off))
			return kms_fail(err, KMS_EFAIL, "policy '%s': the object at %p lies in pages it gave back",
					plugin.policy->name, ram_ptr(o->off));
	}
	if (objects != book.nr_objects)
		return kms_fail(err, KMS_EFAIL, "policy '%s': %llu objects in the books, expected %llu",
				plugin.policy->name, (unsigned long long)objects,
				(unsigned long long)book.nr_objects);
	return 0;
}

const struct mm_plugged plugin_inspector = {
	.caches = inspect_caches,
	.check = check,
	.object_size = object_size,
	.held_bytes = held_bytes,
	.pool = inspect_pool,
};
