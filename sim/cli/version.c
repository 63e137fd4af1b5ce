/*
 * version.c - verb `version`: what exactly this program is, for reports of
 * errors and for comparing runs.
 */
#include <boost/version.hpp> /* only macros */
#include <cjson/cJSON.h>
#include <gsl/gsl_version.h>
#include <sqlite3.h>
#include <xxhash.h>
#include <zstd.h>

#include "build_info.h"
#include "results/json.h"
#include "sim/cli/internal.h"
#include "workloads/trace.h"

struct library {
	const char *name;
	char version[32];
};

/* Of those that are linked in; Boost.Context has no function that tells, so the header it was built with. */
static void get_libraries(struct library libs[6])
{
	unsigned xx = XXH_versionNumber();

	libs[0].name = "cJSON";
	snprintf(libs[0].version, sizeof(libs[0].version), "%s", cJSON_Version());
	libs[1].name = "SQLite";
	snprintf(libs[1].version, sizeof(libs[1].version), "%s", sqlite3_libversion());
	libs[2].name = "GSL";
	snprintf(libs[2].version, sizeof(libs[2].version), "%s", gsl_version);
	libs[3].name = "zstd";
	snprintf(libs[3].version, sizeof(libs[3].version), "%s", ZSTD_versionString());
	libs[4].name = "xxHash";
	snprintf(libs[4].version, sizeof(libs[4].version), "%u.%u.%u", xx / 10000, xx / 100 % 100, xx % 100);
	libs[5].name = "Boost.Context";
	snprintf(libs[5].version, sizeof(libs[5].version), "%d.%d.%d", BOOST_VERSION / 100000,
		 BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
}

static void print_json(const struct library libs[6])
{
	struct json j;

	json_start(&j, stdout);
	json_open(&j, NULL, '{');
	json_text(&j, "version", KMS_VERSION);
	json_text(&j, "git", KMS_GIT);
	json_text(&j, "compiler", KMS_COMPILER);
	json_text(&j, "simulated_code_flags", KMS_SIM_FLAGS);
	json_uint(&j, "trace_format", KMS_TRACE_VERSION);
	json_open(&j, "libraries", '{');
	for (int i = 0; i < 6; i++)
		json_text(&j, libs[i].name, libs[i].version);
	json_close(&j, '}');
	json_close(&j, '}');
}

static int run_version(struct cli *cli, struct kms_error *err)
{
	struct library libs[6];

	get_libraries(libs);
	if (cli->json) {
		print_json(libs);
		return 0;
	}
	printf("kmemsim %s (%s)\n", KMS_VERSION, KMS_GIT);
	printf("compiler:       %s\n", KMS_COMPILER);
	printf("simulated code: %s\n", KMS_SIM_FLAGS);
	printf("trace format:   %d\n", KMS_TRACE_VERSION);
	printf("libraries:      ");
	for (int i = 0; i < 6; i++)
		printf("%s%s %s", i ? ", " : "", libs[i].name, libs[i].version);
	printf("\n");
	return 0;
}

const struct cli_verb cli_verb_version = {
	.name = "version",
	.args = "",
	.summary = "print the version of the program, of its compiler and of the libraries in use",
	.examples = "kmemsim version          for people\n"
		    "kmemsim version --json   for scripts\n"
		    "kmemsim --version        the same as the first",
	.run = run_version,
};
