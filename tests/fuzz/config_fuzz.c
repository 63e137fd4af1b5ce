/*
 * config_fuzz.c - libFuzzer on configurations: any text is loaded, or refused with
 * one line that says what is wrong. tests/e2e/fuzz.sh builds and runs it.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/config/cfg.h"
#include "sim/config/experiment.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	void *out = calloc(1, experiment_config_table.size);
	char *text = malloc(size + 1);
	struct kms_error err = { 0 };
	struct cfg *cfg = NULL;

	if (!out || !text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (cfg_load_text(&cfg, &experiment_config_table, out, text, "fuzz.json", "configs/experiments", NULL,
			  0, &err)) {
		if (!err.code || !err.text[0])
			abort();
	} else {
		free(cfg_resolved(cfg));
		free(cfg_print(cfg));
		cfg_free(cfg);
	}
	free(text);
	free(out);
	return 0;
}
