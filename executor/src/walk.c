/*
 * Sends a tree as records, each entry before what is in it. A container may change the tree meanwhile: every entry is opened by
 * its name in the directory above it, over no link, and from then on only the descriptor counts.
 */

#include "plan.h"

/* Records and small files are collected up to this size before they are sent. */
#define SEND_SIZE (256u << 10)

/* What the tree has for an entry that the tree below it has, too. */
enum below { ABSENT, DIFFERENT, SAME };

struct walk {
  const struct host *host;
  const struct op_walk *op;
  struct error *error;
  int stream_fd;
  struct buffer out;
  char path[4096]; /* of the entry, relative to the target */
};

/* A name in both trees. */
struct entry {
  int directory_fd, below_directory_fd; /* -1: there is none */
  const char *name;                     /* empty for the directory_fd itself, which may be no directory then */
  bool here, there;                     /* in the tree, in the one below */
  struct stat info, below;
};

static int fail_at(struct walk *walk, const char *what) { return fail(walk->error, "%s \"/%s\"", what, walk->path); }

static int flush(struct walk *walk) {
  if (write_all(walk->stream_fd, walk->out.data, walk->out.size) < 0) return fail(walk->error, "send entries");
  walk->out.size = 0;
  return 0;
}

static int reopen(const struct walk *walk, int path_fd, int flags) {
  char self[32];
  snprintf(self, sizeof self, "self/fd/%d", path_fd);
  return openat(walk->host->proc_fd, self, flags | O_CLOEXEC);
}

