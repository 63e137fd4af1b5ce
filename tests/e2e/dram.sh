#!/bin/sh
# The DRAM controller beside two reference simulators (docs/dram.md), its log, and bad input.
# Traces are made by rule, or unpacked from tests/golden/dram (line numbers of 24 bits, writes as
# a bitmap); expected.tsv has what the references measured for them.
. tests/e2e/lib.sh
golden=tests/golden/dram
with=configs/machines/reference-ddr4-2400.json
without=configs/machines/reference-ddr4-2400-norefresh.json

# ---- traces ----
lines() { od -An -v -tu1 -w3 "$golden/$1.u24" | awk '{ print $1 + 256 * ($2 + 256 * $3) }'; }
# by_rule N START STEP PROGRAM: PROGRAM sets a, the address of request i
by_rule() {
	awk -v n="$1" -v start="$2" -v step="$3" -v kind="${5:-READ}" \
		"BEGIN { for (i = 0; i < n; i++) { $4; printf \"0x%x %s %d\\n\", a, kind, start + step * i } }"
}
packed() { lines "$1" | awk -v start="$2" -v step="$3" '{ printf "0x%x READ %d\n", $1 * 64, start + step * (NR - 1) }'; }
mixed() {
	{ od -An -v -tu1 -w1 $golden/rand_70r30w_1g.writes | sed 's/^/w /'; lines rand_70r30w_1g; } |
	awk '$1 == "w" { for (b = 0; b < 8; b++) { write[n++] = $2 % 2; $2 = int($2 / 2) } next }
	     { printf "0x%x %s 0\n", $1 * 64, write[m++] ? "WRITE" : "READ" }'
}
trace() {
	case $1 in
	seq_read) by_rule 500000 0 0 'a = i * 64' ;;
	seq_write) by_rule 500000 0 0 'a = i * 64' WRITE ;;
	samerow_read) by_rule 500000 0 0 'a = i % 128 * 64' ;;
	bank_ilv_hit) by_rule 500000 0 0 'a = i % 16 * 8192 + int(i / 16) % 128 * 64 + int(i / 2048) * 262144' ;;
	conflict_pingpong) by_rule 200000 0 0 'a = i % 2 * 262144 + int(i / 2) % 128 * 64' ;;
	lowload_conflict_200) by_rule 50000 100 200 'a = i % 2 * 262144 + int(i / 2) % 128 * 64' ;;
	lowload_samerow_200) by_rule 50000 100 200 'a = i % 128 * 64' ;;
	lowload_rand_200) packed lowload_rand_200 100 200 ;;
	load_rand_ia*) packed load_rand 100 "${1#load_rand_ia}" ;;
	rand_70r30w_1g) mixed ;;
	esac
}
# figure NAME: of the last run
figure() { awk -v key="\"$1\":" '$1 == key { sub(/,$/, "", $2); print $2 }' "$work/json"; }
dram() { "$kmemsim" memtrace --dram-only --json "$@" >"$work/json" 2>"$work/err"; }

# ---- every row of the references ----
# judge TRACE REFRESH: the figures of the last run against the nearer reference
judge() {
	for k in cycles_per_req lat_avg p99 row_hit_rate; do printf '%s\n' "$(figure $k)"; done |
	awk -v trace="$1" -v refresh="$2" '
	function off(v, w) { v -= w; v = v < 0 ? -v : v; return w ? 100 * v / w : 100 * v }
	# near(k, limit): figure k within limit percent of one of the references
	function near(k, name, limit,    r, best) {
		best = 1e9
		for (r = 1; r <= refs; r++) if (off(ours[k], ref[r, k]) < best) best = off(ours[k], ref[r, k])
		if (best > limit) printf "%s %s is %.3f %% off, more than %s\n", name, ours[k], best, limit
	}
	FNR == NR { ours[NR] = $1; next }
	$1 == trace && $2 == refresh { refs++; for (k = 1; k <= 4; k++) ref[refs, k] = $(3 + k)
		if ($3 == "ramulator2") hit = $7 }
	END {
		low = trace ~ /^lowload/; load = trace ~ /^load/ ? substr(trace, 13) : 0
		mix = trace ~ /70r30w/; write = trace == "seq_write"; free = low || load > 7
		if (!refs) print "no reference"
		near(1, "cycles_per_req", mix ? 1 : free || load == 7 ? 0.01 : 0.5)
		if (!mix && !write) near(2, "lat_avg", !free ? 5 : low && refresh == "no" ? 0.001 : refresh == "no" ? 0.3 : 4)
		if (free) near(3, "p99", refresh == "no" ? 1 : 13)
		d = 100 * (ours[4] - hit); d = d < 0 ? -d : d
		if (d > (mix || write ? 1.5 : 0.1)) printf "row_hit_rate %s, expected %s\n", ours[4], hit
	}' - "$golden/expected.tsv"
}
for t in $(grep -v '^#' $golden/expected.tsv | cut -f1 | sort -u); do
	trace "$t" >"$work/t"
	for refresh in yes no; do
		[ $refresh = yes ] && machine=$with || machine=$without
		dram --machine $machine "$work/t" && found=$(judge "$t" $refresh) || found="failed: $(cat "$work/err")"
		if [ -z "$found" ]; then ok "$t, refresh: $refresh"; else not_ok "$t, refresh: $refresh" "$found"; fi
	done
