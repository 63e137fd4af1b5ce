/*
 * show_as.c - `kmemsim show RUN --as NAME`: the kernel's own text formats.
 */
#include <stdlib.h>
#include <string.h>

#include "results/as.h"
#include "sim/cli/internal.h"
#include "sim/cli/show.h"

static const struct as_view *find_view(const char *name, struct kms_error *err)
{
	const char *names[16];
	size_t n = 0;

	for (; as_views[n].name; n++) {
		names[n] = as_views[n].name;
		if (!strcmp(name, names[n]))
			return &as_views[n];
	}
	cli_unknown(err, "--as", name, names, n);
	return NULL;
}

/* The text goes out as a whole or, when the run lacks something, not at all. */
int show_as(struct show *s, const char *name)
{
	const struct as_view *view = find_view(name, s->err);
	char *text = NULL;
	size_t size;
	FILE *out;
	int rc;

	if (!view)
		return s->err->code;
	out = open_memstream(&text, &size);
	if (!out)
		return kms_fail(s->err, KMS_EFAIL, "out of memory");
	rc = view->print(out, s->store, s->run, s->err);
	if (fclose(out) && !rc)
		rc = kms_fail(s->err, KMS_EFAIL, "out of memory");
	if (!rc && s->cli->json) {
		json_start(&s->json, stdout);
		json_open(&s->json, NULL, '{');
		json_int(&s->json, "run", s->run);
		json_text(&s->json, "file", view->file);
		json_text(&s->json, "text", text);
		json_close(&s->json, '}');
	} else if (!rc) {
		fputs(text, stdout);
	}
	free(text);
	return rc;
}
