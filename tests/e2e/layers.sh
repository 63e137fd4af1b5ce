#!/bin/sh
# Recordings of SLAB and of SLOB kernels as traces: what callers asked for is the
# workload, what the recorded layer did is not; so every policy can run them.
. tests/e2e/lib.sh
asked() { sqlite3 "$work/$t.db" "select value from metric_value where name = 'requested_bytes' and phase = -1 order by run $1 limit 1"; }
for t in slab-up-start slob-up-boot; do
	"$kmemsim" import tests/exact/$t -o "$work/$t.kmt" --json >"$work/$t.json"
	is "$t: no event is unknown" "$(grep -c '"unknown_lines": 0,' "$work/$t.json")" 1
	is "$t: the slabs' own pages are left out" "$(grep -c '"slab_pages": 0' "$work/$t.json")" 0
	"$kmemsim" trace info "$work/$t.kmt" >"$work/$t.info"
	is "$t: its requests do not contradict each other" "$(grep -c WRONG "$work/$t.info")" 0
	is "$t: bears its allocator's name" "$(awk '$1 == "allocator" {print $2}' "$work/$t.info")" "${t%%-*}"
	for p in slub slab slob sheaves noslab; do
		run "$work/$t.db" slub-up --trace "$work/$t.kmt" --set 'workload.warm_up=[]' --policy $p \
			--timing functional --check || not_ok "$t: $p runs, and its invariants hold"
		is "$t: $p runs it all, and as much is asked for at the end" \
			"$(asked desc)" \
			"$(asked asc)"
	done
done
exit $status
