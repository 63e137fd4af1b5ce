/*
 * capture_state.c - what the kernel says about its memory, copied as it is.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workloads/capture_internal.h"

static const char *const changing[] = {
	"/proc/buddyinfo", "/proc/pagetypeinfo", "/proc/zoneinfo", "/proc/slabinfo", "/proc/meminfo",
	"/proc/vmstat",
};

static const char *const fixed[] = {
	"/proc/version", "/proc/iomem",
};

/* One line a file in topology.tsv: path and content. */
static const char *const facts[] = {
	"/sys/devices/system/cpu/possible", "/sys/devices/system/cpu/online",
	"/sys/devices/system/node/possible", "/sys/devices/system/node/has_memory",
	"/sys/kernel/mm/transparent_hugepage/enabled", "/proc/sys/vm/min_free_kbytes",
	"/proc/sys/vm/watermark_scale_factor", "/proc/sys/vm/watermark_boost_factor",
	"/proc/sys/vm/percpu_pagelist_high_fraction", "/proc/sys/vm/lowmem_reserve_ratio",
};

static const char *const cpu_facts[] = {
	"topology/core_id", "topology/physical_package_id", "topology/thread_siblings_list",
};

static const char *const cache_facts[] = {
	"level", "type", "size", "ways_of_associativity", "coherency_line_size", "shared_cpu_list",
};

static const char *const node_facts[] = { "cpulist", "distance" };

static const char *const slab_facts[] = {
	"object_size", "slab_size", "objs_per_slab", "order", "align", "ctor", "aliases", "cpu_partial",
	"min_partial", "hwcache_align", "reclaim_account", "destroy_by_rcu", "cache_dma", "usersize",
	"remote_node_defrag_ratio", "slabs", "partial", "cpu_slabs", "objects", "objects_partial",
	"total_objects", "slabs_cpu_partial",
};

static int cannot_write(const char *path, struct kms_error *err)
{
	return kms_fail(err, KMS_EFAIL, "cannot write '%s': %s", path, strerror(errno));
}

static int copy_file(const char *from, const char *folder, u32 *missing, struct kms_error *err)
{
	FILE *in = fopen(from, "re"), *out;
	char path[4300], chunk[8192];
	size_t n;
	bool failed;

	if (!in) {
		++*missing;
		return 0;
	}
	snprintf(path, sizeof(path), "%s/%s", folder, strrchr(from, '/') + 1);
	out = fopen(path, "we");
	if (!out) {
		fclose(in);
		return cannot_write(path, err);
	}
	while ((n = fread(chunk, 1, sizeof(chunk), in)))
		fwrite(chunk, 1, n, out);
	fclose(in);
	failed = ferror(out);
	return fclose(out) || failed ? cannot_write(path, err) : 0;
}

/* First line of a small file, without what would break a table. False: not there. */
static bool fact(const char *path, char *text, int n)
{
	FILE *f = fopen(path, "re");
	bool got = f && fgets(text, n, f);

	if (f)
		fclose(f);
	if (!got)
		return false;
	text[strcspn(text, "\n")] = '\0';
	for (char *c = text; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = ' ';
	return true;
}

static void put_fact(FILE *out, const char *path)
{
	char text[1024];

	if (fact(path, text, sizeof(text)))
		fprintf(out, "%s\t%s\n", path, text);
}

static int is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* Calls visit for every entry of folder whose name begins with prefix. */
static void each(FILE *out, const char *folder, const char *prefix, void (*visit)(FILE *out, const char *path))
{
	struct dirent **entries;
	int n = scandir(folder, &entries, is_visible, versionsort);

	for (int i = 0; i < n; i++) {
		char path[4096];

		if (!strncmp(entries[i]->d_name, prefix, strlen(prefix)) &&
		    (size_t)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name) < sizeof(path))
			visit(out, path);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static void put_facts(FILE *out, const char *folder, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char path[4200];

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		put_fact(out, path);
	}
}

static void put_cache(FILE *out, const char *path)
{
	put_facts(out, path, cache_facts, KMS_ARRAY_SIZE(cache_facts));
}

static void put_cpu(FILE *out, const char *path)
{
	char caches[4200];

	if (!isdigit((unsigned char)strrchr(path, '/')[4]))
		return; /* cpufreq, cpuidle */
	put_facts(out, path, cpu_facts, KMS_ARRAY_SIZE(cpu_facts));
	snprintf(caches, sizeof(caches), "%s/cache", path);
	each(out, caches, "index", put_cache);
}

static void put_node(FILE *out, const char *path)
{
	char meminfo[4200];

	put_facts(out, path, node_facts, KMS_ARRAY_SIZE(node_facts));
	snprintf(meminfo, sizeof(meminfo), "%s/meminfo", path); /* its first line: MemTotal */
	put_fact(out, meminfo);
}

/* Merged caches are links to the one that serves them. */
static void put_slab(FILE *out, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	char target[256], file[4200], text[1024];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n > 0) {
		target[n] = '\0';
		fprintf(out, "%s\talias_of\t%s\n", name, target);
		return;
	}
	for (size_t i = 0; i < KMS_ARRAY_SIZE(slab_facts); i++) {
		snprintf(file, sizeof(file), "%s/%s", path, slab_facts[i]);
		if (fact(file, text, sizeof(text)))
			fprintf(out, "%s\t%s\t%s\n", name, slab_facts[i], text);
	}
}

static int make_folder(const char *folder, struct kms_error *err)
{
	if (!mkdir(folder, 0777) || errno == EEXIST)
		return 0;
	return kms_fail(err, KMS_EUSAGE, "cannot make the folder '%s': %s", folder, strerror(errno));
}

static int write_table(const char *folder, const char *name, void (*fill)(FILE *out), struct kms_error *err)
{
	char path[4300];
	FILE *out;
	bool failed;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	out = fopen(path, "we");
	if (!out)
		return cannot_write(path, err);
	fill(out);
	failed = ferror(out);
	return fclose(out) || failed ? cannot_write(path, err) : 0;
}

static void fill_slabs(FILE *out)
{
	each(out, "/sys/kernel/slab", "", put_slab);
}

static void fill_topology(FILE *out)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(facts); i++)
		put_fact(out, facts[i]);
	each(out, "/sys/devices/system/cpu", "cpu", put_cpu);
	each(out, "/sys/devices/system/node", "node", put_node);
}

static int copy_files(const char *folder, const char *const *files, size_t n, u32 *missing,
		      struct kms_error *err)
{
	int ret = make_folder(folder, err);

	for (size_t i = 0; i < n && !ret; i++)
		ret = copy_file(files[i], folder, missing, err);
	return ret;
}

int capture_state(const char *folder, u32 *missing, struct kms_error *err)
{
	int ret = copy_files(folder, changing, KMS_ARRAY_SIZE(changing), missing, err);

	return ret ? ret : write_table(folder, "slab.tsv", fill_slabs, err);
}

int capture_topology(const char *folder, u32 *missing, struct kms_error *err)
{
	int ret = copy_files(folder, fixed, KMS_ARRAY_SIZE(fixed), missing, err);

	return ret ? ret : write_table(folder, "topology.tsv", fill_topology, err);
}
