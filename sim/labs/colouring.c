/*
 * colouring.c - lab "colouring": the first object of each of several slabs, used in
 * turn, on a direct-mapped cache; SLAB moves them apart, SLUB does not.
 */
#include "sim/labs/bench.h"
#include "sim/labs/series.h"

#define MOST_SLABS 16u
#define PAGE 4096u
#define LINE 64u

static const struct series_figure figures[] = {
	{.key = "sets", .heading = "sets of the cache in use"},
	{.key = "misses", .heading = "accesses that miss L1", .unit = "%", .digits = 1},
	{.key = "cycles", .heading = "an access takes", .unit = "cycles", .digits = 1},
};

static const char *const layers[] = {"slub", "slab"};
static const u32 counts[] = {1, 2, 3, 4, 8, 16};
#define STEPS KMS_ARRAY_SIZE(counts)

/* Bytes of a slab, which begins at a multiple of them; 0: no such cache. */
static u64 slab_bytes(const struct kmem_cache *cache)
{
	struct mm_cache_info infos[256];
	u32 n = mm_inspect_caches(infos, KMS_ARRAY_SIZE(infos));

	for (u32 i = 0; i < n && i < KMS_ARRAY_SIZE(infos); i++)
		if (infos[i].cache == cache)
			return (u64)PAGE << infos[i].order;
	return 0;
}

/*
 * The first object of each of many slabs: where any object of it says it
 * is, as a slab begins with less than an object's size of colour.
 */
static int first_objects(struct bench *b, struct kmem_cache *cache, u32 bytes, void *first[MOST_SLABS],
			 struct kms_error *err)
{
	u64 size = slab_bytes(cache), object;
	u32 slabs = 0, i;
	int rc = size ? 0 : kms_fail(err, KMS_EFAIL, "the slab cache is not listed");

	while (!rc && slabs < MOST_SLABS) {
		void *got;

		rc = bench_cache_alloc(b, 0, cache, &got, err);
		object = (u64)got;
		for (i = 0; i < slabs && (u64)first[i] / size != object / size; i++)
			;
		if (!rc && i == slabs)
			first[slabs++] = (u8 *)got - object % size + object % size % bytes;
	}
	return rc;
}

static u32 sets_of(void *const *first, u32 n)
{
	u32 sets = 0;

	for (u32 i = 0; i < n; i++) {
		bool seen = false;

		for (u32 j = 0; j < i; j++)
			seen |= (u64)first[i] % PAGE / LINE == (u64)first[j] % PAGE / LINE;
		sets += !seen;
	}
	return sets;
}

static int use(struct bench *b, struct series *s, void *const *first, u32 n, const char *layer, struct kms_error *err)
{
	const u32 rounds = 200;
	struct bench_cost cost;
	double misses = 0, cycles = 0;
	char label[32];
	int rc = bench_touch(b, 0, first, n, 8, false, NULL, err);

	for (u32 i = 0; i < rounds && !rc; i++) {
		rc = bench_touch(b, 0, first, n, 8, false, &cost, err);
		misses += (double)cost.hw.l1_misses;
		cycles += cost.cycles;
	}
	snprintf(label, sizeof(label), "%s %u", layer, n);
	if (!rc)
		series_add(s, label, (const double[]){sets_of(first, n), 100 * misses / (rounds * n), cycles / (rounds * n)});
	return rc;
}

static int measure(struct series *s, const char *layer, u32 *colours, struct kms_error *err)
{
	void *first[MOST_SLABS];
	struct mm_slot_layout layout;
	struct kmem_cache *cache;
	u32 bytes = (u32)lab_param(s->r, "bytes");
	char setting[48];
	struct bench b;
	int rc;

	snprintf(setting, sizeof(setting), "allocator.slab=%s", layer);
	rc = bench_open(&b, s->r, setting, err);
	if (!rc)
		rc = bench_cache_create(&b, bytes, 0, 0x2000, &cache, err);
	if (!rc)
		rc = first_objects(&b, cache, bytes, first, err);
	if (rc)
		return rc;
	mm_inspect_slot(cache, &layout);
	*colours = layout.colours ? layout.colours : 1;
	for (u32 i = 0; i < STEPS && !rc; i++)
		rc = use(&b, s, first, counts[i], layer, err);
	return rc;
}

static int run(struct lab_run *r, struct kms_error *err)
{
	u32 colours[2] = {0, 0};
	struct series s;
	int rc = 0;

	lab_say(r, "An L1 of 4 KiB, direct mapped: addresses a page apart are in one set. Objects are of "
		   "%lld bytes; the first object of each slab is read in turn. The number is that of slabs:",
		(long long)lab_param(r, "bytes"));
	series_init(&s, r, "slabs", "slab layer, slabs", figures, KMS_ARRAY_SIZE(figures));
	for (u32 i = 0; i < 2 && !rc; i++)
		rc = measure(&s, layers[i], &colours[i], err);
	if (rc)
		return rc;
	series_show(&s);
	lab_say(r, "SLAB has %u colours here: what is left over in a slab, %u bytes a step.", colours[1], LINE);
	lab_value(r, "colours", "", colours[1]);
	for (u32 i = 0; i < STEPS; i++) {
		u32 most = counts[i] < colours[1] ? counts[i] : colours[1];

		lab_check(r, "SLUB: all first objects are in one set", series_found(&s, i, "sets"), 1);
		lab_check(r, "SLUB: every access misses, but for a single slab", series_found(&s, i, "misses"), i ? 100 : 0);
		lab_check(r, "SLAB: as many sets as colours", series_found(&s, STEPS + i, "sets"), most);
		if (counts[i] <= colours[1])
			lab_check(r, "SLAB: no access misses while there is a colour for each slab",
				  series_found(&s, STEPS + i, "misses"), 0);
	}
	return series_picture(&s, "misses", "First objects of several slabs on a direct-mapped L1",
			      "set datafile separator '\\t'\nset style data histograms\nset style histogram clustered gap 1\n"
			      "set style fill solid 0.9 border lt -1\nset xlabel 'slabs in use'\nset yrange [0:119]\n"
			      "set ytics 0,20,100\nset ylabel 'accesses that miss L1 (%)'\nset key top left horizontal\n"
			      "array slabs[6] = ['1', '2', '3', '4', '8', '16']\n"
			      "plot 'colouring-misses.tsv' every ::0::5 using 3:xtic(slabs[int($0)+1]) lc rgb '#d55e00' "
			      "fs pattern 2 title 'SLUB: no colours', '' every ::6::11 using 3 lc rgb '#0072b2' "
			      "title 'SLAB: slabs begin at different offsets'\n", err);
}

const struct lab lab_colouring = {.name = "colouring", .run = run};
