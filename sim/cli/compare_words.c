/*
 * compare_words.c - what the comparison says, in a sentence each for memory and time.
 */
#include <math.h>
#include <string.h>

#include "sim/cli/compare.h"

static const struct said {
	const char *figure;
	const char *verb;    /* "used %s memory at the peak" */
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

	if (ratio->n > 1 && ratio->high > ratio->low)
		snprintf(range, sizeof(range), " (%.*f to %.*f)", decimals, low, decimals, high);
	snprintf(buf, n, "%.*f%s %s less", decimals, mean, range, times ? "times" : "%");
}

static struct interval ratio_to_best(const struct compare_row *row, u32 column)
{
	const struct compare_cell *best = &row->cells[row->best], *other = &row->cells[column];

	return interval_of_ratio(other->values, other->interval.n, best->values, best->interval.n);
}

static void say_best(const struct cmp *cmp, const struct compare_row *row, const struct said *s, FILE *out)
{
	char label[200], text[96];
	bool first = true;

	fputs(cli_safe(label, sizeof(label), cmp->columns[row->best].label), out);
	fputc(' ', out);
	for (u32 k = 0; k < cmp->c.nr_columns; k++) {
		struct interval ratio;

		if ((int)k == row->best || !row->cells[k].interval.n)
			continue;
		ratio = ratio_to_best(row, k);
		if (isfinite(ratio.mean))
			how_much(text, sizeof(text), &ratio);
		else
			snprintf(text, sizeof(text), "no");
		if (first)
			fprintf(out, s->verb, text);
		else
			fprintf(out, ", %s", text);
		fprintf(out, " than %s", cli_safe(label, sizeof(label), cmp->columns[k].label));
		first = false;
	}
	fputs(".\n", out);
}

static bool several_seeds(const struct compare_row *row, u32 nr_columns)
{
	for (u32 k = 0; k < nr_columns; k++)
		if (row->cells[k].interval.n > 1)
			return true;
	return false;
}

void cmp_print_words(const struct cmp *cmp, FILE *out)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(said); i++) {
		const struct compare_row *row = comparison_find(&cmp->c, said[i].figure);

		if (!row)
			continue;
		if (row->best >= 0)
			say_best(cmp, row, &said[i], out);
		else
			fprintf(out, "No column stands out in %s%s.\n", said[i].nothing,
				several_seeds(row, cmp->c.nr_columns) ? " beyond what other seeds do" : "");
	}
}
