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
/* The same for the label of a tic. */
void plot_quote_tic(FILE *out, const char *text, u32 max_chars);
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

/* "1234567" as "1,234,567". */
void plot_with_commas(u64 n, char *buf, size_t size);

/* gnuplot's fill style for a pattern number; 3, the full one, as a plain fill without seams in SVG. */
const char *plot_fill(u32 pattern);

/* What a stack is made of; a pattern as well as a colour. */
struct plot_part {
	const char *label, *color;
	u32 pattern;
};

/* ---- stacked bars and areas (plots/stack.c) ---- */
struct plot_stack {
	u32 block, column; /* of the .tsv; its first column is the bar's place, the others are cumulated */
	const struct plot_part *parts;
	u32 n;
	double half;	   /* of a bar's width */
	const char *scale; /* behind each value, "/1024" */
	const char *base;  /* areas: what is subtracted from each, "$2"; NULL: nothing */
	bool horizontal, titles;
};
/* A plot command; more may follow after ", ". */
void plot_stack_bars(FILE *out, const struct plot *p, const struct plot_stack *s);
void plot_stack_areas(FILE *out, const struct plot *p, const struct plot_stack *s); /* a whole plot command */
/*
 * A panel of its own, without axes, between two heights (shares of the image):
 * gnuplot drops the entries for which a panel is not high enough.
 */
void plot_legend(FILE *out, const struct plot_part *parts, u32 n, double x, double bottom, double top,
		 const char *heading);

/* ---- a bar a name, a column a run (plots/rows.c) ---- */
#define PLOT_ROWS 18
#define PLOT_ROW_RUNS 3
#define PLOT_ROW_PARTS 8

struct plot_row {
	char *name;
	double part[PLOT_ROW_RUNS][PLOT_ROW_PARTS];
	char note[PLOT_ROW_RUNS][56]; /* at the bar's end */
	double weight;
};
struct plot_rows {
	struct plot_row *rows;
	u32 n, cap, shown, left_out;
	const struct plot_part *parts;
	u32 nr_parts;
	bool share;	   /* each bar is 100 % */
	double divide;	   /* of the values; 0: bytes, in the unit that suits */
	double room;	   /* for notes, as a share of the longest bar */
	double max;
	const char *what, *unit; /* of bytes */
	char x_label[64];
	const char *legend, *none, *footnote; /* none: why there is nothing to draw */
};
/* By name, added where it is missing; NULL: out of memory. */
struct plot_row *plot_row_of(struct plot_rows *rows, const char *name);
int plot_rows_draw(struct plot *p, struct plot_rows *rows, const char *headline, const char *columns);
void plot_rows_free(struct plot_rows *rows);

/* ---- why bytes are held (plots/bytes.c) ---- */
#define PLOT_CAUSES 6 /* the first is what was asked for, the others are waste */
extern const struct plot_part plot_causes[PLOT_CAUSES];
#define PLOT_CAUSE_COLUMNS "requested, rounding, slab_tail, page_order, free_partial, cpu_cached"

/* ---- how full slabs are, fullest first (plots/owners.c) ---- */
#define PLOT_FILLS 7
extern const struct plot_part plot_fills[PLOT_FILLS];

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
	plot_type_latency_split, plot_type_waste_compare, plot_type_waste_caches, plot_type_waste_sites,
	plot_type_slab_occupancy, plot_type_lock_wait, plot_type_line_transfers, plot_type_extfrag, plot_type_dram, plot_type_page_map,
	plot_type_slabs_time, plot_type_waste_size, plot_type_latency_paths, plot_type_pareto,
	plot_type_comparison;

#endif
