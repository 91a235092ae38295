/*
 * Starting a process: the monitor clones the child, arranges what only the parent can, and lets it go.
 *
 *     monitor                                              child
 *        │ ── GO ─────────────────────────────────────────▶ │  maps are written, the network is there: join cgroups, furnish
 *        │ ◀───────────────── TERMINAL + master, slave ──── │  tty only: the pty, from the container's own devpts
 *        │ ── EXEC ───────────────────────────────────────▶ │  enough clients are attached; often sent before it is awaited
 *        │ ◀──────────────────────────────────── READY ──── │  the next call is execve
 *        │ ◀──────────────────────────────────── ERROR ──── │  an op failed, execve too; the child ends
 *        │ ◀─────────────────────────────── end of file ─── │  after READY: the program runs (the socket is close-on-exec);
 *        │                                                  │  without it: the child was killed
 */
#pragma once
#include "plan.h"

enum sync { SYNC_GO, SYNC_TERMINAL, SYNC_EXEC, SYNC_READY, SYNC_ERROR };

struct sync_message {
  enum sync kind;
  struct error error; /* SYNC_ERROR */
};

/* What the monitor holds of a process. Descriptors that there are not are -1. */
struct process {
  pid_t pid;
  int pid_fd, sync_fd;
  int stdin_fd;  /* the writing side */
  int out_fd[2]; /* the reading sides of stdout and stderr; with a terminal its master and -1 */
  int slave_fd;  /* kept open, so that a terminal closed by all in the container can be opened again */
  int mounts_fd; /* its mount namespace, if it has its own: taken down after the end was told, which is slow */
};

int open_stdio(const struct spec *spec, struct process *process, int child_fd[3], struct error *error);
/* Clones the child, runs `beside`, sends GO. On failure no child is left. */
int start_process(const struct host *host, const struct spec *spec, struct process *process, struct error *error);
