#!/bin/sh
# Contended lines by field, shown and compared; what compare recognises a stored
# run by; who decides about pages that the recorded kernel reclaimed.
. tests/e2e/lib.sh
sql() { sqlite3 "$1" "$2"; }
compare() { "$kmemsim" compare "$@" -q 2>"$work/err"; }

# contended lines by field, and what a run is recognised by
small="--set workload.max_requests=60000 --set workload.memory=machine"
run "$work/lines.db" slub-smp4 $small
is "contended fields are stored" "$(sql "$work/lines.db" "select count(*) > 5 and sum(caused) > 300 from contended_field")" 1
is "no more conflicts are judged than were" "$(sql "$work/lines.db" "select count(*) from contended_field where true_sharing + false_sharing > caused")" 0
is "zone.flags is only read" "$(sql "$work/lines.db" "select sum(writers) from contended_field where structure = 'struct zone' and field = 'flags'")" 0
"$kmemsim" show latest --db "$work/lines.db" --section fields >"$work/fields.txt"
grep -q '^struct zone .* lock .* zone ' "$work/fields.txt" && ok "show: the lock that a field is" || not_ok "show: the lock that a field is" "$(cat "$work/fields.txt")"
compare configs/experiments/slub-smp4.json $small --vary allocator.slab=slub,noslab --section sharing \
	--fail-on 'field.zone:lock.conflicts>0' --db "$work/lines.db" >"$work/sharing.txt"
is "a rule about a field: exit status 3" "$?" 3
is "the run of run is used by compare" "$(sql "$work/lines.db" 'select count(*) from run')" 2
grep -q '^zone.lock *conflicts' "$work/sharing.txt" && ok "contended fields are compared" || not_ok "contended fields are compared" "$(cat "$work/sharing.txt")"
sql "$work/lines.db" "update run set tool_version = 'older'"
compare configs/experiments/slub-smp4.json $small --vary allocator.slab=slub,noslab --db "$work/lines.db" >/dev/null
is "another version of the same model: used again" "$(sql "$work/lines.db" 'select count(*) from run')" 2
sql "$work/lines.db" "update run set cost_hash = 'other'"
compare configs/experiments/slub-smp4.json $small --vary allocator.slab=slub,noslab --db "$work/lines.db" >/dev/null
is "another cost table: run again" "$(sql "$work/lines.db" 'select count(*) from run')" 4

# who decides about recorded reclaim
for option in "" --keep-reclaim; do
	run "$work/reclaim.db" slub-pressure --timing functional $option
	"$kmemsim" show latest --db "$work/reclaim.db" --section coverage >"$work/coverage$option.txt"
done
grep -q "recorded kernel: their recorded reclaim was left out" "$work/coverage.txt" && ok "recorded reclaim is left out" || not_ok "recorded reclaim is left out" "$(cat "$work/coverage.txt")"
grep -q "recorded kernel: they went when the recording says" "$work/coverage--keep-reclaim.txt" && ok "--keep-reclaim keeps it" || not_ok "--keep-reclaim keeps it" "$(cat "$work/coverage--keep-reclaim.txt")"
exit $status
