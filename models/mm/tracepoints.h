/*
 * tracepoints.h - ids of the marks in allocator code (tracepoints.def).
 */
#ifndef MODELS_MM_TRACEPOINTS_H
#define MODELS_MM_TRACEPOINTS_H

enum kms_tracepoint {
#define TRACEPOINT(name, path, args, doc) TP_##name,
#include "models/mm/tracepoints.def"
#undef TRACEPOINT
	NR_TRACEPOINTS
};

#endif
