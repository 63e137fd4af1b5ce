/*
 * dram_trace.h - the records of a trace for DRAM alone.
 *
 * Text, one request a line, plain or zstd; blank lines and lines that begin
 * with # are skipped:
 *   0xADDR READ|WRITE [CYCLE]   CYCLE: earliest command clock of the offer [0]
 *   LD|ST ADDR                  a Ramulator load/store trace
 *   R|W ADDR, ADDR R|W          Ramulator memory traces
 * ADDR is hexadecimal with 0x, otherwise decimal.
 */
#ifndef SIM_MEMTRACE_DRAM_TRACE_H
#define SIM_MEMTRACE_DRAM_TRACE_H

#include "sim/memtrace/input.h"

struct dram_record {
	u64 address, cycle;
	bool write;
};

/* *end at the end of the file. KMS_EUSAGE: file:line:column, what was found, what expected. */
int dram_trace_next(struct memtrace_input *in, const char *path, struct dram_record *r, bool *end,
		    struct kms_error *err);

#endif
