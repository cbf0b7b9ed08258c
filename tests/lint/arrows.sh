#!/bin/bash
# Proves the architecture: (1) includes point down only, and each foreign library is seen by the fewest files;
# (2) proto, proto/record and node/engine are pure: their objects call nothing of the system;
# (3) every clause of WIRE.md that the code cites is there.
#
#   arrows.sh BUILD      check the tree in the current folder, and the objects in BUILD/obj
#   arrows.sh --self-test  plant each kind of violation in a copy of a small tree and see that it is caught
#
# Prints file:line of each violation; exits 1 when there is one, 2 when it could not look.
set -uo pipefail
export LC_ALL=C

# ---- (1) arrows ----

# The plain vocabulary that every room may use, and that itself uses nothing else.
vocabulary='^proto/(error|span|limits|clock|ids)\.h$'

# The room of a file, the most specific first.
room_of() {
    case $1 in
    proto/record/*) echo proto/record ;;
    proto/*) echo proto ;;
    crypto/*) echo crypto ;;
    store/*) echo store ;;
    node/engine/*) echo node/engine ;;
    node/*) echo node ;;
    esac
}

# What a room may include of our own, as a pattern of paths.
allowed_of() {
    case $1 in
    proto) echo '^proto/[^/]+$' ;;
    proto/record) echo '^proto/' ;;
    crypto) echo "^crypto/|${vocabulary}" ;;
    store) echo '^(store|proto|crypto)/' ;;
    node/engine) echo '^(node/engine|crypto)/|^proto/[^/]+$' ;;
    node) echo '^(node|store|proto|crypto)/' ;;
    esac
}

# Which files may see a foreign header. A header that is neither here nor of C or the system may be seen by none.
seers_of() {
    case $1 in
    msgpack.h | msgpack/*) echo '^proto/(pack|unpack)\.c$' ;;
    zstd.h | zstd_errors.h) echo '^proto/packed\.c$' ;;
    sodium.h | sodium/*) echo '^crypto/' ;;
    lmdb.h) echo '^store/kv\.c$' ;;
    zmq.h | czmq.h) echo '^node/net/|^node/(loop[^/]*|core/core)\.c$' ;; # core.c waits for the gateway
    jansson.h) echo '^node/' ;;
    ncurses.h) echo '^node/cli/top\.c$' ;;
    microhttpd.h) echo '^node/metrics\.c$' ;;
    ini.h) echo '^node/(config|home)\.c$|^node/import/' ;;
    libintl.h) echo '^node/' ;;
    utf8proc.h) echo '^store/index/|^proto/record/(fold|value)\.c$' ;;
    roaring/* | libstemmer.h) echo '^store/index/' ;;
    *) echo '^$' ;;
    esac
}

is_system='^(assert|complex|ctype|errno|fenv|float|inttypes|iso646|limits|locale|math|setjmp|signal|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|tgmath|threads|time|uchar|wchar|wctype|dirent|endian|err|fcntl|fnmatch|getopt|glob|grp|iconv|langinfo|malloc|netdb|poll|pthread|pwd|regex|sched|search|spawn|strings|syslog|termios|unistd|utime)\.h$|^(sys|net|netinet|arpa|linux)/'

check_arrows() {
    local file line header room allowed bad=0

    while IFS=: read -r file line header; do
        room=$(room_of "$file")
        allowed=$(allowed_of "$room")
        case $header in
        \"*)
            header=${header//\"/}
            if [[ ! $header =~ $allowed ]]; then
                echo "$file:$line: $room must not include $header"
                bad=1
            elif [[ $file =~ $vocabulary && ! $header =~ $vocabulary ]]; then
                echo "$file:$line: the vocabulary that all rooms use must not include $header"
                bad=1
            elif [[ ! -e $header ]]; then
                echo "$file:$line: $header is not a path from the project root"
                bad=1
            fi
            ;;
        \<*)
            header=${header//[<>]/}
            if [[ ! $header =~ $is_system && ! $file =~ $(seers_of "$header") ]]; then
                echo "$file:$line: $header must not be seen here"
                bad=1
            fi
            ;;
        esac
    done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include' --include='*.[ch]' proto crypto store node 2>/dev/null |
        sed -E 's/^([^:]+):([0-9]+):[^"<]*(["<][^">]*[">]).*/\1:\2:\3/' | sort -t: -k1,1 -k2,2n)
    return $bad
}

