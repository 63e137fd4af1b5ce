/*
 * validate_machines.c - recordings of machines that no sample shows.
 *
 * The plain flavour of the allocators itself is made to write a recording of
 * random requests on machines with several nodes, with a zone NORMAL, with few
 * or many CPUs: each step becomes the line that a recorder in the kernel would
 * write (docs/validation.md). Replaying it must be exact: requests are found in
 * the lines, their interplay with what is input too, and the two runs agree.
 */
#include "tests/property/machine_recorder.h"

#define ROUNDS 40000u
#define GFP_ATOMIC_ (__GFP_HIGH | __GFP_ATOMIC | __GFP_KSWAPD_RECLAIM)
#define GFP_KERNEL_ (__GFP_RECLAIM | __GFP_IO | __GFP_FS)

static const struct machine machines[] = {
	{"tiny, one CPU", 1, 1, {0}, {{0, 0, 1, 4095, 4000}, {0, 1, 4096, 8192, 8192}},
	 {{0x100, 0x1000}, {0x2000, 0x3000}}, 2, 2},
	{"three nodes, six CPUs", 6, 3, {0, 0, 1, 1, 2, 2},
	 {{0, 0, 1, 4095, 4000}, {0, 1, 4096, 16384, 16384}, {1, 1, 20480, 16384, 16384},
	  {2, 1, 36864, 16384, 16384}},
	 {{0x100, 0x1000}, {0x2000, 0x5000}, {0x5400, 0x9000}, {0x9400, 0xd000}}, 4, 4},
	{"zone NORMAL, two CPUs", 2, 1, {0, 0},
	 {{0, 0, 1, 4095, 4000}, {0, 1, 4096, 1044480, 20000}, {0, 2, 0x100000, 32768, 32768}},
	 {{0x100, 0x1000}, {0x2000, 0x5e20}, {0x102000, 0x108000}}, 3, 3},
};

/* ---- pages ---- */

static void keep(u64 pfn, u32 order)
{
	rec.live[rec.nr_live++] = (struct live){ pfn, order };
}

static u32 page_gfp(u32 order)
{
	static const u32 zones[] = {0, 0, 0, 0, __GFP_DMA32, __GFP_DMA};
	static const u32 types[] = {0, 0, __GFP_MOVABLE, __GFP_MOVABLE, __GFP_RECLAIMABLE};
	u32 gfp = draw(6) ? GFP_KERNEL_ : draw(2) ? GFP_ATOMIC_ : __GFP_NORETRY | __GFP_NOWARN;

	if (order && draw(2))
		gfp |= __GFP_COMP;
	if (!draw(12))
		gfp |= __GFP_THISNODE;
	return gfp | zones[draw(6)] | types[draw(5)];
}

static void alloc_block(void)
{
	static const u32 orders[] = {0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 3, 4, 5, 8, 9, 10};
	u32 order = orders[draw(16)];
	struct page *page;

	rec.gfp = page_gfp(order);
	rec.node = draw(3) ? -1 : (int)draw(rec.machine->nr_nodes);
	if (rec.node < 0)
		rec.node = rec.machine->cpu_node[rec.cpu];
	page = mm_ops_plain.alloc_pages(rec.gfp, order, rec.node);
	if (!page)
		return;
	if (order && order < 5 && !(rec.gfp & __GFP_COMP) && !draw(4)) {
		mm_ops_plain.split_page(page, order);
		for (u32 i = 0; i < 1u << order; i++)
			keep(page_to_pfn(page) + i, 0);
		return;
	}
	keep(page_to_pfn(page), order);
}

static void alloc_exact(void)
{
	u64 size = (1 + draw(60)) * 1000, pages = DIV_ROUND_UP(size, PAGE_SIZE);
	struct page *page;

	rec.gfp = GFP_KERNEL_;
	rec.node = -1;
	page = mm_ops_plain.alloc_pages_exact(size, rec.gfp);
	for (u64 i = 0; page && i < pages; i++)
		keep(page_to_pfn(page) + i, 0);
}

static void alloc_bulk(void)
{
	struct page *pages[64] = { NULL };
	u32 n = 2 + draw(40);

	rec.gfp = GFP_KERNEL_;
	rec.node = -1;
	mm_ops_plain.alloc_pages_bulk(rec.gfp, rec.machine->cpu_node[rec.cpu], n, pages);
	for (u32 i = 0; i < n; i++)
		if (pages[i])
			keep(page_to_pfn(pages[i]), 0);
}

static struct live take(void)
{
	u32 k = draw(rec.nr_live);
	struct live l = rec.live[k];

