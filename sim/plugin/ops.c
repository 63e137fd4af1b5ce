/*
 * ops.c - a loaded policy as a slab layer, with everything it returns looked at.
 *
 * Each function announces what the policy is asked for, calls it, and enters the
 * answer in the books (book.c) or stops the run: memory that is not the policy's
 * own, misaligned, too small, or in use already. What a policy leaves out - slab
 * caches, bulk calls - is made of its kmalloc() and kfree(). All of this is the
 * host's and costs no simulated time.
 */
#include "sim/plugin/internal.h"

#include <stdlib.h>
#include <string.h>

#define MIN_ALIGN 8u

static void begin(const char *what, u64 size, const void *object)
{
	plugin_nr_calls++;
	*plugin_call() = (struct plugin_call){ .what = what, .size = size, .object = object };
}

static void end(void)
{
	plugin_call()->what = NULL;
}

/* ---- what it hands out ---- */

static u32 kmalloc_align(u64 size)
{
	bool power = !(size & (size - 1));

	return !power || size < MIN_ALIGN ? MIN_ALIGN : size < PAGE_SIZE ? (u32)size : (u32)PAGE_SIZE;
}

static void check_owned(u64 off, u64 size, const void *p)
{
	char at[500];
	u64 page = off >> SIM_PAGE_SHIFT, last = (off + size - 1) >> SIM_PAGE_SHIFT;

	if (page >= book.nr_pages || !book_owns(off))
		plugin_fault("hands out memory it does not own: %p is %s", p,
			     plugin_describe_address(at, sizeof(at), (u64)p));
	while (page < last && page + 1 < book.nr_pages && book_owns((page + 1) << SIM_PAGE_SHIFT))
		page++;
	if (page < last)
		plugin_fault("hands out memory that is too small: at %p only %llu bytes are left in the "
			     "pages it owns; the next is %s",
			     p, (unsigned long long)(((page + 1) << SIM_PAGE_SHIFT) - off),
			     plugin_describe_address(at, sizeof(at),
						     SIM_RAM_BASE + ((page + 1) << SIM_PAGE_SHIFT)));
}

static u32 held_bytes(const void *p, u64 size, const struct plugin_cache *cache)
{
	u64 held = ALIGN(size, 8ul);

	if (cache)
		return (u32)ALIGN(held, (u64)max(cache->args.align, MIN_ALIGN));
	if (!plugin.ops->ksize)
		return (u32)held;
	begin("ksize", 0, p);
	held = plugin.ops->ksize(p);
	end();
	if (held < size || held > KMALLOC_MAX_SIZE) {
		begin("kmalloc", size, NULL);
		plugin_fault("hands out memory that is too small: ksize(%p) says %llu bytes", p,
			     (unsigned long long)held);
	}
	return (u32)held;
}

/* Does p do as an object of size bytes? Enters it in the books. */
static void *accept(const char *what, void *p, u64 size, u32 align, struct plugin_cache *cache, u32 gfp)
{
	const struct book_object *other;
	struct book_object object = { .off = ram_off(p), .size = (u32)size, .cache = cache, .gfp = gfp,
				      .cpu = kms_smp_processor_id() };
	char text[400];

	begin(what, size, NULL);
	if (!p) {
		end();
		return NULL;
	}
	check_owned(object.off, size, p);
	if ((u64)p & (align - 1))
		plugin_fault("hands out misaligned memory: %p, expected a multiple of %u%s", p, align,
			     cache ? " as its slab cache asks for"
			     : align > MIN_ALIGN ? " (kmalloc() of a power of two is aligned to its size)" : "");
	other = book_overlap(object.off, size);
	if (other)
		plugin_fault("hands out memory that is in use: %p to %p overlaps with %s", p,
			     (void *)((char *)p + size - 1),
			     plugin_describe_object(text, sizeof(text), other));
	end();
	object.held = held_bytes(p, size, cache);
	object.request = plugin.request ? plugin.request(plugin.request_arg, object.cpu) : ~0ull;
	if (book_add(&object))
		rt_fail("the host has no memory left for the books on a loaded policy");
	return p;
}

