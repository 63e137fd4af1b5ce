/*
 * import_groundtruth.c - full-hook recordings of a kernel's allocators.
 *
 * A recording is a directory with trace.txt (or .zst), one event a line:
 *
 *	dt cpu context pid EVENT arguments...
 *
 * and state-NAME.txt dumps that tell the machine's zones. This file reads the
 * lines and keeps the machine's progress (phases, boot steps, CPUs); what the
 * events mean is in import_gt_page.c, import_gt_slab.c (caches and SLUB),
 * import_gt_slab_slab.c (SLAB) and import_gt_slab_slob.c (SLOB).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "workloads/import_gt.h"

typedef unsigned long long ull;

static const char *const reason_names[NR_GT_REASONS] = {
	[REASON_SLAB_PAGE_ALLOC] = "page allocations of the slab layer",
	[REASON_SLAB_PAGE_FREE] = "page frees of the slab layer",
	[REASON_CACHE_STRUCTURE] = "slab objects of the slab layer's own caches",
	[REASON_SLAB_LAYER] = "kmalloc() of the slab layer itself",
	[REASON_BULK_CHAIN] = "steps of bulk frees",
	[REASON_EXACT_SURPLUS] = "pages cut off by alloc_pages_exact",
	[REASON_MEMBLOCK] = "memory released by memblock (kept as the free ranges)",
	[REASON_LARGE_PAGE] = "page requests behind large kmalloc and kfree",
	[REASON_MIGRATED] = "pages freed by migration",
	[REASON_COMPACTION] = "pages handled by compaction",
	[REASON_FREE_UNKNOWN] = "frees of what was not seen allocated",
	[REASON_LATE] = "events too late to amend their request",
	[REASON_REPEATED] = "repeated or nested marks",
};

/* ---- events by name ---- */

struct event {
	const char *name;
	int (*handler)(struct gt_import *im);
	bool step; /* left out in any case */
};

#define OUTCOMES(O)                                                                                    \
	O(RMQ_BULK) O(RMQ_BULK_END) O(BUDDY_DEL) O(EXTFRAG) O(MOVE_FREE) O(SET_PB_MT)      \
	O(PCP_BULK_FREE) O(DRAIN_PAGES_ZONE) O(DRAIN_ZONE_PAGES) O(FL_ROTATE) O(BOOST)    \
	O(HIGHATOMIC) O(UNRESERVE) O(RECLAIM_ACTIVE) O(VMSTAT_FOLD) O(STAT_THRESH)           \
	O(S_GET_FREELIST) O(S_PARTIAL_POP) O(S_ACQUIRE) O(S_GET_ANY) O(S_DROP_CPUSLAB) O(S_FLUSH)       \
	O(S_DEACT) O(S_PUT_CPU_PARTIAL) O(S_UNFREEZE_ALL) O(S_ADD_PARTIAL) O(S_REMOVE_PARTIAL)          \
	O(S_DISCARD) O(S_FREE_SLAB) O(S_SHRINK)                                                         \
	O(L_BLOCK) O(L_GROW_END) O(L_FLUSH) O(L_FREE_BLOCK) O(L_DESTROY) O(L_FREEPAGES)                 \
	O(L_DRAIN_ARRAY) O(L_DO_DRAIN) O(L_UNTOUCH) O(L_REAP) O(L_DRAIN_FREELIST) O(L_ALIEN_FREE)       \
	O(L_ALIEN_DRAIN) O(L_FROM_SHARED) O(O_ALLOC) O(O_FREE)

static const struct event events[] = {
#define EVENT(event, handler) { #event, handler, false },
#define STEP(event, handler) { #event, handler, true },
#define OUTCOME(event) { #event, NULL, true },
	GT_HANDLERS(EVENT) GT_STEPS(STEP) OUTCOMES(OUTCOME)
#undef EVENT
#undef STEP
#undef OUTCOME
};

#define NR_EVENTS KMS_ARRAY_SIZE(events)
#define EVENT_HASH 1024

/* The reader: what does not outlive one import, and the table of events. */
struct reader {
	struct gt_import im;
	u16 hash[EVENT_HASH]; /* index + 1 */
	u64 left_out[NR_EVENTS];
};

static void hash_events(struct reader *r)
{
	for (size_t i = 0; i < NR_EVENTS; i++) {
		u64 at = XXH3_64bits(events[i].name, strlen(events[i].name));

		while (r->hash[at % EVENT_HASH])
			at++;
		r->hash[at % EVENT_HASH] = (u16)(i + 1);
	}
}

