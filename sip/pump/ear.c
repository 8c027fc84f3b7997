#define _GNU_SOURCE
#include "ear.h"

#include "g711.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KEPT = 32, KEPT_BYTES = 272, PACKET_BYTES = RTP_HEADER_BYTES + SPEECH_FRAME };
enum { HEARD_SAMPLES = 1600, ECHOED_BYTES = 1600 };
static const int64_t S = 1000000000;

struct kept {
    unsigned first, count;
    struct {
        struct sockaddr_in from;
        int64_t at_ns;
        size_t bytes;
        uint8_t data[KEPT_BYTES];
    } packets[KEPT];
};

static uint32_t random_u32(void) {
    uint32_t value = 0;
    (void)!getrandom(&value, sizeof value, 0);
    return value;
}

struct ear *ear_open(uint32_t number, const char *address, unsigned port, unsigned count) {
    struct in_addr at = {INADDR_ANY};
    errno = EINVAL;
    if (*address != '*' && inet_pton(AF_INET, address, &at) != 1) return NULL;
    struct ear *ear = calloc(1, sizeof *ear);
    if (!ear) return NULL;
    if (!ports_open(&ear->rtp.port, &ear->rtcp.port, at, port, count)) {
        int error = errno;
        free(ear);
        errno = error;
        return NULL;
    }
    ear->number = number;
    ear->rtp.ear = ear->rtcp.ear = ear;
    ear->slot = -1;
    ear->ssrc = ear->reports.ssrc = random_u32();
    ear->first_timestamp = random_u32();
    ear->sequence = (uint16_t)random_u32();
    ear->first_frame = -1;
    reception_begin(&ear->reception);
    hearing_begin(&ear->hearing);
    return ear;
}

void ear_close(struct ear *ear) {
    close(ear->rtp.port.descriptor);
    close(ear->rtcp.port.descriptor);
    ear->rtp.port.descriptor = ear->rtcp.port.descriptor = -1;
}

void ear_free(struct ear *ear) {
    if (ear->recording) recording_free(ear->recording);
    free(ear->kept);
    free(ear);
}

/* --- sending --- */

static void send_to(int descriptor, const uint8_t *data, size_t bytes, const struct sockaddr_in *to) {
    /* What the kernel does not take now is lost, as it would be on the way. */
    (void)!sendto(descriptor, data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)to, sizeof *to);
}

/* Completes and sends a packet of which the payload is in its place. */
static void send_packet(struct ear *ear, uint8_t *datagram, struct rtp_packet *header) {
    header->ssrc = ear->ssrc;
    header->sequence = ear->sequence++;
    rtp_write_header(datagram, header);
    send_to(ear->rtp.port.descriptor, datagram, RTP_HEADER_BYTES + header->payload_bytes, &ear->far.rtp);
    ear->packets_sent++;
    ear->octets_sent += (uint32_t)header->payload_bytes;
}

/* Sends back what came, as it came but for its numbers, which are those of a stream of our own. */
static void echo(struct ear *ear, const struct rtp_packet *packet) {
    uint8_t datagram[RTP_HEADER_BYTES + ECHOED_BYTES];
    if (!ear->far.hears || packet->payload_bytes > ECHOED_BYTES) return;
    if (packet->payload_type != ear->far.payload_type && packet->payload_type != ear->far.digits_type) return;
    if (!ear->packets_sent) ear->echo_ahead = ear->first_timestamp - packet->timestamp;
    struct rtp_packet header = {
        .marker = packet->marker,
        .payload_type = packet->payload_type,
        .timestamp = packet->timestamp + ear->echo_ahead,
        .payload_bytes = packet->payload_bytes,
    };
    memcpy(datagram + RTP_HEADER_BYTES, packet->payload, packet->payload_bytes);
    send_packet(ear, datagram, &header);
}

/* --- hearing --- */

static void hear(struct ear *ear, const struct rtp_packet *packet, int64_t at_ns, FILE *events) {
    int64_t answered_ns = ear->far.answered_ns;
    if (!answered_ns || at_ns < answered_ns) return; /* a trunk's own ringing tone is not the agent's voice */
    if (!ear->packet_said) {
        ear->packet_said = true;
        fprintf(events, "packet %" PRIu32 " %" PRId64 "\n", ear->number, at_ns);
    }
    if (ear->speech.manner == ECHOES) echo(ear, packet);
    if (packet->payload_type != G711_MU && packet->payload_type != G711_A) return;
    if (ear->recording) recording_hear(ear->recording, packet, at_ns);
    int16_t samples[HEARD_SAMPLES];
    size_t count = packet->payload_bytes < HEARD_SAMPLES ? packet->payload_bytes : HEARD_SAMPLES;
    const int16_t *decoder = g711_decoder(packet->payload_type);
    for (size_t i = 0; i < count; i++) samples[i] = decoder[packet->payload[i]];
    if (!hearing_take(&ear->hearing, samples, count, at_ns)) return;
    if (!ear->first_said) {
        ear->first_said = true;
        fprintf(events, "audio %" PRIu32 " %" PRId64 "\n", ear->number, ear->hearing.onset_ns);
    }
    int64_t latency_ns = speech_answered(&ear->speech, &ear->hearing);
    if (latency_ns >= 0)
        fprintf(events, "response %" PRIu32 " %" PRId64 " %" PRId64 "\n", ear->number, ear->hearing.onset_ns,
                latency_ns);
}

