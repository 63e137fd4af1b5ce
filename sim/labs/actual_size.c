/*
 * actual_size.c - lab "actual-size": what kmalloc() really hands out, in the
 * tables of both editions.
 */
#include "sim/labs/sizes.h"

#include <string.h>

#define MOST 64
#define MOST_PUBLISHED 128

static void show(struct lab_run *r, const char *key, const struct size_point *p, u32 n)
{
	static const char *const headings[] = {"asked for", "got", "wasted", "of request"};

	lab_table_begin(r, key, headings, 4);
	for (u32 i = 0; i < n; i++)
		if (p[i].got)
			kit_row(r, "%llu\t%llu\t%llu\t%llu %%", (unsigned long long)p[i].asked,
				(unsigned long long)p[i].got, (unsigned long long)size_wasted(&p[i]),
				(unsigned long long)size_waste_percent(&p[i]));
		else
			kit_row(r, "%llu\trefused\t-\t-", (unsigned long long)p[i].asked);
	lab_table_end(r);
}

/* Every row of the edition's table, in its order. */
static void compare(struct lab_run *r, const char *edition, const struct size_point *p, u32 n,
		    const struct kit_figures *f, u32 nr_figures)
{
	u32 at = 0;

	for (u32 i = 0; i < nr_figures; i++) {
		const double *v = f[i].value;
		bool same;

		if (strcmp(f[i].edition, edition))
			continue;
		same = at < n && (double)p[at].asked == v[0] && (double)p[at].got == v[1] &&
		       (double)size_wasted(&p[at]) == v[2] && (!p[at].got || (double)size_waste_percent(&p[at]) == v[3]);
		lab_check_that(r, same, "%s: row %.0f of the book: got %.0f, wasted %.0f, %.0f %%", edition, v[0], v[1],
			       v[2], v[3]);
		at++;
	}
	lab_check(r, "as many rows as the book's table", n, at);
}

static void check_rule(struct lab_run *r, const struct size_point *p, u32 n)
{
	u32 wrong = 0;

	for (u32 i = 0; i < n; i++)
		wrong += p[i].got != sizes_rule(p[i].asked);
	lab_check(r, "size classes up to 8 KiB, then powers of two: sizes that do not follow the rule", wrong, 0);
}

static int edition(struct kit *k, u32 number, struct size_point *p, u32 *n, struct kms_error *err)
{
	struct kit_figures figures[MOST_PUBLISHED];
	char param[16], name[8];
	u32 nr_figures;
	int rc;

	snprintf(param, sizeof(param), "step_%ue", number);
	snprintf(name, sizeof(name), "%uE", number);
	rc = sizes_measure(k, (u64)lab_param(k->r, "from"), (u64)lab_param(k->r, param), true, p, MOST, n, err);
	if (!rc)
		rc = kit_published("actual-size", 4, figures, MOST_PUBLISHED, &nr_figures, err);
	if (rc)
		return rc;
	lab_say(k->r, "Steps of %lld bytes (%s).", (long long)lab_param(k->r, param), name);
	show(k->r, number == 1 ? "first_edition" : "second_edition", p, *n);
	if (lab_is_book(k->r))
		compare(k->r, name, p, *n, figures, nr_figures);
	check_rule(k->r, p, *n);
	return 0;
}

static int run(struct lab_run *r, struct kms_error *err)
{
	struct size_point p[MOST];
	u64 worst = 0;
	struct kit k;
	u32 n = 0;
	int rc = kit_open(&k, r, err);

	for (u32 number = 1; number <= 2 && !rc; number++)
		rc = edition(&k, number, p, &n, err);
	if (rc)
		return rc;
	for (u32 i = 0; i < n; i++)
		worst = size_wasted(&p[i]) > worst ? size_wasted(&p[i]) : worst;
	lab_value(r, "first_got", "bytes", (double)p[0].got);
	lab_value(r, "second_asked", "bytes", (double)p[1].asked);
	lab_value(r, "second_percent", "%", (double)size_waste_percent(&p[1]));
	lab_value(r, "worst", "bytes", (double)worst);
	return 0;
}

const struct lab lab_actual_size = {.name = "actual-size", .run = run};
