/* Ops of the child that make it what it is to become: limits, credentials, filters, and at last the program. */

#include "init.h"
#include "plan.h"

int write_proc(const struct host *host, const char *path, const char *value) {
  struct open_how how = {.flags = O_WRONLY | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS};
  SCOPED_FD fd = (int)syscall(SYS_openat2, host->proc_fd, path, &how, sizeof how);
  return fd < 0 ? -1 : write_all(fd, value, strlen(value));
}

uint64_t start_ticks(const struct host *host, pid_t pid) {
  char path[32];
  snprintf(path, sizeof path, "%d/stat", pid);
  const char *at = strrchr(read_text(host->proc_fd, path), ')');
  for (int field = 2; at != NULL && field < 22; field++) at = strchr(at + 1, ' ');
  return at == NULL ? 0 : strtoull(at, NULL, 10);
}

/* The sysctl files show the namespaces of who opens them, so the host's procfs does for the container's, too. */
int run_sysctl(struct context *context, const struct op_sysctl *op, struct error *error) {
  char path[512];
  snprintf(path, sizeof path, "sys/%s", op->key);
  if (strstr(op->key, "..") != NULL) return refuse(error, EINVAL, "sysctl \"%s\": invalid key", op->key);
  return write_proc(context->host, path, op->value) < 0 ? fail(error, "sysctl \"%s\" = \"%s\"", op->key, op->value) : 0;
}

int run_hostname(struct context *context, const struct op_hostname *op, struct error *error) {
  return sethostname(op->name, strlen(op->name)) < 0 ? fail(error, "set hostname \"%s\"", op->name) : 0;
}

int run_domainname(struct context *context, const struct op_domainname *op, struct error *error) {
  return setdomainname(op->name, strlen(op->name)) < 0 ? fail(error, "set domain name \"%s\"", op->name) : 0;
}

int run_rlimit(struct context *context, const struct op_rlimit *op, struct error *error) {
  struct rlimit limit = {op->soft, op->hard};
  return setrlimit(op->resource, &limit) < 0 ? fail(error, "set rlimit %u", op->resource) : 0;
}

int run_oom_score_adj(struct context *context, const struct op_oom_score_adj *op, struct error *error) {
  char text[16];
  int size = snprintf(text, sizeof text, "%d", (int)op->value);
  return write_all(context->oom_fd, text, (size_t)size) < 0 ? fail(error, "set oom_score_adj %s", text) : 0;
}

int run_apparmor(struct context *context, const struct op_apparmor *op, struct error *error) {
  char text[512];
  int size = snprintf(text, sizeof text, "exec %s", op->profile);
  if (context->apparmor_fd < 0) return refuse(error, ENOENT, "apparmor profile \"%s\": no AppArmor here", op->profile);
  bool written = write_all(context->apparmor_fd, text, (size_t)size) == 0;
  if (!written && errno == ENOENT) return refuse(error, EINVAL, "apparmor profile \"%s\" is not loaded", op->profile);
  if (!written) return fail(error, "apparmor profile \"%s\"", op->profile);
  return 0;
}

static int set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[] = {
      {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
      {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)}};
  return (int)syscall(SYS_capset, &header, data);
}

/* Bounding first: it takes CAP_SETPCAP, which capset may give up. Ambient last: it takes permitted and inheritable. */
int run_capabilities(struct context *context, const struct op_capabilities *op, struct error *error) {
  for (int bit = 0; prctl(PR_CAPBSET_READ, bit, 0, 0, 0) >= 0; bit++)
    if ((op->bounding >> bit & 1) == 0 && prctl(PR_CAPBSET_DROP, bit, 0, 0, 0) < 0)
      return fail(error, "drop capability %d from the bounding set", bit);
  if (set_capabilities(op->effective, op->permitted, op->inheritable) < 0) return fail(error, "set capabilities");
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (int bit = 0; bit < 64; bit++)
    if ((op->ambient >> bit & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, bit, 0, 0) < 0)
      return fail(error, "raise ambient capability %d", bit);
  return 0;
}

int run_no_new_privs(struct context *context, const struct op_no_new_privs *op, struct error *error) {
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? fail(error, "set no_new_privs") : 0;
}

int run_seccomp(struct context *context, const struct op_seccomp *op, struct error *error) {
  struct sock_fprog program = {(unsigned short)(op->filter.size / sizeof(struct sock_filter)),
                               (struct sock_filter *)(uintptr_t)op->filter.data};
  if (op->filter.size / sizeof(struct sock_filter) > BPF_MAXINSNS) return refuse(error, E2BIG, "seccomp filter too long");
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, op->flags, &program) < 0) return fail(error, "install seccomp filter");
  return 0;
}

/*
 * The capabilities survive the change of user, so that the `capabilities` op after it can still choose among them.
 * Pipes and terminals go to the user: /dev/stdout is opened anew by many programs. Not the null device: it is everyone's.
 */
