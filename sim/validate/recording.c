/*
 * recording.c - reading a recording's files.
 */
#include "sim/validate/recording.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

#include "models/mm/steps.h"

#define STEP_NONE NR_STEPS
#define ROLE_WORD(role) ROLE_##role
const struct event_kind event_kinds[NR_EVENTS] = {
#define EVENT(name, step, words, role) {#name, words, STEP_##step, ROLE_WORD(role)},
#include "sim/validate/events.def"
#undef EVENT
};

/* ---- files ---- */

static int read_whole(const char *path, char **data, size_t *bytes, struct kms_error *err)
{
	FILE *file = fopen(path, "rb");
	struct stat st;

	if (!file)
		return kms_fail(err, KMS_EUSAGE, "%s: %s", path, strerror(errno));
	if (fstat(fileno(file), &st) || !S_ISREG(st.st_mode)) {
		fclose(file);
		return kms_fail(err, KMS_EUSAGE, "%s: not a file", path);
	}
	*bytes = (size_t)st.st_size;
	*data = malloc(*bytes + 1);
	if (*data && fread(*data, 1, *bytes, file) == *bytes) {
		(*data)[*bytes] = 0;
		fclose(file);
		return 0;
	}
	fclose(file);
	free(*data);
	*data = NULL;
	return kms_fail(err, KMS_EFAIL, "%s: cannot be read", path);
}

/* Grows as it goes: a packed file need not tell its size. */
static int unpack(const char *path, const char *packed, size_t packed_bytes, char **text,
		  size_t *bytes, struct kms_error *err)
{
	ZSTD_DStream *stream = ZSTD_createDStream();
	ZSTD_inBuffer in = { packed, packed_bytes, 0 };
	ZSTD_outBuffer out = { NULL, packed_bytes * 20 + 4096, 0 };
	size_t left = 1;

	out.dst = malloc(out.size + 1);
	while (stream && out.dst && left && !ZSTD_isError(left)) {
		if (out.pos == out.size) {
			char *more = realloc(out.dst, out.size * 2 + 1);

			if (!more)
				break;
			out.dst = more;
			out.size *= 2;
		}
		left = ZSTD_decompressStream(stream, &out, &in);
		if (left && !ZSTD_isError(left) && in.pos == in.size && out.pos < out.size)
			break; /* it wants more than there is */
	}
	ZSTD_freeDStream(stream);
	if (!out.dst || left) {
		free(out.dst);
		return kms_fail(err, out.dst ? KMS_EUSAGE : KMS_EFAIL, "%s: %s", path,
				!out.dst ? "out of memory" :
				ZSTD_isError(left) ? ZSTD_getErrorName(left) : "cut short");
	}
	*text = out.dst;
	*bytes = out.pos;
	(*text)[*bytes] = 0;
	return 0;
}

bool recording_has(const char *dir, const char *name)
{
	char path[4096];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (!stat(path, &st))
		return true;
	snprintf(path, sizeof(path), "%s/%s.zst", dir, name);
	return !stat(path, &st);
}

int recording_file(const char *dir, const char *name, char **text, size_t *bytes,
		   struct kms_error *err)
{
	char path[4096], *packed;
	size_t packed_bytes;
	struct stat st;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (!stat(path, &st))
		return read_whole(path, text, bytes, err);
	snprintf(path, sizeof(path), "%s/%s.zst", dir, name);
	rc = read_whole(path, &packed, &packed_bytes, err);
	if (rc)
		return rc;
	rc = unpack(path, packed, packed_bytes, text, bytes, err);
	free(packed);
	return rc;
}

/* ---- names ---- */

#define NAME_SLOTS 4096u

static u32 hash_text(const char *text, size_t length)
{
	u32 hash = 2166136261u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (u8)text[i]) * 16777619u;
	return hash ^ hash >> 15;
}

