/* The RTP pump: the voice of all calls of one tester, in one process and one thread.

   `pump CONTROL VOICE [converse|echo]` takes orders, lines of text, from the SOCK_SEQPACKET socket that it inherited
   as descriptor CONTROL, and says there what it hears; it ends with that socket. VOICE is a WAV of 8 kHz mono
   PCM, which callers say over and over, or, where they converse, as a phrase when it is their turn; where they
   echo they send back what they hear instead. Orders:

     open EAR ADDRESS PORT COUNT       -> opened EAR PORT RTCP_PORT, or refused EAR WHY
     start EAR HOST PORT RTCP_PORT PAYLOAD_TYPE DIGITS_TYPE HEARS ANSWERED_NS
     digits EAR DIGITS
     record EAR                        from the answer on, to be judged once it is stopped:
     keep EAR PATH, or discard EAR
     stop EAR                          -> report EAR ..., see ear_report

   Without being asked it says `packet EAR NS`, `audio EAR NS`, `response EAR NS LATENCY_NS`, and each second
   `pulse LAG_NS`. All times are readings of CLOCK_MONOTONIC in ns.

   Sockets are read and packets sent on a grid of 2 ms, which costs a third of waking for each packet; when a
   packet came is the kernel's to say (SO_TIMESTAMPNS). */

#define _GNU_SOURCE
#include "ear.h"
#include "g711.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 10, HASHED = 4096, BATCH = 16, DATAGRAM_BYTES = 1600, EVENTS = 1024, ROUNDS = 4, ORDERS_BYTES = 1 << 18 };
enum { SAID_BYTES = 32 << 10, LAST_BATCHES = 32 };
static const int64_t NS = 1000000000, TICK_NS = SPEECH_FRAME_NS / SLOTS, PULSE_NS = NS;
static const int64_t BEHIND_TICKS = 5 * SLOTS; /* frames of longer ago are not caught up with */

static int control, poller;
static struct voice voice;
static enum manner manner;
static struct ear *ears[HASHED], *speakers[SLOTS], *stopped;
static unsigned speaking[SLOTS], speaking_in_all;
static FILE *said; /* what is still to be said, in memory */
static char *said_text;
static size_t said_bytes;

static int64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * NS + now.tv_nsec;
}

/* --- ears --- */

static struct ear **place_of(uint32_t number) {
    struct ear **place = &ears[number % HASHED];
    while (*place && (*place)->number != number) place = &(*place)->next;
    return place;
}

static void watch(struct socket_of *socket) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = socket};
    epoll_ctl(poller, EPOLL_CTL_ADD, socket->port.descriptor, &event);
}

static void begin_speaking(struct ear *ear) {
    if (ear->slot >= 0 || !ear_speaks(ear)) return;
    int least = 0;
    for (int slot = 1; slot < SLOTS; slot++)
        if (speaking[slot] < speaking[least]) least = slot;
    ear->slot = least;
    ear->next_in_slot = speakers[least];
    speakers[least] = ear;
    speaking[least]++;
    speaking_in_all++;
}

static void end_speaking(struct ear *ear) {
    if (ear->slot < 0) return;
    struct ear **place = &speakers[ear->slot];
    while (*place != ear) place = &(*place)->next_in_slot;
    *place = ear->next_in_slot;
    speaking[ear->slot]--;
    speaking_in_all--;
    ear->slot = -1;
}

/* --- receiving --- */

static struct mmsghdr messages[BATCH];
static struct iovec vectors[BATCH];
static struct sockaddr_in sources[BATCH];
static uint8_t datagrams[BATCH][DATAGRAM_BYTES];
static union {
    char bytes[CMSG_SPACE(sizeof(struct timespec))];
    struct cmsghdr aligned;
} stamps[BATCH];

static int64_t stamp_of(struct msghdr *message) {
    for (struct cmsghdr *each = CMSG_FIRSTHDR(message); each; each = CMSG_NXTHDR(message, each))
        if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec stamp;
            memcpy(&stamp, CMSG_DATA(each), sizeof stamp);
            return stamp.tv_sec * NS + stamp.tv_nsec;
        }
    return 0;
}

/* Makes a place ready for the next message: the kernel writes over the lengths of those that it used. */
static void make_ready(int place) {
    vectors[place] = (struct iovec){datagrams[place], DATAGRAM_BYTES};
    messages[place].msg_hdr = (struct msghdr){
        .msg_name = &sources[place],
        .msg_namelen = sizeof sources[place],
        .msg_iov = &vectors[place],
        .msg_iovlen = 1,
        .msg_control = &stamps[place],
        .msg_controllen = sizeof stamps[place],
    };
}

/* Reads what is there, a batch at the most: a flood at one ear must not keep the others waiting. True where
   there may be more. */
