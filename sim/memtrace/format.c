/*
 * format.c - format.h: text lines and ChampSim's binary records.
 *
 *   lackey     K ADDRHEX SIZE or " K ADDRHEX,SIZE"; K = I, L, S, M (valgrind)
 *   cpus       CPU R|W ADDRHEX
 *   dram       0xADDR READ|WRITE [CYCLE], also R|W
 *   ldst       LD|ST ADDR (Ramulator 2), also R|W ADDR
 *   bubbles    N LOADADDR [STOREADDR]: N instructions, a load, a store (Ramulator)
 *   champsim   records of 64 bytes: ip, branch flags, registers, two store and
 *              four load addresses
 * Where a format does not say hexadecimal, 0x makes a number so.
 */
#include "sim/memtrace/format.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/memtrace/input.h"

#define CHAMPSIM_RECORD 64
#define CHAMPSIM_STORES 2
#define CHAMPSIM_LOADS 4
#define PENDING (CHAMPSIM_STORES + CHAMPSIM_LOADS + 1)
#define WORD 8

typedef int parse_fn(struct memtrace_reader *r, const char *line, struct kms_error *err);

struct format {
	const char *name, *expected;
	parse_fn *parse; /* NULL: binary */
	bool is_virtual, has_insns;
};

struct memtrace_reader {
	struct memtrace_input *in;
	const struct format *format;
	char path[256];
	u64 number; /* records read, binary */
	struct memtrace_record pending[PENDING];
	u32 next, nr_pending;
};

/* ---- words ---- */

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

/* A number in base 16, or in base 10 unless it starts with 0x; *at behind it, or at what is none. */
static bool number(const char **at, bool hex, u64 *value)
{
	const char *p = *at = skip_blanks(*at);
	char *end;

	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X'))
		hex = true;
	if (!(hex ? isxdigit((unsigned char)*p) : isdigit((unsigned char)*p)))
		return false;
	errno = 0;
	*value = strtoull(p, &end, hex ? 16 : 10);
	if (errno || end == p || (*end && !strchr(" \t\r,", *end)))
		return false;
	*at = end;
	return true;
}

/* One of the words, separated by '|'; its index, or -1; *at like number(). */
static int word(const char **at, const char *words)
{
	const char *p = *at = skip_blanks(*at);
	size_t n = strcspn(p, " \t\r");

	for (int i = 0; *words; i++) {
		size_t len = strcspn(words, "|");

		if (len == n && !strncmp(p, words, n)) {
			*at = p + n;
			return i;
		}
		words += len + (words[len] == '|');
	}
	return -1;
}

static bool at_end(const char **at)
{
	*at = skip_blanks(*at);
	return !**at;
}

static struct memtrace_record *add(struct memtrace_reader *r, enum memtrace_access kind, u64 address, u32 size)
{
	struct memtrace_record *record = &r->pending[r->nr_pending++];

	*record = (struct memtrace_record){ .kind = kind, .address = address, .size = size };
	return record;
}

static int bad_line(const struct memtrace_reader *r, const char *line, const char *at,
		    struct kms_error *err)
{
	return kms_fail(err, KMS_EUSAGE, "%s:%llu:%u: found \"%.60s\", expected %s", r->path,
			(unsigned long long)memtrace_input_line_number(r->in), (u32)(at - line) + 1, line,
			r->format->expected);
}

/* ---- formats ---- */

static int parse_lackey(struct memtrace_reader *r, const char *line, struct kms_error *err)
{
	static const enum memtrace_access kinds[] = { MEMTRACE_INSN, MEMTRACE_READ, MEMTRACE_WRITE, MEMTRACE_MODIFY };
	u64 address = 0, size = 0;
	const char *p = line;
	int kind;

	if (!strncmp(line, "==", 2))
		return 0; /* valgrind's own messages */
	kind = word(&p, "I|L|S|M");
	if (kind < 0 || !number(&p, true, &address))
		return bad_line(r, line, p, err);
	p += *p == ',';
	if (!number(&p, false, &size) || !size || size > 4096 || !at_end(&p))
		return bad_line(r, line, p, err);
	add(r, kinds[kind], address, (u32)size)->insns = kind == 0;
	return 0;
}

static int parse_cpus(struct memtrace_reader *r, const char *line, struct kms_error *err)
{
	u64 cpu = 0, address = 0;
	const char *p = line;
	int write = -1;

	if (number(&p, false, &cpu) && cpu < 1u << 31)
		write = word(&p, "R|W");
	if (write < 0 || !number(&p, true, &address) || !at_end(&p))
		return bad_line(r, line, p, err);
	add(r, write ? MEMTRACE_WRITE : MEMTRACE_READ, address, 1)->cpu = (u32)cpu;
	return 0;
}