u32 recording_name(struct recording *r, const char *name, size_t length)
{
	u32 slot = hash_text(name, length) % NAME_SLOTS;

	for (; r->name_slots[slot]; slot = (slot + 1) % NAME_SLOTS) {
		u32 id = r->name_slots[slot] - 1;

		if (!strncmp(r->names[id], name, length) && !r->names[id][length])
			return id;
	}
	if (r->nr_names == r->max_names) /* a quarter of the slots: the table stays sparse */
		return r->max_names - 1;
	r->names[r->nr_names] = strndup(name, length);
	r->name_slots[slot] = r->nr_names + 1;
	return r->nr_names++;
}

/* ---- words ---- */

struct parser {
	struct recording *r;
	const char *at; /* next character */
	u32 line;
	struct kms_error *err;
	u8 event_slots[512]; /* event + 1 */
	const char *line_start;
	bool layer_known;
};

static int bad_word(struct parser *p, const char *what)
{
	int length = (int)strcspn(p->at, " \n");

	return kms_fail(p->err, KMS_EUSAGE, "%s/trace.txt:%u:%u: found \"%.*s\", expected %s",
			p->r->dir, p->line, (unsigned)(p->at - p->line_start) + 1,
			length > 60 ? 60 : length, p->at, what);
}

static inline bool ends_word(char c)
{
	return c == ' ' || c == '\n' || !c;
}

static bool blank(const char **at)
{
	if (**at != ' ')
		return false;
	++*at;
	return true;
}

static bool decimal(const char **at, u64 *value)
{
	const char *c = *at;
	bool minus = *c == '-';
	u64 x = 0;

	c += minus;
	if (*c < '0' || *c > '9')
		return false;
	for (; *c >= '0' && *c <= '9'; c++)
		x = x * 10 + (u64)(*c - '0');
	*at = c;
	*value = minus ? 0 - x : x;
	return true;
}

static bool hexadecimal(const char **at, u64 *value)
{
	const char *c = *at;
	bool minus = *c == '-';
	u64 x = 0;

	c += minus || *c == '!';
	if (ends_word(*c))
		return false;
	for (; !ends_word(*c); c++) {
		u32 digit = *c >= '0' && *c <= '9' ? (u32)(*c - '0') : (u32)(*c - 'a') + 10;

		if (digit > 15)
			return false;
		x = x << 4 | digit;
	}
	*at = c;
	*value = minus ? 0 - x : x;
	return true;
}

static bool zone_word(const char **at, u64 *value)
{
	u64 node, zone;

	if (!decimal(at, &node) || **at != '/')
		return false;
	++*at;
	if (!decimal(at, &zone))
		return false;
	*value = node << 8 | zone;
	return node < 64 && zone < 4;
}

/* A number behind a fixed beginning ("nid0m", "node1", "list12"); NODEMASK_GIVEN for an "m" at its end. */
static bool numbered(const char **at, u64 *value)
{
	while (**at >= 'a' && **at <= 'z')
		++*at;
	if (!decimal(at, value))
		return false;
	if (**at == 'm') {
		*value |= NODEMASK_GIVEN;
		++*at;
	}
	return true;
}

static bool name_word(struct parser *p, u64 *value)
{
	size_t length = strcspn(p->at, " \n");

	if (!length)
		return false;
	*value = recording_name(p->r, p->at, length);
	p->at += length;
	return true;
}

static bool word(struct parser *p, char letter, u64 *value)
{
	switch (letter | 0x20) {
	case 'x':
	case 'o':
	case 'p':
		return hexadecimal(&p->at, value);
	case 'd':
		return decimal(&p->at, value);
	case 'z':
		return zone_word(&p->at, value);
	case 'c':
		return name_word(p, value);
	default:
		return numbered(&p->at, value);
	}
}

static const char *word_kind(char letter)
{
	switch (letter | 0x20) {
	case 'x':
	case 'o':
	case 'p':
		return "a hexadecimal number";
	case 'd':
		return "a decimal number";
	case 'z':
		return "a zone (node/index)";
	case 'c':
		return "the name of a slab cache";
	default:
		return "a word with a number";
	}
}

