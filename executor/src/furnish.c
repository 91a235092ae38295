/* Ops of the child that furnish the container: what is mounted and made in its root, and the pivot into it. */

#include "plan.h"

int run_root(struct context *context, const struct op_root *op, struct error *error) {
  context->root_fd = open(op->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return context->root_fd < 0 ? fail(error, "open root \"%s\"", op->path) : 0;
}

/* What confines the container (proc, sys, cgroups) is never mounted where a link of the image points to. */
static bool is_strict(const char *type) {
  return strcmp(type, "proc") == 0 || strcmp(type, "sysfs") == 0 || strncmp(type, "cgroup", 6) == 0;
}

int run_mount(struct context *context, const struct op_mount *op, struct error *error) {
  int links = is_strict(op->type) ? NO_SYMLINKS : FOLLOW;
  SCOPED_FD target_fd = make_in_root(context->root_fd, op->target, S_IFDIR, 0755, links);
  if (target_fd < 0) return fail(error, "mount \"%s\": make \"%s\"", op->type, op->target);
  /* Read-only only when it is filled. */
  SCOPED_FD mount_fd = new_mount(op->type, op->source, op->flags & ~(uint32_t)(op->copy_up ? MS_RDONLY : 0), op->options, error);
  if (mount_fd < 0) return append_message(error, " on \"%s\"", op->target), -1;
  if (op->copy_up && copy_tree(target_fd, mount_fd, error) < 0) return -1;
  if (op->copy_up && op->flags & MS_RDONLY && change_mount(mount_fd, 0, MOUNT_ATTR_RDONLY, 0, 0) < 0)
    return fail(error, "make \"%s\" read-only", op->target);
  return attach(context, mount_fd, target_fd, op->target, error);
}

/* Fills a directory as the one that it will cover is filled, owner and mode of the directory itself included. */
static int copy_up(int target_fd, int tree_fd, struct error *error) {
  struct stat info;
  if (copy_tree(target_fd, tree_fd, error) < 0) return -1;
  /* A detached mount is opened by path only: its root is reached through ".". */
  SCOPED_FD root_fd = openat(tree_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root_fd < 0 || fstat(target_fd, &info) < 0 || fchown(root_fd, info.st_uid, info.st_gid) < 0 ||
      fchmod(root_fd, info.st_mode & 07777) < 0)
    return fail(error, "copy directory");
  return 0;
}

/* A host plan has no monitor that would have opened the source. */
static int open_source(const struct context *context, const struct op_bind *op, struct error *error) {
  SCOPED_FD own_fd = visit_host(context->host, error);
  if (own_fd < 0) return -1;
  int tree_fd = open_bind(context->host, op, error);
  return_from_host(own_fd);
  return tree_fd;
}

int run_bind(struct context *context, const struct op_bind *op, struct error *error) {
  SCOPED_FD source_fd = context->section == HOST ? open_source(context, op, error) : -1;
  if (context->section == HOST && source_fd < 0) return -1;
  int tree_fd = context->section == HOST ? source_fd : context->trees[context->trees_used++];
  mode_t type = strcmp(op->create, "file") == 0 ? S_IFREG : S_IFDIR;
  SCOPED_FD target_fd = make_in_root(context->root_fd, op->target, type, type == S_IFDIR ? 0755 : 0644, FOLLOW);
  if (target_fd < 0) return fail(error, "bind \"%s\": make \"%s\"", op->source, op->target);
  if (op->copy_up && copy_up(target_fd, tree_fd, error) < 0) return append_message(error, " to \"%s\"", op->source), -1;
  if (change_mount(tree_fd, op->recursive_attributes ? AT_RECURSIVE : 0, op->set, op->clear, 0) < 0)
    return fail(error, "bind \"%s\": set attributes", op->source);
  if (change_mount(tree_fd, op->propagation & MS_REC ? AT_RECURSIVE : 0, 0, 0, op->propagation) < 0)
    return fail(error, "bind \"%s\": set propagation", op->source);
  if (attach(context, tree_fd, target_fd, op->target, error) == 0) return 0;
  return refuse(error, error->number, "bind \"%s\": %s", op->source, strdupa(error->message));
}

/* Where mknod is not allowed, the host's own node is bound over an empty file. */
static int bind_device(struct context *context, const struct op_device *op, struct error *error) {
  SCOPED_FD node_fd = clone_mount(AT_FDCWD, op->host_path, 0);
  if (node_fd < 0) return fail(error, "device \"%s\": bind \"%s\"", op->target, op->host_path);
  SCOPED_FD target_fd = make_in_root(context->root_fd, op->target, S_IFREG, 0644, NO_SYMLINKS);
  if (target_fd < 0) return fail(error, "device \"%s\"", op->target);
  return attach(context, node_fd, target_fd, op->target, error);
}

int run_device(struct context *context, const struct op_device *op, struct error *error) {
  mode_t type = op->type[0] == 'b' ? S_IFBLK : op->type[0] == 'p' ? S_IFIFO : S_IFCHR;
  dev_t device = makedev(op->major, op->minor);
  const char *name;
  SCOPED_FD parent_fd = open_parent_in_root(context->root_fd, op->target, &name);
  if (parent_fd < 0) return fail(error, "device \"%s\"", op->target);
  if (mknodat(parent_fd, name, type | op->mode, device) < 0) {
    struct stat found;
    if (errno == EPERM && type != S_IFIFO) return bind_device(context, op, error);
    bool same = errno == EEXIST && fstatat(parent_fd, name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
                (found.st_mode & S_IFMT) == type && (type == S_IFIFO || found.st_rdev == device);
    if (!same) return fail(error, "device \"%s\"", op->target);
  }
  /*
   * mknod's mode went through the umask. By the descriptor: /dev may be a volume that another container shares, who puts
   * a link to a file of the host there (we did not pivot yet) in the moment between.
   */
  char self[32];
  SCOPED_FD node_fd = openat(parent_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (node_fd < 0 || fchownat(node_fd, "", op->uid, op->gid, AT_EMPTY_PATH) < 0)
    return fail(error, "device \"%s\": change owner", op->target);
  snprintf(self, sizeof self, "self/fd/%d", node_fd);
  if (fchmodat(context->host->proc_fd, self, op->mode, 0) < 0) return fail(error, "device \"%s\": change mode", op->target);
  return 0;
}

int run_symlink(struct context *context, const struct op_symlink *op, struct error *error) {
  const char *name;
  SCOPED_FD parent_fd = open_parent_in_root(context->root_fd, op->target, &name);
  if (parent_fd < 0) return fail(error, "symlink \"%s\"", op->target);
  if (symlinkat(op->link_to, parent_fd, name) < 0 && errno != EEXIST) return fail(error, "symlink \"%s\"", op->target);
  return 0;
}

int run_mkdir_in_root(struct context *context, const struct op_mkdir_in_root *op, struct error *error) {
  SCOPED_FD found_fd = open_in_root(context->root_fd, op->target, O_PATH | O_DIRECTORY, FOLLOW);
  if (found_fd >= 0) return 0;
  SCOPED_FD made_fd = make_in_root(context->root_fd, op->target, S_IFDIR, op->mode, FOLLOW);
  if (made_fd < 0) return fail(error, "mkdir \"%s\" in root", op->target);
  if (fchownat(made_fd, "", op->uid, op->gid, AT_EMPTY_PATH) < 0) return fail(error, "chown \"%s\" in root", op->target);
  return 0;
}

/* The terminal is bound by the descriptor that we hold, not by the name that it has in the container (CVE-2025-52565). */
int run_console(struct context *context, const struct op_console *op, struct error *error) {
  if (open_terminal(context, error) < 0) return -1;
  SCOPED_FD tree_fd = clone_mount(context->stdio_fd[0], "", AT_EMPTY_PATH);
  if (tree_fd < 0) return fail(error, "bind terminal on \"/dev/console\"");
  SCOPED_FD target_fd = make_in_root(context->root_fd, "/dev/console", S_IFREG, 0600, NO_SYMLINKS);
  if (target_fd < 0) return fail(error, "make \"/dev/console\"");
  return attach(context, tree_fd, target_fd, "/dev/console", error);
}

/* Over itself: the old root ends up on top of the new one at the same place and is taken off, so no directory is needed. */
int run_pivot(struct context *context, const struct op_pivot *op, struct error *error) {
  if (fchdir(context->root_fd) < 0) return fail(error, "go to root");
  if (syscall(SYS_pivot_root, ".", ".") < 0) return fail(error, "pivot root");
  if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0) return fail(error, "detach the old root");
  close(context->root_fd);
  context->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (context->root_fd < 0) return fail(error, "open \"/\"");
  if (change_mount(context->root_fd, op->propagation & MS_REC ? AT_RECURSIVE : 0, 0, 0, op->propagation) < 0)
    return fail(error, "propagation of \"/\"");
  if (op->readonly && change_mount(context->root_fd, 0, MOUNT_ATTR_RDONLY, 0, 0) < 0)
    return fail(error, "make \"/\" read-only");
  return 0;
}

/* All masked directories show one empty read-only tmpfs: the first mount is new, the others are copies of it. */
static int masking_directory(struct context *context, struct error *error) {
  if (context->mask_fd < 0) {
    context->mask_fd = new_mount("tmpfs", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, (struct list){0}, error);
    return context->mask_fd < 0 ? -1 : fcntl(context->mask_fd, F_DUPFD_CLOEXEC, 0);
  }
  int mount_fd = clone_mount(context->mask_fd, "", AT_EMPTY_PATH);
  return mount_fd < 0 ? fail(error, "mask directory") : mount_fd;
}

/* A /dev/null that is no such device would put the attacker's file where a secret was to be hidden (CVE-2025-31133). */
static int masking_file(struct context *context, struct error *error) {
  SCOPED_FD null_fd = open_in_root(context->root_fd, "/dev/null", O_PATH | O_NOFOLLOW, NO_SYMLINKS);
  if (null_fd < 0) return fail(error, "mask: open \"/dev/null\"");
  if (!is_device(null_fd, 1, 3)) return refuse(error, EPERM, "mask: \"/dev/null\" is not the null device");
  int mount_fd = clone_mount(null_fd, "", AT_EMPTY_PATH);
  return mount_fd < 0 ? fail(error, "mask: bind \"/dev/null\"") : mount_fd;
}

static bool is_absent(void) { return errno == ENOENT || errno == ENOTDIR; }

int run_mask(struct context *context, const struct op_mask *op, struct error *error) {
  struct stat info;
  SCOPED_FD target_fd = open_in_root(context->root_fd, op->target, O_PATH, FOLLOW);
  if (target_fd < 0) return is_absent() ? 0 : fail(error, "mask \"%s\"", op->target);
  if (fstat(target_fd, &info) < 0) return fail(error, "mask \"%s\"", op->target);
  SCOPED_FD cover_fd = S_ISDIR(info.st_mode) ? masking_directory(context, error) : masking_file(context, error);
  return cover_fd < 0 ? -1 : attach(context, cover_fd, target_fd, op->target, error);
}

int run_readonly(struct context *context, const struct op_readonly *op, struct error *error) {
  SCOPED_FD target_fd = open_in_root(context->root_fd, op->target, O_PATH, FOLLOW);
  if (target_fd < 0) return is_absent() ? 0 : fail(error, "make \"%s\" read-only", op->target);
  /* What is mounted there is changed itself, so that nobody sees it twice (the hierarchies of cgroup v1). */
  bool own = is_mount_point(target_fd);
  SCOPED_FD tree_fd = own ? -1 : clone_mount(target_fd, "", AT_EMPTY_PATH | AT_RECURSIVE);
  if ((!own && tree_fd < 0) || change_mount(own ? target_fd : tree_fd, AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0, 0) < 0)
    return fail(error, "make \"%s\" read-only", op->target);
  if (own) return 0;
  return attach(context, tree_fd, target_fd, op->target, error);
}
