/*
 * step_command.c - what a user of `step` may say.
 */
#include "sim/teach/step.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "models/mm/tracepoints.h"

static const char *const words[] = {"n", "b", "goto", "slow", "find", "show", "help", "q"};
static const char help[] =
	"n [N]      carry out the next request, or the next N\n"
	"b [N]      back to the stop before, or by N requests\n"
	"goto N     to behind request N\n"
	"slow       to the next request that leaves the fast paths\n"
	"find WHAT  to the next request of a kind (kmalloc), on a path (new_slab) or passing a tracepoint (mm_expand)\n"
	"show WHAT  request, path, lines, zone, pcp, slab or all\n"
	"q          quit\n";

/* The number behind a command, def if there is none. */
static int number(const char *text, u64 def, u64 *n, struct kms_error *err)
{
	char *end;

	*n = def;
	if (!*text)
		return 0;
	*n = strtoull(text, &end, 10);
	return isdigit((unsigned char)*text) && !*end && *n ? 0 :
	       kms_fail(err, KMS_EUSAGE, "found \"%s\", expected a number of requests", text);
}

static int find(struct step *s, const char *what, struct kms_error *err)
{
	const char *names[NR_REQUESTS + NR_MM_PATHS + NR_TRACEPOINTS], *near;
	u32 n = 0;

	for (u32 i = 0; i < NR_REQUESTS; i++)
		names[n++] = kms_request_names[i];
	for (u32 i = 1; i < NR_MM_PATHS; i++)
		names[n++] = rt_path_names[i];
	for (u32 i = 0; i < NR_TRACEPOINTS; i++)
		names[n++] = watch_tracepoints[i].name;
	for (u32 i = 0; i < n; i++) {
		if (strcmp(what, names[i]))
			continue;
		s->goal = STEP_FIND;
		snprintf(s->find, sizeof(s->find), "%s", what);
		return 0;
	}
	near = kms_nearest(what, names, n);
	return kms_fail(err, KMS_EUSAGE, "found \"%s\", expected a kind of request, a path or a tracepoint%s%s%s", what,
			near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static void show_lines(const struct step *s, FILE *out)
{
	step_show_lines(s, out, ~0u);
}

static int show(struct step *s, const char *what, struct kms_error *err)
{
	static const struct {
		const char *name;
		void (*show)(const struct step *s, FILE *out);
	} parts[] = {{"request", step_show_request}, {"path", step_show_path}, {"lines", show_lines},
		     {"zone", step_show_zone}, {"pcp", step_show_pcp}, {"slab", step_show_slab}};
	bool found = false;

	for (size_t i = 0; i < KMS_ARRAY_SIZE(parts); i++) {
		if (strcmp(what, parts[i].name) && strcmp(what, "all"))
			continue;
		parts[i].show(s, s->out);
		found = true;
	}
	return found ? 0 : kms_fail(err, KMS_EUSAGE,
				    "found \"%s\", expected show request, path, lines, zone, pcp, slab or all", what);
}

/* Returns 1 when the run goes on, 0 when it does not, else an error. */
static int obey(struct step *s, const char *word, const char *rest, struct kms_error *err)
{
	u64 n;
	int rc = 0;

	if (!strcmp(word, "slow")) {
		s->goal = STEP_SLOW;
		return 1;
	}
	if (!strcmp(word, "find"))
		return (rc = find(s, rest, err)) ? rc : 1;
	if (!strcmp(word, "show"))
		return show(s, rest, err);
	if (!strcmp(word, "help")) {
		fputs(help, s->out);
		return 0;
	}
	if (!strcmp(word, "q")) {
		s->quit = true;
		return 1;
	}
	rc = number(rest, strcmp(word, "goto") ? 1 : 0, &n, err);
	if (rc)
		return rc;
	if (!strcmp(word, "goto") && !n)
		return kms_fail(err, KMS_EUSAGE, "expected goto N: the number of a request");
	step_goto(s, !strcmp(word, "goto") ? n : *word == 'n' ? s->position + n : s->position > n ? s->position - n : 1);
	return 1;
}

bool step_command(struct step *s, const char *text, struct kms_error *err)
{
	char word[32];
	const char *near;
	size_t n;
	int rc;

	text += strspn(text, " \t");
	n = strcspn(text, " \t");
	snprintf(word, sizeof(word), "%.*s", (int)n, text);
	text += n + strspn(text + n, " \t");
	for (size_t i = 0; i < KMS_ARRAY_SIZE(words); i++) {
		if (strcmp(word, words[i]))
			continue;
		rc = obey(s, word, text, err);
		return rc == 1;
	}
	near = kms_nearest(word, words, KMS_ARRAY_SIZE(words));
	kms_fail(err, KMS_EUSAGE, "found \"%s\", expected n, b, goto, slow, find, show, help or q%s%s%s", word,
		 near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	return false;
}

/* ---- a script ---- */

struct script {
	char *text, *next;
	struct kms_error *err;
};

/* The next command, NULL at the end; "#" begins a comment. */
static char *next_command(struct script *script)
{
	char *command, *end;

	do {
		if (!script->next)
			return NULL;
		command = script->next + strspn(script->next, " \t");
		end = command + strcspn(command, ";\n");
		script->next = *end ? end + 1 : NULL;
		*end = 0;
		command[strcspn(command, "#")] = 0;
		for (char *last = command + strlen(command); last > command && isspace((unsigned char)last[-1]);)
			*--last = 0;
	} while (!*command);
	return command;
}

static void script_stopped(struct step *s, bool ended)
{
	struct script *script = s->front;
	char *command;

	if (ended)
		fprintf(s->out, "the workload has ended behind request %llu\n", (unsigned long long)s->position);
	else
		step_show_request(s, s->out);
	while ((command = next_command(script))) {
		bool on = step_command(s, command, script->err);

		if (script->err->code)
			break;
		if (on && !(ended && !s->restart && !s->quit))
			return;
		if (on)
			fprintf(s->out, "there are no more requests\n");
	}
	s->quit = true;
}

int step_script(struct step *s, const char *text, struct kms_error *err)
{
	struct kms_error own = {0};
	struct script script = {.text = strdup(text), .err = &own};
	int rc;

	if (!script.text)
		return kms_fail(err, KMS_EFAIL, "out of memory");
	script.next = script.text;
	s->front = &script;
	s->stopped = script_stopped;
	rc = step_run(s, err);
	free(script.text);
	if (!rc && own.code)
		return kms_fail(err, own.code, "--script: %s", own.text);
	return rc;
}
