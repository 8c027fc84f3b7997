/* The reports that both ends of a call make of each other's packets (RFC 3550 section 6). */
#ifndef RINGTIME_PUMP_RTCP_H
#define RINGTIME_PUMP_RTCP_H

#include "reception.h"

enum { RTCP_BYTES = 128 };

struct rtcp {
    uint32_t ssrc;
    uint32_t last_report;      /* the middle of the far end's last NTP time, and when it came */
    int64_t last_report_ns;
    int64_t next_ns;           /* when the next report of ours is due */
    bool heard;                /* the far end has said what it lost */
    int32_t far_end_lost;
    double round_trips_s;      /* their sum */
    uint32_t round_trips;
};

struct sent {
    uint32_t packets, octets, timestamp; /* the timestamp is that of this moment */
};

/* One datagram of reports, or the last with a BYE; the bytes that it has. `unix_ns` is now by the wall. */
size_t rtcp_write(struct rtcp *rtcp, uint8_t *datagram, const struct sent *sent, struct reception *reception,
                  int64_t now_ns, int64_t unix_ns, bool bye);

/* Reads what came at `at_ns`, which was `unix_ns` by the wall; what is no RTCP is left. */
void rtcp_read(struct rtcp *rtcp, const uint8_t *datagram, size_t bytes, int64_t at_ns, int64_t unix_ns);

/* Whether a datagram on the voice's port is RTCP (RFC 5761 section 4). */
bool rtcp_is(const uint8_t *datagram, size_t bytes);

#endif
