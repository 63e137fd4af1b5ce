/*
 * lackey.h - traces of instruction and data accesses: three formats, one stream.
 *
 * Text, as valgrind's lackey writes it with --trace-mem=yes ("I  04000000,3",
 * " S 1ffe0010,8"; lines "==PID== ..." are passed over) or with blanks
 * ("I 4000000 3"), told apart line by line. Binary, which `--convert` writes:
 * LACKEY_MAGIC, then one 64-bit little-endian word per access (LACKEY_...).
 * u32: little-endian 32-bit numbers, each one a read of the line of that number.
 */
#ifndef SIM_MEMTRACE_LACKEY_H
#define SIM_MEMTRACE_LACKEY_H

#include "sim/engine/base.h"

enum lackey_kind { LACKEY_FETCH, LACKEY_LOAD, LACKEY_STORE, LACKEY_MODIFY };

/* Kind in bits 0-1, size - 1 in bits 2-13, address in bits 14-63, sign-extended from bit 49. */
#define LACKEY_MAGIC "KMSACC1\n"
#define LACKEY_MAX_SIZE 4096u
#define LACKEY_ADDRESS_SHIFT 14

static inline u32 lackey_kind_of(u64 word)
{
	return word & 3;
}

static inline u32 lackey_size_of(u64 word)
{
	return (u32)(word >> 2 & (LACKEY_MAX_SIZE - 1)) + 1;
}

static inline u64 lackey_address_of(u64 word)
{
	return (u64)((s64)word >> LACKEY_ADDRESS_SHIFT);
}

struct lackey;

/*
 * format: "lackey", "binary", "u32", or NULL: binary if the magic is there,
 * else text. line: bytes of a line, what a u32 number is multiplied with.
 */
int lackey_open(struct lackey **l, const char *path, const char *format, u64 line,
		struct kms_error *err);
void lackey_close(struct lackey *l);

/* The next accesses, in the binary form; *n 0 at the end. words is valid until the next call. */
int lackey_next(struct lackey *l, const u64 **words, size_t *n, struct kms_error *err);

#endif
