/*
 * policy.c - verb `policy`: writing and building allocator policies of one's own.
 */
#include <string.h>

#include "results/json.h"
#include "sim/cli/internal.h"
#include "sim/plugin/plugin.h"

static int new_policy(const struct cli *cli, struct kms_error *err)
{
	const char *name = cli->args[1];
	char path[100];
	struct json j;

	if (plugin_new(name, path, sizeof(path), err))
		return err->code;
	if (cli->json) {
		json_start(&j, stdout);
		json_open(&j, NULL, '{');
		json_text(&j, "file", path);
		json_close(&j, '}');
		return 0;
	}
	printf("%s\n", path);
	if (!cli->quiet)
		fprintf(stderr, "next: kmemsim policy build %s\n", path);
	return 0;
}

/* FILE.c -> FILE.so */
static int output_name(char *out, size_t n, const char *source, struct kms_error *err)
{
	size_t len = strlen(source);

	if (len < 3 || strcmp(source + len - 2, ".c"))
		return kms_fail(err, KMS_EUSAGE, "expected the name of a C file (FILE.c), found \"%s\"", source);
	snprintf(out, n, "%.*s.so", (int)(len - 2), source);
	return 0;
}

static int build_policy(const struct cli *cli, struct kms_error *err)
{
	char made[4096] = "";
	const char *out = cli_value(cli, "output", made), *name;
	struct json j;

	if (output_name(made, sizeof(made), cli->args[1], err) ||
	    plugin_build(cli->args[1], out, cli_value(cli, "cc", NULL), cli_flag(cli, "verbose"), err))
		return err->code;
	name = plugin_policy()->name;
	if (cli->json) {
		json_start(&j, stdout);
		json_open(&j, NULL, '{');
		json_text(&j, "file", out);
		json_text(&j, "policy", name);
		json_text(&j, "compiler", plugin_compiler());
		json_close(&j, '}');
	} else {
		printf("%s\n", out);
		if (!cli->quiet)
			fprintf(stderr, "policy '%s'; next: kmemsim run CONFIG --policy %s\n", name, out);
	}
	plugin_unload();
	return 0;
}

static const char *const actions[] = {"new", "build"};

static const char *action_name(size_t i)
{
	return i < KMS_ARRAY_SIZE(actions) ? actions[i] : NULL;
}

static int run_policy(struct cli *cli, struct kms_error *err)
{
	if (!strcmp(cli->args[0], actions[0]))
		return new_policy(cli, err);
	if (!strcmp(cli->args[0], actions[1]))
		return build_policy(cli, err);
	return cli_unknown(err, "action", cli->args[0], actions, KMS_ARRAY_SIZE(actions));
}

static const struct cli_option options[] = {
	{"output", 'o', "FILE", "with build: the file to write [FILE.so for FILE.c]"},
	{"cc", 0, "COMPILER", "with build: gcc or clang, of any version [$CC, else gcc]"},
	{"verbose", 'v', NULL, "with build: show the commands"},
	{NULL, 0, NULL, NULL},
};

const struct cli_verb cli_verb_policy = {
	.name = "policy",
	.args = "new NAME | build FILE.c",
	.summary = "write and build an allocator policy of your own",
	.examples = "kmemsim policy new mine                                  writes mine.c, a small "
		    "working allocator\n"
		    "kmemsim policy build mine.c                              compiles it to mine.so\n"
		    "kmemsim policies mine.so                                 what it is, and its parameters\n"
		    "kmemsim run CONFIG.json --policy mine.so                 runs it\n"
		    "kmemsim compare CONFIG.json --vary allocator.slab=slub,./mine.so",
	.options = options,
	.min_args = 2,
	.max_args = 2,
	.run = run_policy,
	.action = action_name,
};
