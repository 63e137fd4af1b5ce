/*
 * kit.c - kit.h: allocator calls one at a time, and published figures.
 */
#include "sim/labs/kit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim/config/data.h"

#define ANY_NODE (-1)
#define MAX_ZONES 64

/* One call on its way to the simulated CPU and back. */
struct call {
	const struct sandbox *box;
	u64 bytes;
	u32 gfp, order;
	void *memory;
	struct page *page;
	struct kmem_cache *cache;
	const struct kmem_cache_args *args;
};

int kit_open(struct kit *k, struct lab_run *r, struct kms_error *err)
{
	*k = (struct kit){.r = r, .box = lab_sandbox(r, err)};
	return k->box ? 0 : KMS_EFAIL;
}

static int carry_out(struct kit *k, void (*fn)(void *arg), struct call *c, struct kms_error *err)
{
	int rc;

	c->box = k->box;
	if (!k->log)
		return lab_do(k->r, fn, c, err);
	*k->report = 0;
	rc = sandbox_do(k->box, 0, fn, c, k->log, err);
	if (rc == KMS_EFAIL && k->listens) {
		snprintf(k->report, sizeof(k->report), "%s", err->text);
		*err = (struct kms_error){.code = KMS_OK};
		rc = 0;
	}
	if (rc)
		lab_sandbox_reset(k->r);
	return rc;
}

/* ---- kmalloc ---- */

static void do_kmalloc(void *arg)
{
	struct call *c = arg;

	c->memory = c->box->slab->kmalloc(c->bytes, c->gfp, ANY_NODE);
}

static void do_kfree(void *arg)
{
	struct call *c = arg;

	c->box->slab->kfree(c->memory);
}

int kit_kmalloc(struct kit *k, u64 bytes, u32 gfp, void **memory, struct kms_error *err)
{
	struct call c = {.bytes = bytes, .gfp = gfp};
	int rc = carry_out(k, do_kmalloc, &c, err);

	*memory = c.memory;
	return rc;
}

int kit_kfree(struct kit *k, void *memory, struct kms_error *err)
{
	struct call c = {.memory = memory};

	return carry_out(k, do_kfree, &c, err);
}

u64 kit_ksize(const struct kit *k, const void *memory)
{
	return k->box->slab->ksize(memory);
}

/* ---- pages ---- */

static void do_pages(void *arg)
{
	struct call *c = arg;

	c->page = c->box->mm->alloc_pages(c->gfp, c->order, ANY_NODE);
}

static void do_free_pages(void *arg)
{
	struct call *c = arg;

	c->box->mm->free_pages(c->page, c->order);
}

int kit_pages(struct kit *k, u32 order, u32 gfp, struct page **page, struct kms_error *err)
{
	struct call c = {.gfp = gfp, .order = order};
	int rc = carry_out(k, do_pages, &c, err);

	*page = c.page;
	return rc;
}

int kit_free_pages(struct kit *k, struct page *page, u32 order, struct kms_error *err)
{
	struct call c = {.page = page, .order = order};

	return carry_out(k, do_free_pages, &c, err);
}

static void do_exact(void *arg)
{
	struct call *c = arg;

	c->page = c->box->mm->alloc_pages_exact(c->bytes, c->gfp);
}

static void do_free_exact(void *arg)
{
	struct call *c = arg;
	char *address = mm_page_address(c->page);

	for (u64 at = 0; at < c->bytes; at += KIT_PAGE)
		c->box->mm->free_pages(mm_virt_to_page(address + at), 0);
}

int kit_exact(struct kit *k, u64 bytes, struct page **page, struct kms_error *err)
{
	struct call c = {.bytes = bytes, .gfp = KIT_GFP_KERNEL};
	int rc = carry_out(k, do_exact, &c, err);

	*page = c.page;
	return rc;
}

int kit_free_exact(struct kit *k, struct page *page, u64 bytes, struct kms_error *err)
{
	struct call c = {.page = page, .bytes = bytes};

	return carry_out(k, do_free_exact, &c, err);
}

/* ---- slab caches ---- */

static void do_create(void *arg)
{
	struct call *c = arg;

	c->cache = c->box->slab->cache_create(c->args);
}

static void do_destroy(void *arg)
{
	struct call *c = arg;

	c->box->slab->cache_destroy(c->cache);
}

static void do_alloc(void *arg)
{
	struct call *c = arg;

	c->memory = c->box->slab->cache_alloc(c->cache, KIT_GFP_KERNEL, ANY_NODE);
}

static void do_free(void *arg)
{
	struct call *c = arg;

	c->box->slab->cache_free(c->cache, c->memory);
}

