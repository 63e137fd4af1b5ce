/*
 * host.c - measuring the computer this runs on.
 *
 * Each figure is the median of CALIBRATE_RUNS short runs. A chase walks a random
 * cycle through all lines of a buffer, so that neither prefetchers nor
 * overlapping can hide a load's latency.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "sim/calibrate/calibrate.h"
#include "sim/engine/rng.h"

#define LINE 64ull
#define PAGE 4096ull
#define CHASE_LOADS 200000u
#define LOOP 2000000u
#define HUGE (2ull << 20)

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static struct calibrate_value summary(double runs[CALIBRATE_RUNS])
{
	double median;

	qsort(runs, CALIBRATE_RUNS, sizeof(*runs), by_value);
	median = runs[CALIBRATE_RUNS / 2];
	return (struct calibrate_value){median, median > 0 ? (runs[CALIBRATE_RUNS * 3 / 4] - runs[CALIBRATE_RUNS / 4]) / median : 0};
}

/* What the compiler must believe is used. */
static void use(u64 value)
{
	__asm__ volatile("" : : "r"(value) : "memory");
}

/* Keeps the compiler from merging what it computes. */
#define OPAQUE(x) __asm__ volatile("" : "+r"(x))

/* ---- loops: each returns ns an iteration ---- */

static double additions(void *arg)
{
	u64 x = (u64)(size_t)arg, step = 3;
	double start = now_ns();

	OPAQUE(step); /* a register: newer cores add constants for nothing */
	for (u32 i = 0; i < LOOP / 8; i++) {
		for (u32 k = 0; k < 8; k++) {
			x += step;
			OPAQUE(x);
		}
	}
	use(x);
	return (now_ns() - start) / LOOP;
}

static double independent_loads(void *arg)
{
	const volatile u64 *words = arg;
	double start = now_ns();
	u64 sum = 0;

	for (u32 i = 0; i < LOOP / 8; i++)
		for (u32 k = 0; k < 8; k++)
			sum += words[k * 8];
	use(sum);
	return (now_ns() - start) / LOOP;
}

static double atomics(void *arg)
{
	u64 *word = arg;
	double start = now_ns();

	for (u32 i = 0; i < LOOP / 8; i++)
		__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
	return (now_ns() - start) * 8 / LOOP;
}

static double fences(void *arg)
{
	double start = now_ns();

	(void)arg;
	for (u32 i = 0; i < LOOP / 8; i++)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return (now_ns() - start) * 8 / LOOP;
}

/* arg: where to start; the first round brings the lines in. */
static double chase(void *arg)
{
	void **at = arg;
	double start;

	for (u32 i = 0; i < CHASE_LOADS; i++)
		at = *at;
	start = now_ns();
	for (u32 i = 0; i < CHASE_LOADS; i++)
		at = *at;
	use((u64)(size_t)at);
	return (now_ns() - start) / CHASE_LOADS;
}

struct stream {
	char *memory;
	u64 bytes;
};

/* GB/s, not ns. */
static double reads(void *arg)
{
	const struct stream *s = arg;
	const u64 *words = (const u64 *)s->memory;
	double start = now_ns();
	u64 a = 0, b = 0;

	for (u64 i = 0; i < s->bytes / 8; i += 16) {
		a += words[i];
		b += words[i + 8];
	}
	use(a + b);
	return (double)s->bytes / (now_ns() - start);
}

static double writes(void *arg)
{
	const struct stream *s = arg;
	double start = now_ns();

	memset(s->memory, 1, s->bytes);
	use((u64)(size_t)s->memory);
	return (double)s->bytes / (now_ns() - start);
}

/* ---- a line between two cores ---- */

#define HAND_OVERS 40000u
struct pair {
	_Alignas(128) volatile u32 turn;
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
	for (u32 i = 0; i < HAND_OVERS; i++) {
		while (__atomic_load_n(&p->turn, __ATOMIC_ACQUIRE) != 2 * i + 1)
			;
		__atomic_store_n(&p->turn, 2 * i + 2, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Half a round trip: the line is fetched modified, and written. */
static double hand_overs(void *arg)
{
	struct pair *p = arg;
	cpu_set_t before;
	pthread_t thread;
	double start;

	p->turn = 0;
	pthread_getaffinity_np(pthread_self(), sizeof(before), &before);
	if (pthread_create(&thread, NULL, second, p))
		return 0;
	pin(p->cpu[0]);
	start = now_ns();
	for (u32 i = 0; i < HAND_OVERS; i++) {
		__atomic_store_n(&p->turn, 2 * i + 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(&p->turn, __ATOMIC_ACQUIRE) != 2 * i + 2)
			;
	}
	p->ns = (now_ns() - start) / HAND_OVERS / 2;
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

static struct calibrate_value measure(double (*run)(void *arg), void *arg)
{
	double runs[CALIBRATE_RUNS];

	for (u32 i = 0; i < CALIBRATE_RUNS; i++)
		runs[i] = run(arg);
	return summary(runs);
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
		h->chase[h->nr_sizes++] = measure(chase, start);
	}
}

/* As many lines as the L2 holds at most, on as many small pages: what is more than the L2's time are walks. */
static void walks(struct calibrate_host *h, struct buffers *b)
{
	u64 pages = h->topology.l2.size / LINE / 4;
	struct calibrate_value far, near;

	if (pages > b->bytes / PAGE / 2)
		pages = b->bytes / PAGE / 2;
	far = measure(chase, make_cycle(b->small, pages * PAGE, PAGE, b->order, b->rng));
	near = measure(chase, make_cycle(b->memory, pages * LINE, LINE, b->order, b->rng));
	h->walk = (struct calibrate_value){far.median > near.median ? far.median - near.median : 0, far.spread};
}

static void small_things(struct calibrate_host *h, struct buffers *b)
{
	static struct pair pair;
	struct calibrate_value cycle = measure(additions, NULL);
	struct stream stream = {b->memory, b->bytes};

	h->ghz = (struct calibrate_value){1 / cycle.median, cycle.spread};
	h->hit = measure(independent_loads, b->memory);
	h->atomic = measure(atomics, b->memory);
	h->fence = measure(fences, NULL);
	h->read_stream = measure(reads, &stream);
	h->write_stream = measure(writes, &stream);
	if (two_cpus(&pair))
		h->transfer = measure(hand_overs, &pair);
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
