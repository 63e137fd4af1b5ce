/*
 * interconnect.c - interconnect.h: one step along the way at a time.
 */
#include "models/hw/interconnect.h"

#include <stdlib.h>

int interconnect_init(struct interconnect *net, const struct interconnect_shape *shape,
		      struct kms_error *err)
{
	size_t pairs = (size_t)shape->stops * shape->stops;

	if (!shape->stops || shape->stops > INTERCONNECT_MAX_STOPS)
		return kms_fail(err, KMS_EUSAGE, "interconnect: %u stops, expected 1 to %u",
				shape->stops, INTERCONNECT_MAX_STOPS);
	if (shape->kind == INTERCONNECT_NODES && (!shape->nodes || shape->stops % shape->nodes))
		return kms_fail(err, KMS_EUSAGE, "interconnect: %u stops do not divide into %u nodes",
				shape->stops, shape->nodes);
	*net = (struct interconnect){ .shape = *shape, .width = 1 };
	while (net->width * net->width < shape->stops)
		net->width++;
	if (!shape->ps_per_flit)
		return 0;
	net->busy_until = calloc(pairs, sizeof(*net->busy_until));
	return net->busy_until ? 0 : kms_fail(err, KMS_EFAIL, "interconnect: out of memory");
}

void interconnect_exit(struct interconnect *net)
{
	free(net->busy_until);
	net->busy_until = NULL;
}

static u32 ring_next(u32 stops, u32 at, u32 to)
{
	u32 forward = (to + stops - at) % stops;

	return forward <= stops - forward ? (at + 1) % stops : (at + stops - 1) % stops;
}

/* Along x first; where the last row is not full, along y first to a row that is. */
static u32 mesh_next(const struct interconnect *net, u32 at, u32 to)
{
	u32 w = net->width, x = at % w, y = at / w, to_x = to % w, to_y = to / w, next;

	if (x != to_x) {
		next = x < to_x ? at + 1 : at - 1;
		if (next < net->shape.stops)
			return next;
	}
	return y < to_y ? at + w : at - w;
}

static u32 next_stop(const struct interconnect *net, u32 at, u32 to)
{
	switch (net->shape.kind) {
	case INTERCONNECT_RING:
		return ring_next(net->shape.stops, at, to);
	case INTERCONNECT_MESH:
		return mesh_next(net, at, to);
	default:
		return to;
	}
}

u32 interconnect_hops(const struct interconnect *net, u32 from, u32 to)
{
	u32 hops = 0;

	for (; from != to; from = next_stop(net, from, to))
		hops++;
	return hops;
}

static kms_ps link_time(const struct interconnect *net, u32 from, u32 to)
{
	u32 per_node = net->shape.nodes ? net->shape.stops / net->shape.nodes : net->shape.stops;

	if (net->shape.kind == INTERCONNECT_NODES && from / per_node != to / per_node)
		return net->shape.node_link;
	return net->shape.hop;
}

kms_ps interconnect_send(struct interconnect *net, u32 from, u32 to, u32 bytes, kms_ps now)
{
	now += net->shape.inject;
	for (u32 at = from, next; at != to; at = next) {
		next = next_stop(net, at, to);
		if (net->busy_until) {
			kms_ps *busy = &net->busy_until[at * net->shape.stops + next];

			now = now > *busy ? now : *busy;
			*busy = now + (bytes + 15) / 16 * net->shape.ps_per_flit;
		}
		now += link_time(net, at, next);
	}
	return now;
}
