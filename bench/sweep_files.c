/* SPDX-License-Identifier: BSD-3-Clause */
/* Data and pictures: see sweep.h. */
#include "sweep.h"

#include <errno.h>
#include <gcs/gcs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- The machine ------------------------------------------------------------------------ */

static void find_processor(char *text, size_t size)
{
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];

    snprintf(text, size, "unknown processor");
    while (file && fgets(line, sizeof(line), file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(text, size, "%s", colon + 2);
        break;
    }
    if (file)
        (void)fclose(file);
}

void bench_machine_describe(char *text, size_t size)
{
    double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    struct utsname system = {.release = "unknown"};
    char processor[128];

    find_processor(processor, sizeof(processor));
    (void)uname(&system);
    snprintf(text, size, "%s, %ld cores, %.0f GiB, Linux %s", processor,
             sysconf(_SC_NPROCESSORS_ONLN), memory / (1 << 30), system.release);
}

/* ---- Data ---------------------------------------------------------------------------------- */

static FILE *open_file(const struct bench_options *options, const char *name)
{
    char *path = NULL;
    FILE *file = asprintf(&path, "%s/%s", options->output, name) > 0 ? fopen(path, "w") : NULL;

    if (!file)
        bench_complain(options, "%s: %s", path ? path : name, strerror(errno));
    free(path);
    return file;
}

FILE *bench_sweep_open(const struct bench_options *options, const char *name, const char *columns)
{
    char machine[BENCH_MACHINE_MAX], file_name[64];

    snprintf(file_name, sizeof(file_name), "sweep-%s.dat", name);
    FILE *file = open_file(options, file_name);
    if (!file)
        return NULL;
    bench_machine_describe(machine, sizeof(machine));
    fprintf(file, "# libgcs %s on %s\n# %s, medians of %u runs of %g s\n# %s\n", gcs_version(),
            machine, options->url, options->runs, options->seconds, columns);
    return file;
}

/* ---- Pictures ---------------------------------------------------------------------------------
 */

/* The machine, members, service. A picture without a point would be an error, and the end of the
 * others. */
static const char script[] =
    "set terminal svg size 800,500 font 'sans-serif,14' background 'white'\n"
    "machine = \"%s\"\n"
    "members = \"%u members\"\n"
    "service = \"%s\"\n"
    "has(name) = int(system(\"grep -c '^[-0-9]' sweep-\" . name . \".dat\")) > 0\n"
    "set key outside bottom center horizontal\n"
    "set grid\n"
    "set style line 1 lc rgb '#0060ad' lw 2 pt 7 ps 0.6\n"
    "set style line 2 lc rgb '#dd181f' lw 2 pt 5 ps 0.6\n"
    "set style line 3 lc rgb '#888888' lw 2 dt 2 pt 6 ps 0.6\n"
    "\n"
    "if (has('throughput')) {\n"
    "set output 'sweep-throughput.svg'\n"
    "set title \"Throughput: \" . members . \", all send, \" . service . \"\\n"
    "{/*0.7 \" . machine . \"}\"\n"
    "set logscale x 2\n"
    "set format x '%%.0b %%BB'\n"
    "set xlabel 'size of a message'\n"
    "set ylabel 'MB/s delivered at the slowest member'\n"
    "set yrange [0:*]\n"
    "plot 'sweep-throughput.dat' using 1:2:3:4 with yerrorlines ls 1 title 'libgcs', \\\n"
    "     '' using 1:5 with linespoints ls 3 title 'the floor: no protocol'\n"
    "}\n"
    "\n"
    "if (has('latency')) {\n"
    "set output 'sweep-latency.svg'\n"
    "set title \"Latency under load: \" . members . \", all send 64 bytes, \" . service . \"\\n"
    "{/*0.7 \" . machine . \"}\"\n"
    "set logscale xy 10\n"
    "set format x '%%.0s%%c'\n"
    "set xlabel 'messages per second'\n"
    "set ylabel 'us from when it was due until the last member delivered'\n"
    "set yrange [10:*]\n"
    "plot 'sweep-latency.dat' using 1:2 with linespoints ls 1 title 'half are faster', \\\n"
    "     '' using 1:3 with linespoints ls 2 title '99 %%', \\\n"
    "     '' using 1:4 with linespoints ls 3 title '99.9 %%'\n"
    "}\n"
    "\n"
    "if (has('members')) {\n"
    "set output 'sweep-members.svg'\n"
    "set title \"Scaling: all send 1 KiB, \" . service . \"\\n{/*0.7 \" . machine . \"}\"\n"
    "unset logscale\n"
    "set format x '%%g'\n"
    "set xlabel 'members, all on this machine'\n"
    "set ylabel 'MB/s delivered at the slowest member'\n"
    "set yrange [0:*]\n"
    "plot 'sweep-members.dat' using 1:2:3:4 with yerrorlines ls 1 title 'libgcs', \\\n"
    "     '' using 1:5 with linespoints ls 3 title 'the floor: no protocol'\n"
    "}\n"
    "\n"
    "if (has('failover')) {\n"
    "set output 'sweep-failover.svg'\n"
    "set title \"The coordinator is killed (at 0): \" . members . \", all send 1 KiB\\n"
    "{/*0.7 \" . machine . \"}\"\n"
    "set xlabel 'ms'\n"
    "set ylabel 'MB/s delivered at a survivor'\n"
    "unset key\n"
    "plot 'sweep-failover.dat' using 1:2 with lines ls 1\n"
    "}\n";

static bool write_script(const struct bench_options *options)
{
    char machine[BENCH_MACHINE_MAX];
    FILE *file = open_file(options, "sweep.gnuplot");

    if (!file)
        return false;
    bench_machine_describe(machine, sizeof(machine));
    fprintf(file, script, machine, options->members, bench_service_name(options->service));
    return fclose(file) == 0;
}

bool bench_sweep_plot(const struct bench_options *options)
{
    int status = -1;

    if (!write_script(options))
        return false;
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (chdir(options->output) == 0)
            (void)execlp("gnuplot", "gnuplot", "sweep.gnuplot", (char *)NULL);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    bench_complain(options, "gnuplot %s; data and sweep.gnuplot are in %s",
                   WIFEXITED(status) && WEXITSTATUS(status) == 127 ? "is not installed" : "failed",
                   options->output);
    return false;
}
