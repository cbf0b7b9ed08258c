#include "node/fleet.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/control.h"
#include "store/folder.h"

enum { COMMAND_LINE_BYTES_MAX = 8192, WORDS_MAX = 64, LOG_TAIL_BYTES = 4096 };

/* ---- command lines ---- */

struct command_line {
    char bytes[COMMAND_LINE_BYTES_MAX];
    size_t count;
    const char *words[WORDS_MAX];
};

/* Empty for a process that has ended, is not there, or is a thread of the kernel. */
static void command_line_read(const char *pid, struct command_line *ret)
{
    char path[64];
    ssize_t n = 0;
    int fd;

    ret->count = 0;
    snprintf(path, sizeof path, "/proc/%.20s/cmdline", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, ret->bytes, sizeof ret->bytes - 1);
        close(fd);
    }
    if (n <= 0) {
        return;
    }
    ret->bytes[n] = '\0';
    for (const char *p = ret->bytes; p < ret->bytes + n && ret->count < WORDS_MAX; p += strlen(p) + 1) {
        ret->words[ret->count++] = p;
    }
}

/* `-H HOME run` or `run -H HOME`, whatever stands before (a debugger) and after. */
static bool is_node(const struct command_line *line, const char *home)
{
    for (size_t i = 1; i + 1 < line->count; i++) {
        if (strcmp(line->words[i], "-H") == 0 && strcmp(line->words[i + 1], home) == 0 &&
            (strcmp(line->words[i - 1], "run") == 0 || (i + 2 < line->count && strcmp(line->words[i + 2], "run") == 0))) {
            return true;
        }
    }
    return false;
}

static bool is_wire(const struct command_line *line, const char *folder)
{
    return line->count >= 4 && strcmp(line->words[line->count - 3], "sandbox") == 0 && strcmp(line->words[line->count - 2], "wire") == 0 &&
           strcmp(line->words[line->count - 1], folder) == 0;
}

static bool is_member(const struct sandbox *sandbox, const struct command_line *line, size_t at)
{
    char home[PATH_MAX];

    return at == FLEET_WIRE ? is_wire(line, sandbox->path) : is_node(line, sandbox_home(sandbox, sandbox->nodes[at].name, home));
}

static bool is_ours(const char *pid)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof path, "/proc/%.20s", pid);
    return stat(path, &st) == 0 && st.st_uid == geteuid();
}

enum err fleet_find(const struct sandbox *sandbox, struct fleet *ret)
{
    DIR *folder = opendir("/proc");
    struct command_line line;
    struct dirent *entry;

    memset(ret, 0, sizeof *ret);
    if (folder == NULL) {
        return ERR_IO;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (!isdigit((unsigned char)entry->d_name[0]) || !is_ours(entry->d_name)) {
            continue;
        }
        command_line_read(entry->d_name, &line);
        if (line.count < 4) {
            continue;
        }
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (is_wire(&line, sandbox->path)) {
            ret->wire = pid;
        }
        for (size_t i = 0; i < sandbox->node_count; i++) {
            if (is_member(sandbox, &line, i)) {
                ret->nodes[i] = pid;
            }
        }
    }
    closedir(folder);
    return ERR_OK;
}

bool fleet_is_running(const struct sandbox *sandbox, size_t at, pid_t pid)
{
    struct command_line line;
    char name[24];

    (void)waitpid(pid, NULL, WNOHANG);
    snprintf(name, sizeof name, "%ld", (long)pid);
    command_line_read(name, &line);
    return is_member(sandbox, &line, at);
}

void fleet_signal(const struct sandbox *sandbox, size_t at, pid_t pid, int signal)
{
    if (pid > 1 && fleet_is_running(sandbox, at, pid)) {
        (void)kill(pid, signal);
    }
}

/* ---- starting ---- */

char *fleet_log(const struct sandbox *sandbox, size_t at, char ret[PATH_MAX])
{
    if (at == FLEET_WIRE) {
        return sandbox_root(sandbox, "wire.log", ret);
    }
    sandbox_home(sandbox, sandbox->nodes[at].name, ret);
    strncat(ret, "/log.txt", PATH_MAX - strlen(ret) - 1);
    return ret;
}

