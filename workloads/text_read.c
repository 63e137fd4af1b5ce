/*
 * text_read.c - a trace from its text (text.h). Anything that is not as text.c
 * writes it is an error with its line and column; nothing is left behind then.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/info.h"
#include "workloads/lines.h"
#include "workloads/text.h"
#include "workloads/text_words.h"
#include "workloads/trace.h"

const struct text_key_word text_keys[NR_TEXT_KEYS] = {
	[KEY_SIZE] = {"size", 0, 0, INT64_MAX, false},
	[KEY_ORDER] = {"order", 0, 0, 255, false},
	[KEY_GFP] = {"gfp", 0, 0, UINT32_MAX, true},
	[KEY_NODE] = {"node", -1, -1, INT16_MAX, false},
	[KEY_CACHE] = {"cache", 0, 0, UINT32_MAX, false},
	[KEY_SITE] = {"site", 0, 0, UINT32_MAX, false},
	[KEY_PART] = {"part", 0, 0, UINT32_MAX, false},
	[KEY_CONTEXT] = {"context", 0, 0, 255, false},
	[KEY_NODEMASK] = {"nodemask", 0, 0, INT64_MAX, true},
};

s64 text_key_get(const struct kms_request *rq, u32 key)
{
	const s64 values[NR_TEXT_KEYS] = {
		[KEY_SIZE] = (s64)rq->size, [KEY_ORDER] = rq->order, [KEY_GFP] = rq->gfp, [KEY_NODE] = rq->node,
		[KEY_CACHE] = rq->cache, [KEY_SITE] = rq->site, [KEY_PART] = rq->part, [KEY_CONTEXT] = rq->context,
		[KEY_NODEMASK] = (s64)rq->nodemask,
	};

	return values[key];
}

void text_key_set(struct kms_request *rq, u32 key, s64 value)
{
	switch (key) {
	case KEY_SIZE: rq->size = (u64)value; break;
	case KEY_ORDER: rq->order = (u8)value; break;
	case KEY_GFP: rq->gfp = (u32)value; break;
	case KEY_NODE: rq->node = (s16)value; break;
	case KEY_CACHE: rq->cache = (u32)value; break;
	case KEY_SITE: rq->site = (u32)value; break;
	case KEY_PART: rq->part = (u32)value; break;
	case KEY_NODEMASK: rq->nodemask = (u64)value; break;
	default: rq->context = (u8)value;
	}
}

struct reader {
	const char *path;
	struct lines lines;
	char *line, *at; /* at: next character of the line */
	struct kms_workload_info info;
	struct trace_writer *writer;
	struct kms_object_ref refs[KMS_MAX_BULK];
	u64 requests;
	struct kms_error *err;
};

/* What stands at `where` in the line, shortened. */
static int wrong(struct reader *r, const char *where, const char *expected)
{
	size_t n = strcspn(where, " \n");

	return kms_fail(r->err, KMS_EUSAGE, "%s:%llu:%zu: expected %s, found %s%.*s%s", r->path,
			(unsigned long long)r->lines.number, (size_t)(where - r->line) + 1, expected,
			n ? "'" : "the end of the line", (int)(n < 60 ? n : 60), n ? where : "", n ? "'" : "");
}

static void skip_spaces(struct reader *r)
{
	while (*r->at == ' ')
		r->at++;
}

static int number(struct reader *r, s64 min, s64 max, s64 *value, const char *expected)
{
	char *end, *begin;
	int base;

	skip_spaces(r);
	begin = r->at;
	if (!isdigit((u8)*begin) && !(*begin == '-' && isdigit((u8)begin[1])))
		return wrong(r, begin, expected);
	base = begin[0] == '0' && begin[1] == 'x' ? 16 : 10;
	errno = 0;
	*value = strtoll(begin, &end, base);
	if (errno || *value < min || *value > max || (*end && *end != ' ' && *end != '.'))
		return wrong(r, begin, expected);
	r->at = end;
	return 0;
}