# ---- (2) purity ----

# Functions that reach outside: sockets, files, clocks and sleep, randomness, environment and process, threads, print.
impure='socket|socketpair|bind|listen|accept4?|connect|shutdown|send|sendto|sendmsg|recv|recvfrom|recvmsg|getaddrinfo|gethostby.*|getsockopt|setsockopt|poll|ppoll|select|pselect|epoll_.*|eventfd.*'
impure+='|open|open64|openat|openat64|creat|read|write|pread(64)?|pwrite(64)?|readv|writev|close|lseek(64)?|dup[23]?|pipe2?|fcntl(64)?|ioctl|flock|fsync|fdatasync|ftruncate(64)?|truncate(64)?|rename.*|unlink.*|link|symlink|mkdir.*|rmdir|remove|chmod|fchmod|chown|f?stat(at|vfs)?(64)?|lstat(64)?|__[fl]?xstat.*|access|opendir|readdir(64)?|scandir.*|mkstemp.*|mkdtemp|tmpfile(64)?|mmap(64)?|munmap|msync|madvise|getcwd|chdir|realpath'
impure+='|fopen(64)?|freopen(64)?|fdopen|fclose|fflush|fread|fwrite|fgets|fgetc|getc|getchar|getline|getdelim|fseeko?(64)?|ftello?(64)?|rewind|setvbuf|fileno|popen|pclose'
impure+='|printf|fprintf|vprintf|vfprintf|dprintf|vdprintf|puts|fputs|putc|fputc|putchar|perror|psignal|error|warnx?|errx?|syslog|vsyslog|stdin|stdout|stderr|scanf|fscanf'
impure+='|time|clock|clock_gettime|clock_getres|gettimeofday|timespec_get|ftime|times|nanosleep|clock_nanosleep|sleep|usleep|alarm|setitimer|timer_.*|timerfd_.*|localtime(_r)?|mktime|tzset|ctime(_r)?|strftime(_l)?'
impure+='|rand(_r)?|srand|random|srandom|[dejlmn]rand48|getrandom|getentropy|arc4random.*|randombytes.*'
impure+='|getenv|secure_getenv|setenv|putenv|unsetenv|environ|setlocale|uselocale|newlocale|nl_langinfo|gettext|dgettext|dcgettext|ngettext|iconv.*'
impure+='|system|fork|vfork|exec[lv].*|posix_spawn.*|waitp?i?d?|kill|raise|signal|sigaction|getpid|getppid|gettid|getuid|geteuid|gethostname|uname|sysconf|syscall|dlopen|dlsym|exit|_exit|_Exit|atexit'
impure+='|pthread_.*|thrd_.*|mtx_.*|cnd_.*|sem_.*'

