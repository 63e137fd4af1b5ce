#!/bin/sh
# libFuzzer on the readers of files from outside: a few seconds each over the
# kept corpus, ten minutes each in `make soak` (KMS_FUZZ_SECONDS says otherwise).
# A finding is left in tests/fuzz/findings and named.
. tests/e2e/lib.sh
if ! clang -fsanitize=fuzzer -x c - -o "$work/probe" 2>/dev/null <<'C'
int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return 0; }
C
then ok "fuzzers (skipped: no clang with libFuzzer here)"; exit $status; fi
seconds=${KMS_FUZZ_SECONDS:-5}
[ -n "$KMS_SOAK" ] && seconds=${KMS_FUZZ_SECONDS:-600}
cflags="-std=gnu17 -g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -D_GNU_SOURCE -I. $(pkg-config --cflags libtracecmd)"
libs="-lcjson -lgsl -lgslcblas -lzstd -lz -lxxhash -lm -ltracecmd -ltracefs -ltraceevent"
# Everything the readers need, once, with coverage for the fuzzer.
mkdir "$work/obj"
for f in workloads/*.c sim/engine/base.c sim/engine/rng.c sim/config/*.c models/hw/machine_config.c models/hw/dram_config.c models/hw/dram_map.c models/rt/slub_debug_letters.c; do
	[ -f "$f" ] && echo "$f"
done | xargs -P 2 -I{} sh -c 'clang '"$cflags"' -c "$1" -o "$2/$(echo "$1" | tr / _).o"' sh {} "$work/obj" 2>"$work/err"
# fuzz NAME [OPTION...]
fuzz() {
	name=$1; shift
	if ! clang $cflags -fsanitize=fuzzer,address,undefined "tests/fuzz/${name}_fuzz.c" "$work"/obj/*.o -o "$work/$name" $libs 2>"$work/err"; then
		not_ok "fuzz $name: builds" "$(tail -n 5 "$work/err")"; return
	fi
	cp -r "tests/fuzz/corpus/$name" "$work/corpus-$name" 2>/dev/null || mkdir "$work/corpus-$name"
	[ "$name" = trace ] && "$work/$name" -runs=0 -seed_corpus="$work/corpus-$name" >/dev/null 2>&1
	mkdir -p tests/fuzz/findings
	if "$work/$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -detect_leaks=1 -print_final_stats=1 \
		-artifact_prefix="tests/fuzz/findings/$name-" "$@" "$work/corpus-$name" >"$work/log" 2>&1; then
		ok "fuzz $name: $(awk '/number_of_executed_units/ { print $2 }' "$work/log") inputs in $seconds s"
	else
		not_ok "fuzz $name" "$(grep -E 'ERROR|SUMMARY|artifact|wrong' "$work/log" | head -n 5)"
	fi
	rmdir tests/fuzz/findings 2>/dev/null
}
fuzz trace
fuzz import -dict=tests/fuzz/import.dict
fuzz config
exit $status
