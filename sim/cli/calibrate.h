/*
 * calibrate.h - what calibrate.c and calibrate_compare.c share.
 */
#ifndef SIM_CLI_CALIBRATE_H
#define SIM_CLI_CALIBRATE_H

#include "sim/cli/internal.h"

/* The allocators natively and on the machine (JSON text or path), side by side. Sets the exit status. */
int cli_calibrate_compare(struct cli *cli, const char *machine, struct kms_error *err);
/* Count the native build's instructions, write its cost table to path (NULL: to stdout). */
int cli_calibrate_count(struct cli *cli, const char *path, struct kms_error *err);
/* Write text into a new file. KMS_EUSAGE: it exists. */
int cli_write_new(const char *path, const char *text, struct kms_error *err);

#endif
