/*
 * hw_config.c - the machine's JSON: defaults, the shipped machines, and what
 * is refused with which words.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/hw_support.h"

static int load(const char *text, struct machine_config *config, struct kms_error *err)
{
	struct cfg *cfg = NULL;
	int ret = cfg_load_text(&cfg, &machine_config_table, config, text, "m.json", ".", NULL, 0, err);

	cfg_free(cfg);
	return ret;
}

static void defaults(void **state)
{
	struct machine_config c;
	struct kms_error err = { 0 };
	struct machine *machine;

	if (load("{}", &c, &err))
		fail_msg("%s", err.text);
	assert_int_equal(c.cpus, 4);
	assert_int_equal(c.l1d.size_bytes, 32768);
	assert_int_equal(c.l1d.replacement, HW_TREE_PLRU);
	assert_int_equal(c.llc.ways, 16);
	assert_int_equal(c.dram.tREFI, 9360);
	assert_int_equal(c.memory.size_bytes, 1 << 30);
	assert_true(c.core.l1_hit_cycles == 0.5);
	assert_int_equal(machine_new(&machine, &c, 1, &err), 0);
	machine_free(machine);
}

/* What is refused, and words that the message must contain. */
static void refused(void **state)
{
	static const struct {
		const char *json, *words[3];
	} cases[] = {
		{ "{\"cpus\": 0}", { "1", "256" } },
		{ "{\"cpus\": 1099511627776}", { "1", "256" } },
		{ "{\"l1d\": {\"line\": 48}}", { "48", "64" } },
		{ "{\"l2\": {\"line\": 128}}", { "128", "laid out for 64-byte lines" } },
		{ "{\"l1d\": {\"size\": \"48KiB\"}}", { "96 sets", "power of two", "32 or 64 KiB" } },
		{ "{\"l1d\": {\"size\": \"33000\"}}", { "33000", "divide" } },
		{ "{\"l1d\": {\"ways\": 0}}", { "1", "64" } },
		{ "{\"llc\": {\"ways\": 5}}", { "divide", "5 ways" } },
		{ "{\"l1d\": {\"ways\": 12, \"size\": \"48KiB\"}}", { "tree-plru", "12", "lru" } },
		{ "{\"l1d\": {\"wasy\": 8}}", { "wasy", "ways" } },
		{ "{\"l1d\": {\"replacement\": \"fifo\"}}", { "fifo", "lru" } },
		{ "{\"l2\": {\"latency_cycles\": 3}}", { "L2 hit (3", "L1D hit (4)" } },
		{ "{\"llc\": {\"latency_cycles\": 3}}", { "LLC", "L2 hit (12)" } },
		{ "{\"l2\": {\"size\": \"16KiB\"}}", { "contains L1D" } },
		{ "{\"llc\": {\"size\": \"128KiB\"}}", { "contains L2" } },
		{ "{\"l3\": {\"size\": \"64KiB\"}}", { "contains L2", "L3" } },
		{ "{\"l2\": {\"size\": 0}, \"l3\": {\"size\": \"1MiB\"}}", { "needs an L2" } },
		{ "{\"l2\": {\"size\": 0}, \"prefetch\": {\"l2\": \"stride\"}}", { "needs one" } },
		{ "{\"l2\": {\"write_miss\": \"around\"}}", { "contains L1D", "around", "allocate" } },
		{ "{\"llc\": {\"write_miss\": \"around\"}}", { "contains L2", "allocate" } },
		{ "{\"l1d\": {\"write\": \"thru\"}}", { "thru", "through" } },
		{ "{\"llc\": {\"inclusion\": \"exklusive\"}}", { "exklusive", "exclusive" } },
		{ "{\"coherence\": {\"protocol\": \"mosi\"}}", { "mosi", "moesi" } },
		{ "{\"interconnect\": {\"topology\": \"torus\"}}", { "torus", "mesh" } },
		{ "{\"llc\": {\"partition\": [{\"cpu\": 0, \"ways\": \"0x1ffff\"}]}}",
		  { "0x1ffff", "16 ways", "0xffff" } },
		{ "{\"llc\": {\"partition\": [{\"cpu\": 0, \"ways\": 0}]}}", { "0x1" } },
		{ "{\"llc\": {\"partition\": [{\"cpu\": 3, \"cpus\": 2, \"ways\": 1}]}}",
		  { "3 to 4", "4 CPUs" } },
		{ "{\"llc\": {\"partition\": [{\"cpu\": 0, \"cpus\": 2, \"ways\": 1}, {\"cpu\": 1, \"ways\": 2}]}}",
		  { "CPU 1", "partition 0" } },
		{ "{\"dram\": {\"banks\": 12}}", { "power of two", "12" } },
		{ "{\"dram\": {\"tRFC\": 9360}}", { "tREFI" } },
		{ "{\"dram\": {\"tRAS\": 5}}", { "tRCD (17)", "5" } },
		{ "{\"dram\": {\"tBURST\": 0}}", { "at least 1" } },
		{ "{\"dram\": {\"clock_mhz\": 0}}", { "clock_mhz" } },
		{ "{\"memory\": {\"size\": \"16MiB\"}}", { "size" } },
		{ "{\"memory\": {\"size\": \"17TiB\"}}", { "size" } },
		{ "{\"memory\": {\"size\": \"1025MiB\"}}", { "multiple of 4 MiB", "1024 or 1028" } },
		{ "{\"memory\": {\"movable\": \"2GiB\"}}", { "2048 MiB", "larger than RAM (1024 MiB)" } },
		{ "{\"memory\": {\"kernel_image\": \"1GiB\"}}", { "kernel image of 1024 MiB" } },
		{ "{\"memory\": {\"dma_limit\": \"5GiB\"}}", { "5120 MiB", "4096 MiB" } },
		{ "{\"memory\": {\"nodes\": [{\"memory\": \"64MiB\", \"cpus\": 1}]}}",
		  { "1 CPUs", "has 4", "nodes" } },
		{ "{\"memory\": {\"nodes\": [{\"memory\": \"63MiB\", \"cpus\": 4}]}}",
		  { "/memory/nodes/0/memory", "60 or 64 MiB" } },
		{ "{\"memory\": {\"nodes\": [{\"cpus\": 4}]}}", { "memory" } },
		{ "{\"memory\": {\"nodes\": [{\"memory\": \"4MiB\", \"cpus\": 4}]}}", { "4 MiB" } },
	};

	for (size_t i = 0; i < KMS_ARRAY_SIZE(cases); i++) {
		struct kms_error err = { 0 };
		struct machine_config c;

		if (load(cases[i].json, &c, &err) != KMS_EUSAGE)
			fail_msg("accepted: %s", cases[i].json);
		for (u32 w = 0; w < 3 && cases[i].words[w]; w++) {
			if (!strstr(err.text, cases[i].words[w]))
				fail_msg("%s: no \"%s\" in: %s", cases[i].json, cases[i].words[w],
					 err.text);
		}
		assert_non_null(strstr(err.text, "m.json:1:"));
	}
}

