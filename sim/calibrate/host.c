/*
 * host.c - measuring the computer this runs on.
 *
 * Each figure is the median of CALIBRATE_RUNS runs, and each run the least of some
 * short ones (timing.h says why). A chase walks a random cycle through all lines
 * of a buffer, so that neither prefetchers nor overlapping can hide a load's
 * latency.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/calibrate/timing.h"
#include "sim/engine/rng.h"

#define LINE 64ull
#define PAGE 4096ull
#define CHASE_LOADS 20000u
#define MOST_WARM 1000000u
#define LOOP 40000u
#define TRIES 12u /* short runs in a run */
#define HUGE (2ull << 20)

/* ---- loops: each returns ns an iteration ---- */

static double additions(void *arg)
{
	(void)arg;
	return timing_addition(LOOP);
}

static double independent_loads(void *arg)
{
	const volatile u64 *words = arg;
	double start = timing_ns();
	u64 sum = 0;

	for (u32 i = 0; i < LOOP / 8; i++)
		for (u32 k = 0; k < 8; k++)
			sum += words[k * 8];
	timing_use(sum);
	return (timing_ns() - start) / LOOP;
}

static double atomics(void *arg)
{
	u64 *word = arg;
	double start = timing_ns();

	for (u32 i = 0; i < LOOP / 8; i++)
		__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
	return (timing_ns() - start) * 8 / LOOP;
}

/* Instructions that only pass through the core: n of them, n below an atomic each. */
#define NOPS(n) __asm__ volatile(".rept " #n "\n\tnop\n\t.endr")
#define NOPS_FEW 120
#define NOPS_MANY 240

static double instructions(void *arg)
{
	double start = timing_ns();

	(void)arg;
	for (u32 i = 0; i < LOOP / NOPS_MANY; i++)
		NOPS(240);
	return (timing_ns() - start) / (LOOP / NOPS_MANY * NOPS_MANY);
}

static double atomics_and_few(void *arg)
{
	double start = timing_ns();

	for (u32 i = 0; i < LOOP / 64; i++) {
		__atomic_fetch_add((u64 *)arg, 1, __ATOMIC_SEQ_CST);
		NOPS(120);
	}
	return (timing_ns() - start) * 64 / LOOP;
}

static double atomics_and_many(void *arg)
{
	double start = timing_ns();

	for (u32 i = 0; i < LOOP / 64; i++) {
		__atomic_fetch_add((u64 *)arg, 1, __ATOMIC_SEQ_CST);
		NOPS(240);
	}
	return (timing_ns() - start) * 64 / LOOP;
}

static double fences(void *arg)
{
	double start = timing_ns();

	(void)arg;
	for (u32 i = 0; i < LOOP / 8; i++)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return (timing_ns() - start) * 8 / LOOP;
}

/* Goes on where the last one ended. arg: where. */
static double chase(void *arg)
{
	void **at = *(void ***)arg;
	double start = timing_ns();

	for (u32 i = 0; i < CHASE_LOADS; i++)
		at = *at;
	timing_use((u64)(size_t)at); /* before the time is taken */
	start = timing_ns() - start;
	*(void ***)arg = at;
	return start / CHASE_LOADS;
}

struct stream {
	char *memory;
	u64 bytes;
};

/* ns a byte. */
static double reads(void *arg)
{
	const struct stream *s = arg;
	const u64 *words = (const u64 *)s->memory;
	double start = timing_ns();
	u64 a = 0, b = 0;

	for (u64 i = 0; i < s->bytes / 8; i += 16) {
		a += words[i];
		b += words[i + 8];
	}
	timing_use(a + b);
	return (timing_ns() - start) / (double)s->bytes;
}

static double writes(void *arg)
{
	const struct stream *s = arg;
	double start = timing_ns();

	memset(s->memory, 1, s->bytes);
	timing_use((u64)(size_t)s->memory);
	return (timing_ns() - start) / (double)s->bytes;
}

/* ---- a line between two cores ---- */

