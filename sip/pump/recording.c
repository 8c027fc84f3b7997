#define _GNU_SOURCE
#include "recording.h"

#include "g711.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLER, FAR_END, CHANNELS };
enum {
    FIRST_SAMPLES = 10 * RTP_RATE_HZ,
    MOST_SAMPLES = 600 * RTP_RATE_HZ, /* ten minutes of a call */
    ASTRAY_SAMPLES = RTP_RATE_HZ / 2, /* a timestamp so far from when its packet came begins anew */
    MU_LAW_SILENCE = 0xff,
    WAV_HEADER_BYTES = 44,
};
static const size_t MOST_BYTES = 256u << 20; /* of all recordings */
static const int64_t SAMPLE_NS = 1000000000 / RTP_RATE_HZ;

struct recording {
    uint32_t number;
    struct recording *next; /* of those that are held */
    int64_t began_ns;
    size_t count, room; /* samples of each channel */
    uint8_t *codes[CHANNELS]; /* mu-law */
    bool is_cut, is_anchored;
    uint32_t anchor_timestamp, ssrc;
    int64_t anchor_at; /* the place of that timestamp */
    char *path;
};

static struct recording *held;
static size_t held_bytes; /* of the thread that records: those being written are no longer counted */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t written = PTHREAD_COND_INITIALIZER;
static unsigned writing;

struct recording *recording_begin(int64_t began_ns) {
    struct recording *recording = calloc(1, sizeof *recording);
    if (recording) recording->began_ns = began_ns;
    return recording;
}

static void release(struct recording *recording) {
    for (int i = 0; i < CHANNELS; i++) free(recording->codes[i]);
    free(recording->path);
    free(recording);
}

void recording_free(struct recording *recording) {
    held_bytes -= CHANNELS * recording->room;
    release(recording);
}

/* Makes room for so many samples, of silence where nothing comes; false beyond what may be kept. */
static bool reach(struct recording *recording, size_t count) {
    if (count <= recording->room) return true;
    size_t room = recording->room ? recording->room : FIRST_SAMPLES;
    while (room < count) room *= 2;
    if (room > MOST_SAMPLES) room = MOST_SAMPLES;
    size_t more_bytes = CHANNELS * (room - recording->room);
    if (count > room || held_bytes + more_bytes > MOST_BYTES) return false;
    for (int i = 0; i < CHANNELS; i++) {
        uint8_t *codes = realloc(recording->codes[i], room);
        if (!codes) return false;
        memset(codes + recording->room, MU_LAW_SILENCE, room - recording->room);
        recording->codes[i] = codes;
    }
    recording->room = room;
    held_bytes += more_bytes;
    return true;
}

static void put(struct recording *recording, int channel, uint8_t law, const uint8_t *codes, size_t count, int64_t at) {
    if (at < 0 || (law != G711_MU && law != G711_A)) return;
    if (!reach(recording, (size_t)at + count)) {
        recording->is_cut = true;
        return;
    }
    uint8_t *to = recording->codes[channel] + at;
    const int16_t *decoder = g711_decoder(law);
    for (size_t i = 0; i < count; i++) to[i] = law == G711_MU ? codes[i] : g711_encode(G711_MU, decoder[codes[i]]);
    if ((size_t)at + count > recording->count) recording->count = (size_t)at + count;
}

static int64_t place_of(const struct recording *recording, int64_t at_ns) {
    return (at_ns - recording->began_ns) / SAMPLE_NS;
}

void recording_say(struct recording *recording, uint8_t payload_type, const uint8_t *codes, size_t count, int64_t at_ns) {
    put(recording, CALLER, payload_type, codes, count, place_of(recording, at_ns));
}

void recording_hear(struct recording *recording, const struct rtp_packet *packet, int64_t at_ns) {
    int64_t came_at = place_of(recording, at_ns);
    int64_t at = recording->anchor_at + (int32_t)(packet->timestamp - recording->anchor_timestamp);
    if (!recording->is_anchored || packet->ssrc != recording->ssrc || llabs(at - came_at) > ASTRAY_SAMPLES) {
        recording->is_anchored = true;
        recording->ssrc = packet->ssrc;
        recording->anchor_timestamp = packet->timestamp;
        at = recording->anchor_at = came_at;
    }
    put(recording, FAR_END, packet->payload_type, packet->payload, packet->payload_bytes, at);
}