static s32 find_event(const struct reader *r, const char *name, size_t length)
{
	for (u64 at = XXH3_64bits(name, length);; at++) {
		u32 i = r->hash[at % EVENT_HASH];

		if (!i)
			return -1;
		if (!strncmp(events[i - 1].name, name, length) && !events[i - 1].name[length])
			return (s32)i - 1;
	}
}

/* ---- requests ---- */

void gt_leave_out(struct gt_import *im, enum gt_reason reason)
{
	im->reasons[reason]++;
}

struct kms_request gt_request(const struct gt_import *im, u8 op)
{
	return (struct kms_request){
		.time = im->time, .cpu = (u16)im->cpu, .node = -1, .op = op,
		.context = im->context & (KMS_CTX_HARDIRQ | KMS_CTX_SOFTIRQ | KMS_CTX_KTHREAD |
					  KMS_CTX_MEMALLOC),
	};
}

int gt_emit(struct gt_import *im, const struct kms_request *request, u64 *number)
{
	u64 own;
	int ret = import_queue_add(&im->queue, request, number ? number : &own, im->err);

	if (im->flow)
		im->flow->last_request = number ? *number : own;
	return ret;
}

int gt_new_object(struct gt_import *im, struct kms_object_ref *ref, struct gt_object **object)
{
	if (!slot_take(&im->slots, im->cpu, ref))
		return gt_no_memory(im);
	*object = gt_object_at(im, ref->slot);
	if (!*object)
		return gt_no_memory(im);
	**object = (struct gt_object){ .generation = ref->generation };
	return 0;
}

struct kms_object_ref gt_drop_object(struct gt_import *im, u32 slot)
{
	struct kms_object_ref ref = { slot, im->objects[slot].generation };

	if (!slot_give(&im->slots, im->cpu, ref))
		gt_no_memory(im);
	return ref;
}

/* ---- progress of the machine ---- */

static int boot_step(struct gt_import *im, enum kms_boot_step step, u8 order)
{
	struct kms_request rq = gt_request(im, REQ_BOOT);

	rq.part = step;
	rq.order = order;
	return gt_emit(im, &rq, NULL);
}

int gt_pagesets(struct gt_import *im)
{
	if (im->pagesets_ready)
		return 0;
	im->pagesets_ready = true;
	return boot_step(im, BOOT_PAGESETS, 0);
}

int gt_watermarks(struct gt_import *im)
{
	if (im->watermarks_ready)
		return 0;
	im->watermarks_ready = true;
	return boot_step(im, BOOT_WATERMARKS, 0);
}

static int begin_phase(struct gt_import *im, const char *name)
{
	struct kms_request rq = gt_request(im, REQ_PHASE);
	s64 index = -1;

	for (u32 i = 0; i < im->info.nr_phases; i++)
		if (!strcmp(im->info.phases[i], name))
			index = i;
	if (index < 0)
		index = workload_info_add_phase(&im->info, name);
	if (index < 0)
		return gt_no_memory(im);
	snprintf(im->phase, sizeof(im->phase), "%s", name);
	rq.part = (u32)index;
	return gt_emit(im, &rq, NULL);
}

/* "phase NAME begin", "phase end", "init-start", "bench NAME ..."; false: no phase. */
static bool phase_name(const struct gt_import *im, const char *mark, char name[64])
{
	char first[64], second[64];
	int n = sscanf(mark, "%63s %63s", first, second);

	if (n == 1 && !strcmp(first, "init-start")) {
		strcpy(name, "init");
		return true;
	}
	if (n < 2 || (strcmp(first, "phase") && strcmp(first, "bench")))
		return false;
	if (!strcmp(second, "end")) {
		const char *ended = !strcmp(first, "bench") ? "bench" : im->phase;

		snprintf(name, 64, "after-%.50s", ended);
	} else if (!strcmp(first, "bench")) {
		snprintf(name, 64, "bench-%.50s", second);
	} else {
		snprintf(name, 64, "%.60s", second);
	}
	return true;
}

static int text_mark(struct gt_import *im)
{
	char name[64];

	if (!phase_name(im, gt_next_argument(im), name)) {
		gt_leave_out(im, REASON_REPEATED);
		return 0;
	}
	return begin_phase(im, name);
}

