#!/bin/sh
# `calibrate` measures this computer and writes a machine that runs.
. tests/e2e/lib.sh
if "$kmemsim" calibrate --largest 4 -o "$work/host.json" --json >"$work/out" 2>"$work/err"; then ok "measures"
else not_ok "measures" "$(cat "$work/err")"; exit 1; fi
if grep -q '"clock"' "$work/out" && grep -q '"simulated_ns"' "$work/out"; then ok "prints what it found"; else not_ok "prints what it found" "$(cat "$work/out")"; fi
if run "$work/db" synthetic --set machine="$work/host.json" --set workload.synthetic.cpus=1 --set workload.synthetic.remote_free_share=0 --set workload.max_requests=2000; then ok "the machine runs"; else not_ok "the machine runs"; fi
"$kmemsim" calibrate --largest 4 -o "$work/host.json" >"$work/out" 2>"$work/err"
is "an existing file is kept" "$?" 2
"$kmemsim" calibrate --largest lots >"$work/out" 2>"$work/err"
is "a bad size is refused" "$?" 2
exit $status