int run_user(struct context *context, const struct op_user *op, struct error *error) {
  struct stat info;
  for (int i = 0; i < 3; i++)
    if (fstat(context->stdio_fd[i], &info) == 0 && !is_device(context->stdio_fd[i], 1, 3) && info.st_uid != op->uid &&
        fchown(context->stdio_fd[i], op->uid, (gid_t)-1) < 0 && errno != EINVAL && errno != EPERM && errno != EROFS)
      return fail(error, "give stdio to user %u", op->uid);
  SCOPED_MEMORY gid_t *groups = allocate(op->groups.count * sizeof *groups);
  struct list list = op->groups;
  for (uint32_t i = 0; i < op->groups.count; i++) groups[i] = take_num(&list.items);
  if (setgroups(op->groups.count, groups) < 0) return fail(error, "set groups");
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
  if (setresgid(op->gid, op->gid, op->gid) < 0) return fail(error, "set group %u", op->gid);
  if (setresuid(op->uid, op->uid, op->uid) < 0) return fail(error, "set user %u", op->uid);
  prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
  syscall(SYS_capget, &header, data);
  for (int i = 0; i < 2; i++) data[i].effective = data[i].permitted;
  if (syscall(SYS_capset, &header, data) < 0) return fail(error, "keep capabilities");
  umask(op->umask);
  return 0;
}

/* No descriptor of ours is followed on the way, and a directory of the host would have no path here (CVE-2024-21626). */
int run_cwd(struct context *context, const struct op_cwd *op, struct error *error) {
  char path[4096];
  if (op->create) {
    SCOPED_FD made_fd = make_in_root(context->root_fd, op->path, S_IFDIR, 0755, FOLLOW);
    if (made_fd < 0) return fail(error, "mkdir working directory \"%s\"", op->path);
  }
  SCOPED_FD found_fd = open_in_root(context->root_fd, op->path, O_PATH | O_DIRECTORY, FOLLOW);
  if (found_fd < 0 || fchdir(found_fd) < 0) return fail(error, "chdir to cwd (\"%s\")", op->path);
  if (syscall(SYS_getcwd, path, sizeof path) < 0 || path[0] != '/')
    return refuse(error, EPERM, "chdir to cwd (\"%s\"): it is outside of the container's root", op->path);
  return 0;
}

/* 0 when the file could be executed, else -1 with the errno that a shell would report. */
static int check_executable(const char *path) {
  struct stat info;
  if (stat(path, &info) < 0) return -1;
  if (S_ISDIR(info.st_mode)) return errno = EISDIR, -1;
  if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0) return 0;
  if (errno == ENOSYS || errno == EPERM) return info.st_mode & 0111 ? 0 : (errno = EACCES, -1);
  return -1;
}

/* Finds the program as Go's exec.LookPath does, whose words the world knows. */
static int find_program(const char *name, char **env, char path[4096], struct error *error) {
  if (strchr(name, '/') != NULL) {
    snprintf(path, 4096, "%s", name);
    if (check_executable(path) == 0) return 0;
    if (errno == EISDIR) return refuse(error, EACCES, "exec: \"%s\": is a directory: permission denied", name);
    if (errno == EACCES) return fail(error, "exec: \"%s\"", name);
    return fail(error, "exec: \"%s\": stat %s", name, name);
  }
  const char *search = "";
  for (char **variable = env; *variable != NULL; variable++)
    if (strncmp(*variable, "PATH=", 5) == 0) search = *variable + 5;
  for (const char *end; *search != 0; search = *end == 0 ? end : end + 1) {
    end = strchrnul(search, ':');
    snprintf(path, 4096, "%.*s/%s", (int)(end - search), end == search ? "." : search, name);
    if (check_executable(path) == 0 && path[0] == '/') return 0;
  }
  return refuse(error, ENOENT, "exec: \"%s\": executable file not found in $PATH", name);
}

/*
 * What is executed is the image's word, and so is the interpreter that a script names. A path of theirs may lead through
 * /proc/self/fd as long as a descriptor is open, close-on-exec or not, so nothing of the host is open any more when the
 * program is looked for (CVE-2024-21626). The two that stay, the socket and the sealed program, lead nowhere.
 */
static int let_go_of_host(const struct context *context, struct error *error) {
  for (int i = 0; i < 3; i++)
    if (dup2(context->stdio_fd[i], i) < 0) return fail(error, "exec: connect stdio");
  unsigned one = (unsigned)context->sync_fd, two = (unsigned)context->host->self_fd;
  unsigned low = one < two ? one : two, high = one < two ? two : one;
  if ((low > 3 && close_range(3, low - 1, 0) < 0) || (high - low > 1 && close_range(low + 1, high - 1, 0) < 0) ||
      close_range(high + 1, ~0u, 0) < 0)
    return fail(error, "exec: close descriptors");
  return 0;
}

/* Everything that may fail comes before the gate, so that nothing is left between it and the program. */
static int execute(struct context *context, const struct op_exec *op, struct error *error) {
  SCOPED_MEMORY char **argv = text_array(op->argv), **env = text_array(op->env);
  char path[4096];
  if (argv[0] == NULL) return refuse(error, EINVAL, "exec: no program given");
  if (context->tty && context->stdio_fd[0] < 0 && open_terminal(context, error) < 0) return -1;
  if (let_go_of_host(context, error) < 0) return -1;
  if (find_program(argv[0], env, path, error) < 0 || pass_gate(context, error) < 0) return -1;
  if (op->init && leave_init_behind(context->host, error) < 0) return -1;
  execve(path, argv, env);
  return fail(error, "exec %s", path);
}

int run_exec(struct context *context, const struct op_exec *op, struct error *error) {
  int result = execute(context, op, error);
  error->exit_code = error->number == ENOENT ? 127 : 126;
  return result;
}
