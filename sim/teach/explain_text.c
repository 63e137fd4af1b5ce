/*
 * explain_text.c - explain.h for people: what happens, in words and small drawings.
 */
#include "sim/teach/explain.h"

#include <string.h>

#include "sim/teach/lines.h"

#define BAR 64 /* columns of a drawing */
#define PS_PER_NS 1000.0
#define LINES_SHOWN 12 /* cache lines of an operation, unless all are asked for */

static const char *plural(u64 n)
{
	return n == 1 ? "" : "s";
}

/* 135168 -> "135,168" */
static const char *count(char buf[32], u64 n)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n), out = 0;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			buf[out++] = ',';
		buf[out++] = digits[i];
	}
	buf[out] = 0;
	return buf;
}

/* ---- drawings ---- */

struct piece {
	const char *what;
	u64 bytes;
	char fill;
};

/* One bar of all pieces, each at least a column wide, and a legend line for each. */
static void draw(FILE *out, const struct piece *pieces, u32 n)
{
	u64 total = 0, before = 0;
	char bar[BAR + 1], number[32];
	u32 column = 0;

	for (u32 i = 0; i < n; i++)
		total += pieces[i].bytes;
	for (u32 i = 0; i < n; i++) {
		u32 end;

		before += pieces[i].bytes;
		end = (u32)(before * BAR / total);
		if (end <= column && pieces[i].bytes)
			end = column + 1;
		while (column < end && column < BAR)
			bar[column++] = pieces[i].fill;
	}
	bar[column] = 0;
	fprintf(out, "    |%s|\n", bar);
	for (u32 i = 0; i < n; i++)
		if (pieces[i].bytes)
			fprintf(out, "     %c  %s bytes: %s\n", pieces[i].fill, count(number, pieces[i].bytes), pieces[i].what);
}

static const char *lost_to(const struct explained *x)
{
	if (x->shared_pages)
		return "lost to the header in front of the object, and to alignment";
	if (!x->slab)
		return "lost to rounding up to whole pages";
	return x->call.kind == CALL_CACHE_CREATE ? "lost to the rest of the slot" : "lost to the size class";
}

static void draw_use(const struct explained *x, FILE *out)
{
	struct piece pieces[] = {
		{"asked for", x->requested, '#'},
		{lost_to(x), explained_waste(x), '.'},
	};

	draw(out, pieces, 2);
}

static void draw_slot(const struct explained *x, FILE *out)
{
	static const char fills[] = "<#>=@+.:";
	struct piece pieces[MM_SLOT_PARTS];

	for (u32 i = 0; i < x->slot.nr_parts; i++) {
		const char *what = x->slot.parts[i].what;

		pieces[i] = (struct piece){what, x->slot.parts[i].bytes, fills[i]};
		if (!strcmp(what, "object"))
			pieces[i].fill = '#';
		else if (!strcmp(what, "alignment") || !strcmp(what, "padding"))
			pieces[i].fill = '.';
	}
	draw(out, pieces, x->slot.nr_parts);
}

/* Objects as cells, to scale; cells too small to see as one stretch; the tail as dots. */
static void draw_slab(const struct explained *x, FILE *out)
{
	u64 n = x->cache.objects_per_slab, size = x->cache.size;
	char bar[BAR + 1];

	memset(bar, '.', BAR);
	bar[BAR] = 0;
	for (u64 i = 0; i < n; i++) {
		u64 from = i * size * BAR / x->slab_bytes, to = (i + 1) * size * BAR / x->slab_bytes;

		for (u64 column = from; column < to; column++)
			bar[column] = n > BAR / 2 ? '=' : column == from ? '[' : column + 1 == to ? ']' : '_';
	}
	fprintf(out, "    |%s|\n", bar);
}

/* ---- words ---- */

static void say_call(const struct explained *x, FILE *out)
{
	char flags[400];

	fprintf(out, "%s\n    on %s (%u CPU%s, %.1f GHz), slab layer %s", x->text, x->machine, x->nr_cpus,
		plural(x->nr_cpus), x->ghz, x->policy);
	if (x->call.kind == CALL_CACHE_CREATE)
		fprintf(out, ", flags %s\n\n", call_slab_flags_text(flags, sizeof(flags), x->call.flags));
	else
		fprintf(out, ", %s\n\n", call_gfp_text(flags, sizeof(flags), x->call.gfp));
}

