/*
 * trace_print.c - `trace info`: what is in a trace.
 */
#include <stdlib.h>
#include <string.h>

#include "results/json.h"
#include "sim/cli/trace.h"
#include "workloads/trace_info.h"

/* ---- of both forms ---- */

/* Events that the import understood, of those it read: requests and what it left out with a cause. */
static double coverage(const struct trace_summary *s)
{
	u64 left_out = 0, unknown = 0;

	for (u32 i = 0; i < s->info->nr_left_out; i++) {
		left_out += s->info->left_out[i].count;
		if (strstr(s->info->left_out[i].what, "unknown") || strstr(s->info->left_out[i].what, "not understood"))
			unknown += s->info->left_out[i].count;
	}
	return (double)(s->info->requests + left_out - unknown) / (double)(s->info->requests + left_out + !s->info->requests);
}

static double per_second(const struct trace_summary *s, u64 n)
{
	return s->info->duration_ns ? (double)n * 1e9 / (double)s->info->duration_ns : 0;
}

/* The lifetime that `share` of the freed objects do not outlive: upper bound of its class. */
static u64 lifetime_quantile(const struct trace_summary *s, double share)
{
	double seen = 0;

	for (u32 i = 0; i < TRACE_LIFETIMES; i++) {
		seen += (double)s->lifetimes[i];
		if (seen >= share * (double)s->frees)
			return 1ull << i;
	}
	return 1ull << (TRACE_LIFETIMES - 1);
}

/* Indices of the n with most allocations, ties by index; returns how many there are. */
static u32 top_of(const struct trace_rank *ranks, u32 nr, u32 n, u32 *top)
{
	u32 found = 0;

	for (u32 i = 0; i < nr; i++) {
		u32 at = found < n ? found : n;

		while (at && ranks[top[at - 1]].allocs < ranks[i].allocs)
			at--;
		if (at >= n || !ranks[i].allocs)
			continue;
		memmove(top + at + 1, top + at, ((found < n ? found : n - 1) - at) * sizeof(*top));
		top[at] = i;
		found += found < n;
	}
	return found;
}

/* ---- for people ---- */

static void line(const char *label, const char *text)
{
	char safe[400];

	if (*text)
		printf("%-12s %s\n", label, cli_safe(safe, sizeof(safe), text));
}

static void print_file(const struct trace_summary *s, const char *path)
{
	char size[32], raw[32], count[32], time[32], text[200];
	double requests = s->info->requests ? (double)s->info->requests : 1;

	line("file", path);
	snprintf(text, sizeof(text),
		 "version %u, %s (%s raw, %.2f bytes a request) in %s blocks, all checksums right",
		 s->version, cli_bytes(size, sizeof(size), (double)s->file_bytes),
		 cli_bytes(raw, sizeof(raw), (double)s->raw_bytes),
		 (double)s->file_bytes / requests, cli_count(count, sizeof(count), s->blocks));
	line("format", text);
	line("hash", s->hash);
	line("source", s->info->source ? s->info->source : "");
	line("kernel", s->info->kernel ? s->info->kernel : "");
	line("allocator", s->info->allocator ? s->info->allocator : "");
	snprintf(text, sizeof(text), "%s by %u CPU%s on %u node%s, in %s",
		 cli_count(count, sizeof(count), s->info->requests), s->info->nr_cpus,
		 s->info->nr_cpus == 1 ? "" : "s", s->info->nr_nodes,
		 s->info->nr_nodes == 1 ? "" : "s",
		 cli_time_ns(time, sizeof(time), (double)s->info->duration_ns));
	line("requests", text);
}

