/* The netlink op: messages that TypeScript encoded, sent over one socket; errors are the kernel's own words. */

#include "plan.h"

/* Answers come at once; a kernel that stays silent this long has lost one. */
#define ANSWER_SECONDS 30

static int open_socket(const struct op_netlink *op, struct error *error) {
  SCOPED_FD fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, (int)op->protocol);
  if (fd < 0) return fail(error, "%s: netlink socket", op->what);
  int on = 1, send_room = (int)op->messages.size + 65536, receive_room = 4 << 20;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &send_room, sizeof send_room);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_room, sizeof receive_room);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = ANSWER_SECONDS}, sizeof(struct timeval));
  setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  return steal(&fd);
}

/* The text that the kernel gave to an error (NLMSGERR_ATTR_MSG), which stands after the capped copy of our message. */
static void explain(const struct nlmsghdr *header, struct error *error) {
  if ((header->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return;
  size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nlmsgerr));
  while (at + sizeof(struct nlattr) <= header->nlmsg_len) {
    const struct nlattr *attribute = (const void *)((const char *)header + at);
    if (attribute->nla_len < sizeof *attribute || at + attribute->nla_len > header->nlmsg_len) return;
    if (attribute->nla_type == NLMSGERR_ATTR_MSG)
      append_message(error, " (%.*s)", (int)(attribute->nla_len - sizeof *attribute), (const char *)(attribute + 1));
    at += NLA_ALIGN(attribute->nla_len);
  }
}

static bool is_ignored(struct list ignore, int number) {
  for (uint32_t i = 0; i < ignore.count; i++)
    if (take_num(&ignore.items) == (uint32_t)number) return true;
  return false;
}

/* Reads one datagram, keeps it as the answer, and counts the messages in it that complete a request. */
static int receive(int fd, const struct op_netlink *op, struct buffer *answer, struct error *error) {
  _Alignas(struct nlmsghdr) static uint8_t data[65536];
  ssize_t size = recv(fd, data, sizeof data, 0);
  if (size < 0) return errno == EINTR ? 0 : fail(error, "%s: receive", op->what);
  if (answer != NULL) put(answer, data, (size_t)size);
  int completed = 0;
  size_t left = (size_t)size;
  for (struct nlmsghdr *header = (void *)data; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
    if (header->nlmsg_type == NLMSG_DONE) completed++;
    if (header->nlmsg_type != NLMSG_ERROR || header->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))) continue;
    errno = -((struct nlmsgerr *)NLMSG_DATA(header))->error;
    if (errno != 0 && !is_ignored(op->ignore, errno)) {
      fail(error, "%s", op->what);
      explain(header, error);
      return -1;
    }
    completed++;
  }
  return completed;
}

/* Sends one message, or for nftables the whole batch, and waits for as many answers as were asked for. */
static int exchange(int fd, struct bytes messages, int awaited, const struct op_netlink *op, struct buffer *answer,
                    struct error *error) {
  if (send(fd, messages.data, messages.size, 0) < 0) return fail(error, "%s: send", op->what);
  while (awaited > 0) {
    int completed = receive(fd, op, answer, error);
    if (completed < 0) return -1;
    awaited -= completed;
  }
  return 0;
}

/* A copy of the messages, with the child's pid where it belongs. */
static uint8_t *fill_messages(const struct op_netlink *op, pid_t child_pid, struct error *error) {
  size_t size = op->messages.size;
  uint8_t *messages = allocate(size);
  memcpy(messages, op->messages.data, size);
  struct list places = op->child_pid_at;
  for (uint32_t i = 0, place; i < op->child_pid_at.count; i++) {
    place = take_num(&places.items);
    if (place <= size && size - place >= sizeof child_pid) {
      memcpy(messages + place, &child_pid, sizeof child_pid);
      continue;
    }
    refuse(error, EINVAL, "%s: the child's pid has no place", op->what);
    free(messages);
    return NULL;
  }
  return messages;
}

int run_netlink(struct context *context, const struct op_netlink *op, struct error *error) {
  SCOPED_MEMORY uint8_t *messages = fill_messages(op, context->child_pid, error);
  SCOPED_FD opened_fd = messages == NULL ? -1 : open_socket(op, error);
  if (opened_fd < 0) return -1;
  /*
   * nf_tables lets nobody close a socket before all that was deleted, by whomever, is freed, a grace period of RCU later
   * (nft_rcv_nl_event). So it stays open up to the end of this process, which has one or two of them.
   */
  int fd = op->protocol == NETLINK_NETFILTER ? steal(&opened_fd) : opened_fd;
  int awaited = 0;
  for (size_t start = 0, at = 0, size = op->messages.size; at < size;) {
    const struct nlmsghdr *header = (const void *)(messages + at);
    size_t left = size - at;
    if (!NLMSG_OK(header, left) || NLMSG_ALIGN(header->nlmsg_len) > left)
      return refuse(error, EINVAL, "%s: wrong message length", op->what);
    bool dumps = (header->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    if (dumps || (header->nlmsg_flags & NLM_F_ACK) != 0) awaited++;
    at += NLMSG_ALIGN(header->nlmsg_len);
    if (op->protocol == NETLINK_NETFILTER && at < size) continue;
    struct bytes sent = {messages + start, (uint32_t)(at - start)};
    if (exchange(fd, sent, awaited, op, context->answer, error) < 0) return -1;
    start = at;
    awaited = 0;
  }
  return 0;
}
