/*
 * trace_roundtrip.c - what the writer is given, the reader gives back.
 */
#include <malloc.h>

#include "trace_common.h"
#include "workloads/trace_info.h"

#define SLOTS 50000u

/* A request with every member drawn, within what the reader accepts. */
static struct kms_request draw(u64 *x, u32 cpus, u64 *time, struct kms_object_ref *refs)
{
	struct kms_request rq = {
		.op = (u8)(next_random(x) % NR_REQUESTS),
		.cpu = (u16)(next_random(x) % cpus),
		.gfp = (u32)next_random(x) >> (next_random(x) % 32),
		.site = (u32)(next_random(x) % 20),
		.cache = (u32)(next_random(x) % 5),
		.size = next_random(x) >> (next_random(x) % 64),
		.order = (u8)next_random(x),
		.context = (u8)next_random(x),
		.node = (s16)next_random(x),
		.part = (u32)next_random(x) >> (next_random(x) % 32),
		.refs = refs,
	};

	*time += next_random(x) >> (24 + next_random(x) % 40);
	rq.time = *time;
	if (rq.op == REQ_PHASE)
		rq.part %= 3;
	if (rq.op == REQ_PAGE_RELEASE) {
		rq.size %= 1u << 20;
		rq.order %= 11;
	}
	switch (rq.op) {
	case REQ_PAGE_RELEASE: case REQ_CACHE_CREATE: case REQ_CACHE_DESTROY: case REQ_CACHE_SHRINK:
	case REQ_BOOT: case REQ_PHASE:
		rq.n = 0;
		break;
	case REQ_PAGE_ALLOC_BULK: case REQ_PAGE_FREE_LIST: case REQ_CACHE_ALLOC_BULK: case REQ_FREE_BULK:
		rq.n = 1 + (u32)(next_random(x) % (next_random(x) % 50 ? 20 : KMS_MAX_BULK));
		break;
	default:
		rq.n = 1;
	}
	for (u32 i = 0; i < rq.n; i++)
		refs[i] = (struct kms_object_ref){ (u32)(next_random(x) % SLOTS),
						   (u32)(next_random(x) >> (32 + next_random(x) % 32)) };
	return rq;
}

static void fill_info(struct kms_workload_info *info)
{
	char name[32];

	info->source = strdup("a test");
	info->kernel = strdup("Linux 0.01");
	info->allocator = strdup("none");
	info->nr_nodes = 2;
	info->min_free_kbytes = 1234;
	info->cpu_node[1] = 1;
	workload_info_add_site(info, "", 0);
	for (u32 i = 1; i < 20; i++) {
		snprintf(name, sizeof(name), "site_%u", i);
		workload_info_add_site(info, name, strlen(name));
	}
	workload_info_add_phase(info, "boot");
	workload_info_add_phase(info, "work");
	workload_info_add_phase(info, "end");
	info->nr_caches = 5;
	info->caches = calloc(5, sizeof(*info->caches));
	for (u32 i = 0; i < 5; i++)
		info->caches[i] = (struct kms_cache_def){ strdup("cache"), 100 + i, 8, 0x2000, i, 2 * i, i & 1 };
	info->nr_zones = 1;
	info->zones = calloc(1, sizeof(*info->zones));
	info->zones[0] = (struct kms_zone_def){ 1, 2, 0x1000, 60000, 59999 };
	info->nr_free = 1;
	info->free = calloc(1, sizeof(*info->free));
	info->free[0] = (struct kms_range){ 0x2208, 0xf800 };
	workload_info_leave_out(info, "PCP_ALLOC", 3);
	workload_info_leave_out(info, "BUDDY_DEL", 4);
	workload_info_leave_out(info, "PCP_ALLOC", 2);
}

/* Writes n drawn requests, returns what was written, with the numbers given to them. */
static struct kept *write_drawn(const char *path, u32 cpus, size_t n, u64 seed)
{
	static struct kms_object_ref refs[KMS_MAX_BULK];
	struct kms_workload_info info = { 0 };
	struct kept *kept = calloc(n + 1, sizeof(*kept));
	struct kms_error err = { 0 };
	struct trace_writer *w;
	u64 time = 1000;

