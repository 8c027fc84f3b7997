#include "session.h"

#include "crash.h"
#include "filter.h"
#include "initialisation.h"
#include "log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES_PER_S = 100 };

struct session {
    _Atomic(void *) real;
    uint32_t in_rate, out_rate;

    /* While it waits for the filter; all under the lock. */
    char *options, *stream_info;
    enum { SETTLED, WAITING, IN_CREATION, ABANDONED } state;
    struct session *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct session *waiting; /* newest first */

static void *create_real(const struct session *session, const char *options, const char *stream_info) {
    const struct filter *filter = wrapped_filter();
    void *real;
    if (session->out_rate)
        IN_FILTER("audio_filter_create_v2",
                  real = filter->create_v2(session->in_rate, session->out_rate, options, stream_info));
    else
        IN_FILTER("audio_filter_create", real = filter->create(session->in_rate, options, stream_info));
    return real;
}

static void destroy_real(void *real) {
    if (real) IN_FILTER("audio_filter_destroy", wrapped_filter()->destroy(real));
}

static void free_session(struct session *session) {
    free(session->options);
    free(session->stream_info);
    free(session);
}

/* Called with the lock held; false where there is no memory for it. */
static bool wait_for_filter(struct session *session, const char *options, const char *stream_info) {
    session->options = strdup(options ? options : "");
    session->stream_info = strdup(stream_info ? stream_info : "");
    session->state = WAITING;
    session->next = waiting;
    if (!session->options || !session->stream_info) return false;
    waiting = session;
    return true;
}

struct session *session_create(uint32_t in_rate, uint32_t out_rate, const char *options, const char *stream_info) {
    const struct filter *filter = wrapped_filter();
    if (!filter) return NULL;
    struct session *session = calloc(1, sizeof *session);
    if (!session) return NULL;
    session->in_rate = in_rate;
    session->out_rate = out_rate;

    pthread_mutex_lock(&lock); /* so that a filter that becomes ready now either is seen here or sees this session */
    bool ready = initialised();
    bool kept = ready || (filter->in_background && wait_for_filter(session, options, stream_info));
    pthread_mutex_unlock(&lock);

    if (ready) {
        void *real = create_real(session, options, stream_info);
        atomic_store_explicit(&session->real, real, memory_order_release);
        kept = real != NULL;
    }
    if (kept) return session;
    free_session(session);
    return NULL;
}

void session_destroy(struct session *session) {
    pthread_mutex_lock(&lock);
    bool in_creation = session->state == IN_CREATION;
    if (in_creation) session->state = ABANDONED; /* the creating thread will find it */
    for (struct session **at = &waiting; *at; at = &(*at)->next)
        if (*at == session) {
            *at = session->next;
            break;
        }
    pthread_mutex_unlock(&lock);
    if (in_creation) return;
    destroy_real(session_real(session));
    free_session(session);
}

void session_update_stream_info(struct session *session, const char *stream_info) {
    pthread_mutex_lock(&lock);
    void *real = session_real(session);
    if (!real) {
        char *newer = strdup(stream_info);
        if (newer) {
            free(session->stream_info);
            session->stream_info = newer;
        }
    }
    pthread_mutex_unlock(&lock);
    if (real) IN_FILTER("audio_filter_update_stream_info", wrapped_filter()->update_stream_info(real, stream_info));
}

void *session_real(const struct session *session) {
    return atomic_load_explicit(&session->real, memory_order_acquire);
}

size_t session_channels(const struct session *session, size_t n_in) {
    size_t channels = n_in * FRAMES_PER_S / (session->in_rate ? session->in_rate : 1);
    return channels > 0 && n_in % channels == 0 ? channels : 1;
}

static char *take(char **text) {
    char *taken = *text;
    *text = NULL;
    return taken;
}

/* Called with the lock held, which it gives away while the filter is at work. */
static void switch_session(struct session *session) {
    session->state = IN_CREATION;
    char *options = take(&session->options), *stream_info = take(&session->stream_info);
    pthread_mutex_unlock(&lock);
    void *real = create_real(session, options, stream_info);
    free(options);
    free(stream_info);
    if (!real) say("made no session for a stream of %u Hz: its audio passes unfiltered", session->in_rate);

    pthread_mutex_lock(&lock);
    while (real && session->state != ABANDONED && session->stream_info) { /* renewed meanwhile */
        stream_info = take(&session->stream_info);
        pthread_mutex_unlock(&lock);
        IN_FILTER("audio_filter_update_stream_info", wrapped_filter()->update_stream_info(real, stream_info));
        free(stream_info);
        pthread_mutex_lock(&lock);
    }
    if (session->state != ABANDONED) {
        atomic_store_explicit(&session->real, real, memory_order_release);
        session->state = SETTLED;
        return;
    }
    pthread_mutex_unlock(&lock);
    destroy_real(real);
    free_session(session);
    pthread_mutex_lock(&lock);
}

void switch_waiting_sessions(void) {
    pthread_mutex_lock(&lock);
    while (waiting) {
        struct session *session = waiting;
        waiting = session->next;
        switch_session(session);
    }
    pthread_mutex_unlock(&lock);
}

void lock_sessions(void) { pthread_mutex_lock(&lock); }

void unlock_sessions(bool in_child) {
    if (in_child) waiting = NULL;
    pthread_mutex_unlock(&lock);
}
