/*
 * state_load.c - a saved state out of its file and into a machine.
 *
 * The machine has been booted as any other, so that everything outside
 * simulated RAM (run time, hardware models, a loaded policy) is set up; then
 * RAM is emptied and filled from the file. Nothing of a file is believed before
 * its checksum was.
 */
#include "sim/run/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

#include "build_info.h"
#include "sim/engine/crash.h"
#include "sim/plugin/plugin.h"
#include "workloads/info.h"

static int damaged(const struct state *s, const char *what, struct kms_error *err)
{
	return kms_fail(err, KMS_EUSAGE, "the state '%s' is damaged: %s", s->path, what);
}

/* ---- opening ---- */

static char *get_string(struct cursor *c)
{
	u64 n = cursor_varint(c);
	const u8 *text = cursor_bytes(c, n);
	char *copy = text ? malloc(n + 1) : NULL;

	if (!copy) {
		c->bad = true;
		return NULL;
	}
	memcpy(copy, text, n);
	copy[n] = '\0';
	return copy;
}

static int read_header(struct state *s, u8 header[STATE_HEADER_BYTES], struct kms_error *err)
{
	u32 version;

	if (fread(header, 1, STATE_HEADER_BYTES, s->file) != STATE_HEADER_BYTES ||
	    memcmp(header, STATE_MAGIC, 8))
		return kms_fail(err, KMS_EUSAGE, "'%s' is not a saved state; expected a file made by "
				"`kmemsim run --save-state`", s->path);
	version = get_le32(header + STATE_AT_VERSION);
	if (version > STATE_VERSION)
		return kms_fail(err, KMS_EUSAGE, "'%s' has state format version %u, this program reads up to %u", s->path,
				version, STATE_VERSION);
	if (XXH64(header, STATE_AT_HASH, 0) != get_le64(header + STATE_AT_HASH))
		return damaged(s, "header (checksum)", err);
	return 0;
}

static int read_description(struct state *s, const u8 *header, struct kms_error *err)
{
	u64 raw = get_le64(header + STATE_AT_RAW), packed = get_le64(header + STATE_AT_PACKED);
	u8 *from = packed <= STATE_DESCRIPTION_MAX ? malloc(packed + 1) : NULL;
	size_t got;

	s->raw.data = raw <= STATE_DESCRIPTION_MAX ? malloc(raw + 1) : NULL;
	if (!from || !s->raw.data) {
		free(from);
		return kms_fail(err, KMS_EFAIL, "no host memory for reading '%s'", s->path);
	}
	got = fread(from, 1, packed, s->file);
	if (got == packed)
		got = ZSTD_decompress(s->raw.data, raw, from, packed);
	else
		got = (size_t)-1;
	free(from);
	if (got != raw || XXH64(s->raw.data, raw, 0) != get_le64(header + STATE_AT_DESCRIPTION_HASH))
		return damaged(s, "description (checksum)", err);
	s->raw.length = raw;
	s->rest = (struct cursor){ .at = s->raw.data, .end = s->raw.data + raw };
	return 0;
}

static int parse(struct state *s, struct kms_error *err)
{
	struct cursor *c = &s->rest;
	u64 flags, n;
	const u8 *info;

	s->program = get_string(c);
	s->config = get_string(c);
	s->trace_hash = get_string(c);
	flags = cursor_varint(c);
	s->recorded_memory = flags & 1;
	s->kernel_up = flags >> 1 & 1;
	s->aged = flags >> 2 & 1;
	s->requests = cursor_varint(c);
	s->recorded_time = cursor_varint(c);
	s->phase = (u32)cursor_varint(c);
	s->ram_bytes = cursor_varint(c);
	s->kernel_bytes = cursor_varint(c);
	s->nr_cpus = (u32)cursor_varint_max(c, KMS_ARRAY_SIZE(s->workers));
	for (u32 i = 0; i < s->nr_cpus; i++) {
		s->workers[i].next_vmstat = cursor_varint(c);
		s->workers[i].next_slab_work = cursor_varint(c);
	}
	n = cursor_varint(c);
	info = cursor_bytes(c, n);
	if (c->bad || !info)
		return damaged(s, "its description ends early", err);
	return workload_info_decode(&s->info, info, n, err);
}

static int check_layout(const struct state *s, const u8 *header, struct kms_error *err)
{
	if (get_le32(header + STATE_AT_LAYOUT) == state_layout())
		return 0;
	return kms_fail(err, KMS_EUSAGE, "the state '%s' was made by kmemsim %s, whose simulated kernel's structures "
			"differ from those of this one, %s; make it again", s->path, s->program,
			KMS_VERSION " (" KMS_GIT ")");
}

