#!/bin/sh
# The short ones of the labs beyond the book hold with a student's numbers (`make labs`
# carries out all), and allocators get the points they deserve.
. tests/e2e/lib.sh

for lab in hot-objects false-sharing colouring numa dram-rows fragmentation compaction; do
	if "$kmemsim" lab $lab --seed 3 >"$work/out" 2>"$work/err"; then ok "$lab with a seed"
	else not_ok "$lab with a seed" "$(grep 'not hold' "$work/out"; cat "$work/err")"; fi
done
same "a seed gives the same again" "$("$kmemsim" lab colouring --seed 9 --json --answers | cksum)" \
	"$("$kmemsim" lab colouring --seed 9 --json --answers | cksum)"
if [ "$("$kmemsim" lab false-sharing --seed 4 --json | cksum)" != "$("$kmemsim" lab false-sharing --seed 5 --json | cksum)" ]
then ok "another seed gives other numbers"
else not_ok "another seed gives other numbers" "the same"; fi

# grade FILE PATTERN: the score's line and the first failure's
grade() {
	"$kmemsim" lab grade "$2" >"$work/out" 2>/dev/null
	if grep -q "$3" "$work/out"; then ok "$1"; else not_ok "$1" "$(tail -n 2 "$work/out")"; fi
}
grade "the starter gets most points" configs/policies/starter.c '^score: [89][0-9]\.[0-9] of 100'
grade "one that is too small is told so" tests/policies/too_small.c 'too small: at'
is "... and gets no points" "$(grep '^score' "$work/out")" "score: 0.0 of 100"
grade "one that never comes back is stopped" tests/policies/endless.c 'does not come back'
grade "a crash is told" tests/policies/crashes.c 'crashed touching'
echo 'int x = ;' >"$work/bad.c"
grade "what does not compile gets no points" "$work/bad.c" 'first failure: building it'
echo '#include "/dev/zero"' >"$work/zero.c"
grade "the compiler's memory is bounded" "$work/zero.c" 'first failure: building it'
echo rubbish >"$work/rubbish.so"
grade "rubbish is no policy" "$work/rubbish.so" 'cannot load policy'
same "points are the same again" "$("$kmemsim" lab grade configs/policies/starter.c --json | cksum)" \
	"$("$kmemsim" lab grade configs/policies/starter.c --json | cksum)"
"$kmemsim" lab grade "$work/nothere.c" >/dev/null 2>&1
is "a file that is not there is bad input" $? 2
