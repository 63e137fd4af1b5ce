#!/bin/sh
# `explain` gives the sizes and layouts that a real kernel has, on every slab layer.
. tests/e2e/lib.sh

# field NAME CALL KEY WANTED [OPTION...]
field() {
	name=$1; call=$2; key=$3; wanted=$4; shift 4
	found=$("$kmemsim" explain "$call" --json "$@" | tr ',{}' '\n\n\n' | sed -n "s/^ *\"$key\": *//p" | head -n 1)
	is "$name" "$found" "$wanted"
}
field "132 KiB take a block of order 6" 'kmalloc(132K)' held 262144
field "... and lose 124 KiB" 'kmalloc(132K)' waste 126976
field "128 KiB are an order 5 block" 'alloc_pages(5, GFP_KERNEL)' held 131072
field "exact pages: 9 of them for 33 KiB" 'alloc_pages_exact(33K)' held 36864
field "a struct of 1,360 bytes goes to kmalloc-2k" 'kmalloc(1360)' name '"kmalloc-2k"'
field "debug flags make 448 bytes of 328" \
	'kmem_cache_create(m, 328, 0, SLAB_RED_ZONE|SLAB_POISON|SLAB_HWCACHE_ALIGN)' size 448
field "SLUB's smallest object is 8 bytes" 'kmalloc(1)' held 8
field "SLAB's smallest object is 32 bytes" 'kmalloc(1)' held 32 --policy slab
field "more than the largest block is refused" 'kmalloc(5M)' failed true
field "repeated calls stay on the fast path" 'kmalloc(64)' path '"pcp_refill"'

for policy in slub slab slob sheaves noslab; do
	for call in 'kmalloc(100)' 'kmalloc(20000)' 'kmem_cache_create(x, 100)' 'alloc_pages(GFP_ATOMIC, 2)'; do
		if "$kmemsim" explain "$call" --policy $policy --lines >"$work/out" 2>"$work/err" &&
			grep -q '^Giving it back' "$work/out"; then ok "$call on $policy"
		else not_ok "$call on $policy" "$(cat "$work/err")"; fi
	done
done
same "the same again" "$("$kmemsim" explain 'kmalloc(300)' --lines | cksum)" "$("$kmemsim" explain 'kmalloc(300)' --lines | cksum)"

# refused NAME TEXT ARGUMENT...
refused() {
	name=$1; text=$2; shift 2
	"$kmemsim" explain "$@" >"$work/out" 2>"$work/err"; r=$?
	if [ $r = 2 ] && grep -q "$text" "$work/err" && [ ! -s "$work/out" ]; then ok "$name"
	else not_ok "$name" "exit status $r" "$(cat "$work/err")"; fi
}
refused "an unknown call" 'did you mean kmalloc' 'kmaloc(3)'
refused "an unknown flag" 'did you mean GFP_KERNEL' 'kmalloc(3, GFP_KERNAL)'
refused "no size" 'expected a size' 'kmalloc(lots)'
refused "an order beyond the largest" 'order from 0 to 10' 'alloc_pages(11, GFP_KERNEL)'
refused "a forgotten parenthesis" 'found the end' 'kmalloc(3'
refused "an unknown policy" "did you mean 'slub'" 'kmalloc(3)' --policy slup
refused "a machine that is not there" 'nowhere.json' 'kmalloc(3)' --machine nowhere.json
exit $status
