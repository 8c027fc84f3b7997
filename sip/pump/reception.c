#include "reception.h"

#include <math.h>
#include <string.h>

enum { MAX_DROPOUT = 3000, MAX_MISORDER = 100, NO_BAD = 1 << 17 }; /* appendix A.1 */
enum { OPEN, CAME, CAME_LATE };                                    /* a packet's fate */

static const double PLAYOUT = 0.060 * RTP_RATE_HZ;    /* how long a jitter buffer of 60 ms waits */
static const double DRIFT = 1e-4;                     /* between two good clocks, of the time that passed */
static const double DISCONTINUITY = 2.0 * RTP_RATE_HZ; /* no way takes so long: the far end set its clock */

void reception_begin(struct reception *reception) {
    memset(reception, 0, sizeof *reception);
    reception->longest_gap_ns = -1;
}

static uint8_t *fate_of(struct source *source, int64_t number) {
    return &source->fate[(uint64_t)number % RECEPTION_WINDOW];
}

static void decide(struct reception *reception, uint8_t fate) {
    if (fate == CAME) {
        reception->in_burst = false;
        return;
    }
    if (fate == OPEN) reception->lost++;
    reception->gone++;
    reception->bursts += !reception->in_burst;
    reception->in_burst = true;
}

/* What the window holds of a source that sends no more. */
static void decide_all(struct reception *reception) {
    struct source *source = &reception->source;
    int64_t oldest = source->newest - RECEPTION_WINDOW + 1;
    if (oldest < source->first) oldest = source->first;
    for (int64_t number = oldest; number <= source->newest; number++)
        decide(reception, *fate_of(source, number));
}

static void begin_source(struct reception *reception, const struct rtp_packet *packet) {
    if (reception->begun) decide_all(reception);
    reception->begun = true;
    reception->has_transit = false;
    reception->source = (struct source){.ssrc = packet->ssrc, .base = packet->sequence, .newest = -1, .bad = NO_BAD};
}

/* Makes room for the packets up to `number`; those that fall out of the window are decided. */
static void advance(struct reception *reception, int64_t number) {
    struct source *source = &reception->source;
    while (source->newest < number) {
        int64_t next = ++source->newest, leaving = next - RECEPTION_WINDOW;
        if (leaving >= source->first) decide(reception, *fate_of(source, leaving));
        *fate_of(source, next) = OPEN;
    }
}

/* Whether it came too late to be played; the least transit is that of a packet that waited nowhere. */
static bool judge_delay(struct reception *reception, const struct rtp_packet *packet, int64_t at_ns) {
    double arrival = (double)at_ns * (RTP_RATE_HZ / 1e9);
    /* Timestamps wrap, so only differences of transits mean anything (appendix A.8). */
    double transit = reception->transit;
    double change = 0;
    if (reception->has_transit) {
        uint32_t expected = (uint32_t)(int64_t)llround(arrival - reception->transit);
        change = (double)(int32_t)(expected - packet->timestamp);
        transit += change;
    } else {
        transit = fmod(arrival, 4294967296.0) - packet->timestamp;
    }
    if (!reception->has_transit || fabs(change) > DISCONTINUITY) {
        reception->has_transit = true;
        reception->transit = reception->least_transit = transit;
        return false;
    }
    reception->jitter += (fabs(change) - reception->jitter) / 16;
    reception->transit = transit;
    double passed = (double)(at_ns - reception->newest_ns) * (RTP_RATE_HZ / 1e9);
    reception->least_transit += DRIFT * (passed > 0 ? passed : 0);
    if (transit < reception->least_transit) reception->least_transit = transit;
    return transit - reception->least_transit > PLAYOUT;
}

enum arrival reception_take(struct reception *reception, const struct rtp_packet *packet, int64_t at_ns) {
    struct source *source = &reception->source;
    if (!reception->begun || source->ssrc != packet->ssrc) begin_source(reception, packet);
    uint16_t expected = (uint16_t)(source->base + source->newest);
    int64_t number = source->newest + (int16_t)(packet->sequence - expected);
    bool first = source->newest < 0;
    if (!first && (number > source->newest + MAX_DROPOUT || number < source->newest - MAX_MISORDER)) {
        /* Two packets in a row beyond a jump show that the far end began anew. */
        if (packet->sequence != source->bad) {
            source->bad = (uint16_t)(packet->sequence + 1);
            return STRAY;
        }
        begin_source(reception, packet);
        number = 0;
    }
    source->bad = NO_BAD;
    source->arrived++;
    if (number > source->newest) {
        advance(reception, number);
    } else if (number < source->first) { /* it was sent before what came first */
        for (int64_t between = number; between < source->first; between++) *fate_of(source, between) = OPEN;
        source->first = number;
        reception->reordered++;
    } else if (*fate_of(source, number) != OPEN) {
        reception->duplicates++;
        return DUPLICATE;
    } else {
        reception->reordered++;
    }
    reception->received++;
    bool is_late = judge_delay(reception, packet, at_ns);
    *fate_of(source, number) = is_late ? CAME_LATE : CAME;
    reception->late += is_late;
    if (reception->newest_ns && at_ns - reception->newest_ns > reception->longest_gap_ns)
        reception->longest_gap_ns = at_ns - reception->newest_ns;
    if (at_ns > reception->newest_ns) reception->newest_ns = at_ns;
    return ARRIVED;
}

void reception_end(struct reception *reception) {
    if (reception->begun) decide_all(reception);
    reception->begun = false;
}

double reception_burst_ratio(const struct reception *reception) {
    if (!reception->bursts) return NAN;
    double total = (double)reception->received + reception->lost;
    double share = reception->gone / total;
    return (double)reception->gone / reception->bursts * (1 - share);
}

struct report_block reception_report(struct reception *reception) {
    struct source *source = &reception->source;
    uint32_t expected = (uint32_t)(source->newest - source->first + 1);
    int64_t lost = (int64_t)expected - source->arrived;
    uint32_t expected_since = expected - source->expected_before;
    int64_t lost_since = (int64_t)expected_since - (source->arrived - source->arrived_before);
    source->expected_before = expected;
    source->arrived_before = source->arrived;
    if (lost > 0x7fffff) lost = 0x7fffff;
    if (lost < -0x800000) lost = -0x800000;
    int64_t fraction = expected_since && lost_since > 0 ? (lost_since << 8) / expected_since : 0;
    return (struct report_block){
        .fraction_lost = fraction > 255 ? 255 : (uint8_t)fraction,
        .cumulative_lost = (int32_t)lost,
        .highest = (uint32_t)(source->base + source->newest),
        .jitter = (uint32_t)reception->jitter,
    };
}
