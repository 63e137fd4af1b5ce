#!/bin/sh
# What `make bench` prints: speed, as ratios measured in one run.
#   tests/bench/bench.sh BUILD_DIR
build=$1
kmemsim=$build/kmemsim
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
# seconds COMMAND...: processor time, its own and the kernel's for it
seconds() {
	spent=$(bash -c 'TIMEFORMAT="%U %S"; { time "$@" >/dev/null 2>&3; } 3>&2 2>&1' - "$@") || { echo "failed: $*" >&2; return 1; }
	echo "$spent" | awk '{ print $1 + $2 }'
}
# median COMMAND...: of three times
median() { for i in 1 2 3; do seconds "$@" || return 1; done | sort -n | sed -n 2p; }
fact() { sqlite3 "$work/$1.db" "select value from host_fact where name = '$2' order by run desc limit 1"; }
nproc=$(nproc)
echo "host: $nproc processors, $(uname -m), $($build/kmemsim version | sed -n 's/^compiler: *//p')"
echo
"$build/tests/bench/slub_bench" || exit 1
echo
"$build/tests/bench/dram_bench" || exit 1
echo
echo "whole runs of recorded traces, requests per second of processor time (median of 3)"
for t in functional cycle; do
	for c in slub-up slub-smp4; do
		spent=$(median "$kmemsim" run configs/experiments/$c.json --timing $t --db "$work/$c.db" -q)
		echo "$spent $(fact $c requests_per_second) $(fact $c replay)" |
			awk -v n="$c, $t" '{ printf "%-24s %8.2f million in %.2f s\n", n, $2 * $3 / $1 / 1e6, $1 }'
	done
done
echo
echo "start of big machines: time to a booted kernel, and host memory touched for simulated RAM"
for m in big-64gib big-1tib; do
	"$kmemsim" run configs/experiments/synthetic.json --timing functional --set machine=configs/machines/$m.json \
		--set workload.synthetic.requests=1000 --db "$work/$m.db" -q >/dev/null || exit 1
	echo "$(fact $m start_up) $(fact $m simulated_ram_resident)" |
		awk -v n=$m '{printf "%-24s %8.3f s %12.1f MiB\n", n, $1, $2 / 1048576}'
done
echo
echo "memory traces alone, million accesses per second of processor time (median of 3; with reading the trace)"
# rate NAME ACCESSES FILE OPTION...
rate() {
	name=$1 n=$2 file=$3; shift 3
	median "$kmemsim" memtrace "$@" "$file" |
		awk -v n="$name" -v c="$n" '{ printf "%-36s %8.1f\n", n, c / $1 / 1e6 }'
}
"$kmemsim" memtrace --cachegrind --convert "$work/one.bin" tests/hw/sqlite.lackey.zst >/dev/null || exit 1
{ cat "$work/one.bin"; for i in 1 2 3 4 5 6 7; do tail -c +9 "$work/one.bin"; done; } >"$work/sqlite.bin"
rate "cachegrind, binary" 43350600 "$work/sqlite.bin" --cachegrind
for t in falseshare migratory readshared private; do
	for i in $(seq 50); do zstd -dc "tests/hw/$t.txt.zst"; done >"$work/$t.txt"
	rate "MESI, text, $t" 10000000 "$work/$t.txt" --coherence
done
