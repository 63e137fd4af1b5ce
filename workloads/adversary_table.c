/*
 * adversary_table.c - names, meanings and defaults of the adversaries and
 * micro-benchmarks, and the table of their parameters for the configuration.
 */
#include "workloads/adversary_programs.h"

#define NONE NULL

const char *const adversary_param_names[ADVERSARY_PARAMS] = {"cpus", "objects", "rounds", "size", "order", "every"};

#define CPUS "CPUs that take part"
#define N_THEN_N "objects of each size that are allocated, then freed"
#define ONE_SIZE "bytes of an object; not given: 8, 16 ... 8192, one after the other"

/*
 * ADVERSARY(name, group, write, summary, effect, docs, defaults): one list, from which the
 * table and the choices of the configuration come. docs and defaults: cpus, objects, rounds,
 * size, order, every.
 */
#define A(...) __VA_ARGS__
#define ADVERSARIES(ADVERSARY)                                                                         \
	ADVERSARY("checkerboard", "adversary", write_checkerboard,                                     \
		  "Fills memory with blocks of unmovable pages and frees every second one.",           \
		  "unusable_index_order9: half of what was filled is free, but nothing of it fits a larger block.", \
		  A(NONE, "blocks that are filled", NONE, NONE, "order of the blocks", NONE),          \
		  A(1, 38400, 0, 0, 0, 0))                                                             \
	ADVERSARY("sparse-slabs", "adversary", write_sparse_slabs,                                     \
		  "As updatedb, then a build: dentries and inodes of many files, of which few stay, then unrelated work.", \
		  "slab_utilisation, waste_partial_slabs: each object that stays pins its slab.",      \
		  A(NONE, "files that are visited", "rounds of the build", NONE, NONE, "one of so many files stays cached"), \
		  A(1, 20000, 100, 0, 0, 16))                                                          \
	ADVERSARY("unmovable-pollution", "adversary", write_pollution,                                 \
		  "Kernel pages are allocated while user memory fills the machine, which then goes.",  \
		  "unmovable_in_movable_pages, fragmenting_fallbacks: kernel pages in movable pageblocks outlive the user memory.", \
		  A(NONE, "user pages that fill the machine", "times that 64 user pages make room for 16 kernel pages", NONE, NONE, NONE), \
		  A(1, 56000, 400, 0, 0, 0))                                                           \
	ADVERSARY("ping-pong", "adversary", write_ping_pong,                                           \
		  "Each CPU in turn allocates a few objects that the next CPU frees.",                 \
		  "fast_path_share, line_transfers: every free is remote.",                           \
		  A(CPUS ", up to 60", "objects of one turn", "times around", "bytes of an object", NONE, NONE), \
		  A(2, 16, 2000, 64, 0, 0))                                                            \
	ADVERSARY("size-borders", "adversary", write_size_borders,                                     \
		  "Batches at and just above the border of every size class, allocated and freed whole.", \
		  "slabs_allocated in phase thrash; waste_size_rounding in phase hold: almost half of every object.", \
		  A(NONE, "objects of each size in a batch", "batches", NONE, NONE, NONE),             \
		  A(1, 300, 20, 0, 0, 0))                                                              \
	ADVERSARY("remote-free-storm", "adversary", write_remote_storm,                                \
		  "One CPU allocates a batch, all others free it at once, in random order.",           \
		  "contended_locks, lock_wait, fast_path_share: slow paths and the node's lock.",      \
		  A(CPUS, "objects of a batch", "batches", "bytes of an object", NONE, NONE),          \
		  A(4, 2000, 40, 256, 0, 0))                                                           \
	ADVERSARY("high-order-bursts", "adversary", write_high_order,                                  \
		  "A checkerboard over nearly all memory, then bursts of large blocks.",               \
		  "failed_allocations, and the latency of page_alloc in phase bursts.",                \
		  A(NONE, "pages that are filled before", "bursts of 32 blocks", NONE, "order of the bursts' blocks", NONE), \
		  A(1, 60000, 40, 0, 4, 0))                                                            \
	ADVERSARY("leak-and-fragment", "adversary", write_leak,                                        \
		  "Sessions come and go, a few objects leak each time, and a rush leaves sparse slabs behind.", \
		  "requested_bytes grow by the leak, waste_partial_slabs by the fragmentation: the two to be told apart.", \
		  A(NONE, "objects of a session", "sessions", "bytes of an object", NONE, "one of so many objects of the rush stays"), \
		  A(1, 1000, 200, 256, 0, 16))                                                         \
	ADVERSARY("slab-batch", "micro-benchmark", write_slab_batch,                                   \
		  "N allocations, then N frees, for each size.", "latencies of kmalloc and kfree by phase.", \
		  A(NONE, N_THEN_N, NONE, ONE_SIZE, NONE, NONE), A(1, 10000, 0, 0, 0, 0))              \
	ADVERSARY("slab-pairs", "micro-benchmark", write_slab_pairs,                                   \
		  "Allocate and free at once, for each size.", "latencies of the fast paths by phase.", \
		  A(NONE, "pairs of each size", NONE, ONE_SIZE, NONE, NONE), A(1, 10000, 0, 0, 0, 0))  \
	ADVERSARY("slab-remote-free", "micro-benchmark", write_slab_remote,                            \
		  "Every CPU allocates N, then frees those of its neighbour, for each size.",          \
		  "latency of kfree, line_transfers.",                                                 \
		  A(CPUS, N_THEN_N " by each CPU", NONE, ONE_SIZE, NONE, NONE), A(2, 5000, 0, 0, 0, 0)) \
	ADVERSARY("slab-concurrent", "micro-benchmark", write_slab_concurrent,                         \
		  "All CPUs at once: N allocations, N frees, N pairs, for each size.",                 \
		  "lock_wait, contended_locks.",                                                       \
		  A(CPUS, N_THEN_N " by each CPU", NONE, ONE_SIZE, NONE, NONE), A(4, 3000, 0, 0, 0, 0)) \
	ADVERSARY("page-batch", "micro-benchmark", write_page_batch,                                   \
		  "Blocks are allocated, then freed, for each order.", "latencies of page_alloc and page_free by phase.", \
		  A(CPUS, "pages of each order, by each CPU", NONE, NONE, "largest order", NONE), A(1, 8192, 0, 0, 10, 0)) \
	ADVERSARY("page-pairs", "micro-benchmark", write_page_pairs,                                   \
		  "A block is allocated and freed at once, for each order.", "pcp_hit_share, latencies by phase.", \
		  A(CPUS, "pairs of each order, by each CPU", NONE, NONE, "largest order", NONE), A(1, 5000, 0, 0, 10, 0))

