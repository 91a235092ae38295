/* tug-exec: runs plans (`serve`), watches over processes (a fork of it), and is the init of containers (`init`). */

#include "init.h"
#include "serve.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
/* Room for titles in the process's arguments. */
#define TITLE_ROOM "                                                                "

static char *title;
static size_t title_room;

void set_title(const char *program, const char *name) {
  memset(title, 0, title_room);
  snprintf(title, title_room, "%s %s", program, name);
  prctl(PR_SET_NAME, program, 0, 0, 0);
}

/*
 * Goes on from a sealed copy in memory: what a container sees of us (/proc/PID/exe of a process that enters it) leads to
 * that copy, which nobody can write to, never to the file on the host (CVE-2019-5736).
 */
static int run_sealed(void) {
  int self_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (self_fd < 0) return -1;
  int seals = fcntl(self_fd, F_GET_SEALS);
  if (seals >= 0 && (seals & SEALS) == SEALS) return close(self_fd);
  int copy_fd = memfd_create("tug-exec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  for (ssize_t sent = 1; sent > 0;)
    if ((sent = sendfile(copy_fd, self_fd, NULL, 1 << 30)) < 0) return -1;
  if (fcntl(copy_fd, F_ADD_SEALS, SEALS) < 0) return -1;
  char *argv[] = {"tug-exec", "serve", TITLE_ROOM, NULL}, *env[] = {NULL};
  return (int)syscall(SYS_execveat, copy_fd, "", argv, env, AT_EMPTY_PATH);
}

int main(int argc, char **argv) {
  title = argv[0];
  title_room = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) - argv[0]);
  if (argc == 3 && strcmp(argv[1], "init") == 0) return init_main(argv);
  if (argc < 2 || strcmp(argv[1], "serve") != 0) {
    dprintf(STDERR_FILENO, "usage: tug-exec serve\n");
    return 2;
  }
  if (run_sealed() < 0) {
    dprintf(STDERR_FILENO, "tug-exec: cannot run from a sealed copy: %s\n", strerror(errno));
    return 1;
  }
  return serve_main();
}
