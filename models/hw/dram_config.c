/*
 * dram_config.c - dram_config.h: the keys of a machine's DRAM, and what fits together.
 *
 * The defaults are DDR4-2400T as JESD79-4 has it (17-17-17 at 1200 MHz), one
 * rank of 8 Gbit x8 chips. Other standards are files in configs/dram, to be
 * named in the machine's JSON: "dram": {"extends": "../dram/ddr5-4800.json"}.
 */
#include "models/hw/dram_config.h"
#include "models/hw/dram_map.h"

#define FIELD(member, ...) .offset = offsetof(struct dram_config, member), __VA_ARGS__

static const char *const row_policies[] = {"open", "closed", "timeout", NULL};
static const char *const refreshes[] = {"all-bank", "per-bank", "same-bank", NULL};
static const char *const schedulers[] = {"fr-fcfs", "fr-fcfs-hit", "fcfs", NULL};
static const char *const releases[] = {"column", "activate", NULL};

#define COUNT(name, default_, max_, doc_)                                                          \
	{ .key = #name, .type = CFG_UINT, .def = default_, .min = 1, .max = max_,                  \
	  .power_of_two = true, .doc = doc_, FIELD(name) }
#define CLOCKS(name, default_, doc_)                                                               \
	{ .key = #name, .type = CFG_UINT, .def = default_, .min = 0, .max = 1e6,                   \
	  .unit = "command clocks", .doc = doc_, FIELD(name) }
#define ENTRIES(name, default_, doc_)                                                              \
	{ .key = #name, .type = CFG_UINT, .def = default_, .min = 1, .max = 4096, .doc = doc_,     \
	  FIELD(name) }
#define PART(name, default_, doc_)                                                                 \
	{ .key = #name, .type = CFG_DOUBLE, .def = default_, .min = 0, .max = 1, .doc = doc_,      \
	  FIELD(name) }
#define CHOICE(name, default_, choices_, doc_)                                                     \
	{ .key = #name, .type = CFG_ENUM, .def = default_, .choices = choices_, .doc = doc_,       \
	  FIELD(name) }

