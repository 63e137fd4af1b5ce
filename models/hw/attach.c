/*
 * attach.c - gives the engine's CPUs their hardware.
 *
 * Apart from machine.c so that the models can be driven without an engine.
 */
#include "models/hw/hierarchy.h"

void machine_attach(struct machine *m)
{
	for (u32 id = 0; id < engine_nr_cpus() && id < m->nr_cpus; id++)
		machine_attach_cpu(m, engine_cpu(id), id);
}
