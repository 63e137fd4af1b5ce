/*
 * mixed_steps.h - what one step of a random sequence of page and slab requests
 * does, in the model (mixed_model.h) and to the allocators.
 */
#ifndef TESTS_PROPERTY_MIXED_STEPS_H
#define TESTS_PROPERTY_MIXED_STEPS_H

#include "tests/property/mixed_owner.h"

enum op { PAGES, PAGES_FREE, PAGES_BULK, PAGES_LIST, PAGES_EXACT, PAGES_SPLIT, KMALLOC, KREALLOC,
	  OBJECT, OBJECT_FREE, OBJECTS_BULK, OBJECTS_FREE_BULK, OBJECTS_FREE_MANY, SHRINK, DRAIN,
	  VMSTAT, FILE_PAGES, ANON_PAGES, USER_FREE, USER_ACCESS, CACHE_CREATE, CACHE_DESTROY,
	  PERIODIC, DAMAGE, NR_OPS };
static const char *const op_names[NR_OPS] = { "pages", "pages_free", "pages_bulk", "pages_list",
	"pages_exact", "pages_split", "kmalloc", "krealloc", "object", "object_free", "objects_bulk",
	"objects_free_bulk", "objects_free_many", "shrink", "drain", "vmstat", "file_pages",
	"anon_pages", "user_free", "user_access", "cache_create", "cache_destroy", "periodic", "damage" };

#define ALL_OF_IT (__GFP_DIRECT_RECLAIM | __GFP_FS | __GFP_IO)

static u32 random_gfp(u32 x)
{
	static const u32 gfps[] = { GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE, GFP_KERNEL | __GFP_RECLAIMABLE,
				    GFP_KERNEL | __GFP_COMP, GFP_HIGHUSER_MOVABLE, GFP_NOWAIT, GFP_ATOMIC,
				    GFP_ATOMIC, GFP_KERNEL | __GFP_NORETRY, GFP_KERNEL | __GFP_RETRY_MAYFAIL,
				    GFP_KERNEL & ~__GFP_FS, GFP_KERNEL | __GFP_NOFAIL,
				    GFP_KERNEL | __GFP_MEMALLOC, GFP_KERNEL | __GFP_ZERO };
	u32 gfp = gfps[x % ARRAY_SIZE(gfps)];

	x /= ARRAY_SIZE(gfps);
	if (x % 16 == 0)
		gfp |= __GFP_THISNODE;
	if (x % 16 == 1)
		gfp |= __GFP_DMA32;
	return gfp;
}

static u32 slab_gfp(u32 x)
{
	static const u32 gfps[] = { GFP_KERNEL, GFP_KERNEL, GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT,
				    GFP_KERNEL | __GFP_NORETRY, GFP_KERNEL | __GFP_ZERO };

	return gfps[x % ARRAY_SIZE(gfps)];
}

static u32 random_order(u32 x)
{
	return x % 4 ? x / 8 % 4 : x / 8 % 11;
}

/* Mostly anywhere, sometimes a node by name. */
static int random_node(u32 x)
{
	return t.split == ~0ul || x % 4 ? -1 : (int)(x / 4 % 2);
}

static u32 node_meant(const struct step *s, int node)
{
	return node < 0 ? mm_inspect_cpu_node(s->cpu % t.m.nr_cpus) : (u32)node;
}

/*
 * An answer, or none. What can wait for a single page gets it while there is page cache
 * to take back: the answer is only no when nothing was left (one CPU at a time).
 */
static void answered(const void *p, u32 gfp, u32 order)
{
	if (p)
		return;
	t.refused++;
	t.refused_high += order > 0;
	if (!order && !sim_this_cpu() && (gfp & ALL_OF_IT) == ALL_OF_IT && user.cache > 512 &&
	    !(gfp & (__GFP_NORETRY | __GFP_THISNODE | __GFP_DMA32)))
		wrong("a page was refused although there is page cache to reclaim");
}

/*
 * An ordinary request leaves a zone its min mark (one CPU at a time; counts may lag behind by
 * a few pages a CPU, pages on CPUs' lists count as free).
 */
