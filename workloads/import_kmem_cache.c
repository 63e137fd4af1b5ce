/*
 * import_kmem_cache.c - which slab cache an object is of; writing the trace.
 *
 * The newest kernels (6.18) name an object's cache when it is allocated. Before,
 * an allocation names its call site and sizes, and since Linux 5.12 the free of
 * an object its cache. So allocations that look alike share a key, and
 * the first free of one of them names the key's cache. An object that turns out
 * to be of another cache than its key is corrected in the spool. Keys of which no
 * object was freed go to the one cache with objects of just these sizes, or, if
 * there are several, to the one that the same function allocates from; else to the
 * one cache of these sizes in the machine's own list (import_slabs.c), where that is
 * known; else to a cache of their own for these sizes. Kernels that name no caches get one for
 * each pair of sizes, which is what the kernel's own merging comes to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/import_kmem.h"

#define CACHE_NONE UINT32_MAX
#define CACHE_INTERNAL (UINT32_MAX - 1)
#define MAX_OBJECT (4u << 20)

/* Cache flags, as in Linux 6.1; the last since 6.4. */
#define FLAG_RECLAIM_ACCOUNT 0x00020000u
#define FLAG_NO_MERGE 0x01000000u

/* Functions that allocate for the slab layer itself: 5.4 to 6.18. */
static const char *const internal_functions[] = {
	"kmem_cache_create_usercopy", "__kmem_cache_create", "__kmem_cache_create_args", "create_cache",
	"kmem_cache_create", "do_kmem_cache_create", "init_kmem_cache_nodes",
	"early_kmem_cache_node_alloc", "__kmem_cache_alias", "alloc_kmem_cache_stats",
};

static size_t function_length(const char *site)
{
	return strcspn(site, "+");
}

static bool is_internal(const char *site)
{
	size_t length = function_length(site);

	for (size_t i = 0; i < KMS_ARRAY_SIZE(internal_functions); i++)
		if (strlen(internal_functions[i]) == length &&
		    !memcmp(internal_functions[i], site, length))
			return true;
	return false;
}

/* ---- keys ---- */

static u32 *key_place(const struct kmem_import *im, u32 site, u64 req, u64 alloc)
{
	u64 at = (site * 0x9e3779b97f4a7c15ull) ^ (req * 0xc2b2ae3d27d4eb4full) ^ alloc * 0x165667b19e3779f9ull;

	for (at ^= at >> 31;; at++) {
		u32 *entry = &im->key_table[at & (im->key_capacity - 1)];
		const struct kmem_key *key = &im->keys[*entry - (*entry ? 1 : 0)];

		if (!*entry || (key->site == site && key->req == req && key->alloc == alloc))
			return entry;
	}
}

static bool grow_keys(struct kmem_import *im)
{
	u32 capacity = im->key_capacity ? 2 * im->key_capacity : 1024;
	struct kmem_key *keys = realloc(im->keys, capacity / 2 * sizeof(*keys));
	u32 *table = calloc(capacity, sizeof(*table));

	if (keys)
		im->keys = keys;
	if (!keys || !table) {
		free(table);
		return false;
	}
	free(im->key_table);
	im->key_table = table;
	im->key_capacity = capacity;
	for (u32 i = 0; i < im->nr_keys; i++)
		*key_place(im, keys[i].site, keys[i].req, keys[i].alloc) = i + 1;
	return true;
}

struct kmem_key *kmem_key_of(struct kmem_import *im, u32 site, u64 req, u64 alloc)
{
	u32 *entry;

	if (im->nr_keys == im->key_capacity / 2 && !grow_keys(im))
		return NULL;
	entry = key_place(im, site, req, alloc);
	if (!*entry) {
		im->keys[im->nr_keys] = (struct kmem_key){
			.site = site, .req = req, .alloc = alloc, .name = KMEM_NO_NAME, .cache = CACHE_NONE,
			.internal = is_internal(im->sites.texts[site]),
		};
		*entry = ++im->nr_keys;
	}
	return &im->keys[*entry - 1];
}

/* ---- names ---- */

static struct kmem_size *size_of_name(struct kmem_import *im, u32 name)
{
	if (name >= im->size_capacity) {
		u32 capacity = 2 * (name + 64);
		struct kmem_size *grown = realloc(im->sizes, capacity * sizeof(*grown));

		if (!grown)
			return NULL;
		memset(grown + im->size_capacity, 0, (capacity - im->size_capacity) * sizeof(*grown));
		im->sizes = grown;
		im->size_capacity = capacity;
	}
	return &im->sizes[name];
}

