#!/bin/sh
# Capturing on a live kernel: boots Debian's own kernel under software emulation
# (no root needed) with a file system made here - busybox, kmemsim and the
# libraries it needs -, captures a workload there, imports, replays it, and looks
# at what came out, inside the guest and again here. Takes minutes, so it runs in
# `make soak`; KMS_GUEST_KERNEL=vmlinuz saves the download, KMS_GUEST_CPUS [2].
. tests/e2e/lib.sh
if [ -z "$KMS_SOAK" ]; then ok "captured in a guest kernel (make soak only)"; exit 0; fi
for tool in qemu-system-x86_64 busybox cpio; do
	command -v $tool >/dev/null || { not_ok "captured in a guest kernel" "$tool is not installed"; exit 1; }
done
kernel=$KMS_GUEST_KERNEL cpus=${KMS_GUEST_CPUS:-2}
if [ -z "$kernel" ]; then
	image=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
	here=$PWD
	(cd "$work" && apt-get download "$image" >"$work/apt" 2>&1 && dpkg -x linux-image-*.deb "$work/kernel") ||
		{ not_ok "Debian's kernel image" "$(cat "$work/apt")"; exit 1; }
	cd "$here" || exit 1
	kernel=$(ls "$work"/kernel/boot/vmlinuz-*)
fi

# ---- the guest's file system ----
root=$work/root
mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root/kmemsim/configs" "$root/files"
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$kmemsim" "$root/bin/kmemsim"
ldd "$kmemsim" | grep -o '/[^ ]*' | while read -r lib; do
	mkdir -p "$root$(dirname "$lib")" && cp -L "$lib" "$root$lib"
done
cp -r configs/policies configs/costs "$root/kmemsim/configs/"
cp -r docs "$root/files/"

cat >"$root/workload" <<'END'
#!/bin/busybox sh
# processes, files, pipes, directories, network
cd /tmp || exit 1
for i in 1 2 3 4 5 6; do
	cp -r /files "copy$i"
	find "copy$i" -type f | xargs md5sum >"sums$i" &
	tar cf - "copy$i" | gzip -1 >"copy$i.tar.gz"
	ls -lR "copy$i" >"list$i"
done
wait
for i in $(seq 40); do sh -c 'true | cat | wc -l' >/dev/null; done
ifconfig lo 127.0.0.1 up
nc -l -p 7777 </dev/null >received & sleep 0.2
cat copy1.tar.gz | nc 127.0.0.1 7777
rm -rf copy2 copy4 copy6
sync
END

cat >"$root/init" <<'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
mount -t tmpfs -o size=60% tmp /tmp
export KMEMSIM_DATA=/kmemsim PATH=/bin
stty -F /dev/ttyS1 raw 2>/dev/null
say() { echo "guest: $*"; }
say kernel "$(uname -r)"
kmemsim capture -o /tmp/x.kmt --seconds 1 2>/tmp/err; say unmounted $?; say unmounted-text "$(cat /tmp/err)"
mount -t tracefs tracefs /sys/kernel/tracing
cat /sys/kernel/tracing/events/kmem/enable /sys/kernel/tracing/tracing_on /sys/kernel/tracing/trace_clock >/tmp/before
# killed in the middle
kmemsim capture -o /tmp/killed.kmt --seconds 60 2>/dev/null & pid=$!
for i in $(seq 100); do ls /sys/kernel/tracing/instances | grep -q . && break; sleep 0.1; done
sleep 0.3; say instances-while "$(ls /sys/kernel/tracing/instances | wc -l)"
kill -9 $pid
for i in $(seq 100); do ls /sys/kernel/tracing/instances | grep -q . || break; sleep 0.1; done
say instances-killed "$(ls /sys/kernel/tracing/instances | wc -l)"
kmemsim capture -o /tmp/guest.kmt --json -- /workload >/tmp/capture.json 2>/tmp/err; say capture $?
sed 's/^/guest: json /' /tmp/capture.json; sed 's/^/guest: err /' /tmp/err
say instances-after "$(ls /sys/kernel/tracing/instances | wc -l)"
cat /sys/kernel/tracing/events/kmem/enable /sys/kernel/tracing/tracing_on /sys/kernel/tracing/trace_clock >/tmp/after
cmp -s /tmp/before /tmp/after; say settings $?
kmemsim run /tmp/guest.kmt.d/experiment.json --db /tmp/r.db -q 2>/tmp/err; say run $?
sed 's/^/guest: err /' /tmp/err
say digest "$(kmemsim digest latest --db /tmp/r.db)"
cd /tmp && tar czf - guest.kmt guest.kmt.d | base64 >/dev/ttyS1
sync; sleep 1
poweroff -f
END
chmod +x "$root/init" "$root/workload"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initrd"

# ---- boot ----
began=$(date +%s)
timeout 1000 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m 1024 -smp "$cpus" -display none -no-reboot \
	-nodefaults -kernel "$kernel" -initrd "$work/initrd" -serial "file:$work/console" -serial "file:$work/out64" \
	-append "console=ttyS0 quiet panic=-1 rdinit=/init" >"$work/qemu" 2>&1
echo "guest ran $(($(date +%s) - began)) s"
grep -a '^guest: ' "$work/console" | tr -d '\r' >"$work/guest"
cat "$work/guest"
guest() { sed -n "s/^guest: $1 //p" "$work/guest" | head -n 1; }
json() { sed -n "s/^guest: json  *\"$1\": \([0-9.]*\),*$/\1/p" "$work/guest"; }
at_least() { awk "BEGIN { exit !($2 >= $3) }" && ok "$1: $2" || not_ok "$1" "found $2, expected at least $3"; }

if [ -z "$(guest kernel)" ]; then
	not_ok "the guest boots" "$(tail -n 20 "$work/console" "$work/qemu")"
	exit 1
fi
is "tracefs that is not mounted is said, exit 2" "$(guest unmounted) $(guest unmounted-text | grep -c 'not mounted')" "2 1"
is "a capture has an instance of its own" "$(guest instances-while)" 1
is "killed: the instance is removed" "$(guest instances-killed)" 0
is "capture ends well" "$(guest capture)" 0
is "the instance is removed" "$(guest instances-after)" 0
is "settings are as before" "$(guest settings)" 0
is "the workload ended well" "$(json command_exit)" 0
is "no events lost" "$(json lost_events)" 0
at_least "events" "$(json events)" 50000
at_least "coverage" "$(json coverage)" 0.99
at_least "frees matched" "$(json matched)" 0.8
is "replayed in the guest" "$(guest run)" 0

# ---- the same here ----
base64 -di "$work/out64" | tar xzf - -C "$work" || not_ok "the trace comes out of the guest"
if "$kmemsim" run "$work/guest.kmt.d/experiment.json" --db "$work/r.db" -q --check >"$work/out" 2>&1; then
	ok "replayed here"
else
	not_ok "replayed here" "$(cat "$work/out")"
fi
same "the guest's run and this one: one digest" "$(guest digest)" "$(digest "$work/r.db")"
for f in start/buddyinfo start/slabinfo end/pagetypeinfo end/zoneinfo end/slab.tsv topology.tsv version; do
	[ -s "$work/guest.kmt.d/$f" ] || not_ok "the state has $f"
done
"$kmemsim" show latest --db "$work/r.db"
if [ -n "$KMS_GUEST_KEEP" ]; then cp -r "$work/guest.kmt" "$work/guest.kmt.d" "$KMS_GUEST_KEEP"; fi
exit $status
