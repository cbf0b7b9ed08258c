/* main.c - sim: runs seeds of a simulated region and says which one breaks an invariant, with the command that repeats it.
 *
 *   sim [--seeds N] [--seed S] [--nodes 26] [--trace] [--repeat] [--bug-expected] [--story] [--jobs J]
 *     --seeds N        run seeds S .. S+N-1 (default 100), one process a core
 *     --seed S         the first seed (default 1); alone: only that one
 *     --trace          say what happens
 *     --repeat         run each seed twice and compare the hashes of all that happened
 *     --bug-expected   success is that some seed fails
 *     --story          three nodes, one record, in words
 *     --threat WHAT    hub: one hub of two is hostile for ever; eclipse: one office has only a liar for a day;
 *                      replay: all that one node was sent comes again
 * Exit: 0 as expected, 1 not, 2 wrong usage. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "tests/sim/world.h"

struct command {
    struct options options;
    uint64_t seeds;
    unsigned jobs;
    bool is_repeat, is_bug_expected, has_seed, has_seeds;
};

struct tally { /* shared between the processes */
    uint64_t next, done, failed, first_failed;
    uint64_t at[64]; /* the seed that each process is at, for those that die */
    uint64_t steps, commits, messages, crashes, breaks, forks, restores, cuts, heal_us_most, trace;
};

static bool seed_run(const struct options *options, struct tally *tally, uint64_t *ret_trace, char *ret_why, size_t why_cap)
{
    struct world *world = malloc(sizeof *world);
    bool is_good;

    if (world == NULL) {
        abort();
    }
    world_init(world, options);
    is_good = world_run(world);
    if (!is_good) {
        (void)snprintf(ret_why, why_cap, "%s", world->failure);
    }
    *ret_trace = world->trace;
    if (tally != NULL) {
        uint64_t heal_us = world->end_us - world->heal_us;

        __atomic_fetch_add(&tally->steps, world->steps, __ATOMIC_RELAXED);
        __atomic_fetch_add(&tally->commits, world->commits, __ATOMIC_RELAXED);
        __atomic_fetch_add(&tally->messages, world->messages, __ATOMIC_RELAXED);
        __atomic_fetch_add(&tally->crashes, world->crashes, __ATOMIC_RELAXED);
        __atomic_fetch_add(&tally->breaks, world->breaks, __ATOMIC_RELAXED);
        __atomic_fetch_add(&tally->forks, world->forks, __ATOMIC_RELAXED);
        __atomic_fetch_add(&tally->restores, world->restores, __ATOMIC_RELAXED);
        __atomic_fetch_add(&tally->cuts, world->cuts, __ATOMIC_RELAXED);
        __atomic_fetch_xor(&tally->trace, world->trace, __ATOMIC_RELAXED);
        if (is_good && heal_us > tally->heal_us_most) {
            tally->heal_us_most = heal_us;
        }
    }
    world_fini(world);
    free(world);
    judge_fini();
    return is_good;
}

static void failure_say(const struct command *command, uint64_t seed, const char *why)
{
    static const char *const threats[] = {"", " --threat hub", " --threat eclipse", " --threat replay"};

    printf("seed %" PRIu64 ": %s\n    again with: sim --seed %" PRIu64 " --nodes %u%s --trace\n", seed, why, seed, command->options.nodes, threats[command->options.threat]);
    (void)fflush(stdout);
}

static bool one_seed(const struct command *command, struct tally *tally, uint64_t seed)
{
    struct options options = command->options;
    char why[300];
    uint64_t first = 0;
    uint64_t second = 0;
    bool is_good;

    options.seed = seed;
    is_good = seed_run(&options, tally, &first, why, sizeof why);
    if (is_good && command->is_repeat) {
        is_good = seed_run(&options, NULL, &second, why, sizeof why) && first == second;
        if (!is_good) {
            (void)snprintf(why, sizeof why, "the second run differs from the first");
        }
    }
    if (!is_good && !command->is_bug_expected) {
        failure_say(command, seed, why);
    } else if (!is_good) {
        printf("seed %" PRIu64 " finds the bug: %s\n", seed, why);
        (void)fflush(stdout);
    }
    return is_good;
}

static void work(const struct command *command, struct tally *tally, unsigned job)
{
    for (;;) {
        uint64_t at = __atomic_fetch_add(&tally->next, 1, __ATOMIC_SEQ_CST);
        uint64_t seed = command->options.seed + at;

        if (at >= command->seeds || (command->is_bug_expected && tally->failed > 0)) {
            break;
        }
        tally->at[job] = seed;
        if (!one_seed(command, tally, seed)) {
            __atomic_fetch_add(&tally->failed, 1, __ATOMIC_SEQ_CST);
        }
        __atomic_fetch_add(&tally->done, 1, __ATOMIC_SEQ_CST);
    }
    (void)fflush(stdout);
    _exit(0);
}

