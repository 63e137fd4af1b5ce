/*
 * data.h - finding the project's own files (cost tables, machines, traces)
 * wherever the program is started.
 */
#ifndef SIM_CONFIG_DATA_H
#define SIM_CONFIG_DATA_H

#include "sim/engine/base.h"

/*
 * Find a relative file name: in the working directory, then under
 * $KMEMSIM_DATA, the folder above the program's own (a build tree), and
 * share/kmemsim beside the program's bin (an installation). True: the name to
 * open is in buf; false: nowhere, and buf has the name unchanged. Absolute
 * names are only looked at.
 */
bool data_find(const char *name, char *buf, size_t n);

#endif
