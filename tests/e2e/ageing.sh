#!/bin/sh
# Saved states of memory. A run that goes on from a state ends where the run that
# was never interrupted ends, in every slab layer: same slabs, free blocks,
# pageblocks and zones. Another workload can follow; what does not fit, or is
# damaged, is refused.
. tests/e2e/lib.sh
state=$work/a.kms
views() { for as in slabinfo buddyinfo pagetypeinfo zoneinfo; do "$kmemsim" show latest --db "$1" --as $as; done; }
# goes_on NAME CONFIG REQUESTS [OPTION...]
goes_on() {
	name=$1 config=$2 n=$3; shift 3
	run "$work/whole.db" "$config" --timing functional "$@" || { not_ok "$name: the whole"; return; }
	run "$work/first.db" "$config" --timing functional --set workload.max_requests="$n" --save-state "$state" "$@" || { not_ok "$name: the first part"; return; }
	run "$work/second.db" "$config" --timing functional --from-state "$state" --set workload.resume=true "$@" || { not_ok "$name: the second part"; return; }
	same "$name: the second part ends as the whole" "$(views "$work/whole.db")" "$(views "$work/second.db")"
}
for policy in slab slob sheaves noslab; do goes_on "$policy" slub-up 300000 --policy $policy; done
"$kmemsim" policy build configs/policies/starter.c -o "$work/starter.so" >/dev/null 2>&1
goes_on "a loaded policy" slub-up 100000 --policy "$work/starter.so"
goes_on "synthetic, four CPUs" synthetic 50000
goes_on "four CPUs" slub-smp4 300000
goes_on "slub" slub-up 300000 --check

# A state of a state, and another workload behind one.
run "$work/x.db" adversary --save-state "$work/aged.kms" --set workload.adversary=unmovable-pollution || not_ok "ageing"
run "$work/x.db" adversary --save-state "$work/aged2.kms" --from-state "$work/aged.kms" --check || not_ok "another workload"
run "$work/x.db" adversary --from-state "$work/aged2.kms" --check --set workload.adversary=page-batch --set allocator.fallback=claim && ok "other workloads follow, one after the other"
failed() { "$kmemsim" run "$1" --db "$work/f.db" -q --json $2 $3 --set workload.adversary=page-batch | sed -n 's/.*"failed_allocations": \([0-9]*\).*/\1/p'; }
config=configs/experiments/adversary.json
is "large blocks: all on a fresh memory" "$(failed $config)" 0
aged=$(failed $config --from-state "$work/aged.kms")
if [ "${aged:-0}" -gt 0 ]; then ok "large blocks: $aged fail on an aged one"; else not_ok "large blocks fail on an aged memory" "found $aged"; fi
same "a state gives the same run twice" "$(failed $config --from-state "$work/aged.kms")" "$aged"

# Refused: exit 2, says what differs, stores no run.
before=$("$kmemsim" list --db "$work/x.db" --json | grep -c uuid)
refused() { # NAME WORDS OPTION...
	name=$1; words=$2; shift 2
	"$kmemsim" run configs/experiments/slub-up.json --timing functional --db "$work/x.db" -q "$@" >"$work/out" 2>"$work/err"
	is "$name: exit 2" "$?" 2
	grep -q "$words" "$work/err" || not_ok "$name" "$(cat "$work/err")"
}
refused "another setting" "allocator.slub_max_order was 3 when it was made, this run has 1" --from-state "$state" --set allocator.slub_max_order=1
refused "another machine" "machine.cpus was 1 when it was made, this run has 2" --from-state "$state" --set machine.cpus=2
refused "another policy" 'allocator.slab was "slub" when it was made, this run has "slab"' --from-state "$state" --policy slab
refused "another seed" "seed was 1" --from-state "$state" --set workload.resume=true --set seed=2
refused "resume without a state" "expected \"start_state\"" --set workload.resume=true
refused "no state" "is not a saved state" --from-state configs/experiments/slub-up.json
refused "no file" "cannot read the state" --from-state "$work/nothing.kms"
size=$(wc -c <"$state")
for at in 20 200 $((size / 2)) $((size - 20)); do
	cp "$state" "$work/bad.kms"
	printf '\125\252\125' | dd of="$work/bad.kms" bs=1 seek=$at conv=notrunc 2>/dev/null
	refused "damaged at byte $at" "damaged\|other\|differ" --from-state "$work/bad.kms"
done
head -c $((size * 2 / 3)) "$state" >"$work/bad.kms"
refused "truncated" "truncated" --from-state "$work/bad.kms"
is "what is refused stores no run" "$("$kmemsim" list --db "$work/x.db" --json | grep -c uuid)" "$before"
refused "two runs, one state" "one file is for one run" configs/experiments/slub-up.json --save-state "$work/z.kms"
refused "nowhere to save" "cannot create" --set workload.max_requests=1000 --save-state "$work/no/z.kms"
exit $status
