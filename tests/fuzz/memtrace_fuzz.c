/*
 * memtrace_fuzz.c - libFuzzer on traces of memory accesses, in every mode and
 * format of `memtrace`. tests/e2e/fuzz.sh runs it.
 *
 * The first byte chooses mode and format, and whether the rest is compressed
 * before it is read.
 */
#include <zstd.h>

#include "sim/memtrace/memtrace.h"
#include "tests/fuzz/fuzz.h"

static const struct way {
	int (*run)(const struct memtrace_options *o, struct memtrace_result *r, struct kms_error *err);
	const char *format;
	bool dinero, compress;
} ways[] = {
	{ memtrace_dram_only, NULL, false, false },
	{ memtrace_cachegrind, NULL, false, false },
	{ memtrace_cachegrind, "u32", false, false },
	{ memtrace_cachegrind, NULL, true, false },
	{ memtrace_coherence, NULL, false, false },
	{ memtrace_machine, NULL, false, false },
	{ memtrace_machine, "ldst", false, false },
	{ memtrace_machine, "bubbles", false, false },
	{ memtrace_machine, "champsim", false, false },
	{ memtrace_dram_only, NULL, false, true },
	{ memtrace_machine, NULL, false, true },
};

/* A small machine: it is built anew for every input. */
static const char *const small[] = {
	"cpus=4", "llc.size=64KiB", "l2.size=16KiB", "l1d.size=4KiB", "memory.size=16MiB",
};

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct memtrace_result result;
	struct kms_error err = { 0 };
	struct memtrace_options o = { .limit = 20000, .l1 = "1024,2" };
	u8 *packed = NULL;
	const struct way *way;
	char path[64];
	int fd;

	if (!size || data[0] >= KMS_ARRAY_SIZE(ways))
		return -1;
	way = &ways[*data++];
	size--;
	if (way->compress) {
		size_t room = ZSTD_compressBound(size);

		packed = malloc(room);
		size = ZSTD_compress(packed, room, data, size, 1);
		data = packed;
	}
	fd = fuzz_file(data, size, path);
	free(packed);
	o.trace = path;
	o.format = way->format;
	o.dinero = way->dinero;
	if (way->run == memtrace_machine) {
		o.machine = "configs/machines/desktop-4cpu.json";
		o.set = small;
		o.nr_set = KMS_ARRAY_SIZE(small);
	}
	result.nr_figures = 0;
	fuzz_result(way->run(&o, &result, &err), &err);
	close(fd);
	return 0;
}
