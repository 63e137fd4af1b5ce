/*
 * dram_map.c - dram_map.h: the string read into runs of bits.
 */
#include "models/hw/dram_map.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char letters[] = "rkbgch";
static const char *const part_names[] = {"row",	       "rank",	 "bank",
					 "bank group", "column", "channel"};

static u32 bits_of(u64 count)
{
	return count > 1 ? 63 - (u32)__builtin_clzll(count) : 0;
}

/* Bits that the geometry wants of each part; rows may be as many as one likes. */
static void wanted_bits(const struct dram_config *c, u32 *bits)
{
	u64 groups = c->bank_groups ? c->bank_groups : 1;

	bits[DRAM_ROW] = 0;
	bits[DRAM_RANK] = bits_of(c->ranks);
	bits[DRAM_BANK] = bits_of(c->banks / groups);
	bits[DRAM_GROUP] = bits_of(groups);
	bits[DRAM_COLUMN] = bits_of(c->row_bytes >> DRAM_LINE_SHIFT);
	bits[DRAM_CHANNEL] = bits_of(c->channels);
}

/* "r16 b2" and "rrbb" alike into one letter per bit. Returns the number of bits or an error. */
static int expand(const char *text, char *bits, struct kms_error *err)
{
	int n = 0;

	while (*text) {
		char letter = *text++;
		int count = 0;

		if (isspace((unsigned char)letter))
			continue;
		if (!strchr(letters, letter) && letter != 'x')
			return kms_fail(err, KMS_EUSAGE,
					"'%c' is no part of an address: expected letters of \"%sx\"", letter,
					letters);
		if (!isdigit((unsigned char)*text))
			count = 1;
		while (isdigit((unsigned char)*text) && count < 100)
			count = count * 10 + *text++ - '0';
		if (n + count > 64)
			return kms_fail(err, KMS_EUSAGE, "more than 64 bits");
		memset(bits + n, letter, (size_t)count);
		n += count;
	}
	return n;
}

static void add_bit(struct dram_map *map, u32 part, u32 bit)
{
	struct dram_run *run = map->nr_runs ? &map->runs[map->nr_runs - 1] : NULL;
	u32 to = map->width[part]++;

	if (run && run->part == part && run->shift + (to - run->to) == bit) {
		run->mask = run->mask << 1 | 1;
		return;
	}
	map->runs[map->nr_runs++] = (struct dram_run){1, (u8)part, (u8)bit, (u8)to};
}

static int check_widths(const struct dram_map *map, const u32 *wanted, u32 offset_bits,
			struct kms_error *err)
{
	for (u32 part = DRAM_RANK; part < DRAM_NR_PARTS; part++)
		if (map->width[part] != wanted[part])
			return kms_fail(err, KMS_EUSAGE,
					"%u bits of the %s, expected %u as the counts have it",
					map->width[part], part_names[part], wanted[part]);
	if (offset_bits != DRAM_LINE_SHIFT)
		return kms_fail(err, KMS_EUSAGE,
				"%u bits of the byte in the line, expected the lowest 6", offset_bits);
	return 0;
}

static int from_text(struct dram_map *map, const char *text, const u32 *wanted,
		     struct kms_error *err)
{
	char bits[64];
	int n = expand(text, bits, err);
	u32 offset_bits = 0;

	if (n < 0)
		return n;
	map->top = (u32)n;
	for (u32 bit = 0; bit < (u32)n; bit++) {
		char letter = bits[(u32)n - 1 - bit];

		if (letter == 'x') {
			if (offset_bits++ != bit)
				return kms_fail(err, KMS_EUSAGE, "x at bit %u, expected the lowest 6 bits", bit);
			continue;
		}
		add_bit(map, (u32)(strchr(letters, letter) - letters), bit);
	}
	return check_widths(map, wanted, offset_bits, err);
}

static void from_geometry(struct dram_map *map, const u32 *wanted)
{
	static const u8 order[] = {DRAM_CHANNEL, DRAM_COLUMN, DRAM_GROUP, DRAM_BANK, DRAM_RANK};

	map->top = DRAM_LINE_SHIFT;
	for (u32 i = 0; i < KMS_ARRAY_SIZE(order); i++)
		for (u32 bit = 0; bit < wanted[order[i]]; bit++)
			add_bit(map, order[i], map->top++);
}

int dram_map_init(struct dram_map *map, const struct dram_config *config, struct kms_error *err)
{
	u32 wanted[DRAM_NR_PARTS];

	memset(map, 0, sizeof(*map));
	map->hash = config->bank_hash;
	wanted_bits(config, wanted);
	if (config->mapping && *config->mapping)
		return from_text(map, config->mapping, wanted, err);
	from_geometry(map, wanted);
	return 0;
}

void dram_map_place(const struct dram_map *map, u64 address, struct dram_place *place)
{
	u64 parts[DRAM_NR_PARTS] = {0};

	for (u32 i = 0; i < map->nr_runs; i++) {
		const struct dram_run *run = &map->runs[i];

		parts[run->part] |= (address >> run->shift & run->mask) << run->to;
	}
	if (map->top < 64)
		parts[DRAM_ROW] |= address >> map->top << map->width[DRAM_ROW];
	if (map->hash) {
		const u32 *w = map->width;
		u64 row = parts[DRAM_ROW];

		parts[DRAM_GROUP] ^= row & ((1ull << w[DRAM_GROUP]) - 1);
		row >>= w[DRAM_GROUP];
		parts[DRAM_BANK] ^= row & ((1ull << w[DRAM_BANK]) - 1);
		row >>= w[DRAM_BANK];
		parts[DRAM_RANK] ^= row & ((1ull << w[DRAM_RANK]) - 1);
	}
	*place = (struct dram_place){(u32)parts[DRAM_CHANNEL], (u32)parts[DRAM_RANK],
				     (u32)parts[DRAM_GROUP],   (u32)parts[DRAM_BANK],
				     (u32)parts[DRAM_COLUMN],  parts[DRAM_ROW]};
}
