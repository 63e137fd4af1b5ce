#!/bin/sh
# Named and drawn workloads have their effect; traces are cut, printed, merged,
# shortened and fitted, and what comes out is sound.
. tests/e2e/lib.sh
metric() { # workload, metric
	sqlite3 "$work/a.db" "SELECT value FROM run_metric JOIN metric ON metric.id = run_metric.metric JOIN run ON run.id = run_metric.run
		WHERE run.workload = '$1' AND metric.name = '$2' AND run_metric.phase < 0"
}
holds() { # name, value, awk condition on v
	if [ -n "$2" ] && awk "BEGIN { v = $2; exit !($3) }"; then ok "$1"; else not_ok "$1" "found: $2, wanted: $3"; fi
}
run "$work/a.db" adversaries --check && ok "adversaries run, every invariant holds"
run "$work/a.db" adversaries-smp --check && ok "adversaries on four CPUs run"
holds "checkerboard: half of the free memory is in small blocks" "$(metric checkerboard unusable_index_order9)" "v > 0.45 && v < 0.55"
holds "sparse-slabs: slabs are mostly empty" "$(metric sparse-slabs slab_utilisation)" "v < 0.6"
holds "sparse-slabs: free objects are pinned" "$(metric sparse-slabs waste_partial_slabs)" "v > 2e7"
holds "unmovable-pollution: kernel pages in movable pageblocks" "$(metric unmovable-pollution unmovable_in_movable_pages)" "v > 1000"
holds "unmovable-pollution: blocks of other types were taken" "$(metric unmovable-pollution fragmenting_fallbacks)" "v > 50"
holds "size-borders: almost half of every object is lost" "$(metric size-borders waste_size_rounding)" "v > 0.9 * $(metric size-borders requested_bytes)"
holds "high-order-bursts: bursts fail" "$(metric high-order-bursts failed_allocations)" "v > 100"
holds "leak-and-fragment: sparse slabs beside the leak" "$(metric leak-and-fragment waste_partial_slabs)" "v > $(metric leak-and-fragment requested_bytes)"
holds "ping-pong: no free is fast" "$(metric ping-pong fast_path_share)" "v < 0.55"
holds "remote-free-storm: locks are fought over" "$(metric remote-free-storm contended_locks)" "v > 100"
run "$work/a.db" synthetic-classes --check && a=$(digest "$work/a.db")
run "$work/a.db" synthetic-classes && same "classes, phases, bursts: repeatable" "$a" "$(digest "$work/a.db")"

trace() { "$kmemsim" trace "$@" >"$work/out" 2>"$work/err"; }
number() { grep -o "\"$1\": *[0-9]*" "$work/out" | head -1 | grep -o '[0-9]*$'; }
trace cat workloads/slub-smp4.kmt && mv "$work/out" "$work/t.txt"
trace pack "$work/t.txt" -o "$work/t.kmt"
if cmp -s "$work/t.kmt" workloads/slub-smp4.kmt; then ok "as text and back, byte for byte"; else not_ok "as text and back, byte for byte"; fi
for cut in "--phase fork" "--from 10s --to 30s --live" "--cpu 1 --cpu 3" "--cache kmalloc --cache maple_node"; do
	trace cut workloads/slub-smp4.kmt -o "$work/c.kmt" $cut --json; live=$(number live_at_end)
	trace info "$work/c.kmt" --json
	is "cut $cut: consistent" "$(number inconsistent)" 0
	is "cut $cut: what is alive at the end is counted" "$(number live_end)" "$live"
	"$kmemsim" run configs/experiments/slub-smp4.json --timing functional --check --trace "$work/c.kmt" \
		--set workload.memory=machine --set 'workload.warm_up=[]' --db "$work/c.db" -q >/dev/null 2>"$work/err" &&
		ok "cut $cut: runs" || not_ok "cut $cut: runs" "$(cat "$work/err")"
done
trace merge workloads/slub-up.kmt workloads/slub-pressure.kmt -o "$work/m.kmt"
trace info "$work/m.kmt" --json
is "merged: consistent" "$(number inconsistent)" 0
is "merged: all requests but the second boot's" "$(number requests)" $((557511 + 293386 - 998))
trace anonymise workloads/slub-up.kmt -o "$work/n.kmt"
trace cat "$work/n.kmt"
is "anonymised: no name is left" "$(grep -c -e maple_node -e alloc_nodes -e forkexec -e 'Linux 6' "$work/out")" 0
for t in slub-up n; do
	[ $t = n ] && f="$work/n.kmt" || f=workloads/slub-up.kmt
	"$kmemsim" run configs/experiments/slub-up.json --timing functional --trace "$f" --set 'workload.warm_up=[]' --db "$work/$t.db" -q >/dev/null 2>&1
