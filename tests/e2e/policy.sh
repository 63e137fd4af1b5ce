#!/bin/sh
# Policies of one's own: written, built, run, compared; caught when they fail.
. tests/e2e/lib.sh
export TMPDIR="$work"
root=$PWD case=$root/configs/experiments
case "$kmemsim" in /*) ;; *) kmemsim=$root/$kmemsim ;; esac
short="--set workload.max_requests=40000 --set workload.warm_up=[]"
build_policy() { "$kmemsim" policy build "$1" -o "$2" -q $3 >"$work/out" 2>"$work/err" || { cat "$work/err"; return 1; }; }
# run_policy FILE.so OPTION...: message in $message, status in $code
run_policy() {
	p=$1; shift
	timeout -s KILL 60 "$kmemsim" run "$case/slub-smp4.json" --policy "$p" --db "$work/p.db" -q $short "$@" \
		>"$work/out" 2>"$work/err"; code=$?
	message=$(cat "$work/err")
}
# fails NAME PATTERN OPTION...
fails() {
	name=$1 pattern=$2; shift 2
	run_policy "$work/$name.so" "$@"
	if [ $code = 1 ] && echo "$message" | grep -q "$pattern"; then ok "caught: $name $*"
	else not_ok "caught: $name $*" "status $code" "$message"; fi
}
cd "$work" || exit 1
"$kmemsim" policy new mine -q >/dev/null; is "new writes mine.c" "$(ls mine.c)" mine.c
"$kmemsim" policy new mine >/dev/null 2>&1; is "and does not overwrite it" $? 2
cd "$root" || exit 1
for c in "$work/mine.c" docs/tutorial-policy.c tests/policies/sound.c; do
	name=$(basename "$c" .c)
	if ! build_policy "$c" "$work/$name.so"; then not_ok "$name: builds"; continue; fi
	is "$name: builds without warnings" "$(cat "$work/err")" ""
	for timing in functional cycle; do
		run_policy "$work/$name.so" --check --timing $timing
		is "$name: runs, $timing" "$code $message" "0 "
	done
	first=$(digest "$work/p.db"); run_policy "$work/$name.so"
	same "$name: the same again" "$first" "$(digest "$work/p.db")"
done
is "the tutorial is below 100 lines" "$([ "$(wc -l <docs/tutorial-policy.c)" -lt 100 ] && echo yes)" yes
run_policy "$work/tutorial-policy.so"; first=$(digest "$work/p.db")
if command -v clang >/dev/null; then
	build_policy docs/tutorial-policy.c "$work/t.so" "--cc clang"; run_policy "$work/t.so"
	same "the tutorial, built by gcc and by clang" "$first" "$(digest "$work/p.db")"
fi
run_policy "$work/tutorial-policy.so" --set 'allocator.policy_params={"limit":2}'
is "a parameter changes the run" "$([ "$first" != "$(digest "$work/p.db")" ] && echo "$code")" 0
run_policy "$work/tutorial-policy.so" --set 'allocator.policy_params={"limits":2}'
is "an unknown parameter" "$code $(echo "$message" | grep -o "did you mean 'limit'")" "2 did you mean 'limit'"
run_policy "$work/tutorial-policy.so" --set 'allocator.policy_params={"limit":1}'
is "a parameter out of range" "$code $(echo "$message" | grep -o 'from 2 to 10000')" "2 from 2 to 10000"
# by its place in a configuration, and in a comparison
printf '{"extends": "%s/slub-up.json", "allocator": {"slab": "./mine.so"}}' "$case" >"$work/own.json"
"$kmemsim" run "$work/own.json" --timing functional --db "$work/p.db" -q >"$work/out" 2>&1
is "relative to the configuration" "$(grep -c 'complete (mine' "$work/out")" 1
"$kmemsim" compare "$case/slub-up.json" --vary "allocator.slab=slub,$work/mine.so" --set timing=functional \
	--db "$work/c.db" --json >"$work/out" 2>"$work/err"
is "compare" "$? $(sqlite3 "$work/c.db" "SELECT group_concat(policy) FROM (SELECT policy FROM run ORDER BY policy)")" "0 mine,slub"
is "policies prints its parameters" "$("$kmemsim" policies "$work/mine.so" | grep -c slab_order)" 1
# what does not compile, call what there is, or load
printf '#include <kmemsim/policy.h>\nint f(void) { return nothing; }\n' >"$work/bad.c"
"$kmemsim" policy build "$work/bad.c" >"$work/out" 2>&1
is "a compile error is shown" "$? $(grep -c 'bad.c:2:.*nothing' "$work/out")" "1 1"
printf '#include "%s/tests/policies/simple.h"\nvoid *malloc(unsigned long);\nstatic void *a(size_t n, gfp_t g, int d) { return malloc(n); }\nSIMPLE("x", a, simple_free);\nvoid *unused = simple_alloc;\n' "$root" >"$work/bad.c"
"$kmemsim" policy build "$work/bad.c" >"$work/out" 2>&1
is "the C library is refused" "$? $(grep -c 'cannot call: malloc' "$work/out")" "1 1"
is "and nothing is left behind" "$(ls "$work" | grep -c 'bad.so\|kmemsim-')" 0
run_policy "$work/none.so"; is "a missing file" "$code" 2
cp "$kmemsim" "$work/odd.so"; run_policy "$work/odd.so"; is "a file that is no policy" "$code" 2
# the ways to fail
for f in tests/policies/*.c; do
	n=$(basename "$f" .c); [ "$n" = sound ] && continue
	build_policy "$f" "$work/$n.so" || not_ok "$n builds"
done
for timing in functional cycle; do
	fails overlapping 'request [0-9]* (k.*CPU.*in use: 0x.*overlaps with the object of .* that request [0-9]* allocated on CPU' --timing $timing
	fails misaligned 'misaligned memory: 0x' --timing $timing
	fails foreign 'memory it does not own: 0x300001388000 is in page frame 0x1388' --timing $timing
	fails outside 'memory it does not own: 0x2ffffffff000 is outside simulated memory' --timing $timing
	fails too_small 'that is too small\|overlaps with' --timing $timing
	fails gives_back 'frees page frame .* in which the object of' --timing $timing
	fails double_free 'which it has already given back' --timing $timing
	fails loses_frees 'loses frees: .* pages held grew from' --timing $timing
	fails endless 'does not come back: 20000000 basic blocks' --timing $timing
	fails pokes_null 'next to NULL' --timing $timing
	fails crashes 'crashed touching 0x0' --timing $timing
	fails recurses 'crashed touching 0x' --timing $timing
done
fails loses_few 'loses frees' --timing functional --set workload.max_requests=60000
fails endless_touch 'does not come back' --timing cycle
fails deadlocks 'already holds' --timing cycle
fails deadlocks 'spinlock taken twice' --timing functional
fails pokes_object 'writes 8 bytes at 0x.*inside the object of .* that request' --timing cycle
fails pokes_object 'inside the object of' --timing functional --check
fails pokes_page 'writes 8 bytes at 0x.*never got from alloc_pages' --timing cycle
# installed: all it needs comes with it
make -s install O="$build" PREFIX=/opt/k DESTDIR="$work/root" >"$work/out" 2>&1
bin=$work/root/opt/k/bin/kmemsim
cd "$work" && "$bin" policy new installed -q >/dev/null && "$bin" policy build installed.c -q >/dev/null 2>err &&
	"$bin" run configs/experiments/synthetic.json --policy installed.so --timing functional --db i.db -q >out 2>err
is "installed: new, build, run" "$? $(cat err)" "0 "
cd "$root" || exit 1
make -s uninstall PREFIX=/opt/k DESTDIR="$work/root"
is "uninstall leaves no file" "$(find "$work/root" -type f | wc -l)" 0
exit $status
