/* A connection to where the reference filter asks for its settings: name, TCP and TLS, none with a time limit of ours. */
#ifndef RINGTIME_SETTINGS_CONNECTION_H
#define RINGTIME_SETTINGS_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct connection {
    int fd;
    void *tls; /* SSL *, NULL on a plain connection */
};

/* RINGTIME_SETTINGS_DNS (address:port) is asked for the name instead of the system's servers, and
 * RINGTIME_SETTINGS_SYN_RETRIES is how often the SYN is sent again, where they are set. */
bool connection_open(struct connection *connection, const char *host, const char *port, bool secure);

/* Like send(2) and recv(2). */
ssize_t connection_send(const struct connection *connection, const void *data, size_t n);
ssize_t connection_receive(const struct connection *connection, void *data, size_t n);

void connection_close(const struct connection *connection);

#endif