/* Allowed although unusual. */
static void accepted(void **state)
{
	static const char *const cases[] = {
		"{\"memory\": {\"dma32_limit\": \"1TiB\"}}",
		"{\"memory\": {\"dma_limit\": 0, \"dma32_limit\": 0}}",
		"{\"memory\": {\"movable\": \"512MiB\"}}",
		"{\"l1d\": {\"ways\": 12, \"size\": \"48KiB\", \"replacement\": \"lru\"}}",
		"{\"dram\": {\"tREFI\": 0}}",
		"{\"l2\": {\"size\": 0}}",
		"{\"llc\": {\"size\": 0}}",
		"{\"l2\": {\"size\": 0}, \"llc\": {\"size\": 0}}",
		"{\"l3\": {\"size\": \"1MiB\"}}",
		"{\"llc\": {\"size\": \"128KiB\", \"inclusion\": \"exclusive\"}}",
		"{\"l1d\": {\"replacement\": \"srrip\", \"write\": \"through\", \"write_miss\": \"around\"}}",
		"{\"llc\": {\"partition\": [{\"cpu\": 0, \"cpus\": 4, \"ways\": \"0x00ff\"}]}}",
		"{\"cpus\": 2, \"memory\": {\"nodes\": [{\"memory\": \"64MiB\", \"cpus\": 2}, {\"memory\": \"64MiB\"}]}}",
	};

	for (size_t i = 0; i < KMS_ARRAY_SIZE(cases); i++) {
		struct kms_error err = { 0 };
		struct machine_config c;

		if (load(cases[i], &c, &err))
			fail_msg("%s: %s", cases[i], err.text);
	}
}

static u32 load_machine(const char *name)
{
	struct kms_error err = { 0 };
	struct machine_config c;
	struct machine *machine;
	struct cfg *cfg;
	char path[512];
	int ret;

	snprintf(path, sizeof(path), "configs/machines/%s", name);
	if (cfg_load(&cfg, &machine_config_table, &c, path, NULL, 0, &err))
		fail_msg("%s", err.text);
	assert_non_null(c.source);
	assert_int_equal(strlen(c.name), strlen(name) - strlen(".json"));
	assert_memory_equal(c.name, name, strlen(c.name));
	ret = machine_new(&machine, &c, 1, &err);
	if (ret)
		fail_msg("%s: %s", path, err.text);
	machine_free(machine);
	cfg_free(cfg);
	return 1;
}

/* Every file in configs/machines loads, builds, and is named as its file. */
static void shipped_machines(void **state)
{
	DIR *dir = opendir("configs/machines");
	struct dirent *entry;
	u32 n = 0;

	if (!dir)
		fail_msg("run from the top of the source tree");
	while ((entry = readdir(dir))) {
		if (strstr(entry->d_name, ".json"))
			n += load_machine(entry->d_name);
	}
	closedir(dir);
	assert_true(n >= 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(refused),
		cmocka_unit_test(accepted),
		cmocka_unit_test(shipped_machines),
	};

	return cmocka_run_group_tests_name("hw_config", tests, NULL, NULL);
}
