/*
 * golden_internal.h - what the files behind golden.h share.
 *
 * golden_text.c makes text of a file, golden_parse.c (with golden_state.c and
 * golden_words.c) tests and states of the text, golden_page.c and golden_slub.c
 * replay the tests, golden_report.c prints; golden.c puts them together.
 */
#ifndef SIM_VALIDATE_GOLDEN_INTERNAL_H
#define SIM_VALIDATE_GOLDEN_INTERNAL_H

#include "sim/validate/golden.h"
#include "sim/validate/restore.h"

#define GOLDEN_FAILED 1ull /* answer of an allocation that the kernel refused */
#define GOLDEN_MAX_PARAMS 7

enum golden_kind { GOLDEN_R, GOLDEN_R2, GOLDEN_S, GOLDEN_K };

/* One test: its parameters and the answers, one a line from line + 1 on. */
struct golden_test {
	enum golden_kind kind;
	u64 line;
	u64 params[GOLDEN_MAX_PARAMS];
	u32 nr_params;
	u64 *answers; /* R, R2: frames; S: physical addresses */
	u64 nr_answers, capacity;
	u32 first_slob_page, nr_slob_pages; /* its G lines */
};

/* A G line: the words behind the letter. */
struct golden_slob_page {
	u64 line;
	char *text;
};

/* A snapshot of the page allocator, by its tag in the file. */
struct golden_state {
	char tag[16];
	u64 line;
	struct page_state pages;
	struct mm_saved_pcp pcp[4]; /* by zone: what is known of CPU 0's part before its C line */
	u64 nr_free[4][11], listed[4][11]; /* free blocks of a zone by order: counted, on lists */
};

struct golden_file {
	const char *path;
	struct golden_test *tests;
	u32 nr_tests, max_tests;
	struct golden_state states[8];
	u32 nr_states;
	bool slob; /* has the lists of a SLOB allocator */
	struct golden_slob_page *slob_pages;
	u32 nr_slob_pages, max_slob_pages;
	bool slab; /* SLAB served the S tests */
};

/* golden_text.c: the whole file, NUL-terminated, uncompressed; the caller frees it. */
int golden_text(const char *path, char **text, size_t *bytes, struct kms_error *err);

/* golden_parse.c */
int golden_parse(const char *path, struct golden_file *f, struct kms_error *err);
void golden_file_free(struct golden_file *f);
struct golden_state *golden_find_state(struct golden_file *f, const char *tag);

/* The modules' random numbers. */
static inline u32 golden_draw(u64 *x)
{
	*x = *x * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(*x >> 33);
}

/* Where a test's answers are taken from, and what became of them. */
struct golden_replay {
	const struct golden_file *file;
	const struct golden_test *test;
	struct golden_report *report;
	struct golden_run_report *run;
	u64 next; /* answer */
	struct kms_error *err;
	int rc;
};

/* The next recorded answer; KMS_EUSAGE in replay->rc when the file has no more. */
bool golden_next_answer(struct golden_replay *r, u64 *answer);
/* pre: called once for each answer taken. */
void golden_judge(struct golden_replay *r, bool exact, const char *fmt, ...) KMS_PRINTF(3, 4);
void golden_note(struct golden_report *report, const char *fmt, ...) KMS_PRINTF(2, 3);

int golden_replay_pages(struct golden_replay *r, struct golden_file *f);
int golden_replay_slub(struct golden_replay *r, u32 nr_cpus);

/* golden_slob.c: SLOB's lists as the test's G lines say; bind() hears which page stands for which. */
typedef bool golden_bind_fn(void *arg, u64 ours, u64 theirs);
int golden_slob_restore(struct golden_replay *r, golden_bind_fn *bind, void *arg);

#endif
