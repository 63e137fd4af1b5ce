#!/bin/sh
# What a replay in recorded order leaves behind, against what the recorded
# kernel had: slabs, objects and partial slabs of every slab cache, free pages.
# (How the free pages lie in blocks differs a little: interrupts that struck
# inside the recorded kernel's operations are replayed between them.)
. tests/e2e/lib.sh
rows() { LC_ALL=C sort | grep "^$1"; }
for e in slub-up slub-smp4; do
	run "$work/$e.db" $e --timing functional --check
	{
		sqlite3 -separator '	' "$work/$e.db" "select 'cache', name, slabs, objects, partial_slabs from slab_cache"
		sqlite3 -separator '	' "$work/$e.db" "select 'free', node, page_order, free_blocks from zone_order"
	} >"$work/ours"
	ours=$(rows cache <"$work/ours") theirs=$(rows cache <tests/exact/$e-end.tsv)
	is "$e: all slab caches are there" "$(echo "$ours" | wc -l)" "$(echo "$theirs" | wc -l)"
	same "$e: every slab cache as the kernel left it" "$(echo "$ours" | md5sum)" "$(echo "$theirs" | md5sum)"
done
run "$work/p.db" slub-up --timing functional
is "slub-up: as many free pages" \
	"$(sqlite3 "$work/p.db" 'select sum(free_blocks << page_order) from zone_order')" \
	"$(rows free <tests/exact/slub-up-end.tsv | awk '{s += $4 * 2 ^ $3} END {print s}')"
exit $status
