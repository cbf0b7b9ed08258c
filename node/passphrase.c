#include "node/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { KEY_CANCEL = 3, KEY_END = 4, KEY_BACK = 8, KEY_CLEAR = 21, KEY_DELETE = 127, ATTEMPTS = 3 };

static void show(int fd, const char *text)
{
    /* A prompt that cannot be shown is no reason not to read the answer. */
    (void)!write(fd, text, strlen(text));
}

/* Exactly the bytes typed, in a secret of their number. */
static enum err trim(struct secret *typed, size_t n, struct secret **ret)
{
    struct secret *exact;

    if (n == 0 || n > PASSPHRASE_BYTES_MAX) {
        return ERR_INVALID;
    }
    exact = secret_new(n);
    if (exact == NULL) {
        return ERR_MEMORY;
    }
    memcpy(secret_write(exact), secret_read(typed), n);
    *ret = exact;
    return ERR_OK;
}

/* One byte at a time: the descriptor may hold the next passphrase too, and no buffer of stdio must keep this one. */
static enum err read_line(int fd, struct secret *typed, size_t *ret_bytes)
{
    uint8_t *p = secret_write(typed);
    size_t at = 0;

    for (;;) {
        uint8_t byte;
        ssize_t n = read(fd, &byte, 1);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno == EBADF ? ERR_NOT_FOUND : ERR_IO; /* a number that names no open descriptor */
        }
        if (n == 0 && at == 0) {
            return ERR_NOT_FOUND;
        }
        if (n == 0 || byte == '\n') {
            break;
        }
        if (at > PASSPHRASE_BYTES_MAX) {
            return ERR_INVALID;
        }
        p[at++] = byte;
    }
    *ret_bytes = at;
    return ERR_OK;
}

/* Take back one character, which may be several bytes of UTF-8. */
static size_t erase(const uint8_t *p, size_t at)
{
    while (at > 0 && (p[at - 1] & 0xc0) == 0x80) {
        at--;
    }
    return at > 0 ? at - 1 : 0;
}

/* Keys are read as they come, Ctrl-C too, so that the terminal gets its echo back before we end. */
static enum err read_keys(int fd, struct secret *typed, size_t *ret_bytes, bool *ret_cancelled)
{
    uint8_t *p = secret_write(typed);
    size_t at = 0;

    for (;;) {
        uint8_t byte;
        ssize_t n = read(fd, &byte, 1);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return ERR_IO;
        }
        if (n == 0 || byte == '\n' || byte == '\r' || byte == KEY_END) {
            break;
        }
        if (byte == KEY_CANCEL) {
            *ret_cancelled = true;
            break;
        }
        if (byte == KEY_BACK || byte == KEY_DELETE) {
            at = erase(p, at);
        } else if (byte == KEY_CLEAR) {
            at = 0;
        } else if (at <= PASSPHRASE_BYTES_MAX) {
            p[at++] = byte;
        }
    }
    *ret_bytes = at;
    return ERR_OK;
}

static enum err ask_terminal(int fd, const char *prompt, struct secret **ret)
{
    struct termios before, quiet;
    struct secret *typed = secret_new(PASSPHRASE_BYTES_MAX + 1);
    bool is_cancelled = false;
    size_t n = 0;
    enum err err;

    if (typed == NULL) {
        return ERR_MEMORY;
    }
    if (tcgetattr(fd, &before) != 0) {
        secret_destroy(&typed);
        return ERR_NOT_FOUND;
    }
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0) {
        secret_destroy(&typed);
        return ERR_IO;
    }
    show(fd, prompt); /* now that what answers it is neither shown nor flushed */
    show(fd, ": ");
    err = read_keys(fd, typed, &n, &is_cancelled);
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    show(fd, "\n");
    if (is_cancelled) {
        raise(SIGINT);
        err = ERR_INVALID;
    }
    if (err == ERR_OK) {
        err = trim(typed, n, ret);
    }
    secret_destroy(&typed);
    return err;
}

static enum err ask_descriptor(const char *number, struct secret **ret)
{
    struct secret *typed;
    char *end = NULL;
    long fd = strtol(number, &end, 10);
    size_t n = 0;
    enum err err;

    if (end == number || *end != '\0' || fd < 0 || fd > 1048576) {
        return ERR_NOT_FOUND;
    }
    typed = secret_new(PASSPHRASE_BYTES_MAX + 1);
    if (typed == NULL) {
        return ERR_MEMORY;
    }
    err = read_line((int)fd, typed, &n);
    if (err == ERR_OK) {
        err = trim(typed, n, ret);
    }
    secret_destroy(&typed);
    return err;
}

static enum err ask_twice(int fd, const char *prompt, const char *again, struct secret **ret)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        struct secret *first = NULL, *second = NULL;
        bool is_equal;
        enum err err = ask_terminal(fd, prompt, &first);

        if (err != ERR_OK) {
            return err;
        }
        err = ask_terminal(fd, again, &second);
        is_equal = err == ERR_OK && secret_equal(first, second);
        secret_destroy(&second);
        if (is_equal) {
            *ret = first;
            return ERR_OK;
        }
        secret_destroy(&first);
        if (err != ERR_OK && err != ERR_INVALID) {
            return err;
        }
    }
    return ERR_PASSPHRASE;
}

enum err passphrase_ask(const char *prompt, const char *again, struct secret **ret)
{
    const char *number = getenv("GRIOT_PASSPHRASE_FD");
    enum err err;
    int fd;

    if (number != NULL && number[0] != '\0') {
        return ask_descriptor(number, ret);
    }
    fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return ERR_NOT_FOUND;
    }
    err = again == NULL ? ask_terminal(fd, prompt, ret) : ask_twice(fd, prompt, again, ret);
    close(fd);
    return err;
}
