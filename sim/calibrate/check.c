/*
 * check.c - the chases of host.c on the simulated machine.
 *
 * The words lie in simulated RAM and are real pointers, so that the core model
 * sees what a program's chase shows it.
 */
#include <stdlib.h>
#include <string.h>

#include "models/hw/machine.h"
#include "models/rt/rt.h"
#include "sim/calibrate/calibrate.h"
#include "sim/config/cfg.h"
#include "sim/engine/engine.h"
#include "sim/engine/ram.h"
#include "sim/engine/rng.h"

#define LINE 64ull
#define LOADS 40000u
#define MOST_WARM (1u << 20) /* lines */
#define FIRST (64ull << 20) /* where the buffer starts */

struct walk {
	u64 at;
	u32 loads;
	kms_ps time;
};

static void walk(void *arg)
{
	struct walk *w = arg;
	struct sim_cpu *cpu = sim_this_cpu();
	kms_ps start = cpu->clock;

	for (u32 i = 0; i < w->loads; i++) {
		sim_access(w->at, 8, SIM_READ);
		w->at = ram_off(*(void **)ram_ptr(w->at));
	}
	w->time = cpu->clock - start;
}

static u64 make_cycle(u64 bytes, u32 *order, gsl_rng *rng)
{
	u64 n = bytes / LINE;

	calibrate_cycle(order, n, rng);
	for (u64 i = 0; i < n; i++)
		*(void **)ram_ptr(FIRST + order[i] * LINE) = ram_ptr(FIRST + order[(i + 1) % n] * LINE);
	return FIRST + order[0] * LINE;
}

/* Once through the whole buffer, then some loads that count. */
static int one_size(u64 bytes, u32 *order, gsl_rng *rng, double *ns, struct kms_error *err)
{
	u64 lines = bytes / LINE;
	struct walk w = {.at = make_cycle(bytes, order, rng), .loads = (u32)(lines < MOST_WARM ? lines : MOST_WARM)};
	int rc = 0;

	for (u32 round = 0; round < 2 && !rc; round++) {
		rc = sim_thread_start(0, "chase", walk, &w) ? engine_run(err) :
							      kms_fail(err, KMS_EFAIL, "out of memory");
		w.loads = round ? w.loads : LOADS;
	}
	*ns = (double)w.time / LOADS / 1000;
	return rc;
}

static int run_all(const struct calibrate_host *h, double *chase, struct kms_error *err)
{
	u32 *order = malloc((h->size[h->nr_sizes - 1] / LINE + 1) * sizeof(*order));
	gsl_rng *rng = rng_open(1, "calibrate");
	int rc = order ? 0 : kms_fail(err, KMS_EFAIL, "out of memory");

	for (u32 i = 0; i < h->nr_sizes && !rc; i++)
		rc = one_size(h->size[i], order, rng, &chase[i], err);
	gsl_rng_free(rng);
	free(order);
	return rc;
}

int calibrate_simulate(const struct calibrate_host *h, const char *text, double chase[CALIBRATE_SIZES],
		       struct kms_error *err)
{
	struct machine_config config;
	struct engine_config engine = {.nr_cpus = 1, .lock_part = PART_LOCK, .access = machine_access};
	struct machine *machine = NULL;
	struct cfg *cfg;
	int rc;

	if (!h->nr_sizes)
		return kms_fail(err, KMS_EFAIL, "there is nothing measured to compare with");
	rc = cfg_load_text(&cfg, &machine_config_table, &config, text, "the measured machine", ".", NULL, 0, err);
	if (rc)
		return rc;
	config.cpus = 1;
	rc = ram_map(FIRST + 2 * h->size[h->nr_sizes - 1], 4096, 4096, err);
	if (!rc)
		rc = engine_init(&engine, err);
	if (!rc)
		rc = machine_new(&machine, &config, 1, err);
	if (!rc) {
		machine_attach(machine);
		rc = run_all(h, chase, err);
	}
	machine_free(machine);
	engine_exit();
	ram_unmap();
	cfg_free(cfg);
	return rc;
}
