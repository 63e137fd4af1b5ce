#!/bin/sh
# GCC and Clang builds give equal results, functional and cycle.
. tests/e2e/lib.sh
if ! command -v clang >/dev/null; then ok "compilers agree (skipped: no clang here)"; exit 0; fi
make --no-print-directory -s CC=clang O="$build-clang" all >"$work/make" 2>&1 || { not_ok "clang builds it" "$(tail -n 5 "$work/make")"; exit 1; }
check() { # TIMING WHAT [OPTION...]
	timing=$1 what=$2; shift 2
	run "$work/g.db" slub-smp4 --timing $timing --set workload.max_requests=100000 "$@" && a=$(digest "$work/g.db")
	kept=$kmemsim; kmemsim=$build-clang/kmemsim
	run "$work/c.db" slub-smp4 --timing $timing --set workload.max_requests=100000 "$@" && b=$(digest "$work/c.db")
	kmemsim=$kept
	same "$what: $timing results of gcc and clang builds are equal" "$a" "$b"
}
check functional SLUB
check cycle SLUB
check cycle SLAB --set allocator.slab=slab
check cycle sheaves --set allocator.slab=sheaves --set allocator.sheaf_caches=all
check cycle "SLUB's debug options" --set allocator.slub_debug=FZPU
check cycle "sorted lists, no per-CPU lists" --set allocator.free_list_order=address --set allocator.no_pcp_lists=true
exit $status
