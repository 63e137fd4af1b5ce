/*
 * state_save.c - the state of a run into a file.
 *
 * Header, description (one zstd frame), then simulated RAM in chunks of up to
 * 1 MiB of neighbouring pages, each compressed and checksummed by itself, so
 * that neither writing nor reading needs memory for the whole. Pages that were
 * never touched, or hold zeros, are not in the file.
 */
#include "sim/run/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include "build_info.h"
#include "sim/plugin/plugin.h"
#include "workloads/info.h"

#define STATE_ZSTD_LEVEL 3

struct saving {
	struct run *run;
	FILE *out;
	const char *path;
	char *partial;
	struct kms_error *err;
	XXH64_state_t *hash; /* of the chunks' headers */
	u64 chunks;
	u8 *packed;
	size_t room;
};

u32 state_layout(void)
{
	return KMS_MM_LAYOUT ^ (u32)SIM_PAGE_SHIFT << 24;
}

static int no_memory(struct kms_error *err)
{
	return kms_fail(err, KMS_EFAIL, "no host memory for saving the state");
}

/* ---- description ---- */

static void put_string(struct bytes *b, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	bytes_put_varint(b, n);
	bytes_put(b, text, n);
}

static void put_info(struct bytes *b, const struct kms_workload_info *info)
{
	struct bytes encoded = { 0 };

	if (workload_info_encode(info, &encoded))
		b->failed = true;
	bytes_put_varint(b, encoded.length);
	bytes_put(b, encoded.data, encoded.length);
	bytes_free(&encoded);
}

static void put_caches(struct bytes *b, const struct run *run)
{
	bool plugged = plugin_policy() != NULL;

	for (u32 i = 0; i < run->info->nr_caches; i++) {
		struct kmem_cache *s = run->caches[i];

		bytes_put_varint(b, !s ? 0 : plugged ? plugin_cache_number(s) + 1 : ram_off(s));
		bytes_put_varint(b, run->cache_gone[i]);
	}
}

static void put_object(struct bytes *b, u64 slot, const struct object *o)
{
	bytes_put_varint(b, slot + 1); /* 0 ends */
	bytes_put_varint(b, o->generation);
	bytes_put_varint(b, (u64)o->state | (u64)o->slab << 4 | (u64)o->lru << 5 | (u64)o->page_cache << 6 |
				    (u64)o->order << 8 | (u64)o->task << 16);
	bytes_put_varint(b, o->cache);
	bytes_put_varint(b, o->site);
	bytes_put_varint(b, o->pages_left);
	bytes_put_varint(b, o->memory ? ram_off(o->memory) + 1 : 0);
	bytes_put_varint(b, o->requested);
	bytes_put_varint(b, o->held);
}

static void put_objects(struct bytes *b, const struct objects *objects)
{
	for (u64 slot = 0; slot < objects->used; slot++) {
		const struct object *o = &objects->slots[slot];

		for (; o; o = o->next ? &objects->overflow[o->next - 1] : NULL)
			if (o->state != OBJECT_FREE)
				put_object(b, slot, o);
	}
	bytes_put_varint(b, 0);
}

/* Frames in the set, as runs: not in it, in it, ... */
static void put_frames(struct bytes *b, const struct mobility *m, const struct frame_set *set)
{
	bool now = false;
	u64 since = 0;

	bytes_put_varint(b, m->nr_pages);
	for (u64 pfn = 0; pfn < m->nr_pages; pfn++) {
		bool bit = frame_in_set(set, pfn);

		if (bit == now)
			continue;
		bytes_put_varint(b, pfn - since);
		since = pfn;
		now = bit;
	}
	bytes_put_varint(b, m->nr_pages - since);
}

static void put_plugin(struct bytes *b)
{
	struct plugin_region regions[8];
	u32 n = plugin_policy() ? plugin_regions(regions, KMS_ARRAY_SIZE(regions)) : 0;

	bytes_put_varint(b, n);
	for (u32 i = 0; i < n; i++) {
		bytes_put_varint(b, (u64)(uintptr_t)regions[i].start);
		bytes_put_varint(b, regions[i].bytes);
		bytes_put(b, regions[i].start, regions[i].bytes);
	}
	if (plugin_policy())
		plugin_save_books(b);
}

static void put_workers(struct bytes *b, const struct run *run)
{
	bytes_put_varint(b, engine_nr_cpus());
	for (u32 i = 0; i < engine_nr_cpus(); i++) {
		bytes_put_varint(b, run->workers ? run->workers[i].next_vmstat : 0);
		bytes_put_varint(b, run->workers ? run->workers[i].next_slab_work : 0);
	}
}

static void describe(struct bytes *b, const struct run *run)
{
	put_string(b, KMS_VERSION " (" KMS_GIT ")");
	put_string(b, run->config_json);
	put_string(b, run->trace_hash);
	bytes_put_varint(b, run->recorded_memory | run->kernel_up << 1 | run->aged << 2);
	bytes_put_varint(b, run->first_request + run->replay.done);
	bytes_put_varint(b, run->replay.recorded_time);
	bytes_put_varint(b, run->recorder.phase);
	bytes_put_varint(b, run->account.ram_bytes);
	bytes_put_varint(b, run->account.kernel_bytes);
	put_workers(b, run);
	put_info(b, run->info);
	put_caches(b, run);
	put_objects(b, &run->objects);
	put_frames(b, &run->mobility, &run->mobility.unmovable);
	put_frames(b, &run->mobility, &run->mobility.movable);
	put_plugin(b);
}

/* ---- the file ---- */

