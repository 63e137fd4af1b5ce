/*
 * compare_table.c - the comparison as a table, for a terminal or in Markdown.
 *
 * A figure a line, sections one below the other. The first column is the
 * baseline, the others have their value and the difference from it. What is
 * wider than the terminal is continued in a second table, baseline included.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/compare.h"

#define CELL 64

/* ---- values ---- */

static void count_text(char *buf, size_t n, double value)
{
	if (fabs(value) >= 1000)
		cli_rounded(buf, n, value);
	else if (value == floor(value))
		snprintf(buf, n, "%.0f", value);
	else
		snprintf(buf, n, fabs(value) < 9.995 ? "%.2f" : fabs(value) < 99.95 ? "%.1f" : "%.0f", value);
}

/* Runs from -1 to 1, which is no share of anything. */
static bool is_index(const struct compare_figure *f)
{
	return strstr(f->name, "fragmentation_index") != NULL;
}

const char *cmp_value(char *buf, size_t n, const struct compare_figure *f, double value)
{
	if (is_index(f)) {
		snprintf(buf, n, "%.3f", value);
		return buf;
	}
	if (!strcmp(f->unit, "ns"))
		return cli_time_ns(buf, n, value);
	if (!strcmp(f->unit, "bytes"))
		return cli_bytes(buf, n, value);
	if (!strcmp(f->unit, "ratio"))
		snprintf(buf, n, "%.1f %%", 100 * value);
	else
		count_text(buf, n, value);
	return buf;
}

/* A share's difference in percentage points: per cent of per cent say little. */
static void points_text(char *buf, size_t n, const struct compare_row *row, u32 column)
{
	double d = 100 * (row->cells[column].interval.mean - row->cells[0].interval.mean);

	snprintf(buf, n, fabs(d) < 9.995 ? "%+.1f pp" : "%+.0f pp", d);
}

/* "+23.6 %", "x49" where per cent would have too many digits, "+3.2 pp" of a share, "=". */
const char *cmp_difference(char *buf, size_t n, const struct compare_row *row, u32 column)
{
	double d = compare_difference(row, column);
	bool both = row->cells[0].interval.n && row->cells[column].interval.n;

	if (both && d != 0 && is_index(&row->figure))
		snprintf(buf, n, "%+.3f", row->cells[column].interval.mean - row->cells[0].interval.mean);
	else if (both && d != 0 && !strcmp(row->figure.unit, "ratio"))
		points_text(buf, n, row, column);
	else if (!isfinite(d))
		snprintf(buf, n, "%s", both ? "from 0" : "");
	else if (d == 0)
		snprintf(buf, n, "=");
	else if (d >= 900)
		snprintf(buf, n, d < 9900 ? "x%.1f" : "x%.0f", 1 + d / 100);
	else
		snprintf(buf, n, fabs(d) < 9.995 ? "%+.1f %%" : "%+.0f %%", d);
	return buf;
}

/* The larger half of the interval, in per cent of the mean; "" with one value. */
static void spread_text(char *buf, size_t n, const struct interval *i)
{
	double half = fmax(i->high - i->mean, i->mean - i->low);

	*buf = 0;
	if (i->n < 2)
		return;
	if (half == 0)
		snprintf(buf, n, "±0");
	else if (i->mean != 0 && isfinite(half))
		snprintf(buf, n, "±%.*f%%", 100 * half < 9.95 * fabs(i->mean) ? 1 : 0,
			 100 * half / fabs(i->mean));
	else
		snprintf(buf, n, "±?");
}

/* ---- which rows ---- */

/* A path that none of the columns takes more often than this says nothing. */
#define RARE_PATH 0.001

