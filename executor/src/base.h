/* What every file uses: errors, scoped fds and memory, and the encoding of plans and answers. */
#pragma once
#include "system.h"

/* What failed. Filled where it failed, sent as it is, an EngineError in the daemon. */
struct error {
  int number;  /* errno */
  int section; /* enum section */
  int op;      /* index within the section, -1 for a step that is no op */
  int exit_code; /* what a shell would say when this kept the program from running: 126, 127; 0: no program was tried */
  char message[480];
};

/* Both return -1. `fail` adds the text of errno, `refuse` sets the number and takes the message as it is. */
int fail(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
int refuse(struct error *error, int number, const char *format, ...) __attribute__((format(printf, 3, 4)));
void append_message(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void close_scoped(int *fd) {
  if (*fd >= 0) close(*fd);
}
static inline void free_scoped(void *pointer) { free(*(void **)pointer); }
#define SCOPED_FD __attribute__((cleanup(close_scoped))) int
#define SCOPED_MEMORY __attribute__((cleanup(free_scoped)))
static inline int steal(int *fd) {
  int stolen = *fd;
  *fd = -1;
  return stolen;
}

/* Memory is asked for in sizes that the daemon chose; without it there is nothing sensible to do but to stop. */
void *allocate(size_t size);

/*
 * The encoding, little-endian. num: u32. big: u64. flag: u8, 0 or 1. bytes: num length, content. text: the same with
 * a NUL after the content that the length does not count, and none within. Lists: num count, items. A map: three nums.
 */
struct bytes {
  const uint8_t *data;
  uint32_t size;
};
struct cursor {
  const uint8_t *at, *end;
  bool bad; /* something did not fit: all that was taken since is empty */
};
struct list {
  uint32_t count;
  struct cursor items; /* validated: take the items with the function of their kind */
};
struct id_map {
  uint32_t inside, outside, size;
};
struct cursor cursor_over(struct bytes bytes);
uint32_t take_num(struct cursor *in);
uint64_t take_big(struct cursor *in);
bool take_flag(struct cursor *in);
struct bytes take_bytes(struct cursor *in);
const char *take_text(struct cursor *in);
struct id_map take_map(struct cursor *in);
struct list take_texts(struct cursor *in);
struct list take_nums(struct cursor *in);
struct list take_maps(struct cursor *in);
/* A NULL-terminated array of the texts, which stay where they are. */
char **text_array(struct list texts);

struct buffer {
  uint8_t *data;
  size_t size, capacity;
};
/* Room for `size` more bytes at the end; the caller adds what it used to `size`. */
uint8_t *reserve(struct buffer *buffer, size_t size);
void put(struct buffer *buffer, const void *data, size_t size);
void put_num(struct buffer *buffer, uint32_t value);
void put_big(struct buffer *buffer, uint64_t value);
void put_flag(struct buffer *buffer, bool value);
void put_text(struct buffer *buffer, const char *text);
void put_error(struct buffer *buffer, const struct error *error);
/* Opens a length-prefixed record, and closes it: writes the length of what was put since. */
size_t begin_record(struct buffer *buffer);
void end_record(struct buffer *buffer, size_t start);

/* All of it, whatever the number of calls; -1 with errno. `read_all` stops at the end of file and returns the size. */
int write_all(int fd, const void *data, size_t size);
ssize_t read_all(int fd, void *data, size_t size);
/* The file's text (at most 4 KiB) with a NUL, in a static buffer; empty if it cannot be read. */
const char *read_text(int directory_fd, const char *path);

/* --- sockets.c --- */

/* A stream socket at the path, for its owner only. What was there is gone. */
int listen_at(const char *path, struct error *error);
int connect_to(const char *path, struct error *error);
/* One message with up to FDS_MAX descriptors; those that did not come with it are -1. */
#define FDS_MAX 2
int send_message(int socket_fd, const void *data, size_t size, const int *fds, size_t count);
ssize_t receive_message(int socket_fd, void *data, size_t size, int fds[FDS_MAX]);

/* --- time --- */

#define TIME_SIZE 32
/* The time of day as RFC 3339 in UTC with nanoseconds, trailing zeros left out as Go does. Returns its length. */
size_t format_time(char text[TIME_SIZE]);
/* Milliseconds of a clock that only runs forward. */
int64_t now_ms(void);
void sleep_ms(unsigned ms);
