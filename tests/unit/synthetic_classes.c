/*
 * synthetic_classes.c - classes, phases, batches, per-CPU mixes, and the named
 * workloads: every stream is consistent, does what its description says, and
 * comes again the same.
 */
#include "trace_common.h"
#include "workloads/adversary.h"
#include "workloads/ordered.h"
#include "workloads/synthetic.h"

struct counts {
	u64 allocs[8][4], frees[8][4]; /* by site, CPU */
	u64 phases, creates, wrong, live, live_most;
	u64 digest;
};

struct holder {
	u32 generation, site;
	u8 op;
	bool live;
};

static bool fits(u8 alloc, u8 freed)
{
	return (alloc == REQ_KMALLOC && freed == REQ_KFREE) || (alloc == REQ_CACHE_ALLOC && freed == REQ_CACHE_FREE) ||
	       (alloc == REQ_PAGE_ALLOC && freed == REQ_PAGE_FREE);
}

static void count(struct kms_stream *stream, struct counts *c)
{
	struct holder *table = calloc(1 << 20, sizeof(*table));
	struct kms_error err = {0};
	const struct kms_request *rq;
	struct ordered in;
	u64 seq = 0;

	memset(c, 0, sizeof(*c));
	assert_int_equal(ordered_open(&in, stream, &err), 0);
	while (ordered_next(&in, &rq, &err) > 0) {
		struct holder *h = rq->n ? &table[rq->refs[0].slot] : NULL;

		c->wrong += rq->seq != seq++;
		c->phases += rq->op == REQ_PHASE;
		c->creates += rq->op == REQ_CACHE_CREATE;
		c->digest = c->digest * 31 + rq->op + rq->size + rq->cpu * 7 + (rq->n ? rq->refs[0].slot : 0) + rq->time;
		if (h && kms_request_classes[rq->op] == 'A') {
			c->wrong += h->live;
			*h = (struct holder){rq->refs[0].generation, rq->site, rq->op, true};
			c->allocs[rq->site & 7][rq->cpu & 3]++;
			c->live_most = ++c->live > c->live_most ? c->live : c->live_most;
		} else if (h) {
			c->wrong += !h->live || h->generation != rq->refs[0].generation || !fits(h->op, rq->op);
			h->live = false;
			c->frees[h->site & 7][rq->cpu & 3]++;
			c->live--;
		}
	}
	assert_int_equal(err.code, 0);
	ordered_close(&in);
	assert_int_equal(stream->info->requests, seq);
	assert_int_equal(stream->info->nr_barriers, c->phases);
	assert_int_equal(c->wrong, 0);
	free(table);
}

static void draw(const char *json, struct counts *c)
{
	struct synthetic_config config;
	struct kms_error err = {0};
	struct kms_stream *stream;
	struct cfg *cfg;

	if (cfg_load_text(&cfg, &synthetic_config_table, &config, json, "s.json", ".", NULL, 0, &err))
		fail_msg("%s", err.text);
	assert_int_equal(synthetic_open(&stream, &config, 5, &err), 0);
	count(stream, c);
	stream->close(stream);
	cfg_free(cfg);
}

static void test_producer_consumer(void **state)
{
	struct counts c;

	draw("{\"requests\": 6000, \"cpus\": 4, \"classes\": ["
	     "{\"name\": \"a\", \"request\": \"cache\", \"size\": {\"a\": 200, \"kind\": \"constant\"}, \"cpus\": [0, 1], \"free_cpus\": [3]},"
	     "{\"name\": \"b\", \"request\": \"pages\", \"mobility\": \"movable\", \"cpus\": [2, 3]}]}", &c);
	assert_int_equal(c.creates, 1);
	assert_int_equal(c.allocs[1][0] + c.allocs[1][1], 3000);
	assert_int_equal(c.allocs[2][2] + c.allocs[2][3], 3000);
	assert_int_equal(c.frees[1][0] + c.frees[1][1] + c.frees[1][2], 0);
	assert_true(c.frees[1][3] > 1000);
	assert_int_equal(c.frees[2][0] + c.frees[2][1], 0);
}

static void test_phases_and_drain(void **state)
{
	struct counts c;

	draw("{\"requests\": 3000, \"cpus\": 2, \"cpu_weights\": [3, 1], \"classes\": [{\"name\": \"a\", \"lifetime\": {\"kind\": \"constant\", \"a\": 1e9}},"
	     "{\"name\": \"b\"}], \"phases\": [{\"name\": \"one\", \"requests\": 1000, \"weights\": [1, 0], \"drain\": 1},"
	     "{\"name\": \"two\", \"weights\": [0, 1]}]}", &c);
	assert_int_equal(c.phases, 2);
	assert_int_equal(c.allocs[1][0], 750);
	assert_int_equal(c.allocs[1][1], 250);
	assert_int_equal(c.frees[1][0] + c.frees[1][1], 1000); /* nothing reached its lifetime */
	assert_int_equal(c.allocs[2][0] + c.allocs[2][1], 2000);
}

