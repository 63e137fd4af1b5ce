/*
 * cachegrind.c - `memtrace --cachegrind`: I1 and D1 in front of a shared LL.
 *
 * Semantics of valgrind's cachegrind (its manual, chapter "Simulation details"):
 * exact LRU, set = line address modulo sets, write-allocate, no write-backs. The
 * LL is looked up only after an L1 miss. An access that spans two lines looks up
 * and fills both, and counts one access and at most one miss; the LL then sees
 * the same span. A modify is one read. Data accesses larger than the smallest
 * data line are cut to it.
 *
 * With `--dinero` the same trace goes through Dinero IV's model: an access that
 * crosses a line becomes one per line, L1s write back, and the L2 behind them
 * serves fetches and write-backs alike.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/memtrace/lackey.h"
#include "sim/memtrace/lru.h"

struct totals {
	u64 accesses, l1_misses, ll_misses;
};

struct hierarchy {
	struct lru i1, d1, ll;
	struct lru ll_reads; /* --dinero: an L2 that sees no write-backs */
	u32 data_limit;	     /* largest data access */
	struct totals fetch, read, write;
	u64 l1_write_backs, l2_fetches, l2_misses_fetch, l2_misses_data, l2_write_backs;
	u64 reads_only_misses;
};

/* ---- cachegrind ---- */

/* Whether an access misses; lines are looked up and filled all, first to last. */
static inline bool span_misses(struct lru *cache, u64 address, u32 size)
{
	u64 line = address >> cache->line_shift;
	u64 last = (address + size - 1) >> cache->line_shift, victim;
	bool misses = !lru_access(cache, line, false, &victim);

	while (KMS_UNLIKELY(line++ != last))
		misses |= !lru_access(cache, line, false, &victim);
	return misses;
}

static inline void count(struct hierarchy *h, struct lru *l1, struct totals *t, u64 address, u32 size)
{
	t->accesses++;
	if (KMS_LIKELY(!span_misses(l1, address, size)))
		return;
	t->l1_misses++;
	t->ll_misses += span_misses(&h->ll, address, size);
}

static void count_words(struct hierarchy *h, const u64 *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		u64 word = words[i], address = lackey_address_of(word);
		u32 kind = lackey_kind_of(word), size = lackey_size_of(word);

		if (kind == LACKEY_FETCH) {
			count(h, &h->i1, &h->fetch, address, size);
			continue;
		}
		size = size < h->data_limit ? size : h->data_limit;
		count(h, &h->d1, kind == LACKEY_STORE ? &h->write : &h->read, address, size);
	}
}

/* ---- Dinero ---- */

/* An access of the L2: a fetch or a write-back from above. */
static bool l2_misses(struct hierarchy *h, u64 line, bool write)
{
	u64 victim;
	bool misses = !lru_access(&h->ll, line, write, &victim);

	h->l2_fetches++;
	h->l2_write_backs += victim & 1;
	return misses;
}

/* The same bytes in lines of the L2. */
static u64 l2_line(const struct hierarchy *h, const struct lru *l1, u64 line)
{
	return line << l1->line_shift >> h->ll.line_shift;
}

static void write_back(void *arg, u64 line)
{
	struct hierarchy *h = arg;

	h->l1_write_backs++;
	h->l2_misses_data += l2_misses(h, l2_line(h, &h->d1, line), true);
}

static void dinero_line(struct hierarchy *h, struct lru *l1, struct totals *t, u64 line, bool write)
{
	u64 victim, unused, below = l2_line(h, l1, line);
	bool misses;

	t->accesses++;
	if (lru_access(l1, line, write, &victim))
		return;
	t->l1_misses++;
	misses = l2_misses(h, below, false);
	h->l2_misses_fetch += misses && l1 == &h->i1;
	h->l2_misses_data += misses && l1 == &h->d1;
	h->reads_only_misses += !lru_access(&h->ll_reads, below, false, &unused);
	if (victim & 1)
		write_back(h, lru_line_of_key(victim));
}

