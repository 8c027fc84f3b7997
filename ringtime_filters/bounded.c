/* Gives any LiveKit audio filter a deadline for its initialisation.
 *
 * LiveKit's FFI runs every filter's audio_filter_on_load inside the room connection and waits for it without a limit: a
 * filter that hangs there keeps the agent from the room while the caller hears it ring. This library stands in for the
 * filter: it runs the filter's own on_load in a thread of its own, waits for it at most the deadline, and reports failure
 * when it is late, upon which the FFI goes on without the filter.
 *
 * RINGTIME_FILTER names the filter's library, RINGTIME_FILTER_DEADLINE_S the deadline in seconds; both are read when this
 * library is loaded, so they may change between two loads of differently named copies. Compiled with WITH_V2 it has the
 * optional _v2 functions: their presence alone tells the FFI that the filter converts sample rates, so a filter without
 * them needs a wrapper without them. */
#define _GNU_SOURCE
#include "audio_filter.h"

#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NOT_LOADED = -2, LATE = -3, NO_THREAD = -4 };

#define DEFAULT_DEADLINE_S 5.0

static struct {
    int32_t (*on_load)(const char *);
    void *(*create)(uint32_t, const char *, const char *);
    void *(*create_v2)(uint32_t, uint32_t, const char *, const char *);
    void (*destroy)(const void *);
    void (*process_int16)(const void *, size_t, const int16_t *, int16_t *);
    void (*process_int16_v2)(const void *, size_t, const int16_t *, size_t, int16_t *);
    void (*process_float)(const void *, size_t, const float *, float *);
    void (*process_float_v2)(const void *, size_t, const float *, size_t, float *);
    void (*update_stream_info)(const void *, const char *);
    void (*update_token)(const char *, const char *);
} filter;

static const char *filter_name = "(none)";
static double deadline_s = DEFAULT_DEADLINE_S;
static bool loaded;

/* One run of the filter's own on_load, shared by its thread and the sessions that wait for it. */
struct initialisation {
    char *options; /* a copy, since the thread may outlive the caller */
    double begun_s;
    int32_t result;
    bool done;
    int holders;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t finished;         /* on CLOCK_MONOTONIC */
static struct initialisation *current;  /* at most one runs at a time, so a hung one costs one thread, once */
static bool ready;                      /* one has succeeded: the filter may be used */

static double monotonic_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* One line an event, to standard error, where an agent's log goes. Never the options: they hold a token. */
#define SAY(format, ...) fprintf(stderr, "ringtime_filters: %s: " format "\n", filter_name, __VA_ARGS__)

static void *symbol(void *library, const char *name, bool required) {
    void *found = dlsym(library, name);
    if (!found && required) {
        SAY("not an audio filter: it has no %s", name);
        loaded = false;
    }
    return found;
}

__attribute__((constructor)) static void load_filter(void) {
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&finished, &clock);
    pthread_condattr_destroy(&clock);

    const char *path = getenv("RINGTIME_FILTER"), *limit = getenv("RINGTIME_FILTER_DEADLINE_S");
    if (!path || !*path) {
        SAY("%s", "RINGTIME_FILTER does not name the filter's library: set it to the .so to be wrapped");
        return;
    }
    const char *slash = strrchr(path, '/');
    filter_name = strdup(slash ? slash + 1 : path);
    if (!filter_name) filter_name = "filter";
    if (limit && *limit) {
        char *end;
        double value = strtod(limit, &end);
        if (*end || !isfinite(value) || value <= 0) {
            SAY("RINGTIME_FILTER_DEADLINE_S is %s: a number of seconds above 0 would do; using %.1f", limit,
                DEFAULT_DEADLINE_S);
        } else {
            deadline_s = value;
        }
    }
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        SAY("cannot be loaded: %s", dlerror());
        return;
    }
    loaded = true;
    filter.on_load = symbol(library, "audio_filter_on_load", true);
    filter.create = symbol(library, "audio_filter_create", true);
    filter.destroy = symbol(library, "audio_filter_destroy", true);
    filter.process_int16 = symbol(library, "audio_filter_process_int16", true);
    filter.process_float = symbol(library, "audio_filter_process_float", true);
    filter.update_stream_info = symbol(library, "audio_filter_update_stream_info", true);
    filter.update_token = symbol(library, "audio_filter_update_token", false);
#ifdef WITH_V2
    filter.create_v2 = symbol(library, "audio_filter_create_v2", true);
    filter.process_int16_v2 = symbol(library, "audio_filter_process_int16_v2", true);
    filter.process_float_v2 = symbol(library, "audio_filter_process_float_v2", true);
