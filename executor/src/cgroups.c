/* Ops on the host's cgroups. */

#include "plan.h"

int run_cgroup_devices(struct context *context, const struct op_cgroup_devices *op, struct error *error) {
  union bpf_attr load = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
                         .insns = (uintptr_t)op->program.data,
                         .insn_cnt = op->program.size / sizeof(struct bpf_insn),
                         .license = (uintptr_t) "Apache-2.0"};
  SCOPED_FD program_fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
  if (program_fd < 0) return fail(error, "load device filter");
  SCOPED_FD cgroup_fd = open(op->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (cgroup_fd < 0) return fail(error, "open cgroup \"%s\"", op->path);
  union bpf_attr attach = {.attach_type = BPF_CGROUP_DEVICE,
                           .target_fd = (uint32_t)cgroup_fd,
                           .attach_bpf_fd = (uint32_t)program_fd,
                           .attach_flags = BPF_F_ALLOW_MULTI};
  if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach) < 0)
    return fail(error, "attach device filter to cgroup \"%s\"", op->path);
  return 0;
}

/* Signals whatever is in the cgroup and below it, and says how many those were. */
static int kill_members(const char *path) {
  char file[4096];
  int killed = 0;
  snprintf(file, sizeof file, "%s/cgroup.procs", path);
  FILE *members = fopen(file, "re");
  for (int pid; members != NULL && fscanf(members, "%d", &pid) == 1;)
    if (pid > 0 && kill(pid, SIGKILL) == 0) killed++;
  if (members != NULL) fclose(members);
  DIR *directory = opendir(path);
  for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
    killed += kill_members(file);
  }
  if (directory != NULL) closedir(directory);
  return killed;
}

/* How long processes may take to die; one that waits for a dead disk takes longer, and is reported. */
#define KILL_MS 10000

int run_kill_cgroup(struct context *context, const struct op_kill_cgroup *op, struct error *error) {
  char file[4096];
  snprintf(file, sizeof file, "%s/cgroup.kill", op->path);
  SCOPED_FD fd = open(file, O_WRONLY | O_CLOEXEC);
  if (fd >= 0) return write_all(fd, "1", 1) < 0 ? fail(error, "kill cgroup \"%s\"", op->path) : 0;
  if (errno != ENOENT) return fail(error, "open \"%s\"", file);
  int64_t deadline = now_ms() + KILL_MS;
  while (kill_members(op->path) > 0) {
    if (now_ms() > deadline) return refuse(error, EBUSY, "kill cgroup \"%s\": its processes do not end", op->path);
    sleep_ms(2);
  }
  return 0;
}