#define ROW(name_, group_, write_, summary_, effect_, docs_, defaults_)                                \
	{.name = name_, .group = group_, .write = write_, .summary = summary_, .effect = effect_,      \
	 .docs = {docs_}, .defaults = {defaults_}},
#define NAME(name_, ...) name_,

const struct adversary adversaries[] = {ADVERSARIES(ROW)};
const u32 nr_adversaries = KMS_ARRAY_SIZE(adversaries);
const char *const adversary_choices[] = {"none", ADVERSARIES(NAME) NULL};

#define FIELD(name_, max_, doc_)                                                                       \
	{.key = #name_, .offset = offsetof(struct adversary_params, name_), .type = CFG_UINT,          \
	 .def = "0", .max = max_, .doc = doc_ "; 0: the workload's default."}

static const struct cfg_field fields[] = {
	FIELD(cpus, 256, "CPUs that take part"),
	FIELD(objects, 1e9, "Objects or page blocks, as `kmemsim workloads NAME` says"),
	FIELD(rounds, 1e9, "Repetitions"),
	FIELD(size, 4194304, "Bytes of an object"),
	FIELD(order, 10, "Order of page blocks"),
	FIELD(every, 1e6, "One object of so many is kept"),
};

const struct cfg_table adversary_params_table = {
	.name = "parameters",
	.doc = "Parameters of a named workload; `kmemsim workloads NAME` says which it has.",
	.fields = fields,
	.nr_fields = KMS_ARRAY_SIZE(fields),
	.size = sizeof(struct adversary_params),
};