/* What is not there is no error. */
static int look(int directory_fd, const char *name, bool *found, struct stat *info) {
  *found = directory_fd >= 0 && fstatat(directory_fd, name, info, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == 0;
  return *found || directory_fd < 0 || errno == ENOENT ? 0 : -1;
}

static int open_directory(int directory_fd, const char *name) {
  return openat(directory_fd, name[0] == 0 ? "." : name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Looked at again (O_PATH) before it is opened: opening a device or a fifo that took its place would already be an act. */
static int open_file(const struct walk *walk, int directory_fd, const char *name, struct stat *info) {
  SCOPED_FD path_fd = name[0] == 0 ? fcntl(directory_fd, F_DUPFD_CLOEXEC, 0)
                                   : openat(directory_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (path_fd < 0 || fstat(path_fd, info) < 0) return -1;
  if (!S_ISREG(info->st_mode)) return errno = ESTALE, -1;
  return reopen(walk, path_fd, O_RDONLY);
}

/* A file capability changes nothing else that can be seen. */
static bool has_same_capability(const struct walk *walk, const struct entry *entry) {
  uint8_t value[64], below_value[64];
  struct stat info;
  SCOPED_FD fd = open_file(walk, entry->directory_fd, entry->name, &info);
  SCOPED_FD below_fd = open_file(walk, entry->below_directory_fd, entry->name, &info);
  ssize_t size = fgetxattr(fd, "security.capability", value, sizeof value);
  ssize_t below_size = fgetxattr(below_fd, "security.capability", below_value, sizeof below_value);
  return size == below_size && (size <= 0 || memcmp(value, below_value, (size_t)size) == 0);
}

/* As far as a copy keeps it. What is in a directory changes its size and time, and tells of itself. */
static enum below compare(const struct walk *walk, const struct entry *entry) {
  const struct stat *info = &entry->info, *below = &entry->below;
  if (!entry->there) return ABSENT;
  if (!entry->here || info->st_mode != below->st_mode || info->st_uid != below->st_uid || info->st_gid != below->st_gid ||
      info->st_rdev != below->st_rdev)
    return DIFFERENT;
  if (S_ISDIR(info->st_mode)) return SAME;
  if (info->st_size != below->st_size || info->st_mtim.tv_sec != below->st_mtim.tv_sec ||
      info->st_mtim.tv_nsec != below->st_mtim.tv_nsec)
    return DIFFERENT;
  return !S_ISREG(info->st_mode) || has_same_capability(walk, entry) ? SAME : DIFFERENT;
}

/* Whether the op asks for an attribute: by its name, or by what its name begins with. */
static bool is_wanted(const struct op_walk *op, const char *name) {
  struct list wanted = op->xattrs;
  for (uint32_t i = 0; i < op->xattrs.count; i++) {
    const char *prefix = take_text(&wanted.items);
    size_t size = strlen(prefix);
    if (strncmp(name, prefix, size) == 0 && (name[size] == 0 || prefix[size - 1] == '.')) return true;
  }
  return false;
}

static void put_xattrs(struct walk *walk, int fd) {
  static char names[64 << 10], value[64 << 10];
  size_t start = begin_record(&walk->out);
  ssize_t size = fd < 0 || walk->op->xattrs.count == 0 ? 0 : flistxattr(fd, names, sizeof names);
  for (const char *name = names; name < names + size; name += strlen(name) + 1) {
    ssize_t value_size = is_wanted(walk->op, name) ? fgetxattr(fd, name, value, sizeof value) : -1;
    if (value_size < 0) continue;
    put_text(&walk->out, name);
    put_num(&walk->out, (uint32_t)value_size);
    put(&walk->out, value, (size_t)value_size);
  }
  end_record(&walk->out, start);
}

static void put_link(struct walk *walk, const struct entry *entry) {
  char link[4096] = "";
  if (S_ISLNK(entry->info.st_mode) && readlinkat(entry->directory_fd, entry->name, link, sizeof link - 1) < 0) link[0] = 0;
  put_text(&walk->out, link);
}

static void put_entry(struct walk *walk, const struct entry *entry, int fd, enum below below, bool opaque) {
  const struct stat *info = &entry->info;
  struct buffer *out = &walk->out;
  bool linked = info->st_nlink > 1 && !S_ISDIR(info->st_mode);
  size_t start = begin_record(out);
  put_text(out, walk->path);
  put_num(out, info->st_mode);
  put_num(out, info->st_uid);
  put_num(out, info->st_gid);
  put_num(out, major(info->st_rdev));
  put_num(out, minor(info->st_rdev));
  put_big(out, (uint64_t)info->st_size);
  put_big(out, (uint64_t)info->st_mtim.tv_sec);
  put_num(out, (uint32_t)info->st_mtim.tv_nsec);
  put_big(out, linked ? info->st_dev : 0);
  put_big(out, linked ? info->st_ino : 0);
  put_link(walk, entry);
  put_xattrs(walk, fd);
  put_num(out, below);
  put_flag(out, opaque);
  end_record(out, start);
}

/* As many bytes as the record said, whatever became of the file since: what is missing are zeros. */
static int send_content(struct walk *walk, int fd, off_t size) {
  off_t sent = 0;
  if (size < (off_t)SEND_SIZE / 4) {
    ssize_t got = read_all(fd, reserve(&walk->out, (size_t)size), (size_t)size);
    if (got < 0) return fail_at(walk, "read");
    memset(walk->out.data + walk->out.size + got, 0, (size_t)(size - got));
    walk->out.size += (size_t)size;
    return 0;
  }
  if (flush(walk) < 0) return -1;
  while (sent < size) {
    ssize_t step = sendfile(walk->stream_fd, fd, NULL, (size_t)(size - sent));
    if (step < 0) return fail_at(walk, "send");
    if (step == 0) break;
    sent += step;
  }
  static const uint8_t zeros[64 << 10];
  for (; sent < size; sent += (off_t)sizeof zeros)
    if (write_all(walk->stream_fd, zeros, size - sent < (off_t)sizeof zeros ? (size_t)(size - sent) : sizeof zeros) < 0)
      return fail(walk->error, "send zeros");
  return 0;
}

static int walk_directory(struct walk *walk, int fd, int below_fd, bool all, size_t length);

static int walk_into(struct walk *walk, const struct entry *entry, int fd, bool opaque, size_t length) {
  bool merged = entry->there && S_ISDIR(entry->below.st_mode);
  SCOPED_FD below_fd = merged ? open_directory(entry->below_directory_fd, entry->name) : -1;
  if (merged && below_fd < 0) return fail_at(walk, "open");
  return walk_directory(walk, fd, below_fd, opaque || walk->op->all, length);
}

/* It was removed, or something else took its name, since it was listed. */
static bool has_vanished(void) { return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ESTALE; }

static int visit(struct walk *walk, struct entry *entry, size_t length) {
  const struct op_walk *op = walk->op;
  bool directory = entry->here && S_ISDIR(entry->info.st_mode);
  bool content = entry->here && S_ISREG(entry->info.st_mode) && op->content;
  enum below below = compare(walk, entry);
  if (op->changed && below == SAME && !directory) return 0;
  SCOPED_FD fd = directory ? open_directory(entry->directory_fd, entry->name)
                 : content ? open_file(walk, entry->directory_fd, entry->name, &entry->info)
                           : -1;
  if (fd < 0 && (directory || content)) return length > 0 && has_vanished() ? 0 : fail_at(walk, "open");
  char mark[1];
  bool opaque = directory && op->opaque[0] != 0 && fgetxattr(fd, op->opaque, mark, 1) == 1 && mark[0] == 'y';
  put_entry(walk, entry, fd, below, opaque);
  if (content && send_content(walk, fd, entry->info.st_size) < 0) return -1;
  if (walk->out.size >= SEND_SIZE && flush(walk) < 0) return -1;
  return directory ? walk_into(walk, entry, fd, opaque, length) : 0;
}

/* `type`: DT_* as far as the directory tells it. */
static int visit_name(struct walk *walk, int directory_fd, int below_fd, const char *name, int type, size_t length) {
  struct entry entry = {.directory_fd = directory_fd, .below_directory_fd = below_fd, .name = name};
  size_t room = sizeof walk->path - length;
  size_t added = (size_t)snprintf(walk->path + length, room, "%s%s", length == 0 ? "" : "/", name);
  if (added >= room) return errno = ENAMETOOLONG, fail_at(walk, "walk");
  int result = 0;
  if (walk->op->brief && below_fd < 0 && (type == DT_REG || type == DT_LNK)) {
    entry.here = true;
    entry.info.st_mode = (mode_t)DTTOIF(type);
    result = visit(walk, &entry, length + added);
  } else if (look(directory_fd, name, &entry.here, &entry.info) < 0 || look(below_fd, name, &entry.there, &entry.below) < 0)
    result = fail_at(walk, "look at");
  else if (entry.here || entry.there) result = visit(walk, &entry, length + added);
  walk->path[length] = 0;
  return result;
}

struct names {
  struct dirent **list;
  int count;
};

static void release_names(struct names *names) {
  for (int i = 0; i < names->count; i++) free(names->list[i]);
  free(names->list);
}
#define SCOPED_NAMES __attribute__((cleanup(release_names))) struct names

static int is_name(const struct dirent *entry) { return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0; }
static int in_order(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

/* With `all` the names that only the tree below has, too. */
static int walk_directory(struct walk *walk, int fd, int below_fd, bool all, size_t length) {
  SCOPED_NAMES names = {NULL, 0}, below = {NULL, 0};
  names.count = scandirat(fd, ".", &names.list, is_name, in_order);
  if (names.count < 0) return names.count = 0, fail_at(walk, "list");
  below.count = all && below_fd >= 0 ? scandirat(below_fd, ".", &below.list, is_name, in_order) : 0;
  if (below.count < 0) return below.count = 0, fail_at(walk, "list");
  for (int i = 0, j = 0; i < names.count || j < below.count;) {
    int order = i == names.count ? 1 : j == below.count ? -1 : strcmp(names.list[i]->d_name, below.list[j]->d_name);
    const struct dirent *entry = order <= 0 ? names.list[i] : below.list[j];
    if (visit_name(walk, fd, below_fd, entry->d_name, order < 0 ? entry->d_type : DT_UNKNOWN, length) < 0) return -1;
    i += order <= 0;
    j += order >= 0;
  }
  return 0;
}

static int open_root(struct context *context, const char *path, int *root_fd, struct error *error) {
  *root_fd = path[0] == 0 ? fcntl(context->root_fd, F_DUPFD_CLOEXEC, 0) : open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return *root_fd < 0 ? fail(error, "open root \"%s\"", path) : 0;
}

int run_walk(struct context *context, const struct op_walk *op, struct error *error) {
  struct walk walk = {.host = context->host, .op = op, .error = error, .stream_fd = context->stream_fd};
  SCOPED_FD root_fd = -1, below_fd = op->below[0] == 0 ? -1 : open(op->below, O_PATH | O_CLOEXEC);
  if (op->below[0] != 0 && below_fd < 0) return fail(error, "open \"%s\"", op->below);
  if (open_root(context, op->root, &root_fd, error) < 0) return -1;
  SCOPED_FD target_fd = open_in_root(root_fd, op->target, O_PATH | O_NOFOLLOW, FOLLOW);
  if (target_fd < 0) return fail(error, "open \"%s\" in root", op->target);
  int result = visit_name(&walk, target_fd, below_fd, "", DT_UNKNOWN, 0);
  put_num(&walk.out, 0);
  if (result == 0) result = flush(&walk);
  free(walk.out.data);
  return result;
}
