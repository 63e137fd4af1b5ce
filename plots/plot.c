/*
 * plot.c - the table of plot types, and from a type and its runs to four files.
 */
#include "plots/plot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plots/plot_internal.h"

const struct plot_type *const plot_types[] = {
	&plot_type_fragmentation,
	&plot_type_waste_compare,
	&plot_type_waste_size,
	&plot_type_waste_caches,
	&plot_type_waste_sites,
	&plot_type_slab_occupancy,
	&plot_type_slabs_time,
	&plot_type_free_blocks,
	&plot_type_extfrag,
	&plot_type_page_map,
	&plot_type_latency_cdf,
	&plot_type_latency_paths,
	&plot_type_latency_split,
	&plot_type_lock_wait,
	&plot_type_line_transfers,
	&plot_type_dram,
	&plot_type_pareto,
	&plot_type_comparison,
	NULL,
};

int plot_find_type(const char *name, const struct plot_type **type, struct kms_error *err)
{
	const char *names[KMS_ARRAY_SIZE(plot_types)], *nearest;
	size_t n = 0;

	for (; plot_types[n]; n++) {
		names[n] = plot_types[n]->name;
		if (!strcmp(name, names[n])) {
			*type = plot_types[n];
			return 0;
		}
	}
	nearest = kms_nearest(name, names, n);
	return kms_fail(err, KMS_EUSAGE, "no plot type '%s'%s%s%s (see `kmemsim plot --list`)", name,
			nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

/* "a/b/c", each folder created where it is missing. */
static int make_folders(const char *dir, struct kms_error *err)
{
	char path[4096];
	size_t n = strlen(dir);

	if (!n || n >= sizeof(path))
		return kms_fail(err, KMS_EUSAGE, "folder name '%.100s' is empty or too long", dir);
	memcpy(path, dir, n + 1);
	for (char *c = path + 1; c <= path + n; c++) {
		if (*c != '/' && *c)
			continue;
		*c = 0;
		if (mkdir(path, 0777) && errno != EEXIST)
			return kms_fail(err, KMS_EUSAGE, "cannot create folder '%s': %s", path,
					strerror(errno));
		*c = c < path + n ? '/' : 0;
	}
	return 0;
}

static int read_run(struct plot *p, s64 id, struct kms_error *err)
{
	struct plot_run *run = &p->runs[p->nr_runs++];
	char **into[] = {&run->name,	&run->title,  &run->policy,
			 &run->machine, &run->timing, &run->pacing};
	struct query q;
	bool found = false;

	run->id = id;
	query_begin(&q, p->store, err,
		    "SELECT name, title, policy, machine, timing, pacing FROM run WHERE id = ?", "i", id);
	if (query_next(&q)) {
		found = true;
		for (size_t i = 0; i < KMS_ARRAY_SIZE(into); i++)
			found = found && (*into[i] = strdup(query_text(&q, (int)i)));
	}
	if (query_end(&q))
		return q.rc;
	return found ? 0 : kms_fail(err, KMS_EUSAGE, "no run %lld in the database", (long long)id);
}

static void free_runs(struct plot *p)
{
	for (u32 i = 0; i < p->nr_runs; i++) {
		free(p->runs[i].name);
		free(p->runs[i].title);
		free(p->runs[i].policy);
		free(p->runs[i].machine);
		free(p->runs[i].timing);
		free(p->runs[i].pacing);
	}
}

static int write_file(const char *dir, const char *name, const char *suffix, const char *text,
		      struct kms_error *err)
{
	char path[4096];
	FILE *f;
	int bad;

	snprintf(path, sizeof(path), "%s/%s.%s", dir, name, suffix);
	f = fopen(path, "w");
	if (!f)
		return kms_fail(err, KMS_EFAIL, "cannot write '%s': %s", path, strerror(errno));
	bad = fputs(text, f) < 0;
	bad |= fclose(f);
	return bad ? kms_fail(err, KMS_EFAIL, "cannot write '%s': %s", path, strerror(errno)) : 0;
}

const struct plot_format_def plot_formats[NR_PLOT_FORMATS] = {
	[PLOT_SVG] = {"svg", "svg"},
	[PLOT_PNG] = {"png", "png"},
	[PLOT_PDF] = {"pdf", "pdf"},
	[PLOT_TEXT] = {"dumb", "txt"},
};

static void remove_images(const char *dir, const char *name, u32 formats)
{
	char path[4096];

	for (u32 i = 0; i < NR_PLOT_FORMATS; i++) {
		if (!(formats >> i & 1))
			continue;
		snprintf(path, sizeof(path), "%s/%s.%s", dir, name, plot_formats[i].suffix);
		unlink(path);
	}
}

static const char common_settings[] =
	"set encoding utf8\n"
	"set datafile separator tab\n"
	"set border 3 linecolor rgb '#444444'\n"
	"set tics nomirror out textcolor rgb '#222222'\n"
	"set grid ytics back linewidth 0.6 dashtype 1 linecolor rgb '#cccccc'\n";

#define PER_INCH 96.0
#define TEXT_COLUMNS 132
#define TEXT_ROW 15.0 /* SVG units a row of text stands for */

/* Bodies may ask for the variable text: 1 where an image is made of characters. */
static void terminal(FILE *out, const struct plot *p, enum plot_format format)
{
	switch (format) {
	case PLOT_SVG:
		fprintf(out, "set terminal svg size %u,%u fixed noenhanced font 'DejaVu Sans,13' linewidth 1.2 dashlength 1 background rgb 'white' name 'kmemsim'\n",
			p->width, p->height);
		break;
	case PLOT_PNG:
		fprintf(out, "set terminal pngcairo size %u,%u noenhanced font 'DejaVu Sans,13' fontscale 1.5 linewidth 1.8 dashlength 1 background rgb 'white'\n",
			p->width * 3 / 2, p->height * 3 / 2);
		break;
	case PLOT_PDF:
		fprintf(out, "set terminal pdfcairo size %.4fin,%.4fin noenhanced font 'DejaVu Sans,10' fontscale 1 linewidth 1.2 dashlength 1 background rgb 'white'\n",
			p->width / PER_INCH, p->height / PER_INCH);
		break;
	default:
		fprintf(out, "set terminal dumb %u,%u noenhanced mono\n", TEXT_COLUMNS,
			(u32)(p->height / TEXT_ROW) + 4);
	}
	fprintf(out, "text = %d\n", format == PLOT_TEXT);
}

/* The script in full: settings, then the body once per image. */
static char *script_text(const struct plot *p, const char *settings, const char *body)
{
	const char *name = p->type->name;
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return NULL;
	fprintf(out, "# Draws");
	for (u32 i = 0; i < NR_PLOT_FORMATS; i++)
		if (p->formats >> i & 1)
			fprintf(out, " %s.%s", name, plot_formats[i].suffix);
	fprintf(out, " from %s.tsv: gnuplot %s.gp, in this folder.\n# %s.\n%s%s\n", name, name,
		p->type->summary, common_settings, settings);
	for (u32 i = 0; i < NR_PLOT_FORMATS; i++) {
		if (!(p->formats >> i & 1))
			continue;
		terminal(out, p, (enum plot_format)i);
		fprintf(out, "set output '%s.%s'\n%sunset multiplot\nset output\n\n", name,
			plot_formats[i].suffix, body);
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* The library that writes PDF puts the time of day into it, and nothing talks it out of that. */
static int undate_pdf(const char *dir, const char *name, struct kms_error *err)
{
	static const char mark[] = "/CreationDate (D:", date[] = "19700101000000";
	char path[4096], *text, *at;
	long n;
	FILE *f;
	int bad;

	snprintf(path, sizeof(path), "%s/%s.pdf", dir, name);
	f = fopen(path, "r+");
	if (!f || fseek(f, 0, SEEK_END) || (n = ftell(f)) < 0) {
		if (f)
			fclose(f);
		return kms_fail(err, KMS_EFAIL, "cannot read '%s': %s", path, strerror(errno));
	}
	text = calloc(1, (size_t)n + 1);
	rewind(f);
	bad = !text || fread(text, 1, (size_t)n, f) != (size_t)n;
	at = bad ? NULL : memmem(text, (size_t)n, mark, sizeof(mark) - 1);
	if (at && at + sizeof(mark) - 1 + sizeof(date) - 1 < text + n)
		bad = fseek(f, at - text + (long)sizeof(mark) - 1, SEEK_SET) ||
		      fwrite(date, 1, sizeof(date) - 1, f) != sizeof(date) - 1;
	bad |= fclose(f);
	free(text);
	return bad ? kms_fail(err, KMS_EFAIL, "cannot write '%s'", path) : 0;
}

static int write_all(struct plot *p, const char *dir, const char *data, const char *settings,
		     const char *body, struct kms_error *err)
{
	const char *name = p->type->name;
	char *script = script_text(p, settings, body), gp[256];
	int rc;

	if (!script)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	rc = make_folders(dir, err);
	if (!rc) {
		remove_images(dir, name, p->formats);
		rc = write_file(dir, name, "tsv", data, err);
	}
	if (!rc)
		rc = write_file(dir, name, "gp", script, err);
	free(script);
	if (rc)
		return rc;
	snprintf(gp, sizeof(gp), "%s.gp", name);
	rc = plot_gnuplot(dir, gp, err);
	if (!rc && p->formats >> PLOT_PDF & 1)
		rc = undate_pdf(dir, name, err);
	if (rc)
		remove_images(dir, name, p->formats);
	return rc;
}

int plot_draw(struct store *store, const struct plot_type *type, const s64 *runs, u32 nr_runs,
	      const struct plot_options *options, char why[256], struct kms_error *err)
{
	struct plot p = {.store = store, .type = type, .x = options->x, .width = 1000, .height = 620,
			 .formats = options->formats ? options->formats : PLOT_DEFAULT_FORMATS};
	char *data = NULL, *settings = NULL, *body = NULL;
	size_t n[3];
	int rc = 0;

	*why = 0;
	if (nr_runs < type->min_runs || nr_runs > type->max_runs || nr_runs > PLOT_MAX_RUNS) {
		char limits[48];

		snprintf(limits, sizeof(limits), type->min_runs < type->max_runs ? "%u to %u runs" : "%u run",
			 type->min_runs, type->max_runs);
		snprintf(why, 256, "it draws %s at once, not %u", limits, nr_runs);
		return PLOT_NO_DATA;
	}
	for (u32 i = 0; i < nr_runs && !rc; i++)
		rc = read_run(&p, runs[i], err);
	p.data = open_memstream(&data, &n[0]);
	p.settings = open_memstream(&settings, &n[1]);
	p.body = open_memstream(&body, &n[2]);
	if (!p.data || !p.settings || !p.body)
		rc = kms_fail(err, KMS_EFAIL, "out of memory");
	if (!rc)
		rc = type->draw(&p, err);
	if (p.data)
		fclose(p.data);
	if (p.settings)
		fclose(p.settings);
	if (p.body)
		fclose(p.body);
	if (!rc)
		rc = write_all(&p, options->dir, data, settings, body, err);
	snprintf(why, 256, "%s", p.why);
	free(data);
	free(settings);
	free(body);
	free_runs(&p);
	return rc;
}

int plot_custom(const char *dir, const char *name, const char *title, const char *data, const char *commands,
		struct kms_error *err)
{
	struct plot_type type = {.name = name, .summary = title};
	struct plot p = {.type = &type, .width = 1000, .height = 620, .formats = PLOT_DEFAULT_FORMATS};
	char *body = NULL;
	size_t n;
	FILE *out = open_memstream(&body, &n);
	int rc;

	if (!out)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	fputs("set title ", out);
	plot_quote(out, title, 110);
	fprintf(out, "\n%s", commands);
	rc = fclose(out) ? kms_fail(err, KMS_EFAIL, "out of memory") :
			   write_all(&p, dir, data, "", body, err);
	free(body);
	return rc;
}

static void append_plain(char *dir, size_t n, const char *name)
{
	size_t at = strlen(dir);

	for (u32 i = 0; name[i] && i < 60 && at + 1 < n; i++) {
		bool plain = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
				    name[i]) ||
			     (name[i] == '.' && i);

		dir[at++] = plain ? name[i] : '_';
	}
	dir[at] = 0;
}

#define NAMED_RUNS 8 /* in a folder's name */

int plot_default_dir(struct store *store, const s64 *runs, u32 nr_runs, char *dir, size_t n,
		     struct kms_error *err)
{
	struct query q;

	snprintf(dir, n, "plots/out/");
	query_begin(&q, store, err, "SELECT name FROM run WHERE id = ?", "i", runs[0]);
	if (query_next(&q))
		append_plain(dir, n - 24 * (NAMED_RUNS + 1), query_text(&q, 0));
	for (u32 i = 0; i < nr_runs && i < NAMED_RUNS; i++)
		snprintf(dir + strlen(dir), n - strlen(dir), "-%lld", (long long)runs[i]);
	if (nr_runs > NAMED_RUNS)
		snprintf(dir + strlen(dir), n - strlen(dir), "-and-%u-more", nr_runs - NAMED_RUNS);
	return query_end(&q);
}
