#pragma once

/* `tug-exec serve`: runs until its stdin ends. */
int serve_main(void);
/* What `ps` shows of this process from now on. */
void set_title(const char *program, const char *name);
