/* Plans: the ops with their fields, where each may stand, and what running one needs to know. */
#pragma once

#include "base.h"

enum section { BEFORE, BESIDE, INSIDE, AFTER, HOST, STREAM };
#define IN(section) (1u << (section))
#define HOST_SIDE (IN(BEFORE) | IN(BESIDE) | IN(AFTER) | IN(HOST))
#define MOUNTING (IN(BEFORE) | IN(INSIDE) | IN(HOST))

/* What `serve` opened on the host, before anybody else had a say. Every process descends from it and inherits these. */
struct host {
  int proc_fd;   /* the host's procfs, checked to be one: no image can fake what is read and written through it */
  int self_fd;   /* our own program, sealed */
  int mounts_fd; /* the host's mount namespace */
  int last_fd;   /* the highest of the three */
};

struct context {
  const struct host *host;
  enum section section;
  struct buffer *answer; /* host plans: what ops answer */
  pid_t child_pid;       /* beside */
  int stream_fd;         /* host plans: to the daemon; -1 before `connect` */
  int root_fd;        /* the root that targets are beneath; after pivot, `/` */
  /* inside: */
  int sync_fd;        /* to the monitor: see start.c */
  int stdio_fd[3];    /* what becomes 0, 1 and 2 */
  bool tty;           /* stdio becomes a terminal of the container's own devpts */
  const int *task_fds; /* of the v1 cgroups, as many as the spec names, opened by the monitor */
  const int *trees;   /* the detached mounts of the bind ops, in their order, opened by the monitor */
  uint32_t trees_used;
  int oom_fd, apparmor_fd; /* of the process itself, opened while it still may */
  int mask_fd; /* the empty directory that covers masked ones, once it was mounted */
};

#define TEXT(name) const char *name;
#define NUM(name) uint32_t name;
#define BIG(name) uint64_t name;
#define FLAG(name) bool name;
#define BYTES(name) struct bytes name;
#define TEXTS(name) struct list name;
#define NUMS(name) struct list name;
#define MAPS(name) struct list name;
#define OP(kind, sections, fields)                   \
  struct op_##kind {                                 \
    fields                                           \
  };                                                 \
  void decode_##kind(struct cursor *, struct op_##kind *); \
  int run_##kind(struct context *, const struct op_##kind *, struct error *);
#include "ops.def"
#undef OP
/* What `serve` is told to start a monitor: MonitorSpec in executor.ts. */
#define SPEC_FIELDS                                                                                                    \
  TEXT(name) TEXT(socket_path) TEXT(exit_path) FLAG(tty) FLAG(open_stdin) FLAG(stdin_once) NUM(width) NUM(height)           \
  TEXT(log_path) BIG(log_max_bytes) NUM(log_max_files) TEXT(log_attributes) NUM(await_attach) TEXT(oom_path)           \
  TEXT(spool_dir) FLAG(foreign) TEXTS(create) TEXTS(start) TEXTS(remove) TEXT(pid_file) TEXT(console_socket)           \
  TEXT(log_file) NUM(clone_flags) NUMS(join_kinds) TEXTS(join_paths) MAPS(uid_map) MAPS(gid_map) TEXT(cgroup)          \
  TEXTS(cgroup_tasks)                                                                                                  \
  BYTES(before) BYTES(beside) BYTES(inside) BYTES(after)
struct spec {
  SPEC_FIELDS
};
#undef TEXT
#undef NUM
#undef BIG
#undef FLAG
#undef BYTES
#undef TEXTS
#undef NUMS
#undef MAPS
#define OP(kind, sections, fields) OP_##kind,
enum op_kind {
#include "ops.def"
  OP_COUNT
};
#undef OP

/* False when the spec is malformed. */
bool decode_spec(struct bytes bytes, struct spec *spec);
/* Takes the next op of a plan: its kind and its fields. False at the end, and when the plan is malformed (`bad`). */
bool next_op(struct cursor *plan, enum op_kind *kind, struct cursor *fields);
/* Runs the ops in order, up to the first that fails; or all of them, whatever fails, in `after`. */
int run_plan(struct context *context, struct bytes plan, struct error *error);

/* --- root.c: paths that belong to a container --- */

#define FOLLOW 0      /* symbolic links are followed, by the root's rules */
#define NO_SYMLINKS 1 /* a link anywhere in the path is an error */
int open_in_root(int root_fd, const char *target, int flags, int links);
int open_beneath_root(int root_fd, const char *target);
/* Opens (O_PATH) what is there, or makes it and what is missing above it. `type`: S_IFDIR or S_IFREG. */
int make_in_root(int root_fd, const char *target, mode_t type, mode_t mode, int links);
/* Opens the directory above the target, making it, and gives the last part of the path. */
int open_parent_in_root(int root_fd, const char *target, const char **name);
/* Puts a detached mount on an opened target. Refuses procfs and sysfs where the path led there over a link. */
int attach(const struct context *context, int tree_fd, int target_fd, const char *target, struct error *error);
/* Whether the fd is on a filesystem of this kind (PROC_SUPER_MAGIC …). */
bool is_on(int fd, unsigned long magic);
/* Whether it is this character device. */
bool is_device(int fd, unsigned major, unsigned minor);
/* Copies what a directory holds (directories, files, symbolic links) with owners and modes. */
int copy_tree(int from_fd, int to_fd, struct error *error);

/* --- files.c --- */

/* Removes what is there, whatever it is, without following links or crossing mounts. Absence is fine. */
int remove_tree(int directory_fd, const char *path);

/* --- mounts.c --- */

/* A fresh filesystem as a detached mount. `flags` are MS_*. */
int new_mount(const char *type, const char *source, uint32_t flags, struct list options, struct error *error);
/* A copy of a mount, detached. `flags`: AT_RECURSIVE, AT_EMPTY_PATH. */
int clone_mount(int directory_fd, const char *path, unsigned flags);
/* Sets and clears MOUNT_ATTR_*, and the propagation (MS_* or 0). `flags`: AT_RECURSIVE. */
int change_mount(int mount_fd, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation);

/* Whether it is the root of a mount. */
bool is_mount_point(int fd);

/* To the host's mount namespace and back: gives what `return_from_host` takes. */
int visit_host(const struct host *host, struct error *error);
void return_from_host(int own_fd);

/* --- child.c --- */

/*
 * Namespaces that the child joins itself; -1: none. There is no way back from a user namespace. And whoever has
 * joined a container's cgroup namespace cannot move anybody into its cgroups from outside (cgroup2's nsdelegate).
 */
struct left_to_child {
  int user_fd, cgroup_fd;
};

/* The first and last thing of the new process. See the handshake in start.h. */
_Noreturn void child_main(struct context *context, const struct spec *spec, const struct left_to_child *left);
/* A new terminal of the root's devpts: its slave becomes the stdio, both sides go to the monitor. */
int open_terminal(struct context *context, struct error *error);
/* Waits until the monitor lets the program run. */
int pass_gate(struct context *context, struct error *error);

/* --- become.c --- */

/* Writes a file of a procfs that no container can fake, relative to its root. */
int write_proc(const struct host *host, const char *path, const char *value);
/* When a process started, in ticks after boot: with its number its identity. 0 when there is none. */
uint64_t start_ticks(const struct host *host, pid_t pid);

/* --- start.c --- */

/* The source of a bind, looked up in this mount namespace, as a detached mount with its ids mapped. */
int open_bind(const struct host *host, const struct op_bind *op, struct error *error);
