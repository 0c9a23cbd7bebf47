/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-lab: real processes, real sockets, real kills, and the simulator's
 * checkers over what they trace. The last line says what came out:
 * "gcs-lab: ok: ..." or "gcs-lab: violation: PROPERTY ..."; the exit status is
 * 0, 1, or 2 for usage. Called by itself as a member it is one (member.h).
 */
#include "tests/lab/member.h"
#include "tests/lab/planted.h"
#include "tests/lab/report.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Signals: a pipe, so that whoever waits is woken -------------------------------- */

static int signal_fds[2] = {-1, -1};
static volatile sig_atomic_t signal_caught;

static void on_signal(int number)
{
    int error = errno;

    signal_caught = number;
    if (write(signal_fds[1], "", 1) < 0) {
        /* It is full, and readable. */
    }
    errno = error;
}

static bool catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, before;
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

    signal(SIGPIPE, SIG_IGN);
    if (pipe2(signal_fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (sigaction(numbers[i], NULL, &before) != 0)
            return false;
        if (before.sa_handler != SIG_IGN && sigaction(numbers[i], &action, NULL) != 0)
            return false;
    }
    return true;
}

/* Ends as the signal would have ended it. */
static void end_by_signal(void)
{
    fprintf(stderr, "gcs-lab: interrupted\n");
    signal(signal_caught, SIG_DFL);
    raise(signal_caught);
}

/* ---- The folder --------------------------------------------------------------------- */

static int is_ours(const struct dirent *entry)
{
    return strncmp(entry->d_name, "m-", 2) == 0 || strncmp(entry->d_name, "lab.", 4) == 0 ||
           strcmp(entry->d_name, "core") == 0;
}

