# Draws comparison.svg from comparison.tsv: gnuplot comparison.gp, in this folder.
# the chief figures of several configurations as bars, with intervals over seeds.
set encoding utf8
set datafile separator tab
set border 3 linecolor rgb '#444444'
set tics nomirror out textcolor rgb '#222222'
set grid ytics back linewidth 0.6 dashtype 1 linecolor rgb '#cccccc'

set terminal svg size 1240,620 fixed noenhanced font 'DejaVu Sans,13' linewidth 1.2 dashlength 1 background rgb 'white' name 'kmemsim'
text = 0
set output 'comparison.svg'
set multiplot title 'The chief figures, as shares of the first column’s'
set lmargin at screen 0.085
set rmargin at screen 0.985
set bmargin at screen 0.19
set tmargin at screen 0.80
set xrange [-0.6:7.6]
set yrange [0:400]
set ylabel '% of the first column'
set xtics scale 0 ("mean latency\n100 %% is\n121.3 ns" 0, "p99 latency\n100 %% is\n991.2 ns" 1, "peak memory\n100 %% is\n43.24 MiB" 2, "internal frag.\n100 %% is\n1.56 %%" 3, "LLC misses\n100 %% is\n7.14 misses" 4, "line transfers\n100 %% is\n191,921 lines" 5, "lock wait\n100 %% is\n263.3 µs" 6, "DRAM reads\n100 %% is\n2,052,533 bursts" 7) font ',10'
set arrow from graph 0, first 100 to graph 1, first 100 nohead back dashtype 3 linecolor rgb '#444444'
set key at screen 0.985, screen 0.93 right top horizontal maxcols 4 maxrows 2 samplen 2.5
set label 'lower is better; bars beyond the top are cut. whiskers: 95 % confidence interval of the mean over seeds (bootstrap), where there are several' at screen 0.5, screen 0.02 center font ',10' textcolor rgb '#444444'
plot 'comparison.tsv' index 0 using 1:(0):($1-0.08):($1+0.08):(0):2 with boxxyerror fillstyle solid 1.0 border linecolor rgb 'black' fillcolor rgb '#0072b2' linewidth 0.7 title 'allocators-smp4 (slub), 1 run', \
  'comparison.tsv' index 1 using 1:(0):($1-0.08):($1+0.08):(0):2 with boxxyerror fillstyle pattern 4 border linecolor rgb 'black' fillcolor rgb '#e69f00' linewidth 0.7 title 'allocators-smp4 (slab), 1 run', \
  'comparison.tsv' index 2 using 1:(0):($1-0.08):($1+0.08):(0):2 with boxxyerror fillstyle solid 1.0 border linecolor rgb 'black' fillcolor rgb '#009e73' linewidth 0.7 title 'allocators-smp4 (slob), 1 run', \
  'comparison.tsv' index 3 using 1:(0):($1-0.08):($1+0.08):(0):2 with boxxyerror fillstyle pattern 5 border linecolor rgb 'black' fillcolor rgb '#d55e00' linewidth 0.7 title 'allocators-smp4 (sheaves), 1 run', \
  'comparison.tsv' index 4 using 1:(0):($1-0.08):($1+0.08):(0):2 with boxxyerror fillstyle solid 1.0 border linecolor rgb 'black' fillcolor rgb '#cc79a7' linewidth 0.7 title 'allocators-smp4 (noslab), 1 run'
unset multiplot
set output

