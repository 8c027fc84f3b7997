/* Stands in for any LiveKit audio filter and bounds its initialisation.
 *
 * LiveKit's FFI runs every filter's audio_filter_on_load inside the room connection and waits for it without a limit: a
 * filter that hangs there keeps the agent from the room while the caller hears it ring. Here the filter's own on_load
 * runs in a thread of its own. In deadline mode the room waits for it so long and no longer, and the FFI is told of a
 * failure, upon which it goes on without the filter. In background mode the room does not wait at all: audio passes
 * unchanged until the filter is ready.
 *
 * Compiled with WITH_V2 it has the optional _v2 functions: their presence alone tells the FFI that the filter converts
 * sample rates, so a filter without them needs a wrapper without them. */
#include "audio_filter.h"

#include "crash.h"
#include "filter.h"
#include "initialisation.h"
#include "passthrough.h"
#include "session.h"

int32_t audio_filter_on_load(const char *options_json) {
    const struct filter *filter = wrapped_filter();
    if (!filter) return NOT_LOADED;
    return filter->in_background ? initialise_in_background(options_json) : initialise_within_deadline(options_json);
}

void *audio_filter_create(uint32_t rate, const char *options, const char *stream_info) {
    return session_create(rate, 0, options, stream_info);
}

/* From here on a session exists, so the filter is loaded. */
void audio_filter_destroy(const void *session) { session_destroy((struct session *)session); }

void audio_filter_process_int16(const void *session, size_t n, const int16_t *in, int16_t *out) {
    void *real = session_real(session);
    if (real) IN_FILTER("audio_filter_process_int16", wrapped_filter()->process_int16(real, n, in, out));
    else pass_int16(1, n, in, n, out);
}

void audio_filter_process_float(const void *session, size_t n, const float *in, float *out) {
    void *real = session_real(session);
    if (real) IN_FILTER("audio_filter_process_float", wrapped_filter()->process_float(real, n, in, out));
    else pass_float(1, n, in, n, out);
}

void audio_filter_update_stream_info(const void *session, const char *stream_info) {
    session_update_stream_info((struct session *)session, stream_info);
}

#ifdef WITH_V2
void *audio_filter_create_v2(uint32_t in_rate, uint32_t out_rate, const char *options, const char *stream_info) {
    return session_create(in_rate, out_rate, options, stream_info);
}

void audio_filter_process_int16_v2(const void *session, size_t n_in, const int16_t *in, size_t n_out, int16_t *out) {
    void *real = session_real(session);
    if (real)
        IN_FILTER("audio_filter_process_int16_v2", wrapped_filter()->process_int16_v2(real, n_in, in, n_out, out));
    else pass_int16(session_channels(session, n_in), n_in, in, n_out, out);
}

/* A filter may convert int16 alone: the FFI uses no other. */
void audio_filter_process_float_v2(const void *session, size_t n_in, const float *in, size_t n_out, float *out) {
    void *real = session_real(session);
    if (real && wrapped_filter()->process_float_v2)
        IN_FILTER("audio_filter_process_float_v2", wrapped_filter()->process_float_v2(real, n_in, in, n_out, out));
    else pass_float(session_channels(session, n_in), n_in, in, n_out, out);
}
#endif

void audio_filter_update_token(const char *url, const char *token) { renew_token(url, token); }
