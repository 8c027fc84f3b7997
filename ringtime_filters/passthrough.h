/* Audio unchanged but for its sample rate, for as long as the filter is not ready. */
#ifndef RINGTIME_PASSTHROUGH_H
#define RINGTIME_PASSTHROUGH_H

#include <stddef.h>
#include <stdint.h>

/* n_in samples become n_out of the same duration, both counted over `channels` interleaved channels. No state is kept
 * from call to call; in and out may be the same where the counts are. */
void pass_int16(size_t channels, size_t n_in, const int16_t *in, size_t n_out, int16_t *out);
void pass_float(size_t channels, size_t n_in, const float *in, size_t n_out, float *out);

#endif
