/* Pairs of UDP ports for RTP and its RTCP (RFC 3550 section 11). */
#ifndef RINGTIME_PUMP_PORTS_H
#define RINGTIME_PUMP_PORTS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct port {
    int descriptor; /* which does not block, and stamps what comes */
    uint16_t number;
};

/* Binds an even port and the next one: the first free pair of the `count` ports from `first` on, any where that
   is 0. False, with errno, where there is none. */
bool ports_open(struct port *rtp, struct port *rtcp, struct in_addr address, unsigned first, unsigned count);

#endif
