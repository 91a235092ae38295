/*
 * Takes a tree from the stream: ops that make one object each, a regular file's content right after its op, an empty record at
 * the end. All names lead to somewhere beneath the directory that `receive` opened, whatever links there are.
 */

#include "plan.h"

/* An op: a path, a link, attributes, and the million pieces that a sparse file may have. */
#define RECORD_MAX (32u << 20)

int run_connect(struct context *context, const struct op_connect *op, struct error *error) {
  context->stream_fd = connect_to(op->path, error);
  return context->stream_fd < 0 ? -1 : 0;
}

static int lost(struct error *error) { return refuse(error, ECANCELED, "the stream ended before the tree was whole"); }

/* One op with its length in front, as it stands in a plan. An empty one is the end. */
static int take_record(int stream_fd, struct buffer *record, struct error *error) {
  record->size = 0;
  if (read_all(stream_fd, reserve(record, 4), 4) != 4) return lost(error);
  struct cursor head = cursor_over((struct bytes){record->data, 4});
  uint32_t size = take_num(&head);
  if (size > RECORD_MAX) return refuse(error, EMSGSIZE, "malformed stream");
  if (read_all(stream_fd, reserve(record, 4 + size) + 4, size) != (ssize_t)size) return lost(error);
  record->size = 4 + size;
  return 0;
}

int run_receive(struct context *context, const struct op_receive *op, struct error *error) {
  struct buffer record = {0};
  SCOPED_FD root_fd = open_in_root(context->root_fd, op->target, O_PATH | O_DIRECTORY, FOLLOW);
  if (root_fd < 0) return fail(error, "open \"%s\" in root", op->target);
  struct context stream = {.host = context->host, .section = STREAM, .root_fd = root_fd, .stream_fd = context->stream_fd};
  int result = take_record(context->stream_fd, &record, error);
  while (result == 0 && record.size > 4) {
    result = run_plan(&stream, (struct bytes){record.data, (uint32_t)record.size}, error);
    if (result == 0) result = take_record(context->stream_fd, &record, error);
  }
  free(record.data);
  return result;
}

/* The directory above the target, and the last part of its name, which has to be one. */
static int open_place(struct context *context, const char *target, const char **name, struct error *error) {
  SCOPED_FD parent_fd = open_parent_in_root(context->root_fd, target, name);
  if (parent_fd < 0) return fail(error, "open parent of \"%s\"", target);
  if (**name == 0 || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0) return refuse(error, EINVAL, "place \"%s\": no name", target);
  return steal(&parent_fd);
}

/* A directory may stay where one is to come. All else makes room. */
static int make_room(int parent_fd, const char *name, const struct op_place *op, struct error *error) {
  struct stat found;
  if (fstatat(parent_fd, name, &found, AT_SYMLINK_NOFOLLOW) < 0)
    return errno == ENOENT ? 0 : fail(error, "place \"%s\"", op->target);
  bool was = S_ISDIR(found.st_mode), becomes = S_ISDIR(op->mode);
  if (op->keep_kinds && was && !becomes)
    return refuse(error, EISDIR, "cannot overwrite directory \"%s\" with non-directory", op->target);
  if (op->keep_kinds && !was && becomes)
    return refuse(error, ENOTDIR, "cannot overwrite non-directory \"%s\" with directory", op->target);
  if (was && becomes) return 0;
  return remove_tree(parent_fd, name) < 0 ? fail(error, "replace \"%s\"", op->target) : 0;
}

static int receive_bytes(int stream_fd, int fd, uint64_t left, struct error *error) {
  /* Filled before it is written: filesystems are much quicker with large writes. */
  static uint8_t buffer[256 << 10];
  while (left > 0) {
    size_t step = left < sizeof buffer ? (size_t)left : sizeof buffer;
    if (read_all(stream_fd, buffer, step) != (ssize_t)step) return lost(error);
    if (write_all(fd, buffer, step) < 0) return fail(error, "write");
    left -= step;
  }
  return 0;
}

/* `pieces` are u64 pairs, offset and size; what is between them stays a hole. */
static int receive_content(int stream_fd, int fd, const struct op_place *op, struct error *error) {
  for (struct cursor pieces = cursor_over(op->pieces); pieces.at < pieces.end && !pieces.bad;) {
    off_t offset = (off_t)take_big(&pieces);
    uint64_t size = take_big(&pieces);
    if (lseek(fd, offset, SEEK_SET) < 0) return fail(error, "write \"%s\"", op->target);
    if (receive_bytes(stream_fd, fd, size, error) < 0) return append_message(error, " (\"%s\")", op->target), -1;
  }
  return ftruncate(fd, (off_t)op->size) < 0 ? fail(error, "write \"%s\"", op->target) : 0;
}

