#!/bin/sh
# Whole runs under AddressSanitizer and UndefinedBehaviorSanitizer: no report,
# and the same results as without.
. tests/e2e/lib.sh
if [ ! -x "$build-asan/kmemsim" ]; then ok "sanitized runs (skipped: not built)"; exit 0; fi
for case in "slub-smp4 cycle 40000" "slub-up functional 150000" "why-slabs-noslab functional 60000"; do
	set -- $case
	run "$work/plain.db" $1 --timing $2 --set workload.max_requests=$3 --set 'workload.warm_up=[]'
	kept=$kmemsim; kmemsim=$build-asan/kmemsim
	if run "$work/asan.db" $1 --timing $2 --set workload.max_requests=$3 --set 'workload.warm_up=[]' --check; then
		ok "$1, $2: no report"
	else
		not_ok "$1, $2: no report"
	fi
	kmemsim=$kept
	same "$1, $2: the same results" "$(digest "$work/plain.db")" "$(digest "$work/asan.db")"
done
"$build-asan/kmemsim" show latest --db "$work/asan.db" >/dev/null 2>"$work/err" && ok "show: no report" || not_ok "show: no report" "$(head -n 5 "$work/err")"
"$build-asan/kmemsim" plot latest --db "$work/asan.db" -o "$work/plots" >/dev/null 2>"$work/err" && ok "plot: no report" || not_ok "plot: no report" "$(head -n 5 "$work/err")"
exit $status
