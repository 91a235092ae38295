#include "monitor.h"

uint8_t scratch[SCRATCH_SIZE];

void watch(struct monitor *monitor, struct source *source, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = source};
  if (epoll_ctl(monitor->epoll_fd, EPOLL_CTL_MOD, source->fd, &event) < 0)
    epoll_ctl(monitor->epoll_fd, EPOLL_CTL_ADD, source->fd, &event);
}

void unwatch(struct monitor *monitor, struct source *source) { epoll_ctl(monitor->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL); }

void drop(struct monitor *monitor, struct source *source) {
  if (source->fd < 0) return;
  unwatch(monitor, source);
  close(source->fd);
  source->fd = -1;
}

static int stream_of(const struct monitor *monitor, const struct source *source) {
  return source == &monitor->outputs[0] ? 1 : 2;
}

/* A terminal's end is EIO: all its slaves are closed. */
static void output_ready(struct monitor *monitor, struct source *source, uint32_t events) {
  ssize_t size = read(source->fd, scratch, sizeof scratch);
  if (size > 0) {
    write_log(&monitor->log, stream_of(monitor, source), scratch, (size_t)size);
    deliver(monitor, stream_of(monitor, source), scratch, (size_t)size);
  } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
    drop(monitor, source);
  }
}

static void take_over_stdio(struct monitor *monitor) {
  struct process *process = &monitor->process;
  for (int i = 0; i < 2; i++) {
    if (process->out_fd[i] < 0) continue;
    fcntl(process->out_fd[i], F_SETFL, fcntl(process->out_fd[i], F_GETFL) | O_NONBLOCK);
    monitor->outputs[i] = (struct source){process->out_fd[i], output_ready};
    watch(monitor, &monitor->outputs[i], EPOLLIN);
  }
  if (monitor->spec.tty) {
    struct winsize size = {(unsigned short)monitor->spec.height, (unsigned short)monitor->spec.width, 0, 0};
    if (size.ws_row + size.ws_col > 0) ioctl(process->out_fd[0], TIOCSWINSZ, &size);
    process->stdin_fd = fcntl(process->out_fd[0], F_DUPFD_CLOEXEC, 0);
  }
  monitor->input = (struct source){process->stdin_fd, stdin_ready};
  if (process->stdin_fd >= 0) stdin_ready(monitor, &monitor->input, 0);
}

static uint64_t oom_kills(const struct spec *spec) {
  if (spec->oom_path[0] == 0) return 0;
  const char *found = strstr(read_text(AT_FDCWD, spec->oom_path), "oom_kill ");
  return found == NULL ? 0 : strtoull(found + strlen("oom_kill "), NULL, 10);
}

static void report_started(struct monitor *monitor) {
  char now[TIME_SIZE];
  format_time(now);
  size_t start = begin_record(&monitor->started);
  put(&monitor->started, &(uint8_t){FRAME_STARTED}, 1);
  put_num(&monitor->started, (uint32_t)monitor->process.pid);
  put_big(&monitor->started, start_ticks(monitor->host, monitor->process.pid));
  put_text(&monitor->started, now);
  end_record(&monitor->started, start);
  monitor->phase = RUNNING;
  tell(monitor, &monitor->started);
}

static void fail_start(struct monitor *monitor) {
  monitor->failed = true;
  size_t start = begin_record(&monitor->started);
  put(&monitor->started, &(uint8_t){FRAME_FAILED}, 1);
  put_error(&monitor->started, &monitor->error);
  end_record(&monitor->started, start);
  tell(monitor, &monitor->started);
}

/* The socket is closed by execve, or by the end of the child. */
static void end_sync(struct monitor *monitor) {
  drop(monitor, &monitor->sync);
  if (monitor->failed) return;
  if (monitor->ready) return report_started(monitor);
  refuse(&monitor->error, ESRCH, "the process was killed before its program ran");
  fail_start(monitor);
}

static void sync_ready(struct monitor *monitor, struct source *source, uint32_t events) {
  struct sync_message message;
  int fds[FDS_MAX];
  if (receive_message(source->fd, &message, sizeof message, fds) <= 0) return end_sync(monitor);
  if (message.kind == SYNC_READY) monitor->ready = true;
  if (message.kind == SYNC_TERMINAL) {
    monitor->process.out_fd[0] = fds[0];
    monitor->process.slave_fd = fds[1];
    take_over_stdio(monitor);
  }
  if (message.kind == SYNC_ERROR) {
    monitor->error = message.error;
    fail_start(monitor);
  }
}

