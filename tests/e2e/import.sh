#!/bin/sh
# Importing what ordinary tools record. A recording of the kernel's own
# tracepoints (its beginning; the whole is workloads/slub-up-ftrace.kmt) is imported
# in several containers; the whole is replayed and held against the state that
# the recorded kernel ended in (tests/exact/slub-up-ftrace-*.tsv;
# docs/importing.md explains what differs).
. tests/e2e/lib.sh
begin=tests/exact/slub-up-ftrace-begin.txt.zst
import() { "$kmemsim" import "$@" >"$work/out" 2>"$work/err"; }
number() { sed -n "s/^ *\"$1\": \([0-9.]*\),*$/\1/p" "$work/out"; }

import "$begin" -o "$work/zst.kmt" --json || not_ok "import a packed ftrace text" "$(cat "$work/err")"
is "members of --json" "$(sed -n 's/^ *"\([a-z_]*\)".*/\1/p' "$work/out" | tr '\n' ' ')" \
	"format events requests slab_pages_dropped frees_without_alloc live_at_start live_at_end unknown_lines lost_events null_frees alloc_over_live matched coverage "
is "events of the text" "$(number events)" "$(zstd -dcq "$begin" | grep -c ': [a-z_]*: ')"
is "frees of NULL" "$(number null_frees)" "$(zstd -dcq "$begin" | grep -cE ': (kfree|kmem_cache_free): .*ptr=0000000000000000')"
is "everything covered" "$(number coverage)" 1
zstd -dcq "$begin" >"$work/slub-up-ftrace-begin.txt.zst" # plain, under the packed one's name
import "$work/slub-up-ftrace-begin.txt.zst" -o "$work/plain.kmt"
if cmp -s "$work/zst.kmt" "$work/plain.kmt"; then ok "plain or packed: one trace"; else not_ok "plain or packed: one trace" "the files differ"; fi

# The same events as perf script and trace-cmd report print them.
zstd -dcq "$begin" | sed -nE 's/^ *(.*)-([0-9]+) +(\[[0-9]+\]) [^ ]+ +([0-9.]+): ([a-z_]+): (.*)$/\1 \2 \3 \4: kmem:\5: \6/p' >"$work/perf"
zstd -dcq "$begin" | sed -nE '1i cpus=1
s/^( *.*-[0-9]+ +\[[0-9]+\]) [^ ]+ +([0-9.]+: [a-z_]+:) (.*)$/\1 \2      \3/p' >"$work/report"
counts() { sed 's/"format": "[a-z-]*"//' "$work/out"; }
import "$begin" -o "$work/a.kmt" --json; a=$(counts)
import "$work/perf" -o "$work/b.kmt" --json; b=$(counts)
is "perf script is recognised" "$(sed -n 's/.*"format": "\(.*\)",/\1/p' "$work/out")" perf-script
import "$work/report" -o "$work/c.kmt" --json; c=$(counts)
is "trace-cmd report is recognised" "$(sed -n 's/.*"format": "\(.*\)",/\1/p' "$work/out")" trace-cmd-report
same "perf script: the same counts" "$a" "$b"
same "trace-cmd report: the same counts" "$a" "$c"
info() { "$kmemsim" trace info "$1" | sed -n '/^request /,$p'; }
same "perf script: the same requests" "$(info "$work/a.kmt")" "$(info "$work/b.kmt")"
same "trace-cmd report: the same requests" "$(info "$work/a.kmt")" "$(info "$work/c.kmt")"

# Bad input.
{ zstd -dcq "$begin" | head -n 50; echo garbage; echo 'CPU:0 [LOST 7 EVENTS]'; } >"$work/bad.txt"
import "$work/bad.txt" -o "$work/bad.kmt" --json
is "garbage is counted" "$(number unknown_lines) $(number lost_events)" "1 7"
import "$work/bad.txt" -o "$work/strict.kmt" --strict; is "--strict refuses" "$?" 2
if grep -q "bad.txt:51: found 'garbage', expected" "$work/err"; then ok "--strict says where"; else not_ok "--strict says where" "$(cat "$work/err")"; fi
if ls "$work"/strict.kmt* >/dev/null 2>&1; then not_ok "--strict leaves nothing behind"; else ok "--strict leaves nothing behind"; fi
import "$work/bad.txt" -o "$work/x.kmt" --format perf; is "--format: no such" "$?" 2

# The whole recording, replayed, and the kernel's own final state.
run "$work/r.db" slub-up-ftrace || not_ok "replay"
"$kmemsim" show latest --db "$work/r.db" --as slabinfo | awk 'NR > 2 { print $1 "\t" $4 "\t" $15 "\t" $3 }' | sort >"$work/slabs"
LC_ALL=C sort tests/exact/slub-up-ftrace-slabs.tsv >"$work/kernel"; LC_ALL=C sort -o "$work/slabs" "$work/slabs"
LC_ALL=C join -t "$(printf '\t')" "$work/kernel" "$work/slabs" >"$work/both"
caches=$(wc -l <"$work/both"); equal=$(awk -F'\t' '$3 == $6' "$work/both" | wc -l)
near=$(awk -F'\t' '{ d = $3 - $6; if (d < 0) d = -d; if (d <= 1) n++ } END { print n }' "$work/both")
echo "caches with a name: $caches, with the kernel's number of slabs: $equal, within one: $near"
awk -F'\t' '$3 != $6 { printf "    %-24s kernel %d slabs, replay %d\n", $1, $3, $6 }' "$work/both"
is "caches further off than a slab are those that docs/importing.md explains" \
	"$(awk -F'\t' '{ d = $3 - $6 } d > 1 || d < -1 { print $1 }' "$work/both" | tr '\n' ' ')" \
	"ftrace_event_field kmalloc-64 kmalloc-96 maple_node names_cache "
"$kmemsim" show latest --db "$work/r.db" --as buddyinfo | awk '/DMA32/ { for (i = 5; i <= NF; i++) print i - 5 "\t" $i }' >"$work/free"
awk -F'\t' '$1 == "0/1" { print $2 "\t" $3 }' tests/exact/slub-up-ftrace-free.tsv | paste - "$work/free" |
	awk '{ printf "    order %2d: kernel %d free blocks, replay %d\n", $1, $2, $4; k += $2 * 2 ^ $1; r += $4 * 2 ^ $1 } END { printf "    free pages: kernel %d, replay %d\n", k, r }'
exit $status