static bool receive(struct socket_of *socket) {
    int count = recvmmsg(socket->port.descriptor, messages, BATCH, MSG_DONTWAIT, NULL);
    if (count <= 0) return false;
    int64_t wall_ahead_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < count; i++) {
        int64_t unix_ns = stamp_of(&messages[i].msg_hdr);
        if (!unix_ns) unix_ns = clock_ns(CLOCK_REALTIME);
        struct datagram datagram = {datagrams[i], messages[i].msg_len, sources[i], unix_ns - wall_ahead_ns};
        if (messages[i].msg_hdr.msg_flags & MSG_TRUNC) datagram.bytes = 0; /* larger than any link carries: no RTP */
        if (socket == &socket->ear->rtp)
            ear_take(socket->ear, &datagram, said);
        else
            ear_take_report(socket->ear, &datagram, unix_ns);
        make_ready(i);
    }
    return count == BATCH;
}

/* --- orders --- */

static void open_ear(uint32_t number, const char *address, unsigned port, unsigned count) {
    struct ear *ear = ear_open(number, address, port, count);
    if (!ear) {
        fprintf(said, "refused %" PRIu32 " %s\n", number, strerror(errno));
        return;
    }
    struct ear **place = place_of(number);
    ear->next = *place;
    *place = ear;
    watch(&ear->rtp);
    watch(&ear->rtcp);
    fprintf(said, "opened %" PRIu32 " %u %u\n", number, ear->rtp.port.number, ear->rtcp.port.number);
}

static void stop_ear(struct ear **place) {
    struct ear *ear = *place;
    for (int batch = 0; batch < LAST_BATCHES && receive(&ear->rtp); batch++) continue;
    ear_report(ear, clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_REALTIME), said);
    end_speaking(ear);
    if (ear->recording) recording_hold(ear->recording, ear->number);
    ear->recording = NULL;
    *place = ear->next;
    ear_close(ear);
    ear->next = stopped; /* the poller may still speak of it in this turn */
    stopped = ear;
}

static void free_stopped(void) {
    while (stopped) {
        struct ear *ear = stopped;
        stopped = ear->next;
        ear_free(ear);
    }
}

static bool start_ear(struct ear *ear, const char *host, unsigned port, unsigned rtcp_port, struct far_end *far) {
    far->rtp.sin_family = AF_INET;
    if (inet_pton(AF_INET, host, &far->rtp.sin_addr) != 1 || port > UINT16_MAX || rtcp_port > UINT16_MAX)
        return false;
    far->rtcp = far->rtp;
    far->rtp.sin_port = htons((uint16_t)port);
    far->rtcp.sin_port = htons((uint16_t)rtcp_port);
    ear_start(ear, far, &voice, manner, said);
    if (ear_speaks(ear))
        begin_speaking(ear);
    else
        end_speaking(ear);
    return true;
}

/* False for what is no order about a recording. */
static bool obey_about_recording(const char *order) {
    uint32_t number;
    int path = 0;
    if (sscanf(order, "record %" SCNu32, &number) == 1) {
        struct ear *ear = *place_of(number);
        if (ear) ear->is_recorded = true;
        return true;
    }
    if (sscanf(order, "keep %" SCNu32 " %n", &number, &path) == 1 && order[path]) {
        struct recording *recording = recording_judged(number);
        if (recording) recording_write(recording, order + path);
        return true;
    }
    if (sscanf(order, "discard %" SCNu32, &number) == 1) {
        struct recording *recording = recording_judged(number);
        if (recording) recording_free(recording);
        return true;
    }
    return false;
}

/* False for what is no order; one to an ear that is not there comes too late, and is none. */
static bool obey(const char *order) {
    uint32_t number;
    unsigned port, rtcp_port, count, payload_type;
    int hears;
    char address[64], digits[DIGITS_MOST + 2];
    struct far_end far = {0};
    if (sscanf(order, "open %" SCNu32 " %63s %u %u", &number, address, &port, &count) == 4) {
        open_ear(number, address, port, count);
        return true;
    }
    if (sscanf(order, "start %" SCNu32 " %63s %u %u %u %d %d %" SCNd64, &number, address, &port, &rtcp_port,
               &payload_type, &far.digits_type, &hears, &far.answered_ns) == 8) {
        far.payload_type = (uint8_t)(payload_type & 0x7f);
        far.hears = hears;
        struct ear *ear = *place_of(number);
        return !ear || start_ear(ear, address, port, rtcp_port, &far);
    }
    if (sscanf(order, "digits %" SCNu32 " %33s", &number, digits) == 2) {
        struct ear *ear = *place_of(number);
        return !ear || (ear->far.digits_type >= 0 && digits_begin(&ear->digits, digits));
    }
    if (sscanf(order, "stop %" SCNu32, &number) == 1) {
        struct ear **place = place_of(number);
        if (*place) stop_ear(place);
        return true;
    }
    return obey_about_recording(order);
}

