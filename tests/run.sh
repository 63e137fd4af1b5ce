#!/bin/sh
# Runs the tests and counts them; the last line is "N passed, N failed".
#   tests/run.sh BUILD_DIR unit|all
# Unit and property tests are programs that print one "[       OK ] name" or
# "[  FAILED  ] name" line a test (cmocka); scripts print "ok NAME" or
# "not ok NAME". KMS_SOAK=1: long tests at full size; KMS_HOURS=h with it: the
# sequences of mixed page and slab requests go on for h hours a part.
build=$1 what=${2:-all}
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
passed=0 failed=0
limit=600 e2e_limit=1200
[ -n "$KMS_SOAK" ] && limit=7200 e2e_limit=36000
[ -n "$KMS_HOURS" ] && limit=$((7200 + 3 * 3600 * KMS_HOURS)) # a property test has two parts of that length

count() { # name, status, file with its output
	ok=$(grep -cE '^(\[ +OK +\]|ok )' "$3")
	bad=$(grep -E '^(\[ +FAILED +\] [a-zA-Z_]|not ok )' "$3" | sort -u | wc -l)
	# a program that died, or failed without a failing test, is a failure itself
	if [ "$2" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
	if [ "$2" -eq 0 ] && [ "$ok" -eq 0 ]; then bad=1; echo "$1 ran no test"; fi
	passed=$((passed + ok)) failed=$((failed + bad))
	if [ "$bad" -ne 0 ]; then echo "FAILED $1"; tail -n 40 "$3" | sed 's/^/    /'
	else echo "ok     $1 ($ok)"; fi
}

for dir in "$build" "$build-asan"; do
	for t in "$dir"/tests/unit/* "$dir"/tests/property/*; do
		[ -x "$t" ] && [ -f "$t" ] || continue
		timeout $limit "$t" >"$out" 2>&1
		count "$t" $? "$out"
	done
done
if [ "$what" = all ]; then
	for t in tests/lint.sh tests/e2e/*.sh; do
		[ -x "$t" ] || continue
		timeout $e2e_limit "$t" "$build" >"$out" 2>&1
		count "$t" $? "$out"
	done
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
