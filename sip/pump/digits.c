#include "digits.h"

#include "rtp.h"

#include <string.h>

static const char KEYS[] = "0123456789*#ABCD"; /* by event (section 3.2) */
enum { LASTS = 8, ENDS = 3, FRAMES = 12, FRAME_UNITS = 160, VOLUME = 10, END = 0x80 };

bool digits_begin(struct digits *digits, const char *text) {
    if (strlen(text) > DIGITS_MOST || strspn(text, KEYS) != strlen(text)) return false;
    *digits = (struct digits){0};
    strcpy(digits->text, text);
    return true;
}

bool digits_next(struct digits *digits, uint32_t timestamp, uint8_t *payload, uint32_t *stamped, bool *marker) {
    unsigned frame = digits->frame++;
    char key = digits->text[digits->at];
    if (digits->frame == FRAMES) {
        digits->frame = 0;
        digits->at++;
    }
    if (frame == 0) digits->timestamp = timestamp;
    if (frame >= LASTS + ENDS) return false;
    unsigned lasted = frame < LASTS ? frame + 1 : LASTS; /* the end is said three times (section 2.5.1.4) */
    payload[0] = (uint8_t)(strchr(KEYS, key) - KEYS);
    payload[1] = (uint8_t)((frame >= LASTS ? END : 0) | VOLUME);
    put_u16(payload + 2, lasted * FRAME_UNITS);
    *stamped = digits->timestamp;
    *marker = frame == 0;
    return true;
}