int gt_slab_init(struct gt_import *im)
{
	if (im->slab_ready)
		return 0;
	im->slab_ready = true;
	return boot_step(im, BOOT_SLAB_INIT, 0);
}

/* SLUB's first own allocation, by node. */
static int early_node(struct gt_import *im)
{
	if (im->slab_ready)
		gt_leave_out(im, REASON_REPEATED);
	return gt_slab_init(im);
}

int gt_text(struct gt_import *im)
{
	size_t length;
	const char *word = gt_word(im, &length);
	bool used = true;
	int ret;

	if (length == 4 && !memcmp(word, "MARK", 4))
		return text_mark(im);
	if (length == 16 && !memcmp(word, "EARLY_NODE_ALLOC", 16))
		return early_node(im);
	ret = gt_cache_text(im, word, length, &used);
	if (!used && workload_info_leave_out(&im->info, "TEXT", 1))
		return gt_no_memory(im);
	return ret;
}

/* A state dump: memblock releases its memory between the first two; the slab layer is up at the next. */
int gt_dump(struct gt_import *im)
{
	im->memblock_release = strstr(im->at, "before_mem_init") != NULL;
	return strstr(im->at, "after_kmem_cache_init") ? gt_slab_init(im) : 0;
}

static int first_of_cpu(struct gt_import *im)
{
	im->cpu_seen[im->cpu] = true;
	return im->cpu ? boot_step(im, BOOT_CPU_ONLINE, (u8)im->cpu) : 0;
}

/* ---- lines ---- */

static int bad_line(struct gt_import *im, const char *found, const char *expected)
{
	if (!*found)
		return kms_fail(im->err, KMS_EUSAGE, "%s:%llu: the line ends early, expected %s",
				im->lines.path, (ull)im->lines.number, expected);
	return kms_fail(im->err, KMS_EUSAGE, "%s:%llu: found '%.*s', expected %s", im->lines.path,
			(ull)im->lines.number, (int)strcspn(found, " "), found, expected);
}

static int head_of_line(struct gt_import *im, char *line)
{
	u64 dt, cpu;

	im->at = line;
	im->bad = false;
	dt = (u64)gt_dec(im);
	cpu = (u64)gt_dec(im);
	im->context = (u32)gt_hex(im);
	im->pid = (u32)gt_dec(im);
	if (im->bad)
		return bad_line(im, im->bad_at, im->bad_expected);
	if (cpu >= im->info.nr_cpus)
		return kms_fail(im->err, KMS_EUSAGE, "%s:%llu: CPU %llu, but the state dumps tell of %u CPUs",
				im->lines.path, (ull)im->lines.number, (ull)cpu, im->info.nr_cpus);
	if (im->first_line_seen)
		im->time += dt;
	im->cpu = (u32)cpu;
	if (!im->first_line_seen) {
		im->first_line_seen = true;
		return begin_phase(im, "boot");
	}
	return 0;
}

static int do_line(struct reader *r, char *line)
{
	struct gt_import *im = &r->im;
	const char *name;
	size_t length;
	s32 event;
	int ret = head_of_line(im, line);

	if (!ret && KMS_UNLIKELY(!im->cpu_seen[im->cpu]))
		ret = first_of_cpu(im);
	if (ret)
		return ret;
	name = gt_word(im, &length);
	event = find_event(r, name, length);
	if (event < 0) {
		im->result->unknown++;
		return 0;
	}
	r->left_out[event] += events[event].step;
	if (!events[event].handler)
		return 0;
	im->flow = gt_flow_find(im);
	if (!im->flow)
		return gt_no_memory(im);
	ret = events[event].handler(im);
	if (!ret && im->bad)
		ret = bad_line(im, im->bad_at, im->bad_expected);
	return ret;
}

static int read_lines(struct reader *r)
{
	struct gt_import *im = &r->im;
	char *line;
	int ret;

	while ((ret = lines_next(&im->lines, &line, im->err)) > 0) {
		ret = do_line(r, line);
		if (ret)
			return ret;
		if (im->err && im->err->code)
			return im->err->code;
	}
	im->result->events = im->lines.number;
	return ret;
}

/* ---- the whole ---- */

/* CPU c is of the node that most of its page requests preferred. */
static void place_cpus(struct gt_import *im)
{
	for (u32 cpu = 0; cpu < im->info.nr_cpus; cpu++)
		for (u32 node = 1; node < 64; node++)
			if (im->node_votes[cpu][node] > im->node_votes[cpu][im->info.cpu_node[cpu]])
				im->info.cpu_node[cpu] = (u8)node;
}

