/*
 * zonelist.c - in which order a node's requests try the zones.
 *
 * Each node has two lists: all nodes, nearest first (a node's zones from the
 * highest index down), and its own zones alone (__GFP_THISNODE). page_alloc.c
 * walks them from the first zone that the request may use.
 */
#include "models/mm/page_internal.h"

#define PENALTY_FOR_NODE_WITH_CPUS 1u

struct zonelist *node_zonelist(int nid, gfp_t gfp)
{
	return &kdata->node_data[nid]->node_zonelists[!!(gfp & __GFP_THISNODE)];
}

/* What the building of the lists needs to know, on the host's stack. */
struct zonelist_builder {
	const struct mm_boot *boot;
	u32 node_load[MAX_NUMNODES]; /* how often a node was the first of its distance */
	bool has_cpus[MAX_NUMNODES];
};

static u32 node_distance(const struct zonelist_builder *b, u32 from, u32 to)
{
	if (!b->boot->node_distance)
		return from == to ? 10 : 20;
	return b->boot->node_distance[from * b->boot->nr_nodes + to];
}

/*
 * The nearest node not used yet; -1 when all are. Of equally near ones, nodes
 * after this one come first, then those that fewer lists begin with.
 */
static int find_next_best_node(const struct zonelist_builder *b, u32 node, const bool *used)
{
	u32 best_value = ~0u, n;
	int best = -1;

	if (!used[node])
		return (int)node;
	for (n = 0; n < b->boot->nr_nodes; n++) {
		u32 value = node_distance(b, node, n);

		if (used[n])
			continue;
		value += n < node;
		value += b->has_cpus[n] ? PENALTY_FOR_NODE_WITH_CPUS : 0;
		value = value * MAX_NUMNODES + b->node_load[n];
		if (value < best_value) {
			best_value = value;
			best = (int)n;
		}
	}
	return best;
}

static struct zoneref *add_node_zones(struct zoneref *ref, u32 nid)
{
	struct pglist_data *pgdat = kdata->node_data[nid];
	int i;

	for (i = MAX_NR_ZONES - 1; i >= 0; i--) {
		struct zone *zone = &pgdat->node_zones[i];

		if (!populated_zone(zone))
			continue;
		ref->zone = zone;
		ref->zone_idx = i;
		ref++;
	}
	return ref;
}

/* An entry without zone, of index 0 so that every walk stops here. */
static void end_zonelist(struct zoneref *ref)
{
	ref->zone = NULL;
	ref->zone_idx = 0;
}

static void build_zonelists(struct zonelist_builder *b, u32 node)
{
	struct pglist_data *pgdat = kdata->node_data[node];
	struct zoneref *ref = pgdat->node_zonelists[0]._zonerefs;
	bool used[MAX_NUMNODES];
	u32 previous = node, i;
	int next;

	for (i = 0; i < b->boot->nr_nodes; i++)
		used[i] = false;
	while ((next = find_next_best_node(b, node, used)) >= 0) {
		u32 n = (u32)next;

		used[n] = true;
		if (node_distance(b, node, n) != node_distance(b, node, previous))
			b->node_load[n]++;
		ref = add_node_zones(ref, n);
		previous = n;
	}
	end_zonelist(ref);
	end_zonelist(add_node_zones(pgdat->node_zonelists[1]._zonerefs, node));
}

void build_all_zonelists(const struct mm_boot *boot)
{
	struct zonelist_builder b;
	u32 i;

	b.boot = boot;
	for (i = 0; i < boot->nr_nodes; i++) {
		b.node_load[i] = 0;
		b.has_cpus[i] = false;
	}
	for (i = 0; i < boot->nr_cpus; i++)
		b.has_cpus[boot->cpu_node[i]] = true;
	for (i = 0; i < boot->nr_nodes; i++)
		build_zonelists(&b, i);
}