/* False once nobody gives orders any more. */
static bool take_orders(void) {
    static char orders[ORDERS_BYTES + 1];
    for (;;) {
        ssize_t bytes = recv(control, orders, ORDERS_BYTES, MSG_DONTWAIT);
        if (bytes < 0) return errno == EAGAIN || errno == EINTR;
        if (bytes == 0) return false;
        orders[bytes] = 0;
        char *rest = orders;
        for (char *order; (order = strsep(&rest, "\n"));)
            if (*order && !obey(order)) fprintf(stderr, "not done: %s\n", order);
    }
}

/* Says what is to be said in whole lines; what the other side has no room for is kept. */
static bool say(void) {
    fflush(said);
    size_t done = 0;
    while (done < said_bytes) {
        size_t bytes = said_bytes - done;
        if (bytes > SAID_BYTES) {
            bytes = SAID_BYTES;
            while (said_text[done + bytes - 1] != '\n') bytes--;
        }
        if (send(control, said_text + done, bytes, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            if (errno != EAGAIN) return false;
            break;
        }
        done += bytes;
    }
    if (!done) return true;
    size_t left = said_bytes - done;
    memmove(said_text, said_text + done, left);
    fseeko(said, (off_t)left, SEEK_SET);
    return true;
}

/* --- the loop --- */

static int64_t speak(int64_t done, int64_t now) {
    if (now - done > BEHIND_TICKS) done = now - BEHIND_TICKS;
    int64_t wall_ahead_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
    while (done < now) {
        done++;
        for (struct ear *ear = speakers[done % SLOTS]; ear; ear = ear->next_in_slot)
            ear_speak(ear, done / SLOTS, done * TICK_NS, done * TICK_NS + wall_ahead_ns);
    }
    return done;
}

/* Reads every socket that has something; false once nobody gives orders any more. */
static bool listen_to_all(int timeout_ms) {
    static struct epoll_event events[EVENTS];
    bool goes_on = true;
    for (int round = 0; round < ROUNDS; round++) {
        int count = epoll_wait(poller, events, EVENTS, round ? 0 : timeout_ms);
        for (int i = 0; i < count; i++) {
            struct socket_of *socket = events[i].data.ptr;
            if (socket)
                receive(socket);
            else
                goes_on = take_orders();
        }
        free_stopped();
        if (count < EVENTS) break;
    }
    return goes_on;
}

static int run(void) {
    int64_t done = clock_ns(CLOCK_MONOTONIC) / TICK_NS, pulse_ns = 0, lag_ns = 0;
    for (;;) {
        int timeout_ms = (int)(PULSE_NS / 1000000);
        if (speaking_in_all) {
            timeout_ms = 0;
            int64_t wake_ns = (clock_ns(CLOCK_MONOTONIC) / TICK_NS + 1) * TICK_NS;
            struct timespec wake = {wake_ns / NS, wake_ns % NS};
            while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL) == EINTR) continue;
            int64_t late_ns = clock_ns(CLOCK_MONOTONIC) - wake_ns;
            if (late_ns > lag_ns) lag_ns = late_ns;
        }
        done = speak(done, clock_ns(CLOCK_MONOTONIC) / TICK_NS);
        if (!listen_to_all(timeout_ms)) return 0;
        int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
        if (now_ns >= pulse_ns) {
            fprintf(said, "pulse %" PRId64 "\n", lag_ns);
            pulse_ns = now_ns + PULSE_NS;
            lag_ns = 0;
        }
        if (!say()) return 0;
    }
}

/* --- the start --- */

static void precede(void) {
    /* Its packets are due to the millisecond, as the calls are; without that right it runs as it is. */
    struct sched_param first = {.sched_priority = 1};
    sched_setscheduler(0, SCHED_RR, &first);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max; /* two a call */
    setrlimit(RLIMIT_NOFILE, &files);
}

int main(int count, char **arguments) {
    if (count < 3 || !voice_read(&voice, arguments[2])) {
        fprintf(stderr, "usage: %s CONTROL VOICE [converse|echo]; VOICE is a WAV\n", arguments[0]);
        return 2;
    }
    control = atoi(arguments[1]);
    if (count > 3 && !strcmp(arguments[3], "converse")) manner = CONVERSES;
    if (count > 3 && !strcmp(arguments[3], "echo")) manner = ECHOES;
    g711_prepare();
    for (int place = 0; place < BATCH; place++) make_ready(place);
    poller = epoll_create1(EPOLL_CLOEXEC);
    said = open_memstream(&said_text, &said_bytes);
    struct epoll_event event = {.events = EPOLLIN};
    if (poller < 0 || !said || epoll_ctl(poller, EPOLL_CTL_ADD, control, &event) != 0) {
        perror("the pump cannot start");
        return 1;
    }
    precede();
    int code = run();
    recordings_finish();
    return code;
}
