/*
 * trace.c - verb `trace`: its actions and their options. What they do lies in
 * trace_print.c, trace_edit.c, trace_fit.c and trace_minimise.c.
 */
#include "sim/cli/trace.h"

#include <string.h>

static const struct action {
	const char *name;
	const char *args;    /* after the name */
	int min_args, max_args; /* likewise; max -1: any number */
	const char *options; /* " output from " */
	int (*run)(struct cli *cli, struct kms_error *err);
} actions[] = {
	{"info", "FILE", 1, 1, " top ", cli_trace_info},
	{"cut", "FILE", 1, 1, " output from to phase cpu cache live ", cli_trace_cut},
	{"cat", "FILE", 1, 1, " ", cli_trace_cat},
	{"pack", "TEXT", 1, 1, " output ", cli_trace_pack},
	{"anonymise", "FILE", 1, 1, " output keep-caches keep-phases coarsen ", cli_trace_anonymise},
	{"merge", "FILE...", 2, -1, " output same-cpus ", cli_trace_merge},
	{"make", "CONFIG", 1, 1, " output set seed ", cli_trace_make},
	{"fit", "FILE", 1, 1, " output rare sweep seed ", cli_trace_fit},
	{"minimise", "FILE", 1, 1, " output keep config set command max-runs check ", cli_trace_minimise},
};

#define NR_ACTIONS KMS_ARRAY_SIZE(actions)

static const struct cli_option options[] = {
	{"output", 'o', "FILE", "file to write"},
	{"from", 0, "TIME", "cut: from this recorded time on, as 1.5s or 200ms"},
	{"to", 0, "TIME", "cut: up to this recorded time"},
	{"phase", 0, "NAME", "cut: only this phase; may be repeated"},
	{"cpu", 0, "N", "cut: only this CPU's allocations; may be repeated"},
	{"cache", 0, "NAME", "cut: only this slab cache, or kmalloc, or pages; may be repeated"},
	{"live", 0, NULL, "cut: allocate first what is alive at the beginning"},
	{"keep-caches", 0, NULL, "anonymise: slab caches keep their names"},
	{"keep-phases", 0, NULL, "anonymise: phases keep their names"},
	{"coarsen", 0, "TIME", "anonymise: round times down to multiples of this"},
	{"same-cpus", 0, NULL, "merge: onto the same CPUs instead of one's own for each file"},
	{"set", 0, "PATH=VALUE", "make, minimise: override one value of the configuration; may be repeated"},
	{"seed", 0, "N", "make, fit: seed of the drawn workload [make: the configuration's, fit: 1]"},
	{"rare", 0, "SHARE", "fit: call sites below this share of a phase's allocations lose their name [0.002]"},
	{"sweep", 0, "N", "fit: so many frees together are a process's end or an unmount, and kept together [128]"},
	{"keep", 0, "WHAT", "minimise: what must still be so: METRIC>VALUE (also <, >=, <=), fails, or fails=TEXT"},
	{"config", 0, "FILE", "minimise: experiment that is run with the shortened trace"},
	{"command", 0, "COMMAND", "minimise: shell command that exits with 0 where it is still so; {} is the trace"},
	{"max-runs", 0, "N", "minimise: give up shortening after so many runs [300]"},
	{"check", 0, NULL, "minimise: verify all invariants at every sample"},
	{"top", 0, "N", "info: rows of call sites and slab caches [10]"},
	{NULL, 0, NULL, NULL},
};

static const struct action *find(const char *name, struct kms_error *err)
{
	const char *names[NR_ACTIONS];

	for (size_t i = 0; i < NR_ACTIONS; i++) {
		names[i] = actions[i].name;
		if (!strcmp(name, names[i]))
			return &actions[i];
	}
	cli_unknown(err, "action", name, names, NR_ACTIONS);
	return NULL;
}

static int check_options(const struct cli *cli, const struct action *a, struct kms_error *err)
{
	char word[40];

	for (size_t i = 0; options[i].name; i++) {
		snprintf(word, sizeof(word), " %s ", options[i].name);
		if (cli_flag(cli, options[i].name) && !strstr(a->options, word))
			return kms_fail(err, KMS_EUSAGE, "trace %s has no option --%s", a->name, options[i].name);
	}
	return 0;
}

static int run_trace(struct cli *cli, struct kms_error *err)
{
	const struct action *a = find(cli->args[0], err);
	int n = cli->nr_args - 1;

	if (!a)
		return KMS_EUSAGE;
	if (n < a->min_args)
		return kms_fail(err, KMS_EUSAGE, "expected %s after \"trace %s\", found %s",
				!strcmp(a->args, "FILE") ? "the trace's FILE" : a->args, a->name,
				n ? "only one" : "nothing");
	if (a->max_args >= 0 && n > a->max_args)
		return kms_fail(err, KMS_EUSAGE, "expected one %s after \"trace %s\", found also \"%s\"", a->args,
				a->name, cli->args[1 + a->max_args]);
	if (check_options(cli, a, err))
		return KMS_EUSAGE;
	return a->run(cli, err);
}

static const char *action_name(size_t i)
{
	return i < NR_ACTIONS ? actions[i].name : NULL;
}

const struct cli_verb cli_verb_trace = {
	.name = "trace",
	.args = "ACTION FILE...",
	.summary = "look into traces, verify them, and make traces of traces",
	.examples = "kmemsim trace info workloads/slub-up.kmt          all of it is read and checked\n"
		    "kmemsim trace cut slub-up.kmt -o f.kmt --phase fork    a part; or --from, --to, --cpu, --cache\n"
		    "kmemsim trace cat f.kmt > f.txt                   as text\n"
		    "kmemsim trace pack f.txt -o g.kmt                 and back\n"
		    "kmemsim trace anonymise f.kmt -o g.kmt            without names, to hand it on\n"
		    "kmemsim trace merge a.kmt b.kmt -o both.kmt       side by side\n"
		    "kmemsim trace make EXPERIMENT.json -o s.kmt       a drawn or named workload as a trace\n"
		    "kmemsim trace fit slub-up.kmt -o profile.json     a synthetic workload that resembles it\n"
		    "kmemsim trace minimise f.kmt -o m.kmt --config EXPERIMENT.json --keep 'extfrag>0.5'  the shortest that still does",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.run = run_trace,
	.action = action_name,
};
