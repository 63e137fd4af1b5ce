#!/bin/sh
# `step` walks forward and back, finds what it is told to, and shows the same again.
. tests/e2e/lib.sh
config=configs/experiments/synthetic.json
# stop NAME SCRIPT PATTERN: the last line about a request must match
stop() {
	"$kmemsim" step $config --script "$2" >"$work/out" 2>"$work/err"; r=$?
	last=$(grep '^request' "$work/out" | tail -n 1)
	case $r:$last in 0:$3) ok "$1";; *) not_ok "$1" "exit $r, last stop: $last" "$(cat "$work/err")";; esac
}
stop "forward" 'n 3' 'request 5 of *'
stop "back" 'n 8; b 2' 'request 8 of *'
stop "back to before the start" 'n 3; b 100' 'request 2 of *'
stop "to a request by number" 'goto 500' 'request 500 of *'
stop "to a kind of request" 'find kfree' 'request * kfree*'
stop "to a tracepoint" 'find slab_new; show path' 'request *'
if grep -q 'slab_new ' "$work/out"; then ok "... which it passed"; else not_ok "... which it passed" "$(cat "$work/out")"; fi
stop "to a slow path" 'goto 50; slow' 'request *'
"$kmemsim" step $config --script 'goto 200; show all' >"$work/first"
"$kmemsim" step $config --script 'goto 300; b 100; show all' | sed '/^request 300/,/^  path/d' >"$work/second"
# shared: the stop at 200 and all that is shown of it
same "a stop looks the same from either side" "$(sed -n '/^request 200/,$p' "$work/first" | cksum)" \
	"$(sed -n '/^request 200/,$p' "$work/second" | cksum)"
"$kmemsim" step configs/experiments/slub-up.json --set timing=functional --script 'goto 2000; show all' >"$work/out" 2>"$work/err"
is "functional timing: no accesses" "$(grep -c 'no accesses' "$work/out")" 1
"$kmemsim" step $config --set workload.max_requests=20 --script 'goto 1000; b 5' >"$work/out" 2>&1
is "the end is told" "$(grep -c 'workload has ended' "$work/out")" 1
is "... and one can go back from it" "$(grep '^request' "$work/out" | tail -n 1 | cut -d' ' -f2)" 15

# refused NAME TEXT ARGUMENT...
refused() {
	name=$1; text=$2; shift 2
	"$kmemsim" step "$@" >"$work/out" 2>"$work/err" </dev/null; r=$?
	if [ $r = 2 ] && grep -q -e "$text" "$work/err"; then ok "$name"; else not_ok "$name" "exit $r" "$(cat "$work/err")"; fi
}
refused "an unknown command" 'did you mean goto' $config --script 'gto 3'
refused "an unknown tracepoint" 'did you mean mm_expand' $config --script 'find mm_expnd'
refused "no number" 'expected a number' $config --script 'n many'
refused "no terminal" 'no terminal' $config
refused "an unknown part" 'zone, pcp, slab' $config --script 'show zones'
if command -v script >/dev/null; then
	printf 'nnsbq' | TERM=xterm script -qec "$kmemsim step $config" /dev/null >"$work/out" 2>&1; r=$?
	if [ $r = 0 ] && grep -q 'request' "$work/out"; then ok "on a terminal"; else not_ok "on a terminal" "exit $r"; fi
fi
exit $status
