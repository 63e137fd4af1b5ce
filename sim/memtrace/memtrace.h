/*
 * memtrace.h - memory traces on their own: no allocator, only the hardware.
 *
 * `kmemsim memtrace` (sim/cli/memtrace.c) drives parts of models/hw with a trace
 * of accesses and prints what came of it. Four modes, one file each, all with
 * the signature below: they read the trace (plain or .zst), fill a list of
 * named figures and leave the printing to the verb.
 *
 *   dram_only.c   --dram-only    one memory controller, offered requests in file order
 *   cachegrind.c  --cachegrind   I1/D1/LL by cachegrind's semantics
 *   coherence.c   --coherence    private L1s of several CPUs, atomic MESI
 *   machine.c     (default)      the whole machine: cores, TLBs, caches, coherence, DRAM
 */
#ifndef SIM_MEMTRACE_MEMTRACE_H
#define SIM_MEMTRACE_MEMTRACE_H

#include "sim/engine/base.h"

struct memtrace_options {
	const char *trace;	  /* file */
	const char *machine;	  /* machine JSON, or NULL */
	const char *const *set;	  /* path=value overrides of it */
	size_t nr_set;
	const char *i1, *d1, *ll; /* SIZE,WAYS,LINE, or NULL: cachegrind's defaults */
	const char *l1;		  /* SIZE,WAYS of --coherence */
	const char *format;	  /* of the trace, or NULL: guessed */
	const char *convert;	  /* --cachegrind: write the trace there as binary, count nothing */
	bool dinero;		  /* --cachegrind: split accesses, write-back L1s over a unified L2 */
	const char *log;	  /* write the DRAM command log here, or NULL */
	u64 limit;		  /* accesses at most; 0: all */
	u64 seed;
	volatile int *stop;	  /* an interrupt ends the run early */
};

enum memtrace_kind { MEMTRACE_COUNT, MEMTRACE_NUMBER, MEMTRACE_TEXT };

/* One figure, in the order in which it is printed; name is the JSON key. */
struct memtrace_figure {
	char name[40];
	enum memtrace_kind kind;
	u64 count;
	double number;
	char text[64];
	const char *unit; /* for people; "" or static text */
};

#define MEMTRACE_MAX_FIGURES 160

struct memtrace_result {
	struct memtrace_figure figures[MEMTRACE_MAX_FIGURES];
	u32 nr_figures;
	bool stopped; /* interrupted: the figures cover a part */
};

/* A cache as given on the command line, in bytes. */
struct memtrace_geometry {
	u64 size, ways, line;
};

/*
 * text: SIZE,WAYS,LINE, or SIZE,WAYS when g->line is set beforehand. option names
 * it in messages. Any number of sets; the line is a power of two.
 */
int memtrace_geometry_parse(struct memtrace_geometry *g, const char *option, const char *text,
			    struct kms_error *err);

void memtrace_count(struct memtrace_result *r, const char *name, const char *unit, u64 value);
void memtrace_number(struct memtrace_result *r, const char *name, const char *unit, double value);
void memtrace_text(struct memtrace_result *r, const char *name, const char *value);

/* KMS_EUSAGE: bad option or trace (record number in the text); KMS_EFAIL: the run failed. */
int memtrace_dram_only(const struct memtrace_options *o, struct memtrace_result *r,
		       struct kms_error *err);
int memtrace_cachegrind(const struct memtrace_options *o, struct memtrace_result *r,
			struct kms_error *err);
int memtrace_coherence(const struct memtrace_options *o, struct memtrace_result *r,
		       struct kms_error *err);
int memtrace_machine(const struct memtrace_options *o, struct memtrace_result *r,
		     struct kms_error *err);

#endif
