/* An audio filter whose initialisation ends when a test says so: each on_load reads its result, one byte, from the file
 * descriptor SCRIPTED_FD. Its sessions invert every sample. */
#include "../../ringtime_filters/audio_filter.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

atomic_int scripted_on_loads;

int32_t audio_filter_on_load(const char *options_json) {
    (void)options_json;
    atomic_fetch_add(&scripted_on_loads, 1);
    signed char result;
    return read(atoi(getenv("SCRIPTED_FD")), &result, 1) == 1 ? result : -1;
}

void *audio_filter_create(uint32_t rate, const char *options, const char *stream_info) {
    (void)rate, (void)options, (void)stream_info;
    return malloc(1);
}

void audio_filter_destroy(const void *session) { free((void *)session); }

void audio_filter_process_int16(const void *session, size_t n, const int16_t *in, int16_t *out) {
    (void)session;
    for (size_t i = 0; i < n; i++) out[i] = (int16_t)-in[i];
}

void audio_filter_process_float(const void *session, size_t n, const float *in, float *out) {
    (void)session;
    for (size_t i = 0; i < n; i++) out[i] = -in[i];
}

void audio_filter_update_stream_info(const void *session, const char *stream_info) { (void)session, (void)stream_info; }
#ifdef WITH_V2
void *audio_filter_create_v2(uint32_t in_rate, uint32_t out_rate, const char *options, const char *stream_info) {
    (void)out_rate;
    return audio_filter_create(in_rate, options, stream_info);
}

void audio_filter_process_int16_v2(const void *session, size_t n_in, const int16_t *in, size_t n_out, int16_t *out) {
    audio_filter_process_int16(session, n_in < n_out ? n_in : n_out, in, out);
}

void audio_filter_process_float_v2(const void *session, size_t n_in, const float *in, size_t n_out, float *out) {
    audio_filter_process_float(session, n_in < n_out ? n_in : n_out, in, out);
}
#endif