static int unsigned_number(struct reader *r, u64 max, u64 *value, const char *expected)
{
	s64 v;
	int ret = number(r, 0, max > INT64_MAX ? INT64_MAX : (s64)max, &v, expected);

	*value = ret ? 0 : (u64)v;
	return ret;
}

static int u32_number(struct reader *r, u32 *value, const char *expected)
{
	u64 v;
	int ret = unsigned_number(r, UINT32_MAX, &v, expected);

	*value = (u32)v;
	return ret;
}

static int hex_digit(char c)
{
	return isdigit((u8)c) ? c - '0' : isxdigit((u8)c) ? (c | 32) - 'a' + 10 : -1;
}

/* In place; the text is malloc'ed. */
static int quoted(struct reader *r, char **text)
{
	char *out, *begin;

	skip_spaces(r);
	begin = out = r->at;
	if (*r->at++ != '"')
		return wrong(r, begin, "a text in double quotes");
	for (; *r->at && *r->at != '"'; r->at++) {
		if (*r->at != '\\') {
			*out++ = *r->at;
			continue;
		}
		r->at++;
		if (*r->at == 'x' && hex_digit(r->at[1]) >= 0 && hex_digit(r->at[2]) >= 0) {
			*out++ = (char)(16 * hex_digit(r->at[1]) + hex_digit(r->at[2]));
			r->at += 2;
		} else if (*r->at == '"' || *r->at == '\\') {
			*out++ = *r->at;
		} else {
			return wrong(r, r->at, "\\\", \\\\ or \\xNN after a backslash");
		}
	}
	if (*r->at != '"')
		return wrong(r, r->at, "a closing double quote");
	r->at++;
	*text = strndup(begin, (size_t)(out - begin));
	return *text ? 0 : kms_fail(r->err, KMS_EFAIL, "no host memory for a trace's names");
}

static int line_ends(struct reader *r)
{
	skip_spaces(r);
	return *r->at ? wrong(r, r->at, "the end of the line") : 0;
}

static int no_memory(struct reader *r)
{
	return kms_fail(r->err, KMS_EFAIL, "no host memory for a trace's names");
}

/* Room for one more of n elements. */
static void *grow(void *array, u32 n, size_t size)
{
	return n & (n - 1) ? array : realloc(array, (n ? 2 * (size_t)n : 1) * size);
}

static int index_is(struct reader *r, u32 n)
{
	u32 index;
	char expected[64];

	skip_spaces(r);
	char *begin = r->at;

	snprintf(expected, sizeof(expected), "the next index, %u", n);
	if (u32_number(r, &index, expected))
		return KMS_EUSAGE;
	return index == n ? 0 : wrong(r, begin, expected);
}

/* ---- lines of the head ---- */

static int read_text(struct reader *r, char **text)
{
	if (*text)
		return wrong(r, r->line, "this line only once");
	return quoted(r, text);
}

static int read_source(struct reader *r) { return read_text(r, &r->info.source); }
static int read_kernel(struct reader *r) { return read_text(r, &r->info.kernel); }
static int read_allocator(struct reader *r) { return read_text(r, &r->info.allocator); }

static int read_cpus(struct reader *r)
{
	u64 n;
	int ret = unsigned_number(r, 256, &n, "1 to 256 CPUs");

	r->info.nr_cpus = (u32)n;
	return ret || n ? ret : wrong(r, r->line, "1 to 256 CPUs");
}

static int read_nodes(struct reader *r)
{
	u64 n;
	int ret = unsigned_number(r, 256, &n, "a number of nodes up to 256");

	r->info.nr_nodes = (u32)n;
	return ret;
}

static int read_min_free(struct reader *r)
{
	return unsigned_number(r, INT64_MAX, &r->info.min_free_kbytes, "a number of KiB");
}

static int read_cpu_node(struct reader *r)
{
	u64 cpu, node;

	if (unsigned_number(r, 255, &cpu, "a CPU") || unsigned_number(r, 255, &node, "a node"))
		return KMS_EUSAGE;
	r->info.cpu_node[cpu] = (u8)node;
	return 0;
}