static void release(const char *what, const void *p)
{
	struct book_object *object = book_find(ram_off(p));

	begin(what, 0, p);
	if (!object)
		plugin_fault("is asked to free what is not in use");
	book_remove(object);
}

/* ---- kmalloc ---- */

static void *plugged_kmalloc(size_t size, u32 gfp, int node)
{
	void *p;

	if (!size)
		return ZERO_SIZE_PTR;
	if (size > KMALLOC_MAX_SIZE)
		return NULL;
	begin("kmalloc", size, NULL);
	p = plugin.ops->kmalloc(size, gfp, node);
	end();
	return accept("kmalloc", p, size, kmalloc_align(size), NULL, gfp);
}

static void plugged_kfree(const void *p)
{
	if ((u64)p <= (u64)ZERO_SIZE_PTR)
		return;
	release("kfree", p);
	plugin.ops->kfree((void *)p);
	end();
}

static size_t plugged_ksize(const void *p)
{
	const struct book_object *object = book_find(ram_off(p));

	return object ? object->held : 0;
}

static void *plugged_krealloc(const void *p, size_t size, u32 gfp)
{
	size_t old = (u64)p <= (u64)ZERO_SIZE_PTR ? 0 : book_find(ram_off(p))->size;
	void *new;

	if (old && size && size <= old)
		return (void *)p;
	new = plugged_kmalloc(size, gfp, -1);
	if (old && new) {
		if (size)
			kms_memcpy(new, p, old < size ? old : size);
		plugged_kfree(p);
	}
	return new;
}

/* ---- slab caches ---- */

static struct plugin_cache *cache_of(struct kmem_cache *s)
{
	return (struct plugin_cache *)s;
}

static bool own_caches(void)
{
	return plugin.ops->cache_alloc && plugin.ops->cache_free;
}

static struct kmem_cache *plugged_cache_create(const struct kmem_cache_args *args)
{
	struct plugin_cache *c = calloc(1, sizeof(*c));

	if (!c)
		rt_fail("the host has no memory left for slab caches");
	c->name = args->name;
	c->args = (struct kms_cache_args){ .size = args->size ? args->size : 1,
					   .align = max(args->align, MIN_ALIGN), .flags = args->flags,
					   .id = book.nr_caches++ };
	c->next = book.caches;
	book.caches = c;
	if (own_caches() && plugin.ops->cache_create) {
		begin("kmem_cache_create", c->args.size, NULL);
		c->handle = plugin.ops->cache_create(&c->args);
		if (!c->handle)
			plugin_fault("makes no slab cache");
		end();
	}
	return (struct kmem_cache *)c;
}

static void plugged_cache_destroy(struct kmem_cache *s)
{
	struct plugin_cache *c = cache_of(s);

	c->gone = true;
	if (!own_caches() || !plugin.ops->cache_destroy)
		return;
	begin("kmem_cache_destroy", 0, NULL);
	plugin.ops->cache_destroy(c->handle);
	end();
}

static void plugged_cache_shrink(struct kmem_cache *s)
{
	if (!own_caches() || !plugin.ops->cache_shrink)
		return;
	begin("kmem_cache_shrink", 0, NULL);
	plugin.ops->cache_shrink(cache_of(s)->handle);
	end();
}

/* Without caches of its own: a size whose natural alignment is at least the cache's. */
static u64 kmalloc_size(const struct plugin_cache *c)
{
	u64 size = max(c->args.size, c->args.align);

	return c->args.align > MIN_ALIGN ? 1ull << fls64(size - 1) : size;
}

static void *plugged_cache_alloc(struct kmem_cache *s, u32 gfp, int node)
{
	struct plugin_cache *c = cache_of(s);
	void *p;

	begin("kmem_cache_alloc", c->args.size, NULL);
	p = own_caches() ? plugin.ops->cache_alloc(c->handle, gfp, node)
			 : plugin.ops->kmalloc(kmalloc_size(c), gfp, node);
	end();
	return accept("kmem_cache_alloc", p, c->args.size, c->args.align, c, gfp);
}

