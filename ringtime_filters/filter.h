/* The filter behind the wrapper, and how its initialisation is to be bounded. */
#ifndef RINGTIME_FILTER_H
#define RINGTIME_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct filter {
    int32_t (*on_load)(const char *);
    void *(*create)(uint32_t, const char *, const char *);
    void (*destroy)(const void *);
    void (*process_int16)(const void *, size_t, const int16_t *, int16_t *);
    void (*process_float)(const void *, size_t, const float *, float *);
    void (*update_stream_info)(const void *, const char *);
    /* NULL where the filter has none. */
    void *(*create_v2)(uint32_t, uint32_t, const char *, const char *);
    void (*process_int16_v2)(const void *, size_t, const int16_t *, size_t, int16_t *);
    void (*process_float_v2)(const void *, size_t, const float *, size_t, float *);
    void (*update_token)(const char *, const char *);

    double deadline_s;
    bool in_background;
};

/* The one filter of this copy of the library, or NULL with the reason logged. A copy that nobody has configured takes
 * its filter from the environment: RINGTIME_FILTER, RINGTIME_FILTER_DEADLINE_S, RINGTIME_FILTER_MODE. */
const struct filter *wrapped_filter(void);

/* Tells this copy of the library its filter, before any other function is called. NULL, or what is wrong; valid until
 * the next call. The environment is not looked at. */
__attribute__((visibility("default"))) const char *ringtime_filters_configure(const char *path, double deadline_s,
                                                                              bool in_background);

#endif
