/*
 * step_screen.c - `step` on a whole terminal: left the request and what it
 * touched, right the allocators before and after. ncurses.
 */
#include "sim/teach/step.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEYS "n next  b back  s slow  f find  g goto  : command  arrows/PgUp/PgDn scroll  ? help  q quit"

struct screen {
	char *left, *right; /* text of the panes */
	int scroll;
	bool help;
};

typedef void show_fn(const struct step *s, FILE *out);

static char *text_of(const struct step *s, show_fn *const *parts, size_t n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; out && i < n; i++) {
		parts[i](s, out);
		fputc('\n', out);
	}
	if (out)
		fclose(out);
	return text;
}

static void all_lines(const struct step *s, FILE *out)
{
	step_show_lines(s, out, ~0u);
}

/* One pane's text from line `skip` on, cut at its width; changed things stand out. */
static void pane(const char *text, int skip, int top, int left, int height, int width)
{
	for (int row = 0; text && *text && row < height;) {
		size_t n = strcspn(text, "\n");

		if (skip > 0) {
			skip--;
		} else {
			bool changed = memchr(text, '*', n) != NULL;

			if (changed)
				attron(A_BOLD);
			mvaddnstr(top + row, left, text, (int)n < width ? (int)n : width);
			attroff(A_BOLD);
			row++;
		}
		text += n + (text[n] != 0);
	}
}

static void draw(const struct step *s, const struct screen *scr, const char *note)
{
	int half = COLS / 2;

	erase();
	pane(scr->left, scr->scroll, 0, 0, LINES - 2, half - 1);
	for (int row = 0; row < LINES - 2; row++)
		mvaddch(row, half - 1, '|');
	pane(scr->right, 0, 0, half + 1, LINES - 2, COLS - half - 1);
	mvaddnstr(LINES - 2, 0, note, COLS);
	attron(A_REVERSE);
	mvprintw(LINES - 1, 0, "%-*.*s", COLS, COLS, KEYS);
	attroff(A_REVERSE);
	(void)s;
	refresh();
}

/* A line typed at the bottom; "" when it is given up. */
static void ask(const char *prompt, char *text, int n)
{
	move(LINES - 2, 0);
	clrtoeol();
	addstr(prompt);
	echo();
	curs_set(1);
	if (getnstr(text, n - 1) == ERR)
		*text = 0;
	noecho();
	curs_set(0);
}

/* The command a key stands for, "" for none. */
static void command_of(int key, char *command, size_t n)
{
	char text[80];

	*command = 0;
	switch (key) {
	case 'n':
	case ' ':
	case '\n':
		snprintf(command, n, "n");
		break;
	case 'b':
		snprintf(command, n, "b");
		break;
	case 's':
		snprintf(command, n, "slow");
		break;
	case 'q':
		snprintf(command, n, "q");
		break;
	case 'f':
		ask("find (request, path or tracepoint): ", text, sizeof(text));
		snprintf(command, n, *text ? "find %s" : "%s", text);
		break;
	case 'g':
		ask("goto request: ", text, sizeof(text));
		snprintf(command, n, *text ? "goto %s" : "%s", text);
		break;
	case ':':
		ask(":", command, (int)n);
		break;
	}
}

static void scroll_by(struct screen *scr, int key)
{
	scr->scroll += key == KEY_DOWN ? 1 : key == KEY_UP ? -1 : key == KEY_NPAGE ? LINES / 2 :
		       key == KEY_PPAGE ? -LINES / 2 : 0;
	if (scr->scroll < 0)
		scr->scroll = 0;
}

static void screen_stopped(struct step *s, bool ended)
{
	static show_fn *const left[] = {step_show_request, step_show_path, all_lines};
	static show_fn *const right[] = {step_show_zone, step_show_pcp, step_show_slab};
	struct screen scr = {.left = text_of(s, left, 3), .right = text_of(s, right, 3)};
	char command[96], note[1100] = "";

	if (ended)
		snprintf(note, sizeof(note), "the workload has ended; b goes back, q quits");
	for (;;) {
		struct kms_error err = {0};
		int key;
		bool on;

		draw(s, &scr, note);
		key = getch();
		if (key == ERR || (s->interrupted && *s->interrupted)) {
			s->quit = true;
			break;
		}
		scroll_by(&scr, key);
		if (key == '?')
			snprintf(note, sizeof(note), "%s", "left: the request and what it touched; right: before and after it, * marks changes");
		command_of(key, command, sizeof(command));
		if (!*command)
			continue;
		on = step_command(s, command, &err);
		if (err.code)
			snprintf(note, sizeof(note), "%s", err.text);
		else if (on && (!ended || s->restart || s->quit))
			break;
		else if (on)
			snprintf(note, sizeof(note), "there are no more requests");
	}
	free(scr.left);
	free(scr.right);
}

int step_screen(struct step *s, struct kms_error *err)
{
	FILE *nowhere = fopen("/dev/null", "w"), *terminal = fdopen(dup(STDOUT_FILENO), "w");
	SCREEN *screen = nowhere && terminal ? newterm(NULL, terminal, stdin) : NULL;
	int rc;

	if (screen) {
		cbreak();
		noecho();
		keypad(stdscr, TRUE);
		curs_set(0);
		s->out = nowhere;
		s->stopped = screen_stopped;
		rc = step_run(s, err);
		endwin();
		delscreen(screen);
	} else {
		rc = kms_fail(err, KMS_EFAIL, "cannot set up the terminal (TERM=%s); --script works without one",
			      getenv("TERM") ? getenv("TERM") : "");
	}
	if (nowhere)
		fclose(nowhere);
	if (terminal)
		fclose(terminal);
	return rc;
}
