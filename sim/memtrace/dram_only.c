/*
 * dram_only.c - a mode of memtrace.h: one memory controller, offered requests in file order.
 *
 * Each clock the controller first does what it can; then the next request of
 * the trace is offered if its cycle has come, one a clock at most, and offered
 * again each clock while its queue is full. A read's latency is from its
 * acceptance to the end of its data, so that an idle row hit takes
 * 1 + tCL + tBURST. The run is over with the last acceptance or the last data
 * of a read; writes may then still wait.
 */
#include "models/hw/dram_check.h"
#include "models/hw/dram_controller.h"
#include "models/hw/machine_config.h"
#include "sim/memtrace/dram_trace.h"
#include "sim/memtrace/latencies.h"
#include "sim/memtrace/memtrace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct drive {
	const struct memtrace_options *o;
	struct machine_config config;
	struct dram_controller *controller;
	struct latencies latencies;
	u64 requests, end; /* end: of the last read's data */
	u64 now;	   /* earliest clock of the next offer */
	bool no_memory;
	FILE *log;
	struct dram_check *check;
	struct kms_error broken;
};

static void read_done(void *arg, const struct dram_answer *a)
{
	struct drive *run = arg;

	run->no_memory |= !latencies_add(&run->latencies, a->at - a->accepted);
	run->end = a->at > run->end ? a->at : run->end;
}

/* ---- the log: checked as it is written ---- */

static void log_event(void *arg, const struct dram_event *e)
{
	struct drive *run = arg;

	fprintf(run->log, "%llu %u %u %u %u %s %llu %u\n", (unsigned long long)e->at, e->channel,
		e->rank, e->group, e->bank, dram_command_name(e->command), (unsigned long long)e->row,
		e->column);
	dram_check_command(run->check, e, &run->broken);
}

static int open_log(struct drive *run, struct kms_error *err)
{
	if (!run->o->log)
		return 0;
	if (dram_check_new(&run->check, &run->config.dram, err))
		return KMS_EFAIL;
	if (kms_check_output(run->o->log, err))
		return KMS_EUSAGE;
	run->log = fopen(run->o->log, "w");
	if (!run->log)
		return kms_fail(err, KMS_EUSAGE, "%s: cannot write: %s", run->o->log, strerror(errno));
	fputs("# clock channel rank group bank command row column\n", run->log);
	dram_controller_watch(run->controller, log_event, run);
	return 0;
}

static int close_log(struct drive *run, struct kms_error *err)
{
	if (!run->log)
		return 0;
	if (ferror(run->log) | fclose(run->log)) {
		run->log = NULL;
		return kms_fail(err, KMS_EFAIL, "%s: cannot write: %s", run->o->log, strerror(errno));
	}
	run->log = NULL;
	if (run->broken.code)
		return kms_fail(err, KMS_EFAIL, "%s: illegal command: %s", run->o->log, run->broken.text);
	return 0;
}

/* ---- the run ---- */

static void offer(struct drive *run, const struct dram_record *record)
{
	u64 at = record->cycle > run->now ? record->cycle : run->now;
	struct dram_request r = {record->address, at, 0, record->write};

	dram_controller_advance(run->controller, at);
	while (!dram_controller_submit(run->controller, &r)) {
		r.at = dram_controller_next_for(run->controller, r.address);
		dram_controller_advance(run->controller, r.at);
	}
	run->now = r.at + 1;
	run->requests++;
}

static bool stopped(const struct drive *run)
{
	return run->o->stop && *run->o->stop;
}

static bool reads_wait(const struct drive *run)
{
	struct dram_stats s;

	dram_controller_stats(run->controller, &s);
	return s.reads > run->latencies.n;
}

static int offer_all(struct drive *run, struct memtrace_input *in, struct memtrace_result *result,
		     struct kms_error *err)
{
	const struct memtrace_options *o = run->o;
	struct dram_record record;
	bool end = false;

	while (!(o->limit && run->requests == o->limit)) {
		int rc = dram_trace_next(in, o->trace, &record, &end, err);

		if (rc)
			return rc;
		if (end)
			break;
		if (!(run->requests & 4095) && stopped(run)) {
			result->stopped = true;
			break;
		}
		offer(run, &record);
	}
	if (!run->requests && !result->stopped)
		return kms_fail(err, KMS_EUSAGE, "%s: no access in this trace", o->trace);
	while (reads_wait(run))
		dram_controller_advance(run->controller, dram_controller_next(run->controller));
	if (run->no_memory)
		return kms_fail(err, KMS_EFAIL, "out of memory for latencies");
	return dram_controller_check(run->controller, err);
}

