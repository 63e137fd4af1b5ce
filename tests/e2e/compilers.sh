#!/bin/sh
# GCC and Clang builds give equal results, functional and cycle.
. tests/e2e/lib.sh
if ! command -v clang >/dev/null; then ok "compilers agree (skipped: no clang here)"; exit 0; fi
make --no-print-directory -s CC=clang O="$build-clang" all >"$work/make" 2>&1 || { not_ok "clang builds it" "$(tail -n 5 "$work/make")"; exit 1; }
for timing in functional cycle; do for slab in slub slab; do
	run "$work/g.db" slub-smp4 --timing $timing --set allocator.slab=$slab --set workload.max_requests=100000 && a=$(digest "$work/g.db")
	kept=$kmemsim; kmemsim=$build-clang/kmemsim
	run "$work/c.db" slub-smp4 --timing $timing --set allocator.slab=$slab --set workload.max_requests=100000 && b=$(digest "$work/c.db")
	kmemsim=$kept
	same "$slab, $timing: results of gcc and clang builds are equal" "$a" "$b"
done; done
exit $status
