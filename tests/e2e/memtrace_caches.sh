#!/bin/sh
# Caches and coherence of memtrace against reference counts (tests/hw), formats, bad input.
. tests/e2e/lib.sh
data=tests/hw
# values JSON KEY...: the values of these keys, separated by commas
values() {
	json=$(tr -d ' \n' <"$1"); shift
	line=
	for k; do line=$line,$(printf '%s' "$json" | sed "s/.*\"$(printf '%s' "$k" | sed 's/[*()]/\\&/g; s/\\(/(/g; s/\\)/)/g')\":\([^,}]*\).*/\1/"); done
	printf '%s\n' "${line#,}"
}
# memtrace OPTION...: into $work/out
memtrace() { "$kmemsim" memtrace "$@" --json >"$work/out" 2>"$work/err"; }

# ---- cachegrind and Dinero ----
trace=$data/sqlite.lackey.zst
tail -n +2 $data/cachegrind_counts.csv | tr -d '"' >"$work/rows"
while IFS=, read -r name geom i1 i1w i1l d1 d1w d1l ll llw lll rest; do
	memtrace --cachegrind --I1 $i1,$i1w,$i1l --D1 $d1,$d1w,$d1l --LL $ll,$llw,$lll $trace
	is "cachegrind $name $geom" "$(values "$work/out" Ir I1mr ILmr Dr D1mr DLmr Dw D1mw DLmw)" "$rest"
	eval "$geom='--I1 $i1,$i1w,$i1l --D1 $d1,$d1w,$d1l --LL $ll,$llw,$lll'"
done <"$work/rows"
keys=$(head -n 1 $data/dinero_counts_split.csv | cut -d, -f3- | tr ',' ' ')
tail -n +2 $data/dinero_counts_split.csv >"$work/rows"
while IFS=, read -r name geom rest; do
	eval "memtrace --cachegrind --dinero \$$geom $trace"
	is "dinero $name $geom" "$(values "$work/out" $keys)" "$rest"
done <"$work/rows"

# ---- the same from other formats, and small ones by hand ----
memtrace --cachegrind $g2 $trace; cp "$work/out" "$work/text"
memtrace --cachegrind --convert "$work/t.bin" $trace
memtrace --cachegrind $g2 "$work/t.bin"
same "binary trace counts as its text" "$(cat "$work/text")" "$(cat "$work/out")"
memtrace --cachegrind --limit 1000 "$work/t.bin"
is "limit" "$(values "$work/out" Ir Dr Dw | tr ',' '+' | sed 's/.*/echo $((&))/' | sh)" 1000
printf '==1== lackey\nI  04000000,4\n L 0400003c,8\n S 0400003c,8\n M 04000080,4\n' >"$work/t"
memtrace --cachegrind --D1 128,2,64 --I1 64,1,64 --LL 256,4,64 "$work/t"
is "valgrind's own form, an access over two lines" \
	"$(values "$work/out" Ir I1mr ILmr Dr D1mr DLmr Dw D1mw DLmw)" 1,1,1,2,2,2,1,0,0
# three sets: lines 0, 3 and 6 meet in set 0 of two ways
printf 'L 0 4\nL c0 4\nL 180 4\nL 40 4\nL 0 4\nL 180 4\n' >"$work/t"
memtrace --cachegrind --D1 384,2,64 "$work/t"
is "three sets" "$(values "$work/out" Dr D1mr)" 6,5
# fully associative LRU of 3 lines, ids 1 2 3 1 4 2: misses 1 2 3 4 2
printf '\1\0\0\0\2\0\0\0\3\0\0\0\1\0\0\0\4\0\0\0\2\0\0\0' >"$work/t"
memtrace --cachegrind --format u32 --D1 192,3,64 "$work/t"
is "u32 ids" "$(values "$work/out" Dr D1mr)" 6,5

# ---- coherence ----
keys=$(head -n 1 $data/mesi_reference_counts.csv | cut -d, -f4- | tr ',' ' ')
tail -n +2 $data/mesi_reference_counts.csv >"$work/rows"
while IFS=, read -r name bytes ways rest; do
	memtrace --coherence --l1 $bytes,$ways $data/$name.txt.zst
	is "mesi $name $bytes,$ways" "$(values "$work/out" $keys)" "$rest"
done <"$work/rows"
# 64 CPUs read a line, CPU 63 writes it, CPU 0 reads it
{ i=0; while [ $i -lt 64 ]; do echo "$i R 40"; i=$((i + 1)); done; echo "63 W 40"; echo "0 R 44"; } >"$work/t"
memtrace --coherence --l1 1024,2 "$work/t"
is "64 CPUs" "$(values "$work/out" cpus invalidations_received upgrades_S_to_M flush_M_holder_on_remote_request)" 64,63,1,1
memtrace --coherence --l1 1024,2 --set coherence.protocol=moesi "$work/t"
is "moesi keeps the line dirty" "$(values "$work/out" flush_M_holder_on_remote_request final_O final_S)" 0,1,1
memtrace --coherence --l1 1024,2 --set coherence.protocol=mesif "$work/t"
is "mesif has a forwarder" "$(values "$work/out" final_F final_S data_from_owner)" 1,1,64

# ---- bad input ----
# refuses NAME TEXT OPTION...
refuses() {
	name=$1 text=$2; shift 2
	memtrace "$@"; got=$?
	if [ $got = 2 ] && [ ! -s "$work/out" ] && grep -qF -- "$text" "$work/err"; then ok "$name"
	else not_ok "$name" "exit $got, wanted 2 and: $text" "$(cat "$work/err")"; fi
}
printf 'I 400 4\nX 400 4\n' >"$work/t"; refuses "kind" 't:2:1: found "X 400 4", expected I, L, S or M' --cachegrind "$work/t"
printf 'I 4g0 4\n' >"$work/t"; refuses "address" "t:1:3:" --cachegrind "$work/t"
printf 'L 400 0\n' >"$work/t"; refuses "size" "a size from 1 to 4096" --cachegrind "$work/t"
: >"$work/t"; refuses "empty" "no access in this trace" --cachegrind "$work/t"
refuses "empty, coherence" "no access in this trace" --coherence "$work/t"
head -c 1003 "$work/t.bin" >"$work/t"; refuses "cut off" "record 125 is cut off" --cachegrind "$work/t"
refuses "geometry" "do not divide into 3 ways" --cachegrind --D1 32768,3,64 $trace
refuses "geometry form" "expected SIZE,WAYS,LINE" --cachegrind --D1 32768 $trace
refuses "line" "expected a power of two" --cachegrind --LL 32768,8,48 $trace
refuses "format" 'did you mean "lackey"?' --cachegrind --format lacky $trace
printf '0 R 40\n1 Q 40\n' >"$work/t"; refuses "operation" "t:2:3:" --coherence "$work/t"
printf '300 R 40\n' >"$work/t"; refuses "CPU" "a CPU from 0 to 255" --coherence "$work/t"
printf '0 R zz\n' >"$work/t"; refuses "coherence address" "a hexadecimal address" --coherence "$work/t"
refuses "protocol" 'did you mean "moesi"?' --coherence --set coherence.protocol=moesy "$work/t"
refuses "missing" "cannot open" --coherence "$work/none"
exit $status
