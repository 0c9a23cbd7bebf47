/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program of a story. Compiled as it ships it tells the story once. Compiled
 * with GCS_MUTANTS it tells it once more with each mutant that the story names, in
 * a process of its own, and fails if that goes well: a story must be able to fail.
 */
#include "tests/stories/stage/stage.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef GCS_MUTANTS

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum gcs_mutant gcs_mutant;

#define SECONDS_MAX 60

static int tell_apart(void (*tell)(void), enum gcs_mutant mutant)
{
    int status = 0;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        alarm(SECONDS_MAX);
        stage.terse = mutant != GCS_MUTANT_none;
        gcs_mutant = mutant;
        tell();
        exit(EXIT_SUCCESS);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("fork");
        exit(2);
    }
    return status;
}

/* Bugs that are meant for this story and that it does not name. */
static int forgotten(const char *program, const struct story_mutant *mutants, size_t count)
{
    static const char *const meant[][2] = {
#define MEANT(mutant, story, text) {#mutant, "story-" story "-mutants"},
        GCS_STORY_MUTANT_TABLE(MEANT)
#undef MEANT
    };
    const char *slash = strrchr(program, '/');
    int result = EXIT_SUCCESS;

    for (size_t i = 0; i < sizeof(meant) / sizeof(*meant); i++) {
        bool named = strcmp(meant[i][1], slash ? slash + 1 : program) != 0;

        for (size_t k = 0; k < count; k++)
            named |= strcmp(meant[i][0], mutants[k].name) == 0;
        if (!named) {
            printf("%s: is meant for this story, which does not name it\n", meant[i][0]);
            result = EXIT_FAILURE;
        }
    }
    return result;
}

int story_run(int argc, char **argv, void (*tell)(void), const struct story_mutant *mutants,
              size_t count)
{
    int result = forgotten(argv[0], mutants, count);

    (void)argc;
    if (tell_apart(tell, GCS_MUTANT_none) != 0) {
        printf("%s: fails without a mutant\n", argv[0]);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < count; i++) {
        int status;

        printf("%s: ", mutants[i].name);
        status = tell_apart(tell, (enum gcs_mutant)mutants[i].number);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
            printf("trips an assertion\n");
        if ((WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE) ||
            (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT))
            continue;
        printf("%s\n", status == 0 ? "NOT NOTICED" : "did not end as it should");
        result = EXIT_FAILURE;
    }
    return result;
}

#else

int story_run(int argc, char **argv, void (*tell)(void), const struct story_mutant *mutants,
              size_t count)
{
    (void)argc;
    (void)argv;
    (void)mutants;
    (void)count;
    tell();
    return EXIT_SUCCESS;
}

#endif
