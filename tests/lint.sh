#!/bin/sh
# Rules for simulated code, checked on what the compiler made of it:
#   tests/lint.sh BUILD_DIR
# Only hooks and kms_... may be undefined, nothing that moves memory without a
# hook (string instructions, vectors), and no data of its own.
build=$1
status=0
check() { # name, what was found
	if [ -n "$2" ]; then echo "not ok $1"; echo "$2" | sed 's/^/  /'; status=1
	else echo "ok $1"; fi
}
cycle=$build/lib/mm_cycle.o
plain=$build/lib/mm_plain.o
check "cycle flavour calls only hooks and kms_" "$(nm -u "$cycle" | awk '{print $2}' | grep -vE '^(__tsan_|kms_)')"
check "plain flavour calls only kms_ and the C library's copies" "$(nm -u "$plain" | awk '{print $2}' | grep -vE '^(kms_|memcpy$|memset$)')"
check "hooks are there" "$(nm -u "$cycle" | grep -q __tsan_read8 || echo none)"
check "plain flavour has no hooks" "$(nm -u "$plain" | grep __tsan_)"
if objdump -f "$cycle" | grep -q x86-64; then
	check "no unhooked bulk memory instructions" \
	  "$(objdump -d --no-show-raw-insn "$cycle" | grep -E '\brep\b|[yz]mm[0-9]|\bmovs[bwlq]\b +%ds' | head)"
	check "no atomic instruction outside the hooks" \
	  "$(objdump -d --no-show-raw-insn "$cycle" | grep -E '\block\b' | head)"
fi
check "no variables of its own" \
  "$(nm "$cycle" | awk '$2 ~ /^[bBdDC]$/ {print $3}' | grep -vE '^(mm_ops_cycle|.*_policy|.*_ops|.*_table|slab_policy_table)$')"
check "no global name twice among the libraries" \
  "$(for f in "$build"/lib/lib*.a; do nm -g --defined-only "$f" 2>/dev/null | awk '$2 ~ /[TDBRC]/ {print $3}'; done | sort | uniq -d)"
exit $status
