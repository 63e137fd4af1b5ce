/*
 * manual.c - the manual page and the shell's completions, from the same
 * descriptors as --help (help.c). `make install` installs both.
 */
#include "build_info.h"
#include "sim/cli/internal.h"

/* ---- kmemsim.1, in the man macros ---- */

/* Text as troff reads it: dashes stay dashes, a line's first dot or quote is no request. */
static void put_text(const char *text, FILE *out)
{
	bool first = true;

	for (; *text; text++) {
		if (first && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		first = *text == '\n';
		if (*text == '-')
			fputs("\\-", out);
		else if (*text == '\\')
			fputs("\\e", out);
		else
			fputc(*text, out);
	}
}

static void put_option(const struct cli_option *o, FILE *out)
{
	fputs(".TP\n", out);
	if (o->letter)
		fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
	fputs("\\fB\\-\\-", out);
	put_text(o->name, out);
	fputs("\\fR", out);
	if (o->arg) {
		fputs(" \\fI", out);
		put_text(o->arg, out);
		fputs("\\fR", out);
	}
	fputc('\n', out);
	put_text(o->help, out);
	fputc('\n', out);
}

static void put_options(const struct cli_option *o, FILE *out)
{
	for (; o && o->name; o++)
		put_option(o, out);
}

static void put_examples(const char *examples, FILE *out)
{
	fputs(".PP\n.RS 4\n.nf\n", out);
	put_text(examples, out);
	fputs("\n.fi\n.RE\n", out);
}

static void put_verb(const struct cli_verb *verb, FILE *out)
{
	fprintf(out, ".SS \"%s %s %s\"\n", CLI_PROGRAM, verb->name, verb->args);
	put_text(verb->summary, out);
	fputs(".\n", out);
	put_options(verb->options, out);
	put_examples(verb->examples, out);
}

void cli_manual(const struct cli_verb *const *verbs, FILE *out)
{
	fprintf(out,
		".TH KMEMSIM 1 \"\" \"%s %s\" \"User Commands\"\n.SH NAME\n%s \\- what the memory of a kernel "
		"looks like, and what each allocation costs\n.SH SYNOPSIS\n.B %s\n\\fICOMMAND\\fR "
		"[\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n.SH COMMANDS\n",
		CLI_PROGRAM, KMS_VERSION, CLI_PROGRAM, CLI_PROGRAM);
	for (; *verbs; verbs++)
		put_verb(*verbs, out);
	fputs(".SH OPTIONS OF EVERY COMMAND\n", out);
	put_options(cli_common_options, out);
	fputs(".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage or input, 3 beyond a threshold, 130 "
	      "interrupted.\n.SH ENVIRONMENT\n.TP\n.B KMEMSIM_DB\nthe database, where no \\fB\\-\\-db\\fR or "
	      "\\fB\\-\\-output\\fR names one\n.TP\n.B NO_COLOR\nif not empty, no colors\n",
	      out);
}

/* ---- completions for bash ---- */

static void put_option_words(const struct cli_option *o, FILE *out)
{
	for (; o && o->name; o++)
		fprintf(out, " --%s", o->name);
}

static void put_actions(const struct cli_verb *verb, FILE *out)
{
	const char *name;

	for (size_t i = 0; verb->action && (name = verb->action(i)); i++)
		fprintf(out, " %s", name);
}

void cli_completion(const struct cli_verb *const *verbs, FILE *out)
{
	fprintf(out,
		"# completions of %s for bash; written by `%s help completion`\n_%s()\n{\n"
		"\tlocal word=${COMP_WORDS[COMP_CWORD]} options actions=\n\n"
		"\tif [ \"$COMP_CWORD\" = 1 ]; then\n\t\tCOMPREPLY=($(compgen -W \"",
		CLI_PROGRAM, CLI_PROGRAM, CLI_PROGRAM);
	for (size_t i = 0; verbs[i]; i++)
		fprintf(out, "%s%s", i ? " " : "", verbs[i]->name);
	fputs("\" -- \"$word\"))\n\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]} in\n", out);
	for (; *verbs; verbs++) {
		fprintf(out, "\t%s) options=\"", (*verbs)->name);
		put_option_words((*verbs)->options, out);
		fputs("\"; actions=\"", out);
		put_actions(*verbs, out);
		fputs("\" ;;\n", out);
	}
	fputs("\tesac\n\tcase $word in\n\t-*) COMPREPLY=($(compgen -W \"$options", out);
	put_option_words(cli_common_options, out);
	fprintf(out,
		"\" -- \"$word\")) ;;\n\t*) [ \"$COMP_CWORD\" = 2 ] && COMPREPLY=($(compgen -W \"$actions\" -- "
		"\"$word\")) ;;\n\tesac\n}\ncomplete -o default -F _%s %s\n",
		CLI_PROGRAM, CLI_PROGRAM);
}
