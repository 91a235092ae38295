#include "start.h"

/* A reader that falls behind stalls the container; a megabyte is what one may ask for without privileges. */
#define PIPE_SIZE (1 << 20)

/* Detached mounts, for the bind ops in their order. */
struct trees {
  int *fds;
  uint32_t count;
};

static pid_t clone_process(uint64_t flags, int cgroup_fd, int *pid_fd) {
  struct clone_args arguments = {.flags = flags | CLONE_PIDFD | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
                                 .pidfd = (uintptr_t)pid_fd,
                                 .exit_signal = SIGCHLD,
                                 .cgroup = cgroup_fd < 0 ? 0 : (uint64_t)cgroup_fd};
  return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
}

static int write_map(const struct host *host, pid_t pid, const char *name, struct list maps, struct error *error) {
  char path[64], text[4096];
  size_t size = 0;
  for (uint32_t i = 0; i < maps.count && size < sizeof text; i++) {
    struct id_map map = take_map(&maps.items);
    size += (size_t)snprintf(text + size, sizeof text - size, "%u %u %u\n", map.inside, map.outside, map.size);
  }
  snprintf(path, sizeof path, "%d/%s", pid, name);
  return write_proc(host, path, text) < 0 ? fail(error, "write %s of process %d", name, pid) : 0;
}

static int write_maps(const struct host *host, pid_t pid, struct list uid, struct list gid, struct error *error) {
  return write_map(host, pid, "uid_map", uid, error) < 0 ? -1 : write_map(host, pid, "gid_map", gid, error);
}

/* An idmapped mount takes its maps from a user namespace, which a child makes for a moment. */
static int idmap_mount(const struct host *host, int tree_fd, const struct op_bind *op, struct error *error) {
  SCOPED_FD pid_fd = -1;
  pid_t pid = clone_process(CLONE_NEWUSER, -1, &pid_fd);
  if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  while (pid == 0) pause();
  if (pid < 0) return fail(error, "make user namespace");
  char path[64];
  snprintf(path, sizeof path, "%d/ns/user", pid);
  int result = write_maps(host, pid, op->uid_map, op->gid_map, error);
  SCOPED_FD user_fd = openat(host->proc_fd, path, O_RDONLY | O_CLOEXEC);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  if (result < 0) return -1;
  struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user_fd};
  unsigned flags = AT_EMPTY_PATH | (op->recursive ? AT_RECURSIVE : 0u);
  if (user_fd < 0 || mount_setattr(tree_fd, "", flags, &attributes, sizeof attributes) < 0)
    return fail(error, "bind \"%s\": map ids", op->source);
  return 0;
}

int open_bind(const struct host *host, const struct op_bind *op, struct error *error) {
  SCOPED_FD tree_fd = clone_mount(AT_FDCWD, op->source, op->recursive ? AT_RECURSIVE : 0);
  if (tree_fd < 0) return fail(error, "bind \"%s\"", op->source);
  if (op->uid_map.count > 0 && idmap_mount(host, tree_fd, op, error) < 0) return -1;
  return steal(&tree_fd);
}

/*
 * The sources of binds are opened by the monitor, not by the child: a user namespace could not reach them all, and only here
 * ids can be mapped. They are looked up in the host's mount namespace: there a path means what the user meant, and
 * a mount can be shared with it. On success `trees` holds as many descriptors as there are binds.
 */
static int open_trees(const struct host *host, struct bytes inside, struct trees *trees, struct error *error) {
  struct cursor ops = cursor_over(inside), fields;
  enum op_kind kind;
  for (int index = 0; next_op(&ops, &kind, &fields); index++) {
    struct op_bind op;
    if (kind != OP_bind) continue;
    decode_bind(&fields, &op);
    if (fields.bad) return refuse(error, EBADMSG, "malformed op \"bind\"");
    *error = (struct error){.section = INSIDE, .op = index};
    int tree_fd = open_bind(host, &op, error);
    if (tree_fd < 0) return -1;
    trees->fds = realloc(trees->fds, (trees->count + 1) * sizeof *trees->fds);
    if (trees->fds == NULL) abort();
    trees->fds[trees->count++] = tree_fd;
  }
  *error = (struct error){.section = INSIDE, .op = -1};
  return 0;
}