/* 10 are allocated, then freed: never more than 10 alive. */
static void test_batches(void **state)
{
	static const char *const orders[] = {"fifo", "lifo", "random"};
	u64 digests[3];
	struct counts c;
	char json[300];

	for (int i = 0; i < 3; i++) {
		snprintf(json, sizeof(json), "{\"requests\": 1000, \"free_order\": \"%s\", "
			 "\"batch\": {\"kind\": \"constant\", \"a\": 10}}", orders[i]);
		draw(json, &c);
		assert_int_equal(c.live_most, 10);
		assert_int_equal(c.live, 0);
		digests[i] = c.digest;
	}
	assert_true(digests[0] != digests[1] && digests[1] != digests[2] && digests[0] != digests[2]);
}

static void test_immortal(void **state)
{
	struct counts c;

	draw("{\"requests\": 10000, \"classes\": [{\"immortal\": 0.25, \"lifetime\": {\"kind\": \"constant\", \"a\": 0}}]}", &c);
	assert_in_range(c.live, 2300, 2700);
}

static void open_named(u32 choice, u64 seed, const struct adversary_params *params, struct counts *c)
{
	struct kms_error err = {0};
	struct kms_stream *stream;

	if (adversary_open(&stream, choice, params, seed, &err))
		fail_msg("%s", err.text);
	count(stream, c);
	stream->close(stream);
}

static void test_named(void **state)
{
	const struct adversary_params none = {0};
	struct counts a, b;

	for (u32 i = 1; i <= nr_adversaries; i++) {
		assert_string_equal(adversary_choices[i], adversaries[i - 1].name);
		open_named(i, 1, &none, &a);
		open_named(i, 1, &none, &b);
		assert_int_equal(a.digest, b.digest);
		assert_true(a.phases > 0);
	}
	assert_null(adversary_choices[nr_adversaries + 1]);
}

static u32 named(const char *name)
{
	u32 i = 1;

	while (strcmp(adversary_choices[i], name))
		i++;
	return i;
}

static void test_what_they_do(void **state)
{
	struct counts c;

	open_named(named("checkerboard"), 1, &(struct adversary_params){.objects = 1000}, &c);
	assert_int_equal(c.live_most, 1000);
	assert_int_equal(c.live, 500);
	open_named(named("slab-batch"), 1, &(struct adversary_params){.objects = 100, .size = 64}, &c);
	assert_int_equal(c.live_most, 100);
	assert_int_equal(c.live, 0);
	open_named(named("slab-pairs"), 1, &(struct adversary_params){.objects = 100}, &c);
	assert_int_equal(c.live_most, 1);
	open_named(named("remote-free-storm"), 1, &(struct adversary_params){.cpus = 3, .objects = 90, .rounds = 1}, &c);
	assert_int_equal(c.allocs[1][0], 90);
	assert_int_equal(c.frees[1][0], 0);
	assert_int_equal(c.frees[1][1], 45);
	assert_int_equal(c.frees[1][2], 45);
}

static void test_refusals(void **state)
{
	struct kms_error err = {0};
	struct kms_stream *stream;

	assert_int_equal(adversary_open(&stream, named("checkerboard"), &(struct adversary_params){.size = 3}, 1, &err),
			 KMS_EUSAGE);
	assert_non_null(strstr(err.text, "workload.parameters.size: checkerboard does not have this parameter"));
	err.code = 0;
	assert_int_equal(adversary_open(&stream, named("ping-pong"), &(struct adversary_params){.cpus = 1}, 1, &err),
			 KMS_EUSAGE);
	assert_non_null(strstr(err.text, "ping-pong needs at least 2, found 1"));
}

/*
 * Half of a class waits for sweeps: at 400 of 1,000 allocations the first takes a quarter of
 * what waits, from 700 on one every 100 takes all. Another class allocates only at first.
 */
static void test_sweeps(void **state)
{
	static const char text[] =
		"{\"requests\": 1000, \"cpus\": 2, \"sweeps\": [{\"at\": 400}, {\"at\": 700, \"every\": 100, \"cpus\": [1]}],"
		"\"classes\": [{\"name\": \"a\", \"weight\": 1, \"immortal\": 0.5, \"swept\": 0.5, \"sweep_shares\": [0.25, 1]},"
		"{\"name\": \"b\", \"weight\": 1, \"to\": 0.5, \"swept\": 1, \"sweeps\": [0], \"sweep_order\": \"lifo\"}]}";
	struct counts c, again;
	u64 a, b;

	draw(text, &c);
	draw(text, &again);
	assert_true(c.digest == again.digest);
	a = c.allocs[1][0] + c.allocs[1][1];
	b = c.allocs[2][0] + c.allocs[2][1];
	assert_int_equal(a + b, 1000);
	assert_true(b > 200 && b < 300); /* every other one of the first 500 */
	assert_true(c.frees[2][0] + c.frees[2][1] > 150 && c.frees[2][0] + c.frees[2][1] < 250); /* what it had at 400 */
	assert_true(c.frees[1][0] + c.frees[1][1] > a * 42 / 100 && c.frees[1][0] + c.frees[1][1] < a * 58 / 100);
	assert_true(c.frees[1][1] > 4 * c.frees[1][0]); /* all but the first sweep's: by CPU 1 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sweeps),
		cmocka_unit_test(test_producer_consumer), cmocka_unit_test(test_phases_and_drain),
		cmocka_unit_test(test_batches),		  cmocka_unit_test(test_immortal),
		cmocka_unit_test(test_named),		  cmocka_unit_test(test_what_they_do),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests_name("synthetic_classes", tests, make_dir, remove_dir);
}
