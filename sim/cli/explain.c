/*
 * explain.c - `kmemsim explain CALL`; the work is in sim/teach/explain.c.
 */
#include "sim/cli/internal.h"
#include "sim/teach/explain.h"

static int run_explain(struct cli *cli, struct kms_error *err)
{
	static struct explained x;
	struct sandbox_options options = {
		.experiment = cli_value(cli, "config", NULL),
		.machine = cli_value(cli, "machine", NULL),
		.slab = cli_value(cli, "policy", NULL),
	};
	int rc;

	options.settings = cli_values(cli, "set", &options.nr_settings);
	rc = explain(&x, cli->args[0], &options, err);
	if (!rc && cli->json)
		explain_json(&x, stdout);
	else if (!rc)
		explain_print(&x, stdout, cli_flag(cli, "lines"));
	explained_free(&x);
	return rc;
}

static const struct cli_option options[] = {
	{"policy", 0, "NAME", "slab layer (`kmemsim policies` lists them) [slub]"},
	{"machine", 'm', "FILE", "machine JSON [configs/machines/desktop-4cpu.json]"},
	{"config", 'c', "FILE", "take machine and allocator from an experiment"},
	{"set", 's', "PATH=VALUE", "override a key, as `run --set`; may be repeated"},
	{"lines", 0, NULL, "show every cache line that was touched"},
	{NULL, 0, NULL, NULL},
};

const struct cli_verb cli_verb_explain = {
	.name = "explain",
	.args = "CALL",
	.summary = "carry out one allocator call and tell what happens, step by step",
	.examples = "kmemsim explain 'kmalloc(132K)'                       why 124 KiB are lost\n"
		    "kmemsim explain 'kmalloc(100, GFP_ATOMIC)' --policy slab --lines\n"
		    "kmemsim explain 'kmem_cache_create(mine, 328, 0, SLAB_RED_ZONE|SLAB_POISON|SLAB_HWCACHE_ALIGN)'\n"
		    "kmemsim explain 'alloc_pages(3, GFP_KERNEL)'          a block of 8 pages\n"
		    "kmemsim explain 'alloc_pages_exact(33K)' --json       for programs\n",
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.run = run_explain,
};