/* The announced source, or, while nothing ever came from there, one behind a NAT: its address, another port. */
static bool is_far_end(struct ear *ear, const struct sockaddr_in *from) {
    if (from->sin_addr.s_addr != ear->far.rtp.sin_addr.s_addr) return false;
    if (from->sin_port == ear->far.rtp.sin_port) return ear->far_came = true;
    if (ear->far_came) return false;
    if (!ear->nat_came) {
        ear->nat_came = true;
        ear->nat_port = from->sin_port;
    }
    return from->sin_port == ear->nat_port;
}

static void judge(struct ear *ear, const struct datagram *datagram, FILE *events) {
    struct rtp_packet packet;
    if (!is_far_end(ear, &datagram->from))
        ear->strangers++;
    else if (rtp_read(&packet, datagram->data, datagram->bytes) &&
             reception_take(&ear->reception, &packet, datagram->at_ns) == ARRIVED)
        hear(ear, &packet, datagram->at_ns, events);
}

static void judge_oldest(struct ear *ear, FILE *events) {
    struct kept *kept = ear->kept;
    unsigned oldest = kept->first;
    struct datagram datagram = {
        .data = kept->packets[oldest].data,
        .bytes = kept->packets[oldest].bytes,
        .from = kept->packets[oldest].from,
        .at_ns = kept->packets[oldest].at_ns,
    };
    kept->first = (oldest + 1) % KEPT;
    kept->count--;
    if (ear->started) judge(ear, &datagram, events);
}

/* Until it is known when the call was answered nobody can say which packets came after that. */
static void keep(struct ear *ear, const struct datagram *datagram, FILE *events) {
    if (datagram->bytes > KEPT_BYTES) return;
    if (!ear->kept) ear->kept = calloc(1, sizeof *ear->kept);
    if (!ear->kept) return;
    if (ear->kept->count == KEPT) judge_oldest(ear, events);
    unsigned newest = (ear->kept->first + ear->kept->count++) % KEPT;
    ear->kept->packets[newest].from = datagram->from;
    ear->kept->packets[newest].at_ns = datagram->at_ns;
    ear->kept->packets[newest].bytes = datagram->bytes;
    memcpy(ear->kept->packets[newest].data, datagram->data, datagram->bytes);
}

static void judge_kept(struct ear *ear, FILE *events) {
    while (ear->kept && ear->kept->count) judge_oldest(ear, events);
    free(ear->kept);
    ear->kept = NULL;
}

void ear_take(struct ear *ear, const struct datagram *datagram, FILE *events) {
    if (rtcp_is(datagram->data, datagram->bytes)) return; /* not where the description has it */
    if (ear->far.answered_ns)
        judge(ear, datagram, events);
    else
        keep(ear, datagram, events);
}

void ear_take_report(struct ear *ear, const struct datagram *datagram, int64_t unix_ns) {
    bool is_theirs = ear->started && datagram->from.sin_addr.s_addr == ear->far.rtp.sin_addr.s_addr;
    if (is_theirs)
        rtcp_read(&ear->reports, datagram->data, datagram->bytes, datagram->at_ns, unix_ns);
    else
        ear->strangers++;
}

void ear_start(struct ear *ear, const struct far_end *far, const struct voice *voice, enum manner manner, FILE *events) {
    bool moves = ear->started && (far->rtp.sin_port != ear->far.rtp.sin_port ||
                                  far->rtp.sin_addr.s_addr != ear->far.rtp.sin_addr.s_addr);
    int64_t answered_before_ns = ear->far.answered_ns;
    if (moves) {
        ear->far_came = ear->nat_came = false;
        reception_end(&ear->reception); /* whatever numbers the new place counts from */
    }
    ear->started = true;
    ear->far = *far;
    if (answered_before_ns) {
        ear->far.answered_ns = answered_before_ns; /* a call is answered once */
    } else if (far->answered_ns) {
        speech_begin(&ear->speech, voice, manner, far->answered_ns);
        if (ear->is_recorded) ear->recording = recording_begin(far->answered_ns);
        ear->reports.next_ns = far->answered_ns + S / 2 + (int64_t)(random_u32() % (uint32_t)S);
        judge_kept(ear, events);
    }
}

