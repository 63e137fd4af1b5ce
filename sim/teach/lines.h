/*
 * lines.h - the log of an operation (watch.h) for people; `explain` and `step` show it.
 */
#ifndef SIM_TEACH_LINES_H
#define SIM_TEACH_LINES_H

#include <stdio.h>

#include "sim/teach/watch.h"

/* The tracepoints it passed, each once, with what they mean. */
void lines_show_marks(const struct watch_log *log, FILE *out);
/* "exec 56, l1 6": cycles by part. */
void lines_show_parts(const struct watch_log *log, double ghz, FILE *out);
/* Distinct cache lines, at most `most` (a few more rather than "and 2 more"), with what lies there. */
void lines_show(const struct watch_log *log, double ghz, u32 most, FILE *out);

#endif
