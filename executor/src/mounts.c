/* Ops on mounts at host paths, and the few calls that all mounting is made of: the descriptor-based mount API. */

#include "plan.h"

/* Adds what the filesystem itself had to say: `e overlay: upperdir is in-use`. */
static int fail_with_log(struct error *error, int fs_fd, const char *what, const char *detail) {
  char text[256];
  fail(error, "%s \"%s\"", what, detail);
  ssize_t size = read(fs_fd, text, sizeof text);
  if (size > 2) append_message(error, " (%.*s)", (int)size - 2, text + 2);
  return -1;
}

/* fsconfig takes strings of up to 255 bytes; a longer path goes in by the name of a descriptor on it. */
static int set_path(int fs_fd, const char *key, const char *path, struct error *error) {
  char self[32];
  SCOPED_FD path_fd = -1;
  if (strlen(path) > 255) {
    path_fd = open(path, O_PATH | O_CLOEXEC);
    if (path_fd < 0) return fail(error, "open \"%s\"", path);
    snprintf(self, sizeof self, "/proc/self/fd/%d", path_fd);
  }
  if (fsconfig(fs_fd, FSCONFIG_SET_STRING, key, path_fd < 0 ? path : self, 0) == 0) return 0;
  return fail_with_log(error, fs_fd, key, path);
}

static int set_options(int fs_fd, struct list options, struct error *error) {
  for (uint32_t i = 0; i < options.count; i++) {
    const char *option = take_text(&options.items), *equals = strchr(option, '=');
    SCOPED_MEMORY char *key = strndup(option, equals == NULL ? strlen(option) : (size_t)(equals - option));
    int result = equals == NULL ? fsconfig(fs_fd, FSCONFIG_SET_FLAG, key, NULL, 0)
                                : fsconfig(fs_fd, FSCONFIG_SET_STRING, key, equals + 1, 0);
    if (result < 0) return fail_with_log(error, fs_fd, "mount option", option);
  }
  return 0;
}

static unsigned attributes_of(uint32_t flags) {
  static const struct {
    uint32_t flag;
    unsigned attribute;
  } TABLE[] = {{MS_RDONLY, MOUNT_ATTR_RDONLY},   {MS_NOSUID, MOUNT_ATTR_NOSUID},     {MS_NODEV, MOUNT_ATTR_NODEV},
               {MS_NOEXEC, MOUNT_ATTR_NOEXEC},   {MS_NOATIME, MOUNT_ATTR_NOATIME},   {MS_NODIRATIME, MOUNT_ATTR_NODIRATIME},
               {MS_STRICTATIME, MOUNT_ATTR_STRICTATIME}, {256 /* MS_NOSYMFOLLOW */, MOUNT_ATTR_NOSYMFOLLOW}};
  unsigned attributes = 0;
  for (size_t i = 0; i < sizeof TABLE / sizeof *TABLE; i++)
    if (flags & TABLE[i].flag) attributes |= TABLE[i].attribute;
  return attributes;
}

static int create_mount(int fs_fd, const char *type, unsigned attributes, struct error *error) {
  if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) return fail_with_log(error, fs_fd, "mount", type);
  int mount_fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, attributes);
  return mount_fd < 0 ? fail_with_log(error, fs_fd, "mount", type) : mount_fd;
}

static int open_filesystem(const char *type, struct error *error) {
  int fs_fd = fsopen(type, FSOPEN_CLOEXEC);
  return fs_fd < 0 ? fail(error, "mount \"%s\"", type) : fs_fd;
}

int new_mount(const char *type, const char *source, uint32_t flags, struct list options, struct error *error) {
  SCOPED_FD fs_fd = open_filesystem(type, error);
  if (fs_fd < 0 || set_path(fs_fd, "source", source, error) < 0 || set_options(fs_fd, options, error) < 0) return -1;
  return create_mount(fs_fd, type, attributes_of(flags), error);
}

