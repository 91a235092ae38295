/* Ops on the host's files. */

#include "plan.h"

static int make_parents(const char *path, mode_t mode) {
  SCOPED_MEMORY char *copy = strdup(path);
  for (char *slash = copy == NULL ? NULL : strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    if (mkdir(copy, mode) < 0 && errno != EEXIST) return -1;
    *slash = '/';
  }
  return copy == NULL ? -1 : 0;
}

int run_mkdir(struct context *context, const struct op_mkdir *op, struct error *error) {
  struct stat info;
  if (op->parents && make_parents(op->path, op->mode) < 0) return fail(error, "mkdir above \"%s\"", op->path);
  if (mkdir(op->path, op->mode) == 0) return 0;
  if (errno == EEXIST && stat(op->path, &info) == 0 && S_ISDIR(info.st_mode)) return 0;
  return fail(error, "mkdir \"%s\"", op->path);
}

/* One write call: that is how cgroup and procfs files take a value. */
int run_write(struct context *context, const struct op_write *op, struct error *error) {
  int flags = O_WRONLY | O_TRUNC | O_CLOEXEC | (op->mode != 0 ? O_CREAT : 0);
  SCOPED_FD fd = open(op->path, flags, op->mode);
  if (fd < 0) return fail(error, "open \"%s\" for writing", op->path);
  if (write_all(fd, op->data.data, op->data.size) < 0)
    return fail(error, "write \"%.*s\" to \"%s\"", (int)(op->data.size < 64 ? op->data.size : 64),
                (const char *)op->data.data, op->path);
  return 0;
}

static bool is_cgroup(int directory_fd) {
  return is_on(directory_fd, CGROUP_SUPER_MAGIC) || is_on(directory_fd, CGROUP2_SUPER_MAGIC);
}

/* Directories below a cgroup are cgroups that the container made, and go first. */
static int remove_once(const char *path) {
  if (unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR) return 0;
  if (rmdir(path) == 0 || errno == ENOENT) return 0;
  if (errno != EBUSY && errno != ENOTEMPTY) return -1;
  int reason = errno;
  DIR *directory = opendir(path);
  for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    char below[4096];
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.' || !is_cgroup(dirfd(directory))) continue;
    snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
    remove_once(below);
  }
  if (directory != NULL) closedir(directory);
  if (reason == EBUSY && rmdir(path) == 0) return 0;
  errno = reason;
  return -1;
}

int run_remove(struct context *context, const struct op_remove *op, struct error *error) {
  int64_t deadline = now_ms() + op->retry_ms;
  for (unsigned pause = 1; remove_once(op->path) < 0; pause = pause < 16 ? pause * 2 : pause) {
    if (errno != EBUSY || now_ms() >= deadline) return fail(error, "remove \"%s\"", op->path);
    sleep_ms(pause);
  }
  return 0;
}

static int open_beneath(int directory_fd, const char *name) {
  struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                         .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  return (int)syscall(SYS_openat2, directory_fd, name, &how, sizeof how);
}

/* Deeper than this a directory is moved up to the top of the tree first: a container may nest them without end. */
#define REMOVE_DEPTH 64

static int empty_directory(int directory_fd, int top_fd, int depth) {
  static unsigned moved;
  DIR *directory = fdopendir(directory_fd);
  if (directory == NULL) return close(directory_fd), -1;
  int result = 0;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
    if (unlinkat(dirfd(directory), name, 0) == 0 || errno == ENOENT) continue;
    if (errno != EISDIR && errno != EPERM) result = -1;
    char aside[32];
    snprintf(aside, sizeof aside, ".tug-removed-%u", moved);
    if (depth >= REMOVE_DEPTH && renameat(dirfd(directory), name, top_fd, aside) == 0) {
      moved++;
      continue;
    }
    int below_fd = open_beneath(dirfd(directory), name);
    if (below_fd < 0 || empty_directory(below_fd, top_fd, depth + 1) < 0) result = -1;
    if (unlinkat(dirfd(directory), name, AT_REMOVEDIR) < 0 && errno != ENOENT) result = -1;
  }
  int reason = errno;
  closedir(directory);
  errno = reason;
  return result;
}

int remove_tree(int directory_fd, const char *path) {
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  if (unlinkat(directory_fd, path, 0) == 0 || errno == ENOENT || errno == ENOTDIR) return 0;
  if (errno != EISDIR && errno != EPERM) return -1;
  SCOPED_FD top_fd = openat(directory_fd, path, flags);
  if (top_fd < 0) return errno == ENOENT ? 0 : -1;
  /* Twice and again as long as directories were moved up while the top was read. */
  for (int round = 0; round < 1000 && unlinkat(directory_fd, path, AT_REMOVEDIR) < 0 && errno != ENOENT; round++) {
    if (errno != ENOTEMPTY && errno != EEXIST) return -1;
    int again_fd = openat(directory_fd, path, flags);
    if (again_fd < 0 || empty_directory(again_fd, top_fd, 0) < 0) return -1;
  }
  return 0;
}

int run_remove_tree(struct context *context, const struct op_remove_tree *op, struct error *error) {
  return remove_tree(AT_FDCWD, op->path) < 0 ? fail(error, "remove tree \"%s\"", op->path) : 0;
}

static int answer_file(struct context *context, int fd, uint32_t limit, const char *path, struct error *error) {
  for (size_t size = 0;;) {
    ssize_t got = read_all(fd, reserve(context->answer, 65536), 65536);
    if (got < 0) return fail(error, "read \"%s\"", path);
    if (got == 0) return 0;
    size += (size_t)got;
    context->answer->size += (size_t)got;
    if (size > limit) return refuse(error, EFBIG, "read \"%s\": more than %u bytes", path, limit);
  }
}

int run_read(struct context *context, const struct op_read *op, struct error *error) {
  SCOPED_FD fd = open(op->path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(error, "open \"%s\"", op->path);
  return context->answer == NULL ? 0 : answer_file(context, fd, op->limit_bytes, op->path, error);
}

/* Looked at (O_PATH) before it is opened: opening a device or a fifo would already be an act. */
int run_read_in_root(struct context *context, const struct op_read_in_root *op, struct error *error) {
  struct stat info;
  char self[32];
  SCOPED_FD root_fd = open(op->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root_fd < 0) return fail(error, "open root \"%s\"", op->root);
  SCOPED_FD path_fd = open_in_root(root_fd, op->target, O_PATH, FOLLOW);
  if (path_fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EACCES)) return 0;
  if (path_fd < 0 || fstat(path_fd, &info) < 0) return fail(error, "open \"%s\" in root", op->target);
  if (!S_ISREG(info.st_mode)) return 0;
  snprintf(self, sizeof self, "self/fd/%d", path_fd);
  SCOPED_FD fd = openat(context->host->proc_fd, self, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(error, "open \"%s\" in root", op->target);
  return context->answer == NULL ? 0 : answer_file(context, fd, op->limit_bytes, op->target, error);
}