	assert_int_equal(trace_writer_open(&w, path, cpus, &err), 0);
	for (size_t i = 0; i < n; i++) {
		struct kms_request rq = draw(&seed, cpus, &time, refs);

		rq.seq = 77; /* assigned by the writer */
		assert_int_equal(trace_writer_add(w, &rq, &err), 0);
		rq.seq = i;
		keep(&kept[i], &rq);
	}
	fill_info(&info);
	assert_int_equal(trace_writer_finish(w, &info, &err), 0);
	workload_info_free(&info);
	return kept;
}

static void test_random_requests(void **state)
{
	const struct { u32 cpus; size_t n; } cases[] = { { 1, 0 }, { 1, 1 }, { 1, 3000 }, { 4, 20000 }, { 256, 5000 } };

	for (size_t c = 0; c < KMS_ARRAY_SIZE(cases); c++) {
		const char *path = in_dir("random.kmt");
		struct kept *written = write_drawn(path, cases[c].cpus, cases[c].n, 42 + c), *read;
		struct kms_error err = { 0 };
		struct kms_stream *stream;
		size_t n;

		assert_int_equal(trace_open(&stream, path, &err), 0);
		assert_int_equal(stream->info->requests, cases[c].n);
		read = read_stream(stream, &n);
		assert_int_equal(n, cases[c].n);
		for (size_t i = 0; i < n; i++)
			assert_same_request(&read[i].rq, &written[i].rq);
		stream->close(stream);
		free_kept(read, n);
		free_kept(written, n);
	}
}

static void test_info(void **state)
{
	const char *path = in_dir("info.kmt");
	struct kept *written = write_drawn(path, 2, 500, 5);
	const struct kms_workload_info *info;
	struct kms_error err = { 0 };
	struct kms_stream *stream;
	u32 barriers = 0, boot_steps = 0;
	u64 slots = 0, per_cpu[2] = { 0 };

	assert_int_equal(trace_open(&stream, path, &err), 0);
	info = stream->info;
	assert_string_equal(info->source, "a test");
	assert_string_equal(info->kernel, "Linux 0.01");
	assert_string_equal(info->allocator, "none");
	assert_int_equal(info->nr_cpus, 2);
	assert_int_equal(info->nr_nodes, 2);
	assert_int_equal(info->cpu_node[0], 0);
	assert_int_equal(info->cpu_node[1], 1);
	assert_int_equal(info->min_free_kbytes, 1234);
	assert_int_equal(info->nr_sites, 20);
	assert_string_equal(info->sites[0], "");
	assert_string_equal(info->sites[19], "site_19");
	assert_int_equal(info->nr_phases, 3);
	assert_string_equal(info->phases[2], "end");
	assert_int_equal(info->nr_caches, 5);
	assert_string_equal(info->caches[3].name, "cache");
	assert_int_equal(info->caches[3].object_size, 103);
	assert_int_equal(info->caches[3].flags, 0x2000);
	assert_int_equal(info->caches[3].usersize, 6);
	assert_true(info->caches[3].ctor);
	assert_int_equal(info->zones[0].present, 59999);
	assert_int_equal(info->free[0].end, 0xf800);
	assert_int_equal(info->nr_left_out, 2);
	assert_int_equal(info->left_out[0].count, 5);
	for (size_t i = 0; i < 500; i++) {
		const struct kms_request *rq = &written[i].rq;

		if (rq->op == REQ_PHASE || rq->op == REQ_BOOT)
			assert_int_equal(info->barriers[barriers++], i);
		boot_steps += rq->op == REQ_BOOT;
		per_cpu[rq->cpu]++;
		for (u32 k = 0; k < rq->n; k++)
			if (rq->refs[k].slot >= slots)
				slots = rq->refs[k].slot + 1;
	}
	assert_int_equal(info->nr_barriers, barriers);
	assert_int_equal(info->nr_boot_steps, boot_steps);
	assert_int_equal(info->slots, slots);
	assert_int_equal(info->cpu_requests[0], per_cpu[0]);
	assert_int_equal(info->cpu_requests[1], per_cpu[1]);
	assert_int_equal(info->duration_ns, written[499].rq.time - written[0].rq.time);
	stream->close(stream);
	free_kept(written, 500);
}

