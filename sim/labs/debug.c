/*
 * debug.c - debug.h: what debug caches report, read from the text that ends an operation.
 */
#include "sim/labs/debug.h"

#include <stdlib.h>
#include <string.h>

#define LINE 64u
#define WORD 8u

int debug_open(struct kit *k, struct watch_log *log, struct lab_run *r, struct kms_error *err)
{
	int rc;

	*log = (struct watch_log){.nr_marks = 0};
	rc = kit_open(k, r, err);
	k->log = log;
	k->listens = true;
	return rc;
}

void debug_close(struct kit *k)
{
	if (k->log)
		watch_log_free(k->log);
}

/* What the reports' texts begin with, by enum debug_what. */
static const char *const what_text[] = {"poison", "left red zone", "right red zone", "already free"};

bool debug_reported(const struct kit *k, struct debug_report *report)
{
	const char *object = strstr(k->report, ": object 0x"), *offset = strstr(k->report, ", offset ");
	const char *found = strstr(k->report, ": found 0x");

	*report = (struct debug_report){.what = DEBUG_ALREADY_FREE};
	if (!object)
		return false;
	report->object = strtoull(object + strlen(": object "), NULL, 16);
	if (offset)
		report->offset = strtoll(offset + strlen(", offset "), NULL, 10);
	if (found)
		report->byte = (u32)strtoul(found + strlen(": found "), NULL, 16);
	for (u32 i = 0; i < KMS_ARRAY_SIZE(what_text); i++)
		if (strstr(k->report, what_text[i]) && strstr(k->report, what_text[i]) < object)
			report->what = i;
	return true;
}

void debug_row(struct kit *k, const char *operation)
{
	static const char *const what[] = {"poison overwritten", "red zone in front overwritten",
					   "red zone behind overwritten", "object already free"};
	struct debug_report report;

	if (!debug_reported(k, &report))
		kit_row(k->r, "%s\tnothing\t-\t-", operation);
	else if (report.what == DEBUG_ALREADY_FREE)
		kit_row(k->r, "%s\t%s\t-\t-", operation, what[report.what]);
	else
		kit_row(k->r, "%s\t%s\t%lld\t0x%02x", operation, what[report.what], (long long)report.offset, report.byte);
}

/* Object; a word of red zone behind it at least; free pointer; red zone in front, as long as the alignment. */
u32 debug_slot_rule(u32 object_size)
{
	u32 align = object_size <= LINE / 2 ? LINE / 2 : LINE, size = (object_size + WORD - 1) / WORD * WORD;

	while (align > WORD && object_size <= align / 2)
		align /= 2;
	if (size == object_size)
		size += WORD;
	size += WORD + WORD + (WORD > align ? WORD : align);
	return (size + align - 1) / align * align;
}