done

# ---- closed forms ----
# bound NAME TRACE CYCLES: cycles per request within 0.3 %
bound() {
	dram --machine $without "$work/t"
	awk -v a="$(figure cycles_per_req)" -v b="$2" 'BEGIN { exit !(a > b * 0.997 && a < b * 1.003) }' &&
		ok "$1: $2 cycles a request" || not_ok "$1" "found $(figure cycles_per_req), wanted $2"
}
printf '0x0 READ 100\n' >"$work/t"; dram --machine $without "$work/t"; is "closed bank" "$(figure lat_max)" 39
printf '0x0 READ 100\n0x40 READ 300\n' >"$work/t"; dram --machine $without "$work/t"; is "row hit" "$(figure lat_min)" 22
printf '0x0 READ 100\n0x40000 READ 300\n' >"$work/t"; dram --machine $without "$work/t"; is "row conflict" "$(figure lat_max)" 56
trace samerow_read >"$work/t"; bound "same row" 6
trace bank_ilv_hit >"$work/t"; bound "bank groups in turn" 4
by_rule 500000 0 0 'a = i % 16 * 8192 + int(i / 16) * 131072' >"$work/t"; bound "a new row at every visit" 6.5

# ---- the log is judged as it is written; other text forms say the same ----
trace rand_70r30w_1g | head -n 20000 >"$work/t"
dram --machine $with --log "$work/log" "$work/t" && ok "log: every command legal" || not_ok "log" "$(cat "$work/err")"
is "log: its columns" "$(grep -c ' RD ' "$work/log")" "$(figure rd_cmds)"
dram --machine $without "$work/t"; all=$(grep -v p99 "$work/json")
awk '{ print ($2 == "READ" ? "LD " : "ST ") $1 }' "$work/t" >"$work/ldst"
dram --machine $without "$work/ldst"; same "LD/ST" "$all" "$(grep -v p99 "$work/json")"
awk '{ print $1, ($2 == "READ" ? "R" : "W") }' "$work/t" | zstd -q >"$work/rw.zst"
dram --machine $without "$work/rw.zst"; same "ADDR R/W, packed" "$all" "$(grep -v p99 "$work/json")"

# ---- every preset and policy runs a mixed trace legally ----
for p in configs/dram/*.json; do
	printf '{"dram": {"extends": "%s"}}' "$PWD/$p" >"$work/m.json"
	dram --machine "$work/m.json" --log "$work/log" "$work/t" && ok "$p" || not_ok "$p" "$(cat "$work/err")"
done
for set in scheduler=fcfs scheduler=fr-fcfs-hit hit_cap=4 row_policy=closed row_policy=timeout refresh=per-bank \
	refresh=same-bank; do
	dram --machine $with --set dram.$set --set dram.tRFCpb=200 --log "$work/log" "$work/t" && ok "$set" ||
		not_ok "$set" "$(cat "$work/err")"
done

# ---- bad input ----
# bad NAME TEXT SAID [OPTION...]
bad() {
	name=$1 said=$3; printf "$2" >"$work/t"; shift 3
	dram "$@" "$work/t"; r=$?
	[ $r = 2 ] && grep -qF -- "$said" "$work/err" && [ ! -s "$work/json" ] && ok "bad: $name" ||
		not_ok "bad: $name" "exit status $r" "wanted: $said" "found:  $(cat "$work/err")"
}
bad "word" '0x0 READ 0\n0x40 REED 0\n' ':2:6: found "REED", expected READ, WRITE'
bad "address" 'zebra READ 0\n' ':1:1: found "zebra", expected an address'
bad "half an address" '0x READ 0\n' ':1:1: found "0x", expected an address'
bad "too long" '0x12345678901234567 READ\n' 'expected a number of at most 64 bits'
bad "cycle" '0x0 READ soon\n' ':1:10: found "soon", expected the earliest cycle'
bad "too much" '0x0 READ 1 2\n' ':1:12: found "2", expected the end of the line'
bad "mapping" '0x0 READ\n' "'z' is no part of an address" --set 'dram.mapping="zz"'
bad "mapping widths" '0x0 READ\n' '0 bits of the bank, expected 2' --machine $with --set 'dram.mapping="r16 g2 c9 x6"'
bad "unknown key" '0x0 READ\n' 'did you mean "tRCD"' --set dram.tRCE=3
bad "log" '0x0 READ\n' 'cannot write' --log /nowhere/log
exit $status