static void print_objects(const struct trace_summary *s)
{
	char a[32], b[32], c[32], d[32], text[200];

	snprintf(text, sizeof(text), "%s allocated, %s freed, %s of them on another CPU",
		 cli_count(a, sizeof(a), s->allocs), cli_count(b, sizeof(b), s->frees),
		 cli_count(c, sizeof(c), s->remote_frees));
	line("objects", text);
	snprintf(text, sizeof(text), "%s (%s) at most, %s (%s) at the end",
		 cli_count(a, sizeof(a), s->live_peak),
		 cli_bytes(b, sizeof(b), (double)s->live_bytes_peak),
		 cli_count(c, sizeof(c), s->live_end),
		 cli_bytes(d, sizeof(d), (double)s->live_bytes_end));
	line("live", text);
	if (s->frees) {
		snprintf(text, sizeof(text), "half of the freed objects live less than %s, 90 %% less than %s, 99 %% less than %s",
			 cli_time_ns(a, sizeof(a), (double)lifetime_quantile(s, 0.5)),
			 cli_time_ns(b, sizeof(b), (double)lifetime_quantile(s, 0.9)),
			 cli_time_ns(c, sizeof(c), (double)lifetime_quantile(s, 0.99)));
		line("lifetimes", text);
	}
	if (s->info->duration_ns) {
		snprintf(text, sizeof(text), "%s allocations and %s frees per second of recorded time",
			 cli_count(a, sizeof(a), (u64)per_second(s, s->allocs)),
			 cli_count(b, sizeof(b), (u64)per_second(s, s->frees)));
		line("rates", text);
	}
	snprintf(text, sizeof(text), "%.4f of the events of the recording are requests here or left out with a cause",
		 coverage(s));
	line("coverage", text);
	snprintf(text, sizeof(text), "%u slab caches, %u call sites", s->info->nr_caches,
		 s->info->nr_sites);
	line("names", text);
	if (s->inconsistent) {
		snprintf(text, sizeof(text), "%s frees or allocations that contradict each other",
			 cli_count(a, sizeof(a), s->inconsistent));
		line("WRONG", text);
	}
}

static void print_kinds(const struct trace_summary *s)
{
	static const char *const headings[] = {"request", "number", "objects", "asked for"};
	struct cli_table *t = cli_table_new(headings, 4);
	char number[32], objects[32], bytes[32];

	for (size_t i = 0; i < NR_REQUESTS; i++)
		if (s->ops[i])
			cli_table_row(t, (const char *const[]){
						 kms_request_names[i],
						 cli_count(number, sizeof(number), s->ops[i]),
						 cli_count(objects, sizeof(objects), s->objects[i]),
						 s->bytes[i] ? cli_bytes(bytes, sizeof(bytes),
									 (double)s->bytes[i])
							     : "-"});
	puts("");
	cli_table_print(t, stdout);
}

static void print_phases(const struct trace_summary *s)
{
	static const char *const headings[] = {"phase", "requests", "recorded time",
					       "live at its end", "bytes"};
	struct cli_table *t = cli_table_new(headings, 5);
	char requests[32], time[32], live[32], bytes[32];

	for (u32 i = 0; i < s->nr_phases; i++) {
		const struct trace_phase_summary *p = &s->phases[i];

		cli_table_row(t,
			      (const char *const[]){
				      p->name, cli_count(requests, sizeof(requests), p->requests),
				      cli_time_ns(time, sizeof(time), (double)p->duration_ns),
				      cli_count(live, sizeof(live), p->live_end),
				      cli_bytes(bytes, sizeof(bytes), (double)p->live_bytes_end)});
	}
	puts("");
	cli_table_print(t, stdout);
}

static void print_classes(const char *heading, const u64 *counts, size_t n, bool orders)
{
	const char *const headings[] = {heading, "allocations"};
	struct cli_table *t;
	char count[32], class[40], size[32];
	u64 all = 0;

	for (size_t i = 0; i < n; i++)
		all += counts[i];
	if (!all)
		return;
	t = cli_table_new(headings, 2);
	for (size_t i = 0; i < n; i++) {
		if (!counts[i])
			continue;
		if (orders)
			snprintf(class, sizeof(class), "%zu", i);
		else
			snprintf(class, sizeof(class), "up to %s",
				 cli_bytes(size, sizeof(size), (double)(1ull << i)));
		cli_table_row(t, (const char *const[]){class,
						       cli_count(count, sizeof(count), counts[i])});
	}
	puts("");
	cli_table_print(t, stdout);
}

static void print_curve(const struct trace_summary *s)
{
	static const char *const headings[] = {"after requests", "at", "live objects", "bytes", ""};
	struct cli_table *t = cli_table_new(headings, 5);
	char requests[32], time[32], objects[32], bytes[32], bar[41];
	u64 most = 1;

	for (u32 i = 0; i < s->nr_curve; i++)
		most = s->curve[i].bytes > most ? s->curve[i].bytes : most;
	for (u32 i = 0; i < s->nr_curve; i++) {
		u32 n = (u32)(s->curve[i].bytes * 40 / most);

		memset(bar, '#', n);
		bar[n] = '\0';
		cli_table_row(t, (const char *const[]){cli_count(requests, sizeof(requests), s->curve[i].seq + 1),
						       cli_time_ns(time, sizeof(time), (double)s->curve[i].time),
						       cli_count(objects, sizeof(objects), s->curve[i].objects),
						       cli_bytes(bytes, sizeof(bytes), (double)s->curve[i].bytes), bar});
	}
	puts("");
	cli_table_print(t, stdout);
}

