/*
 * golden_slub.c - test S: random objects of a private slab cache, SLUB or SLAB.
 *
 * Which page the kernel's page allocator gave for a slab was not recorded, so
 * slabs are matched one to one: a new slab of the model is bound to the slab
 * that the recorded address lies in, until its pages go back. Inside a slab
 * objects are compared by index. On kernels that shuffle free lists the index
 * of an object handed out for the first time is bound, too: within a slab no
 * two objects may be the same, and all slabs of the cache must follow one
 * cyclic order, each from a start of its own.
 */
#include "sim/validate/golden_internal.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "models/hw/machine_config.h"
#include "models/mm/inspect.h"
#include "models/mm/tracepoints.h"
#include "models/rt/memblock.h"
#include "models/rt/rt.h"
#include "sim/engine/ram.h"

#define GFP_KERNEL 0xcc0u
#define NO_INDEX 0xffffu
#define MAX_OBJECTS 32767u
#define MAX_BULK 20u
#define MAX_LIVE (4ull << 20)
#define MACHINE_BYTES (1ull << 30)
#define MACHINE_MAX_CPUS 64u

struct bound_slab {
	u64 ours, theirs; /* addresses */
	u16 *their_index; /* [objects] of our n-th object */
	u16 *our_index;   /* [objects] */
	UT_hash_handle by_ours, by_theirs;
};

struct slab_test {
	struct golden_replay *r;
	const struct slab_ops *ops;
	struct kmem_cache *cache;
	u32 nr_cpus;
	u32 size, objects;
	u64 slab_bytes;
	bool shuffled; /* 5 parameters: a distribution's kernel */
	bool coloured; /* SLAB: objects of different slabs begin at different offsets */
	bool slob;     /* pages with objects of any size; placed by offset as well */
	struct bound_slab *slabs_by_ours, *slabs_by_theirs;
	u16 *next, *prev; /* [objects]: the cyclic order, as far as known */
	void **live;
	u64 nr_live, step;
};

/* ---- slabs ---- */

static void drop_slab(struct slab_test *t, struct bound_slab *s)
{
	HASH_DELETE(by_ours, t->slabs_by_ours, s);
	HASH_DELETE(by_theirs, t->slabs_by_theirs, s);
	free(s->their_index);
	free(s);
}

/* Pages go back to the page allocator: a slab that lay in them is no more. */
static void forget_pages(struct slab_test *t, u64 pfn)
{
	u64 address = SIM_RAM_BASE + (pfn << SIM_PAGE_SHIFT);
	struct bound_slab *s;

	HASH_FIND(by_ours, t->slabs_by_ours, &address, sizeof(address), s);
	if (s)
		drop_slab(t, s);
}

static void page_to_list(void *arg, u32 cpu, u64 pfn, u64 order, u64 mt)
{
	forget_pages(arg, pfn);
}

static void page_to_zone(void *arg, u32 cpu, u64 order, u64 pfn, u64 unused)
{
	forget_pages(arg, pfn);
}

/* NULL: their slab is bound to another of ours (or no host memory). */
static struct bound_slab *bind_slab(struct slab_test *t, u64 ours, u64 theirs)
{
	struct bound_slab *s;

	HASH_FIND(by_theirs, t->slabs_by_theirs, &theirs, sizeof(theirs), s);
	if (s)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (s)
		s->their_index = malloc(2 * t->objects * sizeof(u16));
	if (!s || !s->their_index) {
		free(s);
		t->r->rc = kms_fail(t->r->err, KMS_EFAIL, "no host memory for a slab");
		return NULL;
	}
	s->our_index = s->their_index + t->objects;
	memset(s->their_index, 0xff, 2 * t->objects * sizeof(u16));
	s->ours = ours;
	s->theirs = theirs;
	HASH_ADD(by_ours, t->slabs_by_ours, ours, sizeof(s->ours), s);
	HASH_ADD(by_theirs, t->slabs_by_theirs, theirs, sizeof(s->theirs), s);
	return s;
}

