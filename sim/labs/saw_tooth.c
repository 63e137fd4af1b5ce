/*
 * saw_tooth.c - lab "saw-tooth": waste in percent against requested size, all
 * points of both editions' plots.
 */
#include "sim/labs/sizes.h"

#include <stdlib.h>
#include <string.h>

#define MOST 1024

/* One edition's points; how many of the published ones are equal, and how many there are. */
static void compare(const char *edition, const struct size_point *p, u32 n, const struct kit_figures *f,
		    u32 nr_figures, u32 *equal, u32 *published)
{
	u32 at = 0;

	for (u32 i = 0; i < nr_figures; i++) {
		if (strcmp(f[i].edition, edition))
			continue;
		*equal += at < n && (double)p[at].asked == f[i].value[0] && (double)size_waste_percent(&p[at]) == f[i].value[1];
		++*published;
		at++;
	}
}

static void write_points(FILE *out, const char *edition, const struct size_point *p, u32 n)
{
	fprintf(out, "# %s: bytes asked for, percent wasted, bytes got\n", edition);
	for (u32 i = 0; i < n; i++)
		fprintf(out, "%llu\t%llu\t%llu\n", (unsigned long long)p[i].asked,
			(unsigned long long)size_waste_percent(&p[i]), (unsigned long long)p[i].got);
	fputs("\n\n", out);
}

static void figures(struct lab_run *r, u32 number, const struct size_point *p, u32 n)
{
	u64 sum = 0, most = 0, at = 0;
	char name[48];
	u32 wrong = 0;

	for (u32 i = 0; i < n; i++) {
		u64 percent = size_waste_percent(&p[i]);

		sum += percent;
		wrong += p[i].got != sizes_rule(p[i].asked);
		if (percent > most) {
			most = percent;
			at = p[i].asked;
		}
	}
	lab_say(r, "%uE: %u points, mean waste %.1f %%, most %llu %% at %llu bytes, the last at %llu bytes.", number, n,
		(double)sum / n, (unsigned long long)most, (unsigned long long)at, (unsigned long long)p[n - 1].asked);
	snprintf(name, sizeof(name), "points_%ue", number);
	lab_value(r, name, "points", n);
	snprintf(name, sizeof(name), "most_%ue", number);
	lab_value(r, name, "%", (double)most);
	snprintf(name, sizeof(name), "most_at_%ue", number);
	lab_value(r, name, "bytes", (double)at);
	snprintf(name, sizeof(name), "mean_%ue", number);
	lab_value(r, name, "%", (double)sum / n);
	lab_check(r, "points that do not follow the rule of size classes and powers of two", wrong, 0);
	lab_check_book(r, "most waste, percent", (double)most, number == 1 ? 99 : 98);
	lab_check_book(r, "... at", (double)at, number == 1 ? 2100100 : 2109540);
	lab_check_book(r, "mean waste in tenths of a percent, rounded", (double)((sum * 10 + n / 2) / n), number == 1 ? 379 : 380);
	lab_check_book(r, "points", n, number == 1 ? 210 : 205);
	lab_check_book(r, "the last point", (double)p[n - 1].asked, number == 1 ? 4180100 : 4178020);
}

static int measure(struct kit *k, struct size_point *p, FILE *out, u32 *equal, u32 *published, struct kms_error *err)
{
	struct kit_figures f[512];
	u32 nr_figures, n = 0;
	int rc = kit_published("saw-tooth", 2, f, KMS_ARRAY_SIZE(f), &nr_figures, err);

	for (u32 number = 1; number <= 2 && !rc; number++) {
		char edition[8], param[16];

		snprintf(edition, sizeof(edition), "%uE", number);
		snprintf(param, sizeof(param), "step_%ue", number);
		rc = sizes_measure(k, (u64)lab_param(k->r, "from"), (u64)lab_param(k->r, param), false, p, MOST, &n, err);
		if (!rc && !n)
			rc = kms_fail(err, KMS_EFAIL, "not one size was served");
		if (rc)
			break;
		write_points(out, edition, p, n);
		figures(k->r, number, p, n);
		compare(edition, p, n, f, nr_figures, equal, published);
	}
	return rc;
}

static int draw(struct lab_run *r, const char *data, struct kms_error *err)
{
	static const char commands[] =
		"set xlabel 'size asked for (MiB)'\nset ylabel 'wasted, percent of the request'\n"
		"set xrange [0:4.1]\nset yrange [0:110]\nset ytics 20\nset grid\nset key top right\n"
		"plot 'saw-tooth-plot.tsv' index 0 using ($1/1048576):2 with linespoints pt 7 ps 0.35 lw 1.4 title 'first edition',"
		" '' index 1 using ($1/1048576):2 with linespoints pt 4 ps 0.45 lw 1 dt 2 title 'second edition'\n";

	return lab_picture(r, "plot", "Waste of kmalloc() by size asked for", data, commands, err);
}

static int run(struct lab_run *r, struct kms_error *err)
{
	struct size_point *p = calloc(MOST, sizeof(*p));
	u32 equal = 0, published = 0;
	char *data = NULL;
	size_t bytes;
	FILE *out = open_memstream(&data, &bytes);
	struct kit k;
	int rc = p && out ? kit_open(&k, r, err) : kms_fail(err, KMS_EFAIL, "out of memory");

	if (!rc)
		rc = measure(&k, p, out, &equal, &published, err);
	if (out && fclose(out) && !rc)
		rc = kms_fail(err, KMS_EFAIL, "out of memory");
	if (!rc && lab_is_book(r)) {
		lab_say(r, "%u of %u published points are equal.", equal, published);
		lab_check(r, "points published", published, 415);
		lab_check(r, "points equal to the published ones", equal, published);
	}
	if (!rc)
		rc = draw(r, data, err);
	free(data);
	free(p);
	return rc;
}

const struct lab lab_saw_tooth = {.name = "saw-tooth", .run = run};