static int parse_dram(struct memtrace_reader *r, const char *line, struct kms_error *err)
{
	u64 address = 0, cycle = 0;
	const char *p = line;
	int write = -1;

	if (number(&p, true, &address))
		write = word(&p, "READ|WRITE|R|W");
	if (write < 0 || (!at_end(&p) && !number(&p, false, &cycle)) || !at_end(&p))
		return bad_line(r, line, p, err);
	add(r, write % 2 ? MEMTRACE_WRITE : MEMTRACE_READ, address, 1)->cycle = cycle;
	return 0;
}

static int parse_ldst(struct memtrace_reader *r, const char *line, struct kms_error *err)
{
	u64 address = 0;
	const char *p = line;
	int write = word(&p, "LD|ST|R|W");

	if (write < 0 || !number(&p, false, &address) || !at_end(&p))
		return bad_line(r, line, p, err);
	add(r, write % 2 ? MEMTRACE_WRITE : MEMTRACE_READ, address, 1);
	return 0;
}

static int parse_bubbles(struct memtrace_reader *r, const char *line, struct kms_error *err)
{
	u64 bubbles = 0, load = 0, store = 0;
	const char *p = line;
	bool stores;

	if (!number(&p, false, &bubbles) || bubbles > 1u << 30 || !number(&p, false, &load))
		return bad_line(r, line, p, err);
	stores = !at_end(&p);
	if (stores && (!number(&p, false, &store) || !at_end(&p)))
		return bad_line(r, line, p, err);
	add(r, MEMTRACE_READ, load, 1)->insns = bubbles + 1;
	if (stores)
		add(r, MEMTRACE_WRITE, store, 1);
	return 0;
}

static const struct format formats[] = {
	{ "lackey", "K ADDRHEX SIZE with K = I, L, S or M and SIZE 1 to 4096", parse_lackey, true, true },
	{ "cpus", "CPU R|W ADDRHEX", parse_cpus, false, false },
	{ "dram", "0xADDR READ|WRITE CYCLE", parse_dram, false, false },
	{ "ldst", "LD|ST ADDR or R|W ADDR", parse_ldst, false, false },
	{ "bubbles", "N LOADADDR [STOREADDR]", parse_bubbles, true, true },
	{ "champsim", "records of 64 bytes", NULL, true, true },
};
#define NR_FORMATS (sizeof(formats) / sizeof(formats[0]))
#define CHAMPSIM (&formats[NR_FORMATS - 1])

/* ---- binary ---- */

static u64 word_at(const u8 *record, u32 i)
{
	u64 value;

	memcpy(&value, record + i * sizeof(value), sizeof(value));
	return value;
}

static int read_record(struct memtrace_reader *r, u8 *record, size_t *got, struct kms_error *err)
{
	size_t n = 1;

	for (*got = 0; n && *got < CHAMPSIM_RECORD; *got += n)
		if (memtrace_input_read(r->in, record + *got, CHAMPSIM_RECORD - *got, &n, err))
			return KMS_EUSAGE;
	return 0;
}

static int next_champsim(struct memtrace_reader *r, bool *more, struct kms_error *err)
{
	u8 record[CHAMPSIM_RECORD];
	size_t got;

	if (read_record(r, record, &got, err))
		return KMS_EUSAGE;
	*more = got;
	if (!got)
		return 0;
	r->number++;
	if (got < CHAMPSIM_RECORD)
		return kms_fail(err, KMS_EUSAGE, "%s: record %llu has only %zu bytes, expected 64 (ChampSim)",
				r->path, (unsigned long long)r->number, got);
	if (record[8] > 1 || record[9] > 1)
		return kms_fail(err, KMS_EUSAGE,
				"%s: record %llu: found the branch flags %u and %u, expected 0 or 1 each: this is "
				"no ChampSim trace, or damaged", r->path, (unsigned long long)r->number,
				record[8], record[9]);
	add(r, MEMTRACE_INSN, word_at(record, 0), 4)->insns = 1;
	for (u32 i = 0; i < CHAMPSIM_LOADS; i++)
		if (word_at(record, 2 + CHAMPSIM_STORES + i))
			add(r, MEMTRACE_READ, word_at(record, 2 + CHAMPSIM_STORES + i), WORD);
	for (u32 i = 0; i < CHAMPSIM_STORES; i++)
		if (word_at(record, 2 + i))
			add(r, MEMTRACE_WRITE, word_at(record, 2 + i), WORD);
	return 0;
}