/* ---- the cyclic order of shuffled free lists ---- */

/* b follows a. Must agree with what is known, and close no cycle before all are in it. */
static bool follows(struct slab_test *t, u16 a, u16 b)
{
	u32 length = 1;
	u16 i;

	if (t->next[a] != NO_INDEX || t->prev[b] != NO_INDEX)
		return t->next[a] == b;
	for (i = b; i != a && t->next[i] != NO_INDEX; i = t->next[i])
		length++;
	if (i == a && length < t->objects)
		return false;
	t->next[a] = b;
	t->prev[b] = a;
	return true;
}

/* Our object `index` has never been seen: it is theirs from now on. */
static bool bind_object(struct slab_test *t, struct bound_slab *s, u32 index, u32 theirs)
{
	bool fits = s->our_index[theirs] == NO_INDEX;

	if (!fits)
		return false;
	s->their_index[index] = (u16)theirs;
	s->our_index[theirs] = (u16)index;
	if (!t->shuffled)
		return index == theirs;
	if (index && s->their_index[index - 1] != NO_INDEX)
		fits = follows(t, s->their_index[index - 1], (u16)theirs);
	if (fits && index == t->objects - 1 && s->their_index[0] != NO_INDEX)
		fits = follows(t, (u16)theirs, s->their_index[0]);
	return fits;
}

/* ---- answers ---- */

/* An object is told by its distance from the start of the slab or page. */
static bool by_place(const struct slab_test *t)
{
	return t->coloured || t->slob;
}

static bool is_same(struct slab_test *t, u64 ours, u64 theirs)
{
	u64 our_slab = ours & ~(t->slab_bytes - 1), their_slab = theirs & ~(t->slab_bytes - 1);
	u64 our_index = (ours - our_slab) / t->size, their_index = (theirs - their_slab) / t->size;
	struct bound_slab *s;

	if (!by_place(t) && ((theirs - their_slab) % t->size || their_index >= t->objects))
		return false;
	HASH_FIND(by_ours, t->slabs_by_ours, &our_slab, sizeof(our_slab), s);
	if (!s)
		s = bind_slab(t, our_slab, their_slab);
	if (!s || s->theirs != their_slab)
		return false;
	if (by_place(t))
		return ours - our_slab == theirs - their_slab;
	if (s->their_index[our_index] != NO_INDEX)
		return s->their_index[our_index] == their_index;
	return bind_object(t, s, (u32)our_index, (u32)their_index);
}

/* What came: whose slab it belongs to and which of its objects it is, as known so far. */
struct found {
	const void *object;
	u64 index, slab; /* of theirs; 0: a new slab */
	u32 their_index; /* or NO_INDEX */
};

static struct found look_up(const struct slab_test *t, const void *object)
{
	u64 ours = (u64)(uintptr_t)object, slab = ours & ~(t->slab_bytes - 1);
	struct found f = { .object = object, .index = (ours - slab) / t->size };
	struct bound_slab *s;

	HASH_FIND(by_ours, t->slabs_by_ours, &slab, sizeof(slab), s);
	if (s && object) {
		f.slab = s->theirs;
		f.their_index = by_place(t) ? NO_INDEX : s->their_index[f.index];
	}
	if (by_place(t))
		f.index = ours - slab;
	return f;
}

static const char *found_text(const struct slab_test *t, const struct found *f, char *buf, size_t n)
{
	unsigned long long slab = f->slab, index = f->index;
	const char *what = by_place(t) ? "the one at byte" : "object";

	if (!f->object)
		snprintf(buf, n, "none");
	else if (!f->slab)
		snprintf(buf, n, "%s %llu of a new slab", what, index);
	else if (by_place(t))
		snprintf(buf, n, "object %#llx", slab + index);
	else if (f->their_index == NO_INDEX)
		snprintf(buf, n, "object %llu of slab %#llx, for the first time", index, slab);
	else
		snprintf(buf, n, "object %#llx", slab + (u64)f->their_index * t->size);
	return buf;
}