static int write_all(struct saving *s, const void *data, size_t n)
{
	if (fwrite(data, 1, n, s->out) == n)
		return 0;
	return kms_fail(s->err, KMS_EFAIL, "cannot write '%s': %s", s->partial, strerror(errno));
}

static int pack(struct saving *s, const void *data, size_t n, size_t *packed)
{
	size_t room = ZSTD_compressBound(n);

	if (room > s->room) {
		u8 *more = realloc(s->packed, room);

		if (!more)
			return no_memory(s->err);
		s->packed = more;
		s->room = room;
	}
	*packed = ZSTD_compress(s->packed, s->room, data, n, STATE_ZSTD_LEVEL);
	if (ZSTD_isError(*packed))
		return kms_fail(s->err, KMS_EFAIL, "cannot compress the state: %s", ZSTD_getErrorName(*packed));
	return 0;
}

static int write_description(struct saving *s)
{
	u8 header[STATE_HEADER_BYTES] = { 0 };
	struct bytes b = { 0 };
	size_t packed;
	int ret;

	describe(&b, s->run);
	ret = b.failed ? no_memory(s->err) : pack(s, b.data, b.length, &packed);
	if (!ret) {
		memcpy(header, STATE_MAGIC, 8);
		put_le32(header + STATE_AT_VERSION, STATE_VERSION);
		put_le32(header + STATE_AT_LAYOUT, state_layout());
		put_le64(header + STATE_AT_RAW, b.length);
		put_le64(header + STATE_AT_PACKED, packed);
		put_le64(header + STATE_AT_DESCRIPTION_HASH, XXH64(b.data, b.length, 0));
		put_le64(header + STATE_AT_HASH, XXH64(header, STATE_AT_HASH, 0));
		ret = write_all(s, header, sizeof(header));
	}
	if (!ret)
		ret = write_all(s, s->packed, packed);
	bytes_free(&b);
	return ret;
}

static bool is_zero(const void *page)
{
	static const u8 zeros[SIM_PAGE_BYTES];

	return !memcmp(page, zeros, SIM_PAGE_BYTES);
}

static int write_chunk(struct saving *s, u64 off, u32 pages)
{
	u8 header[STATE_CHUNK_HEADER_BYTES] = { 0 };
	size_t packed = 0;

	if (pages && pack(s, ram_ptr(off), (size_t)pages * SIM_PAGE_BYTES, &packed))
		return s->err->code;
	put_le64(header, off);
	put_le32(header + 8, pages);
	put_le32(header + 12, (u32)packed);
	put_le64(header + 16, pages ? XXH64(ram_ptr(off), (size_t)pages * SIM_PAGE_BYTES, 0) : 0);
	put_le64(header + 24, XXH64(header, 24, 0));
	XXH64_update(s->hash, header, sizeof(header));
	s->chunks++;
	return write_all(s, header, sizeof(header)) ? s->err->code : write_all(s, s->packed, packed);
}

static int write_touched(void *arg, u64 off, u64 bytes)
{
	struct saving *s = arg;
	u64 end = off + bytes;

	while (off < end) {
		u32 n = 0;

		while (off + (u64)n * SIM_PAGE_BYTES < end && n < STATE_CHUNK_PAGES &&
		       !is_zero(ram_ptr(off + (u64)n * SIM_PAGE_BYTES)))
			n++;
		if (n && write_chunk(s, off, n))
			return s->err->code;
		off += (u64)(n ? n : 1) * SIM_PAGE_BYTES;
	}
	return 0;
}

static int write_memory(struct saving *s)
{
	u8 footer[STATE_FOOTER_BYTES] = { 0 };
	int ret = ram_each_touched(write_touched, s);

	if (!ret)
		ret = write_chunk(s, 0, 0);
	if (ret)
		return ret;
	put_le64(footer, s->chunks);
	put_le64(footer + 8, XXH64_digest(s->hash));
	put_le64(footer + 16, XXH64(footer, 16, 0));
	memcpy(footer + 24, STATE_END_MARK, 8);
	return write_all(s, footer, sizeof(footer));
}

static int publish(struct saving *s)
{
	bool failed = fflush(s->out) || fsync(fileno(s->out));

	failed |= fclose(s->out) != 0;
	s->out = NULL;
	if (!failed && !rename(s->partial, s->path))
		return 0;
	return kms_fail(s->err, KMS_EFAIL, "cannot write '%s': %s", s->path, strerror(errno));
}

int state_save(struct run *run, const char *path, struct kms_error *err)
{
	struct saving s = { .run = run, .path = path, .err = err, .hash = XXH64_createState() };
	int ret = mm_check(err);

	if (ret) {
		XXH64_freeState(s.hash);
		return kms_fail_in(err, "the state is not saved, its memory is damaged");
	}
	if (!s.hash || asprintf(&s.partial, "%s.partial", path) < 0) {
		XXH64_freeState(s.hash);
		return no_memory(err);
	}
	XXH64_reset(s.hash, 0);
	ret = kms_check_output(path, err);
	s.out = ret ? NULL : fopen(s.partial, "we");
	if (!ret && !s.out)
		ret = kms_fail(err, KMS_EUSAGE, "cannot create '%s': %s", s.partial, strerror(errno));
	if (!ret)
		ret = write_description(&s);
	if (!ret)
		ret = write_memory(&s);
	if (!ret)
		ret = publish(&s);
	if (s.out)
		fclose(s.out);
	if (ret)
		unlink(s.partial);
	XXH64_freeState(s.hash);
	free(s.packed);
	free(s.partial);
	return ret;
}