static int open_trees_on_host(const struct host *host, struct bytes inside, struct trees *trees, struct error *error) {
  SCOPED_FD own_fd = visit_host(host, error);
  if (own_fd < 0) return -1;
  int result = open_trees(host, inside, trees, error);
  return_from_host(own_fd);
  return result;
}

static const struct {
  uint32_t flag;
  const char *path;
} NAMESPACES[] = {{CLONE_NEWNET, "self/ns/net"},    {CLONE_NEWIPC, "self/ns/ipc"}, {CLONE_NEWUTS, "self/ns/uts"},
                  {CLONE_NEWPID, "self/ns/pid"}, {CLONE_NEWNS, "self/ns/mnt"}};
#define NAMESPACE_COUNT (sizeof NAMESPACES / sizeof *NAMESPACES)

/* Only as long as it takes to clone: the child inherits what was joined, the monitor goes back where it was. */
struct borrowed {
  int own_fd[NAMESPACE_COUNT]; /* -1: not borrowed */
  struct left_to_child left;
};

/* All paths are opened before the first join, which may be the mount namespace. */
static int borrow_namespaces(const struct host *host, const struct spec *spec, struct borrowed *borrowed,
                             struct error *error) {
  struct list kinds = spec->join_kinds, paths = spec->join_paths;
  int join_fd[NAMESPACE_COUNT] = {-1, -1, -1, -1, -1};
  int result = 0;
  for (uint32_t i = 0; i < spec->join_kinds.count && result == 0; i++) {
    uint32_t kind = take_num(&kinds.items);
    const char *path = take_text(&paths.items);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) result = fail(error, "open namespace \"%s\"", path);
    if (kind == CLONE_NEWUSER) borrowed->left.user_fd = fd;
    if (kind == CLONE_NEWCGROUP) borrowed->left.cgroup_fd = fd;
    for (size_t row = 0; row < NAMESPACE_COUNT; row++) {
      if (NAMESPACES[row].flag != kind) continue;
      join_fd[row] = fd;
      borrowed->own_fd[row] = openat(host->proc_fd, NAMESPACES[row].path, O_RDONLY | O_CLOEXEC);
      if (borrowed->own_fd[row] < 0) result = fail(error, "open own namespace");
    }
  }
  for (size_t row = 0; row < NAMESPACE_COUNT; row++) {
    if (join_fd[row] < 0) continue;
    if (result == 0 && setns(join_fd[row], (int)NAMESPACES[row].flag) < 0)
      result = fail(error, "join namespace \"%s\"", NAMESPACES[row].path + strlen("self/ns/"));
    close(join_fd[row]);
  }
  return result;
}

/* A monitor that cannot go back must not go on: it would act on the host's files from within a container. */
static void return_namespaces(const struct borrowed *borrowed) {
  for (size_t row = 0; row < NAMESPACE_COUNT; row++) {
    if (borrowed->own_fd[row] < 0) continue;
    if (setns(borrowed->own_fd[row], (int)NAMESPACES[row].flag) < 0) abort();
    close(borrowed->own_fd[row]);
  }
}

static int open_pipe(int *read_fd, int *write_fd, bool ours_reads) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return -1;
  fcntl(ends[0], F_SETPIPE_SZ, PIPE_SIZE);
  fcntl(ours_reads ? ends[0] : ends[1], F_SETFL, O_NONBLOCK | (ours_reads ? 0 : O_WRONLY));
  *read_fd = ends[0];
  *write_fd = ends[1];
  return 0;
}

