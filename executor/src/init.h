/* The process 1 of containers started with `--init`. */
#pragma once
#include "plan.h"

/* Forks: returns in the child, which goes on to run the program; the parent becomes `tug-exec init`. */
int leave_init_behind(const struct host *host, struct error *error);
/* Reaps whatever ends, passes signals on to the program, and ends as it did. argv[2] is its pid. */
int init_main(char **argv);
