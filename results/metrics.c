/*
 * metrics.c - the metric table of metrics.def, and its reference page.
 */
#include <stdio.h>
#include <stdlib.h>

#include "results/store.h"

const struct metric_def metric_defs[NR_METRICS] = {
#define METRIC(id, metric_name, metric_unit, metric_better, metric_definition)                         \
	[id] = {.name = metric_name,                                                                   \
		.unit = metric_unit,                                                                   \
		.better = metric_better,                                                               \
		.definition = metric_definition},
#include "results/metrics.def"
#undef METRIC
};

static const char *better_text(int better)
{
	return better > 0 ? "higher" : better < 0 ? "lower" : "neither";
}

char *metrics_reference(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "# Metrics\n\n"
		     "Generated from `results/metrics.def` by `kmemsim help metrics`; do not edit.\n\n"
		     "Every metric is stored per phase and for the whole measured part of a run.\n\n"
		     "| Metric | Unit | Better | Definition |\n|---|---|---|---|\n");
	for (u32 i = 0; i < NR_METRICS; i++) {
		const struct metric_def *m = &metric_defs[i];

		fprintf(out, "| `%s` | %s | %s | %s |\n", m->name, m->unit, better_text(m->better),
			m->definition);
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