check_purity() {
    local build=$1 room source object bad=0

    for room in proto proto/record node/engine; do
        for source in "$room"/*.c; do
            [[ -e $source ]] || continue
            object=$build/obj/${source%.c}.o
            if [[ ! -e $object ]]; then
                echo "$object: not built; build first, then give the build folder" >&2
                return 2
            fi
            # __printf_chk and its like are what fortified calls become; nm -l finds the line where debug data has it.
            nm -u -l "$object" | sed -E 's/@[A-Za-z0-9_.]*//; s/^ +[UwWvV] +//' |
                grep -E "^(__isoc[0-9]+_|__)?(${impure})(_chk|_2|_alias|_warn)?([[:space:]]|\$)" |
                while read -r symbol place; do
                    place=${place#"$PWD"/}
                    [[ -n $place ]] || place=$source:$(grep -nwE "$symbol" "$source" | head -n 1 | cut -d: -f1)
                    echo "$place: $symbol reaches outside, and $room is pure"
                done
        done
    done >"$scratch/impure"
    if [[ -s $scratch/impure ]]; then
        cat "$scratch/impure"
        bad=1
    fi
    return $bad
}

# ---- (3) clauses ----

check_clauses() {
    local file line clause bad=0

    while IFS=: read -r file line clause; do
        # A section is a heading, a clause begins a paragraph in bold.
        if ! grep -qE "^(## ${clause//./\\.}\.|\*\*${clause//./\\.}([^0-9]|\$))" proto/WIRE.md 2>/dev/null; then
            echo "$file:$line: WIRE.md has no clause $clause"
            bad=1
        fi
    done < <(grep -rnoE 'WIRE\.md [0-9]+(\.[0-9]+)?' --include='*.[ch]' proto crypto store node | sed 's/WIRE\.md //')
    return $bad
}

# ---- the check, and the check of the check ----

check() {
    local bad=0

    check_arrows || bad=1
    check_clauses || bad=1
    check_purity "$1" || bad=$?
    return $bad
}

# A small tree that is in order.
plant_tree() {
    rm -rf "$1"
    mkdir -p "$1"/{proto/record,crypto,store/index,node/engine,node/net}
    (
        cd "$1" || exit 2
        for header in error span limits clock ids commit; do
            echo '#include <stddef.h>' >"proto/$header.h"
        done
        touch crypto/hash.h store/kv.h node/log.h node/engine/sync.h proto/record/record.h
        printf '#include "proto/commit.h"\n#include <string.h>\nsize_t f(const char *s);\nsize_t f(const char *s) { return strlen(s); }\n' >proto/commit.c
        printf '#include "proto/commit.h"\n' >proto/record/record.c
        printf '#include "proto/error.h"\n#include "crypto/hash.h"\n#include <sodium.h>\n' >crypto/hash.c
        printf '#include "store/kv.h"\n#include "crypto/hash.h"\n#include <lmdb.h>\n' >store/kv.c
        printf '#include "node/engine/sync.h"\n#include "crypto/hash.h"\n#include <stdio.h>\n' >node/engine/sync.c
        printf '#include <czmq.h>\n#include "node/log.h"\n' >node/net/gateway.c
        printf '## 2. Commits\n\n**2.10 Form.** Text.\n\n**2.4** Text.\n' >proto/WIRE.md
        printf '/* WIRE.md 2, WIRE.md 2.4: more, (WIRE.md 2.10) */\n' >node/clause.h
    )
}

# Compiles what is pure in the small tree, runs the check there.
check_tree() {
    (
        cd "$1" || exit 2
        for source in proto/*.c proto/record/*.c node/engine/*.c; do
            mkdir -p "b/obj/$(dirname "$source")"
            ${CC:-cc} -g -O1 -I. -c -o "b/obj/${source%.c}.o" "$source" || exit 2
        done
        check b
    )
}

# FILE, line to append, what the check must print
planted=(
    'proto/commit.c|#include "crypto/hash.h"|proto/commit.c:5: proto must not include crypto/hash.h'
    'proto/commit.c|#include "proto/record/record.h"|proto/commit.c:5: proto must not include proto/record/record.h'
    'proto/error.h|#include "proto/commit.h"|proto/error.h:2: the vocabulary'
    'proto/commit.c|#include "commit.h"|proto/commit.c:5: proto must not include commit.h'
    'proto/commit.c|#include "proto/nowhere.h"|proto/commit.c:5: proto/nowhere.h is not a path'
    'proto/record/record.c|#include "crypto/hash.h"|proto/record/record.c:2: proto/record must not include'
    'crypto/hash.c|#include "proto/commit.h"|crypto/hash.c:4: crypto must not include proto/commit.h'
    'store/kv.c|#include "node/log.h"|store/kv.c:4: store must not include node/log.h'
    'node/engine/sync.c|#include "store/kv.h"|node/engine/sync.c:4: node/engine must not include store/kv.h'
    'node/engine/sync.c|#include "node/log.h"|node/engine/sync.c:4: node/engine must not include node/log.h'
    'node/engine/sync.c|#include "proto/record/record.h"|node/engine/sync.c:4: node/engine must not include proto/record'
    'proto/commit.c|#include <zstd.h>|proto/commit.c:5: zstd.h must not be seen here'
    'store/kv.h|#include <lmdb.h>|store/kv.h:1: lmdb.h must not be seen here'
    'node/log.h|#  include <sodium.h>|node/log.h:1: sodium.h must not be seen here'
    'node/log.h|#include <zmq.h>|node/log.h:1: zmq.h must not be seen here'
    'store/index/words.c|#include <jansson.h>|store/index/words.c:1: jansson.h must not be seen here'
    'node/log.h|#include <curl/curl.h>|node/log.h:1: curl/curl.h must not be seen here'
    'node/log.h|/* WIRE.md 2.1: nothing */@|node/log.h:1: WIRE.md has no clause 2.1'
    'store/kv.c|/* WIRE.md 3: nothing */@|store/kv.c:4: WIRE.md has no clause 3'
    'proto/commit.c|#include <time.h>@long t(void); long t(void) { return (long)time(NULL); }|proto/commit.c:6: time reaches outside, and proto is pure'
    'proto/record/record.c|#include <stdlib.h>@char *g(void); char *g(void) { return getenv("HOME"); }|proto/record/record.c:3: getenv reaches outside, and proto/record is pure'
    'node/engine/sync.c|int p(int i); int p(int i) { return printf("%d", i); }|node/engine/sync.c:4: printf reaches outside, and node/engine is pure'
    'node/engine/sync.c|int q(void); int q(void) { return fputc(1, stderr); }|stderr reaches outside, and node/engine is pure'
    'node/engine/sync.c|#include <stdlib.h>@int r(void); int r(void) { return rand(); }|node/engine/sync.c:5: rand reaches outside'
    'node/engine/sync.c|#include <sys/socket.h>@int s(void); int s(void) { return socket(1, 1, 0); }|node/engine/sync.c:5: socket reaches outside'
    'node/engine/sync.c|#include <fcntl.h>@int o(void); int o(void) { return open("x", O_RDONLY); }|node/engine/sync.c:5: open reaches outside'
)

self_test() {
    local tree=$scratch/tree row file rest line wanted failed=0

    plant_tree "$tree"
    if ! check_tree "$tree" >"$scratch/said" 2>&1; then
        echo "self-test: a tree in order is refused:"
        cat "$scratch/said"
        failed=1
    fi
    for row in "${planted[@]}"; do
        file=${row%%|*} rest=${row#*|} line=${rest%|*} wanted=${row##*|}
        plant_tree "$tree"
        # A header that is not there stops the compiler, so a lone include is planted after the objects are built.
        if [[ $line == *'#'*include* && $line != *@* ]]; then
            printf '%s\n' "$line" >"$scratch/line"
            check_tree "$tree" >/dev/null 2>&1
            cat "$scratch/line" >>"$tree/$file"
            (cd "$tree" && check b) >"$scratch/said" 2>&1
        else
            printf '%s\n' "${line//@/$'\n'}" >>"$tree/$file"
            check_tree "$tree" >"$scratch/said" 2>&1
        fi
        if [[ $? -ne 1 ]] || ! grep -qF "$wanted" "$scratch/said"; then
            echo "self-test: not caught: $file: $line"
            cat "$scratch/said"
            failed=1
        fi
    done
    rm -f "$tree"/b/obj/proto/commit.o
    (cd "$tree" && check b) >"$scratch/said" 2>&1
    if [[ $? -ne 2 ]]; then
        echo 'self-test: a missing object is overlooked'
        failed=1
    fi
    [[ $failed -eq 0 ]] && echo "arrows: ${#planted[@]} planted violations caught"
    return $failed
}

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
case ${1-} in
--self-test) self_test ;;
'' | -*)
    echo "usage: $0 BUILD | --self-test" >&2
    exit 2
    ;;
*) check "$1" ;;
esac
