/* The filter's own initialisation, in a thread of its own and at most one at a time. */
#ifndef RINGTIME_INITIALISATION_H
#define RINGTIME_INITIALISATION_H

#include <stdbool.h>
#include <stdint.h>

/* What audio_filter_on_load gives where it is not the filter's own code. */
enum { NOT_LOADED = -2, LATE = -3, NO_THREAD = -4 };

/* Waits for an initialisation of the filter, its own or one already running, at most the deadline. A later session
 * adopts an earlier success, never a filter that is still at it. */
int32_t initialise_within_deadline(const char *options_json);

/* Sees that the filter is initialised and returns at once. */
int32_t initialise_in_background(const char *options_json);

/* True once an initialisation has succeeded in this process: the filter may be used. */
bool initialised(void);

/* The room's newest token, for the filter now or when it is ready. */
void renew_token(const char *url, const char *token);

#endif
