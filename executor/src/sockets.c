/* Unix sockets: listening at a path, and descriptors as messages. */
#include "base.h"

static int open_socket(const char *path, struct sockaddr_un *address, struct error *error) {
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address->sun_path) return refuse(error, ENAMETOOLONG, "socket path \"%s\" is too long", path);
  strcpy(address->sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return fd < 0 ? fail(error, "socket") : fd;
}

int connect_to(const char *path, struct error *error) {
  struct sockaddr_un address;
  SCOPED_FD fd = open_socket(path, &address, error);
  if (fd < 0) return -1;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) return fail(error, "connect to \"%s\"", path);
  return steal(&fd);
}

int listen_at(const char *path, struct error *error) {
  struct sockaddr_un address;
  SCOPED_FD fd = open_socket(path, &address, error);
  if (fd < 0) return -1;
  unlink(path);
  mode_t mask = umask(0177);
  int bound = bind(fd, (struct sockaddr *)&address, sizeof address);
  umask(mask);
  if (bound < 0 || listen(fd, 128) < 0) return fail(error, "listen at \"%s\"", path);
  return steal(&fd);
}

union control {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

int send_message(int socket_fd, const void *data, size_t size, const int *fds, size_t count) {
  union control control = {.header = {CMSG_LEN(count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
  struct iovec part = {(void *)(uintptr_t)data, size};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (count > 0) {
    memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
  }
  return sendmsg(socket_fd, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* A peer that ends without having read everything resets the connection; what it sent before is still there. */
ssize_t receive_message(int socket_fd, void *data, size_t size, int fds[FDS_MAX]) {
  union control control;
  struct iovec part = {data, size};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t got;
  do got = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && (errno == ECONNRESET || errno == EINTR));
  for (size_t i = 0; i < FDS_MAX; i++) {
    bool present = got > 0 && message.msg_controllen >= CMSG_LEN((i + 1) * sizeof(int)) &&
                   control.header.cmsg_type == SCM_RIGHTS && control.header.cmsg_len >= CMSG_LEN((i + 1) * sizeof(int));
    fds[i] = present ? ((const int *)(const void *)CMSG_DATA(&control.header))[i] : -1;
  }
  return got;
}
