/*
 * slab_bug.c - what SLUB's debug options found, in words.
 *
 * The allocators describe a defect (struct kms_slab_bug, kernel.h); here it
 * becomes one line of text and ends the run as kms_bug() does.
 */
#include "models/rt/rt_internal.h"
#include "models/mm/inspect.h"
#include "models/mm/mm_types.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BOOT_CACHE (1ull << 63) /* in a name id: one of the slab layer's own caches */
#define JIFFIES_PER_SECOND 250

static const char *(*name_of)(void *arg, u64 id);
static void *name_arg;

void rt_set_cache_names(const char *(*name)(void *arg, u64 id), void *arg)
{
	name_of = name;
	name_arg = arg;
}

/* Text that grows at its end and is cut off where it is full. */
struct line {
	char *text;
	size_t used, size;
};

static void add(struct line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct line *l, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(l->text + l->used, l->size - l->used, format, args);
	va_end(args);
	l->used += n < 0 ? 0 : (size_t)n < l->size - l->used ? (size_t)n : l->size - l->used - 1;
}

static void add_cache(struct line *l, u64 id)
{
	const char *name = id & BOOT_CACHE ? mm_boot_cache_name(id & ~BOOT_CACHE) :
			   name_of ? name_of(name_arg, id) : NULL;

	if (name)
		add(l, "slab cache %s: ", name);
	else
		add(l, "slab cache id %llu: ", (unsigned long long)id);
}

static void add_user(struct line *l, const struct kms_slab_bug *bug, u32 which)
{
	static const char *const did[] = { "allocated", "freed" };

	if (!bug->operation[which]) {
		add(l, "; never %s", did[which]);
		return;
	}
	add(l, "; %s by CPU %u in operation %llu", did[which], bug->cpu[which],
	    (unsigned long long)bug->operation[which]);
	if (bug->when[which])
		add(l, " at %.3f s", (double)bug->when[which] / JIFFIES_PER_SECOND);
}

void kms_slab_bug_text(const struct kms_slab_bug *bug, char *text, u32 n)
{
	struct line l = { .text = text, .size = n };

	add_cache(&l, bug->cache);
	add(&l, "%s: object 0x%llx", bug->what, (unsigned long long)bug->object);
	if (bug->bytes)
		add(&l, ", offset %lld: found 0x%02x, expected 0x%02x (%u %s)", (long long)bug->offset,
		    bug->found, bug->expected, bug->bytes, bug->bytes == 1 ? "byte" : "bytes");
	else if (bug->offset)
		add(&l, ", offset %lld: found 0x%llx, expected 0 or a free object of its slab",
		    (long long)bug->offset, (unsigned long long)bug->word);
	for (u32 i = 0; bug->tracked && i < 2; i++)
		add_user(&l, bug, i);
	if (bug->doing)
		add(&l, "; found %s", bug->doing);
}

void kms_slab_bug(const struct kms_slab_bug *bug)
{
	char text[512];
	u32 n;

	kms_slab_bug_text(bug, text, sizeof(text));
	rt_replay_bug("slub_debug", 0, text);
	n = (u32)strlen(text);
	n += (u32)snprintf(text + n, sizeof(text) - n, " on CPU %u", kms_smp_processor_id());
	if (engine_running() && n < sizeof(text))
		snprintf(text + n, sizeof(text) - n, " at %llu ps", (unsigned long long)engine_now());
	rt_fail(text);
}

u64 kms_operation(void)
{
	return rt_op(kms_smp_processor_id())->number;
}

u64 kms_jiffies(void)
{
	return engine_running() ? engine_now() / (1000000000000ull / JIFFIES_PER_SECOND) : 0;
}
