/* Gives an ear packets that are nearly right: `mutate COUNT SEED`, built with the sanitizers, which end it at the
   first fault. Built by clang with -fsanitize=fuzzer and -DLIBFUZZER it is a target of libFuzzer instead. */

#define _GNU_SOURCE
#include "ear.h"
#include "g711.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1600, EARS_LAST = 4096, SEEDS = 8 };
static const int64_t MS = 1000000;

static struct ear *ear;
static FILE *events;
static int16_t samples[8 * SPEECH_FRAME];
static const struct voice voice = {samples, 8 * SPEECH_FRAME, 6 * SPEECH_FRAME};
static int64_t now_ns = 1000000000;

static void begin(void) {
    ear = ear_open(1, "127.0.0.1", 0, 0);
    if (!ear) abort();
}

static void end(void) {
    ear_report(ear, now_ns, now_ns, events);
    ear_close(ear);
    ear_free(ear);
    rewind(events);
}

static void start(uint32_t choice) {
    struct far_end far = {
        .payload_type = choice & 1 ? G711_A : G711_MU,
        .digits_type = choice & 2 ? 101 : -1,
        .hears = choice & 4,
        .answered_ns = choice & 8 ? now_ns - (int64_t)(choice & 0xff) * MS : 0,
    };
    far.rtp.sin_family = far.rtcp.sin_family = AF_INET;
    far.rtp.sin_addr.s_addr = far.rtcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    far.rtp.sin_port = far.rtcp.sin_port = htons(9); /* where what nobody is to hear goes */
    ear->is_recorded = choice & 32;
    ear_start(ear, &far, &voice, choice & 16 ? CONVERSES : choice & 64 ? ECHOES : LOOPS, events);
    if (far.digits_type >= 0) digits_begin(&ear->digits, "1#");
}

static void give(const uint8_t *data, size_t bytes, uint32_t choice) {
    struct datagram datagram = {data, bytes, {.sin_family = AF_INET}, now_ns};
    datagram.from.sin_addr.s_addr = htonl(choice % 16 ? INADDR_LOOPBACK : INADDR_LOOPBACK + 1);
    datagram.from.sin_port = htons(choice % 5 ? 9 : (uint16_t)choice);
    if (choice & 0x100)
        ear_take_report(ear, &datagram, now_ns);
    else
        ear_take(ear, &datagram, events);
    if (choice & 0x200 && ear_speaks(ear)) ear_speak(ear, now_ns / SPEECH_FRAME_NS, now_ns, now_ns);
}

static void prepare(void) {
    events = tmpfile();
    if (!events) abort();
    g711_prepare();
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) samples[i] = (int16_t)(i % 16 < 8 ? 9000 : -9000);
    begin();
}

#ifdef LIBFUZZER
int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count, (void)arguments;
    prepare();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    uint32_t choice = bytes >= 4 ? get_u32(data) : 0;
    now_ns += 20 * MS;
    if (choice % EARS_LAST == 0) {
        end();
        begin();
        start(choice >> 8 | 8);
    }
    give(data + (bytes >= 4 ? 4 : 0), bytes >= 4 ? bytes - 4 : bytes, choice >> 16);
    return 0;
}
#else
static uint64_t state;

static uint32_t drawn(uint32_t below) { /* xorshift64* */
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return (uint32_t)((state * 0x2545f4914f6cdd1d) >> 32) % below;
}

/* Something right, of every form there is, in a stream that goes on. */
static size_t seed(uint8_t *data) {
    static uint16_t sequence;
    size_t bytes = RTP_HEADER_BYTES + SPEECH_FRAME;
    struct rtp_packet packet = {.sequence = ++sequence, .timestamp = sequence * SPEECH_FRAME, .ssrc = 7};
    uint32_t form = drawn(SEEDS);
    if (form == 1) packet.payload_type = 101, bytes = RTP_HEADER_BYTES + DIGITS_PAYLOAD_BYTES;
    memset(data, (int)drawn(256), MOST_BYTES);
    rtp_write_header(data, &packet);
    if (form == 2) data[0] |= 3;
    if (form == 3) data[0] |= 0x10, put_u16(data + RTP_HEADER_BYTES + 2, drawn(8));
    if (form == 4) data[0] |= 0x20, data[bytes - 1] = (uint8_t)drawn(32);
    if (form >= 6) { /* reports: a sender's with a block, and a goodbye */
        data[0] = 0x81, data[1] = 200, bytes = 60;
        put_u16(data + 2, 12);
        put_u32(data + 28, ear->ssrc);
        data[52] = 0x81, data[53] = 203;
        put_u16(data + 54, 1);
    }
    if (form == 7) data[52] = (uint8_t)(0x80 | drawn(32)), data[53] = 201, put_u16(data + 54, drawn(16));
    return bytes;
}

static size_t mutated(uint8_t *data, size_t bytes) {
    for (uint32_t times = drawn(4); times; times--) data[drawn((uint32_t)bytes)] ^= (uint8_t)(1u << drawn(8));
    switch (drawn(12)) {
    case 0: return drawn((uint32_t)bytes + 1);
    case 1: return bytes + drawn(MOST_BYTES - (uint32_t)bytes);
    case 2: put_u16(data + 2, drawn(1 << 16)); break;
    case 3: put_u32(data + 8, drawn(4)); break;
    case 4: put_u32(data + 4, drawn(UINT32_MAX)); break;
    }
    return bytes;
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    state = strtoull(arguments[2], NULL, 10) * 2 + 1;
    prepare();
    long wanted = atol(arguments[1]);
    for (long done = 0; done < wanted; done++) {
        uint8_t data[MOST_BYTES];
        size_t bytes = mutated(data, seed(data));
        now_ns += drawn(1000) ? drawn(40) * MS : (int64_t)drawn(1 << 20) * MS; /* and holes of minutes */
        if (drawn(200) == 0) start(drawn(UINT32_MAX));
        if (drawn(EARS_LAST) == 0) end(), begin();
        /* Where it is read beyond its end the sanitizer must see that: each has memory of its own size. */
        uint8_t *exactly = malloc(bytes ? bytes : 1);
        memcpy(exactly, data, bytes);
        give(exactly, bytes, drawn(UINT32_MAX));
        free(exactly);
    }
    end();
    printf("%ld packets\n", wanted);
    return 0;
}
#endif
