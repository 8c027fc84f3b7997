/* GET /settings over HTTP/1.1: one request, one answer read to its end, no time limit. */
#define _GNU_SOURCE
#include "settings_request.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings_connection.h"

enum { HEAD_LIMIT = 8192 };

/* Splits scheme://host[:port]/… in place. */
static bool split_url(char *url, char **host, const char **port, bool *secure) {
    char *start = strstr(url, "://");
    if (!start) return false;
    *start = '\0';
    *secure = strcmp(url, "wss") == 0 || strcmp(url, "https") == 0;
    if (!*secure && strcmp(url, "ws") != 0 && strcmp(url, "http") != 0) return false;
    *host = start + 3;
    (*host)[strcspn(*host, "/?#")] = '\0';
    char *colon = strrchr(*host, ':');
    *port = colon ? colon + 1 : *secure ? "443" : "80";
    if (colon) *colon = '\0';
    return **host != '\0';
}

static bool send_request(const struct connection *connection, const char *host, const char *port, const char *token) {
    char *request = NULL;
    int length = asprintf(&request,
                          "GET /settings HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n",
                          host, port, token);
    if (length < 0) return false;
    bool sent = connection_send(connection, request, (size_t)length) == length;
    explicit_bzero(request, (size_t)length);
    free(request);
    return sent;
}

/* The length of the body as its head announces it, or -1: then the end of the connection is its end. */
static long announced_length(const char *head) {
    const char *header = strcasestr(head, "\r\nContent-Length:");
    return header ? strtol(header + strlen("\r\nContent-Length:"), NULL, 10) : -1;
}

/* The status, once all that the head announces has come; the body itself is dropped. */
static int receive_answer(const struct connection *connection) {
    char head[HEAD_LIMIT];
    size_t got = 0;
    char *end = NULL;
    while (!end) {
        ssize_t n = got < sizeof head - 1 ? connection_receive(connection, head + got, sizeof head - 1 - got) : -1;
        if (n <= 0) return SETTINGS_NO_ANSWER;
        got += (size_t)n;
        head[got] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    int status;
    if (sscanf(head, "HTTP/1.%*d %d", &status) != 1) return SETTINGS_NO_ANSWER;
    long body = (long)(got - (size_t)(end + 4 - head)), whole;
    end[2] = '\0';
    whole = announced_length(head);
    while (whole < 0 || body < whole) {
        char drop[4096];
        ssize_t n = connection_receive(connection, drop, sizeof drop);
        if (n < 0 || (n == 0 && whole >= 0)) return SETTINGS_NO_ANSWER; /* cut short: RFC 9112, section 8 */
        if (n == 0) break;
        body += n;
    }
    return status;
}

int settings_request(const char *url, const char *token) {
    char *copy = strdup(url), *host;
    const char *port;
    bool secure;
    int status = SETTINGS_BAD_URL;
    struct connection connection;
    if (copy && split_url(copy, &host, &port, &secure)) {
        status = SETTINGS_NO_ANSWER;
        if (connection_open(&connection, host, port, secure)) {
            if (send_request(&connection, host, port, token)) status = receive_answer(&connection);
            connection_close(&connection);
        }
    }
    free(copy);
    return status;
}