int open_stdio(const struct spec *spec, struct process *process, int child_fd[3], struct error *error) {
  if (spec->tty) return 0;
  int result = spec->open_stdin ? open_pipe(&child_fd[0], &process->stdin_fd, false)
                                : (child_fd[0] = open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (result < 0 || open_pipe(&process->out_fd[0], &child_fd[1], true) < 0 ||
      open_pipe(&process->out_fd[1], &child_fd[2], true) < 0)
    return fail(error, "open stdio");
  return 0;
}

/* By the monitor: the child may have no path to them, or be root of its own user namespace only. */
static int open_tasks(const struct spec *spec, int *task_fds, struct error *error) {
  struct list paths = spec->cgroup_tasks;
  for (uint32_t i = 0; i < spec->cgroup_tasks.count; i++) {
    const char *path = take_text(&paths.items);
    task_fds[i] = open(path, O_WRONLY | O_CLOEXEC);
    if (task_fds[i] < 0) return fail(error, "open \"%s\"", path);
  }
  return 0;
}

static int open_mounts(const struct host *host, pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "%d/ns/mnt", pid);
  return openat(host->proc_fd, path, O_RDONLY | O_CLOEXEC);
}

static int clone_child(struct context *context, const struct spec *spec, struct process *process, struct error *error) {
  struct borrowed borrowed = {{-1, -1, -1, -1, -1}, {-1, -1}};
  SCOPED_FD cgroup_fd = spec->cgroup[0] == 0 ? -1 : open(spec->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (spec->cgroup[0] != 0 && cgroup_fd < 0) return fail(error, "open cgroup \"%s\"", spec->cgroup);
  int result = borrow_namespaces(context->host, spec, &borrowed, error);
  if (result == 0) {
    /* The cgroup namespace is made by the child, once it is in its cgroups: they become that namespace's root. */
    process->pid = clone_process(spec->clone_flags & ~(uint64_t)CLONE_NEWCGROUP, cgroup_fd, &process->pid_fd);
    if (process->pid == 0) child_main(context, spec, &borrowed.left);
    if (process->pid < 0) result = fail(error, "clone");
    if (process->pid > 0 && spec->clone_flags & CLONE_NEWNS) process->mounts_fd = open_mounts(context->host, process->pid);
  }
  return_namespaces(&borrowed);
  close_scoped(&borrowed.left.user_fd);
  close_scoped(&borrowed.left.cgroup_fd);
  return result;
}

static int let_go(struct context *context, const struct spec *spec, const struct process *process, struct error *error) {
  struct context beside = {.host = context->host, .section = BESIDE, .child_pid = process->pid};
  if (spec->clone_flags & CLONE_NEWUSER &&
      write_maps(context->host, process->pid, spec->uid_map, spec->gid_map, error) < 0)
    return -1;
  if (run_plan(&beside, spec->beside, error) < 0) return -1;
  struct sync_message go = {.kind = SYNC_GO};
  return send_message(process->sync_fd, &go, sizeof go, NULL, 0) < 0 ? fail(error, "release the child") : 0;
}

int start_process(const struct host *host, const struct spec *spec, struct process *process, struct error *error) {
  int ends[2] = {-1, -1};
  struct trees trees = {0};
  SCOPED_MEMORY int *task_fds = allocate(spec->cgroup_tasks.count * sizeof *task_fds);
  for (uint32_t i = 0; i < spec->cgroup_tasks.count; i++) task_fds[i] = -1;
  struct context context = {.host = host, .section = INSIDE, .root_fd = -1, .stdio_fd = {-1, -1, -1}, .tty = spec->tty,
                            .task_fds = task_fds, .mask_fd = -1};
  int result = open_trees_on_host(host, spec->inside, &trees, error);
  if (result == 0) result = open_tasks(spec, task_fds, error);
  if (result == 0) result = open_stdio(spec, process, context.stdio_fd, error);
  if (result == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) result = fail(error, "socketpair");
  context.trees = trees.fds;
  context.sync_fd = ends[1];
  process->sync_fd = ends[0];
  if (result == 0) result = clone_child(&context, spec, process, error);
  if (result == 0 && let_go(&context, spec, process, error) < 0) {
    kill(process->pid, SIGKILL);
    waitpid(process->pid, NULL, 0);
    result = -1;
  }
  for (uint32_t i = 0; i < trees.count; i++) close(trees.fds[i]);
  for (uint32_t i = 0; i < spec->cgroup_tasks.count; i++) close_scoped(&task_fds[i]);
  for (int i = 0; i < 3; i++) close_scoped(&context.stdio_fd[i]);
  close_scoped(&ends[1]);
  free(trees.fds);
  return result;
}