/* ---- figures ---- */

static void report_latency(const struct latencies *l, struct memtrace_result *r)
{
	static const struct {
		const char *name;
		double part;
	} quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}};

	memtrace_number(r, "lat_avg", "clocks", l->n ? (double)l->sum / (double)l->n : 0);
	memtrace_count(r, "lat_min", "clocks", latencies_min(l));
	for (size_t i = 0; i < KMS_ARRAY_SIZE(quantiles); i++)
		memtrace_count(r, quantiles[i].name, "clocks", latencies_quantile(l, quantiles[i].part));
	memtrace_count(r, "lat_max", "clocks", l->max);
}

static void report_rows(const struct dram_stats *s, struct memtrace_result *r)
{
	u64 hits = s->read_hits + s->write_hits, all = hits + s->misses + s->conflicts;

	memtrace_number(r, "row_hit_rate", "", all ? (double)hits / (double)all : 0);
	memtrace_count(r, "read_row_hits", "", s->read_hits);
	memtrace_count(r, "write_row_hits", "", s->write_hits);
	memtrace_count(r, "row_misses", "", s->misses);
	memtrace_count(r, "row_conflicts", "", s->conflicts);
	memtrace_count(r, "acts", "", s->commands[DRAM_ACT]);
	memtrace_count(r, "pres", "", s->precharges);
	memtrace_count(r, "refs", "", s->commands[DRAM_REF]);
	memtrace_count(r, "rd_cmds", "", s->commands[DRAM_RD] + s->commands[DRAM_RDA]);
	memtrace_count(r, "wr_cmds", "", s->commands[DRAM_WR] + s->commands[DRAM_WRA]);
	memtrace_count(r, "forwarded", "", s->forwarded);
}

static void report(const struct drive *run, struct memtrace_result *r)
{
	double tCK_ns = 1000 / run->config.dram.clock_mhz, n = (double)run->requests;
	u64 last = run->now > run->end ? run->now - 1 : run->end;
	u64 cycles = run->requests ? last + 1 : 0;
	double bytes_per_cycle = cycles ? 64 * n / (double)cycles : 0;
	struct dram_stats s;

	dram_controller_stats(run->controller, &s);
	memtrace_count(r, "requests", "", run->requests);
	memtrace_count(r, "reads", "", s.reads);
	memtrace_count(r, "total_cycles", "clocks", cycles);
	memtrace_number(r, "cycles_per_req", "clocks", n ? (double)cycles / n : 0);
	memtrace_number(r, "bytes_per_cycle", "bytes", bytes_per_cycle);
	memtrace_number(r, "tCK_ns", "ns", tCK_ns);
	memtrace_number(r, "bw_GBps", "GB/s", bytes_per_cycle / tCK_ns);
	report_latency(&run->latencies, r);
	report_rows(&s, r);
}

static int drive(struct drive *run, struct memtrace_result *r, struct kms_error *err)
{
	struct memtrace_input *in;
	int rc = memtrace_input_open(&in, run->o->trace, err);

	if (!rc)
		rc = dram_controller_new(&run->controller, &run->config.dram, read_done, run, err);
	if (!rc)
		rc = open_log(run, err);
	if (!rc)
		rc = offer_all(run, in, r, err);
	if (!rc)
		rc = close_log(run, err);
	if (!rc)
		report(run, r);
	memtrace_input_close(in);
	return rc;
}

int memtrace_dram_only(const struct memtrace_options *o, struct memtrace_result *r, struct kms_error *err)
{
	struct drive run = {.o = o};
	struct cfg *cfg = NULL;
	int rc;

	if (o->machine)
		rc = cfg_load(&cfg, &machine_config_table, &run.config, o->machine, o->set, o->nr_set, err);
	else
		rc = cfg_load_text(&cfg, &machine_config_table, &run.config, "{}", "defaults", ".", o->set,
				   o->nr_set, err);
	if (!rc)
		rc = drive(&run, r, err);
	if (run.log) {
		fclose(run.log);
		remove(o->log);
	}
	dram_controller_free(run.controller);
	dram_check_free(run.check);
	latencies_free(&run.latencies);
	cfg_free(cfg);
	return rc;
}
