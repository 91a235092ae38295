/*
 * Reports from inside a container, one `key value` a line: what it was given, and what it should not have. Static, so
 * that it runs in an empty root. `probe` alone reports all; `probe KEY …` only these.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Each open descriptor and what it leads to. Fails loudly where /proc is not what it seems. */
static void report_fds(void) {
  for (int fd = 0; fd < 1024; fd++) {
    char path[64], target[4096];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fcntl(fd, F_GETFD) < 0) continue;
    ssize_t size = readlink(path, target, sizeof target - 1);
    target[size < 0 ? 0 : size] = 0;
    for (char *digit = strchr(target, '['); digit != NULL && *digit != 0; digit++) *digit = 0;
    printf("fd %d %s\n", fd, target);
  }
}

static void report_status(void) {
  static const char *const KEYS[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Groups", "Umask", "Uid", "Gid", "SigBlk", "SigIgn", "SigCgt"};
  char line[1024];
  FILE *status = fopen("/proc/self/status", "re");
  if (status == NULL) return (void)printf("status %s\n", strerror(errno));
  while (fgets(line, sizeof line, status) != NULL)
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
      size_t length = strlen(KEYS[i]);
      if (strncmp(line, KEYS[i], length) != 0 || line[length] != ':') continue;
      printf("%s ", KEYS[i]);
      for (char *word = strtok(line + length + 1, " \t\n"); word != NULL; word = strtok(NULL, " \t\n")) printf("%s,", word);
      printf("\n");
    }
  fclose(status);
}

static void report_mounts(void) {
  char line[4096], *fields[10];
  FILE *mounts = fopen("/proc/self/mountinfo", "re");
  if (mounts == NULL) return (void)printf("mounts %s\n", strerror(errno));
  while (fgets(line, sizeof line, mounts) != NULL) {
    char *type = strstr(line, " - ");
    int count = 0;
    if (type == NULL) continue;
    *type = 0;
    for (char *word = strtok(line, " "); word != NULL && count < 10; word = strtok(NULL, " ")) fields[count++] = word;
    printf("mount %s %s %s %s\n", fields[4], strtok(type + 3, " "), fields[5], count > 6 ? fields[6] : "-");
  }
  fclose(mounts);
}

static void report_rest(void) {
  struct utsname uts;
  struct rlimit files;
  struct stat info;
  char cwd[4096];
  uname(&uts);
  getrlimit(RLIMIT_NOFILE, &files);
  printf("hostname %s\ndomainname %s\npid %d\nsid %d\npgid %d\n", uts.nodename, uts.domainname, getpid(), getsid(0), getpgrp());
  printf("cwd %s\n", getcwd(cwd, sizeof cwd) == NULL ? strerror(errno) : cwd);
  printf("nofile %llu %llu\n", (unsigned long long)files.rlim_cur, (unsigned long long)files.rlim_max);
  printf("dumpable %d\npdeathsig %d\ntty %d %d\n", prctl(PR_GET_DUMPABLE), ({int signal = -1; prctl(PR_GET_PDEATHSIG, &signal); signal;}), isatty(0), tcgetpgrp(0));
  printf("stdio %d\n", fstat(1, &info) == 0 ? (int)info.st_uid : -1);
  printf("keyring %ld\n", syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3, 0));
  printf("null %d\n", stat("/dev/null", &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3));
}

int main(int argc, char **argv) {
  if (argc == 1 || strcmp(argv[1], "fds") == 0) report_fds();
  if (argc == 1 || strcmp(argv[1], "status") == 0) report_status();
  if (argc == 1 || strcmp(argv[1], "mounts") == 0) report_mounts();
  if (argc == 1 || strcmp(argv[1], "rest") == 0) report_rest();
  return 0;
}
