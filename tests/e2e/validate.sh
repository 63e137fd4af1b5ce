#!/bin/sh
# kmemsim validate from outside: exit statuses, JSON, messages.
#   tests/e2e/validate.sh BUILD_DIR
kmemsim=$1/kmemsim
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
status=0
ok() { # name, command...
	name=$1; shift
	if "$@" >"$tmp/out" 2>&1; then echo "ok validate: $name"
	else echo "not ok validate: $name"; sed 's/^/  /' "$tmp/out"; status=1; fi
}
exits() { # status, words expected on stdout or stderr, command...
	want=$1 words=$2; shift 2
	"$@" >"$tmp/all" 2>&1
	got=$?
	[ $got -eq "$want" ] || { echo "exit status $got, expected $want"; cat "$tmp/all"; return 1; }
	grep -q -- "$words" "$tmp/all" || { echo "no \"$words\" in:"; cat "$tmp/all"; return 1; }
}
json_is() { # recording, words that its JSON must have
	"$kmemsim" validate "$1" --json >"$tmp/json" || return 1
	shift
	for words; do grep -q "$words" "$tmp/json" || { echo "no $words"; return 1; }; done
}

boot=tests/exact/slub-up-boot
ok "exact recording" exits 0 "everything exact" "$kmemsim" validate $boot
ok "JSON" json_is $boot '"ok": *true' '"recording"' '"page_alloc"' '"slab_alloc"' '"pcp_alloc"' \
	'"different": *0' '"name": *"start"'
cp "$tmp/json" "$tmp/first"
ok "twice the same" json_is $boot '"ok": *true'
ok "byte for byte" cmp "$tmp/first" "$tmp/json"
ok "with --resync" exits 0 "everything exact" "$kmemsim" validate $boot --resync

ok "with --compaction: none" exits 0 "compactions *0 *0" "$kmemsim" validate $boot --compaction
# of what the recording under pressure shows, at least so much is foretold (docs/reclaim.md)
foretells() { # event, least
	got=$("$kmemsim" validate tests/exact/slub-pressure-p3 --compaction |
		awk -v e="$1" '$1 == e {gsub(",", "", $3); print $3}')
	[ "${got:-0}" -ge "$2" ] || { echo "$1: $got foretold, expected $2 at least"; return 1; }
}
ok "compaction foretold: blocks isolated" foretells ISOLATE_FREE 1224
ok "compaction foretold: targets" foretells COMPACT_ALLOC 3364

# a recording that begins after boot: a replay says so, import takes it
cp -r $boot "$tmp/middle" && rm "$tmp"/middle/state-before_mem_init* "$tmp"/middle/trace.txt*
zstd -dcq $boot/trace.txt.zst | sed -n '/MARK DUMP state-after_kmem_cache_init/,$p' >"$tmp/middle/trace.txt"
rm -f "$tmp"/middle/state-after_mem_init*
ok "begins after boot" exits 2 "begins after boot" "$kmemsim" validate "$tmp/middle"
ok "begins after boot: import" exits 0 "begins after the kernel's boot" \
	"$kmemsim" import "$tmp/middle" -o "$tmp/middle.kmt"

ok "SLAB, from the state at the start" json_is tests/exact/slab-up-start '"ok": *true' '"slab_alloc"' \
	'"slab_bulk"' '"l_block"' '"l_refill"' '"name": *"start"'
ok "SLOB, from the empty buddy" json_is tests/exact/slob-up-boot '"ok": *true' '"slob_alloc"' \
	'"kmalloc_large"' '"o_newpage"' '"o_cache_free"'
for f in slab slob; do
	ok "golden $f" exits 0 "^ok" "$kmemsim" validate --golden tests/golden/$f-plain.txt.zst
done
cp -r tests/exact/slab-up-start "$tmp/slab"
zstd -q -d --rm "$tmp/slab/trace.txt.zst"
sed -i '78100,$s/^\(.* L_ALLOC [^ ]* [0-9a-f]*\)0 /\18 /' "$tmp/slab/trace.txt"
ok "wrong SLAB recording" exits 3 "expected L_ALLOC" "$kmemsim" validate "$tmp/slab" --resync
rm "$tmp/slab/state-start.txt.zst"
ok "SLAB without its state" exits 2 "state-start.txt" "$kmemsim" validate "$tmp/slab"
printf '0 0 0 1 O_KFREE 1000 x\n' >>"$tmp/slab/trace.txt"
ok "lines of two layers" exits 2 "line of another slab layer" "$kmemsim" validate "$tmp/slab"
cp -r tests/exact/slob-up-boot "$tmp/slob"
zstd -q -d --rm "$tmp/slob/trace.txt.zst"
sed -i '20000,20400s/ O_ALLOC \([0-9a-f]*\) \([0-9]*\) / O_ALLOC \1 1\2 /' "$tmp/slob/trace.txt"
ok "wrong SLOB recording" exits 3 "expected O_ALLOC" "$kmemsim" validate "$tmp/slob"

cp -r $boot "$tmp/wrong"
zstd -q -d --rm "$tmp/wrong/trace.txt.zst"
sed -i '100000,100500s/\(S_FREE_FAST .*\) 1$/\1 2/' "$tmp/wrong/trace.txt"
ok "wrong recording" exits 3 "NOT exact" "$kmemsim" validate "$tmp/wrong"
ok "first difference" exits 3 "expected S_FREE_FAST" "$kmemsim" validate "$tmp/wrong"
ok "--min" exits 0 "NOT exact" "$kmemsim" validate "$tmp/wrong" --min 90
ok "--min out of range" exits 2 "expected a number from 0 to 100" "$kmemsim" validate $boot --min 101
ok "no recording" exits 2 "is no recording" "$kmemsim" validate configs
ok "no folder" exits 2 "is no recording" "$kmemsim" validate "$tmp/none"
printf 'garbage\n' >>"$tmp/wrong/trace.txt"
ok "damaged" exits 2 "trace.txt:150140:" "$kmemsim" validate "$tmp/wrong"
head -c 100000 $boot/trace.txt.zst >"$tmp/cut.zst"
cp -r $boot "$tmp/cut"; mv "$tmp/cut.zst" "$tmp/cut/trace.txt.zst"
ok "cut short" exits 2 "cut short" "$kmemsim" validate "$tmp/cut"
exit $status
