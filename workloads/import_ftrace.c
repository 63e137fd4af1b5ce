/*
 * import_ftrace.c - kmem events as text: the kernel's own `trace` file,
 * `trace-cmd report` and `perf script`.
 *
 * The three differ in what stands before the event's name; import_fields.c reads
 * what comes after it. A task's name can hold anything, so a line is understood
 * from its CPU on: "[003]", a time, an event.
 *
 *	            bash-1234    [003] d..1.    12.345678: kfree: call_site=...
 *	            bash-1234  [003]    12.345678: kfree:                call_site=...
 *	bash  1234 [003]    12.345678: kmem:kfree: call_site=...
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/import_text.h"

typedef unsigned long long ull;

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* ---- rows ---- */

/* "12.345678:" to ns, or a counter "1234567:"; NULL: not a time. */
static const char *parse_time(const char *p, u64 *ns)
{
	u64 seconds = 0, fraction = 0, scale = 1000000000;
	const char *start = p;

	while (isdigit((unsigned char)*p) && p - start < 19)
		seconds = seconds * 10 + (u64)(*p++ - '0');
	if (p == start)
		return NULL;
	if (*p != '.') {
		*ns = seconds;
		return *p == ':' ? p + 1 : NULL;
	}
	for (p++; isdigit((unsigned char)*p) && scale > 1; p++) {
		fraction = fraction * 10 + (u64)(*p - '0');
		scale /= 10;
	}
	*ns = seconds * 1000000000 + fraction * scale;
	return *p == ':' ? p + 1 : NULL;
}

/* irqs-off, need-resched, hard or soft interrupt, preempt depth ... */
static u8 context_of(const char *flags, size_t length)
{
	if (length < 4)
		return 0;
	switch (flags[2]) {
	case 'h':
		return KMS_CTX_HARDIRQ;
	case 's':
		return KMS_CTX_SOFTIRQ;
	case 'H':
		return KMS_CTX_HARDIRQ | KMS_CTX_SOFTIRQ;
	default:
		return 0;
	}
}

/* "kfree:", "kmem:kfree:", maybe after a sample's period. */
static bool parse_name(const char *p, struct text_row *row)
{
	const char *digits = p;

	while (isdigit((unsigned char)*digits))
		digits++;
	if (digits > p && *digits == ' ')
		p = skip_blanks(digits);
	row->group = NULL;
	for (;;) {
		row->name = p;
		while (is_word(*p) || *p == '-')
			p++;
		row->length = (size_t)(p - row->name);
		if (!row->length || *p++ != ':')
			return false;
		if (!is_word(*p) || row->group)
			break;
		row->group = row->name;
		row->group_length = row->length;
	}
	row->tail = p;
	return true;
}

/* From behind "[cpu]". */
static bool parse_right(const char *p, struct text_row *row)
{
	row->context = 0;
	for (int words = 0; words < 4; words++) {
		const char *end, *word = p = skip_blanks(p);

		end = parse_time(p, &row->time);
		if (end)
			return parse_name(skip_blanks(end), row);
		while (is_word(*p) || (*p && strchr(".#+!*@$", *p))) /* flags, a mark for a long delay */
			p++;
		if (p == word || (*p != ' ' && *p != '\t'))
			return false;
		if (!words)
			row->context = context_of(word, (size_t)(p - word));
	}
	return false;
}

/* The task's number, before "[cpu]" and perhaps "(thread group)". */
static s32 pid_before(const char *line, const char *at)
{
	while (at > line && at[-1] == ' ')
		at--;
	if (at > line && at[-1] == ')') {
		while (at > line && at[-1] != '(')
			at--;
		at -= at > line;
		while (at > line && at[-1] == ' ')
			at--;
	}
	while (at > line && isdigit((unsigned char)at[-1]))
		at--;
	return (s32)strtoul(at, NULL, 10);
}

/*
 * The latency format: "bash-1234    3d..1.    12.345678: kfree:", the CPU and its
 * flags in one word before the time.
 */
