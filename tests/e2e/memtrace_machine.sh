#!/bin/sh
# memtrace --machine: every format, figures by hand, bad input.
#   tests/e2e/memtrace_machine.sh BUILD_DIR
kmemsim=$1/kmemsim
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
tiny=configs/machines/teaching-tiny.json
ok() { echo "ok $1"; }
bad() { echo "not ok $1: $2"; failed=1; }
figure() { sed -n "s/^ *\"$1\": \"*\([^\",]*\)\"*,*$/\1/p" "$work/out"; }
run() { "$kmemsim" memtrace --machine "$@" --json >"$work/out" 2>"$work/err"; }
want() { # name, figure, value
	[ "$(figure "$2")" = "$3" ] && ok "$1: $2" || bad "$1: $2" "found '$(figure "$2")', expected '$3'"
}
refused() { # name, text expected in the message
	name=$1 text=$2
	shift 2
	run "$@" && bad "$name" "was accepted" && return
	grep -q "$text" "$work/err" && [ ! -s "$work/out" ] && ok "$name" || bad "$name" "$(cat "$work/err")"
}

printf 'I 400000 4\n L 1000,8\nM 1008 8\nS 103c 8\n' >"$work/lackey"
run $tiny "$work/lackey"
want lackey format lackey
want lackey instructions 1
want lackey accesses 3
want lackey reads 2 # the load, and the load of the modification
want lackey writes 3 # its store, and a store to two lines
printf '0 R 40\n1 W 40\n0 R 40\n1 R 40\n' >"$work/cpus"
run $tiny "$work/cpus"
want cpus format cpus
want cpus cache_to_cache 5 # two of the line, three of page tables
want cpus invalidations 1
want cpus l1_hits 1
printf '0x40 READ 0\n0x80 WRITE 1000000\n' >"$work/dram"
run $tiny "$work/dram"
want dram format dram
want dram dram_reads 5 # and three page-table entries
[ "$(figure time_ns | cut -d. -f1)" -ge 1000000 ] && ok "dram: waits for its cycle" || bad "dram: waits for its cycle" "$(figure time_ns)"
printf 'LD 0x40\nST 128\n' >"$work/ldst"
run $tiny "$work/ldst"
want ldst format ldst
printf '9 64\n3 128 192\n' >"$work/bubbles"
run $tiny "$work/bubbles"
want bubbles instructions 14
want bubbles accesses 3
head -c 640 /dev/zero >"$work/champsim"
run $tiny "$work/champsim"
want champsim format champsim
want champsim instructions 10
zstd -q "$work/cpus" -o "$work/cpus.zst"
run $tiny "$work/cpus"
cp "$work/out" "$work/plain"
run $tiny "$work/cpus.zst"
cmp -s "$work/out" "$work/plain" && ok "the same from zstd" || bad "the same from zstd" "differs"

refused "no machine file" "cannot\|no such\|not found\|No such" "$work/none.json" "$work/cpus"
printf '0 R 40\n0 X 40\n' >"$work/bad"
refused "bad record" "bad:2:3: found \"0 X 40\"" $tiny "$work/bad"
printf '5 R 40\n' >"$work/bad"
refused "CPU too many" "bad:1: found CPU 5" $tiny "$work/bad"
printf '0 R fffffffff0\n' >"$work/bad"
refused "beyond memory" "bad:1: address" $tiny "$work/bad"
: >"$work/bad"
refused "empty" "empty" $tiny "$work/bad"
head -c 100 /dev/zero >"$work/bad"
refused "half a record" "record 2 has only 36 bytes" $tiny "$work/bad"
refused "unknown format" "did you mean lackey" $tiny "$work/lackey" --format lackeys
exit ${failed:-0}
