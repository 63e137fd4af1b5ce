/*
 * text.h - a trace as text, and back without loss (docs/trace-format.md).
 */
#ifndef WORKLOADS_TEXT_H
#define WORKLOADS_TEXT_H

#include <stdio.h>

#include "workloads/request.h"

int trace_to_text(const char *path, FILE *out, struct kms_error *err);
/* Text, plain or zstd-compressed; *requests: how many were written. */
int trace_from_text(const char *path, const char *output, u64 *requests, struct kms_error *err);

#endif
