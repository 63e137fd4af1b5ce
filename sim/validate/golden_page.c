/*
 * golden_page.c - tests R and R2: random page blocks from a recorded state.
 *
 * The modules ran with interrupts off on one CPU, so the whole state before
 * and after belongs to the test. Each step asks for or frees a block; which,
 * follows from the seed and from the requests that were refused.
 */
#include "sim/validate/golden_internal.h"

#include <stdlib.h>

#include "models/mm/inspect.h"
#include "models/rt/rt.h"
#include "sim/engine/ram.h"

/* Flags of the modules' requests (6.1 values); none lets anybody reclaim. */
#define GFP_MOVABLE 0x8u
#define GFP_RECLAIMABLE 0x10u
#define GFP_HIGH 0x20u
#define GFP_ATOMIC_BIT 0x200u
#define GFP_NOWARN 0x2000u
#define GFP_NOMEMALLOC 0x80000u
#define GFP_PLAIN (GFP_NOWARN | GFP_NOMEMALLOC)
#define GFP_URGENT (GFP_NOWARN | GFP_HIGH | GFP_ATOMIC_BIT)

#define R_SEED 12345u
#define R_MAX_LIVE 60000u
#define R2_SEED 4242u
#define R2_MAX_LIVE 300000u

struct block {
	struct page *page; /* NULL: the kernel got it, the model did not */
	u32 order;
};

struct page_test {
	struct golden_replay *r;
	struct block *live;
	u32 nr_live;
	u64 step;
};

struct request {
	u32 order, gfp;
};

static u32 type_flags(u32 movable, u32 reclaimable)
{
	return movable ? GFP_MOVABLE : reclaimable ? GFP_RECLAIMABLE : 0;
}

/* ---- steps ---- */

static u64 frame_of(const struct page *page)
{
	return ram_off(mm_page_address(page)) >> SIM_PAGE_SHIFT;
}

static const char *frame_text(char *buf, size_t n, u64 pfn)
{
	if (pfn == GOLDEN_FAILED)
		snprintf(buf, n, "a refusal");
	else
		snprintf(buf, n, "frame %#llx", (unsigned long long)pfn);
	return buf;
}

/* Ask for a block; what happens next follows the recorded answer. */
static void allocate(struct page_test *t, const struct request *q)
{
	struct page *page;
	char was[32], is[32];
	u64 expected, found;

	if (!golden_next_answer(t->r, &expected))
		return;
	page = mm_ops_plain.alloc_pages(q->gfp, q->order, 0);
	found = page ? frame_of(page) : GOLDEN_FAILED;
	if (page && (q->gfp & GFP_MOVABLE))
		mm_page_off_lru(page); /* a module's pages lie on no LRU list */
	golden_judge(t->r, found == expected, "step %llu, order %u, gfp %#x: expected %s, got %s",
		     (unsigned long long)t->step, q->order, q->gfp,
		     frame_text(was, sizeof(was), expected), frame_text(is, sizeof(is), found));
	if (expected != GOLDEN_FAILED)
		t->live[t->nr_live++] = (struct block){ page, q->order };
	else if (page)
		mm_ops_plain.free_pages(page, q->order);
}

static void release(struct page_test *t, u32 k)
{
	struct block b = t->live[k];

	t->live[k] = t->live[--t->nr_live];
	if (b.page)
		mm_ops_plain.free_pages(b.page, b.order);
}

/* ---- test R ---- */

static struct request request_r(u32 r)
{
	static const u8 orders[32] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2,
				       2, 2, 3, 3, 3, 4, 5, 0, 0, 6, 7, 8, 9, 10, 0, 1 };
	u32 type = r >> 16 & 7;

	return (struct request){ orders[r >> 8 & 31], GFP_PLAIN | type_flags(type < 4, type == 7) };
}

static void run_r(struct page_test *t)
{
	static const u32 percent[] = { 75, 50, 30 };
	u64 x = R_SEED;

	for (u32 phase = 0; phase < 3; phase++) {
		for (u64 i = 0; i < t->r->test->params[phase] && !t->r->rc; i++, t->step++) {
			u32 r = golden_draw(&x);

			if (!t->nr_live || (t->nr_live < R_MAX_LIVE && r % 100 < percent[phase])) {
				struct request q = request_r(r);

				allocate(t, &q);
			} else {
				release(t, (r >> 8) % t->nr_live);
			}
		}
	}
}

/* ---- test R2 ---- */