static void say_pages(const struct explained *x, FILE *out)
{
	u64 pages = x->held / 4096, block = 4096ull << x->order;
	char a[32], b[32];

	if (x->call.kind == CALL_ALLOC_PAGES) {
		fprintf(out, "The page allocator gives a block of order %u: %s page%s, %s bytes, physically "
			     "contiguous\nand aligned to its own size. Nothing is lost if all of it is used.\n",
			x->order, count(a, pages), plural(pages), count(b, x->held));
		return;
	}
	if (x->call.kind == CALL_ALLOC_PAGES_EXACT) {
		fprintf(out, "%s bytes need %s pages; the page allocator only has blocks of powers of two, so it "
			     "takes one of\norder %u (%llu pages) and gives the last %llu back at once.\n",
			count(a, x->requested), count(b, pages), x->order, (unsigned long long)block / 4096,
			(unsigned long long)(block - x->held) / 4096);
		return;
	}
	fprintf(out, "%s bytes are more than the largest slab cache takes, or the layer has none: the page "
		     "allocator\nserves it, with a block of order %u: %s page%s, %s bytes.\n",
		count(a, x->requested), x->order, count(b, pages), plural(pages), count((char[32]){0}, x->held));
}

static void say_waste(const struct explained *x, FILE *out)
{
	char a[32];
	u64 waste = explained_waste(x);

	fprintf(out, "\nLost: %s bytes, %.1f %% of what is held, %.1f %% of what was asked for.\n",
		count(a, waste), explained_waste_percent(x),
		x->requested ? 100.0 * (double)waste / (double)x->requested : 0.0);
	draw_use(x, out);
}

static void say_slab(const struct explained *x, FILE *out)
{
	const struct mm_cache_info *c = &x->cache;
	char a[32], b[32];

	if (x->call.kind == CALL_CACHE_CREATE && x->merged)
		fprintf(out, "A slab cache of this shape is there already: \"%s\" becomes another name of %s.\n",
			x->call.name, watch_cache_name(c));
	else if (x->call.kind == CALL_CACHE_CREATE)
		fprintf(out, "A slab cache of its own is made for \"%s\".\n", x->call.name);
	else
		fprintf(out, "%s bytes fit the size class %s.\n", count(a, x->requested), watch_cache_name(c));
	fprintf(out, "One object's slot takes %s bytes (aligned to %u):\n", count(b, c->size), c->align);
	draw_slot(x, out);
	if (x->slot.free_pointer_inside)
		fprintf(out, "     while the object is free, the pointer to the next free one lies at byte %u of it\n",
			x->slot.free_pointer);
	fprintf(out, "\nA slab is %llu page%s (order %u) and holds %u object%s; %s bytes remain at its end%s.\n",
		(unsigned long long)x->slab_bytes / 4096, plural(x->slab_bytes / 4096), c->order,
		c->objects_per_slab, plural(c->objects_per_slab), count(a, x->slab_tail),
		x->slot.index_bytes ? ", with the indices of free objects" : "");
	draw_slab(x, out);
	if (x->slot.colours > 1)
		fprintf(out, "    Slabs begin at %u different offsets, %u bytes apart: colouring.\n", x->slot.colours,
			x->slot.colour_bytes);
}

static void say_memory(const struct explained *x, FILE *out)
{
	if (x->shared_pages)
		fprintf(out, "SLOB finds the first gap that is large enough in pages that all sizes share: "
			     "%llu bytes\nwith its header.\n", (unsigned long long)x->held);
	else if (x->slab)
		say_slab(x, out);
	else
		say_pages(x, out);
	say_waste(x, out);
}

/* ---- paths and lines ---- */

static void say_operation(const struct explained *x, const struct watch_log *log, const char *when,
			  bool lines, FILE *out)
{
	if (!log->time && !log->all_marks)
		return;
	fprintf(out, "\n%s: path %s", when, rt_path_names[log->path]);
	if (log->time) {
		fprintf(out, ", %.0f cycles (", (double)log->time / PS_PER_NS * x->ghz);
		lines_show_parts(log, x->ghz, out);
		fprintf(out, ")");
	}
	fputc('\n', out);
	lines_show_marks(log, out);
	if (log->nr_touches)
		lines_show(log, x->ghz, lines ? ~0u : LINES_SHOWN, out);
}

void explain_print(const struct explained *x, FILE *out, bool lines)
{
	say_call(x, out);
	if (x->failed) {
		fprintf(out, "The allocator refuses: NULL. The largest block is of order 10: 1,024 pages, 4 MiB.\n");
		say_operation(x, &x->cold, "What it tried", lines, out);
		return;
	}
	if (!x->held) {
		fprintf(out, "Nothing is asked for: the answer is ZERO_SIZE_PTR, an address that may be freed but "
			     "never used.\n");
		return;
	}
	say_memory(x, out);
	say_operation(x, &x->cold, "The first call, nothing cached yet", lines, out);
	say_operation(x, &x->warm, "Again, after 8 calls and frees", lines, out);
	say_operation(x, &x->release, "Giving it back", lines, out);
}
