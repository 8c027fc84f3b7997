#include "filter.h"

#include "crash.h"
#include "log.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_DEADLINE_S 5.0
#define LONGEST_DEADLINE_S 86400.0

static struct filter filter;
static bool loaded;

static bool bounds(double deadline_s) { return deadline_s > 0 && deadline_s <= LONGEST_DEADLINE_S; }

/* Fills in the functions; false, and the name of the first one that is missing. */
static bool find_functions(void *library, const char **missing) {
    const struct {
        const char *name;
        void *place;
        bool required;
    } functions[] = {
        {"audio_filter_on_load", &filter.on_load, true},
        {"audio_filter_create", &filter.create, true},
        {"audio_filter_destroy", &filter.destroy, true},
        {"audio_filter_process_int16", &filter.process_int16, true},
        {"audio_filter_process_float", &filter.process_float, true},
        {"audio_filter_update_stream_info", &filter.update_stream_info, true},
        {"audio_filter_update_token", &filter.update_token, false},
#ifdef WITH_V2
        {"audio_filter_create_v2", &filter.create_v2, true},
        {"audio_filter_process_int16_v2", &filter.process_int16_v2, true},
        {"audio_filter_process_float_v2", &filter.process_float_v2, false},
#endif
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *found = dlsym(library, *missing = functions[i].name);
        if (!found && functions[i].required) return false;
        memcpy(functions[i].place, &found, sizeof found); /* ISO C has no conversion of an object pointer to a function's */
    }
    return true;
}

const char *ringtime_filters_configure(const char *path, double deadline_s, bool in_background) {
    static char reason[512];
    const char *slash = strrchr(path, '/'), *missing;
    log_name(slash ? slash + 1 : path);
    if (!bounds(deadline_s)) return "the deadline is no number of seconds above 0 and up to a day";
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(reason, sizeof reason, "cannot be loaded: %s", dlerror());
        return reason;
    }
    if (dlsym(library, "ringtime_filters_configure")) return "is a wrapper itself: name the filter to be wrapped";
    if (!find_functions(library, &missing)) {
        snprintf(reason, sizeof reason, "is no audio filter that this wrapper fits, having no %s: see %s", missing,
                 "`python -m ringtime_filters FILTER`");
        return reason;
    }
    filter.deadline_s = deadline_s;
    filter.in_background = in_background;
    if (!loaded) watch_for_crashes();
    loaded = true;
    return NULL;
}

static double deadline_from_environment(void) {
    const char *text = getenv("RINGTIME_FILTER_DEADLINE_S");
    if (!text || !*text) return DEFAULT_DEADLINE_S;
    char *end;
    double value = strtod(text, &end);
    if (!*end && bounds(value)) return value;
    say("RINGTIME_FILTER_DEADLINE_S is %s: a number of seconds above 0 would do; using %.1f", text, DEFAULT_DEADLINE_S);
    return DEFAULT_DEADLINE_S;
}

static bool background_from_environment(void) {
    const char *text = getenv("RINGTIME_FILTER_MODE");
    if (!text || !*text || strcmp(text, "deadline") == 0) return false;
    if (strcmp(text, "background") == 0) return true;
    say("RINGTIME_FILTER_MODE is %s: deadline or background would do; using deadline", text);
    return false;
}

static void configure_from_environment(void) {
    if (loaded) return;
    const char *path = getenv("RINGTIME_FILTER");
    if (!path || !*path) {
        say("RINGTIME_FILTER does not name the filter's library: set it to the .so to be wrapped");
        return;
    }
    const char *wrong = ringtime_filters_configure(path, deadline_from_environment(), background_from_environment());
    if (wrong) say("%s; calls go on without it", wrong);
}

const struct filter *wrapped_filter(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure_from_environment);
    return loaded ? &filter : NULL;
}
