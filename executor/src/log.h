/* The container's log in Docker's json-file format: one JSON object a line, rotated by size. */
#pragma once
#include "plan.h"

/* As Docker splits: a longer line becomes several records, of which only the last ends with a newline. */
#define LOG_LINE_MAX 16384

struct log {
  const char *path, *attributes;
  uint64_t max_bytes, size, lost;
  uint32_t max_files;
  int fd, reason; /* errno of what was lost */
  char *out;      /* records not written yet */
  size_t out_size;
  struct line {
    char held[LOG_LINE_MAX], time[TIME_SIZE]; /* the time of a line's first part is that of all */
    size_t size;
    bool continued;
  } lines[2];
};

int open_log(struct log *log, const struct spec *spec, struct error *error);
/* Takes output of stream 1 or 2 and writes every line that it completes. What cannot be written is counted and reported later. */
void write_log(struct log *log, int stream, const uint8_t *data, size_t size);
/* Writes what is left of unfinished lines. */
void finish_log(struct log *log);
/* Opens the file anew, after somebody moved it. */
int reopen_log(struct log *log);
