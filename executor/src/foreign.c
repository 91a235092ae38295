/* Another OCI runtime creates and starts the container; the monitor gives it the stdio, adopts its process and reaps it. */

#include "monitor.h"

/* Runs a command of the runtime to its end: 0 when it succeeded. */
static int run_command(struct list arguments, const int stdio_fd[3]) {
  pid_t pid = fork();
  if (pid == 0) {
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    for (int i = 0; stdio_fd != NULL && i < 3; i++)
      if (stdio_fd[i] >= 0) dup2(stdio_fd[i], i);
    close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
    char **argv = text_array(arguments);
    execvp(argv[0], argv);
    _exit(127);
  }
  int status = -1;
  while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* The last line of the runtime's log says why. */
static int explain(const struct spec *spec, const char *verb, struct error *error) {
  SCOPED_FD fd = open(spec->log_file, O_RDONLY | O_CLOEXEC);
  char text[4096] = "";
  off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
  ssize_t got = fd < 0 ? 0 : pread(fd, text, sizeof text - 1, size < 4095 ? 0 : size - 4095);
  while (got > 0 && text[got - 1] == '\n') text[--got] = 0;
  const char *newline = strrchr(text, '\n'), *line = newline == NULL ? text : newline + 1;
  return refuse(error, EIO, "%s", line[0] != 0 ? line : verb);
}

/* The runtime has connected and sent the terminal by the time it ended. */
static int receive_console(int listen_fd) {
  char data[256];
  int fds[FDS_MAX];
  if (poll(&(struct pollfd){listen_fd, POLLIN, 0}, 1, 1000) <= 0) return -1;
  SCOPED_FD fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
  return fd < 0 || receive_message(fd, data, sizeof data, fds) <= 0 ? -1 : fds[0];
}

static int create(struct monitor *monitor, struct error *error) {
  const struct spec *spec = &monitor->spec;
  struct process *process = &monitor->process;
  int stdio_fd[3] = {-1, -1, -1};
  SCOPED_FD console_fd = spec->tty ? listen_at(spec->console_socket, error) : -1;
  if (spec->tty && console_fd < 0) return -1;
  int result = open_stdio(spec, process, stdio_fd, error);
  if (result == 0 && run_command(spec->create, stdio_fd) < 0) result = explain(spec, "the runtime failed to create", error);
  for (int i = 0; i < 3; i++) close_scoped(&stdio_fd[i]);
  if (console_fd >= 0) unlink(spec->console_socket);
  if (result < 0) return -1;
  if (spec->tty && (process->out_fd[0] = receive_console(console_fd)) < 0)
    return refuse(error, EIO, "the runtime sent no terminal");
  process->pid = (pid_t)atoi(read_text(AT_FDCWD, spec->pid_file));
  process->pid_fd = process->pid <= 0 ? -1 : pidfd_open(process->pid, 0);
  return process->pid_fd < 0 ? fail(error, "find the runtime's process by \"%s\"", spec->pid_file) : 0;
}

/* What `inside` does to the network, done in the namespace that the runtime has made. */
static int run_network(struct monitor *monitor, struct error *error) {
  struct cursor ops = cursor_over(monitor->spec.inside), fields;
  struct context context = {.host = monitor->host, .section = INSIDE, .child_pid = monitor->process.pid};
  SCOPED_FD own_fd = openat(monitor->host->proc_fd, "self/ns/net", O_RDONLY | O_CLOEXEC);
  if (own_fd < 0 || setns(monitor->process.pid_fd, CLONE_NEWNET) < 0) return fail(error, "enter the network namespace");
  int result = 0;
  enum op_kind kind;
  for (int index = 0; result == 0 && next_op(&ops, &kind, &fields); index++) {
    struct op_netlink op;
    if (kind != OP_netlink) continue;
    decode_netlink(&fields, &op);
    *error = (struct error){.section = INSIDE, .op = index};
    result = fields.bad ? refuse(error, EBADMSG, "malformed op \"netlink\"") : run_netlink(&context, &op, error);
  }
  if (setns(own_fd, CLONE_NEWNET) < 0) abort();
  return result;
}

int create_foreign(struct monitor *monitor, struct error *error) {
  const struct spec *spec = &monitor->spec;
  struct context beside = {.host = monitor->host, .section = BESIDE};
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (create(monitor, error) < 0) return -1;
  beside.child_pid = monitor->process.pid;
  if (run_plan(&beside, spec->beside, error) == 0 && run_network(monitor, error) == 0) return 0;
  kill(monitor->process.pid, SIGKILL);
  waitpid(monitor->process.pid, NULL, 0);
  return -1;
}

int start_foreign(struct monitor *monitor, struct error *error) {
  if (run_command(monitor->spec.start, NULL) == 0) return 0;
  kill(monitor->process.pid, SIGKILL);
  return explain(&monitor->spec, "the runtime failed to start", error);
}

void remove_foreign(const struct spec *spec) {
  if (spec->remove.count > 0) run_command(spec->remove, NULL);
}
