#include "rtcp.h"

#include <string.h>

enum { SR = 200, RR = 201, SDES = 202, BYE = 203, HEADER_BYTES = 8, SENDER_BYTES = 20, BLOCK_BYTES = 24, CNAME = 1 };
static const int64_t NS = 1000000000, NTP_EPOCH_S = 2208988800; /* 1900 to 1970 */
static const char NAME[] = "ringtime";

static void put_header(uint8_t *at, unsigned count, unsigned type, size_t bytes, uint32_t ssrc) {
    at[0] = (uint8_t)(0x80 | count);
    at[1] = (uint8_t)type;
    put_u16(at + 2, (uint32_t)(bytes / 4 - 1));
    put_u32(at + 4, ssrc);
}

static uint64_t ntp(int64_t unix_ns) {
    uint64_t seconds = (uint64_t)(unix_ns / NS + NTP_EPOCH_S), rest = (uint64_t)(unix_ns % NS);
    return seconds << 32 | (rest << 32) / (uint64_t)NS;
}

static size_t put_block(uint8_t *at, const struct rtcp *rtcp, struct reception *reception, int64_t now_ns) {
    uint32_t ssrc = reception->source.ssrc;
    struct report_block block = reception_report(reception);
    put_u32(at, ssrc);
    put_u32(at + 4, (uint32_t)block.fraction_lost << 24 | ((uint32_t)block.cumulative_lost & 0xffffff));
    put_u32(at + 8, block.highest);
    put_u32(at + 12, block.jitter);
    put_u32(at + 16, rtcp->last_report);
    int64_t since_ns = rtcp->last_report_ns ? now_ns - rtcp->last_report_ns : 0;
    put_u32(at + 20, (uint32_t)((since_ns << 16) / NS));
    return BLOCK_BYTES;
}

size_t rtcp_write(struct rtcp *rtcp, uint8_t *datagram, const struct sent *sent, struct reception *reception,
                  int64_t now_ns, int64_t unix_ns, bool bye) {
    size_t bytes = HEADER_BYTES;
    if (sent->packets) {
        uint64_t now = ntp(unix_ns);
        put_u32(datagram + 8, (uint32_t)(now >> 32));
        put_u32(datagram + 12, (uint32_t)now);
        put_u32(datagram + 16, sent->timestamp);
        put_u32(datagram + 20, sent->packets);
        put_u32(datagram + 24, sent->octets);
        bytes += SENDER_BYTES;
    }
    unsigned blocks = reception->begun;
    if (blocks) bytes += put_block(datagram + bytes, rtcp, reception, now_ns);
    put_header(datagram, blocks, sent->packets ? SR : RR, bytes, rtcp->ssrc);

    uint8_t *names = datagram + bytes; /* section 6.5: a name, its end, and padding to a whole word */
    size_t length = sizeof NAME - 1, named = (HEADER_BYTES + 2 + length + 1 + 3) / 4 * 4;
    memset(names, 0, named);
    put_header(names, 1, SDES, named, rtcp->ssrc);
    names[8] = CNAME;
    names[9] = (uint8_t)length;
    memcpy(names + 10, NAME, length);
    bytes += named;
    if (bye) {
        put_header(datagram + bytes, 1, BYE, HEADER_BYTES, rtcp->ssrc);
        bytes += HEADER_BYTES;
    }
    return bytes;
}

static void read_block(struct rtcp *rtcp, const uint8_t *at, int64_t unix_ns) {
    if (get_u32(at) != rtcp->ssrc) return;
    rtcp->heard = true;
    rtcp->far_end_lost = (int32_t)(get_u32(at + 4) << 8) >> 8;
    uint32_t last_report = get_u32(at + 16), delay = get_u32(at + 20);
    if (!last_report) return;
    /* Section 6.4.1: in units of 1/65536 s; what is negative or beyond a minute is no round trip. */
    int32_t round_trip = (int32_t)((uint32_t)(ntp(unix_ns) >> 16) - last_report - delay);
    if (round_trip < 0 || round_trip > 60 << 16) return;
    rtcp->round_trips_s += round_trip / 65536.0;
    rtcp->round_trips++;
}

void rtcp_read(struct rtcp *rtcp, const uint8_t *datagram, size_t bytes, int64_t at_ns, int64_t unix_ns) {
    size_t at = 0;
    while (at + HEADER_BYTES <= bytes && datagram[at] >> 6 == 2) {
        const uint8_t *packet = datagram + at;
        size_t length = ((size_t)get_u16(packet + 2) + 1) * 4;
        if (length < HEADER_BYTES || length > bytes - at) return;
        unsigned count = packet[0] & 0x1f, type = packet[1];
        size_t blocks = type == SR ? HEADER_BYTES + SENDER_BYTES : HEADER_BYTES;
        if ((type == SR || type == RR) && length >= blocks) {
            if (type == SR) {
                rtcp->last_report = get_u32(packet + 10); /* the middle of its NTP time */
                rtcp->last_report_ns = at_ns;
            }
            for (unsigned i = 0; i < count && blocks + BLOCK_BYTES <= length; i++, blocks += BLOCK_BYTES)
                read_block(rtcp, packet + blocks, unix_ns);
        }
        at += length;
    }
}

bool rtcp_is(const uint8_t *datagram, size_t bytes) {
    return bytes >= HEADER_BYTES && datagram[0] >> 6 == 2 && datagram[1] >= 192 && datagram[1] <= 223;
}
