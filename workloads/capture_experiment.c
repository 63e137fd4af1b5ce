/*
 * capture_experiment.c - an experiment that replays a captured trace on a machine like this one.
 *
 * CPUs, nodes, RAM and data caches are taken from /proc and /sys; everything
 * else has the configuration's defaults.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "workloads/capture_internal.h"

#define MIB (1ull << 20)
#define MAX_NODES 64

struct machine_facts {
	u64 present[MAX_NODES]; /* pages */
	u64 managed;
	u32 cpus[MAX_NODES], nr_nodes;
};

/* CPUs in a list as "0-3,8". */
static u32 count_list(const char *text)
{
	u32 n = 0;

	while (*text) {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (end == text)
			break;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		n += last >= first ? (u32)(last - first) + 1 : 0;
		text = *end ? end + 1 : end;
	}
	return n;
}

static u32 node_cpus(u32 node)
{
	char path[128], text[1024] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/cpulist", node);
	f = fopen(path, "re");
	if (f && !fgets(text, sizeof(text), f))
		text[0] = '\0';
	if (f)
		fclose(f);
	return count_list(text);
}

static void read_zones(struct machine_facts *m)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	unsigned long long pages;
	char line[512];
	u32 node = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Node %u, zone", &node) == 1 && node < MAX_NODES && node >= m->nr_nodes)
			m->nr_nodes = node + 1;
		else if (sscanf(line, " present %llu", &pages) == 1 && node < MAX_NODES)
			m->present[node] += pages;
		else if (sscanf(line, " managed %llu", &pages) == 1)
			m->managed += pages;
	}
	if (f)
		fclose(f);
	for (u32 i = 0; i < m->nr_nodes; i++)
		m->cpus[i] = node_cpus(i);
}

static u64 whole_mib(u64 pages)
{
	return (pages * 4096 + MIB - 1) / MIB;
}

/* One node, or nodes whose CPUs are numbered one node after the other, as a configuration says it. */
static void put_memory(FILE *out, const struct machine_facts *m, u32 nr_cpus)
{
	u64 present = 0, vmemmap, reserved;
	u32 cpus = 0;

	for (u32 i = 0; i < m->nr_nodes; i++) {
		present += m->present[i];
		cpus += m->cpus[i];
	}
	vmemmap = present / 64 + 512; /* struct pages, per-CPU areas */
	reserved = present - m->managed > vmemmap ? present - m->managed - vmemmap : 0;
	fprintf(out, "\t\t\"memory\": {\n\t\t\t\"kernel_image\": \"%lluMiB\",\n",
		(unsigned long long)(whole_mib(reserved) > 8 ? whole_mib(reserved) : 8));
	if (m->nr_nodes <= 1 || cpus != nr_cpus) {
		fprintf(out, "\t\t\t\"size\": \"%lluMiB\"\n", (unsigned long long)whole_mib(present));
	} else {
		fputs("\t\t\t\"nodes\": [", out);
		for (u32 i = 0; i < m->nr_nodes; i++)
			fprintf(out, "%s{\"memory\": \"%lluMiB\", \"cpus\": %u}", i ? ", " : "",
				(unsigned long long)whole_mib(m->present[i]), m->cpus[i]);
		fputs("]\n", out);
	}
	fputs("\t\t}\n", out);
}

/* The kernel version's behaviours, of those that come with kmemsim. */
static const char *policy_of(const char *release)
{
	unsigned major = 0, minor = 0;

	sscanf(release, "%u.%u", &major, &minor);
	if (major < 5 || (major == 5 && minor < 7))
		return "configs/policies/linux-5.4.json";
	if (major == 5 && minor < 14)
		return "configs/policies/linux-5.10.json";
	if (major < 6 || (major == 6 && minor < 12))
		return "configs/policies/linux-6.1.json";
	return "configs/policies/linux-6.18.json";
}

static void put_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(out, "\\u%04x", *text);
		else
			fputc(*text, out);
	fputc('"', out);
}

int capture_experiment(const char *folder, const char *trace, u32 nr_cpus, struct kms_error *err)
{
	const char *base = strrchr(trace, '/') ? strrchr(trace, '/') + 1 : trace;
	struct machine_facts m = { 0 };
	struct utsname host = { 0 };
	char path[4300], relative[4300], title[256];
	bool failed;
	FILE *out;

	read_zones(&m);
	uname(&host);
	snprintf(path, sizeof(path), "%s/experiment.json", folder);
	snprintf(relative, sizeof(relative), "../%s", base);
	snprintf(title, sizeof(title), "Captured on Linux %s, %u CPUs", host.release, nr_cpus);
	out = fopen(path, "we");
	if (!out)
		return kms_fail(err, KMS_EFAIL, "cannot create '%s': %s", path, strerror(errno));
	fputs("{\n\t\"name\": ", out);
	put_string(out, base);
	fputs(",\n\t\"title\": ", out);
	put_string(out, title);
	fprintf(out, ",\n\t\"machine\": {\n\t\t\"cpus\": %u,\n", nr_cpus);
	put_memory(out, &m, nr_cpus);
	fprintf(out, "\t},\n\t\"allocator\": {\"extends\": \"%s\", \"slab\": \"%s\"},\n", policy_of(host.release),
		access("/sys/kernel/slab", F_OK) ? "slab" : "slub");
	fputs("\t\"workload\": {\"trace\": ", out);
	put_string(out, relative);
	fputs(", \"memory\": \"machine\", \"pacing\": \"order\", \"warm_up\": [\"start\"]},\n"
	      "\t\"timing\": \"functional\"\n}\n", out);
	failed = ferror(out);
	if (fclose(out) || failed)
		return kms_fail(err, KMS_EFAIL, "cannot write '%s': %s", path, strerror(errno));
	return 0;
}
