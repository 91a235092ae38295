/*
 * The daemon's hands. Requests come on stdin, {num length, num id, u8 kind, body}, and are answered on stdout in the order in
 * which they end: {num length, num id, flag failed, body}. Each runs in a process of its own, so that one that hangs in the kernel
 * holds up nobody.
 *
 *     RUN    a plan              → num count, each op's bytes; or the error
 *     START  a monitor's spec    → nothing, once its socket listens; or the error
 */
#include "serve.h"

#include "monitor.h"

enum request_kind { RUN = 1, START = 2 };

/* What one request may weigh: a batch for a large firewall, with much to spare. */
#define REQUEST_MAX (256u << 20)

/* A plan that runs in a child: its answer comes through the pipe, whole when the pipe ends. */
struct running {
  uint32_t id;
  int pipe_fd;
  struct buffer answer;
};
struct server {
  struct host host;
  struct running *running;
  struct pollfd *polled; /* stdin, then the pipes in the order of `running` */
  size_t count;
};

static int open_host(struct host *host, struct error *error) {
  host->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (host->proc_fd < 0 || !is_on(host->proc_fd, PROC_SUPER_MAGIC)) return refuse(error, ENOENT, "/proc is no procfs");
  host->self_fd = openat(host->proc_fd, "self/exe", O_PATH | O_CLOEXEC);
  host->mounts_fd = openat(host->proc_fd, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
  host->last_fd = host->mounts_fd;
  if (host->self_fd < 0 || host->mounts_fd < host->self_fd) return fail(error, "open own namespaces");
  /* What the host mounts appears here; what we mount appears nowhere else. */
  if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
    return fail(error, "unshare mount namespace");
  return 0;
}

static void send_answer(uint32_t id, bool failed, const void *body, size_t size) {
  struct buffer out = {0};
  size_t start = begin_record(&out);
  put_num(&out, id);
  put_flag(&out, failed);
  put(&out, body, size);
  end_record(&out, start);
  if (write_all(STDOUT_FILENO, out.data, out.size) < 0) _exit(0);
  free(out.data);
}

static void send_error(uint32_t id, const struct error *error) {
  struct buffer body = {0};
  put_error(&body, error);
  send_answer(id, true, body.data, body.size);
  free(body.data);
}

/* The child's part of RUN. The first byte tells failure, as in the answer. */
_Noreturn static void run_host_plan(const struct host *host, struct bytes plan, int pipe_fd, pid_t server_pid) {
  struct buffer answer = {0};
  struct error error = {.op = -1, .section = HOST};
  struct context context = {.host = host, .section = HOST, .answer = &answer, .stream_fd = -1, .root_fd = -1, .mask_fd = -1};
  prctl(PR_SET_NAME, "tug-plan", 0, 0, 0);
  /* Nobody would hear the answer; nor does anybody when the server was quicker to die. */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != server_pid) _exit(1);
  put_flag(&answer, false);
  if (run_plan(&context, plan, &error) < 0) {
    answer.size = 0;
    put_flag(&answer, true);
    put_error(&answer, &error);
  }
  int result = write_all(pipe_fd, answer.data, answer.size);
  close(pipe_fd); /* the end of the answer; the end of this process may take longer */
  _exit(result < 0);
}

static int start_plan(struct server *server, uint32_t id, struct bytes plan, struct error *error) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return fail(error, "pipe");
  SCOPED_FD write_fd = ends[1];
  pid_t server_pid = getpid(), pid = fork();
  if (pid == 0) run_host_plan(&server->host, plan, write_fd, server_pid);
  if (pid < 0) {
    close(ends[0]);
    return fail(error, "fork");
  }
  server->count++;
  server->running = realloc(server->running, server->count * sizeof *server->running);
  server->polled = realloc(server->polled, (server->count + 1) * sizeof *server->polled);
  if (server->running == NULL || server->polled == NULL) abort();
  server->running[server->count - 1] = (struct running){id, ends[0], {0}};
  return 0;
}

