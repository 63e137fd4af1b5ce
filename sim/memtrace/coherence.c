/*
 * coherence.c - `memtrace --coherence`: private L1 caches of several CPUs.
 *
 * Lines "CPU R|W ADDR" (address hexadecimal) in file order, one whole
 * transaction each. 64-byte lines unless given, set = line modulo sets, LRU,
 * write-allocate. What a transaction does to the states comes from the table of
 * the protocol (models/hw/protocol.h): MESI, or with `--set coherence.protocol=`
 * MESIF or MOESI. A write to a line held S, F or O is a hit and an upgrade.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/hw/cache.h"
#include "models/hw/protocol.h"
#include "sim/memtrace/holders.h"
#include "sim/memtrace/input.h"
#include "sim/memtrace/memtrace.h"

struct counts {
	u64 accesses, hits, read_misses, write_misses, upgrades, silent, invalidations;
	u64 flushes, owned_elsewhere, write_backs, clean_evictions;
	u64 from_owner, from_memory;
	u64 fills[PROTOCOL_STATES];
};

struct system {
	enum protocol_kind protocol;
	struct memtrace_geometry geometry;
	u32 line_shift, nr_cpus; /* nr_cpus: highest seen + 1 */
	struct cache *caches[HOLDERS_MAX_CPUS];
	struct holders holders;
	struct counts counts;
};

/* ---- a transaction ---- */

static u64 *entry_of(const struct system *s, u32 cpu, u64 line)
{
	const struct cache *c = s->caches[cpu];
	u32 set = cache_set_of(c, line);
	int way = cache_find(c, set, line);

	return way < 0 ? NULL : cache_entry(c, set, (u32)way);
}

static void set_state(u64 *entry, u32 state)
{
	*entry = state == PS_I ? 0 : (*entry & ~(u64)CACHE_FLAG_MASK) | state;
}

/* The strongest state among the others. */
static enum protocol_state strongest_other(const struct system *s, const struct holders_entry *e,
					   u32 cpu, u64 line)
{
	bool self = e->cpus[cpu / 64] >> cpu % 64 & 1;

	if (e->owner >= 0 && e->owner != (s32)cpu)
		return cache_flags_of(*entry_of(s, (u32)e->owner, line));
	return e->count > self ? PS_S : PS_I;
}

/* All copies but cpu's go. */
static void invalidate_others(struct system *s, struct holders_entry *e, u32 cpu, u64 line)
{
	for (u32 word = 0; word < HOLDERS_MAX_CPUS / 64; word++) {
		for (u64 left = e->cpus[word]; left; left &= left - 1) {
			u32 other = word * 64 + (u32)__builtin_ctzll(left);

			if (other == cpu)
				continue;
			*entry_of(s, other, line) = 0;
			s->counts.invalidations++;
			e->cpus[word] &= ~(left & -left);
			e->count--;
		}
	}
	e->owner = -1;
}

/* What the step does to the others and to the directory; cpu is a holder already. */
static void apply(struct system *s, struct holders_entry *e, u32 cpu, u64 line,
		  const struct protocol_step *step, enum protocol_request request)
{
	if (request == PR_WRITE) {
		invalidate_others(s, e, cpu, line);
	} else if (e->owner >= 0) {
		set_state(entry_of(s, (u32)e->owner, line), step->owner);
		if (!protocol_owns(step->owner))
			e->owner = -1;
	}
	if (protocol_owns(step->requester))
		e->owner = (s32)cpu;
	s->counts.flushes += step->memory_written;
}

static void evict(struct system *s, u32 cpu, u64 *entry)
{
	if (protocol_dirty(cache_flags_of(*entry)))
		s->counts.write_backs++;
	else
		s->counts.clean_evictions++;
	holders_leave(&s->holders, cache_line_of(*entry), cpu);
	*entry = 0;
}

static void miss(struct system *s, u32 cpu, u64 line, enum protocol_request request)
{
	struct cache *c = s->caches[cpu];
	u32 set = cache_set_of(c, line), way = cache_victim(c, set);
	const struct protocol_step *step;
	struct holders_entry *e;
	enum protocol_state other;

	if (*cache_entry(c, set, way))
		evict(s, cpu, cache_entry(c, set, way));
	e = holders_of(&s->holders, line);
	other = strongest_other(s, e, cpu, line);
	step = protocol_step_of(s->protocol, PS_I, other, request);
	s->counts.owned_elsewhere += protocol_writable(other);
	if (step->source == PD_OWNER)
		s->counts.from_owner++;
	else
		s->counts.from_memory++;
	holders_join(e, cpu);
	apply(s, e, cpu, line, step, request);
	s->counts.fills[step->requester]++;
	cache_put(c, set, way, line, step->requester);
	cache_touch(c, set, way);
}

/* A write to a line that the CPU has, but may not write yet. */
static void own_it(struct system *s, u32 cpu, u64 line, u64 *entry)
{
	u32 own = cache_flags_of(*entry);
	struct holders_entry *e;

	if (own == PS_E) {
		s->counts.silent++;
	} else {
		s->counts.upgrades++;
		e = holders_of(&s->holders, line);
		apply(s, e, cpu, line,
		      protocol_step_of(s->protocol, own, strongest_other(s, e, cpu, line), PR_WRITE),
		      PR_WRITE);
	}
	set_state(entry, PS_M);
}

