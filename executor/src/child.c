/* The child's stage: from the clone to the program. */

#include "start.h"

static int await(const struct context *context, enum sync kind, struct error *error) {
  struct sync_message message;
  ssize_t size = read(context->sync_fd, &message, sizeof message);
  if (size <= 0) return refuse(error, EPIPE, "the monitor is gone");
  return message.kind != kind ? refuse(error, EPROTO, "unexpected message from the monitor") : 0;
}

int pass_gate(struct context *context, struct error *error) {
  struct sync_message ready = {.kind = SYNC_READY};
  if (await(context, SYNC_EXEC, error) < 0) return -1;
  return send_message(context->sync_fd, &ready, sizeof ready, NULL, 0) < 0 ? fail(error, "tell the monitor") : 0;
}

/* The path is only trusted when it leads to a real devpts, and the slave is asked of the master, not of a path. */
int open_terminal(struct context *context, struct error *error) {
  char self[32];
  SCOPED_FD path_fd = open_in_root(context->root_fd, "/dev/pts/ptmx", O_PATH, NO_SYMLINKS);
  if (path_fd < 0) return fail(error, "open \"/dev/pts/ptmx\"");
  if (!is_on(path_fd, DEVPTS_SUPER_MAGIC) || !is_device(path_fd, 5, 2))
    return refuse(error, EPERM, "open \"/dev/pts/ptmx\": no terminal multiplexer");
  snprintf(self, sizeof self, "self/fd/%d", path_fd);
  SCOPED_FD master_fd = openat(context->host->proc_fd, self, O_RDWR | O_NOCTTY | O_CLOEXEC);
  int locked = 0;
  if (master_fd < 0 || ioctl(master_fd, TIOCSPTLCK, &locked) < 0) return fail(error, "open terminal");
  int slave_fd = ioctl(master_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave_fd < 0) return fail(error, "open terminal");
  for (int i = 0; i < 3; i++) context->stdio_fd[i] = slave_fd;
  if (ioctl(slave_fd, TIOCSCTTY, 0) < 0) return fail(error, "take the terminal");
  struct sync_message terminal = {.kind = SYNC_TERMINAL};
  if (send_message(context->sync_fd, &terminal, sizeof terminal, (int[]){master_fd, slave_fd}, 2) < 0)
    return fail(error, "hand over terminal");
  return 0;
}

/* In a new user namespace its root is who may furnish. Dumpable again: /proc/self would belong to the host's root else. */
static int enter_users(const struct spec *spec, int user_fd, struct error *error) {
  bool created = spec->clone_flags & CLONE_NEWUSER;
  if (!created && user_fd < 0) return 0;
  if (user_fd >= 0 && setns(user_fd, CLONE_NEWUSER) < 0) return fail(error, "join namespace \"user\"");
  if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
    return fail(error, "become root of the user namespace");
  if (created) prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  return 0;
}

/*
 * A thread that moves itself, and itself only, need not stop all others of the machine from being born and ending: the kernel
 * then leaves out a lock that costs a grace period of RCU (cgroup_procs_write_start).
 */
static int join_cgroups(const struct context *context, const struct spec *spec, struct error *error) {
  struct list paths = spec->cgroup_tasks;
  for (uint32_t i = 0; i < spec->cgroup_tasks.count; i++) {
    const char *path = take_text(&paths.items);
    if (write_all(context->task_fds[i], "0", 1) < 0) return fail(error, "join cgroup \"%s\"", path);
  }
  return 0;
}

static int prepare(struct context *context, const struct spec *spec, const struct left_to_child *left, struct error *error) {
  if (await(context, SYNC_GO, error) < 0 || join_cgroups(context, spec, error) < 0) return -1;
  context->oom_fd = openat(context->host->proc_fd, "self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  context->apparmor_fd = openat(context->host->proc_fd, "self/attr/apparmor/exec", O_WRONLY | O_CLOEXEC);
  if (left->cgroup_fd >= 0 && setns(left->cgroup_fd, CLONE_NEWCGROUP) < 0) return fail(error, "join namespace \"cgroup\"");
  if (enter_users(spec, left->user_fd, error) < 0) return -1;
  if (spec->clone_flags & CLONE_NEWCGROUP && unshare(CLONE_NEWCGROUP) < 0) return fail(error, "unshare cgroup namespace");
  if (setsid() < 0) return fail(error, "setsid");
  /* A session keyring of its own: ours may hold the host's keys. Kernels without keyrings have nothing to hide. */
  if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
    return fail(error, "join session keyring");
  return 0;
}

/* In a joined mount namespace `/` is the container's. Otherwise nothing is, until the op `root` opened it. */
static void open_joined_root(struct context *context, const struct spec *spec) {
  struct list kinds = spec->join_kinds;
  for (uint32_t i = 0; i < spec->join_kinds.count; i++)
    if (take_num(&kinds.items) == CLONE_NEWNS) context->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

_Noreturn void child_main(struct context *context, const struct spec *spec, const struct left_to_child *left) {
  struct sync_message failure = {.kind = SYNC_ERROR, .error = {.op = -1, .section = INSIDE}};
  sigset_t none;
  sigemptyset(&none);
  prctl(PR_SET_NAME, "tug-child", 0, 0, 0);
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  open_joined_root(context, spec);
  if (prepare(context, spec, left, &failure.error) == 0 && run_plan(context, spec->inside, &failure.error) == 0)
    refuse(&failure.error, EINVAL, "the plan has no program");
  send_message(context->sync_fd, &failure, sizeof failure, NULL, 0);
  _exit(127);
}
