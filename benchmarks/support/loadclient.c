/*
 * Load client: many WebSockets in one thread, on epoll. Handles over a million frames a
 * second, where a client in Python or Node would be the bottleneck.
 *
 *     cc -O2 -o loadclient loadclient.c
 *     loadclient -p PORT -n CONNECTIONS [options]       (without arguments: the options)
 *
 * Opens its connections, tells the publisher over UDP to begin, reads for a while, tells it to
 * stop, waits for the rest and prints one JSON object. It looks for three numbers in a message:
 * "q" (which tick it is, from 0; -q), "t" (when it was published, seconds since 1970; -t) and,
 * before those, "kind" (0 unless there are several kinds of messages; at most 3).
 *
 * Datagrams to the publisher: "S mode clients" start when this many load clients have sent it,
 * "A q" every subscriber of this client has tick q, "X" stop, answered with "D published".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define KINDS 4
#define TICKS_REMEMBERED 65536
#define FIRST_BUFFER 16384
#define SLOW_RECEIVE_BUFFER 4096

enum state { IDLE, CONNECTING, UPGRADING, OPEN, DEAD };
enum opcode { CONTINUATION = 0, TEXT = 1, CLOSE = 8, PING = 9, PONG = 10 };

struct connection {
    int fd;
    enum state state;
    int slow, ready;
    uint8_t *buffer;
    int length, capacity;
    int64_t last, received;
    double began, opened;
};

struct samples {
    float *seconds;
    size_t count, capacity;
    int64_t received, total;
};

static struct {
    int port, connections, at_once, control_port, slow, engine_io, clients;
    double seconds, warm_up, hold, grace;
    const char *path, *mode, *origin, *ready_mark, *number_key, *time_key;
    char **cookies, **messages;
    int cookie_count, message_count;
    char headers[4096];
} options = {
    .connections = 100, .at_once = 64, .seconds = 3, .warm_up = 0.5, .grace = 3,
    .clients = 1, .path = "/", .mode = "rate:10", .number_key = "\"q\":", .time_key = "\"t\":",
};

static struct connection *all;
static int poller, control = -1;
static struct sockaddr_in server, publisher, source;
static int open_count, ready_count, dead_count, failed_count;
static char failure[160];
static struct samples kinds[KINDS];
static int measuring, fast_count;
static uint32_t arrivals[TICKS_REMEMBERED];
static int64_t acknowledged = -1, newest = -1, duplicated, skipped, stalls;

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    return at.tv_sec + at.tv_nsec * 1e-9;
}

static void give_up(const char *what)
{
    fprintf(stderr, "loadclient: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void tell_publisher(const char *format, ...)
{
    char text[128];
    va_list values;
    if (control < 0)
        return;
    va_start(values, format);
    int length = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    sendto(control, text, length, 0, (struct sockaddr *)&publisher, sizeof publisher);
}

static void note_failure(const char *what, int length)
{
    failed_count++;
    if (!failure[0])
        snprintf(failure, sizeof failure, "%.*s", length, what);
}

static void drop(struct connection *c)
{
    if (c->state == DEAD)
        return;
    if (c->state == OPEN) {
        open_count--;
        ready_count -= c->ready;
    }
    c->state = DEAD;
    dead_count++;
    close(c->fd);
    c->fd = -1;
}

static void watch(struct connection *c, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    epoll_ctl(poller, operation, c->fd, &event);
}

/* A client masks what it sends (RFC 6455, section 5.3); a constant mask suffices here. */
static void send_frame(struct connection *c, enum opcode opcode, const uint8_t *payload, int length)
{
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    static uint8_t frame[66000];
    int at = 0;
    if (length > 65000)
        length = 65000;
    frame[at++] = 0x80 | opcode;
    if (length < 126) {
        frame[at++] = 0x80 | length;
    } else {
        frame[at++] = 0x80 | 126;
        frame[at++] = length >> 8;
        frame[at++] = length & 255;
    }
    memcpy(frame + at, mask, 4);
    at += 4;
    for (int i = 0; i < length; i++)
        frame[at + i] = payload[i] ^ mask[i & 3];
    at += length;
    if (send(c->fd, frame, at, MSG_NOSIGNAL) != at && errno != EAGAIN)
        drop(c);
}

