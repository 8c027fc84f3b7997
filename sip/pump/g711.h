/* G.711: the two laws by which eight bits carry a sample. */
#ifndef RINGTIME_PUMP_G711_H
#define RINGTIME_PUMP_G711_H

#include <stdint.h>

enum g711_law { G711_MU = 0, G711_A = 8 }; /* their payload types (RFC 3551 section 6) */

/* Fills the tables; to be called once. */
void g711_prepare(void);

extern int16_t g711_decoded[2][256]; /* by law (mu, A), then by code */
static inline const int16_t *g711_decoder(uint8_t payload_type) { return g711_decoded[payload_type == G711_A]; }

uint8_t g711_encode(uint8_t payload_type, int16_t sample);

#endif
