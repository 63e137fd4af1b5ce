/*
 * golden_state.c - the lines of a golden file that describe the page allocator.
 *
 * Each begins with a letter and the snapshot's name; a zone's Z line comes
 * before its others. Restoring and comparing is restore.h's business.
 */
#include "sim/validate/golden_parser.h"

#include <stdlib.h>
#include <string.h>

struct golden_state *golden_find_state(struct golden_file *f, const char *tag)
{
	for (u32 i = 0; i < f->nr_states; i++)
		if (!strcmp(f->states[i].tag, tag))
			return &f->states[i];
	return NULL;
}

/* The word after the letter: the snapshot that the line belongs to. */
static int snapshot(struct parser *p)
{
	char tag[16];
	size_t n;

	golden_skip_blanks(p);
	n = strcspn(p->at, " \t");
	if (!n || n >= sizeof(tag))
		return golden_bad(p, "a snapshot's name, such as 'pre' or 'post'");
	memcpy(tag, p->at, n);
	tag[n] = '\0';
	p->state = golden_find_state(p->f, tag);
	if (!p->state) {
		if (p->f->nr_states == KMS_ARRAY_SIZE(p->f->states))
			return golden_bad(p, "not more than eight snapshots");
		p->state = &p->f->states[p->f->nr_states++];
		p->state->line = p->line;
		memcpy(p->state->tag, tag, n + 1);
	}
	p->at += n;
	return 0;
}

/* A zone of the snapshot by its index, whose Z line has been read. */
static int zone_number(struct parser *p, const char *stops, u32 *zone)
{
	char *word = p->at;
	int rc, found;
	u64 idx;

	rc = golden_number(p, 10, 3, stops, &idx, "a zone: 0 DMA, 1 DMA32, 2 NORMAL, 3 MOVABLE");
	if (rc)
		return rc;
	found = page_state_zone(&p->state->pages, 0, (u32)idx);
	if (found >= 0) {
		*zone = (u32)found;
		return 0;
	}
	p->at = word;
	golden_skip_blanks(p);
	return golden_bad(p, "a zone whose Z line came before");
}

/* Z tag zone start N span N managed N wm N N N boost N free N lowres N N N N high N batch N */
static int parse_zone(struct parser *p)
{
	struct mm_saved_zone z = { 0 };
	u64 idx, free_pages = 0;
	int rc;

	rc = golden_number(p, 10, 3, "", &idx, "a zone: 0 DMA, 1 DMA32, 2 NORMAL, 3 MOVABLE");
	z.zone_idx = (u32)idx;
	if (!rc)
		rc = golden_named(p, "start", &z.start_pfn);
	if (!rc)
		rc = golden_named(p, "span", &z.spanned);
	if (!rc)
		rc = golden_named(p, "managed", &z.managed);
	if (!rc)
		rc = golden_expect_word(p, "wm");
	for (u32 i = 0; i < KMS_ARRAY_SIZE(z.watermark) && !rc; i++)
		rc = golden_decimal(p, UINT64_MAX / 16, &z.watermark[i]);
	if (!rc)
		rc = golden_named(p, "boost", &z.watermark_boost);
	if (!rc)
		rc = golden_named(p, "free", &free_pages);
	if (!rc)
		rc = golden_expect_word(p, "lowres");
	for (u32 i = 0; i < KMS_ARRAY_SIZE(z.lowmem_reserve) && !rc; i++)
		rc = golden_decimal(p, UINT64_MAX / 16, &z.lowmem_reserve[i]);
	if (!rc)
		rc = golden_named_integer(p, "high", &z.pageset_high);
	if (!rc)
		rc = golden_named_integer(p, "batch", &z.pageset_batch);
	if (!rc)
		rc = golden_expect_end(p);
	z.nr_free_pages = (s64)free_pages;
	z.present = z.spanned; /* not recorded */
	return rc ? rc : golden_in_line(p, page_state_add_zone(&p->state->pages, &z, p->err));
}