void recording_hold(struct recording *recording, uint32_t number) {
    recording->number = number;
    recording->next = held;
    held = recording;
}

struct recording *recording_judged(uint32_t number) {
    struct recording **place = &held;
    while (*place && (*place)->number != number) place = &(*place)->next;
    struct recording *recording = *place;
    if (recording) *place = recording->next;
    return recording;
}

/* --- writing --- */

static void put_little(uint8_t *to, uint32_t value) {
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(value >> 8 * i);
}

static bool write_wav(const struct recording *recording, FILE *file) {
    uint8_t header[WAV_HEADER_BYTES] = "RIFF....WAVEfmt \x10\0\0\0\x01\0\x02\0........\x04\0\x10\0data....";
    uint32_t bytes = (uint32_t)(recording->count * CHANNELS * sizeof(int16_t));
    put_little(header + 4, WAV_HEADER_BYTES - 8 + bytes);
    put_little(header + 24, RTP_RATE_HZ);
    put_little(header + 28, RTP_RATE_HZ * CHANNELS * sizeof(int16_t));
    put_little(header + 40, bytes);
    if (fwrite(header, 1, sizeof header, file) != sizeof header) return false;
    const int16_t *decoder = g711_decoder(G711_MU);
    for (size_t i = 0; i < recording->count; i++) {
        uint8_t frame[CHANNELS * sizeof(int16_t)];
        for (int channel = 0; channel < CHANNELS; channel++) {
            uint16_t sample = (uint16_t)decoder[recording->codes[channel][i]];
            frame[2 * channel] = (uint8_t)sample;
            frame[2 * channel + 1] = (uint8_t)(sample >> 8);
        }
        if (fwrite(frame, 1, sizeof frame, file) != sizeof frame) return false;
    }
    return true;
}

/* Whole or not at all: who looks meanwhile sees no half of a file. */
static bool write_file(const struct recording *recording) {
    char *half;
    if (asprintf(&half, "%s.part", recording->path) < 0) return false;
    FILE *file = fopen(half, "wb");
    bool done = file && write_wav(recording, file);
    if (file) done = fclose(file) == 0 && done;
    done = done && rename(half, recording->path) == 0;
    int error = errno;
    if (file && !done) remove(half);
    free(half);
    errno = error;
    return done;
}

static void *write_out(void *argument) {
    struct recording *recording = argument;
    if (!write_file(recording)) fprintf(stderr, "no recording %s: %s\n", recording->path, strerror(errno));
    if (recording->is_cut) fprintf(stderr, "%s ends early: there was no more memory for it\n", recording->path);
    release(recording);
    pthread_mutex_lock(&lock);
    writing--;
    pthread_cond_signal(&written);
    pthread_mutex_unlock(&lock);
    return NULL;
}

void recording_write(struct recording *recording, const char *path) {
    pthread_attr_t attributes;
    pthread_t thread;
    struct sched_param last = {0};
    held_bytes -= CHANNELS * recording->room;
    recording->path = strdup(path);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED); /* packets come first */
    pthread_attr_setschedpolicy(&attributes, SCHED_OTHER);
    pthread_attr_setschedparam(&attributes, &last);
    pthread_mutex_lock(&lock);
    writing++;
    pthread_mutex_unlock(&lock);
    if (!recording->path || pthread_create(&thread, &attributes, write_out, recording) != 0) {
        fprintf(stderr, "no recording %s: no thread to write it\n", path);
        release(recording);
        pthread_mutex_lock(&lock);
        writing--;
        pthread_mutex_unlock(&lock);
    }
    pthread_attr_destroy(&attributes);
}

void recordings_finish(void) {
    pthread_mutex_lock(&lock);
    while (writing) pthread_cond_wait(&written, &lock);
    pthread_mutex_unlock(&lock);
}