static bool rare_path(const struct cmp *cmp, const struct compare_row *row)
{
	const char *last = strrchr(row->figure.name, '.');
	const struct compare_row *share;
	char name[128];

	if (row->figure.section != COMPARE_PATHS)
		return false;
	if (last - row->figure.name > 3 && !strcmp(last, ".9")) /* "p99.9" */
		last -= 4;
	snprintf(name, sizeof(name), "%.*s.share", (int)(last - row->figure.name), row->figure.name);
	share = comparison_find(&cmp->c, name);
	for (u32 i = 0; share && i < cmp->c.nr_columns; i++)
		if (share->cells[i].interval.n && share->cells[i].interval.mean > RARE_PATH)
			return false;
	return share != NULL;
}

static bool all_zero(const struct compare_row *row, u32 nr_columns)
{
	for (u32 i = 0; i < nr_columns; i++)
		if (row->cells[i].interval.n && (row->cells[i].interval.low != 0 || row->cells[i].interval.high != 0))
			return false;
	return true;
}

/* These are worth seeing also when they are nothing. */
static bool always_shown(const struct compare_row *row)
{
	return !strcmp(row->figure.name, "failed_allocations") || !strcmp(row->figure.name, "lock_wait");
}

static bool shown(const struct cmp *cmp, const struct compare_row *row)
{
	if (!(cmp->sections & 1ull << row->figure.section))
		return false;
	if (cmp->all)
		return true;
	return !row->figure.detail && row->figure.rank < cmp->top && !rare_path(cmp, row) &&
	       (always_shown(row) || !all_zero(row, cmp->c.nr_columns));
}

/* ---- cells of one line ---- */

struct cells {
	char value[CELL], spread[CELL], difference[CELL];
	bool best, within; /* within: the seeds explain the difference */
};

static void fill_cells(const struct compare_row *row, u32 column, struct cells *c)
{
	const struct interval *i = &row->cells[column].interval;

	*c = (struct cells){.best = row->best == (int)column};
	if (!i->n) {
		strcpy(c->value, "-");
		return;
	}
	cmp_value(c->value, CELL, &row->figure, i->mean);
	spread_text(c->spread, CELL, i);
	if (!column)
		return;
	cmp_difference(c->difference, CELL, row, column);
	c->within = row->cells[0].interval.n > 1 && i->n > 1 && !compare_parts(row, column) &&
		    strcmp(c->difference, "=");
}

/* What the row is about, "" where the row above says it; and its statistic. */
static void split_label(const char *label, const char *above, char what[CELL], const char **statistic)
{
	const char *gap = strstr(label, "  ");
	size_t n = gap ? (size_t)(gap - label) : strlen(label);

	snprintf(what, CELL, "%.*s", (int)n, label);
	*statistic = gap ? gap + 2 : "";
	if (gap && above && !strncmp(above, label, n + 2))
		*what = 0;
}

/* ---- the terminal ---- */

#define MAX_SHOWN_COLUMNS 200

struct layout {
	int what, statistic; /* the two parts of a label */
	int label;	     /* the whole, also where it has but one part */
	int value[MAX_SHOWN_COLUMNS], spread[MAX_SHOWN_COLUMNS], difference[MAX_SHOWN_COLUMNS];
	bool marks; /* some row has a best column */
};

static int larger(int a, int b)
{
	return a > b ? a : b;
}

static void measure(const struct cmp *cmp, struct layout *l)
{
	*l = (struct layout){0};
	for (u32 i = 0; i < cmp->c.nr_rows; i++) {
		const struct compare_row *row = &cmp->c.rows[i];
		const char *statistic;
		char what[CELL];

		if (!shown(cmp, row))
			continue;
		l->marks = l->marks || row->best >= 0;
		split_label(row->figure.label, NULL, what, &statistic);
		l->statistic = larger(l->statistic, cli_width(statistic));
		if (*statistic)
			l->what = larger(l->what, cli_width(what));
		else
			l->label = larger(l->label, cli_width(what));
		for (u32 k = 0; k < cmp->c.nr_columns; k++) {
			struct cells c;

			fill_cells(row, k, &c);
			l->value[k] = larger(l->value[k], cli_width(c.value));
			l->spread[k] = larger(l->spread[k], cli_width(c.spread));
			l->difference[k] = larger(l->difference[k], cli_width(c.difference));
		}
	}
	if (l->statistic)
		l->label = larger(l->label, l->what + 1 + l->statistic);
}

