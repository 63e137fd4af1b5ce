/*
 * interconnect.h - how long a message takes from one stop to another.
 *
 * A stop is a core with its private caches and a slice of the LLC. Ring: the
 * shorter way round. Mesh: a rectangle as square as possible, first along x,
 * then y. Nodes: stops of one node are one hop apart, other nodes one link.
 * With contention each link carries one message at a time and the next waits.
 */
#ifndef MODELS_HW_INTERCONNECT_H
#define MODELS_HW_INTERCONNECT_H

#include "sim/engine/base.h"

enum interconnect_kind { INTERCONNECT_RING, INTERCONNECT_MESH, INTERCONNECT_NODES };

#define INTERCONNECT_MAX_STOPS 256u

struct interconnect_shape {
	enum interconnect_kind kind;
	u32 stops;	    /* 1 to INTERCONNECT_MAX_STOPS */
	u32 nodes;	    /* INTERCONNECT_NODES: stops are dealt out in equal blocks */
	kms_ps inject;	    /* entering and leaving, once per message */
	kms_ps hop;	    /* per hop */
	kms_ps node_link;   /* between two nodes, in place of a hop */
	kms_ps ps_per_flit; /* a link is busy that long per 16 bytes; 0: no contention */
};

struct interconnect {
	struct interconnect_shape shape;
	u32 width;	   /* of the mesh */
	kms_ps *busy_until; /* [from][to] of neighbours; NULL without contention */
};

/* KMS_EUSAGE: impossible shape. KMS_EFAIL: memory. */
int interconnect_init(struct interconnect *net, const struct interconnect_shape *shape,
		      struct kms_error *err);
void interconnect_exit(struct interconnect *net);

/* Links on the way; 0 for the stop itself. */
u32 interconnect_hops(const struct interconnect *net, u32 from, u32 to);

/* When a message of `bytes` sent now is there. */
kms_ps interconnect_send(struct interconnect *net, u32 from, u32 to, u32 bytes, kms_ps now);

#endif
