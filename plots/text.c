/*
 * text.c - the user's text in pictures: quoted for gnuplot, cut to fit.
 */
#include <stdarg.h>
#include <string.h>

#include "plots/plot_internal.h"
#include "results/json.h"

/* C1 control characters (U+0080 to U+009F) can drive a terminal as well as ESC can. */
static bool is_control(const char *s, u32 n)
{
	return (n == 1 && ((u8)*s < ' ' || *s == 0x7f)) || (n == 2 && (u8)s[0] == 0xc2 && (u8)s[1] < 0xa0);
}

/* In labels of tics gnuplot takes % as the beginning of a format. */
static void quote(FILE *out, const char *text, u32 max_chars, bool tic)
{
	fputc('\'', out);
	for (u32 chars = 0; *text;) {
		u32 n = utf8_length(text);

		chars += n && is_control(text, n) ? 4 : 1;
		if (chars > max_chars) {
			fputs("\u2026", out);
			break;
		}
		if (!n)
			fputs("\ufffd", out);
		else if (is_control(text, n))
			fprintf(out, "\\x%02X", (u8)text[n - 1]);
		else if (*text == '\'')
			fputs("''", out);
		else if (*text == '%' && tic)
			fputs("%%", out);
		else
			fwrite(text, 1, n, out);
		text += n ? n : 1;
	}
	fputc('\'', out);
}

void plot_with_commas(u64 n, char *buf, size_t size)
{
	char digits[24];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n), at = 0;

	for (size_t i = 0; i < len && at + 2 < size; i++) {
		if (i && (len - i) % 3 == 0)
			buf[at++] = ',';
		buf[at++] = digits[i];
	}
	buf[at] = 0;
}

void plot_quote(FILE *out, const char *text, u32 max_chars)
{
	quote(out, text, max_chars, false);
}

void plot_quote_tic(FILE *out, const char *text, u32 max_chars)
{
	quote(out, text, max_chars, true);
}

void plot_run_label(const struct plot_run *run, char *buf, size_t n)
{
	snprintf(buf, n, "run %lld \u2018%.60s\u2019: policy %.40s, machine %.40s, %.20s timing",
		 (long long)run->id, run->name, run->policy, run->machine, run->timing);
}

/* Average width of a title's character, in SVG units. */
#define TITLE_CHAR 9.8

void plot_title(struct plot *p, const char *headline)
{
	u32 fits = (u32)(p->width / TITLE_CHAR);
	char label[512];

	fputs("set multiplot title ", p->body);
	plot_quote(p->body, headline, fits);
	if (p->nr_runs == 1) {
		plot_run_label(&p->runs[0], label, sizeof(label));
		fputs(".\"\\n\".", p->body);
		plot_quote(p->body, label, fits);
		fputs(".\"\\n\".", p->body);
		plot_quote(p->body, p->runs[0].title, fits);
	}
	fputc('\n', p->body);
}

const char *plot_fill(u32 pattern)
{
	static const char *const styles[] = {"pattern 0", "pattern 1", "pattern 2", "solid 1.0",
					     "pattern 4", "pattern 5", "pattern 6", "pattern 7"};

	return styles[pattern % KMS_ARRAY_SIZE(styles)];
}

int plot_no_data(struct plot *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->why, sizeof(p->why), fmt, ap);
	va_end(ap);
	return PLOT_NO_DATA;
}

u32 plot_block(struct plot *p, const char *columns)
{
	fprintf(p->data, "%s# %s\n", p->nr_blocks ? "\n\n" : "", columns);
	return p->nr_blocks++;
}

double plot_byte_unit(double max, const char **unit)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	double divide = 1;
	u32 i = 0;

	while (i + 1 < KMS_ARRAY_SIZE(units) && max / divide >= 2048) {
		divide *= 1024;
		i++;
	}
	*unit = units[i];
	return divide;
}
