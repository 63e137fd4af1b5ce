/*
 * cache_config.c - the machine's JSON: caches, coherence, interconnect.
 *
 * One table of keys per section, as in machine_config.c, which puts them
 * together and checks what concerns several of them. Every level of cache has
 * the same keys; the LLC has some of its own. Where the default numbers come
 * from stands in machine_config.c.
 */
#include <stdio.h>

#include "models/hw/machine_config.h"
#include "models/hw/protocol.h"

#define KIB 1024ull
#define LINE 64
#define MAX_WAYS 64

#define FIELD(struct_, member, ...) .offset = offsetof(struct struct_, member), __VA_ARGS__

static bool is_power_of_two(u64 n)
{
	return n && !(n & (n - 1));
}

/* ---- caches ---- */

static const char *const replacements[] = { "lru", "tree-plru", "random", "srrip", "brrip", NULL };
static const char *const writes[] = { "back", "through", NULL };
static const char *const write_misses[] = { "allocate", "around", NULL };
static const char *const inclusions[] = { "inclusive", "non-inclusive", "exclusive", NULL };

/* The power-of-two multiples of ways * line next to size, for the error text. */
static void nearest_sizes(char *text, size_t n, u64 size, u64 way_line)
{
	u64 below = way_line;

	while (below * 2 <= size)
		below *= 2;
	snprintf(text, n, "%g or %g KiB", (double)below / KIB, (double)below * 2 / KIB);
}

static int check_sets(const struct cache_config *c, struct cfg_ctx *ctx, struct kms_error *err)
{
	u64 way_line = c->ways * c->line_bytes;
	char sizes[80];

	nearest_sizes(sizes, sizeof(sizes), c->size_bytes, way_line);
	if (c->size_bytes % way_line)
		return cfg_fail(ctx, err, "size",
				"%llu bytes do not divide into %llu ways of %d-byte lines; nearest "
				"with a power of two of sets: %s",
				(unsigned long long)c->size_bytes, (unsigned long long)c->ways, LINE,
				sizes);
	if (is_power_of_two(c->size_bytes / way_line))
		return 0;
	return cfg_fail(ctx, err, "size",
			"%llu bytes in %llu ways make %llu sets, which is not a power of two; "
			"nearest: %s",
			(unsigned long long)c->size_bytes, (unsigned long long)c->ways,
			(unsigned long long)(c->size_bytes / way_line), sizes);
}

static int check_cache(const void *section, struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct cache_config *c = section;

	if (c->line_bytes != LINE)
		return cfg_fail(ctx, err, "line",
				"the line is %llu bytes; only 64 can be simulated: the simulated "
				"structures are laid out for 64-byte lines",
				(unsigned long long)c->line_bytes);
	if (!c->size_bytes)
		return 0;
	if (check_sets(c, ctx, err))
		return KMS_EUSAGE;
	if (c->replacement == HW_TREE_PLRU && !is_power_of_two(c->ways))
		return cfg_fail(ctx, err, "ways",
				"tree-plru needs a power of two of ways, found %llu; with other "
				"ways use lru or random",
				(unsigned long long)c->ways);
	return 0;
}

