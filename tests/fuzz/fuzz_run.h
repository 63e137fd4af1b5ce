/*
 * fuzz_run.h - for the fuzzers that carry out whole runs: an experiment given as
 * text, run into a database in memory. Inputs are fuzz.h's business.
 */
#ifndef TESTS_FUZZ_FUZZ_RUN_H
#define TESTS_FUZZ_FUZZ_RUN_H

#include "sim/config/cfg.h"
#include "sim/config/experiment.h"
#include "sim/run/run.h"
#include "tests/fuzz/fuzz.h"

/* settings: n "path=value" texts over the experiment's. Returns what loading or the run returned. */
static inline int fuzz_run(const char *text, const char *const *settings, size_t n,
			   const struct run_options *options, struct kms_error *err)
{
	static struct experiment_config config;
	struct store *store;
	struct cfg *cfg;
	char *json;
	s64 id = 0;
	int rc;

	rc = cfg_load_text(&cfg, &experiment_config_table, &config, text, "text", ".", settings, n, err);
	if (rc)
		return rc;
	json = cfg_resolved(cfg);
	rc = store_open(&store, ":memory:", STORE_WRITE, err);
	if (!rc) {
		rc = run_experiment(&config, json, store, options, &id, err);
		store_close(store, NULL);
	}
	free(json);
	cfg_free(cfg);
	return rc;
}

#endif