int state_open(struct state **out, const char *path, struct kms_error *err)
{
	u8 header[STATE_HEADER_BYTES];
	struct state *s = calloc(1, sizeof(*s));
	int ret;

	*out = NULL;
	if (!s || !(s->path = strdup(path))) {
		free(s);
		return kms_fail(err, KMS_EFAIL, "no host memory for a state");
	}
	s->file = fopen(path, "re");
	ret = s->file ? read_header(s, header, err)
		      : kms_fail(err, KMS_EUSAGE, "cannot read the state '%s': %s", path, strerror(errno));
	if (!ret)
		ret = read_description(s, header, err);
	if (!ret)
		ret = parse(s, err);
	if (!ret)
		ret = check_layout(s, header, err);
	if (ret) {
		state_close(s);
		return ret;
	}
	*out = s;
	return 0;
}

void state_close(struct state *s)
{
	if (!s)
		return;
	if (s->file)
		fclose(s->file);
	workload_info_free(&s->info);
	bytes_free(&s->raw);
	free(s->program);
	free(s->config);
	free(s->trace_hash);
	free(s->path);
	free(s);
}

/* ---- memory ---- */

struct loading {
	struct state *state;
	struct kms_error *err;
	XXH64_state_t *hash;
	u8 *packed;
	u64 chunks;
};

static bool in_ram(u64 off, u32 pages)
{
	u64 bytes = (u64)pages * SIM_PAGE_BYTES;

	if (off % SIM_PAGE_BYTES || off > sim_ram_limit || bytes > sim_ram_limit - off)
		return false;
	return off >= SIM_WINDOW2_OFF || (off < ram_bytes() && bytes <= ram_bytes() - off);
}

/* One chunk into place; *last: the one that ends them. */
static int read_chunk(struct loading *l, bool *last)
{
	u8 header[STATE_CHUNK_HEADER_BYTES];
	size_t room = ZSTD_compressBound((size_t)STATE_CHUNK_PAGES * SIM_PAGE_BYTES), got;
	u32 pages, packed;
	u64 off;

	if (fread(header, 1, sizeof(header), l->state->file) != sizeof(header))
		return damaged(l->state, "truncated", l->err);
	off = get_le64(header);
	pages = get_le32(header + 8);
	packed = get_le32(header + 12);
	if (XXH64(header, 24, 0) != get_le64(header + 24) || pages > STATE_CHUNK_PAGES || packed > room)
		return damaged(l->state, "head of a piece of memory (checksum)", l->err);
	XXH64_update(l->hash, header, sizeof(header));
	l->chunks++;
	*last = !pages;
	if (!pages)
		return 0;
	if (!in_ram(off, pages))
		return damaged(l->state, "it has memory beyond its machine's", l->err);
	if (fread(l->packed, 1, packed, l->state->file) != packed)
		return damaged(l->state, "truncated", l->err);
	got = ZSTD_decompress(ram_ptr(off), (size_t)pages * SIM_PAGE_BYTES, l->packed, packed);
	if (got != (size_t)pages * SIM_PAGE_BYTES || XXH64(ram_ptr(off), got, 0) != get_le64(header + 16))
		return damaged(l->state, "a piece of memory (checksum)", l->err);
	return 0;
}

static int read_footer(struct loading *l)
{
	u8 footer[STATE_FOOTER_BYTES];

	if (fread(footer, 1, sizeof(footer), l->state->file) != sizeof(footer) ||
	    memcmp(footer + 24, STATE_END_MARK, 8))
		return damaged(l->state, "truncated: no end mark", l->err);
	if (XXH64(footer, 16, 0) != get_le64(footer + 16) || get_le64(footer) != l->chunks ||
	    get_le64(footer + 8) != XXH64_digest(l->hash))
		return damaged(l->state, "pieces of memory are missing (checksum)", l->err);
	return 0;
}

static int load_memory(struct state *s, struct kms_error *err)
{
	struct loading l = { .state = s, .err = err, .hash = XXH64_createState(),
			     .packed = malloc(ZSTD_compressBound((size_t)STATE_CHUNK_PAGES * SIM_PAGE_BYTES)) };
	bool last = false;
	int ret = 0;

	if (!l.hash || !l.packed)
		ret = kms_fail(err, KMS_EFAIL, "no host memory for reading a state");
	if (!ret) {
		XXH64_reset(l.hash, 0);
		ram_clear();
	}
	while (!ret && !last)
		ret = read_chunk(&l, &last);
	if (!ret)
		ret = read_footer(&l);
	XXH64_freeState(l.hash);
	free(l.packed);
	return ret;
}

/* ---- what the workload holds ---- */

/* Where a cache is: in RAM, or with a loaded policy its number. plugged: after its books. */
static void load_caches(struct run *run, struct cursor *c, bool plugged)
{
	for (u32 i = 0; i < run->state->info.nr_caches; i++) {
		u64 place = cursor_varint_max(c, sim_ram_limit - 1);

		run->caches[i] = !place ? NULL : plugged ? plugin_cache_of_number((u32)place - 1) : ram_ptr(place);
		run->cache_gone[i] = cursor_varint(c);
	}
}