#define CACHE_FIELDS(size_, min_, size_doc_, ways_, cycles_, replacement_, mshrs_) \
	{ .key = "size", .type = CFG_BYTES, .def = size_, .min = min_, .max = 1ull << 36, \
	  .unit = "bytes", \
	  .doc = "Capacity; divided by ways and line it is the number of sets, a power of two." \
		 size_doc_, \
	  FIELD(cache_config, size_bytes) }, \
	{ .key = "ways", .type = CFG_UINT, .def = ways_, .min = 1, .max = MAX_WAYS, \
	  .unit = "lines per set", .doc = "Associativity.", FIELD(cache_config, ways) }, \
	{ .key = "line", .type = CFG_BYTES, .def = "64", .min = 1, .max = 4096, .unit = "bytes", \
	  .doc = "Line size; only 64 can be simulated.", FIELD(cache_config, line_bytes) }, \
	{ .key = "latency_cycles", .type = CFG_UINT, .def = cycles_, .min = 0, .max = 1e6, \
	  .unit = "core cycles", \
	  .doc = "A hit as seen from the core, so never less than the level above; for the LLC " \
		 "without the way there and directory_ns.", \
	  FIELD(cache_config, latency_cycles) }, \
	{ .key = "replacement", .type = CFG_ENUM, .def = "\"" replacement_ "\"", \
	  .choices = replacements, .doc = "Which line makes room.", \
	  FIELD(cache_config, replacement) }, \
	{ .key = "mshrs", .type = CFG_UINT, .def = mshrs_, .min = 1, .max = 64, .unit = "lines", \
	  .doc = "Misses under way at a time (miss status holding registers), per CPU or LLC slice.", \
	  FIELD(cache_config, mshrs) }, \
	{ .key = "write", .type = CFG_ENUM, .def = "\"back\"", .choices = writes, \
	  .doc = "back: a write stays here until the line makes room. through: it goes on to the " \
		 "next level at once, and lines here are never modified.", \
	  FIELD(cache_config, write) }, \
	{ .key = "write_miss", .type = CFG_ENUM, .def = "\"allocate\"", .choices = write_misses, \
	  .doc = "allocate: a store that misses brings its line in. around: it goes on to the next " \
		 "level and leaves this one as it is; locked operations bring the line in all the " \
		 "same.", \
	  FIELD(cache_config, write_miss) }

#define CACHE_TABLE(id, title, size_, min_, size_doc_, ways_, cycles_, replacement_, mshrs_) \
	static const struct cfg_field id##_fields[] = { \
		CACHE_FIELDS(size_, min_, size_doc_, ways_, cycles_, replacement_, mshrs_), \
	}; \
	const struct cfg_table cache_##id##_table = { \
		.name = #id, .doc = title, .size = sizeof(struct cache_config), \
		.check = check_cache, .fields = id##_fields, \
		.nr_fields = KMS_ARRAY_SIZE(id##_fields), \
	}

CACHE_TABLE(l1d, "Each CPU's first-level data cache.", "\"32KiB\"", 64, "", "8", "4", "tree-plru",
	    "10");
CACHE_TABLE(l2, "Each CPU's second-level cache, inclusive of L1D.", "\"256KiB\"", 0,
	    " 0: none.", "4", "12", "tree-plru", "16");
CACHE_TABLE(l3, "Each CPU's own third-level cache, inclusive of L2; not the one that CPUs share, "
		"which is llc.",
	    "0", 0, " 0: none.", "16", "20", "tree-plru", "32");

/* ---- the LLC ---- */

static const struct cfg_field partition_fields[] = {
	{ .key = "cpu", .type = CFG_UINT, .min = 0, .max = 255, .doc = "The first CPU it is for.",
	  FIELD(llc_partition, cpu) },
	{ .key = "cpus", .type = CFG_UINT, .def = "1", .min = 1, .max = 256,
	  .doc = "How many CPUs from there on.", FIELD(llc_partition, cpus) },
	{ .key = "ways", .type = CFG_UINT, .unit = "mask",
	  .doc = "The ways that these CPUs may fill, one bit each, for instance \"0x00ff\"; hits are "
		 "served from any way.",
	  FIELD(llc_partition, ways) },
};

static const struct cfg_table partition_table = {
	.name = "partition", .doc = "The ways of the LLC that some CPUs may fill.",
	.size = sizeof(struct llc_partition), .fields = partition_fields,
	.nr_fields = KMS_ARRAY_SIZE(partition_fields),
};

static int check_llc(const void *section, struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct cache_config *c = section;
	const struct llc_partition *p = c->partition.items;
	u64 all = c->ways < 64 ? (1ull << c->ways) - 1 : ~0ull;
	char key[40];

	for (size_t i = 0; i < c->partition.n; i++) {
		snprintf(key, sizeof(key), "partition[%zu].ways", i);
		if (!p[i].ways || p[i].ways & ~all)
			return cfg_fail(ctx, err, key,
					"found the mask %#llx; expected some of the LLC's %llu ways: "
					"0x1 to %#llx",
					(unsigned long long)p[i].ways,
					(unsigned long long)c->ways, (unsigned long long)all);
	}
	return check_cache(section, ctx, err);
}

