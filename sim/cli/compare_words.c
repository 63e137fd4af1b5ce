/*
 * compare_words.c - what the comparison says, in a sentence each for memory and time.
 *
 * Each begins with the column that is best on average; a column that chance
 * alone may keep from it is named as about as good.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/compare.h"

static const struct said {
	const char *figure;
	const char *verb;    /* with "6.1 times less" in it */
	const char *nothing; /* when no column stands out */
} said[] = {
	{"held_bytes_peak", "used %s memory at the peak", "memory at the peak"},
	{"latency_mean", "needed %s time per request on average", "mean latency"},
	{"latency_p99", "needed %s time for its slowest requests (p99)", "p99 latency"},
	{"lock_wait", "waited %s time for locks", "time waited for locks"},
};

/* "4.78 times less", "4.78 (4.70 to 4.86) times less", "3.1 % less". */
static void how_much(char *buf, size_t n, const struct interval *ratio)
{
	bool times = ratio->mean >= 1.1;
	double mean = times ? ratio->mean : 100 * (1 - 1 / ratio->mean);
	double low = times ? ratio->low : 100 * (1 - 1 / ratio->low);
	double high = times ? ratio->high : 100 * (1 - 1 / ratio->high);
	char range[64] = "";
	int decimals = mean < 9.995 ? 2 : mean < 99.95 ? 1 : 0;

	if (!isfinite(ratio->mean)) {
		snprintf(buf, n, "no");
		return;
	}
	if (ratio->n > 1 && ratio->high > ratio->low)
		snprintf(range, sizeof(range), " (%.*f to %.*f)", decimals, low, decimals, high);
	snprintf(buf, n, "%.*f%s %s less", decimals, mean, range, times ? "times" : "%");
}

static struct interval ratio_of(const struct compare_row *row, u32 above, u32 below)
{
	const struct compare_cell *a = &row->cells[above], *b = &row->cells[below];

	return interval_of_ratio(a->values, a->interval.n, b->values, b->interval.n);
}

/* All figures that are said are better when lower. -1: fewer than two columns have it. */
static int lowest(const struct compare_row *row, u32 nr_columns)
{
	int best = -1;
	u32 seen = 0;

	for (u32 k = 0; k < nr_columns; k++) {
		const struct interval *i = &row->cells[k].interval;

		seen += i->n > 0;
		if (i->n && (best < 0 || i->mean < row->cells[best].interval.mean))
			best = (int)k;
	}
	return seen > 1 ? best : -1;
}

static bool clear_of(const struct compare_row *row, u32 best, u32 k)
{
	return k != best && intervals_part(&row->cells[best].interval, &row->cells[k].interval);
}

static void say_clear(const struct cmp *cmp, const struct compare_row *row, const struct said *s, u32 best,
		      FILE *out)
{
	char label[200], text[96];
	bool first = true;

	fprintf(out, "%s ", cli_safe(label, sizeof(label), cmp->columns[best].shown));
	for (u32 k = 0; k < cmp->c.nr_columns; k++) {
		struct interval ratio;

		if (!clear_of(row, best, k))
			continue;
		ratio = ratio_of(row, k, best);
		how_much(text, sizeof(text), &ratio);
		fputs(first ? "" : ", ", out);
		if (first)
			fprintf(out, s->verb, text);
		else
			fputs(text, out);
		fprintf(out, " than %s", cli_safe(label, sizeof(label), cmp->columns[k].shown));
		first = false;
	}
}

static void say_level(const struct cmp *cmp, const struct compare_row *row, u32 best, FILE *out)
{
	char label[200];
	bool first = true;

	for (u32 k = 0; k < cmp->c.nr_columns; k++) {
		if (k == best || !row->cells[k].interval.n || clear_of(row, best, k))
			continue;
		fprintf(out, "%s%s", first ? ", and about as much as " : " and ",
			cli_safe(label, sizeof(label), cmp->columns[k].shown));
		first = false;
	}
}

static void print_sentences(const struct cmp *cmp, FILE *out)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(said); i++) {
		const struct compare_row *row = comparison_find(&cmp->c, said[i].figure);
		int best = row ? lowest(row, cmp->c.nr_columns) : -1;
		bool clear = false;

		for (u32 k = 0; best >= 0 && k < cmp->c.nr_columns; k++)
			clear = clear || clear_of(row, (u32)best, k);
		if (best < 0)
			continue;
		if (clear) {
			say_clear(cmp, row, &said[i], (u32)best, out);
			say_level(cmp, row, (u32)best, out);
			fputs(".\n", out);
		} else {
			fprintf(out, "No column stands out in %s.\n", said[i].nothing);
		}
	}
}

/* Width 0: a sentence a line, however long. */
void cmp_print_words(const struct cmp *cmp, int width, FILE *out)
{
	char *text = NULL, *rest;
	size_t size;
	FILE *mem = open_memstream(&text, &size);

	if (!mem)
		return;
	print_sentences(cmp, mem);
	fclose(mem);
	rest = text;
	for (char *line = strsep(&rest, "\n"); line && *line; line = strsep(&rest, "\n"))
		cli_wrap(out, line, 0, 0, width ? width : 100000);
	free(text);
}