static void judge(struct slab_test *t, void *object)
{
	struct found found;
	char came[96];
	u64 expected;

	if (!golden_next_answer(t->r, &expected))
		return;
	found = look_up(t, object);
	if (object && is_same(t, (u64)(uintptr_t)object, expected))
		golden_judge(t->r, true, "%s", "");
	else
		golden_judge(t->r, false, "step %llu: expected object %#llx of slab %#llx, got %s",
			     (unsigned long long)t->step, (unsigned long long)expected,
			     (unsigned long long)(expected & ~(t->slab_bytes - 1)),
			     found_text(t, &found, came, sizeof(came)));
}

/* ---- steps ---- */

static void allocate(struct slab_test *t, u32 n)
{
	void **objects = t->live + t->nr_live;

	memset(objects, 0, n * sizeof(*objects));
	if (n > 1)
		t->ops->cache_alloc_bulk(t->cache, GFP_KERNEL, n, objects);
	else
		objects[0] = t->ops->cache_alloc(t->cache, GFP_KERNEL, -1);
	for (u32 i = 0; i < n && !t->r->rc; i++)
		judge(t, objects[i]);
	t->nr_live += n;
}

static void *take_live(struct slab_test *t, u64 k)
{
	void *object = t->live[k];

	t->live[k] = t->live[--t->nr_live];
	return object;
}

static void release(struct slab_test *t, u64 k)
{
	void *object = take_live(t, k);

	if (object)
		t->ops->cache_free(t->cache, object);
}

static void release_bulk(struct slab_test *t, u32 n, u64 *x)
{
	void *objects[MAX_BULK];
	u32 have = 0;

	while (n--) {
		void *object = take_live(t, golden_draw(x) % t->nr_live);

		if (object)
			objects[have++] = object;
	}
	if (have)
		t->ops->free_bulk(t->cache, have, objects);
}

/* Of 100 steps, how many allocate: more, then fewer, in sixths of the run (rounded down). */
static u32 percent(u64 step, u64 steps)
{
	u64 sixth = steps / 6 ? steps / 6 : 1;

	return step / sixth & 1 ? 35 : 65;
}

/* S size ncpu N seed cap: every operation on a CPU of its own choice */
static void run_shuffled(struct slab_test *t)
{
	const u64 *params = t->r->test->params;
	u64 steps = params[2], x = params[3], cap = params[4];

	for (; t->step < steps && !t->r->rc; t->step++) {
		u32 r = golden_draw(&x);

		rt_enter_cpu((r >> 24) % (u32)params[1]);
		if (!t->nr_live || (t->nr_live < cap && r % 100 < percent(t->step, steps)))
			allocate(t, 1);
		else
			release(t, (r >> 8) % t->nr_live);
	}
}

/* S size N seed cap bulk shrink bytes: all on CPU 0 */
static void run_plain(struct slab_test *t)
{
	const u64 *params = t->r->test->params;
	u64 steps = params[1], x = params[2], cap = params[3];
	bool bulk = params[4], shrink = params[5];

	for (; t->step < steps && !t->r->rc; t->step++) {
		u32 r = golden_draw(&x), op = r >> 20 & 31, n = 1 + (r >> 8) % MAX_BULK;

		if (shrink && op == 31 && !(r >> 8 & 15)) {
			t->ops->cache_shrink(t->cache);
		} else if (!t->nr_live || (t->nr_live + MAX_BULK < cap &&
					   r % 100 < percent(t->step, steps))) {
			allocate(t, bulk && op < 6 ? n : 1);
		} else if (bulk && op < 6) {
			release_bulk(t, n < t->nr_live ? n : (u32)t->nr_live, &x);
		} else {
			release(t, (r >> 8) % t->nr_live);
		}
	}
}

