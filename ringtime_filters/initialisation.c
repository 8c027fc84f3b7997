#define _GNU_SOURCE
#include "initialisation.h"

#include "crash.h"
#include "filter.h"
#include "log.h"
#include "session.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One run of the filter's own on_load, shared by its thread and the rooms that wait for it. */
struct initialisation {
    char *options; /* a copy, since the thread may outlive the caller */
    double begun_s;
    int32_t result;
    bool done;
    int holders;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t finished;        /* on CLOCK_MONOTONIC */
static struct initialisation *current; /* at most one runs at a time, so a hung one costs one thread, once */
static char *next_options;             /* background: the newest room's, should the current one fail */
static char *next_url, *next_token;    /* the newest token that came before the filter was ready */
static atomic_bool ready;

static double monotonic_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Options and tokens are secrets: wiped before the memory is given back. */
static void forget(char *secret) {
    if (secret) explicit_bzero(secret, strlen(secret));
    free(secret);
}

static char *take(char **secret) {
    char *taken = *secret;
    *secret = NULL;
    return taken;
}

bool initialised(void) { return atomic_load(&ready); }

/* Called with the lock held, which it gives away while the filter is at work: the filter is up to date when it becomes
 * ready, and the order of tokens is kept. */
static void become_ready(void) {
    while (next_token) {
        char *url = take(&next_url), *token = take(&next_token);
        pthread_mutex_unlock(&lock);
        IN_FILTER("audio_filter_update_token", wrapped_filter()->update_token(url, token));
        forget(url);
        forget(token);
        pthread_mutex_lock(&lock);
    }
    atomic_store(&ready, true);
}

/* Called with the lock held. */
static void release(struct initialisation *one) {
    if (--one->holders == 0) free(one);
}

/* Runs the filter's on_load once and tells those who wait; gives the options of a room that is to be tried next. */
static char *run(struct initialisation *mine) {
    const struct filter *filter = wrapped_filter();
    int32_t result;
    IN_FILTER("audio_filter_on_load", result = filter->on_load(mine->options));
    double took_s = monotonic_s() - mine->begun_s;
    forget(mine->options);

    if (result != 0) say("initialisation failed with code %d after %.3f s", result, took_s);
    else if (took_s <= filter->deadline_s || filter->in_background) say("initialised in %.3f s", took_s);
    else say("initialised in %.3f s, late: the next session may use it", took_s);

    pthread_mutex_lock(&lock);
    if (result == 0) become_ready();
    mine->result = result;
    mine->done = true;
    current = NULL;
    release(mine);
    char *next = take(&next_options);
    pthread_cond_broadcast(&finished);
    pthread_mutex_unlock(&lock);
    if (result != 0) return next;
    forget(next);
    switch_waiting_sessions();
    return NULL;
}

static void *initialise(void *argument) {
    char *next = run(argument);
    if (next) initialise_in_background(next);
    forget(next);
    return NULL;
}

/* Called with the lock held; NULL where there is no memory or no thread for it. */
static struct initialisation *start(const char *options_json) {
    struct initialisation *one = calloc(1, sizeof *one);
    pthread_attr_t detached;
    pthread_t thread;
    if (!one) return NULL;
    one->options = strdup(options_json);
    one->begun_s = monotonic_s();
    one->holders = 1;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    if (!one->options || pthread_create(&thread, &detached, initialise, one) != 0) {
        say("no memory or no thread for its initialisation: the call goes on without it");
        forget(one->options);
        free(one);
        one = NULL;
    }
    pthread_attr_destroy(&detached);
    return current = one;
}

int32_t initialise_within_deadline(const char *options_json) {
    double begun_s = monotonic_s(), until_s = begun_s + wrapped_filter()->deadline_s;
    struct timespec until = {.tv_sec = (time_t)until_s, .tv_nsec = (long)((until_s - (double)(time_t)until_s) * 1e9)};
    int32_t result;
    bool own, late, adopted;

    pthread_mutex_lock(&lock);
    do {
        if (current && initialised()) { /* usable already: another room's fresh attempt need not be waited for */
            own = late = false;
            result = 0;
            break;
        }
        own = !current;
        struct initialisation *awaited = current ? current : start(options_json);
        if (!awaited) {
            pthread_mutex_unlock(&lock);
            return NO_THREAD;
        }
        awaited->holders++;
        int waited = 0;
        while (!awaited->done && waited != ETIMEDOUT) waited = pthread_cond_timedwait(&finished, &lock, &until);
        late = !awaited->done;
        result = late ? LATE : awaited->result;
        release(awaited);
    } while (!late && !own && result != 0); /* somebody else's failed: try with our own options */
    if (late && initialised()) result = 0;
    adopted = result == 0 && (late || !own);
    pthread_mutex_unlock(&lock);

    if (adopted) say("adopted after %.3f s: another session has initialised it", monotonic_s() - begun_s);
    if (result == LATE)
        say("initialisation not finished after %.3f s: the call goes on without it", monotonic_s() - begun_s);
    return result;
}

int32_t initialise_in_background(const char *options_json) {
    int32_t result = 0;
    pthread_mutex_lock(&lock);
    if (!current) {
        /* a process that is killed leaves no other line: nobody waits who could say that it is late */
        if (start(options_json)) say("initialisation begun in the background");
        else result = NO_THREAD;
    } else if (!initialised()) {
        forget(next_options);
        next_options = strdup(options_json);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

void renew_token(const char *url, const char *token) {
    const struct filter *filter = wrapped_filter();
    if (!filter || !filter->update_token) return;
    pthread_mutex_lock(&lock);
    bool now = initialised();
    if (!now) {
        forget(next_url);
        forget(next_token);
        next_url = strdup(url);
        next_token = strdup(token);
    }
    pthread_mutex_unlock(&lock);
    if (now) IN_FILTER("audio_filter_update_token", filter->update_token(url, token));
}

static void before_fork(void) {
    lock_sessions();
    pthread_mutex_lock(&lock);
}

static void after_fork_in_parent(void) {
    pthread_mutex_unlock(&lock);
    unlock_sessions(false);
}

static void on_monotonic_clock(pthread_cond_t *condition) {
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &clock);
    pthread_condattr_destroy(&clock);
}

/* Threads do not survive a fork, so nothing of the parent's is under way here, and a filter that the parent had
 * initialised has lost its own: the child begins anew. */
static void after_fork_in_child(void) {
    current = NULL;
    atomic_store(&ready, false);
    on_monotonic_clock(&finished);
    pthread_mutex_unlock(&lock);
    unlock_sessions(true);
}

__attribute__((constructor)) static void prepare(void) {
    on_monotonic_clock(&finished);
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

__attribute__((destructor)) static void account(void) {
    if (pthread_mutex_trylock(&lock) != 0) return;
    if (current) say("initialisation never finished: still at it after %.3f s", monotonic_s() - current->begun_s);
    pthread_mutex_unlock(&lock);
}