/* False: none is left. */
static bool get_object(const struct run *run, struct cursor *c, struct kms_object_ref *ref, struct object *o)
{
	u64 slot = cursor_varint_max(c, run->state->info.slots), bits, off;

	if (!slot || c->bad)
		return false;
	ref->slot = (u32)(slot - 1);
	ref->generation = (u32)cursor_varint(c);
	bits = cursor_varint(c);
	*o = (struct object){ .generation = ref->generation, .state = bits & 15, .slab = bits >> 4 & 1,
			      .lru = bits >> 5 & 1, .page_cache = bits >> 6 & 1, .order = (u8)(bits >> 8),
			      .task = (u8)(bits >> 16) };
	o->cache = (u32)cursor_varint(c);
	o->site = (u32)cursor_varint_max(c, run->state->info.nr_sites ? run->state->info.nr_sites - 1 : 0);
	o->pages_left = (u32)cursor_varint(c);
	off = cursor_varint_max(c, sim_ram_limit);
	o->memory = off ? ram_ptr(off - 1) : NULL;
	o->requested = cursor_varint(c);
	o->held = cursor_varint(c);
	if (o->cache < OBJECT_KMALLOC && o->cache >= run->state->info.nr_caches)
		c->bad = true;
	return !c->bad;
}

static int load_objects(struct run *run, struct cursor *c, struct kms_error *err)
{
	struct kms_object_ref ref;
	struct object o;

	while (get_object(run, c, &ref, &o)) {
		struct object *entry = objects_add(&run->objects, ref);

		if (!entry)
			return kms_fail(err, KMS_EFAIL, "no memory for the state's objects");
		o.next = entry->next;
		*entry = o;
		if (o.state == OBJECT_LIVE)
			account_held(&run->account, &o);
	}
	return 0;
}

static int load_frames(struct run *run, struct cursor *c, bool movable, struct kms_error *err)
{
	u64 n = cursor_varint(c), pfn = 0;
	bool held = false;

	if (n != run->mobility.nr_pages)
		c->bad = true;
	while (pfn < n && !c->bad) {
		u64 run_length = cursor_varint_max(c, n - pfn);

		if (held)
			mobility_held(&run->mobility, pfn, run_length, movable);
		pfn += run_length;
		held = !held;
	}
	return c->bad ? damaged(run->state, "its description does not fit its machine", err) : 0;
}

static int load_plugin(struct run *run, struct cursor *c, struct kms_error *err)
{
	struct plugin_region regions[8];
	u32 n = plugin_policy() ? plugin_regions(regions, KMS_ARRAY_SIZE(regions)) : 0;

	if (cursor_varint(c) != n)
		c->bad = true;
	for (u32 i = 0; i < n && !c->bad; i++) {
		const u8 *data;

		if (cursor_varint(c) != (u64)(uintptr_t)regions[i].start || cursor_varint(c) != regions[i].bytes)
			return kms_fail(err, KMS_EUSAGE, "the state '%s' was made with another build of the policy: its static "
					"variables lie elsewhere", run->state->path);
		data = cursor_bytes(c, regions[i].bytes);
		if (data)
			memcpy(regions[i].start, data, regions[i].bytes);
	}
	if (c->bad)
		return damaged(run->state, "its part about the policy", err);
	return plugin_policy() ? plugin_load_books(c, err) : 0;
}

/* Everything that follows the memory and looks into it. */
static int load_rest(struct run *run, struct kms_error *err)
{
	struct state *s = run->state;
	struct cursor caches = s->rest;
	int ret;

	load_caches(run, &s->rest, false);
	ret = load_objects(run, &s->rest, err);
	if (!ret)
		ret = load_frames(run, &s->rest, false, err);
	if (!ret)
		ret = load_frames(run, &s->rest, true, err);
	if (!ret)
		ret = load_plugin(run, &s->rest, err);
	if (!ret && plugin_policy())
		load_caches(run, &caches, true);
	if (!ret && mm_check(err)) {
		err->code = KMS_EUSAGE;
		ret = kms_fail_in(err, "the state '%s'", s->path);
	}
	return ret;
}

struct loading_rest {
	struct run *run;
	struct kms_error err;
	int ret;
};

static void do_load_rest(void *arg)
{
	struct loading_rest *l = arg;

	l->ret = load_rest(l->run, &l->err);
}

int state_load(struct run *run, struct kms_error *err)
{
	struct loading_rest l = { .run = run };
	struct state *s = run->state;
	int ret;

	if (s->ram_bytes != run->account.ram_bytes || s->kernel_bytes != run->account.kernel_bytes ||
	    s->nr_cpus != engine_nr_cpus())
		return kms_fail(err, KMS_EUSAGE, "the state '%s' is of a machine with %llu MiB of RAM and %u CPUs, this one "
				"has %llu MiB and %u, or places the kernel's data elsewhere", s->path,
				(unsigned long long)s->ram_bytes >> 20, s->nr_cpus,
				(unsigned long long)run->account.ram_bytes >> 20, engine_nr_cpus());
	ret = load_memory(s, err);
	if (ret)
		return ret;
	run->kernel_up = s->kernel_up;
	/* memory whose checksums are right, but that no kernel made, may lead anywhere */
	if (!crash_run(do_load_rest, &l, 60))
		return damaged(s, "its structures point to where there is nothing", err);
	return l.ret ? kms_fail(err, l.ret, "%s", l.err.text) : 0;
}
