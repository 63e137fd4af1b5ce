-- schema.sql - the results database, schema version 3.
--
-- One file holds many runs. Every table hangs on run.id; names that repeat
-- (metrics, series) are rows of their own. Times within a run are simulated
-- picoseconds. Unsigned 64-bit seeds are stored as SQLite's signed 64 bits.
-- phase -1 is the whole measured part of a run; node, zone and page_order are
-- -1 where they do not apply. docs/results.md explains every table, with
-- queries to copy. Compiled into the program: see store_open.c.

CREATE TABLE run (
	id INTEGER PRIMARY KEY,
	uuid TEXT NOT NULL UNIQUE,
	started TEXT NOT NULL,            -- ISO 8601, UTC
	finished TEXT,                    -- NULL: never ended properly
	status TEXT NOT NULL DEFAULT 'running'
		CHECK (status IN ('running', 'complete', 'interrupted', 'failed')),
	name TEXT NOT NULL,
	title TEXT NOT NULL,
	tool_version TEXT NOT NULL,
	compiler TEXT NOT NULL,
	compiler_flags TEXT NOT NULL,     -- of the simulated code
	host TEXT NOT NULL,
	config TEXT NOT NULL CHECK (json_valid(config)),
	config_hash TEXT NOT NULL,
	trace_hash TEXT NOT NULL,         -- '' for synthetic workloads
	workload TEXT NOT NULL,
	machine TEXT NOT NULL,
	policy TEXT NOT NULL,
	timing TEXT NOT NULL,             -- 'cycle' or 'functional'
	pacing TEXT NOT NULL,
	seed INTEGER NOT NULL,
	ram_bytes INTEGER NOT NULL CHECK (ram_bytes >= 0),
	digest TEXT                       -- over all simulated values; NULL until the run ended
) STRICT;
CREATE INDEX run_by_name ON run (name);

