/*
 * Paths that belong to a container. Its image and its volumes may hold any link at any place and may change while we
 * look, so a target is resolved by the kernel beneath the root (openat2), and from then on only the descriptor counts.
 */

#include "plan.h"

/* Links that lead on to links, as the kernel counts them; and tries when others rename what we walk through. */
#define LINK_DEPTH 40
#define MAX_TRIES 128

int open_in_root(int root_fd, const char *target, int flags, int links) {
  struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
                         .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS |
                                    (links == NO_SYMLINKS ? RESOLVE_NO_SYMLINKS : 0)};
  for (int tries = 0;; tries++) {
    int fd = (int)syscall(SYS_openat2, root_fd, target, &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN || tries == MAX_TRIES) return fd;
  }
}

/* Where a link would lead out it fails (EXDEV): not by the root's rules, since nobody lives in there. */
int open_beneath_root(int root_fd, const char *target) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
  for (int tries = 0;; tries++) {
    int fd = (int)syscall(SYS_openat2, root_fd, target, &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN || tries == MAX_TRIES) return fd;
  }
}

static int make_walking(int root_fd, const char *target, mode_t type, mode_t mode, int links, int depth);

/* Splits at the last slash and opens what is above it, making it. */
static int open_parent(int root_fd, const char *target, const char **name, int links, int depth) {
  const char *slash = strrchr(target, '/');
  *name = slash == NULL ? target : slash + 1;
  SCOPED_MEMORY char *parent = slash == NULL || slash == target ? strdup("/") : strndup(target, (size_t)(slash - target));
  return make_walking(root_fd, parent, S_IFDIR, 0755, links, depth + 1);
}

