#include "g711.h"

int16_t g711_decoded[2][256];
static uint8_t encoded[2][1 << 14]; /* by the sample's upper 14 bits: mu-law's step is no finer */

static int16_t decode_mu(uint8_t code) {
    code = (uint8_t)~code;
    int magnitude = (((code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4);
    return (int16_t)(code & 0x80 ? 0x84 - magnitude : magnitude - 0x84);
}

static int16_t decode_a(uint8_t code) {
    code ^= 0x55;
    int segment = (code & 0x70) >> 4, magnitude = (code & 0x0f) << 4;
    magnitude = segment ? (magnitude + 0x108) << (segment - 1) : magnitude + 8;
    return (int16_t)(code & 0x80 ? magnitude : -magnitude);
}

/* The code whose sample is nearest, of two the one that is not negative; done once. */
static uint8_t nearest(const int16_t *decoder, int sample) {
    int best = 0, least = 1 << 17;
    for (int code = 0; code < 256; code++) {
        int distance = decoder[code] > sample ? decoder[code] - sample : sample - decoder[code];
        if (distance <= least) best = code, least = distance;
    }
    return (uint8_t)best;
}

void g711_prepare(void) {
    for (int code = 0; code < 256; code++) {
        g711_decoded[0][code] = decode_mu((uint8_t)code);
        g711_decoded[1][code] = decode_a((uint8_t)code);
    }
    for (int law = 0; law < 2; law++)
        for (int step = 0; step < 1 << 14; step++)
            encoded[law][step] = nearest(g711_decoded[law], (int16_t)(step << 2));
}

uint8_t g711_encode(uint8_t payload_type, int16_t sample) {
    return encoded[payload_type == G711_A][(uint16_t)sample >> 2];
}