#define HAND_OVERS 200u /* a block */
#define BLOCKS 200u
#define LINE_STEP (67 * 64ull)
struct pair {
	u32 *turn; /* in another line each run: some are nearer than others */
	char *memory;
	u32 run;
	int cpu[2];
	double ns;
};

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *second(void *arg)
{
	struct pair *p = arg;

	pin(p->cpu[1]);
	for (u32 i = 0; i < HAND_OVERS * BLOCKS; i++) {
		while (__atomic_load_n(p->turn, __ATOMIC_ACQUIRE) != 2 * i + 1)
			;
		__atomic_store_n(p->turn, 2 * i + 2, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* The lower quartile of blocks: a core may be taken away from either at any time. */
static double hand_over_blocks(struct pair *p)
{
	double blocks[BLOCKS];

	for (u32 b = 0, i = 0; b < BLOCKS; b++) {
		double start = timing_ns();

		for (u32 k = 0; k < HAND_OVERS; k++, i++) {
			__atomic_store_n(p->turn, 2 * i + 1, __ATOMIC_RELEASE);
			while (__atomic_load_n(p->turn, __ATOMIC_ACQUIRE) != 2 * i + 2)
				;
		}
		blocks[b] = (timing_ns() - start) / HAND_OVERS / 2;
	}
	timing_summary(blocks, BLOCKS); /* sorts */
	return blocks[BLOCKS / 4];
}

/* Half a round trip: the line is fetched modified, and written. */
static double hand_overs(void *arg)
{
	struct pair *p = arg;
	cpu_set_t before;
	pthread_t thread;

	p->turn = (u32 *)(p->memory + (u64)p->run++ * LINE_STEP);
	*p->turn = 0;
	pthread_getaffinity_np(pthread_self(), sizeof(before), &before);
	if (pthread_create(&thread, NULL, second, p))
		return 0;
	pin(p->cpu[0]);
	p->ns = hand_over_blocks(p);
	pthread_join(thread, NULL);
	pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
	return p->ns;
}

static bool two_cpus(struct pair *p)
{
	cpu_set_t set;
	int n = 0;

	pthread_getaffinity_np(pthread_self(), sizeof(set), &set);
	for (int cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			p->cpu[n++] = cpu;
	return n == 2;
}

/* ---- */

static struct calibrate_value measure_least(double (*run)(void *arg), void *arg, u32 tries)
{
	double runs[CALIBRATE_RUNS];

	for (u32 i = 0; i < CALIBRATE_RUNS; i++) {
		runs[i] = run(arg);
		for (u32 k = 1; k < tries; k++) {
			double again = run(arg);

			runs[i] = again < runs[i] ? again : runs[i];
		}
	}
	return timing_summary(runs, CALIBRATE_RUNS);
}

static struct calibrate_value measure(double (*run)(void *arg), void *arg)
{
	return measure_least(run, arg, TRIES);
}

static struct calibrate_value measure_chase(void **at, u64 lines)
{
	u64 warm = lines < MOST_WARM ? lines : MOST_WARM;

	for (u64 i = 0; i < 2 * warm; i++)
		at = *at;
	timing_use((u64)(size_t)at);
	return measure(chase, &at);
}

static struct calibrate_value inverse(struct calibrate_value v)
{
	return (struct calibrate_value){v.median > 0 ? 1 / v.median : 0, v.spread};
}

void calibrate_cycle(u32 *order, u64 n, gsl_rng *rng)
{
	for (u64 i = 0; i < n; i++)
		order[i] = (u32)i;
	for (u64 i = n - 1; i > 0; i--) {
		u64 k = gsl_rng_uniform_int(rng, i);
		u32 swap = order[i];

		order[i] = order[k];
		order[k] = swap;
	}
}

/* One random cycle through words that lie `step` bytes apart. */
static void **make_cycle(char *memory, u64 bytes, u64 step, u32 *order, gsl_rng *rng)
{
	u64 n = bytes / step;

	calibrate_cycle(order, n, rng);
	for (u64 i = 0; i < n; i++) {
		u64 from = order[i] * step, to = order[(i + 1) % n] * step;

		/* at another line of each page, so that a step of a page does not fight for one set */
		from += step > LINE ? order[i] % (step / LINE) * LINE : 0;
		to += step > LINE ? order[(i + 1) % n] % (step / LINE) * LINE : 0;
		*(void **)(memory + from) = memory + to;
	}
	return (void **)(memory + order[0] * step + (step > LINE ? order[0] % (step / LINE) * LINE : 0));
}

struct buffers {
	char *memory; /* huge pages, if the host gives them */
	char *small;  /* 4 KiB pages */
	u32 *order;
	u64 bytes;
	gsl_rng *rng;
};

static void *map(u64 bytes, int advice)
{
	char *p = mmap(NULL, bytes + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	p = (char *)(((size_t)p + HUGE - 1) & ~(size_t)(HUGE - 1));
	madvise(p, bytes, advice);
	memset(p, 0, bytes);
	return p;
}

static void chases(struct calibrate_host *h, struct buffers *b, const volatile int *stop)
{
	h->nr_sizes = 0;
	for (u64 bytes = 4096; bytes <= b->bytes && h->nr_sizes < CALIBRATE_SIZES && !(stop && *stop); bytes *= 2) {
		void **start = make_cycle(b->memory, bytes, LINE, b->order, b->rng);

		h->size[h->nr_sizes] = bytes;
		h->chase[h->nr_sizes++] = measure_chase(start, bytes / LINE);
	}
}

/* As many lines as the L2 holds at most, on as many small pages: what is more than the L2's time are walks. */
static void walks(struct calibrate_host *h, struct buffers *b)
{
	u64 pages = h->topology.l2.size / LINE / 4;
	struct calibrate_value far, near;

	if (pages > b->bytes / PAGE / 2)
		pages = b->bytes / PAGE / 2;
	far = measure_chase(make_cycle(b->small, pages * PAGE, PAGE, b->order, b->rng), pages);
	near = measure_chase(make_cycle(b->memory, pages * LINE, LINE, b->order, b->rng), pages);
	h->walk = (struct calibrate_value){far.median > near.median ? far.median - near.median : 0, far.spread};
}

/*
 * An atomic lets what is behind it wait, which then leaves as fast as the core
 * retires: the time that more such work takes tells how fast that is. 0 where the
 * work hides the atomic altogether.
 */
static struct calibrate_value retire_rate(const struct calibrate_host *h, struct buffers *b)
{
	struct calibrate_value few = measure(atomics_and_few, b->memory), many = measure(atomics_and_many, b->memory);
	double bound = NOPS_MANY / (h->dispatch.median * h->ghz.median), more = many.median - few.median;

	if (many.median < bound * 1.05 || more <= 0)
		return (struct calibrate_value){0, many.spread};
	return (struct calibrate_value){(NOPS_MANY - NOPS_FEW) / (more * h->ghz.median), many.spread + few.spread};
}

static void small_things(struct calibrate_host *h, struct buffers *b)
{
	struct pair pair = {.memory = b->memory};
	struct stream stream = {b->memory, b->bytes};

	h->ghz = inverse(measure(additions, NULL));
	h->dispatch = inverse(measure(instructions, NULL));
	h->dispatch.median /= h->ghz.median;
	h->retire = retire_rate(h, b);
	h->hit = measure(independent_loads, b->memory);
	h->atomic = measure(atomics, b->memory);
	h->fence = measure(fences, NULL);
	h->read_stream = inverse(measure_least(reads, &stream, 1));
	h->write_stream = inverse(measure_least(writes, &stream, 1));
	if (two_cpus(&pair))
		h->transfer = measure_least(hand_overs, &pair, 1);
}

static u64 largest(const struct calibrate_topology *t, u64 most)
{
	u64 bytes = 4096, want = most ? most : 4 * t->llc.size, limit = 512ull << 20;

	if (!want || want > limit)
		want = limit;
	while (bytes * 2 <= want)
		bytes *= 2;
	return bytes;
}

int calibrate_measure(struct calibrate_host *h, u64 most, const volatile int *stop, struct kms_error *err)
{
	struct buffers b = {0};
	int rc = calibrate_topology(&h->topology, err);

	if (rc)
		return rc;
	b.bytes = largest(&h->topology, most);
	b.memory = map(b.bytes, MADV_HUGEPAGE);
	b.small = map(b.bytes, MADV_NOHUGEPAGE);
	b.order = malloc(b.bytes / LINE * sizeof(*b.order));
	b.rng = rng_open(1, "calibrate");
	if (!b.memory || !b.small || !b.order) {
		rc = kms_fail(err, KMS_EFAIL, "no memory for buffers of %llu MiB", (unsigned long long)b.bytes >> 20);
	} else {
		small_things(h, &b);
		chases(h, &b, stop);
		walks(h, &b);
	}
	gsl_rng_free(b.rng);
	free(b.order);
	if (b.memory)
		munmap(b.memory, b.bytes);
	if (b.small)
		munmap(b.small, b.bytes);
	return rc;
}

int calibrate_chase(u64 bytes, double *ns, struct kms_error *err)
{
	char *memory = map(bytes, MADV_HUGEPAGE);
	u32 *order = malloc(bytes / LINE * sizeof(*order));
	gsl_rng *rng = rng_open(1, "calibrate");
	int rc = 0;

	if (memory && order && rng)
		*ns = measure_chase(make_cycle(memory, bytes, LINE, order, rng), bytes / LINE).median;
	else
		rc = kms_fail(err, KMS_EFAIL, "no memory for a buffer of %llu MiB", (unsigned long long)bytes >> 20);
	gsl_rng_free(rng);
	free(order);
	if (memory)
		munmap(memory, bytes);
	return rc;
}