/* A link to what is not there (Ubuntu's /etc/resolv.conf) is completed where it points to, as the container sees it. */
static int make_walking(int root_fd, const char *target, mode_t type, mode_t mode, int links, int depth) {
  if (depth > 256 + LINK_DEPTH) return errno = ELOOP, -1;
  int fd = open_in_root(root_fd, target, O_PATH, links);
  if (fd >= 0 || errno != ENOENT) return fd;
  const char *name;
  SCOPED_FD parent_fd = open_parent(root_fd, target, &name, links, depth);
  if (parent_fd < 0) return -1;
  char link[4096], resolved[8192];
  ssize_t size = readlinkat(parent_fd, name, link, sizeof link - 1);
  if (size > 0 && links == FOLLOW) {
    link[size] = 0;
    snprintf(resolved, sizeof resolved, "%.*s%s", link[0] == '/' ? 0 : (int)(name - target), target, link);
    return make_walking(root_fd, resolved, type, mode, links, depth + 256 / LINK_DEPTH);
  }
  int made = type == S_IFDIR ? mkdirat(parent_fd, name, mode)
                             : openat(parent_fd, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (made < 0 && errno != EEXIST) return -1;
  if (made > 0) close(made);
  return open_in_root(root_fd, target, O_PATH, links);
}

int make_in_root(int root_fd, const char *target, mode_t type, mode_t mode, int links) {
  return make_walking(root_fd, target, type, mode, links, 0);
}

int open_parent_in_root(int root_fd, const char *target, const char **name) {
  return open_parent(root_fd, target, name, FOLLOW, 0);
}

bool is_on(int fd, unsigned long magic) {
  struct statfs info;
  return fstatfs(fd, &info) == 0 && (unsigned long)info.f_type == magic;
}

bool is_device(int fd, unsigned major, unsigned minor) {
  struct stat info;
  return fstat(fd, &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(major, minor);
}

/*
 * Over procfs and sysfs lies what confines a container. A mount may land there only when the plan's own text says so,
 * never because a link of the image led there (CVE-2019-16884, CVE-2025-52881).
 */
int attach(const struct context *context, int tree_fd, int target_fd, const char *target, struct error *error) {
  if (is_on(target_fd, PROC_SUPER_MAGIC) || is_on(target_fd, SYSFS_MAGIC)) {
    SCOPED_FD plain_fd = open_in_root(context->root_fd, target, O_PATH, NO_SYMLINKS);
    struct stat plain, found;
    if (plain_fd < 0 || fstat(plain_fd, &plain) < 0 || fstat(target_fd, &found) < 0 || plain.st_ino != found.st_ino ||
        plain.st_dev != found.st_dev)
      return refuse(error, EPERM, "mount on \"%s\": a link leads into procfs or sysfs", target);
  }
  if (move_mount(tree_fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return fail(error, "mount on \"%s\"", target);
  return 0;
}

static int copy_entry(int from_fd, int to_fd, const char *name, struct error *error) {
  struct stat info;
  char link[4096];
  if (fstatat(from_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0) return fail(error, "copy \"%s\"", name);
  if (S_ISLNK(info.st_mode)) {
    ssize_t size = readlinkat(from_fd, name, link, sizeof link - 1);
    link[size < 0 ? 0 : size] = 0;
    if (size < 0 || symlinkat(link, to_fd, name) < 0) return fail(error, "copy link \"%s\"", name);
    return fchownat(to_fd, name, info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW);
  }
  if (!S_ISDIR(info.st_mode) && !S_ISREG(info.st_mode)) return 0;
  SCOPED_FD source_fd = openat(from_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (S_ISDIR(info.st_mode) && mkdirat(to_fd, name, 0700) < 0) return fail(error, "copy \"%s\"", name);
  int flags = S_ISDIR(info.st_mode) ? O_RDONLY | O_DIRECTORY : O_WRONLY | O_CREAT | O_EXCL;
  SCOPED_FD copy_fd = openat(to_fd, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (source_fd < 0 || copy_fd < 0) return fail(error, "copy \"%s\"", name);
  if (S_ISDIR(info.st_mode)) {
    if (copy_tree(source_fd, copy_fd, error) < 0) return -1;
  } else {
    for (ssize_t sent = 1; sent > 0;)
      if ((sent = sendfile(copy_fd, source_fd, NULL, 1 << 30)) < 0)
        return fail(error, "copy \"%s\"", name);
  }
  const struct timespec times[] = {info.st_atim, info.st_mtim};
  if (fchown(copy_fd, info.st_uid, info.st_gid) < 0 || fchmod(copy_fd, info.st_mode & 07777) < 0 ||
      futimens(copy_fd, times) < 0)
    return fail(error, "copy \"%s\"", name);
  return 0;
}

int copy_tree(int from_fd, int to_fd, struct error *error) {
  int list_fd = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *directory = list_fd < 0 ? NULL : fdopendir(list_fd);
  if (directory == NULL) return fail(error, "copy directory");
  int result = 0;
  for (struct dirent *entry; result == 0 && (entry = readdir(directory)) != NULL;)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      result = copy_entry(from_fd, to_fd, entry->d_name, error);
  closedir(directory);
  return result;
}

/* Room for a path and for what a link in it holds. */
#define PATH_ROOM (2 * 4096)

/* Drops what `rest` begins with up to and including the next slash. */
static void drop_part(char *rest, size_t part) {
  const char *after = rest + part + (rest[part] == '/');
  memmove(rest, after, strlen(after) + 1);
}

/* Where a path leads in the end, whether that exists or not: its parts one by one, links by the root's rules. */
static int follow(int root_fd, const char *target, char resolved[PATH_ROOM], struct error *error) {
  char rest[PATH_ROOM], link[4096];
  int links = 0;
  bool fits = snprintf(rest, sizeof rest, "%s", target) < (int)sizeof rest;
  for (resolved[0] = 0; fits && rest[0] != 0;) {
    size_t part = strcspn(rest, "/"), end = strlen(resolved);
    bool up = part == 2 && strncmp(rest, "..", 2) == 0;
    if (up && end > 0) *strrchr(resolved, '/') = 0;
    if (up || part == 0 || (part == 1 && rest[0] == '.')) {
      drop_part(rest, part);
      continue;
    }
    fits = snprintf(resolved + end, PATH_ROOM - end, "/%.*s", (int)part, rest) < (int)(PATH_ROOM - end);
    drop_part(rest, part);
    SCOPED_FD fd = fits ? open_in_root(root_fd, resolved, O_PATH | O_NOFOLLOW, FOLLOW) : -1;
    ssize_t size = fd < 0 ? -1 : readlinkat(fd, "", link, sizeof link - 1);
    if (size <= 0) continue;
    if (++links > LINK_DEPTH) return refuse(error, ELOOP, "follow \"%s\": too many links", target);
    link[size] = 0;
    resolved[link[0] == '/' ? 0 : end] = 0;
    SCOPED_MEMORY char *left = strdup(rest);
    fits = left != NULL && snprintf(rest, sizeof rest, "%s/%s", link, left) < (int)sizeof rest;
  }
  if (!fits) return refuse(error, ENAMETOOLONG, "follow \"%s\": path too long", target);
  if (resolved[0] == 0) strcpy(resolved, "/");
  return 0;
}

int run_resolve(struct context *context, const struct op_resolve *op, struct error *error) {
  char resolved[PATH_ROOM] = "";
  struct stat info;
  SCOPED_FD fd = open_in_root(context->root_fd, op->target, O_PATH | O_NOFOLLOW, FOLLOW);
  if (fd < 0 || fstat(fd, &info) < 0) return fail(error, "lstat \"%s\"", op->target);
  if (follow(context->root_fd, op->target, resolved, error) < 0) return -1;
  put_num(context->answer, info.st_mode);
  put_big(context->answer, (uint64_t)info.st_size);
  put_big(context->answer, (uint64_t)info.st_mtim.tv_sec);
  put_num(context->answer, (uint32_t)info.st_mtim.tv_nsec);
  put_text(context->answer, resolved);
  return 0;
}
