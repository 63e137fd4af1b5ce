/*
 * scenarios.c - lab "scenarios": a request that fits a power of two, and one
 * just above it. The page allocator's blocks before and after each.
 */
#include <stdio.h>

#include "sim/labs/lab.h"

#define GFP_KERNEL_BITS 0xcc0u
#define ORDERS 11
#define BLOCK(order) (4096ull << (order))

struct request {
	struct lab_run *r;
	struct sandbox *box;
	u64 bytes;
	void *memory;
};

static void allocate(void *arg)
{
	struct request *q = arg;

	q->memory = q->box->slab->kmalloc(q->bytes, GFP_KERNEL_BITS, -1);
}

static void release(void *arg)
{
	struct request *q = arg;

	q->box->slab->kfree(q->memory);
}

static void count_blocks(u64 blocks[ORDERS])
{
	struct mm_zone_info zones[16];
	u32 n = mm_inspect_zones(zones, 16);

	for (u32 order = 0; order < ORDERS; order++) {
		blocks[order] = 0;
		for (u32 z = 0; z < n && z < 16; z++)
			blocks[order] += zones[z].nr_free[order];
	}
}

static void show_blocks(struct lab_run *r, const char *key, const u64 before[ORDERS], const u64 after[ORDERS])
{
	static const char *const headings[] = {"order", "block", "free before", "free after"};
	char cells[4][32];
	const char *row[4] = {cells[0], cells[1], cells[2], cells[3]};

	lab_table_begin(r, key, headings, 4);
	for (u32 order = 0; order < ORDERS; order++) {
		snprintf(cells[0], sizeof(cells[0]), "%u", order);
		snprintf(cells[1], sizeof(cells[1]), "%llu KiB", (unsigned long long)BLOCK(order) >> 10);
		snprintf(cells[2], sizeof(cells[2]), "%llu", (unsigned long long)before[order]);
		snprintf(cells[3], sizeof(cells[3]), "%llu", (unsigned long long)after[order]);
		lab_table_row(r, row);
	}
	lab_table_end(r);
}

static u32 order_of(u64 bytes)
{
	u32 order = 0;

	while (BLOCK(order) < bytes)
		order++;
	return order;
}

/* Allocates and frees; the figures are named NAME_order, NAME_lost ... */
static int scenario(struct lab_run *r, const char *name, u64 bytes, u64 *held, struct kms_error *err)
{
	struct request q = {.r = r, .bytes = bytes};
	u64 before[ORDERS], after[ORDERS];
	char figure[64];
	int rc;

	q.box = lab_sandbox(r, err);
	if (!q.box)
		return KMS_EFAIL;
	count_blocks(before);
	rc = lab_do(r, allocate, &q, err);
	if (rc)
		return rc;
	if (!q.memory)
		return kms_fail(err, KMS_EFAIL, "%llu bytes were not to be had", (unsigned long long)bytes);
	count_blocks(after);
	*held = mm_object_held_bytes(NULL, q.memory);
	lab_say(r, "%s: %llu KiB asked for; the page allocator gives a block of order %u, %llu KiB. Lost: %llu KiB.",
		name, (unsigned long long)bytes >> 10, order_of(*held), (unsigned long long)*held >> 10,
		(unsigned long long)(*held - bytes) >> 10);
	show_blocks(r, name, before, after);
	snprintf(figure, sizeof(figure), "%s_order", name);
	lab_value(r, figure, "", order_of(*held));
	snprintf(figure, sizeof(figure), "%s_lost", name);
	lab_value(r, figure, "bytes", (double)(*held - bytes));
	snprintf(figure, sizeof(figure), "%s_lost_percent", name);
	lab_value(r, figure, "%", 100.0 * (double)(*held - bytes) / (double)*held);
	return lab_do(r, release, &q, err);
}

static int run(struct lab_run *r, struct kms_error *err)
{
	u64 exact = (u64)lab_param(r, "exact_kib") << 10, above = (u64)lab_param(r, "above_kib") << 10;
	u64 exact_held = 0, above_held = 0;
	int rc = scenario(r, "exact", exact, &exact_held, err);

	if (!rc)
		rc = scenario(r, "above", above, &above_held, err);
	if (rc)
		return rc;
	lab_check_book(r, "128 KiB are a block of order 5", order_of(exact_held), 5);
	lab_check_book(r, "132 KiB are a block of order 6", order_of(above_held), 6);
	lab_check_book(r, "132 KiB lose 124 KiB", (double)(above_held - above), 124 * 1024);
	lab_check(r, "a power of two loses nothing", (double)(exact_held - exact), 0);
	lab_check(r, "the next larger block is twice as large", (double)above_held, 2.0 * (double)exact_held);
	return 0;
}

const struct lab lab_scenarios = {.name = "scenarios", .run = run};
