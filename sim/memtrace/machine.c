/*
 * machine.c - a mode of memtrace.h.
 */
#include "sim/memtrace/memtrace.h"

int memtrace_machine(const struct memtrace_options *o, struct memtrace_result *r, struct kms_error *err)
{
	return kms_fail(err, KMS_EFAIL, "memtrace: this mode is not there yet");
}
