/*
 * digest.c - `kmemsim digest RUN`: one number over all simulated values.
 */
#include "results/json.h"
#include "results/query.h"
#include "sim/cli/cli.h"

#include <string.h>

/* The digest that was stored when the run ended, "" for a run that never did. */
static int stored_digest(struct store *store, s64 run, char hex[33], struct kms_error *err)
{
	struct query q;

	query_begin(&q, store, err, "SELECT digest FROM run WHERE id = ?", "i", run);
	*hex = 0;
	if (query_next(&q))
		snprintf(hex, 33, "%s", query_text(&q, 0));
	return query_end(&q);
}

static void print(const struct cli *cli, s64 run, const char *hex, bool ended)
{
	struct json j;

	if (!cli->json) {
		printf("%s\n", hex);
		return;
	}
	json_start(&j, stdout);
	json_open(&j, NULL, '{');
	json_int(&j, "run", run);
	json_text(&j, "digest", hex);
	json_bool(&j, "complete", ended);
	json_close(&j, '}');
}

static int digest_of(const struct cli *cli, struct store *store, const char *what, struct kms_error *err)
{
	char hex[33], stored[33];
	s64 run;
	int rc;

	rc = store_find_run(store, what, &run, err);
	if (!rc)
		rc = store_digest(store, run, hex, err);
	if (!rc)
		rc = stored_digest(store, run, stored, err);
	if (rc)
		return rc;
	if (*stored && strcmp(stored, hex))
		return kms_fail(err, KMS_EFAIL, "run %lld was changed after it ended: its rows have digest %s, but %s was stored",
				(long long)run, hex, stored);
	if (!*stored)
		fprintf(stderr, "run %lld is incomplete: the digest covers what was stored\n", (long long)run);
	print(cli, run, hex, *stored);
	return 0;
}

static int digest(struct cli *cli, struct kms_error *err)
{
	struct store *store;
	int rc;

	rc = store_open(&store, cli_db(cli), STORE_READ, err);
	if (rc)
		return rc;
	rc = digest_of(cli, store, cli->args[0], err);
	store_close(store, NULL);
	return rc;
}

static const struct cli_option options[] = {CLI_OPTION_DB, {NULL, 0, NULL, NULL}};

const struct cli_verb cli_verb_digest = {
	.name = "digest",
	.args = "RUN",
	.summary = "print a digest over all simulated values of a run",
	.examples = "kmemsim digest latest       the newest run\n"
		    "kmemsim digest slub-smp4    the newest run of that name\n"
		    "kmemsim digest 12 --json    run 12, for programs\n",
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.run = digest,
};
