/* Ops that make files from a layer. The tree is a host directory that no container uses yet, but its names are the layer's. */

#include "plan.h"

/* An object by the directory above it, which was reached over no link, and its name. */
struct place {
  int parent_fd;
  char *path;
  const char *name;
};

static void release_place(struct place *place) {
  close_scoped(&place->parent_fd);
  free(place->path);
}
#define SCOPED_PLACE __attribute__((cleanup(release_place))) struct place

static struct place find_place(const char *root, const char *target) {
  struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
  struct place place = {-1, strdup(target), NULL};
  SCOPED_FD root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  char *slash = strrchr(place.path, '/');
  place.name = slash == NULL ? place.path : slash + 1;
  if (slash != NULL) *slash = 0;
  place.parent_fd = (int)syscall(SYS_openat2, root_fd, slash == NULL ? "." : place.path, &how, sizeof how);
  return place;
}

static int copy_piece(int source_fd, off_t from, int fd, off_t to, off_t left) {
  if (lseek(fd, to, SEEK_SET) < 0) return -1;
  while (left > 0) {
    ssize_t copied = sendfile(fd, source_fd, &from, (size_t)left);
    if (copied == 0) errno = ENODATA;
    if (copied <= 0) return -1;
    left -= copied;
  }
  return 0;
}

static int make_file(const struct place *place, const struct op_extract *op) {
  SCOPED_FD fd = openat(place->parent_fd, place->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0 || op->size == 0) return fd < 0 ? -1 : 0;
  SCOPED_FD source_fd = open(op->source, O_RDONLY | O_CLOEXEC);
  if (source_fd < 0 || ftruncate(fd, (off_t)op->size) < 0) return -1;
  for (struct cursor pieces = cursor_over(op->pieces); pieces.at < pieces.end && !pieces.bad;) {
    off_t from = (off_t)take_big(&pieces), to = (off_t)take_big(&pieces), size = (off_t)take_big(&pieces);
    if (copy_piece(source_fd, from, fd, to, size) < 0) return -1;
  }
  return 0;
}

static int make_object(const struct place *place, const struct op_extract *op) {
  switch (op->mode & S_IFMT) {
    case S_IFDIR:
      return mkdirat(place->parent_fd, place->name, 0700) < 0 && errno != EEXIST ? -1 : 0;
    case S_IFREG:
      return make_file(place, op);
    case S_IFLNK:
      return symlinkat(op->link_to, place->parent_fd, place->name);
    default:
      return mknodat(place->parent_fd, place->name, op->mode & S_IFMT, op->device);
  }
}

/* The owner first, since that clears the set-id bits and capabilities; the time last, since all else changes it. */
static int set_attributes(const struct place *place, const struct op_extract *op) {
  char path[512];
  const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, {(time_t)op->seconds, (long)op->nanoseconds}};
  if (fchownat(place->parent_fd, place->name, op->uid, op->gid, AT_SYMLINK_NOFOLLOW) < 0) return -1;
  snprintf(path, sizeof path, "/proc/self/fd/%d/%s", place->parent_fd, place->name);
  for (struct cursor xattrs = cursor_over(op->xattrs); xattrs.at < xattrs.end && !xattrs.bad;) {
    const char *name = take_text(&xattrs);
    struct bytes value = take_bytes(&xattrs);
    if (!xattrs.bad && lsetxattr(path, name, value.data, value.size, 0) < 0) return -1;
  }
  bool is_link = (op->mode & S_IFMT) == S_IFLNK;
  if (!is_link && fchmodat(place->parent_fd, place->name, op->mode & 07777, 0) < 0) return -1;
  return utimensat(place->parent_fd, place->name, times, AT_SYMLINK_NOFOLLOW);
}

int run_extract(struct context *context, const struct op_extract *op, struct error *error) {
  SCOPED_PLACE place = find_place(op->root, op->target);
  if (place.parent_fd < 0 || make_object(&place, op) < 0 || set_attributes(&place, op) < 0)
    return fail(error, "extract \"%s\"", op->target);
  return 0;
}

int run_extract_link(struct context *context, const struct op_extract_link *op, struct error *error) {
  SCOPED_PLACE from = find_place(op->root, op->link_to), to = find_place(op->root, op->target);
  if (from.parent_fd < 0 || to.parent_fd < 0 || linkat(from.parent_fd, from.name, to.parent_fd, to.name, 0) < 0)
    return fail(error, "extract link \"%s\"", op->target);
  return 0;
}

int run_sync_filesystem(struct context *context, const struct op_sync_filesystem *op, struct error *error) {
  SCOPED_FD fd = open(op->path, O_RDONLY | O_CLOEXEC);
  return fd < 0 || syncfs(fd) < 0 ? fail(error, "sync filesystem of \"%s\"", op->path) : 0;
}