/* The socket listens before the fork: once the answer is out, whoever connects is heard. */
static int start_monitor(struct server *server, struct bytes bytes, struct error *error) {
  struct spec spec;
  if (!decode_spec(bytes, &spec)) return refuse(error, EBADMSG, "malformed monitor spec");
  SCOPED_FD listen_fd = listen_at(spec.socket_path, error);
  if (listen_fd < 0) return -1;
  pid_t pid = fork();
  if (pid == 0) {
    set_title("tug-monitor", spec.name);
    monitor_main(&server->host, bytes, listen_fd);
  }
  return pid < 0 ? fail(error, "fork") : 0;
}

static void handle_request(struct server *server, struct bytes request) {
  struct cursor in = cursor_over(request);
  struct error error = {.op = -1, .section = HOST};
  uint32_t id = take_num(&in);
  uint8_t kind = in.at < in.end ? *in.at++ : 0;
  struct bytes body = {in.at, (uint32_t)(in.end - in.at)};
  int result = kind == RUN     ? start_plan(server, id, body, &error)
               : kind == START ? start_monitor(server, body, &error)
                               : refuse(&error, EBADMSG, "unknown request %u", kind);
  if (result < 0) send_error(id, &error);
  else if (kind == START) send_answer(id, false, NULL, 0);
}

/* Requests are written whole, so a part of one is soon followed by the rest. False at the end of the daemon. */
static bool take_request(struct server *server) {
  uint8_t head[4];
  if (read_all(STDIN_FILENO, head, sizeof head) != sizeof head) return false;
  struct cursor in = cursor_over((struct bytes){head, sizeof head});
  uint32_t size = take_num(&in);
  if (size > REQUEST_MAX) return false;
  SCOPED_MEMORY uint8_t *data = malloc(size + 1);
  if (data == NULL || read_all(STDIN_FILENO, data, size) != (ssize_t)size) return false;
  handle_request(server, (struct bytes){data, size});
  return true;
}

/* A plan that ended without an answer was killed. */
static void finish_plan(struct server *server, size_t index) {
  struct running *running = &server->running[index];
  struct error killed = {.number = ECANCELED, .section = HOST, .op = -1, .message = "the plan's process was killed"};
  if (running->answer.size == 0) send_error(running->id, &killed);
  else send_answer(running->id, running->answer.data[0] != 0, running->answer.data + 1, running->answer.size - 1);
  close(running->pipe_fd);
  free(running->answer.data);
  server->running[index] = server->running[--server->count];
}

static void collect(struct server *server, size_t index) {
  struct buffer *answer = &server->running[index].answer;
  ssize_t size = read(server->running[index].pipe_fd, reserve(answer, 65536), 65536);
  if (size > 0) answer->size += (size_t)size;
  else if (size == 0 || errno != EINTR) finish_plan(server, index);
}

int serve_main(void) {
  struct server server = {.polled = allocate(sizeof *server.polled)};
  struct error error;
  /* The daemon ends us by closing the socket, after its own shutdown; signals to its session are not for us. */
  const int ignored[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD};
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
  /* Fixed, so that large requests never become part of the heap that all monitors inherit. */
  mallopt(M_MMAP_THRESHOLD, 64 << 10);
  mallopt(M_TRIM_THRESHOLD, 64 << 10);
  umask(0); /* modes are the plan's */
  set_title("tug-exec", "serve");
  if (open_host(&server.host, &error) < 0) {
    dprintf(STDERR_FILENO, "tug-exec: %s\n", error.message);
    return 1;
  }
  for (bool open = true; open;) {
    server.polled[0] = (struct pollfd){STDIN_FILENO, POLLIN, 0};
    for (size_t i = 0; i < server.count; i++) server.polled[i + 1] = (struct pollfd){server.running[i].pipe_fd, POLLIN, 0};
    if (poll(server.polled, server.count + 1, -1) < 0) continue;
    for (size_t i = server.count; i > 0; i--)
      if (server.polled[i].revents != 0) collect(&server, i - 1);
    if (server.polled[0].revents != 0) open = take_request(&server);
  }
  return 0;
}
