#include "crash.h"

#include "log.h"

#include <signal.h>
#include <stddef.h>

_Thread_local const char *inside_filter;

static const struct {
    int number;
    const char *says;
} fatal[] = {
    {SIGSEGV, ", by SIGSEGV"}, {SIGBUS, ", by SIGBUS"},   {SIGILL, ", by SIGILL"},
    {SIGFPE, ", by SIGFPE"},   {SIGABRT, ", by SIGABRT"},
};
enum { FATAL = sizeof fatal / sizeof *fatal };

static struct sigaction before[FATAL];

/* Puts back the action that was there before and lets the signal come again, for it. A fault comes by itself when the
 * faulting instruction is run again; a signal that somebody sent has to be sent once more. */
static void crashed(int number, siginfo_t *info, void *context) {
    (void)context;
    for (size_t i = 0; i < FATAL; i++) {
        if (fatal[i].number != number) continue;
        if (inside_filter) say_from_signal("crashed in ", inside_filter, fatal[i].says);
        sigaction(number, &before[i], NULL);
        if (info->si_code <= 0) raise(number);
    }
}

void watch_for_crashes(void) {
    struct sigaction watch = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&watch.sa_mask);
    for (size_t i = 0; i < FATAL; i++) sigaction(fatal[i].number, &watch, &before[i]);
}
