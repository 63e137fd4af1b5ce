/*
 * engine_fixture.h - one engine and some RAM for a test.
 *
 * The model charges a fixed price per kind of access and keeps a log, so that
 * clocks can be worked out by hand.
 */
#ifndef TESTS_UNIT_ENGINE_FIXTURE_H
#define TESTS_UNIT_ENGINE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/engine/engine.h"
#include "sim/engine/ram.h"

#define FIX_READ_PS 10
#define FIX_WRITE_PS 20
#define FIX_ATOMIC_PS 100
#define FIX_LOCAL_PS 50
#define FIX_PREFETCH_PS 1
#define FIX_LOCK_PART 8
#define FIX_LOG 4096

enum { FIX_PART_READ, FIX_PART_WRITE, FIX_PART_ATOMIC, FIX_PART_OTHER };

struct fix_access {
	u32 cpu;
	u64 off;
	u32 size;
	enum sim_access kind;
	kms_ps at; /* clock after the charge */
};

static struct fix_access fix_log[FIX_LOG];
static u32 fix_logged;

static void fix_model(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind)
{
	static const kms_ps price[] = {FIX_READ_PS, FIX_WRITE_PS, FIX_ATOMIC_PS, FIX_LOCAL_PS,
				       FIX_PREFETCH_PS};

	sim_charge(cpu, kind <= SIM_ATOMIC ? (u32)kind : FIX_PART_OTHER, price[kind]);
	if (fix_logged < FIX_LOG)
		fix_log[fix_logged++] = (struct fix_access){cpu->id, off, size, kind, cpu->clock};
}

static inline void fix_start_limited(u32 nr_cpus, kms_ps time_limit)
{
	struct engine_config config = {
	    .nr_cpus = nr_cpus,
	    .lock_part = FIX_LOCK_PART,
	    .access = fix_model,
	    .time_limit = time_limit,
	};

	fix_logged = 0;
	assert_int_equal(ram_map(1 << 20, 64 << 10, 0x40000, NULL), 0);
	assert_int_equal(engine_init(&config, NULL), 0);
}

static inline void fix_start(u32 nr_cpus)
{
	fix_start_limited(nr_cpus, 0);
}

/* Every CPU's parts add up to its busy time. */
static inline void fix_check_parts(void)
{
	for (u32 i = 0; i < engine_nr_cpus(); i++) {
		const struct sim_cpu *cpu = engine_cpu(i);
		kms_ps sum = 0;

		for (u32 p = 0; p < SIM_MAX_PARTS; p++)
			sum += cpu->part[p];
		assert_int_equal(sum, cpu->clock - cpu->idle);
	}
}

static inline void fix_end(void)
{
	engine_exit();
	ram_unmap();
}

static inline void fix_run(void)
{
	struct kms_error err = {KMS_OK, ""};

	if (engine_run(&err))
		fail_msg("the run failed: %s", err.text);
	fix_check_parts();
}

#endif
