/*
 * import_rep.c - malloc-lab traces (.rep).
 *
 * Four numbers, one a line: suggested heap size, number of ids, number of
 * operations, weight. Then the operations: "a id bytes" allocate, "r id bytes"
 * reallocate, "f id" free; id -1 is NULL.
 */
#include <ctype.h>
#include <string.h>

#include "workloads/import_user.h"

#define HEADER_LINES 4

struct rep {
	u64 header[HEADER_LINES];
	u32 nr_header;
	u64 operations;
};

static const char *const header_names[HEADER_LINES] = {
	"the suggested heap size", "the number of ids", "the number of operations", "the weight",
};

static const char *skip_blanks(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

static int header_line(struct user_import *im, struct rep *rep, const char *text)
{
	const char *at = text;
	u32 i = rep->nr_header;

	if (!user_number(&at, &rep->header[i]) || *skip_blanks(at))
		return kms_fail(im->job->err, KMS_EUSAGE, "%s:%llu: found '%.60s', expected %s", im->lines.path,
				(unsigned long long)im->lines.number, text, header_names[i]);
	rep->nr_header++;
	return 0;
}

static int operation(struct user_import *im, char op, bool null, u64 key, u64 size)
{
	struct import_result *result = im->job->result;
	int ret = 0;

	result->events++;
	im->time++;
	if (op == 'f' && null) {
		result->null_frees++;
		return 0;
	}
	if (op == 'f')
		return user_free(im, key, KMS_NO_SITE);
	if (null) {
		im->failed++;
		return 0;
	}
	if (op == 'r' && live_find(&im->objects, key))
		ret = user_free(im, key, KMS_NO_SITE);
	return ret ? ret : user_alloc(im, key, size, KMS_NO_SITE);
}

static int do_line(struct user_import *im, void *arg, char *text)
{
	const char *at = skip_blanks(text), *begin = at;
	struct rep *rep = arg;
	u64 id = 0, size = 0;
	bool null;
	char op;

	if (!*at)
		return 0;
	if (rep->nr_header < HEADER_LINES)
		return header_line(im, rep, at);
	op = *at++;
	if ((op != 'a' && op != 'r' && op != 'f') || !isspace((unsigned char)*at))
		return user_malformed(im, begin, "a, r or f and an id");
	at = skip_blanks(at);
	null = at[0] == '-' && at[1] == '1';
	if (null)
		at += 2;
	if ((!null && !user_number(&at, &id)) || (op != 'f' && !user_number(&at, &size)))
		return user_malformed(im, begin, op == 'f' ? "f and an id" : "an id and a size");
	if (id >= USER_KEY_MAX - 1 || size >= USER_KEY_MAX || *skip_blanks(at))
		return user_malformed(im, begin, "an id and a size below 2^47, and no more");
	rep->operations++;
	return operation(im, op, null, id + 1, size);
}

/* What the header announces and the file does not have was lost. */
static int import_file(const struct import_job *job)
{
	struct rep rep = { .nr_header = 0 };
	int ret = user_import_lines(job, "malloc-lab trace", &rep, do_line);

	if (!ret && rep.operations < rep.header[2])
		job->result->lost = rep.header[2] - rep.operations;
	return ret;
}

static bool recognises(const char *text, size_t length)
{
	for (int i = 0; i < HEADER_LINES; i++) {
		text = skip_blanks(text);
		if (!isdigit((unsigned char)*text))
			return false;
		while (isdigit((unsigned char)*text))
			text++;
		if (*text && !isspace((unsigned char)*text))
			return false;
	}
	text = skip_blanks(text);
	return *text && strchr("arf", *text) && text[1] == ' ';
}

const struct importer import_rep = {
	.name = "rep",
	.what = "a malloc-lab trace (.rep)",
	.recognises_text = recognises,
	.import_file = import_file,
};