static void print_top(const char *heading, const struct trace_summary *s, bool sites, u32 n)
{
	const char *const headings[] = {heading, "allocations", "bytes", "live at the end"};
	const struct trace_rank *ranks = sites ? s->sites : s->cache_ranks;
	u32 *top = calloc(n + 1ul, sizeof(*top)), found;
	struct cli_table *t;
	char name[200], allocs[32], bytes[32], live[32];

	found = top ? top_of(ranks, sites ? s->info->nr_sites : s->info->nr_caches, n, top) : 0;
	if (found) {
		t = cli_table_new(headings, 4);
		for (u32 i = 0; i < found; i++) {
			const char *text = sites ? s->info->sites[top[i]] : s->info->caches[top[i]].name;

			cli_table_row(t, (const char *const[]){
				cli_safe(name, sizeof(name), *text ? text : "(not known)"),
				cli_count(allocs, sizeof(allocs), ranks[top[i]].allocs),
				cli_bytes(bytes, sizeof(bytes), (double)ranks[top[i]].bytes),
				cli_count(live, sizeof(live), ranks[top[i]].live_end)});
		}
		puts("");
		cli_table_print(t, stdout);
	}
	free(top);
}

static void print_left_out(const struct trace_summary *s)
{
	static const char *const headings[] = {"left out at import", "number"};
	struct cli_table *t;
	char count[32];

	if (!s->info->nr_left_out)
		return;
	t = cli_table_new(headings, 2);
	for (u32 i = 0; i < s->info->nr_left_out; i++)
		cli_table_row(t, (const char *const[]){s->info->left_out[i].what,
						       cli_count(count, sizeof(count),
								 s->info->left_out[i].count)});
	puts("");
	cli_table_print(t, stdout);
}

static void print_people(const struct trace_summary *s, const char *path, u32 top)
{
	print_file(s, path);
	print_objects(s);
	print_kinds(s);
	if (s->nr_phases)
		print_phases(s);
	print_classes("kmalloc size", s->kmalloc_sizes, TRACE_SIZE_CLASSES, false);
	print_classes("page order", s->page_orders, KMS_ARRAY_SIZE(s->page_orders), true);
	print_curve(s);
	print_top("call site", s, true, top);
	print_top("slab cache", s, false, top);
	print_left_out(s);
}

/* ---- as JSON ---- */

