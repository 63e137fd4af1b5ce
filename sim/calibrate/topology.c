/*
 * topology.c - what the host is made of, as hwloc sees it.
 */
#include <hwloc.h>
#include <stdio.h>
#include <string.h>

#include "sim/calibrate/calibrate.h"

static struct calibrate_cache cache_of(hwloc_topology_t topology, hwloc_obj_type_t type)
{
	hwloc_obj_t o = hwloc_get_obj_by_type(topology, type, 0);
	struct calibrate_cache cache = {0, 0, 0};

	if (!o)
		return cache;
	cache.size = o->attr->cache.size;
	cache.ways = o->attr->cache.associativity > 0 ? (u64)o->attr->cache.associativity : 0;
	cache.line = o->attr->cache.linesize;
	return cache;
}

static void cpu_name(hwloc_topology_t topology, char *name, size_t n)
{
	hwloc_obj_t package = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, 0);
	const char *model = package ? hwloc_obj_get_info_by_name(package, "CPUModel") : NULL;

	snprintf(name, n, "%s", model ? model : "unknown CPU");
	for (char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == '"' || *c == '\\')
			*c = ' ';
}

int calibrate_topology(struct calibrate_topology *t, struct kms_error *err)
{
	hwloc_topology_t topology;
	hwloc_obj_t root;

	*t = (struct calibrate_topology){.cores = 0};
	if (hwloc_topology_init(&topology))
		return kms_fail(err, KMS_EFAIL, "hwloc cannot start");
	if (hwloc_topology_load(topology)) {
		hwloc_topology_destroy(topology);
		return kms_fail(err, KMS_EFAIL, "hwloc cannot read this computer's topology");
	}
	cpu_name(topology, t->cpu, sizeof(t->cpu));
	t->cores = (u32)hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
	t->nodes = (u32)hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE);
	root = hwloc_get_root_obj(topology);
	t->memory = root ? root->total_memory : 0;
	t->l1d = cache_of(topology, HWLOC_OBJ_L1CACHE);
	t->l2 = cache_of(topology, HWLOC_OBJ_L2CACHE);
	t->llc = cache_of(topology, HWLOC_OBJ_L3CACHE);
	hwloc_topology_destroy(topology);
	return t->cores ? 0 : kms_fail(err, KMS_EFAIL, "hwloc finds no core");
}
