/*
 * show_lines.c - sections of `show` about cache lines that CPUs fight over: by field, and line by line.
 */
#include "sim/cli/show.h"

static const char *none(const struct show *s)
{
	return s->cycle ? "no line moved between CPUs often enough" : "only cycle timing has caches";
}

int show_fields(struct show *s)
{
	static const struct show_column columns[] = {
		{"structure", "structure", SHOW_TEXT},
		{"field", "field", SHOW_TEXT},
		{"lines", "lines", SHOW_COUNT},
		{"conflicts", "conflicts", SHOW_COUNT},
		{"true", "true_sharing", SHOW_COUNT},
		{"false", "false_sharing", SHOW_COUNT},
		{"false", "false_share", SHOW_SHARE},
		{"written beside it", "beside", SHOW_TEXT},
		{"lock", "lock", SHOW_TEXT},
		{"waited", "lock_wait_ns", SHOW_NS},
	};

	return show_query(
		s, "contended_fields", none(s), columns, KMS_ARRAY_SIZE(columns),
		"SELECT f.structure, CASE field WHEN '' THEN '-' ELSE field END, lines, caused, true_sharing,"
		" false_sharing, CASE WHEN true_sharing + false_sharing THEN"
		" 1.0 * false_sharing / (true_sharing + false_sharing) END,"
		/* other fields in its lines that CPUs wrote, the most written first */
		" (SELECT group_concat(CASE other WHEN '' THEN '-' ELSE other END, ', ') FROM"
		" (SELECT o.field AS other FROM contended_word w JOIN contended_word o"
		" ON o.run = w.run AND o.position = w.position WHERE w.run = f.run"
		" AND w.structure = f.structure AND w.field = f.field AND o.writes > 0"
		" AND (o.field <> f.field OR o.structure <> f.structure)"
		" GROUP BY o.structure, o.field ORDER BY sum(o.writes) DESC, o.field LIMIT 3)),"
		" nullif(f.lock, ''), l.wait_ps / 1000.0"
		" FROM contended_field f LEFT JOIN lock_wait l ON l.run = f.run AND l.name = f.lock"
		" AND l.holder = '' WHERE f.run = ?1 AND caused > 0"
		" ORDER BY caused DESC, f.structure, field LIMIT ?2");
}

int show_lines(struct show *s)
{
	static const struct show_column columns[] = {
		{"structure", "structure", SHOW_TEXT},
		{"whose", "owner", SHOW_TEXT},
		{"moved", "transfers", SHOW_COUNT},
		{"invalidated", "invalidations", SHOW_COUNT},
		{"true", "true_sharing", SHOW_COUNT},
		{"false", "false_sharing", SHOW_COUNT},
		{"words taken for: conflicts (CPUs that write it)", "words", SHOW_TEXT},
	};

	return show_query(
		s, "contended_lines", none(s), columns, KMS_ARRAY_SIZE(columns),
		"SELECT structure, owner, transfers, invalidations,"
		" (SELECT sum(true_sharing) FROM hot_word w WHERE w.run = l.run AND w.position = l.position),"
		" (SELECT sum(false_sharing) FROM hot_word w WHERE w.run = l.run AND w.position = l.position),"
		" (SELECT group_concat(text, '; ') FROM (SELECT"
		" CASE field WHEN '' THEN 'word ' || word ELSE field END || ': ' || caused || ' (' || writers || ')'"
		" AS text FROM hot_word w WHERE w.run = l.run AND w.position = l.position AND caused > 0"
		" ORDER BY caused DESC, word LIMIT 4))"
		" FROM hot_line l WHERE run = ?1 ORDER BY position LIMIT ?2");
}
