#define _GNU_SOURCE
#include "ports.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TRIES = 32, RECEIVE_BYTES = 1 << 16 }; /* some three seconds of a call */

static void close_only(int descriptor) {
    int error = errno;
    close(descriptor);
    errno = error;
}

static bool bind_one(struct port *port, struct in_addr address, unsigned number) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = address, .sin_port = htons((uint16_t)number)};
    socklen_t length = sizeof at;
    int on = 1, bytes = RECEIVE_BYTES;
    port->descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (port->descriptor < 0) return false;
    setsockopt(port->descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    setsockopt(port->descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (bind(port->descriptor, (struct sockaddr *)&at, length) != 0 ||
        getsockname(port->descriptor, (struct sockaddr *)&at, &length) != 0) {
        close_only(port->descriptor);
        return false;
    }
    port->number = ntohs(at.sin_port);
    return true;
}

static bool bind_pair(struct port *rtp, struct port *rtcp, struct in_addr address, unsigned number) {
    if (!bind_one(rtp, address, number)) return false;
    errno = EADDRINUSE; /* an odd one is for another's RTCP */
    if (rtp->number % 2 == 0 && bind_one(rtcp, address, rtp->number + 1u)) return true;
    close_only(rtp->descriptor);
    return false;
}

bool ports_open(struct port *rtp, struct port *rtcp, struct in_addr address, unsigned first, unsigned count) {
    unsigned even = first + first % 2;
    errno = EADDRINUSE;
    for (unsigned i = 0; i < (first ? count / 2 : TRIES); i++) {
        if (bind_pair(rtp, rtcp, address, first ? even + 2 * i : 0)) return true;
        if (errno != EADDRINUSE) return false;
    }
    return false;
}
