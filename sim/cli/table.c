/*
 * table.c - figures and tables for people.
 *
 * A column whose every cell is a figure is aligned to the right. Width is
 * counted in terminal columns, not bytes, and no cell reaches a terminal
 * without cli_safe(): names come from traces and databases of others.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <math.h>
#include <string.h>

#include "sim/cli/internal.h"

struct cli_table {
	int nr_columns;
	size_t nr_rows, cap;
	char **cells; /* row by row; row 0 has the headings */
	bool failed;
};

/* ---- text ---- */

/* Decode one character; bytes that are no UTF-8 come back as -1, one by one. */
static int decode(const u8 *s, int *len)
{
	int need = s[0] < 0x80                   ? 0
		   : s[0] >= 0xc2 && s[0] < 0xe0 ? 1
		   : (s[0] & 0xf0) == 0xe0       ? 2
		   : s[0] >= 0xf0 && s[0] < 0xf5 ? 3
						 : -1;
	int c = need <= 0 ? s[0] : s[0] & (0x3f >> need);
	static const int lowest[] = {0, 0x80, 0x800, 0x10000};

	*len = 1;
	if (need < 0)
		return -1;
	for (int i = 1; i <= need; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < lowest[need] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return -1;
	*len = need + 1;
	return c;
}

/* Controls, and what reorders or hides text on a terminal. */
static bool unsafe(int c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

char *cli_safe(char *buf, size_t n, const char *text)
{
	size_t out = 0;
	int len;

	for (const u8 *s = (const u8 *)text; *s && n; s += len) {
		bool escape = unsafe(decode(s, &len));
		size_t size = (size_t)len * (escape ? 4 : 1);

		if (out + size + 1 > n)
			break;
		for (int i = 0; i < len; i++)
			out += (size_t)sprintf(buf + out, escape ? "\\x%02x" : "%c", s[i]);
	}
	if (n)
		buf[out] = 0;
	return buf;
}

static bool in(int c, int low, int high)
{
	return c >= low && c <= high;
}

/* Unicode's wide characters (East Asian Width W and F), by block. */
static bool wide(int c)
{
	return in(c, 0x1100, 0x115f) || in(c, 0x2e80, 0xa4cf) || in(c, 0xac00, 0xd7a3) ||
	       in(c, 0xf900, 0xfaff) || in(c, 0xfe30, 0xfe6f) || in(c, 0xff00, 0xff60) ||
	       in(c, 0xffe0, 0xffe6) || in(c, 0x1f300, 0x1f64f) || in(c, 0x1f900, 0x1f9ff) ||
	       in(c, 0x20000, 0x3fffd);
}

static bool combining(int c)
{
	return in(c, 0x300, 0x36f) || in(c, 0x20d0, 0x20ff) || in(c, 0xfe00, 0xfe0f);
}

int cli_width(const char *text)
{
	int width = 0, len;

	for (const u8 *s = (const u8 *)text; *s; s += len) {
		int c = decode(s, &len);

		width += combining(c) ? 0 : wide(c) ? 2 : 1;
	}
	return width;
}

/* ---- figures ---- */

/* Three significant digits, whole numbers whole. */
static void put_scaled(char *buf, size_t n, double value, const char *unit)
{
	double size = fabs(value);
	int decimals = value == floor(value) && size < 1000 ? 0
		       : size < 9.995                       ? 2
		       : size < 99.95                       ? 1
							    : 0;

	snprintf(buf, n, "%.*f %s", decimals, value, unit);
}

static char *scale(char *buf, size_t n, double value, double step, const char *const *units,
		   size_t nr_units)
{
	size_t i = 0;

	if (!isfinite(value)) {
		snprintf(buf, n, "-");
		return buf;
	}
	/* what would be written as 1000 or more in one unit goes to the next */
	while (i + 1 < nr_units && fabs(value) >= (step == 1024 ? 1023.5 : 999.5)) {
		value /= step;
		i++;
	}
	put_scaled(buf, n, value, units[i]);
	return buf;
}

char *cli_bytes(char *buf, size_t n, double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};

	return scale(buf, n, bytes, 1024, units, KMS_ARRAY_SIZE(units));
}

char *cli_time_ns(char *buf, size_t n, double ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};

	return scale(buf, n, ns, 1000, units, KMS_ARRAY_SIZE(units));
}