static void plugged_cache_free(struct kmem_cache *s, void *p)
{
	release("kmem_cache_free", p);
	if (own_caches())
		plugin.ops->cache_free(cache_of(s)->handle, p);
	else
		plugin.ops->kfree(p);
	end();
}

static void plugged_free_bulk(struct kmem_cache *s, size_t n, void **objects)
{
	for (size_t i = n; i > 0; i--) {
		if (s)
			plugged_cache_free(s, objects[i - 1]);
		else
			plugged_kfree(objects[i - 1]);
	}
}

static int plugged_alloc_bulk(struct kmem_cache *s, u32 gfp, size_t n, void **objects)
{
	struct plugin_cache *c = cache_of(s);
	size_t i = 0;
	int got;

	if (!own_caches() || !plugin.ops->cache_alloc_bulk) {
		while (i < n && (objects[i] = plugged_cache_alloc(s, gfp, -1)))
			i++;
		if (i == n)
			return (int)n;
		plugged_free_bulk(s, i, objects);
		return 0;
	}
	begin("kmem_cache_alloc_bulk", c->args.size, NULL);
	got = plugin.ops->cache_alloc_bulk(c->handle, gfp, n, objects);
	if (got && got != (int)n)
		plugin_fault("answers %d, expected 0 or the %zu objects that were asked for", got, n);
	end();
	for (; i < (size_t)got; i++)
		accept("kmem_cache_alloc_bulk", objects[i], c->args.size, c->args.align, c, gfp);
	return got;
}

/* ---- the life of the layer ---- */

/* Pages that stand for the static variables; their contents stay where the linker put them. */
static void set_aside_data(void)
{
	struct page *page;

	if (!plugin.data_bytes)
		return;
	plugin.data_order = (u32)get_order(plugin.data + plugin.data_bytes - (plugin.data & PAGE_MASK));
	page = mm_ops_plain.alloc_pages(GFP_KERNEL, plugin.data_order, -1);
	if (!page)
		rt_fail("no memory to set aside for the static variables of a loaded policy");
	plugin.data_off = ram_off(mm_page_address(page));
}

static void boot_call(const char *what, void (*fn)(void))
{
	if (!fn)
		return;
	begin(what, 0, NULL);
	plugin.booting = true;
	fn();
	plugin.booting = false;
	end();
}

static void plugged_init(void)
{
	mm_plugged_begins();
	set_aside_data();
	boot_call("init", plugin.ops->init);
}

static void plugged_init_late(void)
{
	boot_call("init_late", plugin.ops->init_late);
}

static void plugged_cpu_prepare(u32 cpu)
{
	if (!plugin.ops->cpu_prepare)
		return;
	begin("cpu_prepare", 0, NULL);
	plugin.booting = true;
	plugin.ops->cpu_prepare(cpu);
	plugin.booting = false;
	end();
}

static void plugged_periodic(u64 now_ns)
{
	begin("periodic work", 0, NULL);
	plugin.ops->periodic(now_ns);
	end();
}

void plugin_make_ops(void)
{
	plugin.slab_ops = (struct slab_ops){
		.init = plugged_init,
		.init_late = plugged_init_late,
		.cpu_prepare = plugged_cpu_prepare,
		.kmalloc = plugged_kmalloc,
		.kfree = plugged_kfree,
		.ksize = plugged_ksize,
		.krealloc = plugged_krealloc,
		.cache_create = plugged_cache_create,
		.cache_destroy = plugged_cache_destroy,
		.cache_shrink = plugged_cache_shrink,
		.cache_alloc = plugged_cache_alloc,
		.cache_free = plugged_cache_free,
		.cache_alloc_bulk = plugged_alloc_bulk,
		.free_bulk = plugged_free_bulk,
		.periodic = plugin.ops->periodic ? plugged_periodic : NULL,
		.periodic_ns = plugin.ops->periodic_ns,
	};
}
