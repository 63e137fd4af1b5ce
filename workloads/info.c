/*
 * info.c - struct kms_workload_info in memory and in bytes.
 *
 * In a trace file the info block is a list of sections: tag, length, payload.
 * A reader skips tags that it does not know, so a later program may add some
 * without a new version of the format.
 */
#include "workloads/info.h"

#include <stdlib.h>
#include <string.h>

enum info_section {
	INFO_ORIGIN = 1,
	INFO_TOTALS,
	INFO_CPUS,
	INFO_CACHES,
	INFO_SITES,
	INFO_PHASES,
	INFO_ZONES,
	INFO_FREE,
	INFO_LATE,
	INFO_BARRIERS,
	INFO_LEFT_OUT,
	NR_INFO_SECTIONS
};

#define MAX_CPUS KMS_ARRAY_SIZE(((struct kms_workload_info *)0)->cpu_requests)

static void free_strings(char **strings, u32 n)
{
	for (u32 i = 0; i < n; i++)
		free(strings[i]);
	free(strings);
}

void workload_info_free(struct kms_workload_info *info)
{
	free(info->source);
	free(info->kernel);
	free(info->allocator);
	for (u32 i = 0; i < info->nr_caches; i++)
		free(info->caches[i].name);
	free(info->caches);
	free_strings(info->sites, info->nr_sites);
	free_strings(info->phases, info->nr_phases);
	free(info->zones);
	free(info->free);
	free(info->late);
	free(info->barriers);
	for (u32 i = 0; i < info->nr_left_out; i++)
		free(info->left_out[i].what);
	free(info->left_out);
	memset(info, 0, sizeof(*info));
}

static s64 add_string(char ***strings, u32 *n, const char *text, size_t length)
{
	char **grown = *strings;
	char *copy;

	if (!(*n & (*n - 1))) {
		grown = realloc(*strings, (*n ? 2 * (size_t)*n : 1) * sizeof(*grown));
		if (!grown)
			return -1;
		*strings = grown;
	}
	copy = strndup(text, length);
	if (!copy)
		return -1;
	grown[*n] = copy;
	return (*n)++;
}

s64 workload_info_add_site(struct kms_workload_info *info, const char *text, size_t length)
{
	return add_string(&info->sites, &info->nr_sites, text, length);
}

s64 workload_info_add_phase(struct kms_workload_info *info, const char *text)
{
	return add_string(&info->phases, &info->nr_phases, text, strlen(text));
}

int workload_info_leave_out(struct kms_workload_info *info, const char *what, u64 n)
{
	struct kms_left_out *grown;

	for (u32 i = 0; i < info->nr_left_out; i++) {
		if (strcmp(info->left_out[i].what, what))
			continue;
		info->left_out[i].count += n;
		return 0;
	}
	grown = realloc(info->left_out, (info->nr_left_out + 1) * sizeof(*grown));
	if (!grown)
		return -1;
	info->left_out = grown;
	grown[info->nr_left_out] = (struct kms_left_out){ strdup(what), n };
	if (!grown[info->nr_left_out].what)
		return -1;
	info->nr_left_out++;
	return 0;
}

/* ---- writing ---- */

static void put_string(struct bytes *out, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	bytes_put_varint(out, n);
	bytes_put(out, text, n);
}

static void put_strings(struct bytes *out, char *const *strings, u32 n)
{
	bytes_put_varint(out, n);
	for (u32 i = 0; i < n; i++)
		put_string(out, strings[i]);
}

static void put_origin(struct bytes *out, const struct kms_workload_info *info)
{
	put_string(out, info->source);
	put_string(out, info->kernel);
	put_string(out, info->allocator);
}

static void put_totals(struct bytes *out, const struct kms_workload_info *info)
{
	bytes_put_varint(out, info->requests);
	bytes_put_varint(out, info->slots);
	bytes_put_varint(out, info->duration_ns);
	bytes_put_varint(out, info->nr_nodes);
	bytes_put_varint(out, info->min_free_kbytes);
	bytes_put_varint(out, info->nr_boot_steps);
}

static void put_cpus(struct bytes *out, const struct kms_workload_info *info)
{
	bytes_put_varint(out, info->nr_cpus);
	for (u32 i = 0; i < info->nr_cpus; i++) {
		bytes_put_varint(out, info->cpu_requests[i]);
		bytes_put_varint(out, info->cpu_node[i]);
	}
}

static void put_caches(struct bytes *out, const struct kms_workload_info *info)
{
	bytes_put_varint(out, info->nr_caches);
	for (u32 i = 0; i < info->nr_caches; i++) {
		const struct kms_cache_def *c = &info->caches[i];

		put_string(out, c->name);
		bytes_put_varint(out, c->object_size);
		bytes_put_varint(out, c->align);
		bytes_put_varint(out, c->flags);
		bytes_put_varint(out, c->useroffset);
		bytes_put_varint(out, c->usersize);
		bytes_put_varint(out, c->ctor);
	}
}

