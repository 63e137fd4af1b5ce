/*
 * plot.h - pictures of runs, drawn by gnuplot from the database and nothing else.
 *
 * A picture is some files in one folder: NAME.tsv (the data), NAME.gp (a gnuplot
 * script that draws the images again when run in that folder), and an image in
 * each format that was asked for. The same rows give the same bytes.
 */
#ifndef PLOTS_PLOT_H
#define PLOTS_PLOT_H

#include "results/store.h"

struct plot;

struct plot_type {
	const char *name;
	const char *summary; /* one line */
	const char *needs;   /* tables and series it reads */
	u32 min_runs, max_runs;
	/* Returns 0, an error, or what plot_no_data() returns. */
	int (*draw)(struct plot *p, struct kms_error *err);
};

extern const struct plot_type *const plot_types[]; /* ends with NULL */

/* By name; unknown: KMS_EUSAGE with the nearest. */
int plot_find_type(const char *name, const struct plot_type **type, struct kms_error *err);

#define PLOT_MAX_RUNS 64
#define PLOT_NO_DATA 1

/* x axis of time series. By default simulated time where requests come by the clock, else requests. */
enum plot_x { PLOT_X_DEFAULT, PLOT_X_TIME, PLOT_X_REQUESTS };

/* Image formats: NAME.svg, .png, .pdf, and NAME.txt for terminals. */
enum plot_format { PLOT_SVG, PLOT_PNG, PLOT_PDF, PLOT_TEXT, NR_PLOT_FORMATS };
struct plot_format_def {
	const char *name, *suffix; /* as asked for, and of the file */
};
extern const struct plot_format_def plot_formats[NR_PLOT_FORMATS];
#define PLOT_DEFAULT_FORMATS (1u << PLOT_SVG | 1u << PLOT_PNG)

struct plot_options {
	const char *dir; /* created where it is missing */
	enum plot_x x;
	u32 formats; /* a bit each; 0: the default */
};

/*
 * Draw one picture of these runs. Returns 0, PLOT_NO_DATA when the runs lack
 * what the type needs (nothing is written; why says what, and how to record
 * it), or an error: gnuplot missing (the text names the package) or failed,
 * files that cannot be written. After an error no image is left.
 */
int plot_draw(struct store *store, const struct plot_type *type, const s64 *runs, u32 nr_runs,
	      const struct plot_options *options, char why[256], struct kms_error *err);

/*
 * A picture of data that come from elsewhere, in the default formats: rows of
 * tab-separated text (.tsv) and the plot commands, which read them as
 * 'NAME.tsv'. name: a plain file name. Files, errors and style as above.
 */
int plot_custom(const char *dir, const char *name, const char *title, const char *data, const char *commands,
		struct kms_error *err);

/* "plots/out/NAME-ID" with what is no plain file name replaced, for several runs "plots/out/NAME-ID-ID". */
int plot_default_dir(struct store *store, const s64 *runs, u32 nr_runs, char *dir, size_t n,
		     struct kms_error *err);

#endif
