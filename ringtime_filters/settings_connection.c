/* Finding, reaching and securing the place where the reference filter asks for its settings. */
#define _GNU_SOURCE
#include "settings_connection.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <dlfcn.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <resolv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* The first address (A record) that the name server at `server`, an address:port, has for `host`. A resolver state of
 * our own goes round /etc/nsswitch.conf; its time-outs and attempts are glibc's, RES_OPTIONS included. */
static bool ask_name_server(const char *server, const char *host, char address[INET_ADDRSTRLEN]) {
    struct __res_state resolver = {0};
    char server_host[INET_ADDRSTRLEN] = "";
    unsigned short server_port = 53;
    if (sscanf(server, "%15[0-9.]:%hu", server_host, &server_port) < 1 || res_ninit(&resolver) != 0) return false;
    struct sockaddr_in *first = &resolver.nsaddr_list[0];
    *first = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(server_port)};
    resolver.nscount = 1;
    bool found = false;
    unsigned char answer[NS_PACKETSZ];
    int length = inet_pton(AF_INET, server_host, &first->sin_addr) == 1
                     ? res_nquery(&resolver, host, ns_c_in, ns_t_a, answer, sizeof answer)
                     : -1;
    res_nclose(&resolver);
    ns_msg message;
    if (length < 0 || ns_initparse(answer, length, &message) != 0) return false;
    for (int i = 0; i < ns_msg_count(message, ns_s_an) && !found; i++) {
        ns_rr record;
        found = ns_parserr(&message, ns_s_an, i, &record) == 0 && ns_rr_type(record) == ns_t_a &&
                inet_ntop(AF_INET, ns_rr_rdata(record), address, INET_ADDRSTRLEN);
    }
    return found;
}

static int connect_to(const char *host, const char *port) {
    const char *server = setting("RINGTIME_SETTINGS_DNS"), *retries = setting("RINGTIME_SETTINGS_SYN_RETRIES");
    char address[INET_ADDRSTRLEN];
    struct in_addr literal;
    if (server && inet_pton(AF_INET, host, &literal) != 1) {
        if (!ask_name_server(server, host, address)) return -1;
        host = address;
    }
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, port, &hints, &found) != 0) return -1;
    int fd = -1;
    for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd >= 0 && retries) {
            int count = atoi(retries);
            setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &count, sizeof count);
        }
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    return fd;
}

/* OpenSSL 3, loaded when first needed: the filter compiles without its headers, and a lab without faults of TLS runs
 * without it. Python's own ssl has it loaded as a rule. */
static struct {
    const void *(*client_method)(void);
    void *(*context_new)(const void *method);
    int (*context_default_verify_paths)(void *context);
    void (*context_set_verify)(void *context, int mode, void *callback);
    void (*context_free)(void *context);
    void *(*new)(void *context);
    int (*set_host)(void *tls, const char *host);
    long (*control)(void *tls, int command, long number, void *argument);
    int (*set_fd)(void *tls, int fd);
    int (*connect)(void *tls);
    int (*read)(void *tls, void *data, int n);
    int (*write)(void *tls, const void *data, int n);
    void (*free)(void *tls);
    bool loaded;
} ssl;

enum { SSL_VERIFY_PEER = 1, SSL_CTRL_SET_TLSEXT_HOSTNAME = 55, TLSEXT_NAMETYPE_HOST_NAME = 0 }; /* <openssl/ssl.h> */

static void load_ssl(void) {
    void *library = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    const struct {
        void *into;
        const char *name;
    } symbols[] = {
        {&ssl.client_method, "TLS_client_method"},
        {&ssl.context_new, "SSL_CTX_new"},
        {&ssl.context_default_verify_paths, "SSL_CTX_set_default_verify_paths"},
        {&ssl.context_set_verify, "SSL_CTX_set_verify"},
        {&ssl.context_free, "SSL_CTX_free"},
        {&ssl.new, "SSL_new"},
        {&ssl.set_host, "SSL_set1_host"},
        {&ssl.control, "SSL_ctrl"},
        {&ssl.set_fd, "SSL_set_fd"},
        {&ssl.connect, "SSL_connect"},
        {&ssl.read, "SSL_read"},
        {&ssl.write, "SSL_write"},
        {&ssl.free, "SSL_free"},
    };
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        void *symbol = dlsym(library, symbols[i].name);
        if (!symbol) return;
        memcpy(symbols[i].into, &symbol, sizeof symbol);
    }
    ssl.loaded = true;
}

/* A TLS session over a connected socket, the certificate verified for `host`; NULL on failure. */
static void *secured(int fd, const char *host) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_ssl);
    if (!ssl.loaded) {
        fprintf(stderr, "reference filter: no libssl.so.3 here, so no https: install OpenSSL 3 (Debian: libssl3)\n");
        return NULL;
    }
    void *context = ssl.context_new(ssl.client_method());
    if (!context) return NULL;
    ssl.context_default_verify_paths(context);
    ssl.context_set_verify(context, SSL_VERIFY_PEER, NULL);
    void *tls = ssl.new(context);
    ssl.context_free(context); /* the session holds it */
    if (!tls) return NULL;
    struct in_addr literal; /* an address is no server name (RFC 6066, section 3) */
    if (inet_pton(AF_INET, host, &literal) != 1) {
        ssl.control(tls, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_HOST_NAME, (void *)(uintptr_t)host);
    }
    if (ssl.set_host(tls, host) == 1 && ssl.set_fd(tls, fd) == 1 && ssl.connect(tls) == 1) return tls;
    ssl.free(tls);
    return NULL;
}

bool connection_open(struct connection *connection, const char *host, const char *port, bool secure) {
    *connection = (struct connection){.fd = connect_to(host, port)};
    if (connection->fd < 0) return false;
    if (!secure || (connection->tls = secured(connection->fd, host))) return true;
    close(connection->fd);
    return false;
}

ssize_t connection_send(const struct connection *connection, const void *data, size_t n) {
    if (!connection->tls) return send(connection->fd, data, n, MSG_NOSIGNAL);
    return n > INT_MAX ? -1 : ssl.write(connection->tls, data, (int)n);
}

ssize_t connection_receive(const struct connection *connection, void *data, size_t n) {
    if (!connection->tls) return recv(connection->fd, data, n, 0);
    return n > INT_MAX ? -1 : ssl.read(connection->tls, data, (int)n);
}

void connection_close(const struct connection *connection) {
    if (connection->tls) ssl.free(connection->tls);
    close(connection->fd);
}
