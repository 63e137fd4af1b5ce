#!/bin/sh
# The kernel's own text formats, held against the kernel's own text: a recorded
# boot is replayed in recorded order, and the end state printed as the recorded
# kernel printed it (tests/exact/slub-up-*.txt).
#
# What cannot be equal: the replay carries out whole operations in order, so an
# interrupt that struck inside a per-CPU list's critical section (5 frees of the
# recording, which went straight to the buddy lists) is not in it. Unmovable
# blocks of orders 3 to 5 come out otherwise for that. /proc/zoneinfo was read
# while the reader itself held pages, and counts LRU pages that are not simulated.
. tests/e2e/lib.sh
db=$work/views.db
run "$db" slub-up --set timing=functional --set workload.pacing=order
as() { "$kmemsim" show latest --db "$db" --as "$1" >"$work/$1" 2>"$work/err" || cat "$work/err" >&2; }
# words FILE: every word on a line of its own, for comparison number by number
words() { tr -s ' ' '\n' <"$1"; }
# differing NAME: how many words differ from the kernel's; shown
differing() {
	words "tests/exact/slub-up-$1.txt" >"$work/kernel.words"
	words "$work/$1" >"$work/ours.words"
	paste "$work/kernel.words" "$work/ours.words" | awk -F'\t' '$1 != $2' | wc -l
}
# layout FILE: the text with numbers taken out
layout() { sed -E 's/ +[0-9]+/ #/g; s/([:(]) *[0-9]+/\1#/g' "$1"; }
# no_more_than NAME COUNT LIMIT
no_more_than() { if [ "$2" -le "$3" ]; then ok "$1: $2 differ"; else not_ok "$1" "$2 numbers differ, expected at most $3"; fi; }

for v in slabinfo buddyinfo pagetypeinfo zoneinfo extfrag_index unusable_index; do as $v; done
if cmp -s "$work/slabinfo" tests/exact/slub-up-slabinfo.txt; then ok "slabinfo is the kernel's, byte for byte"
else not_ok "slabinfo is the kernel's, byte for byte" "$(diff "$work/slabinfo" tests/exact/slub-up-slabinfo.txt | head -n 20)"; fi
for v in buddyinfo pagetypeinfo zoneinfo; do
	is "layout of $v" "$(layout "$work/$v" | cksum)" "$(layout tests/exact/slub-up-$v.txt | cksum)"
done
no_more_than "buddyinfo, of 22 numbers" "$(differing buddyinfo)" 3
no_more_than "pagetypeinfo, of 107 numbers" "$(differing pagetypeinfo)" 3
no_more_than "zoneinfo, numbers" "$(differing zoneinfo)" 25
# watermarks, protection, sizes, thresholds, high and batch must be right
important() { grep -E '^ +(boost|min|low|high:?|spanned|present|managed|cma|protection:|batch:|start_pfn:|nr_slab)|threshold' "$1"; }
is "zoneinfo: sizes, watermarks, protection" "$(important "$work/zoneinfo")" "$(important tests/exact/slub-up-zoneinfo.txt)"
pages() { awk '{ for (i = 5; i <= NF; i++) n += $i * 2 ^ (i - 5) } END { print n }' "$1"; }
is "as many free pages" "$(pages "$work/buddyinfo")" "$(pages tests/exact/slub-up-buddyinfo.txt)"
is "nothing is unusable for single pages" "$(awk '$5 != "0.000"' "$work/unusable_index")" ""
is "no order lacks blocks" "$(tr -s ' ' '\n' <"$work/extfrag_index" | grep -c '^-1.000$')" 22

# SLUB statistics: where the recording's events show a counter, ours is that; sysfs was read later.
sqlite3 "$db" "select c.name, s.name, s.value from slab_stat s join slab_cache c using (run, position)" |
	tr '|' '\t' >"$work/stats"
awk -F'\t' 'NR == FNR { ours[$1, $2] = $3; next } /^#/ { next }
	{ key = $1 SUBSEP $2; seen[key] = 1; v = key in ours ? ours[key] : "none"
	  if ($3 != "-" && $3 != v) print "events: " $1 " " $2 ": " v ", recorded " $3
	  if (v == "none" || v > $4) print "sysfs: " $1 " " $2 ": " v ", the kernel " $4
	  if (v == $4) equal++; n++ }
	END { for (key in ours) if (!(key in seen)) { if (ours[key]) print "not in the kernel: " key; else equal++; n++ }
	      print equal " of " n >"/dev/stderr" }' "$work/stats" tests/exact/slub-up-stats.tsv \
	>"$work/wrong" 2>"$work/equal"
is "SLUB statistics agree with the recorded events" "$(cat "$work/wrong")" ""
is "SLUB statistics as sysfs showed them, of 26 in each of 106 caches" "$(cat "$work/equal")" "2661 of 2756"

"$kmemsim" show latest --db "$db" --as slabinf >/dev/null 2>"$work/err"
is "unknown view: exit status" $? 2
is "unknown view: nearest name" "$(grep -c 'did you mean "slabinfo"' "$work/err")" 1
is "as JSON" "$("$kmemsim" show latest --db "$db" --as buddyinfo --json | grep -c '"file": *"/proc/buddyinfo"')" 1
exit $status
