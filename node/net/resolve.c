#include "node/net/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { HOST_BYTES_MAX = 256, PORT_BYTES_MAX = 8, ANSWER_BYTES_MAX = 320, STACK_BYTES = 512 * 1024 };

/* Shared with a thread of its own, since getaddrinfo cannot be told to stop; whoever lets go last frees it. (getaddrinfo_a would do the same
 * with threads that no sanitizer knows of.) */
struct resolve {
    atomic_int state, holders;
    char host[HOST_BYTES_MAX], port[PORT_BYTES_MAX];
    char answer[ANSWER_BYTES_MAX]; /* the thread's until state is not RESOLVE_PENDING */
};

static bool split(const char *address, char host[HOST_BYTES_MAX], char port[PORT_BYTES_MAX])
{
    const char *begin = address + strlen("tcp://"), *colon = strrchr(address, ':');
    if (strncmp(address, "tcp://", strlen("tcp://")) != 0 || colon < begin || (size_t)(colon - begin) >= HOST_BYTES_MAX ||
        strlen(colon + 1) >= PORT_BYTES_MAX) {
        return false;
    }
    memcpy(host, begin, (size_t)(colon - begin));
    host[colon - begin] = '\0';
    strcpy(port, colon + 1);
    return true;
}

bool resolve_is_needless(const char *address)
{
    char host[HOST_BYTES_MAX], port[PORT_BYTES_MAX];
    struct in_addr number;
    return !split(address, host, port) || host[0] == '[' || inet_pton(AF_INET, host, &number) == 1;
}

static void let_go(struct resolve *resolve)
{
    if (atomic_fetch_sub(&resolve->holders, 1) == 1) {
        free(resolve);
    }
}

static enum resolve_state look_up(struct resolve *resolve)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *all = NULL;
    char host[HOST_BYTES_MAX];
    int code = getaddrinfo(resolve->host, resolve->port, &hints, &all);
    const struct addrinfo *best = all;
    for (const struct addrinfo *one = all; one != NULL && best->ai_family != AF_INET; one = one->ai_next) {
        best = one->ai_family == AF_INET ? one : best;
    }
    if (code == 0) {
        code = getnameinfo(best->ai_addr, best->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST);
    }
    if (code == 0) {
        snprintf(resolve->answer, sizeof resolve->answer, best->ai_family == AF_INET6 ? "tcp://[%s]:%s" : "tcp://%s:%s", host, resolve->port);
    } else {
        snprintf(resolve->answer, sizeof resolve->answer, "the address of %.80s is not known: %s", resolve->host, gai_strerror(code));
    }
    if (all != NULL) {
        freeaddrinfo(all);
    }
    return code == 0 ? RESOLVE_DONE : RESOLVE_FAILED;
}

static void *resolve_main(void *arg)
{
    struct resolve *resolve = arg;
    atomic_store(&resolve->state, look_up(resolve));
    let_go(resolve);
    return NULL;
}

struct resolve *resolve_new(const char *address)
{
    struct resolve *resolve = calloc(1, sizeof *resolve);
    pthread_attr_t attributes;
    pthread_t thread;
    if (resolve == NULL || !split(address, resolve->host, resolve->port) || pthread_attr_init(&attributes) != 0) {
        free(resolve);
        return NULL;
    }
    atomic_init(&resolve->state, RESOLVE_PENDING);
    atomic_init(&resolve->holders, 2);
    bool is_good = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0 &&
                   pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
                   pthread_create(&thread, &attributes, resolve_main, resolve) == 0; /* it blocks the signals that we block: all */
    pthread_attr_destroy(&attributes);
    if (!is_good) {
        free(resolve);
        return NULL;
    }
    return resolve;
}

enum resolve_state resolve_look(const struct resolve *resolve, char *ret, size_t n)
{
    enum resolve_state state = (enum resolve_state)atomic_load(&resolve->state);
    if (state != RESOLVE_PENDING) {
        snprintf(ret, n, "%s", resolve->answer);
    }
    return state;
}

void resolve_destroy(struct resolve **resolve)
{
    if (*resolve != NULL) {
        let_go(*resolve);
        *resolve = NULL;
    }
}