/* Columns of the terminal for what follows the label: two spaces, the parts, the mark. */
static int group_width(const struct layout *l, u32 k)
{
	return 2 + l->value[k] + (l->spread[k] ? 1 + l->spread[k] : 0) +
	       (l->difference[k] ? 2 + l->difference[k] : 0) + 2;
}

static void put_right(FILE *out, const char *text, int width)
{
	fprintf(out, "%*s%s", width - cli_width(text), "", text);
}

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define GREEN "\033[32m"
#define RED "\033[31m"
#define PLAIN "\033[0m"

static const char *difference_color(const struct compare_row *row, u32 k, const struct cells *c)
{
	double d = compare_difference(row, k);

	if (c->within || !isfinite(d) || !row->figure.better || d == 0)
		return DIM;
	return (d > 0) == (row->figure.better > 0) ? GREEN : RED;
}

static void put_group(const struct cmp *cmp, const struct layout *l, const struct compare_row *row, u32 k,
		      FILE *out)
{
	bool color = cmp->cli->color;
	struct cells c;

	fill_cells(row, k, &c);
	fputs(color && c.best ? "  " BOLD : "  ", out);
	put_right(out, c.value, l->value[k]);
	if (l->spread[k]) {
		fputc(' ', out);
		put_right(out, c.spread, l->spread[k]);
	}
	fputs(color && c.best ? PLAIN : "", out);
	if (l->difference[k]) {
		fputs(c.within ? " ~" : "  ", out);
		fputs(color ? difference_color(row, k, &c) : "", out);
		put_right(out, c.difference, l->difference[k]);
		fputs(color ? PLAIN : "", out);
	}
	fputs(c.best ? " *" : "  ", out);
}

/* Print without the spaces at its end. */
static void put_line(char *line, FILE *out)
{
	size_t n = strlen(line);

	while (n && line[n - 1] == ' ')
		n--;
	fprintf(out, "%.*s\n", (int)n, line);
}

static void put_label(const struct layout *l, const char *what, const char *statistic, FILE *out)
{
	char safe[4 * CELL], label[6 * CELL];

	cli_safe(safe, sizeof(safe), what);
	if (*statistic)
		snprintf(label, sizeof(label), "%s%*s %s", safe, larger(0, l->what - cli_width(safe)), "",
			 statistic);
	else
		snprintf(label, sizeof(label), "%s", safe);
	fprintf(out, "%s%*s", label, larger(0, l->label - cli_width(label)), "");
}

/* Labels above their groups, cut where they are wider; whole ones stand in the legend. */
static void put_headings(const struct cmp *cmp, const struct layout *l, u32 from, u32 to, FILE *out)
{
	char gap[3] = "";

	put_label(l, "", "", out);
	for (u32 k = 0; k < to; k++) {
		int width = group_width(l, k) - 4, have;
		char safe[4 * CELL], base[4 * CELL + 12];

		if (k && k < from)
			continue;
		cli_safe(safe, sizeof(safe), cmp->columns[k].shown);
		snprintf(base, sizeof(base), "%s%s", safe, k ? "" : " (base)");
		if (!k && cli_width(base) > width)
			snprintf(base, sizeof(base), "%s", safe);
		have = cli_width(base);
		if (have > width) /* the end of a label tells more than its beginning */
			fprintf(out, "%s  ..%s", gap, base + strlen(base) - (size_t)(width - 2));
		else
			fprintf(out, "%s  %*s%s", gap, width - have, "", base);
		strcpy(gap, "  ");
	}
	fputc('\n', out);
}

