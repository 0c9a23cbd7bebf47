#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Each cross reference of the manual leads to a page: one of ours, or one of the system's that
# is listed here (it need not be installed where this runs).
# shellcheck source=tests/manual/lib.sh
. "$(dirname "$0")/lib.sh"

system=" accept 2 aio 7 capabilities 7 chmod 2 chrt 1 clock_gettime 2 connect 2 cpuset 7 epoll 7 errno 3
 ethtool 8 execve 2 fdatasync 2 fork 2 free 3 fsync 2 getaddrinfo 3 getrandom 2 getrlimit 2 getsockopt 2
 ibv_devices 1 ibv_devinfo 1 inotify 7 io_uring 7 ip 7 ip 8 ipv6 7 kill 1 kill 2 ip-link 8 ip-netns 8
 listen 2 locks 7 malloc 3 man 1 mbind 2 mkfifo 1 mmap 2 namespaces 7 netem 8 network_namespaces 7 nft 8
 numactl 8 open 2 packet 7 ping 8 pipe 2 poll 2 ppoll 2 prctl 2 pthread_create 3 pthreads 7 raw 7 rdma 8
 rdma_cm 7 read 2 recvmmsg 2 sched 7 sched_yield 2 select 2 sendmmsg 2 setpriority 2 setsockopt 2 sigaction 2
 signal 7 signal-safety 7 socket 2 socket 7 ss 8 strerror 3 sysctl 8 tc 8 tc-netem 8 tcpdump 8 time 7 timerfd_create 2
 udp 7 ulimit 1 umask 2 unix 7 veth 4 write 2 "
system=$(echo "$system" | tr '\n' ' ')

for page in "$man"/*; do
    [ ! -L "$page" ] || continue
    # .Xr at the beginning of a line, and inline after another macro.
    sed -n 's/^\.\(.* \)\{0,1\}Xr \([A-Za-z0-9_-]*\) \([1-9]\).*/\2 \3/p' "$page" | sort -u >"$tmp/links"
    while read -r name section; do
        checked=$((checked + 1))
        [ -e "$man/$name.$section" ] && continue
        case $system in
        *" $name $section "*) ;;
        *) complain "$(basename "$page"): $name($section), to which it refers" ;;
        esac
    done <"$tmp/links"
done
finish 100
