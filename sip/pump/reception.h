/* What came of the packets that the far end sent: RFC 3550's counts, and what a jitter buffer makes of them. */
#ifndef RINGTIME_PUMP_RECEPTION_H
#define RINGTIME_PUMP_RECEPTION_H

#include "rtp.h"

enum { RECEPTION_WINDOW = 512 }; /* packets whose fate is still open, newest first */

/* One source (RFC 3550 appendix A.1), numbered from 0 on at its first packet. */
struct source {
    uint32_t ssrc;
    uint16_t base;      /* the sequence number of its first packet */
    int64_t newest;     /* the highest packet that came, counted from `base` through all wraps */
    int64_t first;      /* the lowest: before 0 where the first packets came out of order */
    uint32_t bad;       /* the sequence number that would show that a jump was no stray packet */
    uint32_t arrived;   /* with duplicates, as RFC 3550's receiver reports count */
    uint32_t arrived_before, expected_before; /* at the last receiver report */
    uint8_t fate[RECEPTION_WINDOW];
};

struct reception {
    bool begun;
    struct source source;
    uint32_t received, lost, reordered, duplicates, late; /* over all sources; a duplicate is not received */
    uint32_t gone, bursts; /* lost and late packets, and the runs that they form */
    bool in_burst;
    double jitter; /* in timestamp units (appendix A.8) */
    bool has_transit;
    double transit, least_transit; /* in timestamp units */
    int64_t newest_ns, longest_gap_ns; /* the gap is -1 until there were two packets */
};

enum arrival { ARRIVED, DUPLICATE, STRAY };

void reception_begin(struct reception *reception);

/* Counts a packet that came at `at_ns`; a STRAY one is not counted: a jump that nothing confirmed yet. */
enum arrival reception_take(struct reception *reception, const struct rtp_packet *packet, int64_t at_ns);

/* Decides what is still open, so that `lost` and what follows from it are final; what comes then begins anew. */
void reception_end(struct reception *reception);

/* RFC 3611's burst ratio of G.107: the mean run of packets that are gone against that of random loss. */
double reception_burst_ratio(const struct reception *reception);

struct report_block {
    uint8_t fraction_lost;
    int32_t cumulative_lost;
    uint32_t highest, jitter;
};

/* The receiver report's figures (appendix A.3), and the begin of the next interval. */
struct report_block reception_report(struct reception *reception);

#endif
