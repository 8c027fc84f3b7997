/* A crash inside the filter is laid at its door: the log's last line names the filter and the function it was in. */
#ifndef RINGTIME_CRASH_H
#define RINGTIME_CRASH_H

/* The filter's function that this thread is in. Of the initial-exec model, for a signal handler may not allocate. */
extern _Thread_local const char *inside_filter __attribute__((tls_model("initial-exec")));

/* Runs a statement that calls the filter's function of that name. */
#define IN_FILTER(function, statement) \
    do {                               \
        inside_filter = function;      \
        statement;                     \
        inside_filter = NULL;          \
    } while (0)

/* Watches the signals of a crash from now on. Whoever watched them before still gets them, and so does the core dump. */
void watch_for_crashes(void);

#endif
