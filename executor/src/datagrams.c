/* The op that sends datagrams to a unix socket. */
#include <sys/un.h>

#include "plan.h"

/* A receiver that takes nothing for so long is as good as gone: the daemon tries again. */
#define SEND_SECONDS 5
/* A message may be as long as the daemon's log lines with all that stands beside them. */
#define SEND_ROOM (4 << 20)

static int connect_datagrams(const char *path, struct error *error) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  SCOPED_FD fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(error, "datagram socket");
  if (strlen(path) >= sizeof address.sun_path) return errno = ENAMETOOLONG, fail(error, "connect to \"%s\"", path);
  strcpy(address.sun_path, path);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) return fail(error, "connect to \"%s\"", path);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &(int){SEND_ROOM}, sizeof(int));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){.tv_sec = SEND_SECONDS}, sizeof(struct timeval));
  return steal(&fd);
}

int run_datagrams(struct context *context, const struct op_datagrams *op, struct error *error) {
  SCOPED_FD fd = connect_datagrams(op->path, error);
  if (fd < 0) return -1;
  const uint8_t *at = op->messages.data, *end = at + op->messages.size;
  while (end - at >= 4) {
    uint32_t size = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    at += 4;
    if (size > (size_t)(end - at)) return errno = EINVAL, fail(error, "datagram for \"%s\"", op->path);
    while (send(fd, at, size, MSG_NOSIGNAL) < 0)
      if (errno != EINTR) return fail(error, "send to \"%s\"", op->path);
    at += size;
  }
  return 0;
}
