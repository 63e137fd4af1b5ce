#!/bin/sh
# The ready machines answer idle reads in the time that their sources give: medians of dependent reads
# from L2, LLC and memory, in cycles, beside docs/hardware.md.
#   tests/e2e/machine_latencies.sh BUILD_DIR
. tests/e2e/lib.sh
# reads LINES N: N reads of lines scattered over LINES (a power of two), all before any twice
reads() { awk -v lines="$1" -v n="$2" 'BEGIN { for (i = 0; i < n; i++) { at = (at * 5 + 12345) % lines; print "LD", 268435456 + at * 64 } }'; }
reads 2048 16384 >"$work/l2"	# 128 KiB
reads 32768 131072 >"$work/llc" # 2 MiB
reads 8388608 20000 >"$work/memory"
median() {
	"$kmemsim" memtrace --machine "configs/machines/$1.json" --set core.model=in-order --set prefetch.l1=none \
		--set prefetch.l2=none --set memory.size=2GiB --json "$work/$2" | sed -n 's/ *"p50": *\([0-9]*\).*/\1/p'
}
# machine L2 LLC memory: published, cycles; memory within 2 %
while read -r machine l2 llc memory; do
	is "$machine L2" "$(median $machine l2)" "$l2"
	is "$machine LLC" "$(median $machine llc)" "$llc"
	got=$(median $machine memory)
	if [ $((got * 100)) -ge $((memory * 98)) ] && [ $((got * 100)) -le $((memory * 102)) ]; then ok "$machine memory"
	else not_ok "$machine memory" "$got cycles, published $memory"; fi
done <<END
sandy-bridge 12 30 210
haswell-i7-4790k 12 36 264
haswell-ep 12 53 241
skylake-server-2s 14 70 252
zen4 14 50 375
neoverse-n1 11 91 286
END
exit $status
