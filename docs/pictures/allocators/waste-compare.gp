# Draws waste-compare.svg from waste-compare.tsv: gnuplot waste-compare.gp, in this folder.
# bytes held by cause, at the peak and at the end, as bars for one or several runs.
set encoding utf8
set datafile separator tab
set border 3 linecolor rgb '#444444'
set tics nomirror out textcolor rgb '#222222'
set grid ytics back linewidth 0.6 dashtype 1 linecolor rgb '#cccccc'
set tmargin at screen 0.90
set xrange [-0.8:13]
set yrange [0:233.949]
unset xtics
set bmargin 5
set ylabel 'bytes held [MiB]'
set rmargin 30
set key at graph 1.03, graph 1 left top Left reverse samplen 2.5 spacing 1.3
set label 'at its peak' at first 0, graph -0.04 center font ',11'
set label 'at the end' at first 1, graph -0.04 center font ',11'
set label 'run 1 allocators-smp4' at first 0.5, graph -0.10 center
set label 'policy slub' at first 0.5, graph -0.155 center font ',11'
set label 'at its peak' at first 2.8, graph -0.04 center font ',11'
set label 'at the end' at first 3.8, graph -0.04 center font ',11'
set label 'run 2 allocators-smp4' at first 3.3, graph -0.10 center
set label 'policy slab' at first 3.3, graph -0.155 center font ',11'
set label 'at its peak' at first 5.6, graph -0.04 center font ',11'
set label 'at the end' at first 6.6, graph -0.04 center font ',11'
set label 'run 4 allocators-smp4' at first 6.1, graph -0.10 center
set label 'policy slob' at first 6.1, graph -0.155 center font ',11'
set label 'at its peak' at first 8.4, graph -0.04 center font ',11'
set label 'at the end' at first 9.4, graph -0.04 center font ',11'
set label 'run 3 allocators-smp4' at first 8.9, graph -0.10 center
set label 'policy sheaves' at first 8.9, graph -0.155 center font ',11'
set label 'at its peak' at first 11.2, graph -0.04 center font ',11'
set label 'at the end' at first 12.2, graph -0.04 center font ',11'
set label 'run 5 allocators-smp4' at first 11.7, graph -0.10 center
set label 'policy noslab' at first 11.7, graph -0.155 center font ',11'
held(t) = sprintf('%.1f MiB', t/1048576)
wasted(r, t) = sprintf('%.1f %% waste', t > 0 ? 100*(t-r)/t : 0)

set terminal svg size 1830,620 fixed noenhanced font 'DejaVu Sans,13' linewidth 1.2 dashlength 1 background rgb 'white' name 'kmemsim'
text = 0
set output 'waste-compare.svg'
set multiplot title 'Memory held at the peak and at the end, by cause'
plot 'waste-compare.tsv' index 0 using 1:(0):($1-0.4):($1+0.4):($6/1048576):($7/1048576) with boxxyerror fillstyle solid 1.0 border linecolor rgb 'black' fillcolor rgb '#009e73' linewidth 0.7 title 'cached per CPU', \
  'waste-compare.tsv' index 0 using 1:(0):($1-0.4):($1+0.4):($5/1048576):($6/1048576) with boxxyerror fillstyle pattern 5 border linecolor rgb 'black' fillcolor rgb '#0072b2' linewidth 0.7 title 'free in partial slabs', \
  'waste-compare.tsv' index 0 using 1:(0):($1-0.4):($1+0.4):($4/1048576):($5/1048576) with boxxyerror fillstyle pattern 4 border linecolor rgb 'black' fillcolor rgb '#d55e00' linewidth 0.7 title 'page-order rounding', \
  'waste-compare.tsv' index 0 using 1:(0):($1-0.4):($1+0.4):($3/1048576):($4/1048576) with boxxyerror fillstyle pattern 1 border linecolor rgb 'black' fillcolor rgb '#000000' linewidth 0.7 title 'slab tail', \
  'waste-compare.tsv' index 0 using 1:(0):($1-0.4):($1+0.4):($2/1048576):($3/1048576) with boxxyerror fillstyle solid 1.0 border linecolor rgb 'black' fillcolor rgb '#e69f00' linewidth 0.7 title 'size rounding', \
  'waste-compare.tsv' index 0 using 1:(0):($1-0.4):($1+0.4):(0/1048576):($2/1048576) with boxxyerror fillstyle solid 1.0 border linecolor rgb 'black' fillcolor rgb '#bdbdbd' linewidth 0.7 title 'requested', \
  '' using 1:($7/1048576):(held($7)) with labels offset 0,1.7 notitle, \
  '' using 1:($7/1048576):(wasted($2,$7)) with labels offset 0,0.6 font ',10' notitle
unset multiplot
set output