/* In the child: only calls that are safe there. */
static void become(char *const words[], int log)
{
    int null = open("/dev/null", O_RDONLY);
    sigset_t none;

    sigemptyset(&none);
    if (setsid() < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0 ||
        sigprocmask(SIG_SETMASK, &none, NULL) != 0) {
        _exit(126);
    }
    execv("/proc/self/exe", words);
    _exit(127);
}

enum err fleet_start(const struct sandbox *sandbox, size_t at, pid_t *ret)
{
    char exe[PATH_MAX], home[PATH_MAX], path[PATH_MAX], folder[PATH_MAX];
    char flag[] = "-H", run[] = "run", word[] = "sandbox", wire[] = "wire";
    char *node_words[] = {exe, flag, home, run, NULL};
    char *wire_words[] = {exe, word, wire, folder, NULL};
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    int log = open(fleet_log(sandbox, at, path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    pid_t pid;

    if (n <= 0 || log < 0) {
        enum err err = log < 0 ? folder_errno(errno) : ERR_IO;

        if (log >= 0) {
            close(log);
        }
        return err;
    }
    exe[n] = '\0';
    if (at != FLEET_WIRE) {
        sandbox_home(sandbox, sandbox->nodes[at].name, home);
    }
    memcpy(folder, sandbox->path, sizeof folder);
    pid = fork();
    if (pid == 0) {
        become(at == FLEET_WIRE ? wire_words : node_words, log);
    }
    close(log);
    if (pid < 0) {
        return ERR_MEMORY;
    }
    *ret = pid;
    return ERR_OK;
}

/* ---- last words ---- */

char *fleet_last_words(const struct sandbox *sandbox, size_t at, char *ret, size_t cap)
{
    char path[PATH_MAX], tail[LOG_TAIL_BYTES + 1];
    int fd = open(fleet_log(sandbox, at, path), O_RDONLY | O_CLOEXEC);
    char *save = NULL;
    ssize_t n = 0;

    ret[0] = '\0';
    if (fd >= 0) {
        off_t size = lseek(fd, 0, SEEK_END);

        n = size < 0 ? 0 : pread(fd, tail, LOG_TAIL_BYTES, size > LOG_TAIL_BYTES ? size - LOG_TAIL_BYTES : 0);
        close(fd);
    }
    if (n <= 0) {
        return ret;
    }
    /* An error of the command line has its advice in indented lines below it: what matters is the line above them. */
    tail[n] = '\0';
    for (const char *line = strtok_r(tail, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        if (line[0] != ' ') {
            snprintf(ret, cap, "%s", line);
        }
    }
    for (char *p = ret; *p != '\0'; p++) {
        *p = (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p;
    }
    return ret;
}

/* ---- asking ---- */

/* The answer to one request that has no progress, on a connected socket. */
static json_t *ask(int fd)
{
    json_t *request = json_pack("{s:s}", "do", "status");
    json_t *answer = NULL, *result = NULL;
    uint8_t *bytes = NULL;
    size_t n = 0;
    char type = 0;
    enum err err = request == NULL ? ERR_MEMORY : control_write_json(fd, request);

    json_decref(request);
    if (err == ERR_OK) {
        err = control_read(fd, &type, &bytes, &n);
    }
    if (err == ERR_OK && type == 'J') {
        answer = json_loadb((const char *)bytes, n, 0, NULL);
        result = json_is_true(json_object_get(answer, "ok")) ? json_object_get(answer, "result") : NULL;
        json_incref(result);
    }
    json_decref(answer);
    free(bytes);
    return result;
}

json_t *fleet_ask(const struct sandbox *sandbox, size_t at, uint32_t timeout_ms)
{
    struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
    char home[PATH_MAX];
    json_t *result = NULL;
    int fd = control_connect(sandbox_home(sandbox, sandbox->nodes[at].name, home));

    if (fd < 0) {
        return NULL;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) == 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) == 0) {
        result = ask(fd);
    }
    close(fd);
    return result;
}