static void print_lines(const struct cmp *cmp, const struct layout *l, u32 from, u32 to, FILE *out)
{
	int section = -1;
	const char *above = NULL;

	for (u32 i = 0; i < cmp->c.nr_rows; i++) {
		const struct compare_row *row = &cmp->c.rows[i];
		const char *statistic;
		char what[CELL], *line = NULL;
		size_t size;
		FILE *mem;

		if (!shown(cmp, row) || !(mem = open_memstream(&line, &size)))
			continue;
		if ((int)row->figure.section != section) {
			section = (int)row->figure.section;
			above = NULL;
			fprintf(out, "%s%s%s\n", cmp->cli->color ? BOLD : "",
				compare_section_titles[section], cmp->cli->color ? PLAIN : "");
		}
		split_label(row->figure.label, above, what, &statistic);
		above = row->figure.label;
		put_label(l, what, statistic, mem);
		for (u32 k = 0; k < to; k++)
			if (!k || k >= from)
				put_group(cmp, l, row, k, mem);
		fclose(mem);
		put_line(line, out);
		free(line);
	}
}

static void widen_for_labels(const struct cmp *cmp, struct layout *l)
{
	for (u32 k = 0; k < cmp->c.nr_columns; k++) {
		int want = cli_width(cmp->columns[k].shown) + (k ? 0 : 7);
		int have = group_width(l, k) - 4;

		if (want > 24)
			want = 24;
		if (want > have)
			l->value[k] += want - have;
	}
}

static void print_terminal(const struct cmp *cmp, int width, FILE *out)
{
	struct layout *l = calloc(1, sizeof(*l));
	int used;

	if (!l)
		return;
	measure(cmp, l);
	widen_for_labels(cmp, l);
	for (u32 from = 1, to; from < cmp->c.nr_columns; from = to) {
		used = l->label + group_width(l, 0);
		for (to = from; to < cmp->c.nr_columns; to++) {
			used += group_width(l, to);
			if (to > from && width && used - 2 > width)
				break;
		}
		if (from > 1)
			fputc('\n', out);
		put_headings(cmp, l, from, to, out);
		print_lines(cmp, l, from, to, out);
	}
	free(l);
}

/* ---- Markdown ---- */

static void put_escaped(const char *text, FILE *out)
{
	char safe[8 * CELL];

	for (const char *p = cli_safe(safe, sizeof(safe), text); *p; p++)
		fprintf(out, strchr("|*_`<\\", *p) ? "\\%c" : "%c", *p);
}

static void markdown_line(const struct cmp *cmp, const struct compare_row *row, FILE *out)
{
	fputs("| ", out);
	put_escaped(row->figure.label, out);
	for (u32 k = 0; k < cmp->c.nr_columns; k++) {
		struct cells c;

		fill_cells(row, k, &c);
		fprintf(out, " | %s%s%s%s%s", c.best ? "**" : "", c.value, *c.spread ? " " : "", c.spread,
			c.best ? "**" : "");
		if (k)
			fprintf(out, " | %s%s", c.within ? "~ " : "", c.difference);
	}
	fputs(" |\n", out);
}

static void print_markdown(const struct cmp *cmp, FILE *out)
{
	int section = -1;

	for (u32 i = 0; i < cmp->c.nr_rows; i++) {
		const struct compare_row *row = &cmp->c.rows[i];

		if (!shown(cmp, row))
			continue;
		if ((int)row->figure.section != section) {
			fputs(section < 0 ? "" : "\n", out);
			section = (int)row->figure.section;
			fprintf(out, "| %s", compare_section_titles[section]);
			for (u32 k = 0; k < cmp->c.nr_columns; k++) {
				fputs(" | ", out);
				put_escaped(cmp->columns[k].label, out);
				fputs(k ? " | difference" : "", out);
			}
			fputs(" |\n|---", out);
			for (u32 k = 0; k < 2 * cmp->c.nr_columns - 1; k++)
				fputs("|---:", out);
			fputs("|\n", out);
		}
		markdown_line(cmp, row, out);
	}
}

void cmp_print_table(const struct cmp *cmp, enum cmp_style style, int width, FILE *out)
{
	if (style == CMP_MARKDOWN)
		print_markdown(cmp, out);
	else
		print_terminal(cmp, width, out);
}