static bool parse_latency_row(const char *line, struct text_row *row)
{
	const char *end, *p = line;

	for (const char *word = skip_blanks(p); *word; word = skip_blanks(p)) {
		u64 cpu = 0;

		p = word;
		while (isdigit((unsigned char)*p) && p - word < 8)
			cpu = cpu * 10 + (u64)(*p++ - '0');
		end = p;
		while (*p && *p != ' ' && *p != '\t')
			p++;
		if (end == word || p - end < 4 || !parse_right(end, row))
			continue;
		row->cpu = (u32)cpu;
		row->pid = pid_before(line, word);
		return true;
	}
	return false;
}

bool text_parse_row(const char *line, struct text_row *row)
{
	for (const char *at = strchr(line, '['); at; at = strchr(at + 1, '[')) {
		const char *p = at + 1;
		u64 cpu = 0;

		while (isdigit((unsigned char)*p) && p - at < 8)
			cpu = cpu * 10 + (u64)(*p++ - '0');
		if (p == at + 1 || *p != ']' || !parse_right(p + 1, row))
			continue;
		row->cpu = (u32)cpu;
		row->pid = pid_before(line, at);
		return true;
	}
	return parse_latency_row(line, row);
}

/* ---- lines that are no rows ---- */

static bool starts(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

/* "[LOST 7 EVENTS]", "[7 EVENTS DROPPED]", "PERF_RECORD_LOST lost 7", "LOST 7 events". */
static bool parse_lost(const char *line, u64 *lost)
{
	const char *at = strstr(line, "EVENTS DROPPED]");

	if (at) {
		while (at > line && *at != '[')
			at--;
		at++;
	} else if ((at = strstr(line, "PERF_RECORD_LOST"))) {
		at = strstr(at, "lost ");
		at = at ? at + 5 : "1";
	} else if ((at = strstr(line, "LOST "))) {
		at += 5;
		if (!isdigit((unsigned char)*at) && !starts(at, "EVENTS"))
			return false;
	} else {
		return false;
	}
	*lost = isdigit((unsigned char)*at) ? strtoull(at, NULL, 10) : 1;
	return true;
}

/* A frame of a call graph: "\tffffffff8112 symbol+0x12 (object)", " => symbol". */
static bool is_frame(const char *line)
{
	const char *p = skip_blanks(line), *start = p;

	if (starts(p, "=> ") || starts(p, "<stack trace>"))
		return true;
	while (isxdigit((unsigned char)*p))
		p++;
	return p - start >= 6 && start > line && *p == ' ';
}

static bool is_preamble(const char *line)
{
	static const char *const begins[] = { "#", "=== ", "cpus=", "version = ", "CPU ", "trace-cmd " };

	for (size_t i = 0; i < KMS_ARRAY_SIZE(begins); i++)
		if (starts(line, begins[i]) && !(begins[i][0] == 'C' && !strstr(line, " is empty")))
			return true;
	line = skip_blanks(line);
	return !*line || *line == '\r';
}

/* "# entries-in-buffer/entries-written: 10/25": 15 were overwritten before. */
static void note_overwritten(struct text_reader *r, const char *line)
{
	const char *at = strstr(line, "entries-written:");
	ull kept, written;

	if (at && sscanf(at, "entries-written: %llu/%llu", &kept, &written) == 2 && written > kept)
		r->im.overwritten += written - kept;
}

static int malformed(struct text_reader *r, const char *found, const char *expected)
{
	r->im.result->unknown++;
	if (!r->job->strict)
		return 0;
	return kms_fail(r->im.err, KMS_EUSAGE, "%s:%llu: found '%.60s', expected %s", r->lines.path,
			(ull)r->lines.number, found, expected);
}

static int other_line(struct text_reader *r, const char *line)
{
	u64 lost;

	if (is_preamble(line)) {
		note_overwritten(r, line);
		return 0;
	}
	if (parse_lost(line, &lost)) {
		r->im.result->lost += lost;
		return 0;
	}
	if (is_frame(line))
		return 0;
	return malformed(r, line, "a task, [CPU], a time and an event");
}

/* ---- events ---- */

static int do_row(struct text_reader *r, const struct text_row *row)
{
	int kind = kmem_find_event(row->name, row->length);
	const char *bad = NULL, *expected = NULL;
	struct kmem_event ev;

	if (row->group && (row->group_length != 4 || memcmp(row->group, "kmem", 4)))
		return 0; /* of another subsystem */
	if (kind < 0)
		return row->group ? malformed(r, row->name, "an event of the kmem group") : 0;
	if (row->cpu >= KMEM_MAX_CPUS)
		return malformed(r, row->name, "a CPU below 256 before it");
	ev = (struct kmem_event){ .time = row->time, .cpu = row->cpu, .pid = row->pid, .node = -1,
				  .kind = (u8)kind, .context = row->context, .name = KMEM_NO_NAME };
	if (!text_parse_fields(r, row->tail, &ev, &bad, &expected))
		return malformed(r, bad, expected);
	return kmem_event(&r->im, &ev);
}

static int read_lines(struct text_reader *r)
{
	struct text_row row;
	char *line;
	int ret;

	while ((ret = lines_next(&r->lines, &line, r->im.err)) > 0) {
		ret = text_parse_row(line, &row) ? do_row(r, &row) : other_line(r, line);
		if (ret)
			return ret;
		if (KMS_UNLIKELY(r->im.err->code))
			return r->im.err->code;
	}
	return ret;
}

static int import_text(const struct import_job *job)
{
	struct text_reader *r = calloc(1, sizeof(*r));
	int ret;

	if (!r)
		return kms_fail(job->err, KMS_EFAIL, "no host memory for importing");
	r->job = job;
	ret = lines_open_file(&r->lines, job->source, job->err);
	if (!ret)
		ret = kmem_begin(&r->im, job);
	if (!ret)
		ret = read_lines(r);
	if (!ret)
		ret = kmem_finish(&r->im, job, NULL);
	kmem_free(&r->im);
	lines_close(&r->lines);
	free(r);
	return ret;
}

/* ---- which of the three ---- */

/* The first row that can be read; its group tells perf's from the others. */
static bool first_row(const char *text, struct text_row *row, char line[1024])
{
	for (u32 n = 0; *text && n < 2000; n++) {
		size_t length = strcspn(text, "\n");

		snprintf(line, 1024, "%.*s", (int)(length < 1000 ? length : 1000), text);
		if (text_parse_row(line, row) &&
		    (row->group || kmem_find_event(row->name, row->length) >= 0))
			return true;
		text += length + (text[length] == '\n');
	}
	return false;
}

static bool is_report(const char *text)
{
	return starts(text, "cpus=") || starts(text, "version = ") || starts(text, "trace-cmd: ");
}

static bool recognises_ftrace(const char *text, size_t length)
{
	struct text_row row;
	char line[1024];

	if (starts(text, "# tracer:"))
		return true;
	return !is_report(text) && first_row(text, &row, line) && !row.group;
}

static bool recognises_report(const char *text, size_t length)
{
	return is_report(text);
}

static bool recognises_perf(const char *text, size_t length)
{
	struct text_row row;
	char line[1024];

	return !is_report(text) && !starts(text, "# tracer:") && first_row(text, &row, line) && row.group;
}

const struct importer import_ftrace = {
	.name = "ftrace",
	.what = "the text of /sys/kernel/tracing/trace",
	.recognises_text = recognises_ftrace,
	.import_file = import_text,
};

const struct importer import_report = {
	.name = "trace-cmd-report",
	.what = "the output of trace-cmd report",
	.recognises_text = recognises_report,
	.import_file = import_text,
};

const struct importer import_perf = {
	.name = "perf-script",
	.what = "the output of perf script",
	.recognises_text = recognises_perf,
	.import_file = import_text,
};
