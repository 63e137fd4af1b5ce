/*
 * plot_internal.h - what the plot types share.
 *
 * A type's draw function writes three streams: data blocks (the .tsv; gnuplot
 * finds block i as `index i`), settings, and the body: the plot commands, which
 * the script runs once per image format. Text of the user's reaches gnuplot
 * only through plot_quote(): in single quotes and with markup off it is text
 * and nothing else.
 */
#ifndef PLOTS_PLOT_INTERNAL_H
#define PLOTS_PLOT_INTERNAL_H

#include <stdio.h>

#include "plots/plot.h"
#include "results/query.h"

struct plot_run {
	s64 id;
	char *name, *title, *policy, *machine, *timing, *pacing;
};

struct plot {
	struct store *store;
	const struct plot_type *type;
	struct plot_run runs[PLOT_MAX_RUNS];
	u32 nr_runs;
	enum plot_x x;
	FILE *data, *settings, *body;
	u32 nr_blocks;
	u32 width, height; /* of the image, SVG units */
	u32 formats;
	char why[256];
};

int plot_no_data(struct plot *p, const char *fmt, ...) KMS_PRINTF(2, 3);

/* Begin a block of the .tsv; columns: names separated by tabs. Returns its index. */
u32 plot_block(struct plot *p, const char *columns);

/* 'text' as a gnuplot string: one line, valid UTF-8, no control characters, cut at max_chars. */
void plot_quote(FILE *out, const char *text, u32 max_chars);
/* Begins the body: the picture's title and, for one run, what the run is. Panels leave the top fifth free. */
void plot_title(struct plot *p, const char *headline);
/* "run 3 'name': policy slub, machine small, cycle timing" as plain text. */
void plot_run_label(const struct plot_run *run, char *buf, size_t n);

/* ---- colours: Okabe and Ito's, told apart by people with any colour vision ---- */
#define PLOT_BLACK "#000000"
#define PLOT_ORANGE "#e69f00"
#define PLOT_SKY "#56b4e9"
#define PLOT_GREEN "#009e73"
#define PLOT_YELLOW "#f0e442"
#define PLOT_BLUE "#0072b2"
#define PLOT_RED "#d55e00"
#define PLOT_PURPLE "#cc79a7"
#define PLOT_GREY "#bdbdbd"

/* gnuplot's fill style for a pattern number; 3, the full one, as a plain fill without seams in SVG. */
const char *plot_fill(u32 pattern);

/* ---- why bytes are held (plots/bytes.c) ---- */
struct plot_cause {
	const char *column; /* of the view byte_partition */
	const char *label, *color;
	u32 pattern;
};
#define PLOT_CAUSES 6 /* the first is what was asked for, the others are waste */
extern const struct plot_cause plot_causes[PLOT_CAUSES];
#define PLOT_CAUSE_COLUMNS "requested, rounding, slab_tail, page_order, free_partial, cpu_cached"

/* ---- the x axis of a time series (plots/axis.c) ---- */
struct plot_axis {
	bool by_time;	 /* else by requests completed */
	double divide;	 /* raw (ps or requests) per axis unit */
	double min, max; /* in axis units */
	const char *label;
};
/* As p->x says; time only for one run in which it advances. 1 when there are samples. */
int plot_axis_of(struct plot *p, const char *series_glob, struct plot_axis *axis, struct kms_error *err);
double plot_axis_x(const struct plot_axis *axis, s64 request, s64 time_ps);
/*
 * Lines where a run's phases begin, warm-up shaded, as settings; cleared by
 * plot_unset_phases(). panel: width in SVG units and upper edge as a share of
 * the image, above which three rows of names fit; NULL: no names.
 */
struct plot_panel {
	double width, top;
	double slack; /* how far names may reach beyond its right edge */
};
int plot_phases(struct plot *p, FILE *out, const struct plot_axis *axis, const struct plot_run *run,
		const struct plot_panel *panel, struct kms_error *err);
void plot_unset_phases(FILE *out);

/* Divisor and unit for bytes up to max: "MiB" ... */
double plot_byte_unit(double max, const char **unit);

/* Run gnuplot on dir/script; 0 or an error with what gnuplot said. (plots/gnuplot.c) */
int plot_gnuplot(const char *dir, const char *script, struct kms_error *err);

extern const struct plot_type plot_type_fragmentation, plot_type_latency_cdf, plot_type_free_blocks,
	plot_type_latency_split, plot_type_waste_compare;

#endif