/* One CPU that allocates and frees, last freed first. */
static void write_regular(const char *path, size_t pairs, struct kms_error *err)
{
	struct kms_workload_info info = { 0 };
	struct trace_writer *w;

	assert_int_equal(trace_writer_open(&w, path, 1, err), 0);
	for (size_t i = 0; i < pairs; i++) {
		struct kms_object_ref ref = { 0, (u32)i };
		struct kms_request rq = { .op = REQ_KMALLOC, .size = 64, .n = 1, .refs = &ref, .time = 100 * i };

		assert_int_equal(trace_writer_add(w, &rq, err), 0);
		rq.op = REQ_KFREE;
		rq.size = 0;
		assert_int_equal(trace_writer_add(w, &rq, err), 0);
	}
	assert_int_equal(trace_writer_finish(w, &info, err), 0);
	workload_info_free(&info);
}

/* Regular behaviour costs little: two bytes an allocation (id, time), three a free at the most. */
static void test_compact(void **state)
{
	const char *path = in_dir("regular.kmt");
	struct trace_summary s;
	struct kms_error err = { 0 };

	write_regular(path, 100000, &err);
	assert_int_equal(trace_summarize(&s, path, &err), 0);
	assert_int_equal(s.ops[REQ_KMALLOC], 100000);
	assert_int_equal(s.ops[REQ_KFREE], 100000);
	assert_int_equal(s.live_end, 0);
	assert_int_equal(s.live_peak, 1);
	assert_int_equal(s.live_bytes_peak, 64);
	assert_int_equal(s.inconsistent, 0);
	assert_true(s.raw_bytes < 200000 * 5);
	assert_true(s.file_bytes < 20000);
	trace_summary_free(&s);
}

/* Memory does not grow with the trace: one block a CPU. */
static void test_bounded_memory(void **state)
{
#ifdef __SANITIZE_ADDRESS__
	skip();
#else
	const char *path = in_dir("long.kmt");
	struct kms_error err = { 0 };
	struct kms_stream *stream;
	struct kms_request rq;
	size_t before, most = 0;

	write_regular(path, 1000000, &err);
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	assert_int_equal(trace_open(&stream, path, &err), 0);
	for (u64 i = 0; stream->next(stream, 0, &rq, &err) > 0; i++) {
		size_t now = i % 4096 ? 0 : mallinfo2().uordblks + mallinfo2().hblkhd;

		most = now > most ? now : most;
	}
	stream->close(stream);
	assert_true(most > before);
	assert_true(most - before < 1u << 20);
#endif
}

static void test_same_bytes(void **state)
{
	const char *a = in_dir("a.kmt"), *b = in_dir("b.kmt");
	struct kms_error err = { 0 };
	char ha[33], hb[33], hc[33];

	free_kept(write_drawn(a, 3, 1000, 9), 1000);
	free_kept(write_drawn(b, 3, 1000, 9), 1000);
	assert_int_equal(trace_file_hash(a, ha, &err), 0);
	assert_int_equal(trace_file_hash(b, hb, &err), 0);
	assert_string_equal(ha, hb);
	assert_int_equal(strlen(ha), 32);
	free_kept(write_drawn(b, 3, 1000, 10), 1000);
	assert_int_equal(trace_file_hash(b, hc, &err), 0);
	assert_string_not_equal(ha, hc);
}

static void test_writer_refuses(void **state)
{
	struct kms_object_ref ref = { 0, 0 };
	const struct kms_request good = { .op = REQ_KMALLOC, .n = 1, .refs = &ref, .time = 5 };
	struct kms_request rq;
	struct trace_writer *w;
	struct kms_error err = { 0 };
	const char *path = in_dir("refused.kmt");

	assert_int_equal(trace_writer_open(&w, path, 0, &err), KMS_EUSAGE);
	assert_int_equal(trace_writer_open(&w, path, 257, NULL), KMS_EUSAGE);
	err.code = 0;
	assert_int_equal(trace_writer_open(&w, path, 1, &err), 0);
	assert_int_equal(trace_writer_add(w, &good, &err), 0);
	rq = good;
	rq.time = 4;
	assert_int_equal(trace_writer_add(w, &rq, &err), KMS_EUSAGE);
	assert_non_null(strstr(err.text, "request 1 (kmalloc on CPU 0): its time is before"));
	rq = good;
	rq.cpu = 1;
	assert_int_equal(trace_writer_add(w, &rq, NULL), KMS_EUSAGE);
	rq = good;
	rq.op = NR_REQUESTS;
	assert_int_equal(trace_writer_add(w, &rq, NULL), KMS_EUSAGE);
	rq = good;
	rq.n = 2;
	assert_int_equal(trace_writer_add(w, &rq, NULL), KMS_EUSAGE);
	trace_writer_abort(w);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_not_equal(access(in_dir("refused.kmt.partial"), F_OK), 0);
}

