#!/bin/sh
# The first demonstration, as `make demo` runs it: a real kernel's requests on a
# simulated machine, and why slab caches sit on top of the page allocator.
#   configs/demo.sh PATH_OF_KMEMSIM
kmemsim=$1
set -e
echo "== A recorded boot and workload on SLUB, one CPU, cycle timing"
"$kmemsim" run configs/experiments/slub-up.json
echo
"$kmemsim" show latest
echo
echo "== The same requests with and without slab caches"
"$kmemsim" run configs/experiments/why-slabs-slub.json configs/experiments/why-slabs-noslab.json
echo
"$kmemsim" plot slub-up -o plots/out/slub-up
"$kmemsim" plot why-slabs-slub why-slabs-noslab --type waste-compare,fragmentation -o plots/out/why-slabs
echo
echo "== Summary"
"$kmemsim" list
echo
echo "Everything measured is in results/kmemsim.db (try: $kmemsim list), pictures are in plots/out/"