static bool learn_size(struct kmem_import *im, u32 name, const struct kmem_key *key)
{
	struct kmem_size *size = size_of_name(im, name);

	if (!size)
		return false;
	if (key->req > size->req)
		size->req = key->req; /* of a merged cache: the largest of its users */
	if (key->alloc > size->alloc)
		size->alloc = key->alloc;
	size->reclaimable |= key->reclaimable;
	return true;
}

int kmem_named(struct kmem_import *im, const struct kmem_event *ev, struct kmem_key *key, u32 *cache)
{
	if (key->name == KMEM_NO_NAME)
		key->name = ev->name;
	*cache = KMEM_BY_NAME | ev->name;
	return learn_size(im, ev->name, key) ? 0 : kmem_no_memory(im);
}

int kmem_learn(struct kmem_import *im, const struct kmem_event *ev, struct live *e)
{
	struct kmem_key *key = &im->keys[e->cache];

	if (!learn_size(im, ev->name, key))
		return kmem_no_memory(im);
	if (key->name == KMEM_NO_NAME)
		key->name = ev->name;
	if (key->name == ev->name)
		return 0;
	e->cache = KMEM_BY_NAME | ev->name;
	return spool_set_cache(&im->spool, e->record, e->cache, im->err);
}

static bool same_function(const struct kmem_import *im, u32 a, u32 b)
{
	const char *first = im->sites.texts[a], *second = im->sites.texts[b];
	size_t length = function_length(first);

	return length && length == function_length(second) && !memcmp(first, second, length);
}

/* The name of a cache that the key's objects probably are of. */
static u32 guess_name(const struct kmem_import *im, const struct kmem_key *key)
{
	u32 found = KMEM_NO_NAME, n = 0;

	for (u32 i = 0; i < im->nr_keys; i++) {
		const struct kmem_key *other = &im->keys[i];

		if (other->name == KMEM_NO_NAME || other->req != key->req || other->alloc != key->alloc)
			continue;
		if (same_function(im, key->site, other->site))
			return other->name;
		n += other->name != found;
		found = other->name;
	}
	return n == 1 ? found : KMEM_NO_NAME;
}

/* ---- caches ---- */

struct output {
	struct kmem_import *im;
	struct trace_writer *writer;
	struct kms_workload_info info;
	u32 *of_name; /* index into info.caches, CACHE_NONE, CACHE_INTERNAL */
	struct names unnamed;
	u32 *of_unnamed;
	u64 written;
};

static u64 align_up(u64 value, u64 align)
{
	return (value + align - 1) & ~(align - 1);
}

/*
 * Alignment and constructor that make SLUB give objects of req bytes alloc bytes
 * each: with a constructor, a free object's link stands behind it.
 */
static void explain_size(struct kms_cache_def *def, u64 req, u64 alloc)
{
	for (u32 link = 0; link <= 8; link += 8)
		for (u32 align = 8; align <= 4096; align *= 2)
			if (align_up(align_up(req, 8) + link, align) == alloc) {
				*def = (struct kms_cache_def){ .name = def->name, .object_size = (u32)req,
							       .align = align, .ctor = link != 0 };
				return;
			}
	*def = (struct kms_cache_def){ .name = def->name, .object_size = (u32)(alloc ? alloc : req),
				       .align = 8 };
}

/* named: the kernel kept it apart from the others, so replay must as well. */
static u32 add_cache(struct output *out, const char *name, u64 req, u64 alloc, bool reclaimable, bool named)
{
	struct kms_workload_info *info = &out->info;
	struct kms_cache_def *grown, *def;

	if (!req || req > MAX_OBJECT || alloc > MAX_OBJECT)
		return CACHE_NONE;
	grown = realloc(info->caches, (info->nr_caches + 1) * sizeof(*grown));
	if (!grown) {
		kmem_no_memory(out->im);
		return CACHE_NONE;
	}
	info->caches = grown;
	def = &grown[info->nr_caches];
	def->name = strdup(name);
	if (!def->name) {
		kmem_no_memory(out->im);
		return CACHE_NONE;
	}
	explain_size(def, req, alloc);
	def->flags = (reclaimable ? FLAG_RECLAIM_ACCOUNT : 0) | (named ? FLAG_NO_MERGE : 0);
	return info->nr_caches++;
}

