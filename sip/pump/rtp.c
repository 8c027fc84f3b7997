#include "rtp.h"

enum { VERSION = 2, EXTENSION_HEADER_BYTES = 4 };

bool rtp_read(struct rtp_packet *packet, const uint8_t *datagram, size_t bytes) {
    if (bytes < RTP_HEADER_BYTES || datagram[0] >> 6 != VERSION) return false;
    size_t begin = RTP_HEADER_BYTES + (size_t)(datagram[0] & 0x0f) * 4; /* contributing sources */
    if (datagram[0] & 0x10) {
        if (bytes < begin + EXTENSION_HEADER_BYTES) return false;
        begin += EXTENSION_HEADER_BYTES + (size_t)get_u16(datagram + begin + 2) * 4;
    }
    if (bytes < begin) return false;
    size_t padding = 0;
    if (datagram[0] & 0x20) { /* its last byte counts it */
        if (bytes == begin) return false;
        padding = datagram[bytes - 1];
        if (padding == 0 || padding > bytes - begin) return false;
    }
    *packet = (struct rtp_packet){
        .marker = datagram[1] >> 7,
        .payload_type = datagram[1] & 0x7f,
        .sequence = get_u16(datagram + 2),
        .timestamp = get_u32(datagram + 4),
        .ssrc = get_u32(datagram + 8),
        .payload = datagram + begin,
        .payload_bytes = bytes - begin - padding,
    };
    return true;
}

void rtp_write_header(uint8_t *datagram, const struct rtp_packet *packet) {
    datagram[0] = VERSION << 6;
    datagram[1] = (uint8_t)(packet->marker << 7 | packet->payload_type);
    put_u16(datagram + 2, packet->sequence);
    put_u32(datagram + 4, packet->timestamp);
    put_u32(datagram + 8, packet->ssrc);
}