	rec.live[k] = rec.live[--rec.nr_live];
	return l;
}

static void free_some(void)
{
	struct page *pages[50];
	u32 n = 0;

	if (!rec.nr_live)
		return;
	if (draw(5)) {
		struct live l = take();

		mm_ops_plain.free_pages(pfn_to_page(l.pfn), l.order);
		return;
	}
	for (u32 k = 0; k < rec.nr_live && n < 50;) {
		if (rec.live[k].order || draw(3)) {
			k++;
			continue;
		}
		pages[n++] = pfn_to_page(rec.live[k].pfn);
		rec.live[k] = rec.live[--rec.nr_live];
	}
	if (n > 1)
		mm_ops_plain.free_page_list(pages, n);
	else if (n)
		mm_ops_plain.free_pages(pages[0], 0);
}

/* ---- slab caches ---- */

static void create(void)
{
	static const u32 flags[] = {0, 0, SLAB_HWCACHE_ALIGN, SLAB_RECLAIM_ACCOUNT, SLAB_TYPESAFE_BY_RCU};
	struct kmem_cache_args args = { 0 };
	u32 id = rec.nr_names;

	if (rec.nr_caches == MAX_CACHES || id == KMS_ARRAY_SIZE(rec.names))
		return;
	snprintf(rec.names[id], sizeof(rec.names[0]), "cache-%u", id);
	rec.nr_names++;
	args.name = id;
	args.size = 8 + draw(draw(4) ? 600 : 5000);
	args.flags = flags[draw(5)];
	args.ctor = !draw(4);
	rec.gfp = GFP_KERNEL_;
	rec.node = -1;
	rec.request_name = rec.names[id];
	begin_line();
	fprintf(rec.out, "TEXT CACHE_CREATE_REQ name=%s size=%u align=0 flags=%x useroffset=0 usersize=0 "
		"ctor=%d\n", rec.names[id], args.size, args.flags, (int)args.ctor);
	rec.caches[rec.nr_caches] = mm_ops_plain.policies[0]->ops->cache_create(&args);
	assert_non_null(rec.caches[rec.nr_caches]);
	rec.cache_name[rec.nr_caches] = id;
	rec.objects_of[rec.nr_caches++] = 0;
}

static void keep_object(u32 cache, void *object)
{
	rec.objects[rec.nr_objects].object = object;
	rec.objects[rec.nr_objects++].cache = cache;
	rec.objects_of[cache]++;
}

static void alloc_objects(void)
{
	const struct slab_ops *slab = mm_ops_plain.policies[0]->ops;
	u32 cache = draw(rec.nr_caches), n = 1 + draw(30);
	void *objects[32];

	rec.gfp = draw(4) ? GFP_KERNEL_ : GFP_ATOMIC_;
	rec.node = -1;
	if (!draw(6)) {
		if (slab->cache_alloc_bulk(rec.caches[cache], rec.gfp, n, objects))
			for (u32 i = 0; i < n; i++)
				keep_object(cache, objects[i]);
		return;
	}
	for (u32 i = 0; i < n; i++) {
		void *object;

		rec.node = draw(8) ? -1 : (int)draw(rec.machine->nr_nodes);
		object = slab->cache_alloc(rec.caches[cache], rec.gfp, rec.node);
		if (object)
			keep_object(cache, object);
	}
}

static void forget_object(u32 k)
{
	rec.objects_of[rec.objects[k].cache]--;
	rec.objects[k] = rec.objects[--rec.nr_objects];
}

static void free_bulk(u32 cache)
{
	void *objects[40];
	u32 n = 0;

	for (u32 k = 0; k < rec.nr_objects && n < 40;) {
		if (rec.objects[k].cache != cache || draw(2)) {
			k++;
			continue;
		}
		objects[n++] = rec.objects[k].object;
		forget_object(k);
	}
	for (u32 i = 0; i < n; i++) {
		begin_line();
		fprintf(rec.out, "S_BULK_FREE %s %llx %u %u\n", name_of(rec.caches[cache]),
			(unsigned long long)((u64)objects[i] - PAGE_OFFSET), n, i);
	}
	if (n)
		mm_ops_plain.policies[0]->ops->free_bulk(rec.caches[cache], n, objects);
}

static void free_objects(u32 n)
{
	if (rec.nr_objects && !draw(5)) {
		free_bulk(rec.objects[draw(rec.nr_objects)].cache);
		return;
	}
	for (; n && rec.nr_objects; n--) {
		u32 k = draw(rec.nr_objects);
		void *object = rec.objects[k].object;
		struct kmem_cache *s = rec.caches[rec.objects[k].cache];

		forget_object(k);
		mm_ops_plain.policies[0]->ops->cache_free(s, object);
	}
}

