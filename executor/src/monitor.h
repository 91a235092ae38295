/*
 * The monitor of one process: its parent, its stdio, its log, and a socket for whoever wants to talk to it.
 *
 *     STARTING ──end of file after READY──▶ RUNNING ──pidfd──▶ DRAINING ──outputs at their end──▶ ENDED ──told──▶ LINGERING
 *        └────────────────────────── ERROR, or no child at all ──────────────────────────────────▶┘               │ spools sent
 *                                                                                                                 ▼ exit
 * A client of the socket says hello with four bytes: 'C' for control, or 'A' for attach with the wanted streams
 * (1 stdin, 2 stdout, 4 stderr) in the second; the others are 0. An attached client sends stdin and gets Docker's frames, or
 * the terminal's bytes. A control client sends requests of three nums {kind, a, b}, answered in order, and gets
 * frames {num length, u8 kind, body}: the answers, and what happened, from the beginning on.
 */
#pragma once
#include "log.h"
#include "start.h"

enum request { REQUEST_SIGNAL, REQUEST_RESIZE, REQUEST_REOPEN_LOG };
enum frame { FRAME_ANSWER /* num errno */, FRAME_STARTED /* pid, ticks, time */, FRAME_FAILED /* error */,
             FRAME_EXITED /* the exit record */ };
enum streams { WANTS_STDIN = 1, WANTS_STDOUT = 2, WANTS_STDERR = 4 };

/* How long the end of a process waits for output that others keep open; as dockerd does. */
#define DRAIN_MS 2000
/* For a controller, at the start; and at the end for the first one, which gets to know how it went. */
#define CONTROLLER_MS 10000
/* Nobody tells that a client has read what it was sent: this often it is looked at. */
#define UNREAD_MS 2
/* For an attached client that reads nothing of the output it still has to get, after the end. */
#define LINGER_MS 10000
/* Of spooled output for one client; then it is let go. */
#define SPOOL_MAX (1ll << 30)

struct monitor;
/* Something that epoll watches. */
struct source {
  int fd;
  void (*ready)(struct monitor *monitor, struct source *source, uint32_t events);
};

struct client {
  struct source source;
  struct client *next;
  enum { HELLO, CONTROL, ATTACH } kind;
  uint8_t streams, input[12];
  size_t input_size;
  bool gone;        /* to be freed */
  bool input_ended; /* its side is closed for writing */
  bool hung_up;     /* and for reading; there may still be input of it to take */
  bool full;        /* gets nothing more than what is spooled */
  int spool_fd;     /* output that the socket did not take: bytes `sent` to `spooled` of an unlinked file */
  off_t sent, spooled;
};

struct monitor {
  const struct host *host;
  struct spec spec;
  struct process process;
  struct log log;
  enum { STARTING, RUNNING, DRAINING, ENDED, LINGERING, DONE } phase;
  int epoll_fd;
  struct source listener, sync, exit, outputs[2], input;
  struct client *clients;
  uint32_t attached;
  bool had_controller, gate_open, ready, failed;
  bool stdin_closed; /* what clients still send is thrown away */
  int64_t deadline;
  struct buffer waiting; /* stdin that the process has not taken yet */
  struct buffer started, ended; /* frames */
  struct error error;
  uint64_t oom_kills;
  int status;
};

/* For whatever is read: used up before the next read. */
#define SCRATCH_SIZE (64 << 10)
extern uint8_t scratch[SCRATCH_SIZE];

_Noreturn void monitor_main(const struct host *host, struct bytes spec, int listen_fd);

/* --- monitor.c --- */
void watch(struct monitor *monitor, struct source *source, uint32_t events);
void unwatch(struct monitor *monitor, struct source *source);
void drop(struct monitor *monitor, struct source *source);

/* --- clients.c --- */
void accept_clients(struct monitor *monitor, struct source *source, uint32_t events);
/* Gives output to all attached clients that want it. */
void deliver(struct monitor *monitor, int stream, const uint8_t *data, size_t size);
/* Sends a frame to all controllers, or to one. */
void tell(struct monitor *monitor, const struct buffer *frame);
/* Stdin became writable; or open, or closed. */
void stdin_ready(struct monitor *monitor, struct source *source, uint32_t events);
void sweep_clients(struct monitor *monitor);
/* Closes all connections, so that what was told arrives. */
void end_clients(struct monitor *monitor);
/* Whether some client still has output to get. */
bool has_unsent(const struct monitor *monitor);
/* Looks at all clients again, after stdin or the phase changed. */
void follow_clients(struct monitor *monitor);

/* --- foreign.c --- */
/* `create` and all that comes between it and `start`. On failure no process is left. */
int create_foreign(struct monitor *monitor, struct error *error);
/* Lets the program run. On failure the process ends. */
int start_foreign(struct monitor *monitor, struct error *error);
void remove_foreign(const struct spec *spec);
