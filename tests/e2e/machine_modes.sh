#!/bin/sh
# The machine's modes as a user meets them: the tables of docs/machine-modes.md and what makes them.
#   tests/e2e/machine_modes.sh BUILD_DIR
kmemsim=$1/kmemsim
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
page=docs/machine-modes.md
ok() { echo "ok $1"; }
bad() { echo "not ok $1: $2"; failed=1; }
figure() { sed -n "s/^ *\"$1\": \"*\([^\",]*\)\"*,*$/\1/p" "$work/out"; }
# shellcheck disable=SC2086 # settings are several words
run() { "$kmemsim" memtrace --machine "$@" --json >"$work/out" 2>"$work/err" || bad run "$(cat "$work/err")"; }
row() { # name and figures as a row of the page
	line="| $1 |"
	shift
	for key; do
		line="$line $(figure "$key" | awk '{ printf "%s", $1 ~ /[.]/ ? sprintf($1 < 1000 ? "%.1f" : "%.0f", $1) : $1 }') |"
	done
	grep -qF "$line" $page && ok "row $line" || bad "a row of $page" "there is no $line"
}

m=configs/machines/teaching-modes.json
for kind in inclusive non-inclusive exclusive; do
	run $m --set llc.inclusion=$kind --set coherence.protocol=mesi tests/hw/readshared.txt.zst
	row "$kind" cycles_per_access llc_hits back_invalidations dram_reads
done
for protocol in mesi mesif moesi; do
	for trace in prodcons migratory; do
		run $m --set coherence.protocol=$protocol tests/hw/$trace.txt.zst
		row "$protocol, $trace" cycles_per_access cache_to_cache dram_reads dram_writes
	done
done
for topology in flat ring mesh; do
	run $m --set interconnect.topology=$topology tests/hw/migratory.txt.zst
	row "$topology" cycles_per_access cpu_cycles_interconnect cpu_cycles_coherence
done
tiny=configs/machines/teaching-tiny.json
for set in "--set l1d.write=back" "--set l1d.write=through" "--set l1d.write=through --set l1d.write_miss=around" \
	   "--set l1d.write=through --set l2.write=through" "--set llc.write=through"; do
	run $tiny $set --limit 300000 tests/hw/sqlite.lackey.zst
	row "\`$set\`" cycles_per_access l1_misses write_backs dram_writes
done
for levels in "--set l2.size=0" "--set l3.size=4KiB --set l3.latency_cycles=20 --set llc.size=16KiB" \
	      "--set llc.size=0" "--set l2.size=0 --set llc.size=0"; do
	run $tiny $levels --set cpus=4 tests/hw/readshared.txt.zst
	row "\`$levels\`" cycles_per_access l1_misses llc_misses
done
"$kmemsim" memtrace --machine $m --set llc.inclusion=exlusive tests/hw/private.txt.zst >"$work/out" 2>"$work/err"
[ $? = 2 ] && grep -q exclusive "$work/err" && [ ! -s "$work/out" ] && ok "a slip is named" || bad "a slip is named" "$(cat "$work/err")"
"$kmemsim" run configs/experiments/slub-smp4.json --set machine=$m --set machine.memory.size=1GiB --set workload.max_requests=150000 --check --db "$work/db" \
	>"$work/out" 2>"$work/err" && ok "the allocators run on it, checked" || bad "the allocators run on it, checked" "$(tail -1 "$work/err")"
exit ${failed:-0}
