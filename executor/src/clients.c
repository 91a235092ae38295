/* The clients of a monitor's socket. None of them can hold up the process or another: see `send_output` and `spool`. */

#include "monitor.h"

#include <linux/sockios.h>

/* So much of a spool is sent before its place on disk is given back. */
#define PUNCH_SHIFT 24

static bool takes_input(const struct monitor *monitor, const struct client *client) {
  if (client->kind != ATTACH) return true;
  if (client->input_ended) return false;
  bool discards = monitor->stdin_closed || (client->streams & WANTS_STDIN) == 0;
  return discards || (monitor->input.fd >= 0 && monitor->waiting.size == 0);
}

/* Unread input would turn the close into a reset, which lets the client lose what it has not read yet. */
static void end_client(struct client *client) {
  shutdown(client->source.fd, SHUT_RDWR);
  while (recv(client->source.fd, scratch, sizeof scratch, MSG_DONTWAIT) > 0) continue;
  client->gone = true;
}

void end_clients(struct monitor *monitor) {
  for (struct client *client = monitor->clients; client != NULL; client = client->next) end_client(client);
}

/* Asks epoll for what the client waits for now. A client that hung up is only watched while its input is taken. */
static void follow(struct monitor *monitor, struct client *client) {
  bool spooled = client->spooled > client->sent;
  if (client->kind == ATTACH && !spooled && (monitor->phase >= ENDED || client->full)) end_client(client);
  if (client->hung_up && client->input_ended) client->gone = true;
  if (client->gone) return;
  uint32_t events = (takes_input(monitor, client) ? EPOLLIN : 0) | (spooled ? EPOLLOUT : 0);
  if (client->hung_up && events == 0) unwatch(monitor, &client->source);
  else watch(monitor, &client->source, events);
}

void follow_clients(struct monitor *monitor) {
  for (struct client *client = monitor->clients; client != NULL; client = client->next) follow(monitor, client);
}

static void send_frame(struct client *client, const struct buffer *frame) {
  ssize_t sent = send(client->source.fd, frame->data, frame->size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent != (ssize_t)frame->size) client->gone = true;
}

void tell(struct monitor *monitor, const struct buffer *frame) {
  for (struct client *client = monitor->clients; client != NULL; client = client->next)
    if (client->kind == CONTROL) send_frame(client, frame);
}

static void skip(struct iovec parts[2], size_t size) {
  for (int i = 0; i < 2; i++) {
    size_t part = size < parts[i].iov_len ? size : parts[i].iov_len;
    parts[i].iov_base = (char *)parts[i].iov_base + part;
    parts[i].iov_len -= part;
    size -= part;
  }
}