static void dinero_words(struct hierarchy *h, const u64 *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		u32 kind = lackey_kind_of(words[i]);
		struct lru *l1 = kind == LACKEY_FETCH ? &h->i1 : &h->d1;
		struct totals *t = kind == LACKEY_FETCH ? &h->fetch :
				   kind == LACKEY_STORE ? &h->write : &h->read;
		u64 address = lackey_address_of(words[i]);
		u64 line = address >> l1->line_shift;
		u64 last = (address + lackey_size_of(words[i]) - 1) >> l1->line_shift;

		do {
			dinero_line(h, l1, t, line, kind == LACKEY_STORE);
		} while (line++ != last);
	}
}

static void count_write_back(void *arg, u64 line)
{
	++*(u64 *)arg;
}

/* What is dirty at the end goes down: first the L1's, then the L2's. */
static void dinero_end(struct hierarchy *h)
{
	lru_clean(&h->d1, write_back, h);
	lru_clean(&h->ll, count_write_back, &h->l2_write_backs);
}

/* ---- results ---- */

static void report_totals(struct memtrace_result *r, const char *const names[3],
			  const struct totals *t)
{
	memtrace_count(r, names[0], "", t->accesses);
	memtrace_count(r, names[1], "", t->l1_misses);
	memtrace_count(r, names[2], "", t->ll_misses);
}

static void report_cachegrind(struct memtrace_result *r, const struct hierarchy *h)
{
	report_totals(r, (const char *const[]){"Ir", "I1mr", "ILmr"}, &h->fetch);
	report_totals(r, (const char *const[]){"Dr", "D1mr", "DLmr"}, &h->read);
	report_totals(r, (const char *const[]){"Dw", "D1mw", "DLmw"}, &h->write);
}

static void report_dinero(struct memtrace_result *r, const struct hierarchy *h)
{
	u64 l1_bytes = h->l1_write_backs * h->d1.geometry.line;

	memtrace_count(r, "l1i_fetches", "", h->fetch.accesses);
	memtrace_count(r, "l1i_misses", "", h->fetch.l1_misses);
	memtrace_count(r, "l1d_read_fetches", "", h->read.accesses);
	memtrace_count(r, "l1d_write_fetches", "", h->write.accesses);
	memtrace_count(r, "l1d_read_misses", "", h->read.l1_misses);
	memtrace_count(r, "l1d_write_misses", "", h->write.l1_misses);
	memtrace_count(r, "l1d_bytes_to_next(writebacks*64)", "B", l1_bytes);
	memtrace_count(r, "l1d_bytes_to_next", "B", l1_bytes);
	memtrace_count(r, "l2_fetches", "", h->l2_fetches);
	memtrace_count(r, "l2_misses_total", "", h->l2_misses_fetch + h->l2_misses_data);
	memtrace_count(r, "l2_misses_instr", "", h->l2_misses_fetch);
	memtrace_count(r, "l2_misses_data", "", h->l2_misses_data);
	memtrace_count(r, "l2_bytes_to_mem", "B", h->l2_write_backs * h->ll.geometry.line);
	memtrace_count(r, "ref_LRU_L1i", "", h->fetch.l1_misses);
	memtrace_count(r, "ref_LRU_L1d_r", "", h->read.l1_misses);
	memtrace_count(r, "ref_LRU_L1d_w", "", h->write.l1_misses);
	memtrace_count(r, "ref_LL_total_without_writebacks", "", h->reads_only_misses);
}

/* ---- running ---- */

static int init_cache(struct lru *lru, const char *option, const char *text, const char *fallback,
		      struct kms_error *err)
{
	struct memtrace_geometry g = {0};
	int rc = memtrace_geometry_parse(&g, option, text ? text : fallback, err);

	return rc ? rc : lru_init(lru, &g, err);
}

static int init_caches(struct hierarchy *h, const struct memtrace_options *o, struct kms_error *err)
{
	int rc = init_cache(&h->i1, "I1", o->i1, "32768,8,64", err);

	if (!rc)
		rc = init_cache(&h->d1, "D1", o->d1, "32768,8,64", err);
	if (!rc)
		rc = init_cache(&h->ll, "LL", o->ll, "8388608,16,64", err);
	if (!rc && o->dinero)
		rc = lru_init(&h->ll_reads, &h->ll.geometry, err);
	if (!rc && o->dinero && (h->ll.line_shift < h->d1.line_shift || h->ll.line_shift < h->i1.line_shift))
		rc = kms_fail(err, KMS_EUSAGE, "--dinero: the line of LL is smaller than that of an L1");
	if (!rc) {
		u64 d1 = h->d1.geometry.line, ll = h->ll.geometry.line;

		h->data_limit = (u32)(d1 < ll ? d1 : ll);
	}
	return rc;
}

