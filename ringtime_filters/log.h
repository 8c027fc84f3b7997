/* One line an event on standard error, where an agent's log goes. Never a filter's options: they hold a token. */
#ifndef RINGTIME_LOG_H
#define RINGTIME_LOG_H

/* What every line begins with, after "ringtime_filters: ". Set once, before any thread is started. */
void log_name(const char *filter);

__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* The same for a signal handler: "<what><where><how>", nothing formatted. */
void say_from_signal(const char *what, const char *where, const char *how);

#endif