/* Keeps what a slow client has not taken in an unlinked file. */
static void spool(const struct monitor *monitor, struct client *client, struct iovec parts[2]) {
  if (client->spool_fd < 0) client->spool_fd = open(monitor->spec.spool_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  while (parts[0].iov_len + parts[1].iov_len > 0) {
    ssize_t wrote = pwritev(client->spool_fd, parts, 2, client->spooled);
    if (wrote <= 0) {
      client->gone = true;
      return;
    }
    client->spooled += wrote;
    skip(parts, (size_t)wrote);
  }
}

static void send_output(const struct monitor *monitor, struct client *client, struct iovec parts[2]) {
  if (client->spooled == client->sent) {
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent = sendmsg(client->source.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) client->gone = true;
    if (sent > 0) skip(parts, (size_t)sent);
  }
  if (!client->gone) spool(monitor, client, parts);
}

/* Docker's frame: the stream, three zeros, the length big-endian. A terminal's bytes go as they are. */
static void send_stream(struct monitor *monitor, struct client *client, int stream, const void *data, size_t size) {
  uint8_t header[8] = {(uint8_t)stream, 0, 0, 0, (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};
  struct iovec parts[2] = {{header, monitor->spec.tty ? 0 : sizeof header}, {(void *)(uintptr_t)data, size}};
  send_output(monitor, client, parts);
}

void deliver(struct monitor *monitor, int stream, const uint8_t *data, size_t size) {
  static const char DROPPED[] = "the client is too slow: more than 1 GiB of output is waiting for it";
  for (struct client *client = monitor->clients; client != NULL; client = client->next) {
    if (client->kind != ATTACH || client->gone || client->full || (client->streams & 1u << stream) == 0) continue;
    client->full = client->spooled - client->sent > SPOOL_MAX;
    if (!client->full) send_stream(monitor, client, stream, data, size);
    else if (!monitor->spec.tty) send_stream(monitor, client, 3, DROPPED, sizeof DROPPED - 1);
    if (client->gone || client->spooled > client->sent) follow(monitor, client);
  }
}

static void drain_spool(struct monitor *monitor, struct client *client) {
  off_t before = client->sent;
  ssize_t sent = sendfile(client->source.fd, client->spool_fd, &client->sent, (size_t)(client->spooled - client->sent));
  if (sent < 0 && errno != EAGAIN) client->gone = true;
  if (sent > 0 && monitor->phase == LINGERING) monitor->deadline = now_ms() + LINGER_MS;
  if (before >> PUNCH_SHIFT != client->sent >> PUNCH_SHIFT)
    fallocate(client->spool_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, client->sent);
  if (client->sent < client->spooled) return;
  client->sent = client->spooled = 0;
  if (ftruncate(client->spool_fd, 0) < 0) client->gone = true;
}

static bool is_unread(const struct client *client) {
  int bytes = 0;
  return ioctl(client->source.fd, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

/* Hanging up while a client still reads would be told to it before it has read everything, and not all read on then. */
bool has_unsent(const struct monitor *monitor) {
  for (const struct client *client = monitor->clients; client != NULL; client = client->next)
    if (!client->gone && (client->spooled > client->sent || is_unread(client))) return true;
  return false;
}

static void close_stdin(struct monitor *monitor) {
  drop(monitor, &monitor->input);
  monitor->waiting.size = 0;
  monitor->stdin_closed = true;
}

/* Takes what fits now; as long as something is left, no client is read. */
static void write_stdin(struct monitor *monitor, const uint8_t *data, size_t size) {
  ssize_t wrote = write(monitor->input.fd, data, size);
  if (wrote < 0 && errno != EAGAIN && errno != EINTR) return close_stdin(monitor);
  if (wrote < 0) wrote = 0;
  if (data == monitor->waiting.data) {
    memmove(monitor->waiting.data, data + wrote, size - (size_t)wrote);
    monitor->waiting.size -= (size_t)wrote;
  } else {
    put(&monitor->waiting, data + wrote, size - (size_t)wrote);
  }
}

/* That the reader left is known at once (EPOLLERR; EPOLLHUP of a terminal), so that clients who write need not wait. */
void stdin_ready(struct monitor *monitor, struct source *source, uint32_t events) {
  if (monitor->waiting.size > 0) write_stdin(monitor, monitor->waiting.data, monitor->waiting.size);
  if (events & (EPOLLERR | EPOLLHUP)) close_stdin(monitor);
  if (source->fd >= 0) watch(monitor, source, monitor->waiting.size > 0 ? EPOLLOUT : 0);
  if (monitor->waiting.size == 0) follow_clients(monitor);
}

static void take_stdin(struct monitor *monitor, struct client *client) {
  ssize_t size = recv(client->source.fd, scratch, sizeof scratch, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  client->input_ended = size <= 0;
  if ((client->streams & WANTS_STDIN) == 0 || monitor->stdin_closed) return;
  if (size > 0) write_stdin(monitor, scratch, (size_t)size);
  /* A terminal has no end of file but what the user types. */
  else if (monitor->spec.stdin_once && !monitor->spec.tty) close_stdin(monitor);
  if (monitor->waiting.size > 0 || monitor->stdin_closed) follow_clients(monitor);
  if (monitor->waiting.size > 0) watch(monitor, &monitor->input, EPOLLOUT);
}

static int obey(struct monitor *monitor, enum request kind, uint32_t first, uint32_t second) {
  struct winsize size = {(unsigned short)second, (unsigned short)first, 0, 0};
  int master_fd = monitor->outputs[0].fd;
  switch (kind) {
    case REQUEST_SIGNAL:
      if (monitor->exit.fd < 0 || pidfd_send_signal(monitor->exit.fd, (int)first, NULL, 0) == 0) return 0;
      return errno == ESRCH ? 0 : errno;
    case REQUEST_RESIZE:
      if (!monitor->spec.tty) return ENOTTY;
      monitor->spec.width = first;
      monitor->spec.height = second;
      return master_fd < 0 || ioctl(master_fd, TIOCSWINSZ, &size) == 0 ? 0 : errno;
    case REQUEST_REOPEN_LOG:
      return monitor->log.fd < 0 || reopen_log(&monitor->log) == 0 ? 0 : errno;
  }
  return EINVAL;
}

static void answer(struct monitor *monitor, struct client *client) {
  struct cursor in = cursor_over((struct bytes){client->input, sizeof client->input});
  uint32_t kind = take_num(&in), first = take_num(&in), second = take_num(&in);
  struct buffer frame = {0};
  size_t start = begin_record(&frame);
  put(&frame, &(uint8_t){FRAME_ANSWER}, 1);
  put_num(&frame, (uint32_t)obey(monitor, (enum request)kind, first, second));
  end_record(&frame, start);
  send_frame(client, &frame);
  free(frame.data);
}

static void greet(struct monitor *monitor, struct client *client) {
  client->kind = client->input[0] == 'C' ? CONTROL : ATTACH;
  client->streams = client->input[1];
  client->gone = client->input[0] != 'C' && client->input[0] != 'A';
  if (client->kind == ATTACH) monitor->attached++;
  if (client->kind != CONTROL) return;
  monitor->had_controller = true;
  if (monitor->started.size > 0) send_frame(client, &monitor->started);
  if (monitor->phase > ENDED) send_frame(client, &monitor->ended);
}

/* A hello or a request, of which a part may have come before. */
static void take_message(struct monitor *monitor, struct client *client) {
  size_t whole = client->kind == HELLO ? 4 : sizeof client->input;
  ssize_t size = recv(client->source.fd, client->input + client->input_size, whole - client->input_size, MSG_DONTWAIT);
  if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) client->gone = true;
  if (size <= 0) return;
  client->input_size += (size_t)size;
  if (client->input_size < whole) return;
  client->input_size = 0;
  if (client->kind == HELLO) greet(monitor, client);
  else answer(monitor, client);
}

static void client_ready(struct monitor *monitor, struct source *source, uint32_t events) {
  struct client *client = (struct client *)source;
  if (client->gone) return;
  if (events & (EPOLLHUP | EPOLLERR)) client->hung_up = true;
  if (events & EPOLLOUT) drain_spool(monitor, client);
  if (events & EPOLLIN && client->kind == ATTACH) take_stdin(monitor, client);
  else if (events & EPOLLIN) take_message(monitor, client);
  else if (client->hung_up && client->kind != ATTACH) client->gone = true;
  follow(monitor, client);
}

/* The hello mostly is there already, and whoever sent it counts as attached before anything that happens later. */
void accept_clients(struct monitor *monitor, struct source *source, uint32_t events) {
  int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  /* With all descriptors in use, nobody is let in until somebody leaves. */
  if (fd < 0 && (errno == EMFILE || errno == ENFILE)) unwatch(monitor, source);
  if (fd < 0) return;
  struct client *client = allocate(sizeof *client);
  *client = (struct client){.source = {fd, client_ready}, .next = monitor->clients, .spool_fd = -1};
  monitor->clients = client;
  client_ready(monitor, &client->source, EPOLLIN);
}

void sweep_clients(struct monitor *monitor) {
  for (struct client **link = &monitor->clients, *client; (client = *link) != NULL;) {
    if (!client->gone) {
      link = &client->next;
      continue;
    }
    *link = client->next;
    drop(monitor, &client->source);
    close_scoped(&client->spool_fd);
    free(client);
    if (monitor->listener.fd >= 0) watch(monitor, &monitor->listener, EPOLLIN);
  }
}