static int read_zone(struct reader *r)
{
	struct kms_zone_def z, *grown;
	u64 most = 1ull << 52, node, index;

	if (unsigned_number(r, 255, &node, "a node") || unsigned_number(r, 15, &index, "a zone's index") ||
	    unsigned_number(r, most, &z.start_pfn, "a frame number") ||
	    unsigned_number(r, most, &z.spanned, "frames spanned") ||
	    unsigned_number(r, z.spanned, &z.present, "frames present, at most those spanned"))
		return KMS_EUSAGE;
	z.node = (u32)node;
	z.zone_idx = (u32)index;
	grown = grow(r->info.zones, r->info.nr_zones, sizeof(z));
	if (!grown)
		return no_memory(r);
	r->info.zones = grown;
	grown[r->info.nr_zones++] = z;
	return 0;
}

static int read_free(struct reader *r)
{
	struct kms_range range, *grown;

	if (unsigned_number(r, 1ull << 52, &range.pfn, "a frame number") ||
	    unsigned_number(r, 1ull << 53, &range.end, "the frame number behind the range"))
		return KMS_EUSAGE;
	if (range.end < range.pfn)
		return wrong(r, r->line, "a range that does not end before it begins");
	grown = grow(r->info.free, r->info.nr_free, sizeof(range));
	if (!grown)
		return no_memory(r);
	r->info.free = grown;
	grown[r->info.nr_free++] = range;
	return 0;
}

static int read_cache(struct reader *r)
{
	struct kms_cache_def c = {0}, *grown;
	u64 ctor;

	if (index_is(r, r->info.nr_caches) || u32_number(r, &c.object_size, "an object size") ||
	    u32_number(r, &c.align, "an alignment") || u32_number(r, &c.flags, "flags") ||
	    u32_number(r, &c.useroffset, "useroffset") || u32_number(r, &c.usersize, "usersize") ||
	    unsigned_number(r, 1, &ctor, "0 or 1: has a constructor"))
		return KMS_EUSAGE;
	c.ctor = ctor;
	grown = grow(r->info.caches, r->info.nr_caches, sizeof(c));
	if (!grown)
		return no_memory(r);
	r->info.caches = grown;
	if (quoted(r, &c.name))
		return KMS_EUSAGE;
	grown[r->info.nr_caches++] = c;
	return 0;
}

static int read_name(struct reader *r, bool site)
{
	char *text;
	s64 at;

	if (index_is(r, site ? r->info.nr_sites : r->info.nr_phases) || quoted(r, &text))
		return KMS_EUSAGE;
	at = site ? workload_info_add_site(&r->info, text, strlen(text)) : workload_info_add_phase(&r->info, text);
	free(text);
	return at < 0 ? no_memory(r) : 0;
}

static int read_site(struct reader *r) { return read_name(r, true); }
static int read_phase(struct reader *r) { return read_name(r, false); }

static int read_left_out(struct reader *r)
{
	char *what;
	u64 count;
	int ret;

	if (unsigned_number(r, INT64_MAX, &count, "a count") || quoted(r, &what))
		return KMS_EUSAGE;
	ret = workload_info_leave_out(&r->info, what, count) ? no_memory(r) : 0;
	free(what);
	return ret;
}

static const struct head_line {
	const char *word;
	int (*read)(struct reader *r);
} head_lines[] = {
	{"source", read_source},     {"kernel", read_kernel},	{"allocator", read_allocator},
	{"cpus", read_cpus},	     {"nodes", read_nodes},	{"min-free-kbytes", read_min_free},
	{"cpu-node", read_cpu_node}, {"zone", read_zone},	{"free", read_free},
	{"cache", read_cache},	     {"site", read_site},	{"phase", read_phase},
	{"left-out", read_left_out}, {"requests", NULL},
};