static inline void access_line(struct system *s, u32 cpu, u64 line, enum protocol_request request)
{
	struct cache *c = s->caches[cpu];
	u32 set = cache_set_of(c, line);
	int way = cache_find(c, set, line);
	u64 *entry;

	s->counts.accesses++;
	if (way < 0) {
		s->counts.read_misses += request == PR_READ;
		s->counts.write_misses += request == PR_WRITE;
		miss(s, cpu, line, request);
		return;
	}
	s->counts.hits++;
	entry = cache_entry(c, set, (u32)way);
	if (request == PR_WRITE && cache_flags_of(*entry) != PS_M)
		own_it(s, cpu, line, entry);
	cache_touch(c, set, (u32)way);
}

/* ---- the trace ---- */

static int add_cpu(struct system *s, u32 cpu, struct kms_error *err)
{
	struct cache_config config = { .size_bytes = s->geometry.size, .ways = s->geometry.ways,
				       .line_bytes = s->geometry.line, .replacement = HW_LRU };
	char name[24];
	int rc;

	rc = holders_reserve(&s->holders, s->geometry.size / s->geometry.line, err);
	if (rc)
		return rc;
	s->caches[cpu] = calloc(1, sizeof(*s->caches[cpu]));
	if (!s->caches[cpu])
		return kms_fail(err, KMS_EFAIL, "not enough memory for the cache of CPU %u", cpu);
	snprintf(name, sizeof(name), "l1.%u", cpu);
	s->nr_cpus = cpu + 1 > s->nr_cpus ? cpu + 1 : s->nr_cpus;
	return cache_init(s->caches[cpu], &config, 1, name, 0, err);
}

