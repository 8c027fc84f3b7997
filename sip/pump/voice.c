#include "voice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RIFF_BYTES = 12, CHUNK_BYTES = 8, QUIET = 64, MOST_SAMPLES = 60 * 8000 };

/* Goes to the first sample. */
static bool find_samples(FILE *file) {
    uint8_t head[RIFF_BYTES];
    if (fread(head, 1, RIFF_BYTES, file) != RIFF_BYTES || memcmp(head, "RIFF", 4) != 0) return false;
    while (fread(head, 1, CHUNK_BYTES, file) == CHUNK_BYTES) {
        if (!memcmp(head, "data", 4)) return true;
        long bytes = (long)(head[4] | head[5] << 8 | head[6] << 16);
        if (fseek(file, bytes + bytes % 2, SEEK_CUR) != 0) return false;
    }
    return false;
}

bool voice_read(struct voice *voice, const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    *voice = (struct voice){.samples = calloc(MOST_SAMPLES + SPEECH_FRAME, sizeof *voice->samples)};
    bool found = voice->samples && find_samples(file);
    if (found) voice->count = fread(voice->samples, sizeof *voice->samples, MOST_SAMPLES, file);
    fclose(file);
    for (size_t i = 0; i < voice->count; i++)
        if (abs(voice->samples[i]) > QUIET) voice->phrase = i + 1;
    voice->count = (voice->count + SPEECH_FRAME - 1) / SPEECH_FRAME * SPEECH_FRAME;
    return found;
}
