/* main.c - the entry of the one binary. */
#include "node/cli/command.h"

#include <signal.h>

int main(int argc, char **argv)
{
    /* A closed pipe or socket is an error where it is written, not the end of the process. */
    (void)signal(SIGPIPE, SIG_IGN);
    return command_main(argc, argv);
}
