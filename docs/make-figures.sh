#!/bin/sh
# Draws anew the tables and pictures of docs/comparing.md: make docs-figures, or
# docs/make-figures.sh BUILD [DATABASE]. Runs that the database has already are
# not repeated. Takes some minutes; needs gnuplot and sqlite3.
set -e
build=${1:-build}
db=${2:-results/figures.db}
kmemsim=$build/kmemsim
jobs=${JOBS:-2}
page=docs/comparing.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

compare() { "$kmemsim" compare "$@" --db "$db" --jobs "$jobs"; }

# What stands in the page between "<!-- NAME" and "<!-- end -->" becomes standard input.
replace() {
	cat >"$work/new"
	awk -v name="$1" -v new="$work/new" '
		index($0, "<!-- " name) { print; while ((getline line < new) > 0) print line; skip = 1 }
		/^<!-- end -->/ { skip = 0 }
		!skip' "$page" >"$work/page"
	cp "$work/page" "$page"
}

# The newest complete run of a slab allocator on the comparison's work.
run_of() {
	sqlite3 "$db" "select max(id) from run where name = '$1' and policy = '$2' and status = 'complete'"
}

# ---- four slab allocators and none ----

experiment=configs/experiments/allocators-smp4.json
compare $experiment >/dev/null # runs what is missing
for section in memory waste latency contention hardware; do
	compare $experiment --markdown --top 3 --section $section -q |
		awk '/^\|/ { print } /^$/ { exit }' | replace "$section"
done
compare $experiment --markdown -q --section other | sed '1,/^$/{/^|/d;/^$/d}' | sed 's/^/> /' | replace words
runs=
for policy in slub slab slob sheaves noslab; do runs="$runs $(run_of allocators-smp4 $policy)"; done
"$kmemsim" plot $runs --type comparison,waste-compare -f svg -o docs/pictures/allocators --db "$db" -q

for policy in slub slab slob; do
	{
		echo '```'
		"$kmemsim" show "$(run_of allocators-smp4 $policy)" --db "$db" --section fields --top 7 | tail -n +2
		echo '```'
	} | replace "fields $policy"
done

# ---- memory against p99 latency ----

for sweep in pareto-sheaves pareto-cpu-partial pareto-pcp; do
	compare configs/experiments/$sweep.json >/dev/null
done
out=docs/pictures/pareto
mkdir -p $out
point() {
	sqlite3 -separator "$(printf '\t')" "$db" "
		select r.$2, p.value, h.value / 1048576, m.value from
			(select max(id) as id, json_extract(config, '\$.allocator.$2') as $2 from run
				where name = '$1' and status = 'complete' group by $2) r
			join metric_value p on p.run = r.id and p.phase = -1 and p.name = 'latency_p99'
			join metric_value m on m.run = r.id and m.phase = -1 and m.name = 'latency_mean'
			join metric_value h on h.run = r.id and h.phase = -1 and h.name = 'held_bytes_peak'
		order by cast(r.$2 as integer)"
}
{
	printf '# %s\tp99 latency (ns)\tpeak memory (MiB)\tmean latency (ns)\n' parameter
	printf 'sheaf_capacity\n'; point pareto-sheaves sheaf_capacity; printf '\n\n'
	printf 'cpu_partial\n'; point pareto-cpu-partial cpu_partial; printf '\n\n'
	printf 'pcp_high\n'; point pareto-pcp pcp_high | awk -F'\t' '{ print } $1 == 0 { print "" }' # 0: no line to 64
} >$out/pareto.tsv
cat >$out/pareto.gp <<'GP'
# Draws pareto.svg from pareto.tsv beside it: gnuplot pareto.gp
set terminal svg size 1000,620 font 'sans,12' background rgb 'white'
set output 'pareto.svg'
set title 'Memory against p99 latency: sheaf capacity, cpu\_partial, pcp high'
set xlabel 'p99 latency of a request [ns]'
set ylabel 'memory held at the peak [MiB]'
set label 'better: down and to the left' at graph 0.02, graph 0.04 font ',10' textcolor rgb '#444444'
set grid
set key outside right top
set datafile separator "\t"
set offsets graph 0.05, graph 0.05, graph 0.05, graph 0.05
plot for [i=0:2] 'pareto.tsv' index i using 2:3 with linespoints linewidth 1.4 pointsize 1.2 \
	pointtype 5 + 2 * i linecolor rgb word('#0072b2 #d55e00 #009e73', i + 1) \
	title word('sheaf\_capacity cpu\_partial pcp\_high', i + 1), \
	for [i=0:2] 'pareto.tsv' index i using 2:3:1 with labels offset character 0.8, 0.6 left font ',9' \
	textcolor rgb word('#0072b2 #d55e00 #009e73', i + 1) notitle
GP
(cd $out && gnuplot pareto.gp)
{
	for series in 'pareto-sheaves sheaf_capacity' 'pareto-cpu-partial cpu_partial' 'pareto-pcp pcp_high'; do
		set -- $series
		printf '| %s |' "$2"; point "$1" "$2" | awk -F'\t' '{ printf " %s |", $1 }'; echo
		[ "$1" = pareto-sheaves ] && awk 'BEGIN { printf "|---|"; for (i = 0; i < 8; i++) printf "---:|"; print "" }'
		printf '| p99, ns |'; point "$1" "$2" | awk -F'\t' '{ printf " %.0f |", $2 }'; echo
		printf '| mean, ns |'; point "$1" "$2" | awk -F'\t' '{ printf " %.1f |", $4 }'; echo
		printf '| held at the peak, MiB |'; point "$1" "$2" | awk -F'\t' '{ printf " %.2f |", $3 }'; echo
	done
} | replace pareto
