set terminal svg size 800,500 font 'sans-serif,14' background 'white'
machine = "AMD EPYC, 2 cores, 24 GiB, Linux 6.18.44-fc-v782"
members = "3 members"
service = "agreed"
has(name) = int(system("grep -c '^[-0-9]' sweep-" . name . ".dat")) > 0
set key outside bottom center horizontal
set grid
set style line 1 lc rgb '#0060ad' lw 2 pt 7 ps 0.6
set style line 2 lc rgb '#dd181f' lw 2 pt 5 ps 0.6
set style line 3 lc rgb '#888888' lw 2 dt 2 pt 6 ps 0.6

if (has('throughput')) {
set output 'sweep-throughput.svg'
set title "Throughput: " . members . ", all send, " . service . "\n{/*0.7 " . machine . "}"
set logscale x 2
set format x '%.0b %BB'
set xlabel 'size of a message'
set ylabel 'MB/s delivered at the slowest member'
set yrange [0:*]
plot 'sweep-throughput.dat' using 1:2:3:4 with yerrorlines ls 1 title 'libgcs', \
     '' using 1:5 with linespoints ls 3 title 'the floor: no protocol'
}

if (has('latency')) {
set output 'sweep-latency.svg'
set title "Latency under load: " . members . ", all send 64 bytes, " . service . "\n{/*0.7 " . machine . "}"
set logscale xy 10
set format x '%.0s%c'
set xlabel 'messages per second'
set ylabel 'us from when it was due until the last member delivered'
set yrange [10:*]
plot 'sweep-latency.dat' using 1:2 with linespoints ls 1 title 'half are faster', \
     '' using 1:3 with linespoints ls 2 title '99 %', \
     '' using 1:4 with linespoints ls 3 title '99.9 %'
}

if (has('members')) {
set output 'sweep-members.svg'
set title "Scaling: all send 1 KiB, " . service . "\n{/*0.7 " . machine . "}"
unset logscale
set format x '%g'
set xlabel 'members, all on this machine'
set ylabel 'MB/s delivered at the slowest member'
set yrange [0:*]
plot 'sweep-members.dat' using 1:2:3:4 with yerrorlines ls 1 title 'libgcs', \
     '' using 1:5 with linespoints ls 3 title 'the floor: no protocol'
}

if (has('failover')) {
set output 'sweep-failover.svg'
set title "The coordinator is killed (at 0): " . members . ", all send 1 KiB\n{/*0.7 " . machine . "}"
set xlabel 'ms'
set ylabel 'MB/s delivered at a survivor'
unset key
plot 'sweep-failover.dat' using 1:2 with lines ls 1
}
