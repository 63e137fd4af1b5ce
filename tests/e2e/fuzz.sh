#!/bin/sh
# libFuzzer on every reader of data from outside (tests/fuzz/NAME_fuzz.c): the kept
# corpus and a few seconds more each; in `make soak` ten minutes each, FUZZ_SECONDS
# says otherwise. FUZZ_ONLY="NAME ..." takes some. A finding is left in
# tests/fuzz/findings and named. docs/testing.md says more.
. tests/e2e/lib.sh
if ! clang -fsanitize=fuzzer -x c - -o "$work/probe" 2>/dev/null <<'C'
int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return 0; }
C
then ok "fuzzers (skipped: no clang with libFuzzer here)"; exit $status; fi
seconds=${FUZZ_SECONDS:-3}
[ -n "$KMS_SOAK" ] && seconds=${FUZZ_SECONDS:-600}
if ! make --no-print-directory O="$build" fuzz-build >"$work/log" 2>&1; then
	not_ok "the fuzzers can be built" "$(grep -E 'error|rror:' "$work/log" | head -n 5)"; exit $status
fi
# fuzz NAME: its verdict goes to $work/NAME.verdict
cat >"$work/fuzz" <<'S'
build=$1 work=$2 seconds=$3 name=$4
mkdir -p "$work/$name"
cp tests/fuzz/corpus/$name/* "$work/$name" 2>/dev/null
[ -f tests/fuzz/corpus/$name.tar.zst ] && tar -C "$work/$name" --zstd -xf tests/fuzz/corpus/$name.tar.zst
if [ $name = trace ]; then "$build-fuzz/fuzz/$name" -runs=0 -seed_corpus="$work/$name" >/dev/null 2>&1; fi
dict=; [ -f tests/fuzz/$name.dict ] && dict=-dict=tests/fuzz/$name.dict
"$build-fuzz/fuzz/$name" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=3000 -malloc_limit_mb=1100 \
	-max_len=20000 -report_slow_units=60 -detect_leaks=1 -print_final_stats=1 -artifact_prefix="tests/fuzz/findings/$name-" \
	$dict "$work/$name" >"$work/$name.log" 2>&1 &
if wait $!; then
	echo "ok fuzz $name: $(awk '/number_of_executed_units/ { print $2 }' "$work/$name.log") inputs," \
		"$(sed -n 's/.*DONE *cov: \([0-9]*\) .*/\1/p' "$work/$name.log") edges, $seconds s"
else
	echo "not ok fuzz $name"
	grep -aE 'ERROR|SUMMARY|runtime error|finding:|artifact' "$work/$name.log" | head -n 6 | sed 's/^/    /'
fi >"$work/$name.verdict"
rm -rf /dev/shm/kmemsim-fuzz-$!* 2>/dev/null
S
mkdir -p tests/fuzz/findings
names=${FUZZ_ONLY:-$(ls tests/fuzz/*_fuzz.c | sed 's,.*/,,; s,_fuzz.c,,')}
printf '%s\n' $names | xargs -P "$(nproc)" -I{} sh "$work/fuzz" "$build" "$work" "$seconds" {}
for name in $names; do
	cat "$work/$name.verdict"
	grep -q '^ok' "$work/$name.verdict" || status=1
done
rmdir tests/fuzz/findings 2>/dev/null
exit $status
