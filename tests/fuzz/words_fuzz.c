/*
 * words_fuzz.c - libFuzzer on what people type: allocator calls, sizes, settings,
 * matrices, cache geometries, --fail-on, --keep, and whole command lines as far as
 * their options. tests/e2e/fuzz.sh runs it. The first byte chooses.
 */
#include "sim/cli/compare.h"
#include "sim/cli/internal.h"
#include "sim/config/cfg.h"
#include "sim/config/experiment.h"
#include "sim/config/matrix.h"
#include "sim/memtrace/memtrace.h"
#include "sim/teach/call.h"
#include "sim/teach/step.h"
#include "tests/fuzz/fuzz.h"

#define MOST_WORDS 16

/* Words as a command line: one a line. */
static int split(char *text, char *words[MOST_WORDS + 1])
{
	int n = 0;

	for (char *word = strtok(text, "\n"); word && n < MOST_WORDS; word = strtok(NULL, "\n"))
		words[n++] = word;
	words[n] = NULL;
	return n;
}

static int a_call(char *text, struct kms_error *err)
{
	struct call call;
	char buf[512];

	if (call_parse(&call, text, err))
		return err->code;
	call_gfp_text(buf, sizeof(buf), call.gfp);
	call_slab_flags_text(buf, sizeof(buf), call.flags);
	return 0;
}

static int a_size(char *text, struct kms_error *err)
{
	u64 bytes;

	return call_parse_size(text, &bytes, err);
}

static int settings(char *text, struct kms_error *err)
{
	static struct experiment_config config;
	const char *words[MOST_WORDS + 1];
	struct cfg *cfg = NULL;
	int n = split(text, (char **)words);
	int ret = cfg_load_text(&cfg, &experiment_config_table, &config,
				"{\"workload\": {\"adversary\": \"checkerboard\"}}", "text", ".", words,
				(size_t)n, err);

	if (!ret)
		free(cfg_resolved(cfg));
	cfg_free(cfg);
	return ret;
}

static int a_matrix(char *text, struct kms_error *err)
{
	struct cfg_matrix m = { 0 };
	char *words[MOST_WORDS + 1], buf[200];
	int n = split(text, words), ret = 0;

	for (int i = 0; i < n && !ret; i++)
		ret = cfg_matrix_add(&m, words[i], err);
	for (size_t i = 0; !ret && i < cfg_matrix_points(&m) && i < 100; i++)
		cfg_matrix_label(&m, i, buf, sizeof(buf));
	cfg_matrix_free(&m);
	return ret;
}

static int a_geometry(char *text, struct kms_error *err)
{
	struct memtrace_geometry g = { .line = 64 };

	return memtrace_geometry_parse(&g, "--l1", text, err);
}

static int a_step(char *text, struct kms_error *err)
{
	struct step s = { .out = stdout, .total = 100, .position = 5, .address = ~0ull };
	char *words[MOST_WORDS + 1];
	int n = split(text, words);

	for (int i = 0; i < n && !err->code; i++)
		if (strncmp(words[i], "show", 4))
			step_command(&s, words[i], err);
	return err->code;
}

static int a_command_line(char *text, struct kms_error *err)
{
	char *words[MOST_WORDS + 1];
	struct cli cli = { 0 };
	const struct cli_verb *verb;
	int n = split(text, words), ret;

	verb = n ? cli_find_verb(cli_verbs, words[0], err) : NULL;
	if (!verb)
		return err->code;
	ret = cli_parse(&cli, verb, n, words, err);
	if (!ret && !strcmp(verb->name, "compare"))
		ret = cmp_check_rules(&cli, err);
	cli_parsed_free(&cli);
	return ret;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static int (*const kinds[])(char *text, struct kms_error *err) = {
		a_call, a_size, settings, a_matrix, a_geometry, a_step, a_command_line,
	};
	struct kms_error err = { 0 };
	static FILE *nowhere;
	char *text;

	if (!nowhere)
		stdout = nowhere = fopen("/dev/null", "w");
	if (!size || data[0] >= KMS_ARRAY_SIZE(kinds))
		return -1;
	text = fuzz_text(data + 1, size - 1);
	fuzz_result(kinds[data[0]](text, &err), &err);
	free(text);
	return 0;
}
