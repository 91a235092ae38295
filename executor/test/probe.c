/*
 * Reports from inside a container, one `key value` a line: what it was given, and what it should not have. Static, so
 * that it runs in an empty root. `probe` alone reports all; `probe KEY …` only these. `probe call ENTRY NUMBER ARGUMENT …`
 * makes one system call and reports its result or error: by the entry `native`, `x32` or `i386`; an argument is a
 * number, `-` for a zeroed buffer, or else a string.
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

static long call(const char *entry, long number, const long a[6]) {
#ifdef __x86_64__
  long result = -ENOSYS;
  if (strcmp(entry, "i386") == 0)
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4]) : "memory");
  if (strcmp(entry, "i386") == 0) return result < 0 ? (errno = (int)-result, -1) : result;
  if (strcmp(entry, "x32") == 0) number |= 0x40000000;
#endif
  return syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void report_call(int argc, char **argv) {
  static char zeros[4096];
  long arguments[6] = {0};
  for (int i = 4; i < argc && i < 10; i++) {
    char *end;
    arguments[i - 4] = strtol(argv[i], &end, 0);
    if (*end != 0 || end == argv[i]) arguments[i - 4] = (long)(strcmp(argv[i], "-") == 0 ? zeros : argv[i]);
  }
  pid_t self = getpid();
  long result = call(argv[2], strtol(argv[3], NULL, 0), arguments);
  int reason = errno;
  if (getpid() != self) _exit(0); /* the call was a fork */
  printf("call %s\n", result < 0 ? strerrorname_np(reason) : "ok");
}

int main(int argc, char **argv) {
  if (argc > 3 && strcmp(argv[1], "call") == 0) return report_call(argc, argv), 0;
  if (argc == 1 || strcmp(argv[1], "fds") == 0) report_fds();
  if (argc == 1 || strcmp(argv[1], "status") == 0) report_status();
  if (argc == 1 || strcmp(argv[1], "mounts") == 0) report_mounts();
  if (argc == 1 || strcmp(argv[1], "rest") == 0) report_rest();
  return 0;
}