/* What the process wrote is in its pipes by now; what its descendants still write is waited for, but not forever. */
static void exit_ready(struct monitor *monitor, struct source *source, uint32_t events) {
  /* Before it is reaped: the report of its start asks /proc about it. */
  while (monitor->sync.fd >= 0) sync_ready(monitor, &monitor->sync, 0);
  if (waitpid(monitor->process.pid, &monitor->status, WNOHANG) != monitor->process.pid) return;
  drop(monitor, source);
  close_scoped(&monitor->process.slave_fd);
  monitor->phase = DRAINING;
  monitor->deadline = now_ms() + DRAIN_MS;
}

static void write_exit_record(const struct monitor *monitor) {
  char path[4096];
  snprintf(path, sizeof path, "%s.new", monitor->spec.exit_path);
  SCOPED_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd >= 0 && write_all(fd, monitor->ended.data + 5, monitor->ended.size - 5) == 0) rename(path, monitor->spec.exit_path);
}

/* The record first: should the rest go wrong, or the daemon be away, what is known is kept. Then nothing of the process stays behind. */
static void finish(struct monitor *monitor) {
  const struct spec *spec = &monitor->spec;
  int status = monitor->status, signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  int code = signal != 0 ? 128 + signal : WEXITSTATUS(status);
  if (monitor->failed) code = monitor->error.exit_code != 0 ? monitor->error.exit_code : 128;
  char now[TIME_SIZE];
  format_time(now);
  finish_log(&monitor->log);
  size_t start = begin_record(&monitor->ended);
  put(&monitor->ended, &(uint8_t){FRAME_EXITED}, 1);
  put_num(&monitor->ended, (uint32_t)code);
  put_num(&monitor->ended, monitor->failed ? 0 : (uint32_t)signal);
  put_flag(&monitor->ended, oom_kills(spec) > monitor->oom_kills);
  put_text(&monitor->ended, now);
  put_text(&monitor->ended, monitor->failed ? monitor->error.message : "");
  end_record(&monitor->ended, start);
  write_exit_record(monitor);
  if (spec->foreign) remove_foreign(spec);
  struct error ignored;
  struct context after = {.host = monitor->host, .section = AFTER};
  run_plan(&after, spec->after, &ignored);
  monitor->stdin_closed = true;
  monitor->phase = ENDED;
  follow_clients(monitor);
  monitor->deadline = now_ms() + CONTROLLER_MS;
}

static void open_gate(struct monitor *monitor) {
  monitor->gate_open = true;
  struct sync_message exec = {.kind = SYNC_EXEC};
  if (monitor->sync.fd >= 0) send_message(monitor->sync.fd, &exec, sizeof exec, NULL, 0);
  if (!monitor->spec.foreign) return;
  monitor->error = (struct error){.op = -1, .section = INSIDE};
  if (start_foreign(monitor, &monitor->error) < 0) fail_start(monitor);
  else report_started(monitor);
}

static bool has_controller(const struct monitor *monitor) {
  for (const struct client *client = monitor->clients; client != NULL; client = client->next)
    if (client->kind == CONTROL) return true;
  return false;
}

/* A program with a terminal waits for it: it shall find it with its size. */
static bool is_gate_due(struct monitor *monitor, bool late) {
  bool has_stdio = !monitor->spec.tty || monitor->outputs[0].fd >= 0;
  if (late) monitor->deadline = now_ms() + CONTROLLER_MS;
  bool has_clients = monitor->attached >= monitor->spec.await_attach;
  return has_stdio && (has_clients || late || (monitor->had_controller && !has_controller(monitor)));
}