static int words(struct parser *p, struct line *line)
{
	struct recording *r = p->r;
	u64 *out = r->args + r->nr_args;

	line->args = (u32)r->nr_args;
	for (const char *w = event_kinds[line->event].words; *w; w++) {
		while (*p->at == ' ')
			p->at++;
		if (*w == '.') {
			p->at += strcspn(p->at, " \n");
			continue;
		}
		if (!word(p, *w, out) || !ends_word(*p->at))
			return bad_word(p, word_kind(*w));
		out++;
	}
	r->nr_args = (size_t)(out - r->args);
	return 0;
}

/* ---- lines ---- */

static void index_events(struct parser *p)
{
	memset(p->event_slots, 0, sizeof(p->event_slots));
	for (u32 i = 0; i < NR_EVENTS; i++) {
		u32 slot = hash_text(event_kinds[i].name, strlen(event_kinds[i].name)) % 512;

		while (p->event_slots[slot])
			slot = (slot + 1) % 512;
		p->event_slots[slot] = (u8)(i + 1);
	}
}

static int find_event(const struct parser *p, const char *name, size_t length)
{
	u32 slot = hash_text(name, length) % 512;

	for (; p->event_slots[slot]; slot = (slot + 1) % 512) {
		u32 event = p->event_slots[slot] - 1u;
		const char *known = event_kinds[event].name;

		if (!strncmp(known, name, length) && !known[length])
			return (int)event;
	}
	return -1;
}

