/*
 * golden_parse.c - a golden file's text to tests and allocator states.
 *
 * A test is a line of parameters ("S 256 1 12000 777 1500"), one line per
 * answer and an end line; lines of allocator state stand between the tests.
 */
#include "sim/validate/golden_parser.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TESTS GOLDEN_MAX_RUNS

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
	if (p->f->nr_tests)
		t->first_slob_page = t[-1].first_slob_page + t[-1].nr_slob_pages;
	t->nr_slob_pages = p->f->nr_slob_pages - t->first_slob_page;
	p->f->nr_tests++;
	p->open = t;
	while (!rc && !golden_at_end(p) && t->nr_params < GOLDEN_MAX_PARAMS)
		rc = golden_decimal(p, 1ull << 40, &t->params[t->nr_params++]);
	if (!rc)
		rc = golden_expect_end(p);
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

/*
 * The modules wrote an object as a frame and the offset in the compound block
 * that this frame was part of when the test was over. If the frame is aligned
 * as the head of a block that large must be, it is the head, and the offset
 * counts from it; else it is the object's own page.
 */
static u64 object_address(u64 pfn, u64 offset)
{
	u64 aligned = pfn & -pfn;

	return (pfn << 12) + (offset >> 12 < aligned ? offset : offset & 4095);
}

/* R, R2: a frame. S and K: a physical address, or a frame and an offset. */
static int parse_answer(struct parser *p)
{
	u64 answer, offset = 0;
	int rc = golden_number(p, 16, 1ull << 52, "", &answer, "an answer in hex");

	if (!rc && p->open->kind == GOLDEN_S && p->open->nr_params == 5) {
		rc = golden_number(p, 16, 1ull << 30, "", &offset, "an offset in hex");
		answer = object_address(answer, offset);
	}
	if (!rc)
		rc = golden_expect_end(p);
	return rc ? rc : add_answer(p, answer);
}

static int parse_test_line(struct parser *p)
{
	const char *end = end_words[p->open->kind];

	if (isupper((unsigned char)*p->start)) {
		int rc = golden_expect_word(p, end);

		p->open = NULL;
		return rc ? rc : golden_expect_end(p);
	}
	return parse_answer(p);
}

static int add_slob_page(struct parser *p)
{
	struct golden_file *f = p->f;

	f->slob = true;
	if (f->nr_slob_pages == f->max_slob_pages) {
		u32 max = f->max_slob_pages ? 2 * f->max_slob_pages : 1024;
		struct golden_slob_page *grown = realloc(f->slob_pages, max * sizeof(*grown));

		if (!grown)
			return kms_fail(p->err, KMS_EFAIL, "no host memory for the lists of '%s'", f->path);
		f->slob_pages = grown;
		f->max_slob_pages = max;
	}
	f->slob_pages[f->nr_slob_pages].line = p->line;
	f->slob_pages[f->nr_slob_pages].text = strdup(p->start + 1);
	if (!f->slob_pages[f->nr_slob_pages].text)
		return kms_fail(p->err, KMS_EFAIL, "no host memory for the lists of '%s'", f->path);
	f->nr_slob_pages++;
	return 0;
}

static int parse_line(struct parser *p)
{
	if (p->open)
		return parse_test_line(p);
	if (golden_word_is(p, "B"))
		return golden_expect_end(p);
	if (golden_word_is(p, "G")) {
		return add_slob_page(p);
	}
	for (u32 i = 0; i < KMS_ARRAY_SIZE(kind_names); i++)
		if (golden_word_is(p, kind_names[i]))
			return open_test(p, (enum golden_kind)i);
	for (const char *c = "ZDCLQT"; *c; c++)
		if (golden_word_is(p, (char[]){ *c, '\0' }))
			return golden_state_line(p, *c);
	return golden_bad(p, "a test (R, R2, S, K, B) or a line of state (Z, D, C, L, Q, T, G)");
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
		if (!golden_at_end(p))
			rc = parse_line(p);
		text = last + 1;
	}
	if (!rc && p->open)
		rc = kms_fail(p->err, KMS_EUSAGE,
			      "%s:%llu: the file ends inside the test of line %llu, expected '%s'",
			      p->f->path, (unsigned long long)p->line,
			      (unsigned long long)p->open->line, end_words[p->open->kind]);
	return rc ? rc : golden_check_states(p);
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
	for (u32 i = 0; i < f->nr_slob_pages; i++)
		free(f->slob_pages[i].text);
	free(f->slob_pages);
	free(f->tests);
	*f = (struct golden_file){ 0 };
}
