#include "speech.h"

static const int64_t S = 1000000000;
static const int64_t TURN_NS = 600 * 1000000LL; /* of quiet: the far end has finished */
#define PATIENCE_NS (10 * S) /* without an answer the phrase is said again */

void speech_begin(struct speech *speech, const struct voice *voice, enum manner manner, int64_t answered_ns) {
    *speech = (struct speech){.voice = voice, .manner = manner, .since_ns = answered_ns};
}

static void turn_to(struct speech *speech, int turn, int64_t now_ns) {
    speech->turn = turn;
    speech->since_ns = now_ns;
    speech->at = 0;
}

static bool is_our_turn(const struct speech *speech, const struct hearing *hearing, int64_t now_ns) {
    /* Who has not been greeted begins, after a while. */
    return hearing_quiet_ns(hearing, speech->since_ns, now_ns) >= (hearing->onset_ns ? TURN_NS : PATIENCE_NS);
}

static const int16_t *say(struct speech *speech, const struct hearing *hearing, int64_t now_ns) {
    const int16_t *frame = speech->voice->samples + speech->at;
    speech->at += SPEECH_FRAME;
    if (hearing->audible) speech->talk_over_ns += SPEECH_FRAME_NS;
    if (speech->at < speech->voice->phrase) return frame;
    speech->phrases++;
    speech->ended_ns = now_ns + SPEECH_FRAME_NS;
    /* Over a sound that goes on nobody can tell when the answer to it begins. */
    turn_to(speech, hearing->audible ? LISTENING : AWAITING, speech->ended_ns);
    return frame;
}

const int16_t *speech_next(struct speech *speech, const struct hearing *hearing, int64_t now_ns) {
    const struct voice *voice = speech->voice;
    if (voice->phrase == 0) return NULL;
    if (speech->manner == LOOPS) {
        const int16_t *frame = voice->samples + speech->at;
        if (hearing->audible && speech->at < voice->phrase) speech->talk_over_ns += SPEECH_FRAME_NS;
        speech->at += SPEECH_FRAME;
        if (speech->at >= voice->count) speech->at = 0;
        return frame;
    }
    if (speech->turn == AWAITING && now_ns - speech->since_ns >= PATIENCE_NS) {
        speech->unanswered++;
        speech->listened_ns += PATIENCE_NS;
        turn_to(speech, SPEAKING, now_ns);
    } else if (speech->turn == LISTENING && is_our_turn(speech, hearing, now_ns)) {
        turn_to(speech, SPEAKING, now_ns);
    }
    return speech->turn == SPEAKING ? say(speech, hearing, now_ns) : NULL;
}

int64_t speech_answered(struct speech *speech, const struct hearing *hearing) {
    speech->listened_ns = 0;
    if (speech->turn != AWAITING) return -1;
    int64_t latency_ns = hearing->onset_ns - speech->ended_ns;
    turn_to(speech, LISTENING, hearing->onset_ns);
    if (latency_ns < 0) return -1; /* it was on its way before the phrase had ended */
    return latency_ns;
}

int64_t speech_waiting_ns(const struct speech *speech, int64_t now_ns) {
    int64_t since_ns = speech->turn == AWAITING && now_ns > speech->since_ns ? now_ns - speech->since_ns : 0;
    return speech->listened_ns + since_ns ? speech->listened_ns + since_ns : -1;
}
