#include "init.h"

/*
 * Signals are blocked from before the fork, so that none is lost until `init_main` waits for them. The program gets a process
 * group of its own, in the terminal's foreground: a Ctrl-C reaches it once, by the terminal, and not again by init.
 */
int leave_init_behind(const struct host *host, struct error *error) {
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &all, NULL);
  char pid[16];
  int child = fork();
  if (child < 0) return fail(error, "fork from init");
  if (child == 0) {
    setpgid(0, 0);
    tcsetpgrp(0, getpid());
    sigprocmask(SIG_SETMASK, &none, NULL);
    return 0;
  }
  snprintf(pid, sizeof pid, "%d", child);
  char *argv[] = {"tug-exec", "init", pid, NULL}, *env[] = {NULL};
  syscall(SYS_execveat, host->self_fd, "", argv, env, AT_EMPTY_PATH);
  return fail(error, "exec init");
}

int init_main(char **argv) {
  pid_t program = (pid_t)atoi(argv[2]);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  prctl(PR_SET_NAME, "tug-init", 0, 0, 0);
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* for a container in the host's pid namespace */
  for (int status;;) {
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
      if (pid == program) return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    int signal = sigwaitinfo(&all, NULL);
    if (signal > 0 && signal != SIGCHLD && signal != SIGTTIN && signal != SIGTTOU) kill(program, signal);
  }
}