static void json_phases(struct json *j, const struct trace_summary *s)
{
	json_open(j, "phases", '[');
	for (u32 i = 0; i < s->nr_phases; i++) {
		const struct trace_phase_summary *p = &s->phases[i];

		json_open(j, NULL, '{');
		json_text(j, "name", p->name);
		json_uint(j, "first_seq", p->first_seq);
		json_uint(j, "requests", p->requests);
		json_uint(j, "start_ns", p->start_ns);
		json_uint(j, "duration_ns", p->duration_ns);
		json_uint(j, "allocs", p->allocs);
		json_uint(j, "frees", p->frees);
		json_uint(j, "live_end", p->live_end);
		json_uint(j, "live_bytes_end", p->live_bytes_end);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void json_kinds(struct json *j, const struct trace_summary *s)
{
	json_open(j, "requests_by_kind", '{');
	for (size_t i = 0; i < NR_REQUESTS; i++) {
		if (!s->ops[i])
			continue;
		json_open(j, kms_request_names[i], '{');
		json_uint(j, "requests", s->ops[i]);
		json_uint(j, "objects", s->objects[i]);
		json_uint(j, "bytes", s->bytes[i]);
		json_close(j, '}');
	}
	json_close(j, '}');
}

static void json_list(struct json *j, const char *key, const u64 *values, size_t n)
{
	json_open(j, key, '[');
	for (size_t i = 0; i < n; i++)
		json_uint(j, NULL, values[i]);
	json_close(j, ']');
}

static void json_curve(struct json *j, const struct trace_summary *s)
{
	json_open(j, "live_curve", '[');
	for (u32 i = 0; i < s->nr_curve; i++) {
		json_open(j, NULL, '{');
		json_uint(j, "requests", s->curve[i].seq + 1);
		json_uint(j, "time_ns", s->curve[i].time);
		json_uint(j, "objects", s->curve[i].objects);
		json_uint(j, "bytes", s->curve[i].bytes);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void json_top(struct json *j, const char *key, const struct trace_summary *s, bool sites, u32 n)
{
	const struct trace_rank *ranks = sites ? s->sites : s->cache_ranks;
	u32 *top = calloc(n + 1ul, sizeof(*top)), found;

	found = top ? top_of(ranks, sites ? s->info->nr_sites : s->info->nr_caches, n, top) : 0;
	json_open(j, key, '[');
	for (u32 i = 0; i < found; i++) {
		json_open(j, NULL, '{');
		json_text(j, "name", sites ? s->info->sites[top[i]] : s->info->caches[top[i]].name);
		json_uint(j, "allocs", ranks[top[i]].allocs);
		json_uint(j, "bytes", ranks[top[i]].bytes);
		json_uint(j, "live_end", ranks[top[i]].live_end);
		json_close(j, '}');
	}
	json_close(j, ']');
	free(top);
}

static void print_json(const struct trace_summary *s, const char *path, u32 top)
{
	const struct kms_workload_info *info = s->info;
	struct json j;

	json_start(&j, stdout);
	json_open(&j, NULL, '{');
	json_text(&j, "file", path);
	json_uint(&j, "version", s->version);
	json_uint(&j, "file_bytes", s->file_bytes);
	json_uint(&j, "raw_bytes", s->raw_bytes);
	json_uint(&j, "blocks", s->blocks);
	json_text(&j, "hash", s->hash);
	json_text(&j, "source", info->source ? info->source : "");
	json_text(&j, "kernel", info->kernel ? info->kernel : "");
	json_text(&j, "allocator", info->allocator ? info->allocator : "");
	json_uint(&j, "requests", info->requests);
	json_uint(&j, "cpus", info->nr_cpus);
	json_uint(&j, "nodes", info->nr_nodes);
	json_uint(&j, "duration_ns", info->duration_ns);
	json_uint(&j, "allocs", s->allocs);
	json_uint(&j, "frees", s->frees);
	json_uint(&j, "remote_frees", s->remote_frees);
	json_uint(&j, "live_peak", s->live_peak);
	json_uint(&j, "live_bytes_peak", s->live_bytes_peak);
	json_uint(&j, "live_end", s->live_end);
	json_uint(&j, "live_bytes_end", s->live_bytes_end);
	json_uint(&j, "inconsistent", s->inconsistent);
	json_uint(&j, "caches", info->nr_caches);
	json_uint(&j, "sites", info->nr_sites);
	json_list(&j, "cpu_requests", s->cpu_requests, info->nr_cpus);
	json_kinds(&j, s);
	json_phases(&j, s);
	json_list(&j, "kmalloc_size_classes", s->kmalloc_sizes, TRACE_SIZE_CLASSES);
	json_list(&j, "page_orders", s->page_orders, KMS_ARRAY_SIZE(s->page_orders));
	json_list(&j, "lifetime_classes_ns", s->lifetimes, TRACE_LIFETIMES);
	json_double(&j, "allocs_per_second", per_second(s, s->allocs));
	json_double(&j, "frees_per_second", per_second(s, s->frees));
	json_double(&j, "coverage", coverage(s));
	json_curve(&j, s);
	json_top(&j, "top_sites", s, true, top);
	json_top(&j, "top_caches", s, false, top);
	json_open(&j, "left_out", '{');
	for (u32 i = 0; i < info->nr_left_out; i++)
		json_uint(&j, info->left_out[i].what, info->left_out[i].count);
	json_close(&j, '}');
	json_close(&j, '}');
}

int cli_trace_info(struct cli *cli, struct kms_error *err)
{
	const char *path = cli->args[1];
	const char *rows = cli_value(cli, "top", "10");
	struct trace_summary s;
	char *end;
	unsigned long top = strtoul(rows, &end, 10);
	int rc;

	if (*rows < '0' || *rows > '9' || *end || top > 1000000)
		return kms_fail(err, KMS_EUSAGE, "--top: expected a number of rows, found \"%s\"", rows);
	rc = trace_summarize(&s, path, err);
	if (rc)
		return rc;
	if (cli->json)
		print_json(&s, path, (u32)top);
	else
		print_people(&s, path, (u32)top);
	trace_summary_free(&s);
	return 0;
}