done
q="SELECT group_concat(value) FROM run_metric JOIN metric ON metric.id = run_metric.metric WHERE phase < 0 AND name IN
	('held_bytes', 'slabs_allocated', 'unusable_index_order9', 'fast_path_share')"
same "anonymised: runs as the original" "$(sqlite3 "$work/slub-up.db" "$q")" "$(sqlite3 "$work/n.db" "$q")"

"$kmemsim" run configs/experiments/slub-numa2.json --timing functional --set workload.memory=machine \
	--set 'workload.warm_up=[]' --db "$work/c.db" -q >/dev/null 2>"$work/err" &&
	ok "a trace of two nodes runs on a machine of one" || not_ok "a trace of two nodes runs on a machine of one" "$(cat "$work/err")"

cat >"$work/tiny.json" <<END
{"name": "tiny", "machine": "$PWD/configs/machines/teaching-tiny.json", "sampling": {"samples": 2}, "timing": "functional",
 "workload": {"adversary": "checkerboard", "parameters": {"objects": 24, "order": 3}, "memory": "machine"}}
END
trace make "$work/tiny.json" -o "$work/tiny.kmt"
trace minimise "$work/tiny.kmt" -o "$work/min.kmt" --config "$work/tiny.json" --keep 'unusable_index_order9>0.011' --json
is "minimised: minimal" "$(number minimal)" 1
holds "minimised: shorter" "$(number objects)" "v < 16"
"$kmemsim" run "$work/tiny.json" --trace "$work/min.kmt" --db "$work/a.db" -q >/dev/null 2>&1
holds "minimised: still so" "$(sqlite3 "$work/a.db" "SELECT value FROM run_metric JOIN metric ON metric.id = run_metric.metric
	WHERE phase < 0 AND name = 'unusable_index_order9' AND run = (SELECT max(id) FROM run)")" "v > 0.011"
trace minimise "$work/tiny.kmt" -o "$work/cmd.kmt" -q --json --command "$kmemsim trace cat {} | grep -q ' page_free '"
is "minimised by a command: one object that is freed" "$(number objects)" 1

trace fit workloads/slub-up.kmt -o "$work/p.json" --json
holds "fit: sizes" "$(grep -o '"ks_sizes": *[0-9.]*' "$work/out" | grep -o '[0-9.]*$')" "v < 0.05"
holds "fit: lifetimes" "$(grep -o '"ks_lifetimes": *[0-9.]*' "$work/out" | grep -o '[0-9.]*$')" "v < 0.05"
"$kmemsim" run configs/experiments/synthetic.json --timing functional --check --set workload.synthetic="$work/p.json" \
	--db "$work/a.db" -q >/dev/null 2>"$work/err" && ok "fit: the profile runs" || not_ok "fit: the profile runs" "$(cat "$work/err")"

bad() { # name, text wanted, args...
	name=$1 want=$2; shift 2
	"$kmemsim" "$@" >/dev/null 2>"$work/err"; r=$?
	if [ $r -eq 2 ] && grep -qF -e "$want" "$work/err"; then ok "$name"; else not_ok "$name" "exit $r: $(cat "$work/err")"; fi
}
bad "unknown workload" 'did you mean "ping-pong"' workloads ping-pung
bad "unknown action" 'did you mean "merge"' trace merg a b
bad "an option of another action" 'trace cat has no option --phase' trace cat x --phase a
bad "unknown phase" "did you mean 'fork'" trace cut workloads/slub-up.kmt -o "$work/x.kmt" --phase frk
bad "no time" 'expected a time such as' trace cut workloads/slub-up.kmt -o "$work/x.kmt" --from soon
bad "unknown metric" 'did you mean "extfrag"' trace minimise "$work/tiny.kmt" -o "$work/x.kmt" --config "$work/tiny.json" --keep 'extfrg>1'
bad "what does not hold" 'does not hold' trace minimise "$work/tiny.kmt" -o "$work/x.kmt" --config "$work/tiny.json" --keep 'extfrag>0.99'
sed '200s/ page_free / page_fre /;200s/ kmalloc / kmaloc /;200s/ phase / phse /' "$work/t.txt" | head -200 >"$work/bad.txt"
echo '12 0 kmaloc size=5 0.0' >>"$work/bad.txt"
bad "text: where and what" "$work/bad.txt:" trace pack "$work/bad.txt" -o "$work/x.kmt"
printf 'nothing\n' >"$work/bad.txt"
bad "no text of ours" 'it is no text of kmemsim trace cat' trace pack "$work/bad.txt" -o "$work/x.kmt"
is "nothing half-written" "$(ls "$work" | grep -c -e '^x' -e partial -e candidate)" 0
exit $status
