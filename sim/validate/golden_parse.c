/*
 * golden_parse.c - a golden file's text to tests and allocator states.
 *
 * A test is a line of parameters ("S 256 1 12000 777 1500"), one line per
 * answer and an end line; lines of allocator state (Z D C L Q T, each with the
 * name of its snapshot) stand between the tests. Every error says file, line
 * and column, what was found there and what was expected.
 */
#include "sim/validate/golden_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TESTS GOLDEN_MAX_RUNS

struct parser {
	struct golden_file *f;
	u64 line;
	char *start, *at; /* of the current line, NUL-terminated */
	struct golden_test *open;
	struct golden_state *state; /* of the last state line */
	u64 *pfns; /* of the list being read */
	u8 *types;
	size_t room;
	struct kms_error *err;
};

/* ---- words ---- */

static int bad(struct parser *p, const char *expected)
{
	int n = (int)strcspn(p->at, " \t");
	char found[48] = "the end of the line";

	if (n)
		snprintf(found, sizeof(found), "'%.*s'", n < 32 ? n : 32, p->at);
	for (char *c = found; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	return kms_fail(p->err, KMS_EUSAGE, "%s:%llu:%d: found %s, expected %s", p->f->path,
			(unsigned long long)p->line, (int)(p->at - p->start) + 1, found, expected);
}

static int in_line(struct parser *p, int rc)
{
	return rc ? kms_fail_in(p->err, "%s:%llu", p->f->path, (unsigned long long)p->line) : 0;
}

static void skip_blanks(struct parser *p)
{
	while (*p->at == ' ' || *p->at == '\t')
		p->at++;
}

static bool at_end(struct parser *p)
{
	skip_blanks(p);
	return !*p->at;
}

static int digit_of(char c, u32 base)
{
	int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;

	return d < (int)base ? d : -1;
}

/* A number up to the next blank (or one of stops); at most limit. */
static int number(struct parser *p, u32 base, u64 limit, const char *stops, u64 *value,
		  const char *expected)
{
	const char *c;

	skip_blanks(p);
	*value = 0;
	for (c = p->at; digit_of(*c, base) >= 0; c++) {
		u64 digit = (u64)digit_of(*c, base);

		if (*value > (limit - digit) / base)
			return bad(p, expected);
		*value = *value * base + digit;
	}
	if (c == p->at || (*c && *c != ' ' && *c != '\t' && !strchr(stops, *c)))
		return bad(p, expected);
	p->at = (char *)c;
	return 0;
}

static int decimal(struct parser *p, u64 limit, u64 *value)
{
	return number(p, 10, limit, "", value, "a decimal number");
}

static int integer(struct parser *p, s32 *value)
{
	bool minus;
	u64 n;
	int rc;

	skip_blanks(p);
	minus = *p->at == '-';
	p->at += minus;
	rc = number(p, 10, INT32_MAX, "", &n, "an integer of 32 bits");
	*value = minus ? -(s32)n : (s32)n;
	return rc;
}

/* The next word if it is this one. */
static bool word_is(struct parser *p, const char *word)
{
	size_t n = strlen(word);

	skip_blanks(p);
	if (strncmp(p->at, word, n) || (p->at[n] && p->at[n] != ' ' && p->at[n] != '\t'))
		return false;
	p->at += n;
	return true;
}

static int expect_word(struct parser *p, const char *word)
{
	char expected[32];

	snprintf(expected, sizeof(expected), "'%s'", word);
	return word_is(p, word) ? 0 : bad(p, expected);
}

/* `name number` */
static int named(struct parser *p, const char *name, u64 *value)
{
	int rc = expect_word(p, name);

	return rc ? rc : decimal(p, UINT64_MAX / 16, value);
}

static int named_integer(struct parser *p, const char *name, s32 *value)
{
	int rc = expect_word(p, name);

	return rc ? rc : integer(p, value);
}

static int expect_end(struct parser *p)
{
	return at_end(p) ? 0 : bad(p, "the end of the line");
}

/* ---- snapshots ---- */

struct golden_state *golden_find_state(struct golden_file *f, const char *tag)
{
	for (u32 i = 0; i < f->nr_states; i++)
		if (!strcmp(f->states[i].tag, tag))
			return &f->states[i];
	return NULL;
}

/* The word after the letter: the snapshot that the line belongs to. */
static int snapshot(struct parser *p)
{
	char tag[16];
	size_t n;

	skip_blanks(p);
	n = strcspn(p->at, " \t");
	if (!n || n >= sizeof(tag))
		return bad(p, "a snapshot's name, such as 'pre' or 'post'");
	memcpy(tag, p->at, n);
	tag[n] = '\0';
	p->state = golden_find_state(p->f, tag);
	if (!p->state) {
		if (p->f->nr_states == KMS_ARRAY_SIZE(p->f->states))
			return bad(p, "not more than eight snapshots");
		p->state = &p->f->states[p->f->nr_states++];
		p->state->line = p->line;
		memcpy(p->state->tag, tag, n + 1);
	}
	p->at += n;
	return 0;
}

/* A zone of the snapshot by its index, whose Z line has been read. */
static int zone_number(struct parser *p, const char *stops, u32 *zone)
{
	char *word = p->at;
	int rc, found;
	u64 idx;

	rc = number(p, 10, 3, stops, &idx, "a zone: 0 DMA, 1 DMA32, 2 NORMAL, 3 MOVABLE");
	if (rc)
		return rc;
	found = page_state_zone(&p->state->pages, 0, (u32)idx);
	if (found >= 0) {
		*zone = (u32)found;
		return 0;
	}
	p->at = word;
	skip_blanks(p);
	return bad(p, "a zone whose Z line came before");
}

/* Z tag zone start N span N managed N wm N N N boost N free N lowres N N N N high N batch N */
static int parse_zone(struct parser *p)
{
	struct mm_saved_zone z = { 0 };
	u64 idx, free_pages = 0;
	int rc;

	rc = number(p, 10, 3, "", &idx, "a zone: 0 DMA, 1 DMA32, 2 NORMAL, 3 MOVABLE");
	z.zone_idx = (u32)idx;
	if (!rc)
		rc = named(p, "start", &z.start_pfn);
	if (!rc)
		rc = named(p, "span", &z.spanned);
	if (!rc)
		rc = named(p, "managed", &z.managed);
	if (!rc)
		rc = expect_word(p, "wm");
	for (u32 i = 0; i < KMS_ARRAY_SIZE(z.watermark) && !rc; i++)
		rc = decimal(p, UINT64_MAX / 16, &z.watermark[i]);
	if (!rc)
		rc = named(p, "boost", &z.watermark_boost);
	if (!rc)
		rc = named(p, "free", &free_pages);
	if (!rc)
		rc = expect_word(p, "lowres");
	for (u32 i = 0; i < KMS_ARRAY_SIZE(z.lowmem_reserve) && !rc; i++)
		rc = decimal(p, UINT64_MAX / 16, &z.lowmem_reserve[i]);
	if (!rc)
		rc = named_integer(p, "high", &z.pageset_high);
	if (!rc)
		rc = named_integer(p, "batch", &z.pageset_batch);
	if (!rc)
		rc = expect_end(p);
	z.nr_free_pages = (s64)free_pages;
	z.present = z.spanned; /* not recorded */
	return rc ? rc : in_line(p, page_state_add_zone(&p->state->pages, &z, p->err));
}

static struct mm_saved_pcp *pcp_of(struct page_state *s, u32 zone)
{
	for (u32 i = 0; i < s->saved.nr_pcps; i++)
		if (s->saved.pcps[i].zone == zone)
			return &s->saved.pcps[i];
	return NULL;
}

/* D tag zone diff N thr N: what CPU 0 has not yet added to the zone's counter */
static int parse_differential(struct parser *p)
{
	struct mm_saved_pcp pcp = { .batch = 1 };
	int rc = zone_number(p, "", &pcp.zone);

	if (!rc)
		rc = named_integer(p, "diff", &pcp.nr_free_diff);
	if (!rc)
		rc = named_integer(p, "thr", &pcp.stat_threshold);
	if (!rc)
		rc = expect_end(p);
	if (rc)
		return rc;
	if (pcp_of(&p->state->pages, pcp.zone))
		return bad(p, "one D line a zone");
	return in_line(p, page_state_add_pcp(&p->state->pages, &pcp, p->err));
}

/* ha N fl N: pages of the high-atomic reserve and the zone's flags */
static int parse_highatomic(struct parser *p, struct mm_saved_zone *zone)
{
	int rc = named(p, "ha", &zone->nr_reserved_highatomic);

	if (!rc)
		rc = expect_word(p, "fl");
	if (!rc)
		rc = number(p, 16, UINT32_MAX, "", &zone->flags, "the zone's flags in hex");
	zone->highatomic_known = true;
	return rc;
}

/* C tag zone count N high N batch N ff N [ha N fl N]: CPU 0's lists */
static int parse_pcp(struct parser *p)
{
	struct mm_saved_pcp *pcp;
	u32 zone = 0;
	int rc = zone_number(p, "", &zone);

	if (rc)
		return rc;
	pcp = pcp_of(&p->state->pages, zone);
	if (!pcp)
		return bad(p, "the zone's D line before its C line");
	rc = named_integer(p, "count", &pcp->count);
	if (!rc)
		rc = named_integer(p, "high", &pcp->high);
	if (!rc)
		rc = named_integer(p, "batch", &pcp->batch);
	if (!rc)
		rc = named_integer(p, "ff", &pcp->free_factor);
	if (!rc && !at_end(p))
		rc = parse_highatomic(p, &p->state->pages.saved.zones[zone]);
	return rc ? rc : expect_end(p);
}

static int room_for(struct parser *p, size_t nr)
{
	size_t room = p->room ? 2 * p->room : 4096;
	u64 *pfns;
	u8 *types;

	if (nr < p->room)
		return 0;
	pfns = realloc(p->pfns, room * sizeof(*pfns));
	p->pfns = pfns ? pfns : p->pfns;
	types = realloc(p->types, room);
	p->types = types ? types : p->types;
	if (!pfns || !types)
		return kms_fail(p->err, KMS_EFAIL, "no host memory for a list of '%s'", p->f->path);
	p->room = room;
	return 0;
}

static int add_list(struct parser *p, struct mm_saved_list *l)
{
	l->pfns = p->pfns;
	return in_line(p, page_state_add_list(&p->state->pages, l, p->err));
}

/* L tag zone order type count: frames; count is of all types */
static int parse_free_list(struct parser *p)
{
	struct mm_saved_list l = { .cpu = MM_SAVED_BUDDY };
	u64 order = 0, mt = 0, nr_free = 0;
	int rc = zone_number(p, "", &l.zone);

	if (!rc)
		rc = number(p, 10, 10, "", &order, "an order from 0 to 10");
	if (!rc)
		rc = number(p, 10, 15, "", &mt, "a migratetype");
	if (!rc)
		rc = number(p, 10, UINT32_MAX, ":", &nr_free, "the order's number of free blocks");
	if (!rc && *p->at++ != ':') {
		p->at--;
		rc = bad(p, "':' and the list's frames");
	}
	while (!rc && !at_end(p)) {
		rc = room_for(p, l.nr);
		if (!rc)
			rc = number(p, 16, UINT64_MAX / 16, "", &p->pfns[l.nr++], "a frame in hex");
	}
	if (rc)
		return rc;
	l.order = (u32)order;
	l.mt = (u32)mt;
	/* a type that the models do not have (isolated pageblocks) is never more than empty */
	return l.nr || mt < 4 ? add_list(p, &l) : 0;
}

/* Q tag zone list: frame/type...; the type is the one the page carries */
static int parse_pcp_list(struct parser *p)
{
	struct mm_saved_list l = { .cpu = 0 };
	u64 pindex = 0, type;
	int rc = zone_number(p, "", &l.zone);

	if (!rc)
		rc = number(p, 10, 13, ":", &pindex, "a per-CPU list from 0 to 13");
	if (!rc && *p->at++ != ':') {
		p->at--;
		rc = bad(p, "':' and the list's frames");
	}
	while (!rc && !at_end(p)) {
		rc = room_for(p, l.nr);
		if (!rc)
			rc = number(p, 16, UINT64_MAX / 16, "/", &p->pfns[l.nr], "a frame in hex");
		if (!rc && *p->at++ != '/') {
			p->at--;
			rc = bad(p, "'/' and the page's migratetype");
		}
		if (!rc)
			rc = number(p, 10, 15, "", &type, "a migratetype");
		if (!rc)
			p->types[l.nr++] = (u8)type;
	}
	if (rc)
		return rc;
	l.pindex = (u32)pindex;
	l.types = p->types;
	return add_list(p, &l);
}

/* T tag zone:types, a digit per pageblock; 15: no memory section */
static int parse_blocks(struct parser *p)
{
	struct mm_saved_blocks b = { 0 };
	int rc = zone_number(p, ":", &b.zone);

	if (!rc && *p->at++ != ':') {
		p->at--;
		rc = bad(p, "':' and the types of the zone's pageblocks");
	}
	while (!rc && !at_end(p)) {
		bool none = p->at[0] == '1' && p->at[1] == '5';

		rc = room_for(p, b.nr);
		if (!rc && (*p->at < '0' || *p->at > '4'))
			rc = bad(p, "a pageblock's type, 0 to 4, or 15");
		if (!rc)
			p->types[b.nr++] = none ? MM_SAVED_NO_SECTION : (u8)(*p->at - '0');
		p->at += none ? 2 : 1;
	}
	b.types = p->types;
	return rc ? rc : in_line(p, page_state_add_blocks(&p->state->pages, &b, p->err));
}

static int parse_state_line(struct parser *p, char letter)
{
	int rc = snapshot(p);

	if (rc)
		return rc;
	switch (letter) {
	case 'Z':
		return parse_zone(p);
	case 'D':
		return parse_differential(p);
	case 'C':
		return parse_pcp(p);
	case 'L':
		return parse_free_list(p);
	case 'Q':
		return parse_pcp_list(p);
	default:
		return parse_blocks(p);
	}
}

/* ---- tests ---- */

static const char *const kind_names[] = { "R", "R2", "S", "K" };
static const char *const end_words[] = { "RE", "RE", "SE", "KE" };

static int check_params(struct parser *p, const struct golden_test *t)
{
	static const struct { u32 least, most; const char *what; } counts[] = {
		[GOLDEN_R] = { 3, 3, "R n1 n2 n3" },
		[GOLDEN_R2] = { 4, 5, "R2 n1 n2 n3 n4 [um]" },
		[GOLDEN_S] = { 5, 7, "S size ncpu N seed cap, or S size N seed cap bulk shrink bytes" },
		[GOLDEN_K] = { 4, 4, "K N seed cap maxsize" },
	};
	const char *what = counts[t->kind].what;

	if (t->nr_params < counts[t->kind].least || t->nr_params > counts[t->kind].most ||
	    (t->kind == GOLDEN_S && t->nr_params == 6))
		return kms_fail(p->err, KMS_EUSAGE, "%s:%llu: found %u numbers, expected '%s'",
				p->f->path, (unsigned long long)p->line, t->nr_params, what);
	return 0;
}

static int open_test(struct parser *p, enum golden_kind kind)
{
	struct golden_test *t = &p->f->tests[p->f->nr_tests];
	int rc = 0;

	if (p->f->nr_tests == MAX_TESTS)
		return kms_fail(p->err, KMS_EUSAGE, "%s:%llu: more than %d tests", p->f->path,
				(unsigned long long)p->line, MAX_TESTS);
	*t = (struct golden_test){ .kind = kind, .line = p->line };
	p->f->nr_tests++;
	p->open = t;
	while (!rc && !at_end(p) && t->nr_params < GOLDEN_MAX_PARAMS)
		rc = decimal(p, 1ull << 40, &t->params[t->nr_params++]);
	if (!rc)
		rc = expect_end(p);
	return rc ? rc : check_params(p, t);
}

static int add_answer(struct parser *p, u64 answer)
{
	struct golden_test *t = p->open;

	if (t->nr_answers == t->capacity) {
		u64 capacity = t->capacity ? 2 * t->capacity : 4096;
		u64 *grown = realloc(t->answers, capacity * sizeof(*grown));

		if (!grown)
			return kms_fail(p->err, KMS_EFAIL, "no host memory for the answers of '%s'",
					p->f->path);
		t->answers = grown;
		t->capacity = capacity;
	}
	t->answers[t->nr_answers++] = answer;
	return 0;
}

/* R, R2: a frame. S and K: a physical address, or a frame and a byte offset from it. */
static int parse_answer(struct parser *p)
{
	u64 answer, offset = 0;
	int rc = number(p, 16, 1ull << 52, "", &answer, "an answer in hex");

	if (!rc && p->open->kind == GOLDEN_S && p->open->nr_params == 5) {
		rc = number(p, 16, 1ull << 30, "", &offset, "an offset in hex");
		answer = (answer << 12) + offset;
	}
	if (!rc)
		rc = expect_end(p);
	return rc ? rc : add_answer(p, answer);
}

static int parse_test_line(struct parser *p)
{
	const char *end = end_words[p->open->kind];

	if (isupper((unsigned char)*p->start)) {
		int rc = expect_word(p, end);

		p->open = NULL;
		return rc ? rc : expect_end(p);
	}
	return parse_answer(p);
}

static int parse_line(struct parser *p)
{
	if (p->open)
		return parse_test_line(p);
	if (word_is(p, "B"))
		return expect_end(p);
	if (word_is(p, "G")) {
		p->f->slob = true;
		return 0;
	}
	for (u32 i = 0; i < KMS_ARRAY_SIZE(kind_names); i++)
		if (word_is(p, kind_names[i]))
			return open_test(p, (enum golden_kind)i);
	for (const char *c = "ZDCLQT"; *c; c++)
		if (word_is(p, (char[]){ *c, '\0' }))
			return parse_state_line(p, *c);
	return bad(p, "a test (R, R2, S, K, B) or a line of state (Z, D, C, L, Q, T, G)");
}

static int parse_lines(struct parser *p, char *text, size_t bytes)
{
	char *end = text + bytes;
	int rc = 0;

	while (text < end && !rc) {
		char *stop = memchr(text, '\n', (size_t)(end - text));
		char *last = stop ? stop : end;

		*last = '\0';
		if (last > text && last[-1] == '\r')
			last[-1] = '\0';
		p->line++;
		p->start = p->at = text;
		if (strlen(text) < (size_t)(last - text) && text[strlen(text) + 1])
			return kms_fail(p->err, KMS_EUSAGE, "%s:%llu: found a NUL byte, expected text",
					p->f->path, (unsigned long long)p->line);
		if (!at_end(p))
			rc = parse_line(p);
		text = last + 1;
	}
	if (!rc && p->open)
		rc = kms_fail(p->err, KMS_EUSAGE,
			      "%s:%llu: the file ends inside the test of line %llu, expected '%s'",
			      p->f->path, (unsigned long long)p->line,
			      (unsigned long long)p->open->line, end_words[p->open->kind]);
	return rc;
}

int golden_parse(const char *path, struct golden_file *f, struct kms_error *err)
{
	struct parser p = { .f = f, .err = err };
	char *text = NULL;
	size_t bytes = 0;
	int rc;

	*f = (struct golden_file){ .path = path };
	f->tests = calloc(MAX_TESTS, sizeof(*f->tests));
	if (!f->tests)
		return kms_fail(err, KMS_EFAIL, "no host memory for the tests of '%s'", path);
	rc = golden_text(path, &text, &bytes, err);
	if (!rc)
		rc = parse_lines(&p, text, bytes);
	if (!rc && !f->nr_tests && !f->slob)
		rc = kms_fail(err, KMS_EUSAGE, "%s: no test in %llu lines, expected R, R2, S or K", path,
			      (unsigned long long)p.line);
	free(p.pfns);
	free(p.types);
	free(text);
	return rc;
}

void golden_file_free(struct golden_file *f)
{
	for (u32 i = 0; i < f->nr_tests; i++)
		free(f->tests[i].answers);
	for (u32 i = 0; i < f->nr_states; i++)
		page_state_free(&f->states[i].pages);
	free(f->tests);
	*f = (struct golden_file){ 0 };
}