static int name_caches(struct output *out)
{
	struct kmem_import *im = out->im;

	out->of_name = malloc((im->names.n + 1) * sizeof(*out->of_name));
	if (!out->of_name)
		return kmem_no_memory(im);
	for (u32 i = 0; i < im->names.n; i++) {
		const char *name = im->names.texts[i];
		const struct kmem_size *size = size_of_name(im, i);

		if (!size)
			return kmem_no_memory(im);
		if (!strcmp(name, "kmem_cache") || !strcmp(name, "kmem_cache_node"))
			out->of_name[i] = CACHE_INTERNAL;
		else
			out->of_name[i] = add_cache(out, name, size->req, size->alloc, size->reclaimable, true);
	}
	return im->err->code;
}

static u32 unnamed_cache(struct output *out, const struct kmem_key *key)
{
	const char *known = slab_list_find(out->im->slabs, key->req, key->alloc);
	u32 before = out->unnamed.n, *grown;
	char name[128];
	s64 i;

	for (u32 n = 0; known && n < out->im->names.n; n++)
		if (!strcmp(out->im->names.texts[n], known))
			return out->of_name[n];
	if (known)
		snprintf(name, sizeof(name), "%s", known);
	else
		snprintf(name, sizeof(name), "unnamed-%llu-%llu", (unsigned long long)key->req,
			 (unsigned long long)key->alloc);
	i = names_enter(&out->unnamed, name, strlen(name));
	if (i < before && i >= 0)
		return out->of_unnamed[i];
	grown = i < 0 ? NULL : realloc(out->of_unnamed, out->unnamed.n * sizeof(*grown));
	if (!grown) {
		kmem_no_memory(out->im);
		return CACHE_NONE;
	}
	out->of_unnamed = grown;
	return grown[i] = add_cache(out, name, key->req, key->alloc, key->reclaimable, known);
}

/* A key of page requests and kmalloc() has no cache, but also does no harm here. */
static bool of_caches(const struct kmem_key *key)
{
	return key->cached && !key->internal;
}

static int resolve_keys(struct output *out)
{
	struct kmem_import *im = out->im;

	for (u32 i = 0; i < im->nr_keys; i++)
		if (of_caches(&im->keys[i]) && im->keys[i].name != KMEM_NO_NAME)
			im->keys[i].cache = out->of_name[im->keys[i].name];
	for (u32 i = 0; i < im->nr_keys; i++) {
		struct kmem_key *key = &im->keys[i];
		u32 name;

		if (!of_caches(key) || key->name != KMEM_NO_NAME)
			continue;
		name = guess_name(im, key);
		key->cache = name == KMEM_NO_NAME ? unnamed_cache(out, key) : out->of_name[name];
	}
	return im->err->code;
}

static u32 resolve(const struct output *out, u32 cache)
{
	return cache & KMEM_BY_NAME ? out->of_name[cache & ~KMEM_BY_NAME] : out->im->keys[cache].cache;
}

/* ---- the trace ---- */

static int put(struct output *out, const struct spooled *rq)
{
	out->written++;
	return spool_write(out->writer, rq, out->im->err);
}

static int put_control(struct output *out, u8 op, u32 part, u32 cache)
{
	struct spooled rq = { .op = op, .part = part, .cache = cache, .node = -1 };

	return put(out, &rq);
}

static int put_one(void *arg, struct spooled *rq)
{
	struct output *out = arg;

	if (rq->dropped)
		return 0;
	if (rq->op == REQ_CACHE_ALLOC || rq->op == REQ_CACHE_FREE) {
		rq->cache = resolve(out, rq->cache);
		if (rq->cache >= CACHE_INTERNAL) {
			out->im->reasons[rq->cache == CACHE_INTERNAL ? KMEM_CACHE_STRUCTURE
								     : KMEM_UNKNOWN_SIZE]++;
			return 0;
		}
	}
	return put(out, rq);
}

#define GFP_KERNEL_BITS 0xcc0u

/* What the recorded machine held when the recording began, as far as its frees tell. */
static int put_old(struct output *out)
{
	struct kmem_import *im = out->im;
	int ret = 0;

	for (u64 i = 0; i < im->nr_old && !ret; i++) {
		const struct kmem_old *old = &im->old[i];
		struct spooled rq = { .op = old->page ? REQ_PAGE_ALLOC : REQ_CACHE_ALLOC, .slot = old->slot,
				      .gfp = GFP_KERNEL_BITS, .order = old->order, .node = -1 };

		if (!old->page) {
			rq.cache = out->of_name[old->name];
			if (rq.cache >= CACHE_INTERNAL) /* its free is left out for the same reason */
				continue;
			rq.size = out->info.caches[rq.cache].object_size;
		}
		ret = put(out, &rq);
	}
	return ret;
}

