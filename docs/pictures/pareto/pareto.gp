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
