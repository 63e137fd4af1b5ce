/*
 * shrink.c - the workload's slab objects that reclaim may have (workload.shrink).
 *
 * Each named slab cache is a shrinker (models/mm/shrinker.c). Its objects wait by
 * node in the order in which they were made: a trace does not tell when one was
 * last used. The allocators ask here how many there are and for some to be
 * freed; the workload's own free of such an object, when it comes, does nothing.
 */
#include "sim/run/internal.h"

#include <stdlib.h>
#include <string.h>

#define SHRINKERS 8u
#define MAX_NODES 64u

/* References in order of age; those whose objects are freed otherwise stay until they are reached. */
struct queue {
	struct kms_object_ref *refs;
	u64 first, n, room; /* room is a power of two */
	u64 live;
};

struct shrinkers {
	u32 n;
	u32 cache[SHRINKERS]; /* of the trace */
	struct queue queues[SHRINKERS][MAX_NODES];
};

static struct queue *queue_of(struct run *run, const struct object *object)
{
	struct shrinkers *s = run->shrinkers;

	for (u32 i = 0; s && i < s->n; i++)
		if (s->cache[i] == object->cache)
			return &s->queues[i][mm_object_node(object->memory) % MAX_NODES];
	return NULL;
}

static bool queue_grow(struct queue *q)
{
	u64 room = q->room ? q->room * 2 : 1024;
	struct kms_object_ref *refs = malloc(room * sizeof(*refs));

	if (!refs)
		return false;
	for (u64 i = 0; i < q->n; i++)
		refs[i] = q->refs[(q->first + i) & (q->room - 1)];
	free(q->refs);
	*q = (struct queue){ .refs = refs, .n = q->n, .room = room, .live = q->live };
	return true;
}

void shrink_adds(struct run *run, const struct object *object, struct kms_object_ref ref)
{
	struct queue *q = run->shrinkers ? queue_of(run, object) : NULL;

	if (!q)
		return;
	if (q->n == q->room && !queue_grow(q)) {
		run->replay.out_of_memory = true;
		return;
	}
	q->refs[(q->first + q->n++) & (q->room - 1)] = ref;
	q->live++;
}

void shrink_loses(struct run *run, const struct object *object)
{
	struct queue *q = run->shrinkers ? queue_of(run, object) : NULL;

	if (q)
		q->live--;
}

u64 shrink_count(void *arg, u32 shrinker, u32 node)
{
	const struct run *run = arg;

	return run->shrinkers && shrinker < run->shrinkers->n ?
		       run->shrinkers->queues[shrinker][node % MAX_NODES].live : 0;
}

/* Other CPUs run while an object is freed: nothing may be kept across that. */
u64 shrink_scan(void *arg, u32 shrinker, u32 node, u64 n)
{
	struct run *run = arg;
	struct queue *q;
	u64 freed = 0;

	if (!run->shrinkers || shrinker >= run->shrinkers->n)
		return 0;
	q = &run->shrinkers->queues[shrinker][node % MAX_NODES];
	while (freed < n && q->n) {
		struct object *object = objects_find(&run->objects, q->refs[q->first & (q->room - 1)]);
		void *memory;
		u32 cache;

		q->first++;
		q->n--;
		if (!object || object->state != OBJECT_LIVE || object->cache != run->shrinkers->cache[shrinker])
			continue;
		q->live--;
		memory = object->memory;
		cache = object->cache;
		account_free_object(&run->account, object);
		object->state = OBJECT_GONE;
		run->slab->cache_free(run->caches[cache], memory);
		run->owner.shrunk++;
		freed++;
	}
	return freed;
}

/* Objects that a state of memory holds. */
static void queue_held(struct run *run)
{
	for (u64 slot = 0; slot < run->objects.used; slot++) {
		const struct object *object = &run->objects.slots[slot];

		if (object->state == OBJECT_LIVE)
			shrink_adds(run, object, (struct kms_object_ref){ (u32)slot, object->generation });
	}
}

int shrink_start(struct run *run, struct kms_error *err)
{
	const struct cfg_array *names = &run->config->workload.shrink;
	struct shrinkers *s;

	if (!names->n || run->config->workload.reclaim != RECLAIM_OWN)
		return 0;
	s = run->shrinkers = calloc(1, sizeof(*s));
	if (!s)
		return kms_fail(err, KMS_EFAIL, "no memory for shrinkers");
	for (; s->n < names->n; s->n++) {
		while (s->cache[s->n] < run->info->nr_caches &&
		       strcmp(run->info->caches[s->cache[s->n]].name, ((char **)names->items)[s->n]))
			s->cache[s->n]++;
		if (!run->state)
			mm_ops_plain.register_shrinker(SEEKS_DEFAULT, 0);
	}
	queue_held(run);
	return 0;
}

void shrink_stop(struct run *run)
{
	struct shrinkers *s = run->shrinkers;

	for (u32 i = 0; s && i < SHRINKERS; i++)
		for (u32 node = 0; node < MAX_NODES; node++)
			free(s->queues[i][node].refs);
	free(s);
	run->shrinkers = NULL;
}

int shrink_check(const struct run *run, struct kms_error *err)
{
	const struct cfg_array *names = &run->config->workload.shrink;
	const struct kms_workload_info *info = run->info;

	if (names->n > SHRINKERS)
		return kms_fail(err, KMS_EUSAGE, "workload.shrink: expected at most %u slab caches, found %zu",
				SHRINKERS, names->n);
	if (names->n && run->config->workload.reclaim != RECLAIM_OWN)
		return kms_fail(err, KMS_EUSAGE,
				"workload.shrink: only with \"reclaim\": \"own\" does the workload give anything back");
	for (size_t i = 0; i < names->n; i++) {
		const char *name = ((char **)names->items)[i], *near;
		const char **known;
		u32 c = 0;

		while (c < info->nr_caches && strcmp(info->caches[c].name, name))
			c++;
		if (c < info->nr_caches)
			continue;
		known = calloc(info->nr_caches + 1, sizeof(*known));
		for (c = 0; known && c < info->nr_caches; c++)
			known[c] = info->caches[c].name;
		near = known ? kms_nearest(name, known, info->nr_caches) : NULL;
		kms_fail(err, KMS_EUSAGE, "workload.shrink: the workload has no slab cache '%s'%s%s%s", name,
			 near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
		free(known);
		return err->code;
	}
	return 0;
}
