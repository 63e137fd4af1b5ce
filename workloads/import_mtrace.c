/*
 * import_mtrace.c - the output of glibc's mtrace().
 *
 *	= Start
 *	@ ./program:[0x401136] + 0x1b6c2a0 0x10		malloc, calloc, memalign
 *	@ ./program:(main+0x12)[0x401146] - 0x1b6c2a0	free
 *	@ ./program:[0x401150] < 0x1b6c2a0		realloc: what becomes ...
 *	@ ./program:[0x401150] > 0x1b6c300 0x40		... this
 *	@ ./program:[0x401150] ! 0x1b6c300 0x40		realloc failed
 *	= End
 */
#include <string.h>

#include "workloads/import_user.h"

/* The sign and what follows it; the caller, if it is there, stands before. */
static const char *operation(struct user_import *im, const char *text, u32 *site)
{
	const char *end;
	s64 number;

	*site = KMS_NO_SITE;
	if (text[0] != '@' || text[1] != ' ')
		return text;
	text += 2;
	/* a program's name may hold blanks: the sign is the last one that stands alone */
	for (end = text + strlen(text); end > text; end--)
		if (end[-1] == ' ' && end[0] && strchr("+-<>!", end[0]) && end[1] == ' ')
			break;
	if (end == text)
		return text;
	number = names_enter(&im->sites, text, (size_t)(end - 1 - text));
	if (number < 0)
		user_no_memory(im);
	else
		*site = (u32)number;
	return end;
}

static int do_line(struct user_import *im, void *arg, char *text)
{
	const char *at, *begin;
	struct import_result *result = im->job->result;
	bool sized;
	u64 key, size = 0;
	u32 site;
	char sign;

	if (!*text || *text == '=')
		return 0;
	begin = at = operation(im, text, &site);
	if (im->job->err->code)
		return im->job->err->code;
	sign = *at;
	if (!sign || !strchr("+-<>!", sign) || at[1] != ' ')
		return user_malformed(im, text, "+, -, <, > or ! and an address");
	sized = sign == '+' || sign == '>' || sign == '!';
	at++;
	if (!user_number(&at, &key) || (sized && !user_number(&at, &size)))
		return user_malformed(im, begin, sized ? "an address and a size" : "an address");
	if (key >= USER_KEY_MAX || size >= USER_KEY_MAX)
		return user_malformed(im, begin, "an address and a size below 2^47");
	result->events++;
	im->time++;
	if (sign == '!' || (sized && !key)) {
		im->failed++;
		return 0;
	}
	if (!key) {
		result->null_frees++;
		return 0;
	}
	return sized ? user_alloc(im, key, size, site) : user_free(im, key, site);
}

static int import_file(const struct import_job *job)
{
	return user_import_lines(job, "mtrace of", NULL, do_line);
}

static bool recognises(const char *text, size_t length)
{
	return !strncmp(text, "= Start", 7) ||
	       (!strncmp(text, "@ ", 2) && (strstr(text, " + 0x") || strstr(text, " - 0x")));
}

const struct importer import_mtrace = {
	.name = "mtrace",
	.what = "the output of glibc's mtrace",
	.recognises_text = recognises,
	.import_file = import_file,
};
