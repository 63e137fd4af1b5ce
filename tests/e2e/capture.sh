#!/bin/sh
# Capturing from a tracefs that is only files: what it says and writes, settings, lost
# events, bad input. The files (tests/exact/capture-tracefs.tar.zst: buffers and
# formats of Linux 6.18 on two CPUs) are put in place by a process that plays the
# kernel's part. On a live kernel: capture_guest.sh.
. tests/e2e/lib.sh
tracefs=$work/tracefs
mkdir -p "$tracefs/instances"
zstd -dcq tests/exact/capture-tracefs.tar.zst | tar xf - -C "$tracefs"
touch "$tracefs/printk_formats" "$tracefs/saved_cmdlines"

# The kernel: fills an instance when it appears, empties it when its events are switched off.
play_kernel() {
	trap 'exit 0' TERM
	for i in $(seq 1000); do
		at=$(ls "$tracefs/instances")
		if [ -n "$at" ]; then at=$tracefs/instances/$at; break; fi
		sleep 0.02
	done
	[ -d "$at" ] || exit 0
	cp -r "$tracefs/instance/per_cpu" "$tracefs/events" "$at/"
	for e in "$at"/events/kmem/*/; do echo 0 >"$e/enable"; done
	echo 1 >"$at/events/kmem/enable"
	echo local >"$at/trace_clock"; echo 1 >"$at/buffer_size_kb"; echo 1 >"$at/tracing_on"
	for i in $(seq 1000); do
		[ "$(cat "$at/events/kmem/enable" 2>/dev/null)" = 0 ] && break
		sleep 0.02
	done
	(cd "$at" && grep . tracing_on buffer_size_kb trace_clock events/kmem/*/enable) >"$work/settings"
	rm -rf "$at"/*
}
play_kernel & kernel=$!
"$kmemsim" capture -o "$work/x.kmt" --tracefs "$tracefs" --buffer 2 --json -- sh -c "echo >'$work/ran'; exit 3" >"$work/out" 2>"$work/err"
is "capture ends well" "$?" 0
wait $kernel
json() { sed -n "s/^ *\"$1\": \([0-9.]*\),*$/\1/p" "$work/out"; }
[ -e "$work/ran" ] && ok "the command ran" || not_ok "the command ran" "$(cat "$work/err")"
is "its exit status is told" "$(json command_exit)" 3
is "CPUs" "$(json cpus)" 2
is "everything covered" "$(json coverage)" 1
is "lost events are counted" "$(json lost_events)" 5
is "lost events are said" "$(grep -c '^kmemsim: 5 events were lost' "$work/err")" 1
is "the buffer's size was set" "$(sed -n 's/^buffer_size_kb://p' "$work/settings")" 2048
is "one clock for all CPUs" "$(sed -n 's/^trace_clock://p' "$work/settings")" mono
is "recording is off at the end" "$(sed -n 's/^tracing_on://p' "$work/settings")" 0
is "page and object events were on" "$(grep -cE '/(kmalloc|kfree|kmem_cache_alloc|kmem_cache_free|mm_page_alloc|mm_page_free)/enable:1' "$work/settings")" 6
is "nothing else was" "$(grep -c '/mm_page_pcpu_drain/enable:0' "$work/settings")" 1
is "the instance is removed" "$(ls "$tracefs/instances" | wc -l)" 0
is "only what is documented is left" "$(ls "$work/x.kmt.d" | tr '\n' ' ' | sed 's/iomem //')" "end experiment.json start topology.tsv version "
for f in buddyinfo meminfo; do
	[ -s "$work/x.kmt.d/start/$f" ] && [ -s "$work/x.kmt.d/end/$f" ] || not_ok "the state has $f"
done
if "$kmemsim" run "$work/x.kmt.d/experiment.json" --set 'machine.memory={"size":"512MiB","kernel_image":"16MiB","nodes":[]}' --db "$work/r.db" -q >"$work/out" 2>&1; then
	ok "its experiment runs"
else
	not_ok "its experiment runs" "$(cat "$work/out")"
fi

# Bad input: exit 2, a message that says what would be right, nothing left behind.
refused() { # NAME WORDS OPTION...
	name=$1; words=$2; shift 2
	"$kmemsim" capture "$@" >"$work/out" 2>"$work/err"
	is "$name: exit 2" "$?" 2
	grep -q "$words" "$work/err" || not_ok "$name" "$(cat "$work/err")"
	if ls -d "$work"/y.kmt* >/dev/null 2>&1; then not_ok "$name: nothing is left"; fi
}
refused "no output" "expected -o FILE" --seconds 1
refused "no tracefs" "is not a tracefs" -o "$work/y.kmt" --seconds 1 --tracefs "$work"
mkdir -p "$work/other/events"
refused "no kmem events" "no kmem tracepoints" -o "$work/y.kmt" --seconds 1 --tracefs "$work/other"
refused "no number" "expected a number above 0" -o "$work/y.kmt" --seconds x
refused "seconds and a command" "found both" -o "$work/y.kmt" --seconds 1 -- true
refused "a state that is there" "is there already" -o "$work/x.kmt" --seconds 1
play_kernel & kernel=$!
refused "no such command" "cannot run '/nonexistent'" -o "$work/y.kmt" --tracefs "$tracefs" -- /nonexistent
wait $kernel
is "the instance is removed then, too" "$(ls "$tracefs/instances" | wc -l)" 0
exit $status
