/*
 * base.h - the few words every file of kmemsim speaks.
 *
 * Fixed-width types, errors as values, and nothing else. Library code never
 * prints and never exits: a function that can fail returns 0 or a negative
 * KMS_E... code and fills in a struct kms_error that says what was found,
 * where, and what would be right. The command line turns the code into an
 * exit status.
 */
#ifndef SIM_ENGINE_BASE_H
#define SIM_ENGINE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* Simulated time. One second is 10^12, so u64 lasts 213 days. */
typedef u64 kms_ps;

#define KMS_PS_PER_NS 1000ull
#define KMS_PS_PER_US 1000000ull
#define KMS_PS_PER_MS 1000000000ull
#define KMS_PS_PER_S 1000000000000ull

#define KMS_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define KMS_CONTAINER_OF(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
#define KMS_LIKELY(x) __builtin_expect(!!(x), 1)
#define KMS_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define KMS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define KMS_PUBLIC __attribute__((visibility("default")))

/* What kind of failure; the command line maps it to an exit status. */
enum kms_code {
	KMS_OK = 0,
	KMS_EUSAGE = -1,      /* bad config, trace, database or option: exit 2 */
	KMS_EFAIL = -2,	      /* the run itself failed: exit 1 */
	KMS_EINTERRUPTED = -3 /* SIGINT/SIGTERM: exit 130 */
};

/* An error on its way up. The text is one line, without a full stop. */
struct kms_error {
	enum kms_code code;
	char text[1024];
};

/*
 * Set *err (which may be NULL) and return code, so that a failing function can
 * end with `return kms_fail(err, KMS_EUSAGE, "...")`. The first error wins: a
 * later call on the same struct does not overwrite it.
 */
int kms_fail(struct kms_error *err, enum kms_code code, const char *fmt, ...) KMS_PRINTF(3, 4);

/* Put "context: " in front of the text, keeping the code. Returns err->code. */
int kms_fail_in(struct kms_error *err, const char *fmt, ...) KMS_PRINTF(2, 3);

/*
 * The candidate nearest to word by edit distance, or NULL when none is close
 * enough to be worth offering. names is an array of n strings.
 */
/*
 * Before a file is written and gets its name: KMS_EUSAGE where path is there and no regular file.
 * A device or pipe would be replaced, not written to.
 */
int kms_check_output(const char *path, struct kms_error *err);

const char *kms_nearest(const char *word, const char *const *names, size_t n);

#endif