/* ---- which format ---- */

static int named(struct memtrace_reader *r, const char *name, struct kms_error *err)
{
	const char *names[NR_FORMATS], *near;

	for (size_t i = 0; i < NR_FORMATS; i++) {
		names[i] = formats[i].name;
		if (!strcmp(name, names[i])) {
			r->format = &formats[i];
			return 0;
		}
	}
	near = kms_nearest(name, names, NR_FORMATS);
	return kms_fail(err, KMS_EUSAGE,
			"--format: found \"%s\", expected lackey, cpus, dram, ldst, bubbles or "
			"champsim%s%s%s", name, near ? "; did you mean " : "", near ? near : "",
			near ? "?" : "");
}

/* The first format that the line is a record of. */
static void guess(struct memtrace_reader *r, const char *line)
{
	for (size_t i = 0; i < NR_FORMATS - 1; i++) {
		struct kms_error ignored = { 0 };

		r->format = &formats[i];
		if (!formats[i].parse(r, line, &ignored) && r->nr_pending) {
			r->nr_pending = 0;
			return;
		}
	}
	r->format = NULL;
}

static int next_line(struct memtrace_reader *r, bool *more, struct kms_error *err)
{
	size_t length;
	char *line;

	if (memtrace_input_line(r->in, &line, &length, err))
		return KMS_EUSAGE;
	*more = line;
	if (!line || !*skip_blanks(line) || *line == '#')
		return 0;
	if (!r->format)
		guess(r, line);
	if (!r->format)
		return kms_fail(err, KMS_EUSAGE,
				"%s:%llu: found \"%.60s\", expected a record of a known format: "
				"K ADDR SIZE (lackey), CPU R|W ADDR, 0xADDR READ|WRITE CYCLE, LD|ST "
				"ADDR, N LOADADDR [STOREADDR]",
				r->path, (unsigned long long)memtrace_input_line_number(r->in), line);
	return r->format->parse(r, line, err);
}

/* ---- */

/* Text has no NUL bytes; ChampSim's records have many. */
static int guess_binary(struct memtrace_reader *r, struct kms_error *err)
{
	u8 head[CHAMPSIM_RECORD];
	size_t got;

	if (read_record(r, head, &got, err))
		return KMS_EUSAGE;
	if (memchr(head, 0, got))
		r->format = CHAMPSIM;
	return got ? memtrace_input_unread(r->in, head, got, err) : 0;
}

int memtrace_open(struct memtrace_reader **reader, const char *path, const char *name,
	       struct kms_error *err)
{
	struct memtrace_reader *r = calloc(1, sizeof(*r));
	int rc = 0;

	*reader = NULL;
	if (!r)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	snprintf(r->path, sizeof(r->path), "%s", path);
	if (name)
		rc = named(r, name, err);
	if (!rc)
		rc = memtrace_input_open(&r->in, path, err);
	if (!rc && !name)
		rc = guess_binary(r, err);
	if (rc) {
		memtrace_close(r);
		return rc;
	}
	*reader = r;
	return 0;
}

void memtrace_close(struct memtrace_reader *r)
{
	if (!r)
		return;
	memtrace_input_close(r->in);
	free(r);
}

int memtrace_next(struct memtrace_reader *r, struct memtrace_record *record, bool *more,
	       struct kms_error *err)
{
	*more = true;
	while (r->next == r->nr_pending && *more) {
		int rc;

		r->next = r->nr_pending = 0;
		rc = r->format == CHAMPSIM ? next_champsim(r, more, err) : next_line(r, more, err);
		if (rc)
			return rc;
	}
	if (*more)
		*record = r->pending[r->next++];
	return 0;
}

const char *memtrace_format_name(const struct memtrace_reader *r)
{
	return r->format ? r->format->name : "empty";
}

bool memtrace_is_virtual(const struct memtrace_reader *r)
{
	return r->format && r->format->is_virtual;
}

bool memtrace_has_insns(const struct memtrace_reader *r)
{
	return r->format && r->format->has_insns;
}

void memtrace_where(const struct memtrace_reader *r, char *text, size_t size)
{
	if (r->format == CHAMPSIM)
		snprintf(text, size, "%s: record %llu", r->path, (unsigned long long)r->number);
	else
		snprintf(text, size, "%s:%llu", r->path,
			 (unsigned long long)memtrace_input_line_number(r->in));
}