#endif
}

/* Called with the lock held. */
static void release(struct initialisation *one) {
    if (--one->holders == 0) free(one);
}

static void *initialise(void *argument) {
    struct initialisation *mine = argument;
    int32_t result = filter.on_load(mine->options);
    double took_s = monotonic_s() - mine->begun_s;
    explicit_bzero(mine->options, strlen(mine->options));
    free(mine->options);

    if (result == 0) SAY("initialised in %.3f s%s", took_s, took_s > deadline_s ? ", late: the next session may use it" : "");
    else SAY("initialisation failed with code %d after %.3f s", result, took_s);

    pthread_mutex_lock(&lock);
    mine->result = result;
    mine->done = true;
    if (result == 0) ready = true;
    current = NULL;
    release(mine);
    pthread_cond_broadcast(&finished);
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* Called with the lock held; NULL where there is no memory or no thread for it. */
static struct initialisation *start(const char *options_json) {
    struct initialisation *next = calloc(1, sizeof *next);
    pthread_attr_t detached;
    pthread_t thread;
    if (!next) return NULL;
    next->options = strdup(options_json);
    next->begun_s = monotonic_s();
    next->holders = 1;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    if (!next->options || pthread_create(&thread, &detached, initialise, next) != 0) {
        free(next->options);
        free(next);
        next = NULL;
    }
    pthread_attr_destroy(&detached);
    return current = next;
}

/* Waits for an initialisation of the filter, its own or one already running, at most the deadline. A later session adopts
 * an earlier success, never a filter that is still at it. */
int32_t audio_filter_on_load(const char *options_json) {
    if (!loaded) return NOT_LOADED;
    double begun_s = monotonic_s(), until_s = begun_s + deadline_s;
    struct timespec until = {.tv_sec = (time_t)until_s, .tv_nsec = (long)((until_s - floor(until_s)) * 1e9)};
    int32_t result;
    bool own, late;

    pthread_mutex_lock(&lock);
    do {
        if (current && ready) { /* usable already: another session's fresh attempt need not be waited for */
            pthread_mutex_unlock(&lock);
            return 0;
        }
        own = !current;
        struct initialisation *awaited = current ? current : start(options_json);
        if (!awaited) {
            pthread_mutex_unlock(&lock);
            SAY("%s", "no memory or no thread for its initialisation: the call goes on without it");
            return NO_THREAD;
        }
        awaited->holders++;
        int waited = 0;
        while (!awaited->done && waited != ETIMEDOUT) waited = pthread_cond_timedwait(&finished, &lock, &until);
        late = !awaited->done;
        result = late ? LATE : awaited->result;
        release(awaited);
    } while (!late && !own && result != 0); /* somebody else's failed: try with our own options */
    if (late && ready) result = 0;
    pthread_mutex_unlock(&lock);

    if (result == LATE) SAY("initialisation not finished after %.3f s: the call goes on without it", monotonic_s() - begun_s);
    return result;
}

static bool usable(void) {
    pthread_mutex_lock(&lock);
    bool now = ready;
    pthread_mutex_unlock(&lock);
    return now;
}

void *audio_filter_create(uint32_t rate, const char *options, const char *stream_info) {
    return usable() ? filter.create(rate, options, stream_info) : NULL;
}

/* From here on a session exists, so the filter is loaded and ready. */
void audio_filter_destroy(const void *session) { filter.destroy(session); }

void audio_filter_process_int16(const void *session, size_t n, const int16_t *in, int16_t *out) {
    filter.process_int16(session, n, in, out);
}

void audio_filter_process_float(const void *session, size_t n, const float *in, float *out) {
    filter.process_float(session, n, in, out);
}

void audio_filter_update_stream_info(const void *session, const char *stream_info) {
    filter.update_stream_info(session, stream_info);
}

#ifdef WITH_V2
void *audio_filter_create_v2(uint32_t in_rate, uint32_t out_rate, const char *options, const char *stream_info) {
    return usable() ? filter.create_v2(in_rate, out_rate, options, stream_info) : NULL;
}

void audio_filter_process_int16_v2(const void *session, size_t n_in, const int16_t *in, size_t n_out, int16_t *out) {
    filter.process_int16_v2(session, n_in, in, n_out, out);
}

void audio_filter_process_float_v2(const void *session, size_t n_in, const float *in, size_t n_out, float *out) {
    filter.process_float_v2(session, n_in, in, n_out, out);
}
#endif

void audio_filter_update_token(const char *url, const char *token) {
    if (filter.update_token && usable()) filter.update_token(url, token);
}