static int put_all(struct output *out)
{
	struct kmem_import *im = out->im;
	int ret = put_control(out, REQ_PHASE, 0, 0);

	for (u32 i = 0; i < out->info.nr_caches && !ret; i++)
		ret = put_control(out, REQ_CACHE_CREATE, 0, i);
	if (!ret)
		ret = put_old(out);
	if (!ret)
		ret = put_control(out, REQ_PHASE, 1, 0);
	return ret ? ret : spool_play(&im->spool, put_one, out, im->err);
}

/* ---- what is known of the recording ---- */

static const char *const reason_names[NR_KMEM_REASONS] = {
	[KMEM_SLAB_PAGE_ALLOC] = "page requests of the slab layer",
	[KMEM_SLAB_PAGE_FREE] = "page frees of the slab layer",
	[KMEM_CACHE_STRUCTURE] = "structures of slab caches",
	[KMEM_NULL_FREE] = "frees of nothing",
	[KMEM_FAILED] = "failed allocations",
	[KMEM_NO_ADDRESS] = "events without an address",
	[KMEM_UNKNOWN_SIZE] = "frees of objects from before the recording, of unknown size",
	[KMEM_UNSEEN_ALLOC] = "frees of what was allocated unseen (in bulk, or lost)",
};

static int leave_out(struct output *out, const char *what, u64 n)
{
	if (!n)
		return 0;
	out->im->result->outcomes += n;
	return workload_info_leave_out(&out->info, what, n) ? kmem_no_memory(out->im) : 0;
}

static int describe(struct output *out, const struct import_job *job, const char *kernel)
{
	const char *slash = strrchr(job->source, '/');
	struct kmem_import *im = out->im;
	struct kms_workload_info *info = &out->info;
	int ret = 0;

	if (asprintf(&info->source, "kmem events of %s", slash ? slash + 1 : job->source) < 0)
		info->source = NULL;
	info->kernel = strdup(kernel ? kernel : "");
	info->allocator = strdup("");
	info->nr_nodes = im->nr_nodes;
	if (!info->source || !info->kernel || !info->allocator)
		return kmem_no_memory(im);
	info->sites = im->sites.texts;
	info->nr_sites = im->sites.n;
	im->sites.texts = NULL;
	im->sites.n = 0;
	for (u32 i = 0; i < NR_KMEM_KINDS && !ret; i++)
		ret = leave_out(out, kmem_event_names[i], im->steps[i]);
	for (u32 i = 0; i < NR_KMEM_REASONS && !ret; i++)
		ret = leave_out(out, reason_names[i], im->reasons[i]);
	return ret;
}

static void count_live(struct kmem_import *im)
{
	im->result->live_at_end = im->objects.n;
	for (u64 i = 0; i < im->blocks.capacity; i++)
		im->result->live_at_end += im->blocks.table[i].key && !im->blocks.table[i].kind;
}

static int write_trace(struct output *out, const struct import_job *job, const char *kernel)
{
	struct kmem_import *im = out->im;
	struct trace_writer *w;
	int ret = name_caches(out);

	if (!ret)
		ret = resolve_keys(out);
	if (!ret && (workload_info_add_phase(&out->info, "start") < 0 ||
		     workload_info_add_phase(&out->info, "recording") < 0))
		ret = kmem_no_memory(im);
	if (!ret)
		ret = trace_writer_open(&out->writer, job->output, im->nr_cpus, im->err);
	if (!ret)
		ret = put_all(out);
	if (!ret)
		ret = describe(out, job, kernel);
	if (ret)
		return ret;
	im->result->requests = out->written;
	w = out->writer;
	out->writer = NULL; /* gone, whatever becomes of it */
	return trace_writer_finish(w, &out->info, im->err);
}

int kmem_finish(struct kmem_import *im, const struct import_job *job, const char *kernel)
{
	struct output out = { .im = im };
	int ret;

	if (!im->result->events)
		return kms_fail(im->err, KMS_EUSAGE, "'%s' has no kmem event, expected events such as kmalloc or mm_page_alloc",
				job->source);
	count_live(im);
	ret = write_trace(&out, job, kernel);
	trace_writer_abort(out.writer);
	workload_info_free(&out.info);
	names_free(&out.unnamed);
	free(out.of_unnamed);
	free(out.of_name);
	return ret;
}