static const signed char hex[256] = {
	['0'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ['A'] = 11, 12, 13, 14, 15, 16,
	['a'] = 11, 12, 13, 14, 15, 16,
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

struct record {
	u64 cpu, address;
	bool write;
};

/* "CPU R|W ADDR": what is wrong with it, or NULL; *where is then the place. */
static const char *parse(const char *at, struct record *r, const char **where)
{
	u32 n = 0;

	r->cpu = r->address = 0;
	*where = at;
	if (*at < '0' || *at > '9')
		return "CPU R|W ADDR";
	for (; *at >= '0' && *at <= '9' && r->cpu < HOLDERS_MAX_CPUS; at++)
		r->cpu = r->cpu * 10 + (u64)(*at - '0');
	if (r->cpu >= HOLDERS_MAX_CPUS)
		return "a CPU from 0 to 255";
	for (; is_blank(*at); at++)
		n++;
	*where = at;
	r->write = *at == 'W' || *at == 'w';
	if (!n || (!r->write && *at != 'R' && *at != 'r') || !is_blank(at[1]))
		return "R or W behind the CPU";
	for (at++; is_blank(*at); at++)
		;
	*where = at;
	at += at[0] == '0' && (at[1] | 32) == 'x' ? 2 : 0;
	n = 0;
	for (int digit; (digit = hex[(unsigned char)*at]); at++, n++)
		r->address = r->address << 4 | (u64)(digit - 1);
	for (; n && is_blank(*at); at++)
		;
	return n && n <= 16 && !*at ? NULL : "a hexadecimal address of up to 64 bits at the end";
}

static int one_line(struct system *s, const struct memtrace_options *o, struct memtrace_input *in,
		    const char *line, struct kms_error *err)
{
	struct record r;
	const char *at = line, *wrong, *where;
	int rc;

	while (is_blank(*at))
		at++;
	if (!*at || *at == '#')
		return 0;
	wrong = parse(at, &r, &where);
	if (wrong)
		return kms_fail(err, KMS_EUSAGE, "%s:%llu:%u: found \"%.60s\", expected %s", o->trace,
				(unsigned long long)memtrace_input_line_number(in),
				(u32)(where - line) + 1, line, wrong);
	if (KMS_UNLIKELY(!s->caches[r.cpu])) {
		rc = add_cpu(s, (u32)r.cpu, err);
		if (rc)
			return rc;
	}
	access_line(s, (u32)r.cpu, r.address >> s->line_shift, r.write ? PR_WRITE : PR_READ);
	return 0;
}

static int drive(struct system *s, const struct memtrace_options *o, struct memtrace_input *in,
		 struct memtrace_result *r, struct kms_error *err)
{
	size_t length;
	char *line;
	int rc;

	while (!o->limit || s->counts.accesses < o->limit) {
		rc = memtrace_input_line(in, &line, &length, err);
		if (!rc && line)
			rc = one_line(s, o, in, line, err);
		if (rc)
			return rc;
		if (!line)
			break;
		if (o->stop && *o->stop) {
			r->stopped = true;
			break;
		}
	}
	return s->counts.accesses ? 0 :
		kms_fail(err, KMS_EUSAGE, "%s: no access in this trace", o->trace);
}

/* ---- options and results ---- */

static int set_protocol(struct system *s, const char *setting, struct kms_error *err)
{
	static const char key[] = "coherence.protocol=";
	const char *name = setting + sizeof(key) - 1, *near;

	if (strncmp(setting, key, sizeof(key) - 1))
		return kms_fail(err, KMS_EUSAGE,
				"--set %s: --coherence knows coherence.protocol=mesi, mesif or moesi; "
				"its caches are given with --l1", setting);
	for (u32 i = 0; i < PROTOCOL_KINDS; i++) {
		if (!strcmp(name, protocol_names[i])) {
			s->protocol = (enum protocol_kind)i;
			return 0;
		}
	}
	near = kms_nearest(name, protocol_names, PROTOCOL_KINDS);
	return kms_fail(err, KMS_EUSAGE, "--set %s: expected mesi, mesif or moesi%s%s%s", setting,
			near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int set_up(struct system *s, const struct memtrace_options *o, struct kms_error *err)
{
	int rc;

	s->geometry.line = 64;
	rc = memtrace_geometry_parse(&s->geometry, "l1", o->l1 ? o->l1 : "32768,8", err);
	if (!rc && s->geometry.ways > CACHE_MAX_WAYS)
		rc = kms_fail(err, KMS_EUSAGE, "--l1: %llu ways, expected at most %u",
			      (unsigned long long)s->geometry.ways, CACHE_MAX_WAYS);
	if (!rc && s->geometry.line < 16)
		rc = kms_fail(err, KMS_EUSAGE, "--l1: a line of %llu bytes, expected at least 16",
			      (unsigned long long)s->geometry.line);
	s->line_shift = (u32)__builtin_ctzll(s->geometry.line ? s->geometry.line : 64);
	for (size_t i = 0; i < o->nr_set && !rc; i++)
		rc = set_protocol(s, o->set[i], err);
	return rc;
}

static void count_final(const struct system *s, u64 final[PROTOCOL_STATES])
{
	u64 lines = s->geometry.size / s->geometry.line;

	for (u32 cpu = 0; cpu < s->nr_cpus; cpu++) {
		for (u64 i = 0; s->caches[cpu] && i < lines; i++)
			final[cache_flags_of(s->caches[cpu]->entries[i])]++;
	}
}

static void report_states(struct memtrace_result *r, const char *prefix, const u64 *counts,
			  bool all)
{
	static const u8 order[] = {PS_E, PS_S, PS_M, PS_F, PS_O};
	char name[16];

	for (u32 i = 0; i < (all ? KMS_ARRAY_SIZE(order) : 3); i++) {
		snprintf(name, sizeof(name), "%s_%c", prefix, protocol_letter(order[i]));
		memtrace_count(r, name, "lines", counts[order[i]]);
	}
}

static void report(struct memtrace_result *r, const struct system *s)
{
	const struct counts *c = &s->counts;
	u64 final[PROTOCOL_STATES] = {0};

	count_final(s, final);
	memtrace_text(r, "protocol", protocol_names[s->protocol]);
	memtrace_count(r, "cpus", "", s->nr_cpus);
	memtrace_count(r, "cache_bytes", "B", s->geometry.size);
	memtrace_count(r, "assoc", "", s->geometry.ways);
	memtrace_count(r, "accesses", "", c->accesses);
	memtrace_count(r, "hits_valid_incl_upgrades", "", c->hits);
	memtrace_count(r, "read_misses", "", c->read_misses);
	memtrace_count(r, "write_misses", "", c->write_misses);
	memtrace_count(r, "upgrades_S_to_M", "", c->upgrades);
	memtrace_count(r, "silent_E_to_M", "", c->silent);
	memtrace_count(r, "invalidations_received", "", c->invalidations);
	memtrace_count(r, "flush_M_holder_on_remote_request", "", c->flushes);
	memtrace_count(r, "cache_had_EorM_copy_on_miss", "", c->owned_elsewhere);
	memtrace_count(r, "writeback_evict_M", "", c->write_backs);
	memtrace_count(r, "clean_evictions", "", c->clean_evictions);
	report_states(r, "fill", c->fills, s->protocol != PROTOCOL_MESI);
	report_states(r, "final", final, s->protocol != PROTOCOL_MESI);
	memtrace_count(r, "data_from_owner", "lines", c->from_owner);
	memtrace_count(r, "data_from_memory", "lines", c->from_memory);
}

int memtrace_coherence(const struct memtrace_options *o, struct memtrace_result *r,
		       struct kms_error *err)
{
	struct system s = {0};
	struct memtrace_input *in = NULL;
	int rc = set_up(&s, o, err);

	if (!rc)
		rc = memtrace_input_open(&in, o->trace, err);
	if (!rc)
		rc = drive(&s, o, in, r, err);
	memtrace_input_close(in);
	if (!rc)
		report(r, &s);
	for (u32 cpu = 0; cpu < HOLDERS_MAX_CPUS; cpu++) {
		if (s.caches[cpu])
			cache_exit(s.caches[cpu]);
		free(s.caches[cpu]);
	}
	holders_exit(&s.holders);
	return rc;
}