/* Attributes that the filesystem or the caller's rights do not allow are left out, as tar does. */
static int set_xattrs(int fd, struct bytes bytes) {
  for (struct cursor xattrs = cursor_over(bytes); xattrs.at < xattrs.end && !xattrs.bad;) {
    const char *name = take_text(&xattrs);
    struct bytes value = take_bytes(&xattrs);
    if (!xattrs.bad && fsetxattr(fd, name, value.data, value.size, 0) < 0 && errno != ENOTSUP && errno != EPERM) return -1;
  }
  return 0;
}

/* The owner first, since that clears set-id bits and capabilities; the time last, since all else changes it. */
static int set_attributes(int fd, const struct op_place *op, struct error *error) {
  const struct timespec time = {(time_t)op->seconds, (long)op->nanoseconds}, times[] = {time, time};
  if (fchown(fd, op->uid, op->gid) < 0 || fchmod(fd, op->mode & 07777) < 0 || set_xattrs(fd, op->xattrs) < 0 ||
      futimens(fd, times) < 0)
    return fail(error, "set attributes of \"%s\"", op->target);
  return 0;
}

static int place_file(struct context *context, int parent_fd, const char *name, const struct op_place *op, struct error *error) {
  SCOPED_FD fd = openat(parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return fail(error, "create \"%s\"", op->target);
  if (receive_content(context->stream_fd, fd, op, error) < 0) return -1;
  return set_attributes(fd, op, error);
}

static int place_directory(int parent_fd, const char *name, const struct op_place *op, struct error *error) {
  if (mkdirat(parent_fd, name, 0700) < 0 && errno != EEXIST) return fail(error, "create \"%s\"", op->target);
  SCOPED_FD fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? fail(error, "open \"%s\"", op->target) : set_attributes(fd, op, error);
}

/* Links, devices and fifos: nothing opens them, so their attributes are set by name, over no link. */
static int place_node(int parent_fd, const char *name, const struct op_place *op, struct error *error) {
  const struct timespec time = {(time_t)op->seconds, (long)op->nanoseconds}, times[] = {time, time};
  int made = S_ISLNK(op->mode) ? symlinkat(op->link_to, parent_fd, name) : mknodat(parent_fd, name, op->mode, op->device);
  if (made < 0) return fail(error, "create \"%s\"", op->target);
  if (fchownat(parent_fd, name, op->uid, op->gid, AT_SYMLINK_NOFOLLOW) < 0 ||
      utimensat(parent_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
    return fail(error, "set attributes of \"%s\"", op->target);
  return 0;
}

int run_place(struct context *context, const struct op_place *op, struct error *error) {
  const char *name;
  SCOPED_FD parent_fd = open_place(context, op->target, &name, error);
  if (parent_fd < 0) return -1;
  if (make_room(parent_fd, name, op, error) < 0) return -1;
  if (S_ISREG(op->mode)) return place_file(context, parent_fd, name, op, error);
  return S_ISDIR(op->mode) ? place_directory(parent_fd, name, op, error) : place_node(parent_fd, name, op, error);
}

/* The one that is linked to is found as the others are, but for the last part of its name: a link there is linked itself. */
int run_place_link(struct context *context, const struct op_place_link *op, struct error *error) {
  const struct op_place place = {.target = op->target, .mode = S_IFREG, .keep_kinds = op->keep_kinds};
  const char *name;
  SCOPED_FD from_fd = open_in_root(context->root_fd, op->link_to, O_PATH | O_NOFOLLOW, FOLLOW);
  if (from_fd < 0) return fail(error, "link \"%s\" to \"%s\"", op->target, op->link_to);
  SCOPED_FD parent_fd = open_place(context, op->target, &name, error);
  if (parent_fd < 0) return -1;
  if (make_room(parent_fd, name, &place, error) < 0) return -1;
  if (linkat(from_fd, "", parent_fd, name, AT_EMPTY_PATH) < 0) return fail(error, "link \"%s\" to \"%s\"", op->target, op->link_to);
  return 0;
}

int run_place_time(struct context *context, const struct op_place_time *op, struct error *error) {
  const struct timespec time = {(time_t)op->seconds, (long)op->nanoseconds}, times[] = {time, time};
  const char *name;
  SCOPED_FD parent_fd = open_place(context, op->target, &name, error);
  if (parent_fd < 0) return -1;
  if (utimensat(parent_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
    return fail(error, "set time of \"%s\"", op->target);
  return 0;
}
