/* One call's voice: its ports, what is sent from them and what is heard at them. */
#ifndef RINGTIME_PUMP_EAR_H
#define RINGTIME_PUMP_EAR_H

#include "digits.h"
#include "hearing.h"
#include "ports.h"
#include "reception.h"
#include "recording.h"
#include "rtcp.h"
#include "speech.h"

#include <stdio.h>

struct ear;

struct socket_of {
    struct ear *ear;
    struct port port;
};

/* Where the far end's side is, and what its session description allows. */
struct far_end {
    struct sockaddr_in rtp, rtcp;
    uint8_t payload_type;
    int digits_type; /* -1 where it takes none */
    bool hears;
    int64_t answered_ns; /* 0 while it only rings */
};

struct kept; /* packets from before the answer was known of */

struct ear {
    uint32_t number;
    struct socket_of rtp, rtcp;
    struct ear *next, *next_in_slot; /* of those with its hash, of those that speak in its 2 ms */
    int slot;                        /* -1 while it is silent */

    bool is_recorded; /* from the answer on */
    struct recording *recording;

    bool started, far_came, nat_came;
    in_port_t nat_port; /* where a far end behind a NAT sends from, which its description cannot say */
    struct far_end far;
    struct kept *kept;

    struct reception reception;
    struct hearing hearing;
    struct speech speech;
    struct digits digits;
    struct rtcp reports;
    bool packet_said, first_said;
    uint32_t strangers;

    uint32_t ssrc, first_timestamp, packets_sent, octets_sent;
    uint16_t sequence;
    int64_t first_frame; /* the frame of the grid with which it began to speak */
    uint32_t echo_ahead; /* of the timestamps that come, those of what goes back */
};

struct datagram {
    const uint8_t *data;
    size_t bytes;
    struct sockaddr_in from;
    int64_t at_ns;
};

/* Binds both ports: the first free even one of `count` from `port` on, any where that is 0. NULL: see errno. */
struct ear *ear_open(uint32_t number, const char *address, unsigned port, unsigned count);

/* Gives its ports back; what the poller still says of it comes to nothing. */
void ear_close(struct ear *ear);
void ear_free(struct ear *ear);

/* From now on, or from the answer on, it hears and speaks; said again where the far end's side moves. */
void ear_start(struct ear *ear, const struct far_end *far, const struct voice *voice, enum manner manner, FILE *events);

/* Takes what came at the voice's port, or at that of its reports. */
void ear_take(struct ear *ear, const struct datagram *datagram, FILE *events);
void ear_take_report(struct ear *ear, const struct datagram *datagram, int64_t unix_ns);

/* Whether there is anything to send, 50 times a second. */
static inline bool ear_speaks(const struct ear *ear) {
    return ear->started && ear->far.answered_ns && ear->far.hears;
}

/* Sends what is due at frame `frame` of the grid of 20 ms, which is at `now_ns`. */
void ear_speak(struct ear *ear, int64_t frame, int64_t now_ns, int64_t unix_ns);

/* Says goodbye and what was heard. */
void ear_report(struct ear *ear, int64_t now_ns, int64_t unix_ns, FILE *events);

#endif