static void check_reserve(const void *p, u32 gfp, u64 pages)
{
	u64 pfn = ((u64)p - PAGE_OFFSET) >> PAGE_SHIFT;
	struct mm_zone_info zones[8];
	u32 n;

	if (!p || sim_this_cpu() || (gfp & ALL_OF_IT) != ALL_OF_IT ||
	    (gfp & (__GFP_HIGH | __GFP_ATOMIC | __GFP_MEMALLOC | __GFP_NOFAIL)))
		return;
	n = mm_inspect_zones(zones, 8);
	for (u32 i = 0; i < n; i++) {
		const struct mm_zone_info *z = &zones[i];
		u64 has = z->nr_free_pages + z->pcp_pages + pages + 10 * t.m.nr_cpus;

		if (pfn >= z->start_pfn && pfn < z->start_pfn + z->spanned && has < z->watermark[0])
			wrong("an ordinary request was served from the reserve");
	}
}

/* ---- pages ---- */

static void do_pages(const struct step *s)
{
	u32 order = random_order(s->a), gfp = random_gfp(s->b);
	bool split = s->op == PAGES_SPLIT && !(gfp & __GFP_COMP);
	int node = random_node(s->a >> 16);
	struct page *page = t.m.mm->alloc_pages(gfp, order, node);
	void *p = page ? page_address(page) : NULL;

	answered(p, gfp, order);
	check_place(p, gfp, node_meant(s, node));
	check_reserve(p, gfp, 1ul << order);
	if (page && split)
		t.m.mm->split_page(page, order);
	keep(p, 4096ul << order, 4096u << order, split ? SINGLE_PAGES : BLOCK, (u8)order, 0);
}

static void do_exact(const struct step *s)
{
	u64 bytes = (1 + s->a % 40) * 4096ul;
	u32 gfp = random_gfp(s->b);
	struct page *page = t.m.mm->alloc_pages_exact(bytes, gfp);

	answered(page, gfp, 1);
	if (page)
		keep(page_address(page), bytes, 4096, SINGLE_PAGES, 0, 0);
}

static void do_pages_bulk(const struct step *s)
{
	struct page *pages[MANY] = { 0 };
	u32 gfp = random_gfp(s->b);
	u32 got = t.m.mm->alloc_pages_bulk(gfp, random_node(s->a >> 16), 1 + s->a % MANY, pages);

	answered(got ? pages[0] : NULL, gfp, 0);
	for (u32 i = 0; i < got; i++)
		keep(page_address(pages[i]), 4096, 4096, BLOCK, 0, 0);
}

static void free_pages_of(const struct live *l)
{
	if (l->kind == BLOCK) {
		t.m.mm->free_pages(virt_to_page(l->p), l->order);
		return;
	}
	for (u64 at = 0; at < l->bytes; at += 4096)
		t.m.mm->free_pages(virt_to_page(l->p + at), 0);
}

static void do_pages_list(const struct step *s)
{
	struct page *pages[MANY];
	struct live l;
	u32 n = 0;

	while (n < 1 + s->b % MANY && take_out(s->a + n, BLOCK, BLOCK, -1, &l)) {
		if (l.order)
			free_pages_of(&l);
		else
			pages[n++] = virt_to_page(l.p);
	}
	t.m.mm->free_page_list(pages, n);
}

/* Many pages for one user, who lets go of them only when asked, if at all. */
static void do_user(const struct step *s)
{
	s8 task = s->op == FILE_PAGES ? -1 : (s8)(s->b % NR_TASKS);
	u32 n = 16 + s->a % 64;

	for (u32 i = 0; i < n && user.present + 8 < USER_PAGES && !t.why[0]; i++) {
		struct page *page = t.m.mm->alloc_pages(GFP_HIGHUSER_MOVABLE, 0, -1);

		answered(page, GFP_HIGHUSER_MOVABLE, 0);
		if (!page)
			return;
		check_reserve(page_address(page), GFP_HIGHUSER_MOVABLE, 1);
		user_adopt(page, s->b + i, task);
	}
}

/* ---- objects ---- */

/* Bytes that the owner may use are sometimes all used. */
static u64 bytes_to_use(const void *p, u64 size, u32 x)
{
	u64 can = p ? t.m.slab->ksize(p) : size;

	if (can < size)
		wrong("an object has room for less than was asked for");
	return x % 4 ? size : can;
}

static u32 kmalloc_size(u32 x)
{
	switch (x % 16) {
	case 0:
		return 1 + x / 16 % 20000;
	case 1:
		return 1 + x / 16 % 200000;
	default:
		return 1 + x / 16 % 2000;
	}
}