/* The name tables become the info's; the strings change owner. */
static int name_sites(struct gt_import *im)
{
	im->info.sites = im->sites.texts;
	im->info.nr_sites = im->sites.n;
	im->sites.texts = NULL;
	im->sites.n = 0;
	return im->info.nr_sites ? 0 : gt_no_memory(im);
}

static int name_left_out(struct reader *r)
{
	struct kms_workload_info *info = &r->im.info;
	int ret = 0;

	for (size_t i = 0; i < NR_EVENTS; i++)
		if (r->left_out[i])
			ret |= workload_info_leave_out(info, events[i].name, r->left_out[i]);
	for (u32 i = 0; i < NR_GT_REASONS; i++)
		if (r->im.reasons[i])
			ret |= workload_info_leave_out(info, reason_names[i], r->im.reasons[i]);
	for (u32 i = 0; i < info->nr_left_out; i++)
		r->im.result->outcomes += info->left_out[i].count;
	return ret ? gt_no_memory(&r->im) : 0;
}

/* Which slab layer's steps there were. */
static int name_allocator(struct reader *r)
{
	const char *name = "slub";

	for (size_t i = 0; i < NR_EVENTS; i++) {
		if (r->left_out[i] && !strncmp(events[i].name, "L_", 2))
			name = "slab";
		if (r->left_out[i] && !strncmp(events[i].name, "O_", 2))
			name = "slob";
	}
	r->im.info.allocator = strdup(name);
	return r->im.info.allocator ? 0 : gt_no_memory(&r->im);
}

static int finish(struct reader *r)
{
	struct gt_import *im = &r->im;
	struct trace_writer *w = im->queue.writer;
	int ret = import_queue_flush(&im->queue, im->err);

	if (!ret && !im->queue.written)
		ret = kms_fail(im->err, KMS_EUSAGE, "'%s' is empty, expected one event a line",
			       im->lines.path);
	place_cpus(im);
	if (!ret)
		ret = name_sites(im);
	if (!ret)
		ret = name_left_out(r);
	if (!ret)
		ret = name_allocator(r);
	if (ret)
		return ret;
	im->result->requests = im->queue.written;
	im->result->slab_pages = im->reasons[REASON_SLAB_PAGE_ALLOC];
	im->result->frees_without_alloc = im->reasons[REASON_FREE_UNKNOWN];
	im->result->live_at_end = im->slots.next - im->slots.idle;
	im->queue.writer = NULL; /* gone, whatever becomes of it */
	return trace_writer_finish(w, &im->info, im->err);
}

static int import_into(struct reader *r, const char *source, const char *output)
{
	struct gt_import *im = &r->im;
	int ret = gt_read_state(im, source);

	if (!ret)
		ret = lines_open(&im->lines, source, "trace.txt", im->err);
	if (!ret)
		ret = trace_writer_open(&im->queue.writer, output, im->info.nr_cpus, im->err);
	if (!ret)
		ret = import_queue_init(&im->queue, im->queue.writer, im->err);
	if (!ret && names_enter(&im->sites, "", 0) != KMS_NO_SITE)
		ret = gt_no_memory(im);
	if (!ret)
		ret = read_lines(r);
	return ret ? ret : finish(r);
}

static bool recognises(const char *source)
{
	return lines_exist(source, "trace.txt") && gt_first_dump(source);
}

static int import_source(const char *source, const char *output, struct import_result *result,
			 struct kms_error *err)
{
	struct reader *r = calloc(1, sizeof(*r));
	struct kms_error local = { 0 };
	int ret;

	if (!r)
		return kms_fail(err, KMS_EFAIL, "no host memory for importing");
	r->im.result = result;
	r->im.err = err ? err : &local;
	hash_events(r);
	ret = import_into(r, source, output);
	trace_writer_abort(r->im.queue.writer);
	import_queue_free(&r->im.queue);
	lines_close(&r->im.lines);
	names_free(&r->im.sites);
	names_free(&r->im.cache_names);
	slot_pool_free(&r->im.slots);
	gt_tables_free(&r->im);
	workload_info_free(&r->im.info);
	free(r);
	return ret;
}

const struct importer import_groundtruth = {
	.name = "groundtruth",
	.what = "a directory with trace.txt (or .zst) and state dumps, state-before_mem_init.txt (or .zst) the first",
	.recognises = recognises,
	.import = import_source,
};