static int unknown_event(struct parser *p, size_t length)
{
	const char *names[NR_EVENTS], *near;
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)length, p->at);
	for (u32 i = 0; i < NR_EVENTS; i++)
		names[i] = event_kinds[i].name;
	near = kms_nearest(name, names, NR_EVENTS);
	return kms_fail(p->err, KMS_EUSAGE, "%s/trace.txt:%u:%u: unknown event \"%s\"%s%s%s",
			p->r->dir, p->line, (unsigned)(p->at - p->line_start) + 1, name,
			near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* The lines of one recording are of one slab layer. */
static int check_layer(struct parser *p, u32 event)
{
	const char *name = event_kinds[event].name;
	enum layer layer;

	if (name[1] != '_' || (name[0] != 'S' && name[0] != 'L' && name[0] != 'O'))
		return 0;
	layer = name[0] == 'L' ? LAYER_SLAB : name[0] == 'O' ? LAYER_SLOB : LAYER_SLUB;
	if (p->layer_known && p->r->layer != layer)
		return kms_fail(p->err, KMS_EUSAGE, "%s/trace.txt:%u: %s is a line of another slab "
				"layer than those before", p->r->dir, p->line, name);
	p->layer_known = true;
	p->r->layer = layer;
	return 0;
}

/* TEXT lines are told apart by their first word; S_SHRINK has two forms. */
static int event_word(struct parser *p, struct line *line)
{
	size_t length = strcspn(p->at, " \n");
	int event = find_event(p, p->at, length);

	if (event < 0)
		return unknown_event(p, length);
	p->at += length;
	if (event == EV_TEXT) {
		const char *what = p->at + (*p->at == ' ');
		int kind = find_event(p, what, strcspn(what, " \n"));

		if (kind >= 0 && kind != EV_MARK && !event_kinds[kind].words[0])
			event = kind;
	} else if (event == EV_S_SHRINK) {
		const char *rest = strchr(p->at + 1, ' ');

		if (rest && !strncmp(rest, " node", 5))
			event = EV_S_SHRINK_BEGIN;
	}
	line->event = (u8)event;
	return check_layer(p, (u32)event);
}

static int parse_line(struct parser *p, struct line *line)
{
	u64 dt, cpu, ctx, pid;
	int rc;

	p->line_start = p->at;
	if (!decimal(&p->at, &dt) || !blank(&p->at) || !decimal(&p->at, &cpu) || !blank(&p->at) ||
	    !hexadecimal(&p->at, &ctx) || !blank(&p->at) || !decimal(&p->at, &pid) || !blank(&p->at))
		return bad_word(p, "time, cpu, context and pid");
	if (cpu > 255)
		return kms_fail(p->err, KMS_EUSAGE,
				"%s/trace.txt:%u: CPU %llu, expected at most 255",
				p->r->dir, p->line, (unsigned long long)cpu);
	line->cpu = (u8)cpu;
	line->ctx = (u8)ctx;
	line->pid = (s32)pid;
	line->op = NO_OP;
	line->next = NO_LINE;
	line->text = (u64)(p->at - p->r->text);
	rc = event_word(p, line);
	if (!rc)
		rc = words(p, line);
	if (line->event == EV_L_ALLOC && !rc && line_arg(p->r, line, 5))
		line->event = EV_L_ALLOC_BULK;
	p->at += strcspn(p->at, "\n");
	p->at += *p->at == '\n';
	return rc;
}

static int parse_trace(struct recording *r, struct kms_error *err)
{
	struct parser p = { .r = r, .at = r->text, .err = err };
	size_t max_lines = 0;
	int rc = 0;

	for (const char *c = r->text; (c = strchr(c, '\n')); c++)
		max_lines++;
	if (max_lines >= NO_LINE / 16)
		return kms_fail(err, KMS_EUSAGE, "%s/trace.txt: %zu lines are too many", r->dir,
				max_lines);
	r->max_args = max_lines * 10 + 16;
	r->lines = calloc(max_lines + 2, sizeof(*r->lines));
	r->args = malloc(r->max_args * sizeof(*r->args));
	r->max_names = NAME_SLOTS / 4;
	r->names = calloc(r->max_names, sizeof(*r->names));
	r->name_slots = calloc(NAME_SLOTS, sizeof(*r->name_slots));
	if (!r->lines || !r->args || !r->names || !r->name_slots)
		return kms_fail(err, KMS_EFAIL, "out of memory for %zu lines", max_lines);
	index_events(&p);
	while (*p.at && !rc) {
		p.line = r->nr_lines + 1;
		rc = parse_line(&p, &r->lines[r->nr_lines]);
		r->nr_lines += !rc;
	}
	return rc;
}

int recording_open(struct recording *r, const char *dir, struct kms_error *err)
{
	int rc;

	memset(r, 0, sizeof(*r));
	r->dir = dir;
	rc = recording_file(dir, "trace.txt", &r->text, &r->text_bytes, err);
	if (rc)
		return kms_fail_in(err, "%s is no recording", dir);
	return parse_trace(r, err);
}

void recording_close(struct recording *r)
{
	for (u32 i = 0; i < r->nr_names; i++)
		free(r->names[i]);
	free(r->names);
	free(r->name_slots);
	free(r->args);
	free(r->lines);
	free(r->text);
	memset(r, 0, sizeof(*r));
}

/* ---- text of rare lines ---- */

void line_words(const struct recording *r, const struct line *line, char *buf, size_t size)
{
	const char *text = r->text + line->text;

	snprintf(buf, size, "%.*s", (int)strcspn(text, "\n"), text);
}

const char *line_value(const struct recording *r, const struct line *line, const char *key,
		       char *buf, size_t size)
{
	const char *text = r->text + line->text, *end = text + strcspn(text, "\n");
	size_t length = strlen(key);

	buf[0] = 0;
	for (; text && text < end; text = strchr(text, ' ')) {
		text += *text == ' ';
		if (!strncmp(text, key, length) && text[length] == '=') {
			text += length + 1;
			snprintf(buf, size, "%.*s", (int)strcspn(text, " \n"), text);
			break;
		}
	}
	return buf;
}

u64 line_number(const struct recording *r, const struct line *line, const char *key, int base)
{
	char value[64];

	return strtoull(line_value(r, line, key, value, sizeof(value)), NULL, base);
}
