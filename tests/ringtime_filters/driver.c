/* What the FFI's threads do to a wrapped filter, all at once, for the sanitizers to watch: driver FILTER SCENARIO.
 * Linked with the wrapper's own sources; the filter is scripted.c. */
#include "../../ringtime_filters/audio_filter.h"
#include "../../ringtime_filters/filter.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 6, LOADS = 20, IN = 480, OUT = 240 };

static const char *const options = "{\"url\": \"ws://127.0.0.1:1/\", \"token\": \"a-secret-token\"}";
static atomic_int *on_loads, *creates, *destroys, passing;

static void require(bool fact, const char *words) {
    if (fact) return;
    fprintf(stderr, "driver: not so: %s\n", words);
    _exit(1);
}

/* A pipe whose number the filter finds in the environment; what is written to the end returned is what it reads. */
static int script(const char *variable) {
    int ends[2];
    char number[16];
    require(pipe(ends) == 0, "a pipe");
    snprintf(number, sizeof number, "%d", ends[0]);
    setenv(variable, number, 1);
    return ends[1];
}

static void tell(int pipe, signed char byte) { require(write(pipe, &byte, 1) == 1, "the filter is told"); }

static void await(atomic_int *counter, int value) {
    while (atomic_load(counter) != value) usleep(1000);
}

static void wrap(const char *path, double deadline_s, bool in_background) {
    const char *wrong = ringtime_filters_configure(path, deadline_s, in_background);
    require(!wrong, wrong ? wrong : "");
    void *library = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    on_loads = dlsym(library, "scripted_on_loads");
    creates = dlsym(library, "scripted_creates");
    destroys = dlsym(library, "scripted_destroys");
}

static void together(void *(*what)(void *)) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) require(pthread_create(&threads[i], NULL, what, NULL) == 0, "a thread");
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static void *load_often(void *unused) {
    for (int i = 0; i < LOADS; i++) require(audio_filter_on_load(options) == 0, "the filter is initialised");
    return unused;
}

static void *use(void *unused) {
    int16_t in[IN], out[OUT];
    for (int i = 0; i < IN; i++) in[i] = 1000;
    for (int round = 0; round < LOADS; round++) {
        void *session = audio_filter_create_v2(48000, 24000, "{}", "{}");
        require(session != NULL, "a session");
        for (int frame = 0; frame < 10; frame++) {
            audio_filter_process_int16_v2(session, IN, in, OUT, out);
            require(out[7] == 1000 || out[7] == -1000, "audio passes, or is filtered");
            audio_filter_update_stream_info(session, "{\"roomId\": \"later\"}");
            audio_filter_update_token("ws://127.0.0.1:1/", "a-newer-token");
        }
        audio_filter_destroy(session);
    }
    return unused;
}

static void *use_until_filtered(void *unused) {
    int16_t in[IN], out[OUT];
    for (int i = 0; i < IN; i++) in[i] = 1000;
    void *session = audio_filter_create_v2(48000, 24000, "{}", "{}");
    audio_filter_process_int16_v2(session, IN, in, OUT, out);
    atomic_fetch_add(&passing, 1);
    for (out[0] = 0; out[0] != -1000; usleep(100)) audio_filter_process_int16_v2(session, IN, in, OUT, out);
    audio_filter_destroy(session);
    return unused;
}

static void *finish_while_audio_passes(void *pipe) {
    await(&passing, THREADS);
    tell(*(int *)pipe, 0);
    return NULL;
}

static void many_rooms_at_once(const char *path) {
    wrap(path, 60, false);
    together(load_often);
    together(use);
}

static void late_finish(const char *path) {
    int pipe = script("SCRIPTED_FD");
    wrap(path, 0.01, false);
    require(audio_filter_on_load(options) != 0, "late");
    require(!audio_filter_create_v2(48000, 24000, "{}", "{}"), "no session before the filter is ready");
    audio_filter_update_token("ws://127.0.0.1:1/", "a-newer-token");
    tell(pipe, 0);
    while (audio_filter_on_load(options) != 0) {}
    together(use);
    close(pipe); /* lets an attempt that is still waiting fail */
}

static void ready_while_audio_passes(const char *path) {
    int pipe = script("SCRIPTED_FD");
    wrap(path, 60, true);
    require(audio_filter_on_load(options) == 0 && audio_filter_on_load(options) == 0, "never in the way");
    pthread_t finisher;
    pthread_create(&finisher, NULL, finish_while_audio_passes, &pipe);
    together(use_until_filtered);
    together(use);
    pthread_join(finisher, NULL);
}

static void failure_then_another_room_s_success(const char *path) {
    int pipe = script("SCRIPTED_FD");
    wrap(path, 60, true);
    for (int i = 0; i < 3; i++) require(audio_filter_on_load(options) == 0, "never in the way");
    tell(pipe, 7);
    tell(pipe, 0);
    together(use_until_filtered);
    require(atomic_load(on_loads) == 2, "the newest room's options only");
}

static void gone_while_its_session_is_made(const char *path) {
    int pipe = script("SCRIPTED_FD"), create_pipe = script("SCRIPTED_CREATE_FD");
    wrap(path, 60, true);
    require(audio_filter_on_load(options) == 0, "never in the way");
    void *earlier = audio_filter_create_v2(48000, 24000, "{}", "{}");
    void *later = audio_filter_create_v2(48000, 24000, "{}", "{}");
    tell(pipe, 0);
    await(creates, 1); /* one of the two is being made, the other waits */
    audio_filter_update_stream_info(earlier, "{\"roomId\": \"later\"}");
    audio_filter_destroy(earlier);
    audio_filter_destroy(later);
    tell(create_pipe, 0);
    await(destroys, 1);
    require(atomic_load(creates) == 1, "the one that waited is not made at all");
}

int main(int count, char **arguments) {
    static const struct {
        const char *name;
        void (*run)(const char *path);
    } scenarios[] = {
        {"many_rooms_at_once", many_rooms_at_once},
        {"late_finish", late_finish},
        {"ready_while_audio_passes", ready_while_audio_passes},
        {"failure_then_another_room_s_success", failure_then_another_room_s_success},
        {"gone_while_its_session_is_made", gone_while_its_session_is_made},
    };
    for (size_t i = 0; count == 3 && i < sizeof scenarios / sizeof *scenarios; i++) {
        if (strcmp(arguments[2], scenarios[i].name) != 0) continue;
        scenarios[i].run(arguments[1]);
        return 0;
    }
    fprintf(stderr, "driver FILTER SCENARIO\n");
    return 2;
}