static void exit_caches(struct hierarchy *h)
{
	lru_exit(&h->i1);
	lru_exit(&h->d1);
	lru_exit(&h->ll);
	lru_exit(&h->ll_reads);
}

/* The next words of the trace, cut to --limit; *n 0: enough. */
static int next_words(struct lackey *l, const struct memtrace_options *o, u64 done, const u64 **words,
		      size_t *n, struct memtrace_result *r, struct kms_error *err)
{
	int rc = lackey_next(l, words, n, err);

	if (rc)
		return rc;
	if (!*n && !done)
		return kms_fail(err, KMS_EUSAGE, "%s: no access in this trace", o->trace);
	if (o->limit && *n > o->limit - done)
		*n = o->limit - done;
	if (o->stop && *o->stop) {
		r->stopped = true;
		*n = 0;
	}
	return 0;
}

static int run_caches(struct hierarchy *h, struct lackey *l, const struct memtrace_options *o,
		      struct memtrace_result *r, struct kms_error *err)
{
	const u64 *words;
	u64 done = 0;
	size_t n;

	for (;; done += n) {
		int rc = next_words(l, o, done, &words, &n, r, err);

		if (rc || !n)
			return rc;
		if (o->dinero)
			dinero_words(h, words, n);
		else
			count_words(h, words, n);
	}
}

static int write_words(struct lackey *l, FILE *f, const struct memtrace_options *o,
		       struct memtrace_result *r, u64 *done, struct kms_error *err)
{
	const u64 *words;
	size_t n;

	fwrite(LACKEY_MAGIC, 1, sizeof(LACKEY_MAGIC) - 1, f);
	for (;; *done += n) {
		int rc = next_words(l, o, *done, &words, &n, r, err);

		if (rc || !n)
			return rc;
		if (fwrite(words, sizeof(*words), n, f) != n)
			return kms_fail(err, KMS_EFAIL, "%s: cannot write: %s", o->convert,
					strerror(errno));
	}
}

/* The output gets its name when it is complete. */
static int convert(struct lackey *l, const struct memtrace_options *o, struct memtrace_result *r,
		   struct kms_error *err)
{
	char part[4096];
	u64 done = 0;
	FILE *f;
	int rc;

	if ((size_t)snprintf(part, sizeof(part), "%s.part", o->convert) >= sizeof(part))
		return kms_fail(err, KMS_EUSAGE, "--convert: the name is too long");
	if (kms_check_output(o->convert, err))
		return KMS_EUSAGE;
	f = fopen(part, "wb");
	if (!f)
		return kms_fail(err, KMS_EUSAGE, "--convert: cannot write %s: %s", o->convert,
				strerror(errno));
	rc = write_words(l, f, o, r, &done, err);
	if (fclose(f) && !rc)
		rc = kms_fail(err, KMS_EFAIL, "%s: cannot write: %s", o->convert, strerror(errno));
	if (!rc && !r->stopped && rename(part, o->convert))
		rc = kms_fail(err, KMS_EUSAGE, "--convert: cannot write %s: %s", o->convert,
			      strerror(errno));
	if (rc || r->stopped)
		remove(part);
	memtrace_count(r, "accesses", "", done);
	return rc;
}

int memtrace_cachegrind(const struct memtrace_options *o, struct memtrace_result *r,
			struct kms_error *err)
{
	struct hierarchy h = {0};
	struct lackey *l = NULL;
	int rc = init_caches(&h, o, err);

	if (!rc)
		rc = lackey_open(&l, o->trace, o->format, h.d1.geometry.line, err);
	if (!rc && o->convert)
		rc = convert(l, o, r, err);
	else if (!rc)
		rc = run_caches(&h, l, o, r, err);
	lackey_close(l);
	if (!rc && !o->convert && o->dinero) {
		dinero_end(&h);
		report_dinero(r, &h);
	} else if (!rc && !o->convert) {
		report_cachegrind(r, &h);
	}
	exit_caches(&h);
	return rc;
}