static void put_sites(struct bytes *out, const struct kms_workload_info *info)
{
	put_strings(out, info->sites, info->nr_sites);
}

static void put_phases(struct bytes *out, const struct kms_workload_info *info)
{
	put_strings(out, info->phases, info->nr_phases);
}

static void put_zones(struct bytes *out, const struct kms_workload_info *info)
{
	bytes_put_varint(out, info->nr_zones);
	for (u32 i = 0; i < info->nr_zones; i++) {
		const struct kms_zone_def *z = &info->zones[i];

		bytes_put_varint(out, z->node);
		bytes_put_varint(out, z->zone_idx);
		bytes_put_varint(out, z->start_pfn);
		bytes_put_varint(out, z->spanned);
		bytes_put_varint(out, z->present);
	}
}

static void put_ranges(struct bytes *out, const struct kms_range *ranges, u32 n)
{
	bytes_put_varint(out, n);
	for (u32 i = 0; i < n; i++) {
		bytes_put_varint(out, ranges[i].pfn);
		bytes_put_varint(out, ranges[i].end - ranges[i].pfn);
	}
}

static void put_free(struct bytes *out, const struct kms_workload_info *info)
{
	put_ranges(out, info->free, info->nr_free);
}

static void put_late(struct bytes *out, const struct kms_workload_info *info)
{
	put_ranges(out, info->late, info->nr_late);
}

static void put_barriers(struct bytes *out, const struct kms_workload_info *info)
{
	bytes_put_varint(out, info->nr_barriers);
	for (u32 i = 0; i < info->nr_barriers; i++)
		bytes_put_varint(out, info->barriers[i]);
}

static void put_left_out(struct bytes *out, const struct kms_workload_info *info)
{
	bytes_put_varint(out, info->nr_left_out);
	for (u32 i = 0; i < info->nr_left_out; i++) {
		put_string(out, info->left_out[i].what);
		bytes_put_varint(out, info->left_out[i].count);
	}
}

int workload_info_encode(const struct kms_workload_info *info, struct bytes *out)
{
	static void (*const put[NR_INFO_SECTIONS])(struct bytes *, const struct kms_workload_info *) = {
		[INFO_ORIGIN] = put_origin,   [INFO_TOTALS] = put_totals, [INFO_CPUS] = put_cpus,
		[INFO_CACHES] = put_caches,   [INFO_SITES] = put_sites,	  [INFO_PHASES] = put_phases,
		[INFO_ZONES] = put_zones,     [INFO_FREE] = put_free,	  [INFO_LATE] = put_late,
		[INFO_BARRIERS] = put_barriers, [INFO_LEFT_OUT] = put_left_out,
	};

	for (u32 tag = INFO_ORIGIN; tag < NR_INFO_SECTIONS; tag++) {
		struct bytes payload = { 0 };

		put[tag](&payload, info);
		bytes_put_varint(out, tag);
		bytes_put_varint(out, payload.length);
		bytes_put(out, payload.data, payload.length);
		out->failed |= payload.failed;
		bytes_free(&payload);
	}
	return out->failed ? -1 : 0;
}

/* ---- reading ---- */

/*
 * An array for as many elements as the next varint says. An element takes at
 * least min_bytes in the file, which bounds what a damaged count can ask for.
 */
static void *get_array(struct cursor *c, u32 *n, size_t size, size_t min_bytes)
{
	u64 count = cursor_varint(c), room = 1;
	void *array;

	*n = 0;
	if (count > (u64)(c->end - c->at) / min_bytes || count > UINT32_MAX) {
		c->bad = true;
		return NULL;
	}
	if (!count)
		return NULL;
	while (room < count) /* a power of two, as add_string() expects */
		room *= 2;
	array = calloc(room, size);
	if (!array)
		c->bad = true;
	else
		*n = (u32)count;
	return array;
}

static char *get_string(struct cursor *c)
{
	u64 n = cursor_varint(c);
	const u8 *at = cursor_bytes(c, n);
	char *text = at ? strndup((const char *)at, n) : strdup("");

	if (!text)
		c->bad = true;
	return text;
}

static char **get_strings(struct cursor *c, u32 *n)
{
	char **strings = get_array(c, n, sizeof(*strings), 1);

	for (u32 i = 0; i < *n; i++)
		strings[i] = get_string(c);
	return strings;
}

static void get_origin(struct cursor *c, struct kms_workload_info *info)
{
	info->source = get_string(c);
	info->kernel = get_string(c);
	info->allocator = get_string(c);
}

static void get_totals(struct cursor *c, struct kms_workload_info *info)
{
	info->requests = cursor_varint(c);
	info->slots = cursor_varint_max(c, 1ull << 32);
	info->duration_ns = cursor_varint(c);
	info->nr_nodes = (u32)cursor_varint_max(c, 256);
	info->min_free_kbytes = cursor_varint(c);
	info->nr_boot_steps = (u32)cursor_varint_max(c, UINT32_MAX);
}

