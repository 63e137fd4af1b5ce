/*
 * capture.c - verb `capture`: the running kernel's requests into a trace.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "results/json.h"
#include "sim/cli/internal.h"
#include "workloads/capture.h"

#define MAX_SECONDS 604800 /* a week */

static int get_number(const struct cli *cli, const char *name, double max, double *value, struct kms_error *err)
{
	const char *text = cli_value(cli, name, NULL);
	char *end;

	*value = 0;
	if (!text)
		return 0;
	errno = 0;
	*value = strtod(text, &end);
	if (end != text && !*end && !errno && isfinite(*value) && *value > 0 && *value <= max)
		return 0;
	return kms_fail(err, KMS_EUSAGE, "--%s: expected a number above 0 and up to %.0f, found '%s'", name, max, text);
}

static int get_options(struct cli *cli, struct capture_options *o, struct kms_error *err)
{
	double mib = 0;
	int ret;

	*o = (struct capture_options){
		.output = cli_value(cli, "output", NULL), .tracefs = cli_value(cli, "tracefs", NULL),
		.keep = cli_flag(cli, "keep"), .interrupted = &cli_interrupted,
		.command = cli->nr_args ? (char *const *)cli->args : NULL,
	};
	if (!o->output)
		return kms_fail(err, KMS_EUSAGE, "where to? expected -o FILE");
	ret = get_number(cli, "seconds", MAX_SECONDS, &o->seconds, err);
	if (!ret)
		ret = get_number(cli, "buffer", 65536, &mib, err);
	o->buffer_kib = (u64)ceil(mib * 1024);
	if (!ret && o->command && o->seconds > 0)
		ret = kms_fail(err, KMS_EUSAGE, "expected either --seconds or a command, found both");
	return ret;
}

static void print_json(const struct capture_options *o, const struct capture_result *r)
{
	struct json j;
	char folder[4200];

	snprintf(folder, sizeof(folder), "%s.d", o->output);
	json_start(&j, stdout);
	json_open(&j, NULL, '{');
	json_text(&j, "trace", o->output);
	json_text(&j, "state", folder);
	json_double(&j, "seconds", r->seconds);
	json_uint(&j, "cpus", r->nr_cpus);
	json_uint(&j, "recorded_bytes", r->recorded_bytes);
	json_uint(&j, "events", r->import.events);
	json_uint(&j, "requests", r->import.requests);
	json_uint(&j, "lost_events", r->lost);
	json_uint(&j, "unknown_lines", r->import.unknown);
	json_uint(&j, "live_at_start", r->import.live_at_start);
	json_uint(&j, "live_at_end", r->import.live_at_end);
	json_double(&j, "matched", import_matched(&r->import));
	json_double(&j, "coverage", import_coverage(&r->import));
	if (o->command)
		json_int(&j, "command_exit", WIFEXITED(r->command_status) ? WEXITSTATUS(r->command_status)
									  : 128 + WTERMSIG(r->command_status));
	json_close(&j, '}');
}

static void print_people(const struct capture_options *o, const struct capture_result *r)
{
	char events[32], requests[32], lost[32], bytes[32];

	printf("%s events of %u CPUs in %.1f s, %s recorded; %s lost\n",
	       cli_count(events, sizeof(events), r->import.events), r->nr_cpus, r->seconds,
	       cli_bytes(bytes, sizeof(bytes), (double)r->recorded_bytes), cli_count(lost, sizeof(lost), r->lost));
	printf("%s requests in %s, %.2f%% of the events covered, %.2f%% of the frees matched\n",
	       cli_count(requests, sizeof(requests), r->import.requests), o->output,
	       100 * import_coverage(&r->import), 100 * import_matched(&r->import));
	printf("the kernel's state before and after is in %s.d; replay it with:\n"
	       "  kmemsim run %s.d/experiment.json\n", o->output, o->output);
}

static void warn(const struct cli *cli, const struct capture_options *o, const struct capture_result *r)
{
	if (r->lost)
		fprintf(stderr, "kmemsim: %llu events were lost for want of room in the kernel's buffers; what they "
			"allocated or freed is not in the trace (--buffer MIB makes them larger)\n",
			(unsigned long long)r->lost);
	if (r->state_missing && !cli->quiet)
		fprintf(stderr, "kmemsim: %u files of the kernel's state could not be read (not in this kernel, or no "
			"permission)\n", r->state_missing);
	if (o->command && (!WIFEXITED(r->command_status) || WEXITSTATUS(r->command_status)))
		fprintf(stderr, "kmemsim: '%s' ended with %s %d\n", o->command[0],
			WIFEXITED(r->command_status) ? "exit status" : "signal",
			WIFEXITED(r->command_status) ? WEXITSTATUS(r->command_status) : WTERMSIG(r->command_status));
}

static int run_capture(struct cli *cli, struct kms_error *err)
{
	struct capture_options o;
	struct capture_result r;
	int ret = get_options(cli, &o, err);

	if (!ret && !o.command && !(o.seconds > 0) && !cli->quiet)
		fputs("recording until Ctrl-C\n", stderr);
	if (!ret)
		ret = capture(&o, &r, err);
	if (ret)
		return ret;
	warn(cli, &o, &r);
	if (cli->json)
		print_json(&o, &r);
	else
		print_people(&o, &r);
	return 0;
}

static const struct cli_option options[] = {
	{"output", 'o', "FILE", "trace to write; must be given. The kernel's state goes to the folder FILE.d"},
	{"seconds", 0, "N", "record for so long [until Ctrl-C]"},
	{"buffer", 0, "MIB", "size of the kernel's buffer of each CPU [16, or 1/32 of RAM in all]"},
	{"keep", 0, NULL, "leave the recording itself in FILE.d/trace.dat, which trace-cmd reads"},
	{"tracefs", 0, "DIR", "where tracefs is mounted [/sys/kernel/tracing]"},
	{NULL, 0, NULL, NULL},
};

const struct cli_verb cli_verb_capture = {
	.name = "capture",
	.args = "[-- COMMAND...]",
	.summary = "record the running kernel's allocations into a trace; needs root",
	.examples =
		"kmemsim capture -o mine.kmt --seconds 10           ten seconds of this machine\n"
		"kmemsim capture -o build.kmt -- make -j8           from a command's start to its end\n"
		"kmemsim capture -o mine.kmt --buffer 64            where events are lost\n"
		"kmemsim run mine.kmt.d/experiment.json                  and then replay it",
	.options = options,
	.max_args = -1,
	.run = run_capture,
};