static void enter(u32 cpu, u32 pid)
{
	rec.cpu = cpu;
	rec.pid = pid;
	rt_enter_cpu(cpu);
}

static void end_grace_periods(void)
{
	rec.pid += 1000;
	for (u32 i = 0; i < rec.nr_pending; i++)
		mm_replay_ops.free_slab(rec.pending[i].cache, rec.pending[i].pfn);
	rec.nr_pending = 0;
	rec.pid -= 1000;
}

static void flush(struct kmem_cache *s, u32 cpu, u32 pid)
{
	for (u32 i = 0; i < rec.machine->nr_cpus; i++) {
		const struct kmem_cache_cpu *c = per_cpu_ptr(s->cpu_slab, i);

		if (!c->slab && !c->partial)
			continue;
		enter(i, 500 + i);
		mm_replay_ops.flush_cpu(s);
	}
	enter(cpu, pid);
}

static void shrink(void)
{
	struct kmem_cache *s = rec.caches[draw(rec.nr_caches)];
	u32 cpu = rec.cpu, pid = rec.pid;

	begin_line();
	fprintf(rec.out, "TEXT CACHE_SHRINK ptr=%llx name=%s\n", pointer((u64)s), name_of(s));
	flush(s, cpu, pid);
	mm_ops_plain.policies[0]->ops->cache_shrink(s);
}

/* What a worker does to a cache whose slabs waited for a grace period. */
static void free_structures(struct kmem_cache *s)
{
	rec.pid += 2000;
	for (u32 nid = 0; nid < rec.machine->nr_nodes; nid++)
		mm_ops_plain.policies[0]->ops->cache_free(kdata->kmem_cache_node, s->node[nid]);
	mm_ops_plain.policies[0]->ops->cache_free(kdata->kmem_cache, s);
	rec.pid -= 2000;
}

static void note_all_discarded(struct kmem_cache *s)
{
	for (u32 nid = 0; nid < rec.machine->nr_nodes; nid++) {
		const struct list_head *list = &s->node[nid]->partial, *p;

		for (p = list->next; p != list; p = p->next)
			note_discarded(s, page_to_pfn(container_of(p, struct page, lru)));
	}
}

static void destroy(void)
{
	u32 k = draw(rec.nr_caches), cpu = rec.cpu, pid = rec.pid;
	struct kmem_cache *s = rec.caches[k];
	bool last = s->refcount == 1, rcu = s->flags & SLAB_TYPESAFE_BY_RCU;

	if (!last || rec.objects_of[k])
		return;
	begin_line();
	fprintf(rec.out, "TEXT CACHE_DESTROY ptr=%llx name=%s refcount=%d\n", pointer((u64)s), name_of(s),
		s->refcount);
	flush(s, cpu, pid);
	note_all_discarded(s);
	mm_ops_plain.policies[0]->ops->cache_destroy(s);
	end_grace_periods();
	if (rcu)
		free_structures(s);
	rec.nr_caches--;
	for (u32 i = 0; i < rec.nr_objects; i++)
		if (rec.objects[i].cache == rec.nr_caches)
			rec.objects[i].cache = k;
	rec.caches[k] = rec.caches[rec.nr_caches];
	rec.objects_of[k] = rec.objects_of[rec.nr_caches];
}

/* ---- all of it ---- */

static void on_its_own(void)
{
	struct zone *zone;

	for_each_populated_zone(zone) {
		u32 cpu = draw(rec.machine->nr_cpus);

		if (!draw(2))
			mm_replay_ops.fold_zone((u32)zone->node, zone->zone_idx);
		if (!draw(3) && per_cpu_ptr(zone->per_cpu_pageset, cpu)->count)
			mm_replay_ops.drain_pages_zone(cpu, (u32)zone->node, zone->zone_idx);
	}
	if (!draw(6))
		mm_replay_ops.set_watermarks(kdata->min_free_kbytes + draw(64) - 20);
}

static void step(void)
{
	u32 what = draw(1000);

	enter(draw(rec.machine->nr_cpus), 100 + rec.cpu);
	rec.pid = 100 + rec.cpu;
	if (what < 4)
		on_its_own();
	else if (what < 10)
		create();
	else if (what < 16 && rec.nr_caches > 4)
		destroy();
	else if (what < 22)
		shrink();
	else if (what < 40)
		end_grace_periods();
	else if (what < 60 && rec.nr_live + 100 < MAX_LIVE)
		draw(2) ? alloc_exact() : alloc_bulk();
	else if (what < 300 && rec.nr_live + 100 < MAX_LIVE)
		alloc_block();
	else if (what < 520)
		free_some();
	else if (what < 770 && rec.nr_objects + 40 < MAX_OBJECTS)
		alloc_objects();
	else
		free_objects(1 + draw(34));
}