static void do_kmalloc(const struct step *s)
{
	u32 size = kmalloc_size(s->a), gfp = slab_gfp(s->b) | (s->b / 8 % 8 ? 0 : __GFP_RECLAIMABLE);
	int node = random_node(s->b >> 8);
	void *p = t.m.slab->kmalloc(size, gfp, node);
	u32 align = size & (size - 1) ? 8 : min(max(size, 8u), 4096u);

	answered(p, gfp, size > 4096);
	keep(p, bytes_to_use(p, size, s->b >> 12), align, KMALLOC_OBJECT, 0, 0);
}

static void do_krealloc(const struct step *s)
{
	u64 size = 1 + s->b % (s->b & 64 ? 6000 : 40000), kept;
	u32 gfp = slab_gfp(s->a);
	struct live l;
	u8 *p;

	if (!take_out(s->a, KMALLOC_OBJECT, KMALLOC_OBJECT, -1, &l))
		return;
	kept = min(l.bytes, size);
	p = t.m.slab->krealloc(l.p, size, gfp);
	for (u64 i = 0; i < kept && !t.why[0]; i++)
		if ((p ? p : l.p)[i] != l.fill)
			wrong("krealloc lost contents");
	if (!p)
		t.m.slab->kfree(l.p);
	keep(p, bytes_to_use(p, size, s->b >> 12), 8, KMALLOC_OBJECT, 0, 0);
}

static void do_objects(const struct step *s)
{
	u32 cache = s->a % NR_TEST_CACHES, n = s->op == OBJECT ? 1 : 1 + s->b % MANY, got = 1;
	u32 gfp = slab_gfp(s->b >> 5);
	struct test_cache *c = &t.caches[cache];
	int node = random_node(s->a >> 8);
	void *p[MANY] = { NULL };

	if (!c->s)
		return;
	if (n == 1 && node >= 0 && s->b & 1)
		gfp |= __GFP_THISNODE;
	c->users++;
	if (n == 1)
		p[0] = t.m.slab->cache_alloc(c->s, gfp, node);
	else
		got = (u32)t.m.slab->cache_alloc_bulk(c->s, gfp, n, p);
	answered(p[0], gfp, 1);
	if (n == 1)
		check_place(p[0], gfp, node_meant(s, node));
	else if (got && got != n)
		wrong("a bulk allocation came in part");
	for (u32 i = 0; i < n && got; i++)
		keep(p[i], c->size, 8, CACHE_OBJECT, 0, (u8)cache);
	c->users--;
}

static void free_object(const struct live *l)
{
	struct test_cache *c = &t.caches[l->cache];

	if (l->kind == KMALLOC_OBJECT) {
		t.m.slab->kfree(l->p);
		return;
	}
	c->users++;
	t.m.slab->cache_free(c->s, l->p);
	c->live--;
	c->users--;
}

/* Those that came last, probably of one slab, which other CPUs free to as well. */
static void do_objects_free_many(const struct step *s)
{
	int cache = (int)(s->a % NR_TEST_CACHES);
	struct live l;

	for (u32 n = 0; n < 1 + s->b % MANY; n++) {
		if (!take_out(t.nr_live > 8 ? t.nr_live - 1 - s->a / 8 % 8 : 0, CACHE_OBJECT,
			      CACHE_OBJECT, cache, &l))
			return;
		free_object(&l);
	}
}

static void do_objects_free_bulk(const struct step *s)
{
	struct test_cache *c = &t.caches[s->a % NR_TEST_CACHES];
	struct live l;
	void *p[MANY];
	u32 n = 0;

	while (n < 1 + s->b % MANY &&
	       take_out(s->a / 8 + n, CACHE_OBJECT, CACHE_OBJECT, (int)(s->a % NR_TEST_CACHES), &l))
		p[n++] = l.p;
	if (!n)
		return;
	c->users++;
	t.m.slab->free_bulk(c->s, n, p);
	c->live -= n;
	c->users--;
}

/* ---- slab caches ---- */

static void do_shrink(const struct step *s)
{
	struct test_cache *c = &t.caches[s->a % NR_TEST_CACHES];

	if (!c->s)
		return;
	c->users++;
	t.m.slab->cache_shrink(c->s);
	c->users--;
}

