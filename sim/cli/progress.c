/*
 * progress.c - how far a run has come, on stderr: a bar on a terminal, a plain
 * line every ten seconds elsewhere.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sim/cli/internal.h"

#define BAR_INTERVAL 0.1   /* host seconds */
#define PLAIN_INTERVAL 10.0
#define FIRST_BAR 0.5
#define BAR_CELLS 20

void cli_progress_start(struct cli_progress *p, const struct cli *cli, const char *name, bool wanted)
{
	*p = (struct cli_progress){
		.name = name,
		.on = wanted && !cli->quiet,
		.bar = cli->progress_bar,
		.next = cli->progress_bar ? FIRST_BAR : PLAIN_INTERVAL, /* no guess of the rest before */
	};
}

static int terminal_width(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 20 ? 80 : size.ws_col;
}

/* Resident bytes of this process, 0 if the system does not tell. */
static double resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f)
		return 0;
	if (fscanf(f, "%*s %lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void put_bar(char *bar, double share)
{
	int full = (int)(share * BAR_CELLS);

	for (int i = 0; i < BAR_CELLS; i++)
		bar[i] = i < full ? '=' : i == full ? '>' : ' ';
	bar[BAR_CELLS] = 0;
}

static const char *rate_text(char *buf, size_t n, double rate)
{
	if (rate >= 1e6)
		snprintf(buf, n, "%.2f M", rate / 1e6);
	else if (rate >= 1e3)
		snprintf(buf, n, "%.1f k", rate / 1e3);
	else
		snprintf(buf, n, "%.0f ", rate);
	return buf;
}

/* "12 s left"; nothing before there is something to go by. */
static void left_text(char *buf, size_t n, const struct run_progress *now, double rate)
{
	*buf = 0;
	if (rate > 0 && now->requests <= now->total && now->requests >= now->total / 1000)
		snprintf(buf, n, "%.0f s left", (double)(now->total - now->requests) / rate);
}

int cli_progress_line(char *buf, size_t n, const char *name, const struct run_progress *now, bool bar, int width)
{
	double share = now->total ? (double)now->requests / (double)now->total : 0;
	double rate = now->seconds > 0 ? (double)now->requests / now->seconds : 0;
	char safe[80], cells[BAR_CELLS + 1], count[32], total[32], speed[32], time[32], resident[32], phase[60], left[40];
	int len;

	if (share > 1)
		share = 1;
	left_text(left, sizeof(left), now, rate);
	cli_safe(safe, sizeof(safe), name);
	cli_safe(phase, sizeof(phase), now->phase ? now->phase : "");
	cli_time_ns(time, sizeof(time), (double)now->time / KMS_PS_PER_NS);
	rate_text(speed, sizeof(speed), rate);
	if (bar) {
		put_bar(cells, share);
		len = snprintf(buf, n, "%s [%s] %3.0f %%  %s  %srequests/s  %s simulated%s%s", safe, cells,
			       share * 100, phase, speed, time, *left ? "  " : "", left);
	} else {
		len = snprintf(buf, n, "%s: %.0f %%, %s of %s requests, phase %s, %srequests/s, %s simulated, "
			       "%s resident%s%s", safe, share * 100, cli_count(count, sizeof(count), now->requests),
			       cli_count(total, sizeof(total), now->total), *phase ? phase : "-", speed, time,
			       cli_bytes(resident, sizeof(resident), resident_bytes()),
			       *left ? ", " : "", left);
	}
	if (len >= (int)n)
		len = (int)n - 1;
	if (bar && len > width - 1) { /* a line that wraps could not be redrawn */
		len = width - 1;
		while (len > 0 && ((u8)buf[len] & 0xc0) == 0x80)
			len--;
		buf[len] = 0;
	}
	return len;
}

void cli_progress_update(void *progress, const struct run_progress *now)
{
	struct cli_progress *p = progress;
	char line[400];

	if (!p->on || now->seconds < p->next)
		return;
	p->next = now->seconds + (p->bar ? BAR_INTERVAL : PLAIN_INTERVAL);
	cli_progress_line(line, sizeof(line), p->name, now, p->bar, p->bar ? terminal_width() : 0);
	fprintf(stderr, p->bar ? "\r%s\033[K" : "%s\n", line);
	fflush(stderr);
	p->drawn = p->bar;
}

void cli_progress_end(struct cli_progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", stderr);
	p->drawn = false;
}
