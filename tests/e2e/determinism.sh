#!/bin/sh
# The same run twice gives the same digest, another seed or setting another one.
. tests/e2e/lib.sh
cycle="--set workload.max_requests=60000"
run "$work/a.db" slub-smp4 $cycle && a=$(digest "$work/a.db")
run "$work/a.db" slub-smp4 $cycle && b=$(digest "$work/a.db")
same "cycle timing on 4 CPUs repeats" "$a" "$b"
setarch -R true 2>/dev/null && {
	kept=$kmemsim; kmemsim="setarch -R $kept"
	$kmemsim run configs/experiments/slub-smp4.json --db "$work/r.db" -q $cycle >/dev/null 2>&1
	kmemsim=$kept
	same "and does not depend on address randomisation" "$a" "$(digest "$work/r.db")"
}
run "$work/s.db" slub-smp4 $cycle --set machine.core.ghz=2.5 && c=$(digest "$work/s.db")
if [ -n "$c" ] && [ "$a" != "$c" ]; then ok "another clock gives another digest"; else not_ok "another clock gives another digest" "$a"; fi
run "$work/f.db" slub-smp4 --timing functional && a=$(digest "$work/f.db")
run "$work/f.db" slub-smp4 --timing functional && b=$(digest "$work/f.db")
same "functional timing repeats, whole trace" "$a" "$b"
run "$work/y.db" synthetic --set workload.synthetic.requests=20000 && a=$(digest "$work/y.db")
run "$work/y.db" synthetic --set workload.synthetic.requests=20000 && b=$(digest "$work/y.db")
same "a synthetic workload repeats" "$a" "$b"
run "$work/z.db" synthetic --set workload.synthetic.requests=20000 --seed 8 && c=$(digest "$work/z.db")
if [ -n "$c" ] && [ "$a" != "$c" ]; then ok "another seed gives another run"; else not_ok "another seed gives another run" "$a"; fi
"$kmemsim" run --again latest --db "$work/y.db" -q >/dev/null 2>"$work/err" || cat "$work/err"
same "run --again repeats from the stored config" "$b" "$(digest "$work/y.db")"
exit $status