/* D tag zone diff N thr N: what CPU 0 has not yet added to the zone's counter */
static int parse_differential(struct parser *p)
{
	struct mm_saved_pcp *pcp;
	u32 zone = 0;
	int rc = zone_number(p, "", &zone);

	if (rc)
		return rc;
	pcp = &p->state->pcp[zone];
	rc = golden_named_integer(p, "diff", &pcp->nr_free_diff);
	if (!rc)
		rc = golden_named_integer(p, "thr", &pcp->stat_threshold);
	return rc ? rc : golden_expect_end(p);
}

/* ha N fl N: pages of the high-atomic reserve and the zone's flags */
static int parse_highatomic(struct parser *p, struct mm_saved_zone *zone)
{
	int rc = golden_named(p, "ha", &zone->nr_reserved_highatomic);

	if (!rc)
		rc = golden_expect_word(p, "fl");
	if (!rc)
		rc = golden_number(p, 16, UINT32_MAX, "", &zone->flags, "the zone's flags in hex");
	zone->highatomic_known = true;
	return rc;
}

/* C tag zone count N high N batch N ff N [ha N fl N]: CPU 0's lists */
static int parse_pcp(struct parser *p)
{
	struct mm_saved_pcp *pcp;
	u32 zone = 0;
	int rc = zone_number(p, "", &zone);

	if (rc)
		return rc;
	pcp = &p->state->pcp[zone];
	pcp->zone = zone;
	rc = golden_named_integer(p, "count", &pcp->count);
	if (!rc)
		rc = golden_named_integer(p, "high", &pcp->high);
	if (!rc)
		rc = golden_named_integer(p, "batch", &pcp->batch);
	if (!rc)
		rc = golden_named_integer(p, "ff", &pcp->free_factor);
	if (!rc && !golden_at_end(p))
		rc = parse_highatomic(p, &p->state->pages.saved.zones[zone]);
	if (!rc)
		rc = golden_expect_end(p);
	return rc ? rc : golden_in_line(p, page_state_add_pcp(&p->state->pages, pcp, p->err));
}

static int room_for(struct parser *p, size_t nr)
{
	size_t room = p->room ? 2 * p->room : 4096;
	u64 *pfns;
	u8 *types;

	if (nr < p->room)
		return 0;
	pfns = realloc(p->pfns, room * sizeof(*pfns));
	p->pfns = pfns ? pfns : p->pfns;
	types = realloc(p->types, room);
	p->types = types ? types : p->types;
	if (!pfns || !types)
		return kms_fail(p->err, KMS_EFAIL, "no host memory for a list of '%s'", p->f->path);
	p->room = room;
	return 0;
}

static int add_list(struct parser *p, struct mm_saved_list *l)
{
	l->pfns = p->pfns;
	return golden_in_line(p, page_state_add_list(&p->state->pages, l, p->err));
}

/* L tag zone order type count: frames; count is of all types */
static int parse_free_list(struct parser *p)
{
	struct mm_saved_list l = { .cpu = MM_SAVED_BUDDY };
	u64 order = 0, mt = 0, nr_free = 0;
	int rc = zone_number(p, "", &l.zone);

	if (!rc)
		rc = golden_number(p, 10, 10, "", &order, "an order from 0 to 10");
	if (!rc)
		rc = golden_number(p, 10, 15, "", &mt, "a migratetype");
	if (!rc)
		rc = golden_number(p, 10, UINT32_MAX, ":", &nr_free, "the order's number of free blocks");
	if (!rc)
		rc = golden_expect_char(p, ':', "':' and the list's frames");
	while (!rc && !golden_at_end(p)) {
		rc = room_for(p, l.nr);
		if (!rc)
			rc = golden_number(p, 16, UINT64_MAX / 16, "", &p->pfns[l.nr++], "a frame in hex");
	}
	if (rc)
		return rc;
	l.order = (u32)order;
	l.mt = (u32)mt;
	p->state->nr_free[l.zone][order] = nr_free;
	p->state->listed[l.zone][order] += l.nr;
	/* a type that the models do not have (isolated pageblocks) is never more than empty */
	return l.nr || mt < 4 ? add_list(p, &l) : 0;
}

