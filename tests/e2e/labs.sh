#!/bin/sh
# The labs: every number holds, for the book's parameters and for others; guides, questions, bad input.
. tests/e2e/lib.sh

"$kmemsim" lab all >"$work/out" 2>&1; r=$?
is "every lab's checks hold" $r 0
grep -v '^ok ' "$work/out" | head -n 20
"$kmemsim" lab list --json | sed -n 's/^ *"lab": "\(.*\)",$/\1/p' >"$work/names"
"$kmemsim" lab list --json | sed -n 's/^ *"guide": "\(.*\)",\{0,1\}$/\1/p' | while read -r guide; do
	for part in Goal Predict Run Look Explain Vary; do
		grep -q "^\*\*$part" "$guide" || echo "$guide: $part"
	done
done >"$work/missing"
is "every guide has its six parts" "$(cat "$work/missing")" ""
is "the list of labs is not short" "$(test "$(wc -l <"$work/names")" -ge 17 && echo yes)" yes

labs="buddy-lists scenarios page-api exact-pages kmalloc-basics double-free largest-kmalloc actual-size saw-tooth
ptr-array custom-cache poison hundred-caches vmalloc"
failed=
for seed in 1 2 3 4 5 6 7 8; do
	for lab in $labs; do
		"$kmemsim" lab $lab --seed $seed >"$work/out" 2>&1 || failed="$failed $lab:$seed"
	done
done
is "other seeds: every check holds" "$failed" ""
same "a seed's numbers repeat" "$("$kmemsim" lab exact-pages --seed 5 | cksum)" "$("$kmemsim" lab exact-pages --seed 5 | cksum)"
is "another seed has other numbers" \
	"$(test "$("$kmemsim" lab poison --seed 5 | cksum)" != "$("$kmemsim" lab poison --seed 6 | cksum)" && echo yes)" yes

# figure LAB NAME WANTED: one of the lab's figures, as --json has them
figure() {
	is "$1: $2" "$("$kmemsim" lab "$1" --answers --json | tr -d ' ,' | sed -n "s/^\"$2\"://p" | head -n 1)" "$3"
}
figure buddy-lists lists 11
figure scenarios above_lost 126976
figure page-api pages 19
figure exact-pages exact_bytes 36864
figure kmalloc-basics record_lost 688
figure largest-kmalloc limit 4194304
figure saw-tooth points_2e 205
figure wasters total 406
figure custom-cache slot 448
figure vmalloc vmalloc_pages 3
figure demand-paging faults_per_block 2
figure poison found_offset 12
is "all 415 published points" "$("$kmemsim" lab saw-tooth | grep -c '^415 of 415')" 1
is "answers are hidden" "$("$kmemsim" lab saw-tooth | grep -c 'Answer:')" 0
is "... and shown on demand" "$("$kmemsim" lab saw-tooth --answers | grep -c 'Answer:')" 3

# a published figure that is not equal must fail the lab
mkdir -p "$work/data"
cp -r configs "$work/data/configs"
sed 's/^1E\t20100\t63$/1E\t20100\t64/' configs/labs/saw-tooth.tsv >"$work/data/configs/labs/saw-tooth.tsv"
sed 's/^2E\t204900\t262144/2E\t204900\t262143/' configs/labs/actual-size.tsv >"$work/data/configs/labs/actual-size.tsv"
here=$(cd "$(dirname "$kmemsim")" && pwd)/$(basename "$kmemsim")
for lab in saw-tooth actual-size; do
	(cd "$work/data" && "$here" lab $lab >"$work/out" 2>&1); r=$?
	if [ $r = 1 ] && [ "$(grep -c '^does not hold' "$work/out")" = 1 ]; then ok "$lab: one wrong figure is noticed"
	else not_ok "$lab: one wrong figure is noticed" "exit status $r" "$(tail -n 20 "$work/out")"; fi
done

# pictures
"$kmemsim" lab saw-tooth -o "$work/p1" >"$work/out" 2>&1 && "$kmemsim" lab saw-tooth -o "$work/p2" >/dev/null 2>&1
if [ -s "$work/p1/saw-tooth-plot.png" ] && [ -s "$work/p1/saw-tooth-plot.svg" ] &&
	[ "$(grep -vc '^#\|^$' "$work/p1/saw-tooth-plot.tsv")" = 415 ]; then ok "the saw-tooth is drawn"
else not_ok "the saw-tooth is drawn" "$(cat "$work/out")"; fi
same "pictures repeat" "$(cat "$work"/p1/*.svg | cksum)" "$(cat "$work"/p2/*.svg | cksum)"

# refused NAME STATUS TEXT ARGUMENT...
refused() {
	name=$1; wanted=$2; text=$3; shift 3
	"$kmemsim" lab "$@" >"$work/out" 2>"$work/err"; r=$?
	if [ $r = "$wanted" ] && grep -q "$text" "$work/err" && [ ! -s "$work/out" ]; then ok "$name"
	else not_ok "$name" "exit status $r" "$(cat "$work/err")"; fi
}
refused "an unknown lab" 2 "did you mean 'saw-tooth'" saw-toth
refused "a seed that is no number" 2 'expected a whole number' scenarios --seed abc
refused "a negative seed" 2 'expected a whole number' scenarios --seed -3
refused "a seed too large" 2 'expected a whole number' scenarios --seed 99999999999999999999999
refused "too many names" 2 'expected nothing' scenarios saw-tooth
: >"$work/file"
if "$kmemsim" lab saw-tooth -o "$work/file" >"$work/out" 2>"$work/err" || ! grep -q 'Not a directory' "$work/err"; then
	not_ok "a file where pictures should go" "$(cat "$work/err")"
else ok "a file where pictures should go"; fi
refused "a folder that cannot be" 2 'cannot create folder' saw-tooth -o /proc/none/such
mkdir "$work/empty"
path=$PATH; PATH=$work/empty
refused_no_gnuplot=$("$here" lab saw-tooth -o "$work/p3" 2>&1); r=$?
PATH=$path
case $r:$refused_no_gnuplot in
1:*gnuplot-nox*) ok "gnuplot is missing" ;;
*) not_ok "gnuplot is missing" "exit status $r" "$refused_no_gnuplot" ;;
esac
exit $status