static const struct cfg_field dram_fields[] = {
	{ .key = "source", .type = CFG_STRING, .doc = "Where the figures come from.", FIELD(source) },
	COUNT(channels, "2", DRAM_MAX_CHANNELS,
	      "Channels of each node; neighbouring lines alternate between them."),
	COUNT(ranks, "1", DRAM_MAX_RANKS, "Ranks of each channel."),
	COUNT(banks, "16", DRAM_MAX_BANKS, "Banks of each rank, all groups together."),
	COUNT(bank_groups, "4", 16, "Bank groups of each rank; 1: the standard has none."),
	{ .key = "row", .type = CFG_BYTES, .def = "\"8KiB\"", .min = 64, .max = 1 << 20,
	  .unit = "bytes", .power_of_two = true,
	  .doc = "A row of a bank, over all chips of the rank.", FIELD(row_bytes) },
	{ .key = "clock_mhz", .type = CFG_DOUBLE, .def = "1200", .min = 1, .max = 1e5,
	  .unit = "MHz", .doc = "Command clock: half the transfer rate, 1200 for DDR4-2400.",
	  FIELD(clock_mhz) },
	CLOCKS(tRCD, "17", "Activate to column command."),
	CLOCKS(tRP, "17", "Precharge to activate."),
	CLOCKS(tCL, "17", "Read command to first data."),
	CLOCKS(tCWL, "12", "Write command to first data."),
	CLOCKS(tRAS, "39", "Activate to precharge, at least."),
	CLOCKS(tRC, "0", "Activate to activate of one bank; 0: tRAS + tRP."),
	CLOCKS(tWR, "18", "Last write data to precharge."),
	CLOCKS(tBURST, "4", "Data bus occupied by one line."),
	CLOCKS(tCCD_S, "4", "Column command to the next of its kind, another bank group; 0: tBURST."),
	CLOCKS(tCCD_L, "6", "The same within a bank group; 0: tCCD_S."),
	CLOCKS(tCCD_L_WR, "0", "Write to write within a bank group; 0: tCCD_L."),
	CLOCKS(tRRD_S, "4", "Activate to activate, another bank group."),
	CLOCKS(tRRD_L, "6", "Activate to activate within a bank group; 0: tRRD_S."),
	CLOCKS(tFAW, "26", "Four activates of a rank at most in this window; 0: no limit."),
	CLOCKS(tWTR_S, "3", "Last write data to read, another bank group."),
	CLOCKS(tWTR_L, "9", "Last write data to read within a bank group; 0: tWTR_S."),
	CLOCKS(tRTP, "9", "Read to precharge."),
	CLOCKS(tRTW, "2", "Data bus idle from read data to write data of a rank."),
	CLOCKS(tRTRS, "2", "Data bus idle between data of two ranks."),
	CLOCKS(tREFI, "9360", "Between two refreshes of a rank; 0: no refresh."),
	CLOCKS(tRFC, "420", "All banks of a rank are busy with a refresh."),
	CLOCKS(tRFCpb, "0", "The same for a refresh of one bank or the same bank of each group; "
			    "0: half of tRFC."),
	CHOICE(refresh, "\"all-bank\"", refreshes,
	       "What one refresh command takes: the rank, one bank (LPDDR, HBM), or the same bank of "
	       "each group (DDR5); the parts take turns within tREFI."),
	CHOICE(row_policy, "\"open\"", row_policies,
	       "A row stays open, is closed with its last access that waits, or when unused for "
	       "row_timeout."),
	CLOCKS(row_timeout, "200", "Row policy timeout: from the last column command."),
	CHOICE(scheduler, "\"fr-fcfs-hit\"", schedulers,
	       "fr-fcfs: the oldest request whose command is possible now; fr-fcfs-hit: row hits "
	       "before others, and a row that is waited for stays open; fcfs: strictly the oldest."),
	{ .key = "hit_cap", .type = CFG_UINT, .def = "0", .min = 0, .max = 1e6,
	  .doc = "Row hits served before an older request for another row of the bank, at most; 0: "
		 "no limit.",
	  FIELD(hit_cap) },
	ENTRIES(read_entries, "32", "Reads a channel holds."),
	ENTRIES(write_entries, "32", "Writes a channel holds."),
	PART(write_high, "0.8", "Writes are drained once more than this part of their queue is full, "
				"or no read waits."),
	PART(write_low, "0.2", "And until less than this part is, while reads wait."),
	CHOICE(entry_release, "\"column\"", releases,
	       "When a request's queue entry is free again: with its column command, or already with "
	       "the activate made for it."),
	{ .key = "command_clocks", .type = CFG_UINT, .def = "1", .min = 1, .max = 8,
	  .unit = "command clocks", .doc = "The command bus is taken by one command: 2 for DDR5.",
	  FIELD(command_clocks) },
	{ .key = "row_column_buses", .type = CFG_BOOL, .def = "false",
	  .doc = "Row and column commands have a bus each (HBM).", FIELD(row_column_buses) },
	{ .key = "mapping", .type = CFG_STRING,
	  .doc = "Address bits of the node's memory, top first, a letter each, or letter and count: "
		 "r row, k rank, b bank in group, g bank group, c column (line in row), h channel, x "
		 "byte in line; rows go on above the top. Without: r k b g c h x as the geometry has "
		 "them.",
	  FIELD(mapping) },
	{ .key = "bank_hash", .type = CFG_BOOL, .def = "true",
	  .doc = "Bank, group and rank bits of an address are XORed with its lowest row bits.",
	  FIELD(bank_hash) },
	{ .key = "controller_ns", .type = CFG_DOUBLE, .def = "19", .min = 0, .max = 1e6,
	  .unit = "ns",
	  .doc = "Controller and PHY of one access: half before the first command, half after the "
		 "data.",
	  FIELD(controller_ns) },
};

static void derive(u64 *value, u64 from)
{
	if (!*value)
		*value = from;
}

