/* What a call sounded like, kept in memory until somebody says whether it is to be written. */
#ifndef RINGTIME_PUMP_RECORDING_H
#define RINGTIME_PUMP_RECORDING_H

#include "rtp.h"

#include <stdint.h>

struct recording;

/* It begins at `began_ns`; NULL where there is no memory. */
struct recording *recording_begin(int64_t began_ns);
void recording_free(struct recording *recording);

/* The caller's frame, as it is sent at `at_ns`, and the far end's packet, as it came. */
void recording_say(struct recording *recording, uint8_t payload_type, const uint8_t *codes, size_t count, int64_t at_ns);
void recording_hear(struct recording *recording, const struct rtp_packet *packet, int64_t at_ns);

/* Holds it until its call has been judged: then it is taken by that number, NULL where there is none. */
void recording_hold(struct recording *recording, uint32_t number);
struct recording *recording_judged(uint32_t number);

/* Writes a WAV of two channels, the caller left and the far end right, in a thread of its own, which frees it. */
void recording_write(struct recording *recording, const char *path);

/* Waits until all have been written. */
void recordings_finish(void);

#endif