static void get_cpus(struct cursor *c, struct kms_workload_info *info)
{
	info->nr_cpus = (u32)cursor_varint_max(c, MAX_CPUS);
	for (u32 i = 0; i < info->nr_cpus; i++) {
		info->cpu_requests[i] = cursor_varint(c);
		info->cpu_node[i] = (u8)cursor_varint_max(c, 255);
	}
}

static void get_caches(struct cursor *c, struct kms_workload_info *info)
{
	info->caches = get_array(c, &info->nr_caches, sizeof(*info->caches), 7);
	for (u32 i = 0; i < info->nr_caches; i++) {
		struct kms_cache_def *d = &info->caches[i];

		d->name = get_string(c);
		d->object_size = (u32)cursor_varint_max(c, UINT32_MAX);
		d->align = (u32)cursor_varint_max(c, UINT32_MAX);
		d->flags = (u32)cursor_varint_max(c, UINT32_MAX);
		d->useroffset = (u32)cursor_varint_max(c, UINT32_MAX);
		d->usersize = (u32)cursor_varint_max(c, UINT32_MAX);
		d->ctor = cursor_varint_max(c, 1);
	}
}

static void get_sites(struct cursor *c, struct kms_workload_info *info)
{
	info->sites = get_strings(c, &info->nr_sites);
}

static void get_phases(struct cursor *c, struct kms_workload_info *info)
{
	info->phases = get_strings(c, &info->nr_phases);
}

static void get_zones(struct cursor *c, struct kms_workload_info *info)
{
	info->zones = get_array(c, &info->nr_zones, sizeof(*info->zones), 5);
	for (u32 i = 0; i < info->nr_zones; i++) {
		struct kms_zone_def *z = &info->zones[i];

		z->node = (u32)cursor_varint_max(c, 255);
		z->zone_idx = (u32)cursor_varint_max(c, 15);
		z->start_pfn = cursor_varint_max(c, 1ull << 52);
		z->spanned = cursor_varint_max(c, 1ull << 52);
		z->present = cursor_varint_max(c, z->spanned);
	}
}

static struct kms_range *get_ranges(struct cursor *c, u32 *n)
{
	struct kms_range *ranges = get_array(c, n, sizeof(*ranges), 2);

	for (u32 i = 0; i < *n; i++) {
		ranges[i].pfn = cursor_varint_max(c, 1ull << 52);
		ranges[i].end = ranges[i].pfn + cursor_varint_max(c, 1ull << 52);
	}
	return ranges;
}

static void get_free(struct cursor *c, struct kms_workload_info *info)
{
	info->free = get_ranges(c, &info->nr_free);
}

static void get_late(struct cursor *c, struct kms_workload_info *info)
{
	info->late = get_ranges(c, &info->nr_late);
}

static void get_barriers(struct cursor *c, struct kms_workload_info *info)
{
	info->barriers = get_array(c, &info->nr_barriers, sizeof(*info->barriers), 1);
	for (u32 i = 0; i < info->nr_barriers; i++)
		info->barriers[i] = cursor_varint(c);
}

static void get_left_out(struct cursor *c, struct kms_workload_info *info)
{
	info->left_out = get_array(c, &info->nr_left_out, sizeof(*info->left_out), 2);
	for (u32 i = 0; i < info->nr_left_out; i++) {
		info->left_out[i].what = get_string(c);
		info->left_out[i].count = cursor_varint(c);
	}
}

int workload_info_decode(struct kms_workload_info *info, const u8 *data, size_t length,
			 struct kms_error *err)
{
	static void (*const get[NR_INFO_SECTIONS])(struct cursor *, struct kms_workload_info *) = {
		[INFO_ORIGIN] = get_origin,   [INFO_TOTALS] = get_totals, [INFO_CPUS] = get_cpus,
		[INFO_CACHES] = get_caches,   [INFO_SITES] = get_sites,	  [INFO_PHASES] = get_phases,
		[INFO_ZONES] = get_zones,     [INFO_FREE] = get_free,	  [INFO_LATE] = get_late,
		[INFO_BARRIERS] = get_barriers, [INFO_LEFT_OUT] = get_left_out,
	};
	struct cursor c = { data, data + length, false };
	u32 seen = 0;

	memset(info, 0, sizeof(*info));
	while (c.at != c.end && !c.bad) {
		u64 tag = cursor_varint(&c), n = cursor_varint(&c);
		const u8 *at = cursor_bytes(&c, n);
		struct cursor section = { at, c.at, false };

		if (!at || tag >= NR_INFO_SECTIONS || !get[tag])
			continue;
		if (!(seen & 1u << tag))
			get[tag](&section, info);
		c.bad = section.bad || seen & 1u << tag;
		seen |= 1u << tag;
	}
	if (!c.bad && info->nr_cpus)
		return 0;
	workload_info_free(info);
	return kms_fail(err, KMS_EUSAGE, "info block is malformed");
}
