# The pictures of scaling.md, from scaling.dat (script/scaling writes it): gnuplot scaling.gnuplot
set terminal svg size 800,400 font 'sans-serif,14' background 'white'
set logscale x 2
set xtics (8, 64, 256, 1000)
set xrange [6:1300]
set xlabel 'members'
set grid
set key left top
set style line 1 lc rgb '#0060ad' lw 2 pt 7 ps 0.8
set style line 2 lc rgb '#dd181f' lw 2 pt 5 ps 0.8
set style line 3 lc rgb '#888888' lw 2 dt 2

set output 'scaling-control.svg'
set title 'Control packets received by one member for 1000 packets of data'
set yrange [0:5500]
plot 'scaling.dat' index 0 using 1:4 with linespoints ls 1 title 'the busiest', \
     '' index 0 using 1:5 with linespoints ls 2 title 'mean', \
     4800 with lines ls 3 title 'bound'

set output 'scaling-requests.svg'
set title 'Requests at the sender for each packet'
set yrange [0:4]
plot 'scaling.dat' index 0 using 1:7 with linespoints ls 1 title 'that all have lost', \
     '' index 0 using 1:3 with linespoints ls 2 title 'that one has lost', \
     3 with lines ls 3 title 'bound with 1000, lost by all'

set output 'scaling-stable.svg'
set title 'From sending a packet to knowing that everybody has taken it'
set ylabel 'ms'
set yrange [0:*]
plot 'scaling.dat' index 0 using 1:9 with linespoints ls 1 title 'IP multicast', \
     'scaling.dat' index 1 using 1:5 with linespoints ls 2 title 'without'

set output 'scaling-memory.svg'
set title 'Memory of one member'
set ylabel 'KiB'
plot 'scaling.dat' index 0 using 1:($10/1024) with linespoints ls 1 title 'all of it', \
     '' index 0 using 1:($11/1024) with linespoints ls 2 title 'packets, with one application stuck', \
     '' index 0 using 1:($12/1024) with lines ls 3 title 'their bound'
