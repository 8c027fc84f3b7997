#include "passthrough.h"

#include <string.h>

/* To a lower rate each sample out is the mean of the span of samples it stands for, which keeps what the lower rate
 * cannot carry from folding back loudly; to a higher rate the samples are joined by straight lines. Coarse beside a real
 * resampler, but free of state and delay, and heard for seconds at most. Equal rates are passed bit by bit. */
#define DEFINE_PASS(NAME, SAMPLE, FROM_DOUBLE)                                                                     \
    void NAME(size_t channels, size_t n_in, const SAMPLE *in, size_t n_out, SAMPLE *out) {                         \
        size_t from = n_in / channels, to = n_out / channels;                                                      \
        if (n_in == n_out) memmove(out, in, n_in * sizeof *in);                                                    \
        else if (from == 0) memset(out, 0, n_out * sizeof *out);                                                   \
        else                                                                                                       \
            for (size_t i = 0; i < to * channels; i++) {                                                           \
                size_t frame = i / channels, channel = i % channels;                                               \
                double value = from > to ? mean_##NAME(channels, from, in + channel, to, frame)                    \
                                         : line_##NAME(channels, from, in + channel, to, frame);                   \
                out[i] = FROM_DOUBLE;                                                                              \
            }                                                                                                      \
    }

/* Lengths are counted in parts of a sample in, `to` parts each, so that a sample out spans `from` parts. */
#define DEFINE_MEAN(NAME, SAMPLE)                                                                                   \
    static double mean_##NAME(size_t step, size_t from, const SAMPLE *in, size_t to, size_t frame) {                \
        size_t begin = frame * from, end = begin + from;                                                            \
        double sum = 0;                                                                                             \
        for (size_t i = begin / to; i * to < end; i++) {                                                            \
            size_t left = i * to > begin ? i * to : begin, right = (i + 1) * to < end ? (i + 1) * to : end;         \
            sum += (double)in[i * step] * (double)(right - left);                                                   \
        }                                                                                                           \
        return sum / (double)from;                                                                                  \
    }

#define DEFINE_LINE(NAME, SAMPLE)                                                                                   \
    static double line_##NAME(size_t step, size_t from, const SAMPLE *in, size_t to, size_t frame) {                \
        double at = ((double)frame + 0.5) * (double)from / (double)to - 0.5;                                        \
        if (at < 0) at = 0;                                                                                         \
        size_t i = (size_t)at, next = i + 1 < from ? i + 1 : from - 1;                                              \
        double share = at - (double)i;                                                                              \
        return (double)in[i * step] * (1 - share) + (double)in[next * step] * share;                                \
    }

DEFINE_MEAN(pass_int16, int16_t)
DEFINE_LINE(pass_int16, int16_t)
DEFINE_PASS(pass_int16, int16_t, (int16_t)(value < 0 ? value - 0.5 : value + 0.5))

DEFINE_MEAN(pass_float, float)
DEFINE_LINE(pass_float, float)
DEFINE_PASS(pass_float, float, (float)value)
