/*
 * step.c - `kmemsim step CONFIG`: a workload request by request; the work is in sim/teach/step*.c.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/internal.h"
#include "sim/teach/step.h"

/* The run's rows are of no use to anybody: they go to a database that has no name any more. */
static int nameless_store(struct store **store, struct kms_error *err)
{
	const char *tmp = getenv("TMPDIR");
	char path[512], side[520];
	int fd, rc;

	snprintf(path, sizeof(path), "%s/kmemsim-step-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	fd = mkstemp(path);
	if (fd < 0)
		return kms_fail(err, KMS_EFAIL, "cannot write into %s (TMPDIR)", tmp && *tmp ? tmp : "/tmp");
	close(fd);
	unlink(path);
	rc = store_open(store, path, STORE_WRITE, err);
	unlink(path);
	snprintf(side, sizeof(side), "%s-wal", path);
	unlink(side);
	snprintf(side, sizeof(side), "%s-shm", path);
	unlink(side);
	return rc;
}

static int walk(struct cli *cli, struct step *s, struct kms_error *err)
{
	const char *script = cli_value(cli, "script", NULL);
	int rc = nameless_store(&s->store, err);

	if (rc)
		return rc;
	rc = script ? step_script(s, script, err) : step_screen(s, err);
	step_free(s);
	store_close(s->store, NULL);
	return rc;
}

static int run_step(struct cli *cli, struct kms_error *err)
{
	struct experiment_config config;
	struct step s = {.config = &config, .out = stdout, .interrupted = &cli_interrupted};
	const char *const *settings;
	struct cfg *cfg = NULL;
	char *json = NULL;
	size_t n;
	int rc;

	if (!cli_value(cli, "script", NULL) && (!isatty(0) || !isatty(1)))
		return kms_fail(err, KMS_EUSAGE, "standard input or output is no terminal; expected --script 'n 3; slow; show zone'");
	settings = cli_values(cli, "set", &n);
	rc = cfg_load(&cfg, &experiment_config_table, &config, cli->args[0], settings, n, err);
	if (!rc) {
		json = cfg_resolved(cfg);
		config.sampling.samples = 1;
		s.config_json = json;
		rc = json ? walk(cli, &s, err) : kms_fail(err, KMS_EFAIL, "out of memory");
	}
	free(json);
	cfg_free(cfg);
	return rc;
}

static const struct cli_option options[] = {
	{"script", 0, "COMMANDS", "plain text: carry out these commands, ';' between them (help lists them)"},
	{"set", 's', "PATH=VALUE", "override a key, as `run --set`; may be repeated"},
	{NULL, 0, NULL, NULL},
};

const struct cli_verb cli_verb_step = {
	.name = "step",
	.args = "CONFIG",
	.summary = "walk through a workload request by request, forward and back",
	.examples = "kmemsim step configs/experiments/slub-up.json        on the whole terminal\n"
		    "kmemsim step configs/experiments/synthetic.json --script 'n 3; slow; show zone'\n"
		    "kmemsim step configs/experiments/slub-up.json --script 'find mm_expand; show all; b; show slab'\n",
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.run = run_step,
};