/* K N seed cap maxsize: kmalloc() of any size, more of small ones and of powers of two */
static void run_kmalloc(struct slab_test *t)
{
	const u64 *params = t->r->test->params;
	u64 steps = params[0], x = params[1], cap = params[2], most = params[3];

	for (; t->step < steps && !t->r->rc; t->step++) {
		u32 r = golden_draw(&x);
		u64 bytes;

		if (t->nr_live && (t->nr_live >= cap || r % 100 >= percent(t->step, steps))) {
			t->ops->kfree(take_live(t, (r >> 8) % t->nr_live));
			continue;
		}
		r = golden_draw(&x);
		bytes = 1 + (r >> 4) % (r & 7 ? 300 : most);
		if (!(r & 0x300000))
			bytes = 1ull << (r >> 4) % 12;
		t->live[t->nr_live] = t->ops->kmalloc(bytes < most ? bytes : most, GFP_KERNEL, -1);
		judge(t, t->live[t->nr_live++]);
	}
}

/* ---- the machine and the cache ---- */

static int boot_machine(u32 nr_cpus, const char *name, const struct slab_policy **slub,
			struct kms_error *err)
{
	const struct mm_params params = { .page_group_by_mobility = true, .slub_cpu_partial = true };
	const struct memory_config memory = { .size_bytes = MACHINE_BYTES,
					      .dma_limit_bytes = 16ull << 20,
					      .dma32_limit_bytes = 4ull << 30 };
	struct memblock *mb = calloc(1, sizeof(*mb));
	int rc = mb ? 0 : kms_fail(err, KMS_EFAIL, "no host memory for the boot memory map");

	*slub = NULL;
	for (u32 i = 0; i < mm_ops_plain.nr_policies; i++)
		if (!strcmp(mm_ops_plain.policies[i]->name, name))
			*slub = mm_ops_plain.policies[i];
	if (!rc)
		rc = memblock_from_config(mb, &memory, nr_cpus, err);
	if (rc) {
		free(mb);
		return rc;
	}
	rc = memblock_map(mb, err);
	if (!rc)
		rc = rt_init(&(struct rt_config){ 0 }, nr_cpus, err);
	if (!rc) {
		for (u32 cpu = 0; cpu < nr_cpus; cpu++)
			rt_set_percpu(cpu, SIM_RAM_BASE + mb->boot.percpu_phys[cpu]);
		mb->boot.params = &params;
		rt_enter_cpu(0);
		mm_ops_plain.boot(&mb->boot);
		(*slub)->ops->init();
		mm_ops_plain.setup_pagesets();
		for (u32 cpu = 1; cpu < nr_cpus; cpu++)
			mm_ops_plain.cpu_online(cpu);
		mm_ops_plain.init_watermarks();
		if ((*slub)->ops->init_late)
			(*slub)->ops->init_late();
	}
	memblock_free(mb);
	free(mb);
	return rc;
}

static bool bind_page(void *arg, u64 ours, u64 theirs)
{
	return bind_slab(arg, ours, theirs) != NULL;
}

/* A region that may be copied to user space keeps the cache from being merged. */
static int create_cache(struct slab_test *t)
{
	bool kmalloc = t->r->test->kind == GOLDEN_K;
	u32 bytes = kmalloc ? 64 : (u32)t->r->test->params[0];
	const struct kmem_cache_args args = { .name = 1, .size = bytes, .usersize = bytes };
	struct mm_cache_info infos[128];
	u32 n;

	t->cache = t->ops->cache_create(&args);
	if (t->slob) {
		t->size = bytes;
		t->objects = 1;
		t->slab_bytes = SIM_PAGE_BYTES;
		return t->cache ? golden_slob_restore(t->r, bind_page, t) :
				  kms_fail(t->r->err, KMS_EFAIL, "no memory for a slab cache");
	}
	n = mm_inspect_caches(infos, KMS_ARRAY_SIZE(infos));
	for (u32 i = 0; t->cache && i < n && i < KMS_ARRAY_SIZE(infos); i++) {
		if (infos[i].cache != t->cache)
			continue;
		t->size = infos[i].size;
		t->objects = infos[i].objects_per_slab;
		t->slab_bytes = (u64)SIM_PAGE_BYTES << infos[i].order;
		return 0;
	}
	return kms_fail(t->r->err, KMS_EUSAGE, "%s:%llu: no slab cache can hold objects of %u bytes",
			t->r->file->path, (unsigned long long)t->r->test->line, bytes);
}