/* um: mostly unmovable blocks instead of movable ones. */
static struct request request_r2(u32 phase, u32 r, bool um)
{
	static const u8 first[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3 };
	static const u8 later[32] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
				      0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 9 };
	u32 q = r >> 16 & 15, order = later[r >> 8 & 31];

	if (phase == 0)
		return (struct request){ first[r >> 8 & 15], GFP_PLAIN | type_flags(!um, 0) };
	if (phase == 3)
		return (struct request){ order < 3 ? order : 3, GFP_URGENT | type_flags(q >= 12, 0) };
	if (um)
		return (struct request){ order, GFP_PLAIN | type_flags(q < 7, q < 9) };
	return (struct request){ order, GFP_PLAIN | type_flags(q >= 11, q >= 7) };
}

static void run_r2(struct page_test *t)
{
	static const u32 percent[] = { 100, 0, 60, 75 };
	bool um = t->r->test->nr_params > 4 && t->r->test->params[4];
	u64 x = R2_SEED;

	for (u32 phase = 0; phase < 4; phase++) {
		for (u64 i = 0; i < t->r->test->params[phase] && !t->r->rc; i++, t->step++) {
			u32 r = golden_draw(&x);

			if (!t->nr_live ||
			    (t->nr_live < R2_MAX_LIVE && r % 100 < percent[phase])) {
				struct request q = request_r2(phase, r, um);

				allocate(t, &q);
			} else {
				release(t, (r >> 4) % t->nr_live);
			}
		}
	}
}

/* ---- state ---- */

static void run_steps(void *arg)
{
	struct page_test *t = arg;

	if (t->r->test->kind == GOLDEN_R)
		run_r(t);
	else
		run_r2(t);
}

static void note_difference(void *arg, const char *what)
{
	struct golden_replay *r = arg;

	golden_note(r->report, "final state: %s", what);
}

static void compare_state(struct golden_replay *r, const struct golden_state *after)
{
	u64 differences = mm_compare_pages(&after->pages.saved, note_difference, r);
	struct kms_error err = { 0 };

	if (mm_check_pages(&err)) {
		golden_note(r->report, "final state: %s", err.text);
		differences++;
	}
	r->report->state_differs += differences;
	if (differences)
		r->report->final_state = 0;
	else if (r->report->final_state < 0)
		r->report->final_state = 1;
}

static int replay_from(struct golden_replay *r, const struct golden_state *before,
		       const struct golden_state *after)
{
	const struct restore_config config = { .nr_cpus = 1, .nr_nodes = 1,
					       .params = { .page_group_by_mobility = true } };
	struct page_test t = { .r = r };
	int rc;

	t.live = calloc(R2_MAX_LIVE + 1, sizeof(*t.live));
	if (!t.live)
		return kms_fail(r->err, KMS_EFAIL, "no host memory for the blocks of a test");
	rc = restore_machine(&before->pages, &config, r->err);
	if (rc) {
		kms_fail_in(r->err, "%s:%llu: snapshot '%s'", r->file->path,
			    (unsigned long long)before->line, before->tag);
	} else {
		rc = rt_protect(run_steps, &t, r->err);
		rc = rc ? rc : r->rc;
	}
	if (!rc && after)
		compare_state(r, after);
	restore_machine_off();
	free(t.live);
	return rc;
}

/* Snapshots of one machine: the zones stay where they are. */
static bool same_zones(const struct golden_state *a, const struct golden_state *b)
{
	const struct mm_saved_pages *x = &a->pages.saved, *y = &b->pages.saved;

	if (x->nr_zones != y->nr_zones)
		return false;
	for (u32 i = 0; i < x->nr_zones; i++)
		if (x->zones[i].zone_idx != y->zones[i].zone_idx ||
		    x->zones[i].start_pfn != y->zones[i].start_pfn ||
		    x->zones[i].spanned != y->zones[i].spanned)
			return false;
	return true;
}

int golden_replay_pages(struct golden_replay *r, struct golden_file *f)
{
	const char *before = r->test->kind == GOLDEN_R ? "pre" : "pre2";
	const char *after = r->test->kind == GOLDEN_R ? "post" : "post2";
	const struct golden_state *start = golden_find_state(f, before);
	const struct golden_state *end = golden_find_state(f, after);

	if (!start)
		return kms_fail(r->err, KMS_EUSAGE,
				"%s:%llu: a page test, but the file has no snapshot '%s' to start from",
				f->path, (unsigned long long)r->test->line, before);
	if (end && !same_zones(start, end))
		return kms_fail(r->err, KMS_EUSAGE,
				"%s:%llu: snapshot '%s' has other zones than snapshot '%s'", f->path,
				(unsigned long long)end->line, after, before);
	return replay_from(r, start, end);
}