static int unknown_word(struct reader *r, const char *word, size_t n)
{
	const char *names[KMS_ARRAY_SIZE(head_lines)], *near;
	char copy[64];

	for (size_t i = 0; i < KMS_ARRAY_SIZE(head_lines); i++)
		names[i] = head_lines[i].word;
	snprintf(copy, sizeof(copy), "%.*s", (int)n, word);
	near = kms_nearest(copy, names, KMS_ARRAY_SIZE(names));
	if (!near)
		return wrong(r, word, "a word such as source, cache, site or requests");
	snprintf(copy, sizeof(copy), "'%s'", near);
	return wrong(r, word, copy);
}

/* 1: the head ends here. */
static int read_head_line(struct reader *r)
{
	size_t n = strcspn(r->line, " ");

	for (size_t i = 0; i < KMS_ARRAY_SIZE(head_lines); i++) {
		if (strlen(head_lines[i].word) != n || strncmp(head_lines[i].word, r->line, n))
			continue;
		r->at = r->line + n;
		if (head_lines[i].read && head_lines[i].read(r))
			return r->err->code;
		return line_ends(r) ? KMS_EUSAGE : !head_lines[i].read;
	}
	return unknown_word(r, r->line, n);
}

/* ---- requests ---- */

static int read_kind(struct reader *r, struct kms_request *rq)
{
	size_t n;
	char copy[40];
	const char *near;

	skip_spaces(r);
	n = strcspn(r->at, " ");
	for (u32 i = 0; i < NR_REQUESTS; i++) {
		if (strlen(kms_request_names[i]) == n && !strncmp(kms_request_names[i], r->at, n)) {
			rq->op = (u8)i;
			r->at += n;
			return 0;
		}
	}
	snprintf(copy, sizeof(copy), "%.*s", (int)n, r->at);
	near = kms_nearest(copy, kms_request_names, NR_REQUESTS);
	return wrong(r, r->at, near ? near : "the kind of a request, such as kmalloc");
}

static int read_object(struct reader *r, struct kms_request *rq)
{
	if (rq->n == KMS_MAX_BULK)
		return wrong(r, r->at, "at most 4096 objects");
	if (u32_number(r, &r->refs[rq->n].slot, "an object, as SLOT.GENERATION, or KEY=VALUE"))
		return KMS_EUSAGE;
	if (*r->at++ != '.')
		return wrong(r, r->at - 1, "'.' and the object's generation");
	return u32_number(r, &r->refs[rq->n++].generation, "the object's generation");
}

static int read_key(struct reader *r, struct kms_request *rq)
{
	size_t n = strcspn(r->at, "= ");
	s64 value;

	for (u32 i = 0; i < NR_TEXT_KEYS; i++) {
		const struct text_key_word *k = &text_keys[i];

		if (strlen(k->name) != n || strncmp(k->name, r->at, n) || r->at[n] != '=')
			continue;
		r->at += n + 1;
		if (number(r, k->min, k->max, &value, "a number within the key's range"))
			return KMS_EUSAGE;
		text_key_set(rq, i, value);
		return 0;
	}
	return wrong(r, r->at, "an object, as SLOT.GENERATION, or size, order, gfp, node, cache, site, part, "
			       "context or nodemask, as KEY=VALUE");
}

/* Numbers that must be in the head. */
static int check_names(struct reader *r, const struct kms_request *rq)
{
	if (kms_request_uses_cache(rq->op) && rq->cache >= r->info.nr_caches)
		return wrong(r, r->line, "the number of a cache that the head has");
	if (rq->site && rq->site >= r->info.nr_sites)
		return wrong(r, r->line, "the number of a call site that the head has");
	if (rq->op == REQ_PHASE && rq->part >= r->info.nr_phases)
		return wrong(r, r->line, "the number of a phase that the head has");
	if (rq->cpu >= r->info.nr_cpus)
		return wrong(r, r->line, "a CPU below the head's number of CPUs");
	return 0;
}