-- What the host did: never part of the digest.
CREATE TABLE host_fact (
	run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	value REAL NOT NULL,
	unit TEXT NOT NULL,
	PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

-- A metric whose definition changed is another metric.
CREATE TABLE metric (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL,
	unit TEXT NOT NULL,
	better INTEGER NOT NULL CHECK (better IN (-1, 0, 1)),
	definition TEXT NOT NULL,
	UNIQUE (name, unit, better, definition)
) STRICT;

CREATE TABLE phase (
	run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
	phase INTEGER NOT NULL CHECK (phase >= -1),
	name TEXT NOT NULL,
	warm_up INTEGER NOT NULL CHECK (warm_up IN (0, 1)),
	PRIMARY KEY (run, phase)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_metric (
	run INTEGER NOT NULL,
	phase INTEGER NOT NULL,
	metric INTEGER NOT NULL REFERENCES metric (id),
	value REAL NOT NULL,
	PRIMARY KEY (run, phase, metric),
	FOREIGN KEY (run, phase) REFERENCES phase (run, phase) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX run_metric_by_metric ON run_metric (metric, run);

CREATE TABLE series (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL,
	unit TEXT NOT NULL,
	UNIQUE (name, unit)
) STRICT;

CREATE TABLE sample (
	run INTEGER NOT NULL,
	series INTEGER NOT NULL REFERENCES series (id),
	node INTEGER NOT NULL,
	zone INTEGER NOT NULL,
	page_order INTEGER NOT NULL,
	request INTEGER NOT NULL,         -- requests completed so far
	time_ps INTEGER NOT NULL,
	phase INTEGER NOT NULL,
	value INTEGER NOT NULL,
	PRIMARY KEY (run, series, node, zone, page_order, request, time_ps, phase),
	FOREIGN KEY (run, phase) REFERENCES phase (run, phase) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Requests of one operation that took one path in one phase. The paths of an
-- operation are disjoint: its whole is the sum over its paths.
CREATE TABLE latency (
	id INTEGER PRIMARY KEY,
	run INTEGER NOT NULL,
	phase INTEGER NOT NULL,
	operation TEXT NOT NULL,
	path TEXT NOT NULL,
	count INTEGER NOT NULL CHECK (count >= 0),
	sum_ps INTEGER NOT NULL,
	min_ps INTEGER NOT NULL,
	max_ps INTEGER NOT NULL,
	UNIQUE (run, phase, operation, path),
	FOREIGN KEY (run, phase) REFERENCES phase (run, phase) ON DELETE CASCADE
) STRICT;

CREATE TABLE latency_part (
	latency INTEGER NOT NULL REFERENCES latency (id) ON DELETE CASCADE,
	part INTEGER NOT NULL,            -- position in the order of the parts
	name TEXT NOT NULL,
	ps INTEGER NOT NULL,
	PRIMARY KEY (latency, part)
) STRICT, WITHOUT ROWID;

-- count requests took low_ps..high_ps, both inclusive.
CREATE TABLE latency_bucket (
	latency INTEGER NOT NULL REFERENCES latency (id) ON DELETE CASCADE,
	low_ps INTEGER NOT NULL,
	high_ps INTEGER NOT NULL CHECK (high_ps >= low_ps),
	count INTEGER NOT NULL CHECK (count > 0),
	PRIMARY KEY (latency, low_ps)
) STRICT, WITHOUT ROWID;

-- The state at the end of the run. Objects are in use, free and kept by a CPU,
-- or free in a slab on a node's list.
CREATE TABLE slab_cache (
	run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
	position INTEGER NOT NULL,        -- order of creation
	name TEXT NOT NULL,
	object_size INTEGER NOT NULL,
	size INTEGER NOT NULL,            -- with metadata and alignment
	align INTEGER NOT NULL,
	page_order INTEGER NOT NULL,
	objects_per_slab INTEGER NOT NULL,
	slabs INTEGER NOT NULL,
	slab_bytes INTEGER NOT NULL,
	objects INTEGER NOT NULL,
	inuse INTEGER NOT NULL,
	free_cpu INTEGER NOT NULL,
	free_partial INTEGER NOT NULL,
	partial_slabs INTEGER NOT NULL,
	requested_bytes INTEGER NOT NULL,
	rounding_bytes INTEGER NOT NULL,
	tail_bytes INTEGER NOT NULL,
	allocs INTEGER NOT NULL,
	frees INTEGER NOT NULL,
	-- NULL in runs stored by schema version 1
	active_objects INTEGER,           -- as /proc/slabinfo counts: all but free ones on node lists
	cpu_slabs INTEGER,                -- CPU slabs and CPU partial slabs
	min_partial INTEGER,              -- slabs
	cpu_partial INTEGER,              -- objects
	aliases INTEGER,                  -- further caches merged into this one
	flags INTEGER,                    -- as given to kmem_cache_create
	PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

-- Event counters of a slab cache, by the kernel's names under CONFIG_SLUB_STATS.
CREATE TABLE slab_stat (
	run INTEGER NOT NULL,
	position INTEGER NOT NULL,
	name TEXT NOT NULL,
	value INTEGER NOT NULL,
	PRIMARY KEY (run, position, name),
	FOREIGN KEY (run, position) REFERENCES slab_cache (run, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- How many slabs of a cache are how full at the end: 'empty', 'q1' (up to 25 %),
-- 'q2', 'q3', 'q4' (75 % and more), 'full', or 'cpu': a CPU's (SLUB).
CREATE TABLE slab_fill (
	run INTEGER NOT NULL,
	position INTEGER NOT NULL,
	fill TEXT NOT NULL,
	slabs INTEGER NOT NULL,
	PRIMARY KEY (run, position, fill),
	FOREIGN KEY (run, position) REFERENCES slab_cache (run, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What a cell, one pageblock or some in a row, holds from this sample on: a row
-- only where it changed. Pages; what is missing to 'pages' was never the page
-- allocator's to give. Pages kept by CPUs count as free.
CREATE TABLE page_map (
	run INTEGER NOT NULL,
	cell INTEGER NOT NULL,            -- from 0, by address
	request INTEGER NOT NULL,
	time_ps INTEGER NOT NULL,
	phase INTEGER NOT NULL,
	first_pfn INTEGER NOT NULL,
	pages INTEGER NOT NULL,
	migratetype INTEGER NOT NULL,     -- of most pageblocks, as below; 4: none
	free INTEGER NOT NULL,
	movable INTEGER NOT NULL,         -- in use by movable requests
	slab INTEGER NOT NULL,
	other INTEGER NOT NULL,           -- in use by other requests
	PRIMARY KEY (run, cell, request, time_ps, phase),
	FOREIGN KEY (run, phase) REFERENCES phase (run, phase) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- All allocations, by the bytes they asked for. kind: 'kmalloc', 'cache' (of a
-- slab cache), 'pages'.
CREATE TABLE request_size (
	run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
	kind TEXT NOT NULL,
	low INTEGER NOT NULL,
	high INTEGER NOT NULL,            -- inclusive
	count INTEGER NOT NULL,
	requested_bytes INTEGER NOT NULL,
	held_bytes INTEGER NOT NULL,      -- slab slots or whole pages taken for them
	PRIMARY KEY (run, kind, low)
) STRICT, WITHOUT ROWID;

CREATE TABLE zone (
	run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
	node INTEGER NOT NULL,
	position INTEGER NOT NULL,        -- order within the run
	name TEXT NOT NULL,
	start_pfn INTEGER NOT NULL,
	spanned INTEGER NOT NULL,         -- all in pages
	present INTEGER NOT NULL,
	managed INTEGER NOT NULL,
	free_pages INTEGER NOT NULL,
	pcp_pages INTEGER NOT NULL,
	watermark_min INTEGER NOT NULL,
	watermark_low INTEGER NOT NULL,
	watermark_high INTEGER NOT NULL,
	-- NULL in runs stored by schema version 1
	zone_index INTEGER,
	watermark_promo INTEGER,
	watermark_boost INTEGER,
	free_counter INTEGER,             -- what watermark tests read: without the CPUs' differentials
	highatomic INTEGER,               -- pages reserved for high-order atomic requests
	PRIMARY KEY (run, node, name)
) STRICT, WITHOUT ROWID;

-- Pages that the zone keeps back from requests that may use zones up to class.
CREATE TABLE zone_reserve (
	run INTEGER NOT NULL,
	node INTEGER NOT NULL,
	zone TEXT NOT NULL,
	class INTEGER NOT NULL,           -- zone index
	pages INTEGER NOT NULL,
	PRIMARY KEY (run, node, zone, class),
	FOREIGN KEY (run, node, zone) REFERENCES zone (run, node, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE zone_order (
	run INTEGER NOT NULL,
	node INTEGER NOT NULL,
	zone TEXT NOT NULL,
	page_order INTEGER NOT NULL CHECK (page_order BETWEEN 0 AND 10),
	free_blocks INTEGER NOT NULL,
	PRIMARY KEY (run, node, zone, page_order),
	FOREIGN KEY (run, node, zone) REFERENCES zone (run, node, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- migratetype: 0 unmovable, 1 movable, 2 reclaimable, 3 high-atomic.
CREATE TABLE zone_order_type (
	run INTEGER NOT NULL,
	node INTEGER NOT NULL,
	zone TEXT NOT NULL,
	migratetype INTEGER NOT NULL,
	page_order INTEGER NOT NULL CHECK (page_order BETWEEN 0 AND 10),
	free_blocks INTEGER NOT NULL,
	PRIMARY KEY (run, node, zone, migratetype, page_order),
	FOREIGN KEY (run, node, zone) REFERENCES zone (run, node, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE zone_pageblock (
	run INTEGER NOT NULL,
	node INTEGER NOT NULL,
	zone TEXT NOT NULL,
	migratetype INTEGER NOT NULL,
	blocks INTEGER NOT NULL,
	PRIMARY KEY (run, node, zone, migratetype),
	FOREIGN KEY (run, node, zone) REFERENCES zone (run, node, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- A CPU's page lists of a zone. Pages.
CREATE TABLE zone_pcp (
	run INTEGER NOT NULL,
	node INTEGER NOT NULL,
	zone TEXT NOT NULL,
	cpu INTEGER NOT NULL,
	pages INTEGER NOT NULL,
	high INTEGER NOT NULL,
	batch INTEGER NOT NULL,
	high_min INTEGER NOT NULL,        -- as high without PCP auto-tuning
	high_max INTEGER NOT NULL,
	stat_threshold INTEGER NOT NULL,
	PRIMARY KEY (run, node, zone, cpu),
	FOREIGN KEY (run, node, zone) REFERENCES zone (run, node, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- The kernel's own counters by its names: of a zone, of a node (zone ''), or
-- events of the machine (node -1, zone '').
CREATE TABLE vm_counter (
	run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
	node INTEGER NOT NULL,
	zone TEXT NOT NULL,
	name TEXT NOT NULL,
	value INTEGER NOT NULL,
	PRIMARY KEY (run, node, zone, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE call_site (
	run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
	name TEXT NOT NULL,               -- '': unknown
	allocs INTEGER NOT NULL,
	frees INTEGER NOT NULL,
	live INTEGER NOT NULL,
	live_bytes INTEGER NOT NULL,
	requested_bytes INTEGER NOT NULL, -- over all its allocations
	waste_bytes INTEGER NOT NULL,     -- beyond what live objects asked for
	waste_bytes_total INTEGER NOT NULL,
	PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

-- holder '' has the totals of a lock (all locks of that name added up); the
-- other rows say in which code it was held while others waited.
CREATE TABLE lock_wait (
	run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	holder TEXT NOT NULL,
	acquired INTEGER NOT NULL,
	contended INTEGER NOT NULL,
	wait_ps INTEGER NOT NULL,
	wait_max_ps INTEGER NOT NULL,
	PRIMARY KEY (run, name, holder)
) STRICT, WITHOUT ROWID;

CREATE TABLE counter (
	run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
	category TEXT NOT NULL,           -- 'path', 'hardware', 'left_out', ...
	name TEXT NOT NULL,
	value INTEGER NOT NULL,
	PRIMARY KEY (run, category, name)
) STRICT, WITHOUT ROWID;

-- ---- for reading by hand ----

CREATE VIEW metric_value AS
	SELECT rm.run, rm.phase, p.name AS phase_name, p.warm_up, m.name, rm.value, m.unit,
		m.better, m.definition
	FROM run_metric rm
	JOIN metric m ON m.id = rm.metric
	JOIN phase p ON p.run = rm.run AND p.phase = rm.phase;

-- One line a run; 'incomplete' is a run whose program was killed or still works.
CREATE VIEW run_summary AS
	SELECT r.id, r.started, CASE r.status WHEN 'running' THEN 'incomplete' ELSE r.status END AS status,
		r.name, r.policy, r.machine, r.workload, r.timing, r.pacing, r.seed, r.ram_bytes,
		max(v.value) FILTER (WHERE v.name = 'requests') AS requests,
		max(v.value) FILTER (WHERE v.name = 'coverage') AS coverage,
		max(v.value) FILTER (WHERE v.name = 'latency_mean') AS latency_mean_ns,
		max(v.value) FILTER (WHERE v.name = 'latency_p99') AS latency_p99_ns,
		max(v.value) FILTER (WHERE v.name = 'held_bytes_peak') AS held_bytes_peak,
		max(v.value) FILTER (WHERE v.name = 'internal_fragmentation') AS internal_fragmentation,
		r.digest
	FROM run r LEFT JOIN metric_value v ON v.run = r.id AND v.phase = -1
	GROUP BY r.id;

CREATE VIEW sample_value AS
	SELECT s.run, n.name AS series, n.unit, s.time_ps, s.request, s.phase, s.node, s.zone,
		s.page_order, s.value
	FROM sample s JOIN series n ON n.id = s.series;

-- The rows that make up the measured part: phase -1 where a run has it, else its measured phases.
CREATE VIEW latency_measured AS
	SELECT l.* FROM latency l JOIN phase p ON p.run = l.run AND p.phase = l.phase
	WHERE CASE WHEN EXISTS (SELECT 1 FROM latency w WHERE w.run = l.run AND w.phase = -1)
		THEN l.phase = -1 ELSE p.warm_up = 0 END;

CREATE VIEW latency_summary AS
	SELECT run, operation, path, sum(count) AS count, sum(sum_ps) / 1000.0 / sum(count) AS mean_ns,
		min(min_ps) / 1000.0 AS min_ns, max(max_ps) / 1000.0 AS max_ns
	FROM latency_measured WHERE count > 0 GROUP BY run, operation, path;

CREATE VIEW latency_split AS
	SELECT l.run, l.operation, p.part, p.name, sum(p.ps) AS ps
	FROM latency_measured l JOIN latency_part p ON p.latency = l.id
	GROUP BY l.run, l.operation, p.part, p.name;

CREATE VIEW slab_cache_waste AS
	SELECT run, position, name, slab_bytes, requested_bytes, rounding_bytes, tail_bytes,
		free_cpu * size AS cpu_bytes, free_partial * size AS partial_bytes,
		slab_bytes - requested_bytes AS waste_bytes
	FROM slab_cache;

-- The nine states of memory at each sample time, and their sum.
CREATE VIEW byte_partition AS
	SELECT s.run, s.phase, s.request, s.time_ps,
		sum(s.value) FILTER (WHERE n.name = 'bytes.requested') AS requested,
		sum(s.value) FILTER (WHERE n.name = 'bytes.rounding') AS rounding,
		sum(s.value) FILTER (WHERE n.name = 'bytes.slab_tail') AS slab_tail,
		sum(s.value) FILTER (WHERE n.name = 'bytes.page_order') AS page_order,
		sum(s.value) FILTER (WHERE n.name = 'bytes.free_partial') AS free_partial,
		sum(s.value) FILTER (WHERE n.name = 'bytes.cpu_cached') AS cpu_cached,
		sum(s.value) FILTER (WHERE n.name = 'bytes.free') AS free,
		sum(s.value) FILTER (WHERE n.name = 'bytes.metadata') AS metadata,
		sum(s.value) FILTER (WHERE n.name = 'bytes.reserved') AS reserved,
		sum(s.value) AS total
	FROM sample s JOIN series n ON n.id = s.series
	WHERE n.name GLOB 'bytes.*' AND s.node = -1 AND s.zone = -1 AND s.page_order = -1
	GROUP BY s.run, s.phase, s.request, s.time_ps;

-- ---- exactness: both are empty, or something is wrong ----

CREATE VIEW check_latency_parts AS
	SELECT l.run, l.phase, l.operation, l.path, l.sum_ps, coalesce(sum(p.ps), 0) AS parts_ps,
		coalesce(sum(p.ps), 0) - l.sum_ps AS excess_ps
	FROM latency l LEFT JOIN latency_part p ON p.latency = l.id
	GROUP BY l.id HAVING coalesce(sum(p.ps), 0) <> l.sum_ps;

CREATE VIEW check_byte_partition AS
	SELECT b.run, b.phase, b.request, b.time_ps, b.total, r.ram_bytes,
		b.total - r.ram_bytes AS excess_bytes
	FROM byte_partition b JOIN run r ON r.id = b.run WHERE b.total <> r.ram_bytes;

-- Buckets and counts of a histogram must agree as well.
CREATE VIEW check_latency_buckets AS
	SELECT l.run, l.phase, l.operation, l.path, l.count, coalesce(sum(b.count), 0) AS in_buckets
	FROM latency l LEFT JOIN latency_bucket b ON b.latency = l.id
	GROUP BY l.id HAVING coalesce(sum(b.count), 0) <> l.count;