static void begin(struct connection *c)
{
    int on = 1, small = SLOW_RECEIVE_BUFFER;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        give_up("socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (c->slow)
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (bind(c->fd, (struct sockaddr *)&source, sizeof source) < 0)
        give_up("bind");
    c->state = CONNECTING;
    c->began = now();
    c->last = -1;
    if (connect(c->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) {
        note_failure(strerror(errno), 100);
        drop(c);
        return;
    }
    watch(c, EPOLL_CTL_ADD, EPOLLOUT | EPOLLIN);
}

static void send_upgrade(struct connection *c)
{
    char request[8192];
    int index = c - all;
    int length = snprintf(
        request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "%s%s%s%s%s%s%s\r\n",
        options.path, options.port,
        options.origin ? "Origin: " : "", options.origin ? options.origin : "",
        options.origin ? "\r\n" : "",
        options.cookie_count ? "Cookie: " : "",
        options.cookie_count ? options.cookies[index % options.cookie_count] : "",
        options.cookie_count ? "\r\n" : "", options.headers);
    if (send(c->fd, request, length, MSG_NOSIGNAL) != length) {
        note_failure("upgrade request not taken", 100);
        drop(c);
        return;
    }
    c->state = UPGRADING;
    watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

static void become_ready(struct connection *c)
{
    ready_count += !c->ready;
    c->ready = 1;
}

static void remember(struct samples *kind, float seconds)
{
    if (kind->count == kind->capacity) {
        kind->capacity = kind->capacity ? kind->capacity * 2 : 1 << 16;
        kind->seconds = realloc(kind->seconds, kind->capacity * sizeof(float));
        if (!kind->seconds)
            give_up("memory");
    }
    kind->seconds[kind->count++] = seconds;
}

/* strtod would take a third of this program's time. Returns the end of the digits. */
static const uint8_t *number_after(const char *key, const uint8_t *from, const uint8_t *end,
                                   double *value)
{
    const uint8_t *at = memmem(from, end - from, key, strlen(key));
    int64_t digits = 0, divisor = 1;
    if (!at)
        return NULL;
    at += strlen(key);
    while (at < end && *at == ' ')
        at++;
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        digits = digits * 10 + (*at - '0');
    if (at < end && *at == '.')
        for (at++; at < end && *at >= '0' && *at <= '9' && divisor < 100000000; at++) {
            digits = digits * 10 + (*at - '0');
            divisor *= 10;
        }
    *value = (double)digits / divisor;
    return at;
}

static void take_tick(struct connection *c, int64_t q, double latency)
{
    if (q <= c->last) {
        duplicated++;
        return;
    }
    if (c->last >= 0)
        skipped += q - c->last - 1;
    c->last = q;
    c->received++;
    kinds[0].total++;
    if (q > newest)
        newest = q;
    if (measuring && !c->slow) {
        kinds[0].received++;
        remember(&kinds[0], latency);
    }
    if (!c->slow && ++arrivals[q % TICKS_REMEMBERED] >= (uint32_t)fast_count) {
        arrivals[q % TICKS_REMEMBERED] = 0;
        if (q > acknowledged) {
            acknowledged = q;
            tell_publisher("A %lld", (long long)acknowledged);
        }
    }
}

static void take_other(struct samples *kind, double latency)
{
    kind->total++;
    if (measuring) {
        kind->received++;
        remember(kind, latency);
    }
}

static void take_message(struct connection *c, const uint8_t *text, int length, double at)
{
    const uint8_t *end = text + length;
    double kind = 0, q, t;
    if (options.engine_io && length == 1 && text[0] == '2') {
        send_frame(c, TEXT, (const uint8_t *)"3", 1);
        return;
    }
    if (options.ready_mark && !c->ready &&
        memmem(text, length, options.ready_mark, strlen(options.ready_mark)))
        become_ready(c);
    number_after("\"kind\":", text, end, &kind);
    const uint8_t *rest = text;
    while ((rest = number_after(options.number_key, rest, end, &q))) {
        if (!number_after(options.time_key, rest, end, &t))
            return;
        if (kind < 1) {
            take_tick(c, (int64_t)q, at - t);
        } else if (kind < KINDS) {
            take_other(&kinds[(int)kind], at - t);
        }
    }
}

/* Handles the 101; frames follow it in the buffer. Returns 0 while it is incomplete. */
static int finish_upgrade(struct connection *c)
{
    uint8_t *end = memmem(c->buffer, c->length, "\r\n\r\n", 4);
    if (!end)
        return 0;
    if (memcmp(c->buffer, "HTTP/1.1 101", 12)) {
        note_failure((char *)c->buffer, c->length < 60 ? c->length : 60);
        drop(c);
        return 0;
    }
    int taken = end + 4 - c->buffer;
    memmove(c->buffer, c->buffer + taken, c->length - taken);
    c->length -= taken;
    c->state = OPEN;
    c->opened = now();
    open_count++;
    if (!options.ready_mark)
        become_ready(c);
    if (options.message_count) {
        const char *message = options.messages[(c - all) % options.message_count];
        send_frame(c, TEXT, (const uint8_t *)message, strlen(message));
    }
    return 1;
}

/* Servers neither mask nor, as configured here, fragment or compress. */
static void take_frames(struct connection *c)
{
    double at = now();
    int used = 0;
    while (c->length - used >= 2) {
        const uint8_t *frame = c->buffer + used;
        uint64_t length = frame[1] & 127;
        int header = 2;
        if (length == 126) {
            header = 4;
            if (c->length - used < header)
                break;
            length = frame[2] << 8 | frame[3];
        } else if (length == 127) {
            header = 10;
            if (c->length - used < header)
                break;
            length = 0;
            for (int i = 2; i < 10; i++)
                length = length << 8 | frame[i];
        }
        if ((uint64_t)(c->length - used) < header + length)
            break;
        enum opcode opcode = frame[0] & 15;
        if (opcode == PING) {
            send_frame(c, PONG, frame + header, length);
        } else if (opcode == CLOSE) {
            drop(c);
        } else if (opcode != PONG) {
            take_message(c, frame + header, length, at);
        }
        if (c->state == DEAD)
            return;
        used += header + length;
    }
    memmove(c->buffer, c->buffer + used, c->length - used);
    c->length -= used;
}

static void read_more(struct connection *c)
{
    for (int turn = 0; turn < 4; turn++) {
        if (c->capacity - c->length < FIRST_BUFFER / 2) {
            c->capacity = c->capacity ? c->capacity * 2 : FIRST_BUFFER;
            c->buffer = realloc(c->buffer, c->capacity);
            if (!c->buffer)
                give_up("memory");
        }
        int room = c->capacity - c->length;
        int got = recv(c->fd, c->buffer + c->length, room, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            if (c->state == UPGRADING)
                note_failure("closed during the upgrade", 100);
            drop(c);
            return;
        }
        c->length += got;
        if (c->state == UPGRADING && !finish_upgrade(c))
            return;
        take_frames(c);
        if (c->state == DEAD || got < room)
            return;
    }
}

static void turn(int milliseconds)
{
    struct epoll_event events[512];
    int count = epoll_wait(poller, events, 512, milliseconds);
    for (int i = 0; i < count; i++) {
        struct connection *c = events[i].data.ptr;
        if (c->state == CONNECTING) {
            int error = 0;
            socklen_t size = sizeof error;
            getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
            if (error) {
                note_failure(strerror(error), 100);
                drop(c);
            } else if (events[i].events & EPOLLOUT) {
                send_upgrade(c);
            }
        } else if (c->state != DEAD) {
            read_more(c);
        }
    }
}

static void turn_for(double seconds)
{
    for (double until = now() + seconds; now() < until;)
        turn(20);
}

static int by_float(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double percentile(const struct samples *kind, double share)
{
    return kind->count ? kind->seconds[(size_t)(share * (kind->count - 1))] * 1e3 : -1;
}

/* Opens everything and waits until it is ready; prints how long the upgrades took. */
static void connect_all(void)
{
    double began = now(), until = began + 30 + options.connections * 0.02;
    int started = 0;
    struct samples upgrades = {0};
    while (open_count + dead_count < options.connections && now() < until) {
        while (started < options.connections && started - open_count - dead_count < options.at_once)
            begin(&all[started++]);
        turn(50);
    }
    double took = now() - began;
    for (int i = 0; i < options.connections; i++)
        if (all[i].opened > 0)
            remember(&upgrades, all[i].opened - all[i].began);
    if (upgrades.count)
        qsort(upgrades.seconds, upgrades.count, sizeof(float), by_float);
    printf("{\"connected\":%zu,\"failed\":%d,\"connect_seconds\":%.4f,\"handshakes_per_second\":%.1f,"
           "\"handshake_p50_ms\":%.2f,\"handshake_p99_ms\":%.2f,\"failure\":\"",
           upgrades.count, failed_count, took, upgrades.count / took,
           percentile(&upgrades, 0.5), percentile(&upgrades, 0.99));
    for (const char *at = failure; *at; at++)
        putchar(*at < ' ' || *at == '"' || *at == '\\' ? ' ' : *at);
    printf("\"");
    free(upgrades.seconds);
    for (until = now() + 10; ready_count < open_count && now() < until;)
        turn(20);
    printf(",\"ready\":%d", ready_count);
}

/* Holds the connections while the caller examines the server; the caller then ends this program. */
static void hold_still(void)
{
    printf("}\n");
    fflush(stdout);
    turn_for(options.hold);
    exit(0);
}

static void stop_reading_slow_ones(void)
{
    for (int i = 0; i < options.connections; i++)
        if (all[i].slow && all[i].state == OPEN)
            epoll_ctl(poller, EPOLL_CTL_DEL, all[i].fd, NULL);
}

static double processor_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

/* Returns the measured seconds. */
static double run_load(double *processor_share)
{
    double began = now(), measured_from = 0, used_before = 0, progress = began;
    int64_t seen = -1;
    int windowed = !strncmp(options.mode, "win", 3);
    tell_publisher("S %s %d", options.mode, options.clients);
    while (now() < began + options.warm_up + options.seconds) {
        turn(20);
        double at = now();
        if (!measuring && at >= began + options.warm_up) {
            measuring = 1;
            measured_from = at;
            used_before = processor_seconds();
        }
        if (acknowledged != seen) {
            seen = acknowledged;
            progress = at;
        } else if (windowed && at - progress > 0.5) {
            /* A skipped tick never completes: the publisher must not wait for it forever. */
            stalls++;
            acknowledged = newest;
            tell_publisher("A %lld", (long long)acknowledged);
            progress = at;
        }
    }
    measuring = 0;
    double took = now() - measured_from;
    *processor_share = (processor_seconds() - used_before) / took;
    return took;
}

/* Stops the publisher and waits until all ticks have arrived. Returns the number of ticks sent. */
static long long settle(void)
{
    long long published = -1;
    double asked = 0;
    for (double until = now() + options.grace; now() < until;) {
        char answer[64];
        if (published < 0 && now() - asked > 0.2) {
            tell_publisher("X");
            asked = now();
        }
        turn(20);
        int got = recv(control, answer, sizeof answer - 1, 0);
        if (got > 0) {
            answer[got] = 0;
            sscanf(answer, "D %lld", &published);
        }
        if (published < 0)
            continue;
        int waiting = 0;
        for (int i = 0; i < options.connections; i++)
            waiting += !all[i].slow && all[i].state == OPEN && all[i].last < published - 1;
        if (!waiting)
            break;
    }
    if (kinds[1].total + kinds[2].total)
        turn_for(0.5); /* Other kinds have no number to wait for. */
    return published;
}

static void report(double seconds, double processor_share, long long published)
{
    int64_t lost = 0;
    int dead = 0, slow_dead = 0;
    for (int i = 0; i < options.connections; i++) {
        if (all[i].slow)
            slow_dead += all[i].state == DEAD;
        else {
            dead += all[i].state == DEAD;
            lost += published - all[i].received;
        }
    }
    printf(",\"seconds\":%.3f,\"published\":%lld,\"lost\":%lld,\"duplicated\":%lld,\"skipped\":%lld,"
           "\"dead\":%d,\"slow_dead\":%d,\"stalls\":%lld,\"client_cpu\":%.2f,\"kinds\":[",
           seconds, published, (long long)lost, (long long)duplicated, (long long)skipped, dead,
           slow_dead, (long long)stalls, processor_share);
    for (int k = 0; k < KINDS; k++) {
        struct samples *kind = &kinds[k];
        if (kind->count)
            qsort(kind->seconds, kind->count, sizeof(float), by_float);
        printf("%s{\"total\":%lld,\"received\":%lld,\"per_second\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
               "\"max_ms\":%.3f}",
               k ? "," : "", (long long)kind->total, (long long)kind->received, kind->received / seconds,
               percentile(kind, 0.5), percentile(kind, 0.99), percentile(kind, 1));
    }
    printf("]}\n");
}

static char **lines_of(const char *path, int *count)
{
    FILE *file = fopen(path, "r");
    char line[4096], **lines = NULL;
    if (!file)
        give_up(path);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = 0;
        if (!*line)
            continue;
        lines = realloc(lines, (*count + 1) * sizeof *lines);
        lines[(*count)++] = strdup(line);
    }
    fclose(file);
    return lines;
}

static void read_options(int count, char **words)
{
    int option;
    while ((option = getopt(count, words, "p:P:n:c:H:C:O:m:y:q:t:u:k:M:d:w:g:i:s:E")) != -1) {
        switch (option) {
        case 'p': options.port = atoi(optarg); break;
        case 'P': options.path = optarg; break;
        case 'n': options.connections = atoi(optarg); break;
        case 'c': options.at_once = atoi(optarg); break;
        case 'H':
            if (strlen(options.headers) + strlen(optarg) + 3 > sizeof options.headers)
                give_up("headers");
            strcat(strcat(options.headers, optarg), "\r\n");
            break;
        case 'C': options.cookies = lines_of(optarg, &options.cookie_count); break;
        case 'O': options.origin = optarg; break;
        case 'm': options.messages = lines_of(optarg, &options.message_count); break;
        case 'y': options.ready_mark = optarg; break;
        case 'q': options.number_key = optarg; break;
        case 't': options.time_key = optarg; break;
        case 'u': options.control_port = atoi(optarg); break;
        case 'k': options.clients = atoi(optarg); break;
        case 'M': options.mode = optarg; break;
        case 'd': options.seconds = atof(optarg); break;
        case 'w': options.warm_up = atof(optarg); break;
        case 'g': options.grace = atof(optarg); break;
        case 'i': options.hold = atof(optarg); break;
        case 's': options.slow = atoi(optarg); break;
        case 'E': options.engine_io = 1; break;
        default: options.port = 0; optind = count;
        }
    }
    if (!options.port) {
        fprintf(stderr,
                "usage: loadclient -p port -n connections\n"
                "  -P path   -c upgrades at once   -H header   -O origin\n"
                "  -C file   cookies, one a line, taken in turn\n"
                "  -m file   first messages, one a line, taken in turn\n"
                "  -y text   a connection is ready when a message contains this\n"
                "  -q text   what stands before a message's number   -t text   and before its time\n"
                "  -u port   the publisher's UDP port   -k how many load clients it waits for\n"
                "  -M rate:TICKS_A_SECOND | win:IN_FLIGHT\n"
                "  -d seconds measured   -w seconds of warm-up   -g seconds to wait at the end\n"
                "  -i seconds to stay connected and do nothing   -s how many never read\n"
                "  -E        answer Engine.IO's pings\n");
        exit(1);
    }
}

int main(int count, char **words)
{
    struct rlimit files = {20000, 20000};
    char address[32];
    double processor_share = 0;
    read_options(count, words);
    if (setrlimit(RLIMIT_NOFILE, &files) < 0 && getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(options.port)};
    inet_pton(AF_INET, "127.0.0.1", &server.sin_addr);
    publisher = server;
    publisher.sin_port = htons(options.control_port);
    /* A new address for each run: ports of the last run are in TIME_WAIT. */
    snprintf(address, sizeof address, "127.0.%d.%d", 1 + getpid() / 200 % 200, 1 + getpid() % 200);
    source = (struct sockaddr_in){.sin_family = AF_INET};
    inet_pton(AF_INET, address, &source.sin_addr);
    poller = epoll_create1(0);
    all = calloc(options.connections, sizeof *all);
    if (!all)
        give_up("memory");
    for (int i = 0; i < options.slow && i < options.connections; i++)
        all[options.connections - 1 - i].slow = 1;
    connect_all();
    if (options.hold > 0)
        hold_still();
    fast_count = open_count - options.slow;
    if (options.control_port && fast_count > 0) {
        control = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        stop_reading_slow_ones();
        double seconds = run_load(&processor_share);
        report(seconds, processor_share, settle());
    } else {
        printf("}\n");
    }
    return 0;
}