int clone_mount(int directory_fd, const char *path, unsigned flags) {
  return open_tree(directory_fd, path, flags | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

int change_mount(int mount_fd, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation) {
  struct mount_attr attributes = {.attr_set = set, .attr_clr = clear, .propagation = propagation & ~(uint64_t)MS_REC};
  if (set == 0 && clear == 0 && propagation == 0) return 0;
  return mount_setattr(mount_fd, "", flags | AT_EMPTY_PATH, &attributes, sizeof attributes);
}

static int put_at(int mount_fd, const char *path, struct error *error) {
  if (move_mount(mount_fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0) return fail(error, "mount on \"%s\"", path);
  return 0;
}

int run_propagation(struct context *context, const struct op_propagation *op, struct error *error) {
  if (mount(NULL, op->path, NULL, op->flags, NULL) < 0) return fail(error, "propagation of \"%s\"", op->path);
  return 0;
}

bool is_mount_point(int fd) {
  struct statx info;
  return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &info) == 0 && (info.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* Several containers may start from one image at once: the directory beneath the mount is their lock. */
int run_mount_erofs(struct context *context, const struct op_mount_erofs *op, struct error *error) {
  SCOPED_FD directory_fd = open(op->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory_fd < 0) return fail(error, "open \"%s\"", op->path);
  if (is_mount_point(directory_fd)) return 0;
  if (flock(directory_fd, LOCK_EX) < 0) return fail(error, "lock \"%s\"", op->path);
  SCOPED_FD again_fd = open(op->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (again_fd >= 0 && is_mount_point(again_fd)) return 0;
  SCOPED_FD fs_fd = open_filesystem("erofs", error);
  if (fs_fd < 0 || set_path(fs_fd, "source", op->image, error) < 0) return -1;
  struct list devices = op->devices;
  for (uint32_t i = 0; i < op->devices.count; i++)
    if (set_path(fs_fd, "device", take_text(&devices.items), error) < 0) return -1;
  SCOPED_FD mount_fd = create_mount(fs_fd, op->image, MOUNT_ATTR_RDONLY, error);
  return mount_fd < 0 ? -1 : put_at(mount_fd, op->path, error);
}

/* Before Linux 6.7 overlayfs has no "lowerdir+": one string of a page for all, so paths go in by descriptor to be short. */
static int mount_overlay_in_one(const struct op_mount_overlay *op, struct error *error) {
  char data[4096] = "lowerdir=";
  struct list lower = op->lower, options = op->options;
  size_t used = strlen(data);
  int first_fd = -1, layer_fd = -1;
  for (uint32_t i = 0; i < op->lower.count + 2 && used < sizeof data; i++) {
    const char *path = i < op->lower.count ? take_text(&lower.items) : i == op->lower.count ? op->upper : op->work;
    if (path[0] == 0) continue;
    layer_fd = open(path, O_PATH | O_CLOEXEC);
    if (layer_fd < 0) return fail(error, "open \"%s\"", path);
    if (first_fd < 0) first_fd = layer_fd;
    const char *before = i == 0 ? "" : i < op->lower.count ? ":" : i == op->lower.count ? ",upperdir=" : ",workdir=";
    used += (size_t)snprintf(data + used, sizeof data - used, "%s/proc/self/fd/%d", before, layer_fd);
  }
  for (uint32_t i = 0; i < op->options.count && used < sizeof data; i++)
    used += (size_t)snprintf(data + used, sizeof data - used, ",%s", take_text(&options.items));
  errno = E2BIG;
  int result = used >= sizeof data ? -1 : mount("overlay", op->path, "overlay", op->upper[0] ? 0 : MS_RDONLY, data);
  if (result < 0) fail(error, "mount \"overlay\" on \"%s\"", op->path);
  close_range((unsigned)first_fd, (unsigned)layer_fd, 0);
  return result;
}

static int set_lower(int fs_fd, struct list lower, struct error *error) {
  for (uint32_t i = 0; i < lower.count; i++)
    if (set_path(fs_fd, "lowerdir+", take_text(&lower.items), error) < 0) return -1;
  return 0;
}

int run_mount_overlay(struct context *context, const struct op_mount_overlay *op, struct error *error) {
  SCOPED_FD fs_fd = open_filesystem("overlay", error);
  if (fs_fd < 0 || set_path(fs_fd, "source", "overlay", error) < 0) return -1;
  if (set_lower(fs_fd, op->lower, error) < 0) return error->number == EINVAL ? mount_overlay_in_one(op, error) : -1;
  bool writable = op->upper[0] != 0;
  if (writable && set_path(fs_fd, "upperdir", op->upper, error) < 0) return -1;
  if (writable && set_path(fs_fd, "workdir", op->work, error) < 0) return -1;
  if (set_options(fs_fd, op->options, error) < 0) return -1;
  SCOPED_FD mount_fd = create_mount(fs_fd, "overlay", writable ? 0 : MOUNT_ATTR_RDONLY, error);
  return mount_fd < 0 ? -1 : put_at(mount_fd, op->path, error);
}

int run_mount_bind(struct context *context, const struct op_mount_bind *op, struct error *error) {
  SCOPED_FD mount_fd = clone_mount(AT_FDCWD, op->source, op->flags & MS_REC ? AT_RECURSIVE : 0);
  if (mount_fd < 0) return fail(error, "bind \"%s\"", op->source);
  return put_at(mount_fd, op->path, error);
}

int visit_host(const struct host *host, struct error *error) {
  SCOPED_FD own_fd = openat(host->proc_fd, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (own_fd < 0 || setns(host->mounts_fd, CLONE_NEWNS) < 0) return fail(error, "enter the host's mount namespace");
  return steal(&own_fd);
}

/* Who cannot go back must not go on: it would act on other files than it means. */
void return_from_host(int own_fd) {
  if (setns(own_fd, CLONE_NEWNS) < 0) abort();
}

/*
 * Only the mount that is the root, without those on it. The process is held before it is recognised: its number may have been
 * given to another one.
 */
int run_mount_root_of(struct context *context, const struct op_mount_root_of *op, struct error *error) {
  SCOPED_FD process_fd = pidfd_open((pid_t)op->pid, 0);
  if (process_fd < 0) return fail(error, "open process %u", op->pid);
  if (start_ticks(context->host, (pid_t)op->pid) != op->start_ticks) return refuse(error, ESRCH, "process %u has ended", op->pid);
  SCOPED_FD own_fd = openat(context->host->proc_fd, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* as in `enter` */
  if (own_fd < 0 || setns(process_fd, CLONE_NEWNS) < 0) return fail(error, "enter mount namespace of process %u", op->pid);
  SCOPED_FD tree_fd = clone_mount(AT_FDCWD, "/", 0);
  int reason = errno;
  return_from_host(own_fd);
  errno = reason;
  if (tree_fd < 0 || change_mount(tree_fd, 0, 0, 0, MS_PRIVATE) < 0) return fail(error, "clone root of process %u", op->pid);
  return put_at(tree_fd, op->path, error);
}

static int mount_tmpfs(const struct op_mount_tmpfs *op, struct error *error) {
  if (mkdir(op->path, 0700) < 0 && errno != EEXIST) return fail(error, "mkdir \"%s\"", op->path);
  SCOPED_FD directory_fd = open(op->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory_fd >= 0 && is_mount_point(directory_fd)) return 0;
  SCOPED_FD mount_fd = new_mount("tmpfs", "tmpfs", op->flags, op->options, error);
  return mount_fd < 0 ? -1 : put_at(mount_fd, op->path, error);
}

/* Containers share it by its path on the host, so that is where a monitor mounts it; `after` is run there, too. */
int run_mount_tmpfs(struct context *context, const struct op_mount_tmpfs *op, struct error *error) {
  if (context->section != BEFORE) return mount_tmpfs(op, error);
  SCOPED_FD own_fd = visit_host(context->host, error);
  if (own_fd < 0) return -1;
  int result = mount_tmpfs(op, error);
  return_from_host(own_fd);
  return result;
}

/* The calls of mount(8): attributes of a bind and propagation only take effect in a second and a third one. */
static int mount_volume(const struct op_mount_filesystem *op) {
  if (mount(op->source, op->path, op->type, op->flags, op->data) < 0) return -1;
  uint32_t attributes = op->flags & ~(uint32_t)(MS_BIND | MS_REC);
  bool is_bind = op->flags & MS_BIND;
  if ((is_bind && attributes != 0 && mount(NULL, op->path, NULL, op->flags | MS_REMOUNT, NULL) < 0) ||
      (op->propagation != 0 && mount(NULL, op->path, NULL, op->propagation, NULL) < 0)) {
    int reason = errno;
    umount2(op->path, UMOUNT_NOFOLLOW | MNT_DETACH);
    return errno = reason, -1;
  }
  return 0;
}

int run_mount_filesystem(struct context *context, const struct op_mount_filesystem *op, struct error *error) {
  SCOPED_FD directory_fd = open(op->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory_fd < 0) return fail(error, "open \"%s\"", op->path);
  if (is_mount_point(directory_fd)) return 0;
  return mount_volume(op) < 0 ? fail(error, "mount \"%s\" on \"%s\"", op->source, op->path) : 0;
}

/* Others may change what is beneath the root meanwhile: once it is open, only the descriptor counts. */
int run_mount_beneath(struct context *context, const struct op_mount_beneath *op, struct error *error) {
  SCOPED_FD root_fd = open(op->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root_fd < 0) return fail(error, "open \"%s\"", op->root);
  SCOPED_FD target_fd = open_beneath_root(root_fd, op->target);
  SCOPED_FD tree_fd = target_fd < 0 ? -1 : clone_mount(target_fd, "", AT_EMPTY_PATH | AT_RECURSIVE);
  struct stat info;
  if (tree_fd < 0 || fstat(tree_fd, &info) < 0) return fail(error, "bind \"%s\" of \"%s\"", op->target, op->root);
  int made = S_ISDIR(info.st_mode) ? mkdir(op->path, 0700) : mknod(op->path, S_IFREG | 0600, 0);
  if (made < 0) return fail(error, "make \"%s\"", op->path);
  return put_at(tree_fd, op->path, error);
}

int run_umount(struct context *context, const struct op_umount *op, struct error *error) {
  if (umount2(op->path, UMOUNT_NOFOLLOW | (op->detach ? MNT_DETACH : 0)) == 0) return 0;
  return errno == EINVAL || errno == ENOENT ? 0 : fail(error, "unmount \"%s\"", op->path);
}

int run_unshare_mounts(struct context *context, const struct op_unshare_mounts *op, struct error *error) {
  if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0)
    return fail(error, "unshare mounts");
  return 0;
}

int run_enter_host_mounts(struct context *context, const struct op_enter_host_mounts *op, struct error *error) {
  if (setns(context->host->mounts_fd, CLONE_NEWNS) < 0) return fail(error, "enter the host's mount namespace");
  return 0;
}

/* Not dumpable first: whoever lives in those namespaces shall not look into us. */
int run_enter(struct context *context, const struct op_enter *op, struct error *error) {
  SCOPED_FD process_fd = pidfd_open((pid_t)op->pid, 0);
  if (process_fd < 0) return fail(error, "open process %u", op->pid);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (setns(process_fd, (int)op->namespaces) < 0) return fail(error, "enter namespaces of process %u", op->pid);
  return 0;
}
