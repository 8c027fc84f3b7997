/* Prints what reception makes of a stream: lines of `sequence timestamp ssrc at_ns` in, one line of figures out;
   as `figures sound`, what hearing makes of samples of 16 bits, 160 every 20 ms: the onsets, in ms; as `figures laws`,
   of each code of mu-law, then of A-law, its sample and the code of that. */

#include "g711.h"
#include "hearing.h"
#include "reception.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void stream(void) {
    struct reception reception;
    struct rtp_packet packet = {0};
    int64_t at_ns;
    reception_begin(&reception);
    while (scanf("%" SCNu16 " %" SCNu32 " %" SCNu32 " %" SCNd64, &packet.sequence, &packet.timestamp, &packet.ssrc,
                 &at_ns) == 4)
        reception_take(&reception, &packet, at_ns);
    reception_end(&reception);
    printf("%" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %.9g %" PRIu32 " %.9g %" PRId64 "\n", reception.received,
           reception.lost, reception.reordered, reception.duplicates, reception.jitter, reception.late,
           reception_burst_ratio(&reception), reception.longest_gap_ns);
}

static void sound(void) {
    struct hearing hearing;
    int16_t samples[160];
    int64_t at_ns = 1000000000;
    hearing_begin(&hearing);
    for (; fread(samples, sizeof *samples, 160, stdin) == 160; at_ns += 20000000) {
        if (hearing_take(&hearing, samples, 160, at_ns))
            printf("%" PRId64 " ", (hearing.onset_ns - 1000000000) / 1000000);
        hearing_wait(&hearing, at_ns);
    }
    printf("\n%.3f %" PRIu32 "\n", hearing_audible_s(&hearing), hearing.clipped_frames);
}

static void laws(void) {
    g711_prepare();
    for (int law = G711_MU; law <= G711_A; law += G711_A)
        for (int code = 0; code < 256; code++) {
            int16_t sample = g711_decoder((uint8_t)law)[code];
            printf("%d %d\n", sample, g711_encode((uint8_t)law, sample));
        }
}

int main(int count, char **arguments) {
    if (count > 1 && !strcmp(arguments[1], "laws"))
        laws();
    else if (count > 1)
        sound();
    else
        stream();
    return 0;
}