static void jobs_run(const struct command *command, struct tally *tally)
{
    pid_t pids[64];

    for (unsigned i = 0; i < command->jobs; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            work(command, tally, i);
        }
        if (pids[i] < 0) {
            perror("fork");
            exit(2);
        }
    }
    for (unsigned i = 0; i < command->jobs; i++) {
        int status = 0;

        if (waitpid(pids[i], &status, 0) != pids[i] || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            failure_say(command, tally->at[i], "S14: the process died");
            tally->failed++;
        }
    }
}

static int many(const struct command *command)
{
    struct tally *tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (tally == MAP_FAILED) {
        perror("mmap");
        return 2;
    }
    jobs_run(command, tally);
    printf("%" PRIu64 " seeds of %u nodes: %" PRIu64 " failed; %" PRIu64 " steps, %" PRIu64 " commits, %" PRIu64 " messages, %" PRIu64
           " breaks, %" PRIu64 " power cuts, %" PRIu64 " images put back, %" PRIu64 " forks, %" PRIu64 " cuts; healed in %.0f s at most; trace %016" PRIx64 "\n",
           tally->done, command->options.nodes, tally->failed, tally->steps, tally->commits, tally->messages, tally->breaks, tally->crashes,
           tally->restores, tally->forks, tally->cuts, (double)tally->heal_us_most / 1e6, tally->trace);
    return (tally->failed > 0) == command->is_bug_expected ? 0 : 1;
}

static uint64_t number(const char *text)
{
    char *end = NULL;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') {
        fprintf(stderr, "sim: %s is not a number\n", text);
        exit(2);
    }
    return value;
}

static void arguments(int argc, char **argv, struct command *ret)
{
    static const struct option long_options[] = {
        {"seeds", required_argument, NULL, 'n'},  {"seed", required_argument, NULL, 's'}, {"nodes", required_argument, NULL, 'k'},
        {"jobs", required_argument, NULL, 'j'},   {"trace", no_argument, NULL, 't'},      {"repeat", no_argument, NULL, 'r'},
        {"bug-expected", no_argument, NULL, 'b'}, {"story", no_argument, NULL, 'y'},      {"threat", required_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (c) {
        case 'n':
            ret->seeds = number(optarg);
            ret->has_seeds = true;
            break;
        case 's':
            ret->options.seed = number(optarg);
            ret->has_seed = true;
            break;
        case 'k':
            ret->options.nodes = (uint32_t)number(optarg);
            break;
        case 'j':
            ret->jobs = (unsigned)number(optarg);
            break;
        case 't':
            ret->options.is_trace = true;
            break;
        case 'r':
            ret->is_repeat = true;
            break;
        case 'b':
            ret->is_bug_expected = true;
            break;
        case 'h':
            ret->options.threat = strcmp(optarg, "hub") == 0 ? THREAT_HUB : strcmp(optarg, "eclipse") == 0  ? THREAT_ECLIPSE
                                                                                     : strcmp(optarg, "replay") == 0 ? THREAT_REPLAY
                                                                                                                     : THREAT_NONE;
            if (ret->options.threat == THREAT_NONE) {
                fprintf(stderr, "sim: threats are hub, eclipse and replay\n");
                exit(2);
            }
            break;
        case 'y':
            ret->options.is_story = true;
            break;
        default:
            exit(2);
        }
    }
    if (ret->has_seed && !ret->has_seeds) {
        ret->seeds = 1;
    }
    if (ret->options.is_story) {
        ret->options.nodes = 3;
        ret->seeds = 1;
    }
    if (ret->options.nodes < 3 || ret->options.nodes > SIM_NODES_MAX || ret->jobs < 1 || ret->jobs > 64) {
        fprintf(stderr, "sim: 3 to %d nodes, 1 to 64 jobs\n", SIM_NODES_MAX);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct command command = {.options = {.seed = 1, .nodes = 26}, .seeds = 100};

    command.jobs = cores < 1 ? 1 : cores > 64 ? 64 : (unsigned)cores;
    arguments(argc, argv, &command);
    if (crypto_start() != ERR_OK) {
        fprintf(stderr, "sim: libsodium does not start, or memory cannot be locked\n");
        return 2;
    }
    if (command.seeds == 1) {
        if (!one_seed(&command, NULL, command.options.seed)) {
            return command.is_bug_expected ? 0 : 1;
        }
        if (!command.options.is_story) {
            printf("seed %" PRIu64 " is well\n", command.options.seed);
        }
        return command.is_bug_expected ? 1 : 0;
    }
    return many(&command);
}
