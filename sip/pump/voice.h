/* What a caller has to say. */
#ifndef RINGTIME_PUMP_VOICE_H
#define RINGTIME_PUMP_VOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPEECH_FRAME = 160, SPEECH_FRAME_NS = 20 * 1000000 };

struct voice {
    int16_t *samples; /* 8 kHz */
    size_t count;     /* a whole number of frames */
    size_t phrase;    /* without the pause at its end; 0 for silence */
};

/* Reads a WAV of 8 kHz mono PCM of 16 bits, a minute of it at the most; false where it is none. */
bool voice_read(struct voice *voice, const char *path);

#endif