/* Moves the monitor on when what its phase waits for is there, or will not come any more. */
static void advance(struct monitor *monitor) {
  bool late = now_ms() >= monitor->deadline;
  if (monitor->phase == STARTING && !monitor->gate_open && is_gate_due(monitor, late)) open_gate(monitor);
  if (monitor->phase == DRAINING && (late || (monitor->outputs[0].fd < 0 && monitor->outputs[1].fd < 0))) finish(monitor);
  if (monitor->phase == ENDED && (monitor->had_controller || late)) {
    /* Gone before anybody is told: whoever knows of the end may start a new monitor with the same socket. */
    unlink(monitor->spec.socket_path);
    drop(monitor, &monitor->listener);
    tell(monitor, &monitor->ended);
    close_scoped(&monitor->process.mounts_fd);
    monitor->phase = LINGERING;
    monitor->deadline = now_ms() + LINGER_MS;
    late = false;
  }
  if (monitor->phase == LINGERING && (late || !has_unsent(monitor))) monitor->phase = DONE;
}

static int start(struct monitor *monitor) {
  struct error *error = &monitor->error;
  struct context before = {.host = monitor->host, .section = BEFORE};
  unlink(monitor->spec.exit_path);
  *error = (struct error){.op = -1, .section = BEFORE};
  if (open_log(&monitor->log, &monitor->spec, error) < 0) return -1;
  /* What is mounted for a foreign runtime ends with this namespace, whatever becomes of the start. */
  if (monitor->spec.foreign && unshare(CLONE_NEWNS) < 0) return fail(error, "unshare mounts");
  if (run_plan(&before, monitor->spec.before, error) < 0) return -1;
  monitor->oom_kills = oom_kills(&monitor->spec);
  if (monitor->spec.foreign) return create_foreign(monitor, error);
  return start_process(monitor->host, &monitor->spec, &monitor->process, error);
}

static void adopt(struct monitor *monitor) {
  monitor->exit = (struct source){monitor->process.pid_fd, exit_ready};
  watch(monitor, &monitor->exit, EPOLLIN);
  if (monitor->process.sync_fd >= 0) {
    monitor->sync = (struct source){monitor->process.sync_fd, sync_ready};
    watch(monitor, &monitor->sync, EPOLLIN);
  }
  if (!monitor->spec.tty || monitor->spec.foreign) take_over_stdio(monitor);
}

/* Nothing that happens to the daemon or its session reaches the monitor; what it inherited and does not use is closed. */
static void detach(struct monitor *monitor, int listen_fd) {
  int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int i = 0; i < 3; i++) dup2(null_fd, i);
  int kept_fd = monitor->host->last_fd + 1;
  if (listen_fd != kept_fd && dup3(listen_fd, kept_fd, O_CLOEXEC) < 0) abort();
  close_range((unsigned)kept_fd + 1, ~0u, 0);
  monitor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  monitor->listener = (struct source){kept_fd, accept_clients};
  watch(monitor, &monitor->listener, EPOLLIN);
  signal(SIGCHLD, SIG_DFL);
  setsid();
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

_Noreturn void monitor_main(const struct host *host, struct bytes spec, int listen_fd) {
  struct monitor *monitor = allocate(sizeof *monitor);
  *monitor = (struct monitor){.host = host, .sync.fd = -1, .exit.fd = -1, .outputs = {{.fd = -1}, {.fd = -1}}, .input.fd = -1,
                              .process = {0, -1, -1, -1, {-1, -1}, -1, -1}, .deadline = now_ms() + CONTROLLER_MS};
  decode_spec(spec, &monitor->spec);
  detach(monitor, listen_fd);
  if (start(monitor) < 0) {
    fail_start(monitor);
    monitor->phase = DRAINING;
  } else {
    adopt(monitor);
  }
  /* The mounts of `serve` end with it; the host's namespace stays. */
  if (setns(host->mounts_fd, CLONE_NEWNS) < 0) abort();
  malloc_trim(0);
  for (advance(monitor); monitor->phase != DONE; advance(monitor)) {
    struct epoll_event events[16];
    bool timed = monitor->phase != RUNNING && !(monitor->phase == STARTING && monitor->gate_open);
    int64_t left = monitor->deadline - now_ms();
    if (monitor->phase == LINGERING && left > UNREAD_MS) left = UNREAD_MS;
    int count = epoll_wait(monitor->epoll_fd, events, 16, !timed ? -1 : left < 0 ? 0 : (int)left);
    for (int i = 0; i < count; i++) {
      struct source *source = events[i].data.ptr;
      if (source->fd >= 0) source->ready(monitor, source, events[i].events);
    }
    sweep_clients(monitor);
  }
  end_clients(monitor);
  _exit(0);
}
