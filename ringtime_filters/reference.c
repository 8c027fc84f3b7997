/* The reference audio filter: asks GET /settings of the agent's server, or at RINGTIME_SETTINGS_URL, before it may be
 * used, and waits for the answer without any time limit, as vendors' filters were found to do. The audio itself passes
 * unchanged. */
#define _GNU_SOURCE
#include "audio_filter.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings_request.h"

enum {
    SETTINGS_OK = 0,
    SETTINGS_BAD_OPTIONS = 1,
    SETTINGS_UNREACHABLE = 2,
    SETTINGS_REFUSED = 3, /* an answer other than 2xx or 404 */
};

static atomic_bool initialised;

/* The value of a string member of a flat JSON object, on the heap; NULL where it is missing or holds an escape
 * (neither a LiveKit URL nor a JSON Web Token needs one). */
static char *json_string(const char *json, const char *name) {
    char key[32];
    snprintf(key, sizeof key, "\"%s\"", name);
    const char *at = strstr(json, key);
    if (!at) return NULL;
    at += strlen(key);
    at += strspn(at, " \t\r\n");
    if (*at++ != ':') return NULL;
    at += strspn(at, " \t\r\n");
    if (*at++ != '"') return NULL;
    size_t length = strcspn(at, "\"\\");
    return at[length] == '"' ? strndup(at, length) : NULL;
}

int32_t audio_filter_on_load(const char *options_json) {
    char *url = json_string(options_json, "url"), *token = json_string(options_json, "token");
    const char *own = getenv("RINGTIME_SETTINGS_URL");
    int32_t result = SETTINGS_BAD_OPTIONS;
    if (url && token) {
        int status = settings_request(own && *own ? own : url, token);
        if (status == SETTINGS_NO_ANSWER) result = SETTINGS_UNREACHABLE;
        /* a server that has no settings for the filter leaves it at its defaults */
        if (status >= 0) result = status / 100 == 2 || status == 404 ? SETTINGS_OK : SETTINGS_REFUSED;
    }
    if (token) explicit_bzero(token, strlen(token));
    free(token);
    free(url);
    if (result == SETTINGS_OK) atomic_store(&initialised, true);
    return result;
}

struct session {
    uint32_t rate;
};

void *audio_filter_create(uint32_t rate, const char *options, const char *stream_info) {
    (void)options;
    (void)stream_info;
    if (!atomic_load(&initialised)) return NULL;
    struct session *session = malloc(sizeof *session);
    if (session) session->rate = rate;
    return session;
}

void audio_filter_destroy(const void *session) { free((void *)session); }

void audio_filter_process_int16(const void *session, size_t n, const int16_t *in, int16_t *out) {
    (void)session;
    memmove(out, in, n * sizeof *in);
}

void audio_filter_process_float(const void *session, size_t n, const float *in, float *out) {
    (void)session;
    memmove(out, in, n * sizeof *in);
}

void audio_filter_update_stream_info(const void *session, const char *stream_info) {
    (void)session;
    (void)stream_info;
}
