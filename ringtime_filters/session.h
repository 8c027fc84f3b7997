/* The sessions of one filter: each audio stream's own, and its switch from passing audio through to filtering it. */
#ifndef RINGTIME_SESSION_H
#define RINGTIME_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

/* A session with the filter behind it, or, where it is not ready and the mode is background, one that waits for it.
 * NULL where there is no filter for it, as the FFI expects. out_rate 0: made by audio_filter_create, one rate. */
struct session *session_create(uint32_t in_rate, uint32_t out_rate, const char *options, const char *stream_info);
void session_destroy(struct session *session);
void session_update_stream_info(struct session *session, const char *stream_info);

/* The filter's own session, NULL while audio passes through. Takes no lock: it is called for every frame. */
void *session_real(const struct session *session);

/* Channels of a frame of n_in samples: the FFI's frames last 10 ms. */
size_t session_channels(const struct session *session, size_t n_in);

/* Gives every waiting session the filter's own. Called by the initialising thread, where it may block. */
void switch_waiting_sessions(void);

/* Around a fork: no session of the parent is one of the child's. */
void lock_sessions(void);
void unlock_sessions(bool in_child);

#endif
