/* RTP packets on the wire (RFC 3550 section 5.1). */
#ifndef RINGTIME_PUMP_RTP_H
#define RINGTIME_PUMP_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RTP_HEADER_BYTES = 12, RTP_RATE_HZ = 8000 };

struct rtp_packet {
    bool marker;
    uint8_t payload_type;
    uint16_t sequence;
    uint32_t timestamp, ssrc;
    const uint8_t *payload;
    size_t payload_bytes;
};

/* Takes a datagram apart, past contributing sources, an extension and padding; false where it is no RTP. */
bool rtp_read(struct rtp_packet *packet, const uint8_t *datagram, size_t bytes);

/* Writes a header of RTP_HEADER_BYTES. */
void rtp_write_header(uint8_t *datagram, const struct rtp_packet *packet);

static inline uint16_t get_u16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static inline uint32_t get_u32(const uint8_t *at) { return (uint32_t)get_u16(at) << 16 | get_u16(at + 2); }
static inline void put_u16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}
static inline void put_u32(uint8_t *at, uint32_t value) {
    put_u16(at, value >> 16);
    put_u16(at + 2, value);
}

#endif
