/* Digits as telephone events in the voice's place (RFC 4733). */
#ifndef RINGTIME_PUMP_DIGITS_H
#define RINGTIME_PUMP_DIGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGITS_MOST = 32, DIGITS_PAYLOAD_BYTES = 4 };

struct digits {
    char text[DIGITS_MOST + 1];
    size_t at;           /* the digit that is being keyed in */
    unsigned frame;      /* 20 ms of it and of the pause after it */
    uint32_t timestamp;  /* of its begin, which all its packets have */
};

/* False where a character has no key. */
bool digits_begin(struct digits *digits, const char *text);

static inline bool digits_left(const struct digits *digits) { return digits->text[digits->at] != 0; }

/* The payload of the frame that begins at `timestamp`, with the timestamp and the marker that its packet has;
   false in the pause between two digits, in which nothing is sent. */
bool digits_next(struct digits *digits, uint32_t timestamp, uint8_t *payload, uint32_t *stamped, bool *marker);

#endif
