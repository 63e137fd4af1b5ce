/*
 * stack.c - stacked bars, in whatever direction, stacked areas, and their legend.
 *
 * The data's columns hold sums: each part's column those before it as well. Parts
 * are drawn from the top down, so that a legend reads as the picture does and the
 * n-th of both has the same character where the image is text.
 */
#include "plots/plot_internal.h"

/* "$3" of the part below, 0 at the bottom. */
static void low_end(char *buf, size_t n, const struct plot_stack *s, u32 part)
{
	snprintf(buf, n, part ? "$%u" : "0", s->column + part - 1);
}

void plot_stack_bars(FILE *out, const struct plot *p, const struct plot_stack *s)
{
	for (u32 k = s->n; k-- > 0;) {
		const struct plot_part *part = &s->parts[k];
		char low[16];

		low_end(low, sizeof(low), s, k);
		fprintf(out, "%s'%s.tsv' index %u using ", k + 1 == s->n ? "plot " : ", \\\n  ", p->type->name,
			s->block);
		if (s->horizontal)
			fprintf(out, "(0):1:(%s%s):($%u%s):($1-%g):($1+%g)", low, s->scale, s->column + k,
				s->scale, s->half, s->half);
		else
			fprintf(out, "1:(0):($1-%g):($1+%g):(%s%s):($%u%s)", s->half, s->half, low, s->scale,
				s->column + k, s->scale);
		fprintf(out, " with boxxyerror fillstyle %s border linecolor rgb 'black' fillcolor rgb '%s' linewidth 0.7 ",
			plot_fill(part->pattern), part->color);
		fprintf(out, s->titles ? "title '%s'" : "notitle", part->label);
	}
}

/* The areas, then their outlines. */
void plot_stack_areas(FILE *out, const struct plot *p, const struct plot_stack *s)
{
	const char *base = s->base ? s->base : "0";

	for (u32 k = s->n; k-- > 0;) {
		const struct plot_part *part = &s->parts[k];
		char low[16];

		snprintf(low, sizeof(low), "%s", base);
		if (k)
			low_end(low, sizeof(low), s, k);
		fprintf(out, "%s'%s.tsv' index %u using 1:((%s-%s)%s):(($%u-%s)%s) with filledcurves fillstyle %s noborder fillcolor rgb '%s' ",
			k + 1 == s->n ? "plot " : ", \\\n  ", p->type->name, s->block, low, base, s->scale,
			s->column + k, base, s->scale, plot_fill(part->pattern), part->color);
		fprintf(out, s->titles ? "title '%s'" : "notitle", part->label);
	}
	for (u32 k = s->n; k-- > 0;)
		fprintf(out, ", \\\n  '' index %u using 1:(($%u-%s)%s) with lines linetype %u linewidth 0.6 dashtype 1 linecolor rgb '#000000' notitle",
			s->block, s->column + k, base, s->scale, s->n - k);
	fputc('\n', out);
}

void plot_legend(FILE *out, const struct plot_part *parts, u32 n, double x, double bottom, double top,
		 const char *heading)
{
	fprintf(out,
		"set bmargin at screen %.4f\nset tmargin at screen %.4f\nset border 0\nunset tics\nunset grid\nunset xlabel\nunset ylabel\n"
		"unset logscale\nset xrange [0:1]\nset yrange [0:1]\n"
		"set key at screen %.4f, screen %.4f left top Left reverse samplen 2.5 spacing 1.3",
		bottom, top, x, top);
	if (heading)
		fprintf(out, " title '%s' left", heading);
	fputc('\n', out);
	for (u32 i = n; i-- > 0;) {
		fprintf(out, "%sNaN with boxes fillstyle %s border linecolor rgb 'black' fillcolor rgb '%s' linewidth 0.7 title ",
			i + 1 == n ? "plot " : ", \\\n  ", plot_fill(parts[i].pattern), parts[i].color);
		plot_quote(out, parts[i].label, 32);
	}
	fputs("\nunset key\nunset label\n"
	      "set border 3\nset tics nomirror out\nset xtics nomirror autofreq\nset ytics nomirror autofreq\n",
	      out);
}