static int read_request(struct reader *r)
{
	struct kms_request rq = {.node = -1, .refs = r->refs};
	u64 cpu;
	int ret;

	r->at = r->line;
	if (unsigned_number(r, INT64_MAX, &rq.time, "a request: its time in ns") ||
	    unsigned_number(r, 255, &cpu, "a CPU") || read_kind(r, &rq))
		return KMS_EUSAGE;
	rq.cpu = (u16)cpu;
	for (skip_spaces(r); *r->at; skip_spaces(r))
		if (isdigit((u8)*r->at) ? read_object(r, &rq) : read_key(r, &rq))
			return KMS_EUSAGE;
	if (check_names(r, &rq))
		return KMS_EUSAGE;
	rq.seq = r->requests++;
	ret = trace_writer_add(r->writer, &rq, r->err);
	return ret ? kms_fail_in(r->err, "%s:%llu", r->path, (unsigned long long)r->lines.number) : 0;
}

/* ---- the file ---- */

static int next_line(struct reader *r)
{
	int got;

	do
		got = lines_next(&r->lines, &r->line, r->err);
	while (got > 0 && (!*r->line || (*r->line == '#' && r->lines.number > 1)));
	return got;
}

static int read_head(struct reader *r)
{
	int got = next_line(r);

	if (got > 0 && strcmp(r->line, TEXT_FIRST_LINE))
		return kms_fail(r->err, KMS_EUSAGE, "%s:1:1: expected '" TEXT_FIRST_LINE
				"', found something else: it is no text of kmemsim trace cat", r->path);
	while (got > 0 && (got = next_line(r)) > 0) {
		int ret = read_head_line(r);

		if (ret < 0)
			return ret;
		if (ret)
			break;
	}
	if (!got)
		return kms_fail(r->err, KMS_EUSAGE, "%s: ends before its line 'requests'", r->path);
	if (got > 0 && !r->info.nr_cpus)
		return kms_fail(r->err, KMS_EUSAGE, "%s: no line 'cpus N' before 'requests'", r->path);
	return got < 0 ? got : 0;
}

static int complete_texts(struct reader *r)
{
	char **texts[] = {&r->info.source, &r->info.kernel, &r->info.allocator};

	for (size_t i = 0; i < KMS_ARRAY_SIZE(texts); i++)
		if (!*texts[i] && !(*texts[i] = strdup("")))
			return no_memory(r);
	return 0;
}

static int read_all(struct reader *r, const char *output)
{
	int ret = read_head(r), got = 1;

	if (!ret)
		ret = complete_texts(r);
	if (!ret)
		ret = trace_writer_open(&r->writer, output, r->info.nr_cpus, r->err);
	if (ret)
		return ret;
	while (!ret && (got = next_line(r)) > 0)
		ret = read_request(r);
	if (ret || got < 0) {
		trace_writer_abort(r->writer);
		return ret ? ret : got;
	}
	return trace_writer_finish(r->writer, &r->info, r->err);
}

int trace_from_text(const char *path, const char *output, u64 *requests, struct kms_error *err)
{
	struct reader *r = calloc(1, sizeof(*r));
	const char *slash = strrchr(path, '/');
	char *directory = slash ? strndup(path, (size_t)(slash - path) + (slash == path)) : strdup("."), *name;
	int ret;

	if (!r || !directory) {
		free(r);
		free(directory);
		return kms_fail(err, KMS_EFAIL, "no host memory for reading '%s'", path);
	}
	r->path = path;
	r->err = err;
	name = strdup(slash ? slash + 1 : path);
	if (name && strlen(name) > 4 && !strcmp(name + strlen(name) - 4, ".zst"))
		name[strlen(name) - 4] = '\0'; /* lines_open() looks for it itself */
	ret = name ? lines_open(&r->lines, directory, name, err) : no_memory(r);
	if (!ret) {
		ret = read_all(r, output);
		lines_close(&r->lines);
	}
	*requests = r->requests;
	workload_info_free(&r->info);
	free(name);
	free(directory);
	free(r);
	return ret;
}