static const struct cfg_field llc_fields[] = {
	CACHE_FIELDS("\"8MiB\"", 0, " 0: no shared cache, the directory stands before DRAM.", "16",
		     "28", "lru", "48"),
	{ .key = "inclusion", .type = CFG_ENUM, .def = "\"inclusive\"", .choices = inclusions,
	  .doc = "inclusive: holds every line that a CPU has; what leaves it leaves the CPUs. "
		 "non-inclusive: filled on the way to the CPU, but what leaves it stays with the CPUs. "
		 "exclusive: holds what the CPUs' last private level gave up (a victim cache), and no "
		 "line that a CPU has.",
	  FIELD(cache_config, inclusion) },
	{ .key = "partition", .type = CFG_ARRAY, .table = &partition_table,
	  .doc = "Way partitioning: which ways which CPUs may fill; a CPU that is not named may fill "
		 "all.",
	  FIELD(cache_config, partition) },
};

const struct cfg_table cache_llc_table = {
	.name = "llc",
	.doc = "The last-level cache that all CPUs share; with several nodes, each node's slice of it, "
	       "for lines of its own memory.",
	.size = sizeof(struct cache_config), .check = check_llc, .fields = llc_fields,
	.nr_fields = KMS_ARRAY_SIZE(llc_fields),
};

/* ---- coherence, interconnect ---- */

#define NS(struct_, name, default_, doc_)							 \
	{ .key = #name, .type = CFG_DOUBLE, .def = default_, .min = 0, .max = 1e6, .unit = "ns", \
	  .doc = doc_, .offset = offsetof(struct struct_, name) }

static const struct cfg_field coherence_fields[] = {
	{ .key = "protocol", .type = CFG_ENUM, .def = "\"mesi\"", .choices = protocol_names,
	  .doc = "The states of lines in private caches. mesif: of those who share a clean line one "
		 "forwards it. moesi: a modified line that others read stays modified with its owner.",
	  FIELD(coherence_config, protocol) },
	NS(coherence_config, cache_to_cache_ns, "13",
	   "Getting a line that another CPU owns (modified or exclusive), beyond the LLC look-up; on a "
	   "ring or mesh beyond the messages' flight too."),
	NS(coherence_config, invalidate_ns, "9",
	   "Waiting for all other CPUs to give a shared line up, before a write or because the LLC "
	   "makes room; on a ring or mesh beyond the messages' flight."),
	NS(coherence_config, upgrade_ns, "4",
	   "Permission to write a line held shared, beyond the way to the directory."),
	NS(coherence_config, write_back_ns, "0.5",
	   "Charged to the access that evicts a modified line, from the private caches to the LLC and "
	   "from there to DRAM."),
	NS(coherence_config, directory_ns, "0.5", "A look-up in the directory."),
};

const struct cfg_table coherence_table = {
	.name = "coherence", .doc = "How the private caches are kept coherent, and what it costs.",
	.size = sizeof(struct coherence_config), .fields = coherence_fields,
	.nr_fields = KMS_ARRAY_SIZE(coherence_fields),
};

static const char *const topologies[] = { "flat", "ring", "mesh", NULL };

static const struct cfg_field interconnect_fields[] = {
	{ .key = "topology", .type = CFG_ENUM, .def = "\"flat\"", .choices = topologies,
	  .doc = "Within a node. flat: every CPU is hop_ns from every part of the LLC. ring, mesh: a "
		 "stop per CPU with a slice of the LLC and directory; a hash of the address says which "
		 "slice, and each message takes its way.",
	  FIELD(interconnect_config, topology) },
	NS(interconnect_config, hop_ns, "3", "Flat: from a core to the LLC and directory, and back."),
	NS(interconnect_config, stop_ns, "0.7", "Ring and mesh: from one stop to the next."),
	NS(interconnect_config, inject_ns, "0.7",
	   "Ring and mesh: on and off it, once per message, also to the slice at one's own stop."),
	NS(interconnect_config, flit_ns, "0",
	   "Ring and mesh: 16 bytes keep a link busy so long, and the next message waits; 0: links are "
	   "never short."),
	NS(interconnect_config, node_ns, "40",
	   "To another NUMA node and back, beyond hop_ns or the way to and from stop 0, where the link "
	   "is."),
};

const struct cfg_table interconnect_table = {
	.name = "interconnect", .doc = "The ways between cores, LLC and nodes.",
	.size = sizeof(struct interconnect_config), .fields = interconnect_fields,
	.nr_fields = KMS_ARRAY_SIZE(interconnect_fields),
};