void dram_config_derive(struct dram_config *c)
{
	derive(&c->bank_groups, 1);
	derive(&c->tRC, c->tRAS + c->tRP);
	derive(&c->tCCD_S, c->tBURST);
	derive(&c->tCCD_L, c->tCCD_S);
	derive(&c->tCCD_L_WR, c->tCCD_L);
	derive(&c->tRRD_L, c->tRRD_S);
	derive(&c->tWTR_L, c->tWTR_S);
	derive(&c->tRFCpb, (c->tRFC + 1) / 2);
	derive(&c->read_entries, 32);
	derive(&c->write_entries, 32);
	derive(&c->command_clocks, 1);
	if (!c->write_high) {
		c->write_high = 0.8;
		c->write_low = 0.2;
	}
}

#define ULL(x) ((unsigned long long)(x))

static int check_refresh(const struct dram_config *d, struct cfg_ctx *ctx, struct kms_error *err)
{
	u64 parts = d->refresh == DRAM_REFRESH_PER_BANK	  ? d->banks
		    : d->refresh == DRAM_REFRESH_SAME_BANK ? d->banks / d->bank_groups
							   : 1;
	bool part = d->refresh != DRAM_REFRESH_ALL_BANK;
	u64 busy = !part ? d->tRFC : d->tRFCpb ? d->tRFCpb : (d->tRFC + 1) / 2;

	if (!d->tREFI || busy < d->tREFI / parts)
		return 0;
	return cfg_fail(ctx, err, part ? "tRFCpb" : "tRFC",
			"a refresh of %llu clocks every %llu leaves no time for accesses; expected "
			"less than %s",
			ULL(busy), ULL(d->tREFI / parts), part ? "tREFI / banks" : "tREFI");
}

static int check_timing(const struct dram_config *d, struct cfg_ctx *ctx, struct kms_error *err)
{
	if (d->tRAS < d->tRCD)
		return cfg_fail(ctx, err, "tRAS",
				"the row would close before it is open: expected at least tRCD "
				"(%llu), found %llu",
				ULL(d->tRCD), ULL(d->tRAS));
	if (!d->tBURST)
		return cfg_fail(ctx, err, "tBURST",
				"expected at least 1 command clock for a line's data");
	if (d->tCCD_S && d->tCCD_S < d->tBURST)
		return cfg_fail(ctx, err, "tCCD_S",
				"data of two column commands would overlap: expected at least tBURST "
				"(%llu), found %llu",
				ULL(d->tBURST), ULL(d->tCCD_S));
	if (d->tRC && d->tRC < d->tRAS)
		return cfg_fail(ctx, err, "tRC", "expected at least tRAS (%llu), found %llu",
				ULL(d->tRAS), ULL(d->tRC));
	return check_refresh(d, ctx, err);
}

static int check_dram(const void *section, struct cfg_ctx *ctx, struct kms_error *err)
{
	const struct dram_config *d = section;
	struct kms_error why = {0};
	struct dram_map map;

	if (d->bank_groups > d->banks)
		return cfg_fail(ctx, err, "bank_groups",
				"%llu groups of %llu banks: expected no more groups than banks",
				ULL(d->bank_groups), ULL(d->banks));
	if (d->ranks * d->banks > DRAM_MAX_BANKS)
		return cfg_fail(ctx, err, "banks",
				"%llu ranks of %llu banks: expected at most %d banks in a channel",
				ULL(d->ranks), ULL(d->banks), DRAM_MAX_BANKS);
	if (d->write_low > d->write_high)
		return cfg_fail(ctx, err, "write_low",
				"expected at most write_high (%g), found %g", d->write_high,
				d->write_low);
	if (dram_map_init(&map, d, &why))
		return cfg_fail(ctx, err, "mapping", "%s", why.text);
	return check_timing(d, ctx, err);
}

const struct cfg_table dram_config_table = {
	.name = "dram",
	.doc = "The DRAM of each node.",
	.size = sizeof(struct dram_config),
	.check = check_dram,
	.fields = dram_fields,
	.nr_fields = KMS_ARRAY_SIZE(dram_fields),
};
