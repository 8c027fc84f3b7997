/* What the caller says, 20 ms at a time: its voice over and over, or a phrase when it is its turn. */
#ifndef RINGTIME_PUMP_SPEECH_H
#define RINGTIME_PUMP_SPEECH_H

#include "hearing.h"
#include "voice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is said: the voice over and over, a phrase when it is our turn, or what was heard. */
enum manner { LOOPS, CONVERSES, ECHOES };

struct speech {
    const struct voice *voice;
    enum manner manner;
    enum { LISTENING, SPEAKING, AWAITING } turn;
    size_t at;            /* the next sample */
    int64_t since_ns;     /* when the turn began, or the call was answered */
    uint32_t phrases, unanswered;
    int64_t talk_over_ns;
    int64_t ended_ns;     /* the last phrase's end, as it was sent */
    int64_t listened_ns;  /* in vain, after the phrases since the last sound that are over */
};

void speech_begin(struct speech *speech, const struct voice *voice, enum manner manner, int64_t answered_ns);

/* The frame to be sent at `now_ns`; NULL for silence. It is our turn when the far end has fallen quiet. */
const int16_t *speech_next(struct speech *speech, const struct hearing *hearing, int64_t now_ns);

/* A sound of the far end began: how long after our phrase, in ns, or -1 where it answers none. */
int64_t speech_answered(struct speech *speech, const struct hearing *hearing);

/* For how long an answer has been owed, the phrases themselves not counted, or -1 where none is. */
int64_t speech_waiting_ns(const struct speech *speech, int64_t now_ns);

#endif