static void run_steps(void *arg)
{
	struct slab_test *t = arg;

	if (create_cache(t)) {
		t->r->rc = t->r->err->code;
		return;
	}
	t->next = malloc(2 * t->objects * sizeof(u16));
	if (!t->next) {
		t->r->rc = kms_fail(t->r->err, KMS_EFAIL, "no host memory for a slab cache");
		return;
	}
	t->prev = t->next + t->objects;
	memset(t->next, 0xff, 2 * t->objects * sizeof(u16));
	rt_probe(TP_mm_page_pcp_free, page_to_list, t);
	rt_probe(TP_mm_free_direct, page_to_zone, t);
	if (t->r->test->kind == GOLDEN_K)
		run_kmalloc(t);
	else if (t->shuffled)
		run_shuffled(t);
	else
		run_plain(t);
}

static int check_params(const struct golden_replay *r, bool shuffled)
{
	const u64 *p = r->test->params;
	u64 cpus = shuffled ? p[1] : 1, steps = shuffled ? p[2] : p[1], cap = shuffled ? p[4] : p[3];

	if (p[0] && p[0] <= 1u << 20 && cpus && cpus <= MACHINE_MAX_CPUS && steps &&
	    cap && cap <= MAX_LIVE)
		return 0;
	return kms_fail(r->err, KMS_EUSAGE,
			"%s:%llu: found size %llu, %llu CPUs, %llu steps, %llu objects, expected "
			"at most 1 MiB, %u CPUs, %llu objects, and nothing 0",
			r->file->path, (unsigned long long)r->test->line, (unsigned long long)p[0],
			(unsigned long long)cpus, (unsigned long long)steps,
			(unsigned long long)cap, MACHINE_MAX_CPUS, MAX_LIVE);
}

static int check_kmalloc_params(const struct golden_replay *r)
{
	const u64 *p = r->test->params;

	if (p[0] && p[2] && p[2] <= MAX_LIVE && p[3] && p[3] <= 1u << 20)
		return 0;
	return kms_fail(r->err, KMS_EUSAGE,
			"%s:%llu: found %llu steps, %llu objects of up to %llu bytes, expected at most "
			"%llu objects of 1 MiB, and nothing 0",
			r->file->path, (unsigned long long)r->test->line, (unsigned long long)p[0],
			(unsigned long long)p[2], (unsigned long long)p[3], MAX_LIVE);
}

int golden_replay_slub(struct golden_replay *r, u32 nr_cpus)
{
	struct slab_test t = { .r = r, .nr_cpus = nr_cpus, .shuffled = r->test->nr_params == 5,
			       .coloured = r->file->slab, .slob = r->file->slob };
	const struct slab_policy *slub;
	struct bound_slab *s, *following;
	int rc = r->test->kind == GOLDEN_K ? check_kmalloc_params(r) : check_params(r, t.shuffled);

	if (rc)
		return rc;
	t.live = calloc(r->test->nr_answers + MAX_BULK + 1, sizeof(*t.live));
	if (!t.live)
		return kms_fail(r->err, KMS_EFAIL, "no host memory for the objects of a test");
	rc = boot_machine(nr_cpus, r->file->slab ? "slab" : r->file->slob ? "slob" : "slub", &slub, r->err);
	if (!rc) {
		t.ops = slub->ops;
		rc = rt_protect(run_steps, &t, r->err);
		rc = rc ? rc : r->rc;
	}
	rt_probe(TP_mm_page_pcp_free, NULL, NULL);
	rt_probe(TP_mm_free_direct, NULL, NULL);
	HASH_ITER(by_ours, t.slabs_by_ours, s, following)
		drop_slab(&t, s);
	ram_unmap();
	free(t.next);
	free(t.live);
	return rc;
}
