/*
 * debug.c - debug.h: what debug caches report, from the log of an operation.
 */
#include "sim/labs/debug.h"

#include "models/mm/tracepoints.h"

#define LINE 64u
#define WORD 8u

int debug_open(struct kit *k, struct watch_log *log, struct lab_run *r, struct kms_error *err)
{
	int rc;

	*log = (struct watch_log){.nr_marks = 0};
	rc = kit_open(k, r, err);
	k->log = log;
	return rc;
}

void debug_close(struct kit *k)
{
	if (k->log)
		watch_log_free(k->log);
}

u32 debug_reports(const struct kit *k, struct debug_report *report)
{
	u32 n = 0;

	for (u32 i = k->log->nr_marks; i--;) {
		const struct watch_mark *m = &k->log->marks[i];

		if (m->tracepoint != TP_slab_debug_report)
			continue;
		*report = (struct debug_report){
			.what = (u32)m->a, .object = (const void *)(uintptr_t)m->b, .offset = (s64)m->c >> 8, .byte = m->c & 0xff,
		};
		n++;
	}
	return n;
}

void debug_row(struct kit *k, const char *operation)
{
	static const char *const what[] = {"poison overwritten", "red zone in front overwritten",
					   "red zone behind overwritten", "object already free"};
	struct debug_report report;

	if (!debug_reports(k, &report))
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
