/*
 * info.h - struct kms_workload_info: building it, freeing it, and its bytes in
 * a trace file.
 *
 * All strings and arrays of the structure are malloc'ed, one by one, and owned
 * by it.
 */
#ifndef WORKLOADS_INFO_H
#define WORKLOADS_INFO_H

#include "workloads/request.h"
#include "workloads/varint.h"

/* Frees what info points to and clears it. */
void workload_info_free(struct kms_workload_info *info);

/* Append a copy of text; returns its index, or -1 when host memory is out. */
s64 workload_info_add_site(struct kms_workload_info *info, const char *text, size_t length);
s64 workload_info_add_phase(struct kms_workload_info *info, const char *text);
/* Adds n to the count of what, which is entered when it is not there yet. */
int workload_info_leave_out(struct kms_workload_info *info, const char *what, u64 n);

/* The info block of a trace file (docs/trace-format.md), uncompressed. */
int workload_info_encode(const struct kms_workload_info *info, struct bytes *out);
int workload_info_decode(struct kms_workload_info *info, const u8 *data, size_t length,
			 struct kms_error *err);

#endif