char *cli_count(char *buf, size_t n, u64 count)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
	size_t out = 0;

	for (int i = 0; i < len && out + 2 < n; i++) {
		if (i && (len - i) % 3 == 0)
			buf[out++] = ',';
		buf[out++] = digits[i];
	}
	if (n)
		buf[out] = 0;
	return buf;
}

char *cli_rounded(char *buf, size_t n, double count)
{
	if (!(fabs(count) < 1e18))
		snprintf(buf, n, "%g", count);
	else if (count > -0.5)
		cli_count(buf, n, (u64)(count + 0.5));
	else if (n)
		cli_count(buf + 1, n - 1, (u64)(0.5 - count)), *buf = '-';
	return buf;
}

/* ---- tables ---- */

static void add_row(struct cli_table *t, const char *const *cells)
{
	size_t need = (t->nr_rows + 1) * (size_t)t->nr_columns;
	char **more;

	if (t->failed)
		return;
	if (need > t->cap) {
		more = realloc(t->cells, need * 2 * sizeof(char *));
		if (!more) {
			t->failed = true;
			return;
		}
		t->cells = more;
		t->cap = need * 2;
	}
	for (int i = 0; i < t->nr_columns; i++) {
		size_t size = strlen(cells[i] ? cells[i] : "") * 4 + 1;
		char *cell = malloc(size);

		if (cell)
			cli_safe(cell, size, cells[i] ? cells[i] : "");
		t->cells[need - (size_t)t->nr_columns + (size_t)i] =
			cell; /* NULL prints as nothing */
	}
	t->nr_rows++;
}

struct cli_table *cli_table_new(const char *const *headings, int nr_columns)
{
	struct cli_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->nr_columns = nr_columns;
	add_row(t, headings);
	return t;
}

void cli_table_row(struct cli_table *t, const char *const *cells)
{
	if (t)
		add_row(t, cells);
}

/* "12,345", "-1.5 ns", "43 %", "1e-5", "-" and nothing are figures, words are not. */
static bool is_figure(const char *cell)
{
	const char *p = cell;

	if (!strcmp(p, "-") || !*p)
		return true;
	p += *p == '-' || *p == '+';
	if (!isdigit((u8)*p))
		return false;
	while (isdigit((u8)*p) || *p == ',' || *p == '.' ||
	       ((*p == 'e' || *p == '-') && isdigit((u8)p[1])) || (*p == 'e' && p[1] == '-'))
		p++;
	return !*p || *p == ' ' || *p == '%';
}

static void measure(const struct cli_table *t, int column, int *width, bool *right)
{
	bool seen = false;

	*width = 0;
	*right = true;
	for (size_t row = 0; row < t->nr_rows; row++) {
		const char *cell = t->cells[row * (size_t)t->nr_columns + (size_t)column];
		int w = cell ? cli_width(cell) : 0;

		if (w > *width)
			*width = w;
		if (row && cell && *cell) {
			seen = true;
			*right = *right && is_figure(cell);
		}
	}
	*right = *right && seen;
}

static void print_row(const struct cli_table *t, size_t row, const int *width, const bool *right,
		      FILE *out)
{
	int pending = 0; /* spaces owed, so that no line ends in any */

	for (int i = 0; i < t->nr_columns; i++) {
		const char *cell = t->cells[row * (size_t)t->nr_columns + (size_t)i];
		int pad;

		cell = cell ? cell : "";
		pad = width[i] - cli_width(cell);
		if (right[i])
			pending += pad;
		if (*cell)
			fprintf(out, "%*s%s", pending, "", cell);
		if (*cell)
			pending = 0;
		else
			pending += right[i] ? 0 : pad;
		if (*cell && !right[i])
			pending = pad;
		pending += 2;
	}
	fputc('\n', out);
}

static void free_table(struct cli_table *t)
{
	for (size_t i = 0; i < t->nr_rows * (size_t)t->nr_columns; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

void cli_table_print(struct cli_table *t, FILE *out)
{
	int *width;
	bool *right;

	if (!t)
		return;
	width = calloc((size_t)t->nr_columns, sizeof(*width));
	right = calloc((size_t)t->nr_columns, sizeof(*right));
	if (width && right && !t->failed) {
		for (int i = 0; i < t->nr_columns; i++)
			measure(t, i, &width[i], &right[i]);
		for (size_t row = 0; row < t->nr_rows; row++)
			print_row(t, row, width, right, out);
	}
	free(width);
	free(right);
	free_table(t);
}
