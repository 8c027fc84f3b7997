#include "hearing.h"

#include <stdlib.h>

enum {
    FRAME = 80,              /* samples: 10 ms */
    FRAME_NS = 10 * 1000000,
    SOUND_FRAMES = 3,        /* a click is none */
    HANGOVER_NS = 60 * 1000000, /* a sound goes on over the gaps between its syllables' waves */
    LOST_NS = 200 * 1000000, /* of no packets: more than jitter, and than most losses */
    AUDIBLE = 256,           /* -42 dBFS, whatever the noise is */
    MOST_NOISE = 512,        /* -36 dBFS: a steady tone is a sound, not the noise */
    CLIPPED = 32000,         /* the largest codes of both laws */
    CLIPPED_SAMPLES = 3,     /* of a frame, at the least */
};
static const double OVER_NOISE = 3.0;    /* some 10 dB */
static const double NOISE_RISES = 1.0012; /* a frame: 1 dB in a second */

void hearing_begin(struct hearing *hearing) { *hearing = (struct hearing){.floor = -1}; }

/* Whether a frame of this level is audible; the floor follows quiet at once and loud slowly. */
static bool over_noise(struct hearing *hearing, double level) {
    double risen = hearing->floor < 0 ? MOST_NOISE : hearing->floor * NOISE_RISES + 0.01;
    hearing->floor = level < risen ? level : risen;
    if (hearing->floor > MOST_NOISE) hearing->floor = MOST_NOISE;
    return level >= AUDIBLE && level >= hearing->floor * OVER_NOISE;
}

/* Takes one frame; true where it completes the beginning of a sound. */
static bool take_frame(struct hearing *hearing, const int16_t *samples, int count, int64_t at_ns) {
    int sum = 0, clipped = 0;
    for (int i = 0; i < count; i++) {
        int magnitude = abs(samples[i]);
        sum += magnitude;
        clipped += magnitude >= CLIPPED;
    }
    int64_t end_ns = at_ns + (int64_t)count * FRAME_NS / FRAME;
    if (!over_noise(hearing, (double)sum / count)) {
        hearing->run = 0;
        if (hearing->audible && at_ns - hearing->last_ns > HANGOVER_NS) hearing->audible = false;
        return false;
    }
    hearing->audible_frames++;
    hearing->clipped_frames += clipped >= CLIPPED_SAMPLES;
    if (hearing->run == 0) hearing->run_ns = at_ns;
    if (hearing->run < SOUND_FRAMES) hearing->run++;
    if (hearing->audible) {
        hearing->last_ns = end_ns;
        return false;
    }
    if (hearing->run < SOUND_FRAMES) return false;
    hearing->audible = true;
    hearing->onset_ns = hearing->run_ns;
    hearing->last_ns = end_ns;
    return true;
}

bool hearing_take(struct hearing *hearing, const int16_t *samples, size_t count, int64_t at_ns) {
    bool begun = false;
    for (size_t done = 0; done < count; done += FRAME) {
        size_t left = count - done;
        begun |= take_frame(hearing, samples + done, left < FRAME ? (int)left : FRAME,
                            at_ns + (int64_t)done * FRAME_NS / FRAME);
    }
    return begun;
}

void hearing_wait(struct hearing *hearing, int64_t now_ns) {
    if (hearing->audible && now_ns - hearing->last_ns > LOST_NS) hearing->audible = false;
}

double hearing_audible_s(const struct hearing *hearing) { return hearing->audible_frames * (FRAME_NS / 1e9); }

int64_t hearing_quiet_ns(const struct hearing *hearing, int64_t since_ns, int64_t now_ns) {
    int64_t last_ns = hearing->last_ns > since_ns ? hearing->last_ns : since_ns;
    return now_ns > last_ns ? now_ns - last_ns : 0;
}
