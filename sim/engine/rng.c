/*
 * rng.c - seeds GSL's Mersenne Twister (period 2^19937 - 1) per use.
 *
 * GSL takes 32 bits of seed for this generator, so the 64-bit seed and the
 * name of the use go through a full mix: two uses share a stream with
 * probability 2^-32.
 */
#include "sim/engine/rng.h"

/* FNV-1a, 64 bits. */
static u64 hash_text(const char *s)
{
	u64 h = 0xcbf29ce484222325ull;

	for (; *s; s++)
		h = (h ^ (u8)*s) * 0x100000001b3ull;
	return h;
}

/* The finalizer of splitmix64: every input bit reaches every output bit. */
static u64 mix(u64 x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

gsl_rng *rng_open(u64 seed, const char *use)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	u32 bits = (u32)(mix(mix(seed) ^ hash_text(use)) >> 32);

	/* GSL reads a seed of 0 as its default seed */
	gsl_rng_set(rng, bits ? bits : 1);
	return rng;
}
