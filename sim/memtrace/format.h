/*
 * format.h - the formats of memory traces that the whole machine can be driven with.
 *
 * One record at a time, whatever the format; machine.c makes accesses of them.
 */
#ifndef SIM_MEMTRACE_FORMAT_H
#define SIM_MEMTRACE_FORMAT_H

#include "sim/engine/base.h"

enum memtrace_access { MEMTRACE_INSN, MEMTRACE_READ, MEMTRACE_WRITE, MEMTRACE_MODIFY };

struct memtrace_record {
	enum memtrace_access kind;
	u32 cpu, size;
	u64 address;
	u64 insns; /* instructions up to and with this record; MEMTRACE_INSN: these alone */
	u64 cycle; /* memory clock cycle before which it may not start */
};

struct memtrace_reader;

/* name: of the format, or NULL: guessed from the first record. */
int memtrace_open(struct memtrace_reader **reader, const char *path, const char *name,
	       struct kms_error *err);
void memtrace_close(struct memtrace_reader *reader);

/* *more false: the end. KMS_EUSAGE: a bad record, by line or record number. */
int memtrace_next(struct memtrace_reader *reader, struct memtrace_record *record, bool *more,
	       struct kms_error *err);

const char *memtrace_format_name(const struct memtrace_reader *reader);
bool memtrace_is_virtual(const struct memtrace_reader *reader); /* a program's addresses, not memory's */
bool memtrace_has_insns(const struct memtrace_reader *reader);
/* "file:line" or "file: record n" of the last record. */
void memtrace_where(const struct memtrace_reader *reader, char *text, size_t size);

#endif