/* Q tag zone list: frame/type...; the type is the one the page carries */
static int parse_pcp_list(struct parser *p)
{
	struct mm_saved_list l = { .cpu = 0 };
	u64 pindex = 0, type;
	int rc = zone_number(p, "", &l.zone);

	if (!rc)
		rc = golden_number(p, 10, 13, ":", &pindex, "a per-CPU list from 0 to 13");
	if (!rc)
		rc = golden_expect_char(p, ':', "':' and the list's frames");
	while (!rc && !golden_at_end(p)) {
		rc = room_for(p, l.nr);
		if (!rc)
			rc = golden_number(p, 16, UINT64_MAX / 16, "/", &p->pfns[l.nr], "a frame in hex");
		if (!rc)
			rc = golden_expect_char(p, '/', "'/' and the page's migratetype");
		if (!rc)
			rc = golden_number(p, 10, 15, "", &type, "a migratetype");
		if (!rc)
			p->types[l.nr++] = (u8)type;
	}
	if (rc)
		return rc;
	l.pindex = (u32)pindex;
	l.types = p->types;
	return add_list(p, &l);
}

/* T tag zone:types, a digit per pageblock; 15: no memory section */
static int parse_blocks(struct parser *p)
{
	struct mm_saved_blocks b = { 0 };
	int rc = zone_number(p, ":", &b.zone);

	if (!rc)
		rc = golden_expect_char(p, ':', "':' and the types of the zone's pageblocks");
	while (!rc && !golden_at_end(p)) {
		bool none = p->at[0] == '1' && p->at[1] == '5';

		rc = room_for(p, b.nr);
		if (!rc && (*p->at < '0' || *p->at > '4'))
			rc = golden_bad(p, "a pageblock's type, 0 to 4, or 15");
		if (!rc)
			p->types[b.nr++] = none ? MM_SAVED_NO_SECTION : (u8)(*p->at - '0');
		p->at += none ? 2 : 1;
	}
	b.types = p->types;
	return rc ? rc : golden_in_line(p, page_state_add_blocks(&p->state->pages, &b, p->err));
}

int golden_check_states(struct parser *p)
{
	for (u32 i = 0; i < p->f->nr_states; i++) {
		const struct golden_state *s = &p->f->states[i];

		if (s->pages.saved.nr_pcps != s->pages.saved.nr_zones)
			return kms_fail(p->err, KMS_EUSAGE,
					"%s:%llu: snapshot '%s' has %u zones (Z lines) and %u C lines, "
					"expected one for each",
					p->f->path, (unsigned long long)s->line, s->tag,
					s->pages.saved.nr_zones, s->pages.saved.nr_pcps);
		for (u32 k = 0; k < 4 * 11; k++) {
			u64 counted = s->nr_free[k / 11][k % 11], listed = s->listed[k / 11][k % 11];

			if (counted != listed)
				return kms_fail(p->err, KMS_EUSAGE,
						"%s:%llu: snapshot '%s' counts %llu free blocks of order "
						"%u in its zone %u, but lists %llu",
						p->f->path, (unsigned long long)s->line, s->tag,
						(unsigned long long)counted, k % 11, k / 11,
						(unsigned long long)listed);
		}
	}
	return 0;
}

int golden_state_line(struct parser *p, char letter)
{
	int rc = snapshot(p);

	if (rc)
		return rc;
	switch (letter) {
	case 'Z':
		return parse_zone(p);
	case 'D':
		return parse_differential(p);
	case 'C':
		return parse_pcp(p);
	case 'L':
		return parse_free_list(p);
	case 'Q':
		return parse_pcp_list(p);
	default:
		return parse_blocks(p);
	}
}