static void boot(const struct machine *m)
{
	struct memblock_recording recorded = {
		.nr_cpus = m->nr_cpus, .nr_nodes = m->nr_nodes, .cpu_node = m->cpu_node,
		.zones = m->zones, .nr_zones = m->nr_zones, .free = m->free, .nr_free = m->nr_free,
	};
	const struct rt_config config = { 0 };
	struct kms_error err = { 0 };

	rec.params = (struct mm_params){ .page_group_by_mobility = true, .slub_cpu_partial = true };
	kms_set_params(&rec.params);
	if (memblock_from_recording(&rec.mb, &recorded, &err) || memblock_map(&rec.mb, &err) ||
	    rt_init(&config, m->nr_cpus, &err))
		fail_msg("%s", err.text);
	for (u32 cpu = 0; cpu < m->nr_cpus; cpu++)
		rt_set_percpu(cpu, PAGE_OFFSET + rec.mb.boot.percpu_phys[cpu]);
	rec.mb.boot.params = &rec.params;
	enter(0, 0);
	mark("before_mem_init");
	mm_ops_plain.boot(&rec.mb.boot);
	mark("after_mem_init");
	mm_ops_plain.policies[0]->ops->init();
	mark("after_kmem_cache_init");
	mm_ops_plain.setup_pagesets();
	rec.pid = 1;
	for (u32 cpu = 1; cpu < m->nr_cpus; cpu++)
		mm_ops_plain.cpu_online(cpu);
	mm_ops_plain.init_watermarks();
	write_dump("start");
}

static void record(const struct machine *m, u64 seed)
{
	static const struct rt_stepper stepper = {
		.step = on_step, .if_next = on_step_if_next, .retry = on_retry,
		.captured = on_captured, .node = on_node, .bug = on_bug,
	};
	char path[200];

	memset(&rec, 0, sizeof(rec));
	rec.machine = m;
	rec.random = seed;
	rec.node = -1;
	strcpy(rec.dir, "/tmp/kmemsim-machine-XXXXXX");
	assert_non_null(mkdtemp(rec.dir));
	snprintf(path, sizeof(path), "%s/trace.txt", rec.dir);
	rec.out = fopen(path, "w");
	assert_non_null(rec.out);
	write_first_dump();
	rt_set_stepper(&stepper);
	boot(m);
	create();
	for (u32 i = 0; i < ROUNDS; i++)
		step();
	write_dump("end");
	rt_set_stepper(NULL);
	fclose(rec.out);
	ram_unmap();
	memblock_free(&rec.mb);
}

static void remove_recording(void)
{
	static const char *const files[] = {"trace.txt", "state-before_mem_init.txt", "state-start.txt",
					    "state-end.txt"};
	char path[200];

	for (size_t i = 0; i < KMS_ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", rec.dir, files[i]);
		unlink(path);
	}
	rmdir(rec.dir);
}

static void machine_is_replayed(void **state)
{
	const struct machine *m = *state;
	const struct validate_options options = { .shown = 8 };
	struct validate_result result;
	struct kms_error err = { 0 };

	for (u64 seed = 1; seed <= 2; seed++) {
		record(m, seed);
		if (validate_recording(rec.dir, &options, &result, &err))
			fail_msg("%s: %s", m->name, err.text);
		for (size_t i = 0; i < result.nr_misses; i++)
			print_message("%s, seed %llu, line %llu\n  expected %s\n  came %s\n  %s\n", m->name,
				      (unsigned long long)seed,
				      (unsigned long long)result.misses[i].line,
				      result.misses[i].expected, result.misses[i].came,
				      result.misses[i].state);
		if (result.stopped[0])
			print_message("stopped: %s\n", result.stopped);
		assert_true(result.ok);
		assert_int_equal(result.nr_snapshots, 2);
		validate_free(&result);
		remove_recording();
	}
}

int main(void)
{
	struct CMUnitTest tests[KMS_ARRAY_SIZE(machines)];

	for (size_t i = 0; i < KMS_ARRAY_SIZE(machines); i++)
		tests[i] = (struct CMUnitTest){ machines[i].name, machine_is_replayed, NULL, NULL,
						(void *)&machines[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
