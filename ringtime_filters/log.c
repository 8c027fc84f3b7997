#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 512 };

static char name[128] = "(no filter)";

void log_name(const char *filter) { snprintf(name, sizeof name, "%s", filter); }

/* One write a line, so that lines of several threads and processes do not mix. A log that is gone is nobody's loss. */
static void emit(const char *line, size_t length) {
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;
}

void say(const char *format, ...) {
    char line[LINE_BYTES];
    va_list values;
    int length = snprintf(line, sizeof line, "ringtime_filters: %s: ", name);
    va_start(values, format);
    length += vsnprintf(line + length, sizeof line - (size_t)length, format, values);
    va_end(values);
    if (length > LINE_BYTES - 1) length = LINE_BYTES - 1;
    line[length] = '\n'; /* in the place of the terminating zero */
    emit(line, (size_t)length + 1);
}

void say_from_signal(const char *what, const char *where, const char *how) {
    const char *parts[] = {"ringtime_filters: ", name, ": ", what, where, how, "\n"};
    char line[LINE_BYTES];
    size_t length = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (const char *c = parts[i]; *c && length < sizeof line; c++) line[length++] = *c;
    emit(line, length);
}
