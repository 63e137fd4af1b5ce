#!/bin/sh
# Traces packed with zstd, gzip and xz, in pieces, through pipes; damaged, cut off, packed otherwise.
#   tests/e2e/memtrace_packed.sh BUILD_DIR
. tests/e2e/lib.sh
tiny=configs/machines/teaching-tiny.json
# a text trace longer than one buffer of the reader, and the same accesses as ChampSim's records
i=0
while [ $i -lt 20000 ]; do printf '%d %s %x\n' $((i % 4)) "$([ $((i % 3)) = 0 ] && echo W || echo R)" $((i * 64 % 65536)); i=$((i + 1)); done >"$work/text"
head -c 640000 /dev/zero >"$work/champsim"
coherence() { "$kmemsim" memtrace --coherence --l1 1024,2 --json "$@" >"$work/out" 2>"$work/err"; }
machine() { "$kmemsim" memtrace --machine $tiny --json "$@" >"$work/out" 2>"$work/err"; }
gives() { # NAME: what the plain file gave
	if cmp -s "$work/out" "$work/plain"; then ok "$1"; else not_ok "$1" "$(cat "$work/err")"; fi
}

for pack in "zstd -q -c" "gzip -c" "xz -c"; do
	kind=${pack%% *}
	$pack "$work/text" >"$work/packed"
	coherence "$work/text"; cp "$work/out" "$work/plain"
	coherence "$work/packed"; gives "$kind, text"
	cat "$work/packed" | coherence -; gives "$kind, standard input"
	{ head -n 777 "$work/text" | $pack; tail -n +778 "$work/text" | $pack; } >"$work/two"
	coherence "$work/two"; gives "$kind, two pieces"
	machine --format cpus "$work/text"; cp "$work/out" "$work/plain"
	machine "$work/packed"; gives "$kind, whole machine"
	machine "$work/champsim"; cp "$work/out" "$work/plain"
	$pack "$work/champsim" >"$work/binary"
	machine "$work/binary"; gives "$kind, ChampSim"
	machine - <"$work/binary"; gives "$kind, ChampSim from standard input"
	size=$(wc -c <"$work/packed")
	for cut in 7 $((size / 2)) $((size - 1)); do
		head -c $cut "$work/packed" >"$work/cut"
		coherence "$work/cut"; got=$?
		if [ $got = 2 ] && [ ! -s "$work/out" ] && grep -q "cut: the $kind data end in the middle; [0-9]* bytes" "$work/err"
		then ok "$kind cut off at $cut"; else not_ok "$kind cut off at $cut" "exit $got" "$(cat "$work/err")"; fi
	done
	{ cat "$work/packed"; echo rubbish rubbish rubbish; } >"$work/behind"
	coherence "$work/behind"; got=$?
	if [ $got = 2 ] && grep -q "behind: the $kind data are damaged (.*); 178620 bytes, 20000 lines" "$work/err"
	then ok "$kind with rubbish behind"; else not_ok "$kind with rubbish behind" "exit $got" "$(cat "$work/err")"; fi
	{ head -c $((size / 2)) "$work/packed"; printf 'XXXXXXXXXXXXXXXX'; tail -c +$((size / 2 + 17)) "$work/packed"; } >"$work/damaged"
	coherence "$work/damaged"; got=$?
	if [ $got = 2 ] && [ ! -s "$work/out" ]; then ok "$kind damaged"; else not_ok "$kind damaged" "exit $got" "$(cat "$work/err")"; fi
done
for magic in 'BZh91' 'LZIP\1' 'PK\3\4'; do
	printf "$magic" >"$work/other"
	coherence "$work/other"; got=$?
	if [ $got = 2 ] && grep -q "packed with [a-z0-9]*, expected" "$work/err"; then ok "other packing $magic"
	else not_ok "other packing $magic" "exit $got" "$(cat "$work/err")"; fi
done
{ head -c 640 "$work/champsim"; printf '12345678\7\0'; head -c 54 /dev/zero; } | xz -c >"$work/bad.xz"
machine "$work/bad.xz"; got=$?
if [ $got = 2 ] && grep -q "bad.xz: record 11: found the branch flags 7 and 0" "$work/err"; then ok "ChampSim, bad record"
else not_ok "ChampSim, bad record" "exit $got" "$(cat "$work/err")"; fi
head -c 650 "$work/champsim" | gzip -c >"$work/short.gz"
machine "$work/short.gz"; got=$?
if [ $got = 2 ] && grep -q "short.gz: record 11 has only 10 bytes" "$work/err"; then ok "ChampSim, half a record"
else not_ok "ChampSim, half a record" "exit $got" "$(cat "$work/err")"; fi
exit $status
