/*
 * store_steps.c - the steps that bring an older database to the present schema.
 *
 * A step makes of a database of its version - 1 what schema.sql of its version
 * creates; what an older run did not record is NULL or has no rows.
 */
#include "results/store_internal.h"

/* 2: free blocks and pageblocks by migratetype, page lists, kernel counters, slab statistics. */
static const char to_2[] =
	"ALTER TABLE slab_cache ADD COLUMN active_objects INTEGER;"
	"ALTER TABLE slab_cache ADD COLUMN cpu_slabs INTEGER;"
	"ALTER TABLE slab_cache ADD COLUMN min_partial INTEGER;"
	"ALTER TABLE slab_cache ADD COLUMN cpu_partial INTEGER;"
	"ALTER TABLE slab_cache ADD COLUMN aliases INTEGER;"
	"ALTER TABLE slab_cache ADD COLUMN flags INTEGER;"
	"ALTER TABLE zone ADD COLUMN zone_index INTEGER;"
	"ALTER TABLE zone ADD COLUMN watermark_promo INTEGER;"
	"ALTER TABLE zone ADD COLUMN watermark_boost INTEGER;"
	"ALTER TABLE zone ADD COLUMN free_counter INTEGER;"
	"ALTER TABLE zone ADD COLUMN highatomic INTEGER;"
	"CREATE TABLE slab_stat ( run INTEGER NOT NULL, position INTEGER NOT NULL, name "
	"    TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (run, position, name), "
	"    FOREIGN KEY (run, position) REFERENCES slab_cache (run, position) ON DELETE "
	"    CASCADE ) STRICT, WITHOUT ROWID;"
	"CREATE TABLE zone_reserve ( run INTEGER NOT NULL, node INTEGER NOT NULL, zone "
	"    TEXT NOT NULL, class INTEGER NOT NULL, pages INTEGER NOT NULL, PRIMARY KEY "
	"    (run, node, zone, class), FOREIGN KEY (run, node, zone) REFERENCES zone (run, "
	"    node, name) ON DELETE CASCADE ) STRICT, WITHOUT ROWID;"
	"CREATE TABLE zone_order_type ( run INTEGER NOT NULL, node INTEGER NOT NULL, "
	"    zone TEXT NOT NULL, migratetype INTEGER NOT NULL, page_order INTEGER NOT NULL "
	"    CHECK (page_order BETWEEN 0 AND 10), free_blocks INTEGER NOT NULL, PRIMARY KEY "
	"    (run, node, zone, migratetype, page_order), FOREIGN KEY (run, node, zone) "
	"    REFERENCES zone (run, node, name) ON DELETE CASCADE ) STRICT, WITHOUT ROWID;"
	"CREATE TABLE zone_pageblock ( run INTEGER NOT NULL, node INTEGER NOT NULL, "
	"    zone TEXT NOT NULL, migratetype INTEGER NOT NULL, blocks INTEGER NOT NULL, "
	"    PRIMARY KEY (run, node, zone, migratetype), FOREIGN KEY (run, node, zone) "
	"    REFERENCES zone (run, node, name) ON DELETE CASCADE ) STRICT, WITHOUT ROWID;"
	"CREATE TABLE zone_pcp ( run INTEGER NOT NULL, node INTEGER NOT NULL, zone TEXT "
	"    NOT NULL, cpu INTEGER NOT NULL, pages INTEGER NOT NULL, high INTEGER NOT NULL, "
	"    batch INTEGER NOT NULL, high_min INTEGER NOT NULL, high_max INTEGER NOT NULL, "
	"    stat_threshold INTEGER NOT NULL, PRIMARY KEY (run, node, zone, cpu), FOREIGN "
	"    KEY (run, node, zone) REFERENCES zone (run, node, name) ON DELETE CASCADE ) "
	"    STRICT, WITHOUT ROWID;"
	"CREATE TABLE vm_counter ( run INTEGER NOT NULL REFERENCES run (id) ON DELETE "
	"    CASCADE, node INTEGER NOT NULL, zone TEXT NOT NULL, name TEXT NOT NULL, value "
	"    INTEGER NOT NULL, PRIMARY KEY (run, node, zone, name) ) STRICT, WITHOUT ROWID;";

/* 3: page maps, how full slabs are, allocations by size. */
static const char to_3[] =
	"CREATE TABLE slab_fill ( run INTEGER NOT NULL, position INTEGER NOT NULL, fill "
	"TEXT NOT NULL, slabs INTEGER NOT NULL, PRIMARY KEY (run, position, fill), "
	"FOREIGN KEY (run, position) REFERENCES slab_cache (run, position) ON DELETE "
	"CASCADE ) STRICT, WITHOUT ROWID;"
	"CREATE TABLE page_map ( run INTEGER NOT NULL, cell INTEGER NOT NULL, request "
	"INTEGER NOT NULL, time_ps INTEGER NOT NULL, phase INTEGER NOT NULL, first_pfn "
	"INTEGER NOT NULL, pages INTEGER NOT NULL, migratetype INTEGER NOT NULL, free "
	"INTEGER NOT NULL, movable INTEGER NOT NULL, slab INTEGER NOT NULL, other "
	"INTEGER NOT NULL, PRIMARY KEY (run, cell, request, time_ps, phase), FOREIGN "
	"KEY (run, phase) REFERENCES phase (run, phase) ON DELETE CASCADE ) STRICT, "
	"WITHOUT ROWID;"
	"CREATE TABLE request_size ( run INTEGER NOT NULL REFERENCES run (id) ON DELETE "
	"CASCADE, kind TEXT NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL, "
	"count INTEGER NOT NULL, requested_bytes INTEGER NOT NULL, held_bytes INTEGER "
	"NOT NULL, PRIMARY KEY (run, kind, low) ) STRICT, WITHOUT ROWID;";

const struct store_migration store_steps[NR_STORE_STEPS] = {
	{.to = 2, .sql = to_2},
	{.to = 3, .sql = to_3},
};