int kit_cache_create(struct kit *k, const struct kmem_cache_args *args, struct kmem_cache **cache,
		     struct kms_error *err)
{
	struct call c = {.args = args};
	int rc = carry_out(k, do_create, &c, err);

	*cache = c.cache;
	if (!rc && !c.cache)
		rc = kms_fail(err, KMS_EFAIL, "a slab cache of %u-byte objects could not be created", args->size);
	return rc;
}

int kit_cache_alloc(struct kit *k, struct kmem_cache *cache, void **object, struct kms_error *err)
{
	struct call c = {.cache = cache};
	int rc = carry_out(k, do_alloc, &c, err);

	*object = c.memory;
	return rc;
}

int kit_cache_free(struct kit *k, struct kmem_cache *cache, void *object, struct kms_error *err)
{
	struct call c = {.cache = cache, .memory = object};

	return carry_out(k, do_free, &c, err);
}

int kit_cache_destroy(struct kit *k, struct kmem_cache *cache, struct kms_error *err)
{
	struct call c = {.cache = cache};

	return carry_out(k, do_destroy, &c, err);
}

/* ---- looking ---- */

const char *kit_home(const void *memory, char *buf, size_t n)
{
	struct mm_cache_info info;
	const struct kmem_cache *cache = mm_object_is_slab(memory) ? mm_object_cache(memory) : NULL;

	snprintf(buf, n, "%s", cache && watch_cache(cache, &info) ? watch_cache_name(&info) : "pages");
	return buf;
}

void kit_count_blocks(u64 blocks[KIT_ORDERS])
{
	struct mm_zone_info zones[MAX_ZONES];
	u32 n = mm_inspect_zones(zones, MAX_ZONES);

	for (u32 order = 0; order < KIT_ORDERS; order++) {
		blocks[order] = 0;
		for (u32 z = 0; z < n && z < MAX_ZONES; z++)
			blocks[order] += zones[z].nr_free[order];
	}
}

u64 kit_free_page_count(void)
{
	struct mm_zone_info zones[MAX_ZONES];
	u32 n = mm_inspect_zones(zones, MAX_ZONES);
	u64 pages = 0;

	for (u32 z = 0; z < n && z < MAX_ZONES; z++)
		pages += zones[z].nr_free_pages + zones[z].pcp_pages;
	return pages;
}

u32 kit_order_of(u64 bytes)
{
	u32 order = 0;

	while (KIT_PAGE << order < bytes)
		order++;
	return order;
}

void kit_row(struct lab_run *r, const char *fmt, ...)
{
	const char *cells[16];
	char *text = NULL, *at;
	va_list args;
	u32 n = 0;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	for (at = text; at && n < KMS_ARRAY_SIZE(cells);) {
		cells[n++] = at;
		at = strchr(at, '\t');
		if (at)
			*at++ = 0;
	}
	while (n && n < KMS_ARRAY_SIZE(cells))
		cells[n++] = "";
	if (text)
		lab_table_row(r, cells);
	free(text);
}

/* ---- published figures ---- */

static bool parse_figures(char *line, u32 columns, struct kit_figures *row)
{
	int at = 0;

	if (sscanf(line, "%7s%n", row->edition, &at) != 1)
		return false;
	for (u32 i = 0; i < columns; i++) {
		char *end;

		row->value[i] = strtod(line + at, &end);
		if (end == line + at)
			return false;
		at = (int)(end - line);
	}
	return true;
}

int kit_published(const char *name, u32 columns, struct kit_figures *rows, u32 max, u32 *n, struct kms_error *err)
{
	char file[96], path[512], line[128];
	u32 at = 0;
	FILE *f;
	int rc = 0;

	*n = 0;
	snprintf(file, sizeof(file), "configs/labs/%s.tsv", name);
	if (!data_find(file, path, sizeof(path)))
		return kms_fail(err, KMS_EFAIL, "%s was not found", file);
	f = fopen(path, "r");
	if (!f)
		return kms_fail(err, KMS_EFAIL, "%s: cannot open: %s", path, strerror(errno));
	while (!rc && fgets(line, sizeof(line), f)) {
		at++;
		if (*line == '#' || *line == '\n')
			continue;
		if (*n == max)
			rc = kms_fail(err, KMS_EFAIL, "%s:%u: more than %u rows", path, at, max);
		else if (!parse_figures(line, columns, &rows[*n]))
			rc = kms_fail(err, KMS_EFAIL, "%s:%u: expected an edition and %u numbers", path, at, columns);
		else
			++*n;
	}
	fclose(f);
	return rc;
}