/* Sizes from a few bytes to several pages, with and without what changes the layout. */
static void create_cache(u32 nr, u32 a, u32 b)
{
	static const u32 flags[] = { 0, 0, SLAB_HWCACHE_ALIGN, SLAB_TYPESAFE_BY_RCU | SLAB_RECLAIM_ACCOUNT,
				     SLAB_RED_ZONE | SLAB_POISON, SLAB_RECLAIM_ACCOUNT };
	struct test_cache *c = &t.caches[nr];
	u32 size = b % 8 ? 8 + b / 8 % 2100 : 2048 + b / 8 % 5000;
	struct kmem_cache_args args = { .name = 1 + nr, .size = size, .flags = flags[a % ARRAY_SIZE(flags)] };

	if (c->s || c->users)
		return;
	args.align = a / 8 % 4 ? 0 : 64;
	c->users++;
	c->size = size;
	c->s = t.m.slab->cache_create(&args);
	t.refused += !c->s;
	c->users--;
}

static void destroy_cache(u32 nr)
{
	struct test_cache *c = &t.caches[nr];
	struct kmem_cache *s = c->s;

	if (!s || c->live || c->users)
		return;
	c->users++;
	c->s = NULL;
	t.m.slab->cache_destroy(s);
	c->users--;
	t.destroyed++;
}

/* A cache's last objects go before it does. */
static void do_destroy(const struct step *s)
{
	u32 nr = s->a % NR_TEST_CACHES;
	struct live l;

	while (t.caches[nr].s && take_out(0, CACHE_OBJECT, CACHE_OBJECT, (int)nr, &l))
		free_object(&l);
	if (!t.why[0])
		destroy_cache(nr);
}

/* ---- all of them ---- */

/* Only for the test of this test: a count that nothing sets right again. */
static void do_damage(void)
{
	kdata->node_data[0]->node_zones[ZONE_DMA32].free_area[5].nr_free++;
}

static void do_page_step(const struct step *s)
{
	struct live l;

	switch (s->op) {
	case PAGES:
	case PAGES_SPLIT:
		do_pages(s);
		break;
	case PAGES_FREE:
		if (take_out(s->a, BLOCK, SINGLE_PAGES, -1, &l))
			free_pages_of(&l);
		break;
	case PAGES_BULK:
		do_pages_bulk(s);
		break;
	case PAGES_LIST:
		do_pages_list(s);
		break;
	case PAGES_EXACT:
		do_exact(s);
		break;
	case FILE_PAGES:
	case ANON_PAGES:
		do_user(s);
		break;
	case USER_FREE:
		user_free(s->a, 1 + s->b % 48, s->b & 64);
		break;
	case USER_ACCESS:
		for (u32 i = 0; i < 1 + s->b % 16; i++)
			user_access(s->a + i / 2);
		break;
	case DRAIN:
		t.m.mm->drain_all_pages();
		t.drained++;
		break;
	case VMSTAT:
		t.m.mm->refresh_cpu_vm_stats();
		break;
	default:
		do_damage();
	}
}

static void do_slab_step(const struct step *s)
{
	struct live l;

	switch (s->op) {
	case KMALLOC:
		do_kmalloc(s);
		break;
	case KREALLOC:
		do_krealloc(s);
		break;
	case OBJECT:
	case OBJECTS_BULK:
		do_objects(s);
		break;
	case OBJECT_FREE:
		if (take_out(s->a, KMALLOC_OBJECT, CACHE_OBJECT, -1, &l))
			free_object(&l);
		break;
	case OBJECTS_FREE_BULK:
		do_objects_free_bulk(s);
		break;
	case OBJECTS_FREE_MANY:
		do_objects_free_many(s);
		break;
	case SHRINK:
		do_shrink(s);
		break;
	case CACHE_CREATE:
		create_cache(s->a % NR_TEST_CACHES, s->a / 8, s->b);
		break;
	case CACHE_DESTROY:
		do_destroy(s);
		break;
	default:
		if (t.m.slab->periodic)
			t.m.slab->periodic((u64)s->a << 8);
	}
}

static bool is_slab_step(u8 op)
{
	return (op >= KMALLOC && op <= SHRINK) || (op >= CACHE_CREATE && op <= PERIODIC);
}

static void do_step(const struct step *s)
{
	/* room for what this step and those of the other CPUs may get */
	if (t.nr_live + 9 * MANY > MAX_LIVE)
		return;
	if (is_slab_step(s->op))
		do_slab_step(s);
	else
		do_page_step(s);
}

#endif
