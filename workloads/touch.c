/*
 * touch.c - see touch.h.
 */
#include "workloads/touch.h"

#include <xxhash.h>

bool touch_init(struct touch *t, const struct touch_config *config, u64 seed)
{
	*t = (struct touch){.config = config, .seed = seed, .rng = gsl_rng_alloc(gsl_rng_taus2)};
	return t->rng && dist_init(&t->write, &config->write_share) && dist_init(&t->read, &config->read_share);
}

void touch_free(struct touch *t)
{
	dist_free(&t->write);
	dist_free(&t->read);
	if (t->rng)
		gsl_rng_free(t->rng);
	*t = (struct touch){0};
}

static bool never(const struct dist_config *share)
{
	return share->kind == DIST_CONSTANT && !(share->a > 0);
}

bool touch_any(const struct touch *t, bool write)
{
	if (write ? t->config->write_bytes : t->config->read_bytes)
		return true;
	return !never(write ? &t->config->write_share : &t->config->read_share);
}

u64 touch_reach(struct touch *t, bool write, u64 seq, u32 i, u64 size)
{
	u64 bytes = write ? t->config->write_bytes : t->config->read_bytes, by_share;
	const struct dist *share = write ? &t->write : &t->read;
	u64 key[] = {t->seed, seq, (u64)i << 1 | write};
	double part;

	bytes = bytes < size ? bytes : size;
	if (never(share->config))
		return bytes;
	gsl_rng_set(t->rng, XXH3_64bits(key, sizeof(key)) | 1);
	part = dist_draw(share, t->rng);
	by_share = part >= 1 ? size : part > 0 ? (u64)(part * (double)size + 0.5) : 0;
	return by_share > bytes ? by_share : bytes;
}