/* Nothing under the final name until the trace is whole. */
static void test_partial_until_finished(void **state)
{
	struct kms_workload_info info = { 0 };
	struct kms_error err = { 0 };
	struct trace_writer *w;
	const char *path = in_dir("whole.kmt"), *partial = in_dir("whole.kmt.partial");

	assert_int_equal(trace_writer_open(&w, path, 1, &err), 0);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(access(partial, F_OK), 0);
	assert_int_equal(trace_writer_finish(w, &info, &err), 0);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_not_equal(access(partial, F_OK), 0);
	workload_info_free(&info);
}

/* A parallel trace is merged back into recorded order, with what is live known exactly. */
static void test_summary(void **state)
{
	const char *path = in_dir("summary.kmt");
	struct kms_workload_info info = { 0 };
	struct kms_error err = { 0 };
	struct trace_summary s;
	struct trace_writer *w;
	struct kms_object_ref refs[3] = { { 0, 0 }, { 1, 0 }, { 2, 0 } };
	const struct kms_request requests[] = {
		{ .op = REQ_PHASE, .time = 0 },
		{ .op = REQ_KMALLOC, .size = 100, .n = 1, .refs = &refs[0], .time = 10 },
		{ .op = REQ_PAGE_ALLOC_EXACT, .size = 12288, .n = 1, .refs = &refs[1], .cpu = 1, .time = 20 },
		{ .op = REQ_PHASE, .part = 1, .time = 30 },
		{ .op = REQ_KFREE, .n = 1, .refs = &refs[0], .cpu = 1, .time = 40 },
		{ .op = REQ_PAGE_FREE_PART, .part = 0, .n = 1, .refs = &refs[1], .time = 50 },
		{ .op = REQ_PAGE_ALLOC, .order = 1, .n = 1, .refs = &refs[2], .time = 60 },
		{ .op = REQ_PAGE_FREE_PART, .part = 1, .order = 1, .n = 1, .refs = &refs[1], .time = 70 },
	};

	fill_info(&info);
	assert_int_equal(trace_writer_open(&w, path, 2, &err), 0);
	for (size_t i = 0; i < KMS_ARRAY_SIZE(requests); i++)
		assert_int_equal(trace_writer_add(w, &requests[i], &err), 0);
	assert_int_equal(trace_writer_finish(w, &info, &err), 0);
	workload_info_free(&info);

	assert_int_equal(trace_summarize(&s, path, &err), 0);
	assert_int_equal(s.version, KMS_TRACE_VERSION);
	assert_int_equal(s.blocks, 2);
	assert_int_equal(s.allocs, 3);
	assert_int_equal(s.frees, 2);
	assert_int_equal(s.live_end, 1);
	assert_int_equal(s.live_bytes_end, 8192);
	assert_int_equal(s.live_bytes_peak, 16384); /* 12 KiB less a page, and two */
	assert_int_equal(s.remote_frees, 3);	     /* the kfree and both parts */
	assert_int_equal(s.inconsistent, 0);
	assert_int_equal(s.cpu_requests[0], 6);
	assert_int_equal(s.cpu_requests[1], 2);
	assert_int_equal(s.page_orders[1], 1);
	assert_int_equal(s.kmalloc_sizes[7], 1);
	assert_int_equal(s.bytes[REQ_PAGE_ALLOC_EXACT], 12288);
	assert_string_equal(s.phases[0].name, "boot");
	assert_int_equal(s.phases[0].requests, 3);
	assert_int_equal(s.phases[0].live_bytes_end, 12388);
	assert_int_equal(s.phases[0].duration_ns, 20);
	assert_int_equal(s.phases[1].first_seq, 3);
	assert_int_equal(s.phases[1].requests, 5);
	assert_int_equal(s.phases[1].frees, 2);
	trace_summary_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_requests),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_compact),
		cmocka_unit_test(test_bounded_memory),
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_writer_refuses),
		cmocka_unit_test(test_partial_until_finished),
		cmocka_unit_test(test_summary),
	};

	return cmocka_run_group_tests_name("trace_roundtrip", tests, make_dir, remove_dir);
}