/* What a run leaves in its folder: "m-*", "lab.*" and perhaps "core". */
static void empty_folder(const char *dir)
{
    struct dirent **entries;
    int count = scandir(dir, &entries, is_ours, alphasort);
    char path[PATH_MAX + 256];

    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
        unlink(path);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

/* With those above it. */
static bool make_folders(const char *path)
{
    char folder[PATH_MAX];

    if (snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder)) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (char *slash = folder + 1; *folder && (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdir(folder, 0755) != 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return mkdir(folder, 0755) == 0 || errno == EEXIST;
}

/* An absolute path, since members change to it. */
static bool make_folder(const struct lab_options *options, char path[PATH_MAX])
{
    char name[PATH_MAX];
    const char *tmp = getenv("TMPDIR");

    snprintf(name, sizeof(name), "%s/gcs-lab.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (options->dir ? !make_folders(options->dir) : !mkdtemp(name)) {
        fprintf(stderr, "gcs-lab: cannot make the folder \"%s\": %s\n",
                options->dir ? options->dir : name, strerror(errno));
        return false;
    }
    if (!realpath(options->dir ? options->dir : name, path)) {
        fprintf(stderr, "gcs-lab: \"%s\": %s\n", options->dir, strerror(errno));
        return false;
    }
    if (access(path, W_OK | X_OK) != 0) {
        fprintf(stderr, "gcs-lab: cannot write to the folder \"%s\": %s\n", path, strerror(errno));
        return false;
    }
    empty_folder(path);
    return true;
}

static void write_deeds(const struct lab_run *run, const struct lab_evidence *evidence,
                        const char *dir)
{
    char path[PATH_MAX + 32];
    FILE *out;

    snprintf(path, sizeof(path), "%s/lab.txt", dir);
    out = fopen(path, "w");
    if (!out)
        return;
    lab_report(run, evidence, out);
    lab_report_deeds(run, evidence, out);
    lab_report_violations(run, evidence, out);
    lab_report_result(run, evidence, dir, out);
    fclose(out);
}

/* ---- What there is to do ------------------------------------------------------------ */

static enum lab_exit say_result(const struct lab_options *options, const struct lab_run *run,
                                const struct lab_evidence *evidence, const char *dir)
{
    FILE *out = options->json ? stderr : stdout;

    if (run)
        lab_report(run, evidence, out);
    lab_report_violations(run, evidence, out);
    lab_report_result(run, evidence, dir, out);
    if (options->json)
        lab_report_json(run, evidence, dir, stdout);
    return lab_violation(run, evidence) ? LAB_VIOLATION : LAB_OK;
}

static enum lab_exit check_folder(const struct lab_options *options)
{
    struct lab_evidence evidence;
    enum lab_exit status;
    char text[300];

    if (!lab_evidence_read(&evidence, options->check, text, sizeof(text))) {
        fprintf(stderr, "gcs-lab: --check: %s\n", text);
        lab_evidence_clear(&evidence);
        return LAB_USAGE;
    }
    status = say_result(options, NULL, &evidence, options->check);
    lab_evidence_clear(&evidence);
    return status;
}

static enum lab_exit judge(const struct lab_options *options, struct lab_run *run, const char *dir,
                           bool *kept)
{
    struct lab_evidence evidence;
    enum lab_exit status;

    lab_evidence_take(&evidence, run, dir);
    *kept = *kept || lab_violation(run, &evidence);
    status = say_result(options, run, &evidence, *kept ? dir : NULL);
    if (*kept)
        write_deeds(run, &evidence, dir);
    lab_evidence_clear(&evidence);
    return status;
}

/* AUTO becomes what there is; all faults become those that it offers. */
static bool settle_network(struct lab_options *options)
{
    const enum lab_network_kind wanted = options->network;
    const bool all = options->faults == LAB_FAULTS_ALL;
    char why[200];

    options->network = lab_network_choose(wanted, options->members, why, sizeof(why));
    if (why[0] != '\0' && wanted != LAB_AUTO) {
        fprintf(stderr, "gcs-lab: --network: no %s: %s\n", lab_network_name(wanted), why);
        return false;
    }
    if (why[0] != '\0')
        fprintf(stderr, "gcs-lab: no network namespaces (%s): loopback\n", why);
    for (unsigned i = 0; i < LAB_FAULTS; i++) {
        if (lab_network_offers(options->network, (enum lab_fault)i))
            continue;
        if (!all && options->faults & 1U << i) {
            fprintf(stderr, "gcs-lab: --faults: \"%s\" %s\n", lab_fault_name((enum lab_fault)i),
                    options->network == LAB_RDMA ? "cannot be had with --network rdma"
                                                 : "needs network namespaces");
            return false;
        }
        options->faults &= ~(1U << i);
    }
    return true;
}

static enum lab_exit run_lab(struct lab_options *options)
{
    static struct lab_run run;
    enum lab_exit status = LAB_VIOLATION;
    char dir[PATH_MAX], trace[PATH_MAX + 16];
    bool kept = options->dir != NULL;

    if (!settle_network(options))
        return LAB_USAGE;
    if (!make_folder(options, dir))
        return LAB_USAGE;
    snprintf(trace, sizeof(trace), "%s/m-%%p.jsonl", dir);
    if (setenv("GCS_TRACE", trace, 1) != 0 || !catch_signals()) {
        perror("gcs-lab");
        return LAB_VIOLATION;
    }
    lab_run(&run, options, dir, signal_fds[0]);
    if (!signal_caught)
        status = judge(options, &run, dir, &kept);
    lab_run_clear(&run);
    if (!kept) {
        empty_folder(dir);
        rmdir(dir);
    }
    if (signal_caught)
        end_by_signal();
    return status;
}

int main(int argc, char **argv)
{
    struct lab_options options;
    enum lab_exit status;
    bool done;

    if (!lab_plant())
        return LAB_USAGE;
    if (argc > 1 && strcmp(argv[1], "--member") == 0)
        return lab_member_main(argc - 2, argv + 2);
    status = lab_options_parse(argc, argv, &options, &done);
    if (status != LAB_OK || done)
        return (int)status;
    setvbuf(stdout, NULL, _IOLBF, 0);
    return (int)(options.check ? check_folder(&options) : run_lab(&options));
}
