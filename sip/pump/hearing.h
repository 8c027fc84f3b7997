/* What of the far end's sound a person would hear: energy over the noise, where it begins and where it ends. */
#ifndef RINGTIME_PUMP_HEARING_H
#define RINGTIME_PUMP_HEARING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hearing {
    double floor;          /* the noise's level, as a mean magnitude; negative until there is one */
    int run;               /* audible frames in a row, up to what makes a sound */
    int64_t run_ns;        /* when the first of them came */
    bool audible;          /* a sound is going on */
    int64_t onset_ns;      /* when the last sound began, 0 before the first */
    int64_t last_ns;       /* when the last audible frame of a sound ended, 0 before the first */
    uint32_t audible_frames, clipped_frames;
};

void hearing_begin(struct hearing *hearing);

/* Hears samples at 8 kHz that came at `at_ns`; true where a sound was found to have begun. */
bool hearing_take(struct hearing *hearing, const int16_t *samples, size_t count, int64_t at_ns);

/* Time passed: a sound of which nothing comes any more is over. */
void hearing_wait(struct hearing *hearing, int64_t now_ns);

/* Audible sound so far, in seconds. */
double hearing_audible_s(const struct hearing *hearing);

/* For how long nothing audible has come: since the last sound, or since `since_ns` where there was none. */
int64_t hearing_quiet_ns(const struct hearing *hearing, int64_t since_ns, int64_t now_ns);

#endif