/* --- speaking --- */

static void send_report(struct ear *ear, uint32_t timestamp, int64_t now_ns, int64_t unix_ns, bool bye) {
    uint8_t datagram[RTCP_BYTES];
    struct sent sent = {ear->packets_sent, ear->octets_sent, timestamp};
    size_t bytes = rtcp_write(&ear->reports, datagram, &sent, &ear->reception, now_ns, unix_ns, bye);
    send_to(ear->rtcp.port.descriptor, datagram, bytes, &ear->far.rtcp);
}

void ear_speak(struct ear *ear, int64_t frame, int64_t now_ns, int64_t unix_ns) {
    uint8_t datagram[PACKET_BYTES];
    bool begins = ear->first_frame < 0;
    if (begins) ear->first_frame = frame;
    uint32_t now = ear->first_timestamp + (uint32_t)(frame - ear->first_frame) * SPEECH_FRAME;
    struct rtp_packet header = {
        .marker = begins, .payload_type = ear->far.payload_type, .timestamp = now, .payload_bytes = SPEECH_FRAME};
    uint8_t *payload = datagram + RTP_HEADER_BYTES;
    bool says = ear->speech.manner != ECHOES;
    if (digits_left(&ear->digits)) {
        header.payload_type = (uint8_t)ear->far.digits_type;
        header.payload_bytes = DIGITS_PAYLOAD_BYTES;
        says = digits_next(&ear->digits, now, payload, &header.timestamp, &header.marker);
    } else if (says) {
        hearing_wait(&ear->hearing, now_ns);
        const int16_t *samples = speech_next(&ear->speech, &ear->hearing, now_ns);
        uint8_t silence = g711_encode(header.payload_type, 0);
        if (!samples) memset(payload, silence, SPEECH_FRAME);
        for (size_t i = 0; samples && i < SPEECH_FRAME; i++)
            payload[i] = g711_encode(header.payload_type, samples[i]);
    }
    if (says) {
        if (ear->recording) recording_say(ear->recording, header.payload_type, payload, header.payload_bytes, now_ns);
        send_packet(ear, datagram, &header);
    }
    if (now_ns >= ear->reports.next_ns) {
        send_report(ear, now, now_ns, unix_ns, false);
        /* Section 6.2: every 5 s, by chance half or one and a half of that. */
        ear->reports.next_ns = now_ns + 5 * S / 2 + (int64_t)((uint64_t)random_u32() * (uint64_t)(5 * S) >> 32);
    }
}

/* --- the end --- */

static void print_number(FILE *events, double value, bool known) {
    if (known && isfinite(value))
        fprintf(events, " %.9g", value);
    else
        fputs(" -", events);
}

void ear_report(struct ear *ear, int64_t now_ns, int64_t unix_ns, FILE *events) {
    if (ear->packets_sent || ear->reception.begun)
        if (ear->started) send_report(ear, ear->first_timestamp, now_ns, unix_ns, true);
    const struct hearing *hearing = &ear->hearing;
    const struct rtcp *reports = &ear->reports;
    struct reception *reception = &ear->reception;
    reception_end(reception);
    int64_t waiting_ns = speech_waiting_ns(&ear->speech, now_ns);
    fprintf(events, "report %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32, ear->number,
            ear->packets_sent, reception->received, reception->lost, reception->reordered, reception->duplicates);
    print_number(events, reception->jitter / (RTP_RATE_HZ / 1e3), reception->received > 1);
    print_number(events, 1e3 * reports->round_trips_s / reports->round_trips, reports->round_trips);
    fprintf(events, " %" PRIu32, reception->late);
    print_number(events, reception_burst_ratio(reception), reception->bursts);
    print_number(events, (double)reception->longest_gap_ns / 1e9, reception->longest_gap_ns >= 0);
    print_number(events, hearing_audible_s(hearing), true);
    fprintf(events, " %" PRId64, hearing->last_ns);
    print_number(events, (double)hearing->clipped_frames / hearing->audible_frames, hearing->audible_frames);
    fprintf(events, " %" PRIu32 " %" PRIu32, ear->speech.phrases, ear->speech.unanswered);
    print_number(events, (double)waiting_ns / 1e9, waiting_ns >= 0);
    print_number(events, (double)ear->speech.talk_over_ns / 1e9, true);
    fprintf(events, " %" PRIu32, ear->strangers);
    print_number(events, reports->far_end_lost, reports->heard);
    fputc('\n', events);
}
