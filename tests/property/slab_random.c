/*
 * The random sequences of slub_random.c for SLAB: arrays, shared and alien
 * arrays, the reaper, on one node and on two.
 */
#define RANDOM_POLICY "slab"
#include "tests/property/slub_random.c"
