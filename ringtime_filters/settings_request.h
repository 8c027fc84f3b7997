/* GET /settings, as a vendor's audio filter asks it while a call waits. */
#ifndef RINGTIME_SETTINGS_REQUEST_H
#define RINGTIME_SETTINGS_REQUEST_H

enum { SETTINGS_BAD_URL = -2, SETTINGS_NO_ANSWER = -1 };

/* The status of the answer, or one of the above. No time limit: this is the defect that the wrapper exists for.
 * The token travels as bearer and is kept nowhere. */
int settings_request(const char *url, const char *token);

#endif
