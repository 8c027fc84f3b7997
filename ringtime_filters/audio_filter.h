/* The C ABI between LiveKit's FFI and an audio filter (rust-sdks, livekit/src/plugin.rs). */
#ifndef RINGTIME_AUDIO_FILTER_H
#define RINGTIME_AUDIO_FILTER_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

/* Called once a room connection, after the room is joined and before the agent is told so.
 * options_json is {"url": …, "token": …}; the token is a secret. 0 means the filter may be used. */
int32_t audio_filter_on_load(const char *options_json);

/* One session an audio stream. NULL means: go on without the filter. */
void *audio_filter_create(uint32_t rate, const char *options, const char *stream_info);
void audio_filter_destroy(const void *session);
void audio_filter_process_int16(const void *session, size_t n, const int16_t *in, int16_t *out);
void audio_filter_process_float(const void *session, size_t n, const float *in, float *out);
void audio_filter_update_stream_info(const void *session, const char *stream_info);

/* Optional. A library that has the _v2 functions tells the FFI that it converts the sample rate itself. */
void *audio_filter_create_v2(uint32_t in_rate, uint32_t out_rate, const char *options, const char *stream_info);
void audio_filter_process_int16_v2(const void *session, size_t n_in, const int16_t *in, size_t n_out, int16_t *out);
void audio_filter_process_float_v2(const void *session, size_t n_in, const float *in, size_t n_out, float *out);
void audio_filter_update_token(const char *url, const char *token);

#pragma GCC visibility pop

#endif
