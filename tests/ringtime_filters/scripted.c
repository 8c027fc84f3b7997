/* An audio filter that does what a test says, by the environment of its process:
 *
 *   SCRIPTED_FD         each on_load reads its result, one byte, from this file descriptor; unset, it succeeds at once
 *   SCRIPTED_CREATE_FD  each create reads a byte, 0 for a session, 1 for none; unset, there is one at once
 *   SCRIPTED_CRASH      the function that crashes, "…_by_abort" for one that aborts
 *
 * Its sessions multiply every sample by GAIN, -1 if not compiled otherwise. With BARE it has none of the optional
 * functions, with WITH_V2 all. */
#include "../../ringtime_filters/audio_filter.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef SCRIPTED_FD_VARIABLE
#define SCRIPTED_FD_VARIABLE "SCRIPTED_FD"
#endif

#ifndef GAIN
#define GAIN -1
#endif

#pragma GCC visibility push(default)
atomic_int scripted_in_rate, scripted_out_rate;
atomic_int scripted_on_loads, scripted_creates, scripted_destroys;
char scripted_token[64], scripted_stream_info[64];
#pragma GCC visibility pop

static int told(const char *variable) {
    const char *descriptor = getenv(variable);
    signed char byte;
    if (!descriptor || !*descriptor) return 0;
    return read(atoi(descriptor), &byte, 1) == 1 ? byte : -1;
}

static void crash_if_told(const char *function) {
    const char *told = getenv("SCRIPTED_CRASH");
    if (!told || strncmp(told, function, strlen(function)) != 0) return;
    if (strcmp(told + strlen(function), "_by_abort") == 0) abort();
    if (!told[strlen(function)]) *(volatile int *)8 = 0;
}

static void keep(char place[64], const char *text) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    strncpy(place, text, 63);
    pthread_mutex_unlock(&lock);
}

int32_t audio_filter_on_load(const char *options_json) {
    (void)options_json;
    atomic_fetch_add(&scripted_on_loads, 1);
    crash_if_told("on_load");
    return told(SCRIPTED_FD_VARIABLE);
}

void *audio_filter_create(uint32_t rate, const char *options, const char *stream_info) {
    (void)rate, (void)options;
    atomic_fetch_add(&scripted_creates, 1);
    crash_if_told("create");
    if (told("SCRIPTED_CREATE_FD")) return NULL;
    keep(scripted_stream_info, stream_info);
    return malloc(1);
}

void audio_filter_destroy(const void *session) {
    free((void *)session);
    atomic_fetch_add(&scripted_destroys, 1);
}

void audio_filter_process_int16(const void *session, size_t n, const int16_t *in, int16_t *out) {
    (void)session;
    crash_if_told("process_int16");
    for (size_t i = 0; i < n; i++) out[i] = (int16_t)(GAIN * in[i]);
}

void audio_filter_process_float(const void *session, size_t n, const float *in, float *out) {
    (void)session;
    for (size_t i = 0; i < n; i++) out[i] = GAIN * in[i];
}

void audio_filter_update_stream_info(const void *session, const char *stream_info) {
    (void)session;
    keep(scripted_stream_info, stream_info);
}

#ifndef BARE
void audio_filter_update_token(const char *url, const char *token) {
    (void)url;
    keep(scripted_token, token);
}
#endif

#ifdef WITH_V2
void *audio_filter_create_v2(uint32_t in_rate, uint32_t out_rate, const char *options, const char *stream_info) {
    atomic_store(&scripted_in_rate, (int)in_rate);
    atomic_store(&scripted_out_rate, (int)out_rate);
    return audio_filter_create(in_rate, options, stream_info);
}

void audio_filter_process_int16_v2(const void *session, size_t n_in, const int16_t *in, size_t n_out, int16_t *out) {
    audio_filter_process_int16(session, n_in < n_out ? n_in : n_out, in, out);
}

void audio_filter_process_float_v2(const void *session, size_t n_in, const float *in, size_t n_out, float *out) {
    audio_filter_process_float(session, n_in < n_out ? n_in : n_out, in, out);
}
#endif
