#include "log.h"

#define OUT_CAPACITY (64 << 10)
/* The most that a record can take: each byte as \u00xx, and what stands around it. */
#define RECORD_MAX(log) (LOG_LINE_MAX * 6 + strlen((log)->attributes) + 128)

int reopen_log(struct log *log) {
  int fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) return -1;
  if (log->fd >= 0) close(log->fd);
  log->fd = fd;
  log->size = (uint64_t)lseek(fd, 0, SEEK_END);
  return 0;
}

int open_log(struct log *log, const struct spec *spec, struct error *error) {
  log->fd = -1;
  log->path = spec->log_path;
  log->attributes = spec->log_attributes;
  log->max_bytes = spec->log_max_bytes;
  log->max_files = spec->log_max_files;
  if (log->path[0] == 0) return 0;
  if (reopen_log(log) < 0) return fail(error, "open log \"%s\"", log->path);
  /* Not cleared, so that it only takes memory once it is used. */
  log->out = malloc(OUT_CAPACITY + RECORD_MAX(log));
  return log->out == NULL ? fail(error, "open log") : 0;
}

/* A full disk must not stop the container: what does not fit is dropped whole, so that no line is torn, and counted. */
static void flush(struct log *log, size_t size) {
  if (write_all(log->fd, log->out, size) == 0) {
    log->size += size;
  } else {
    log->reason = errno;
    log->lost += size;
    uint64_t end = (uint64_t)lseek(log->fd, 0, SEEK_END);
    if (end <= log->size || ftruncate(log->fd, (off_t)log->size) < 0) log->size = end;
  }
  memmove(log->out, log->out + size, log->out_size - size);
  log->out_size -= size;
}

/* The name of the n-th file of a log, plain or compressed; 0 is the one that is written. */
static const char *name_file(char out[static 4096], const struct log *log, uint32_t number, const char *form) {
  if (number == 0) snprintf(out, 4096, "%s%s", log->path, form);
  else snprintf(out, 4096, "%s.%u%s", log->path, number, form);
  return out;
}

/*
 * What the daemon compressed lies beside, under a name made of what identifies the file that it was: numbered names
 * are changed here alone, so nobody has to wait for anybody.
 */
static void adopt_compressed(const struct log *log, uint32_t number) {
  char plain[4096], ready[4096], compressed[4096];
  struct statx info;
  if (statx(AT_FDCWD, name_file(plain, log, number, ""), 0, STATX_INO | STATX_BTIME, &info) < 0) return;
  uint64_t born = (uint64_t)info.stx_btime.tv_sec * 1000000000u + info.stx_btime.tv_nsec;
  snprintf(ready, sizeof ready, "%s.%llu-%llu.gz", log->path, (unsigned long long)info.stx_ino, (unsigned long long)born);
  if (rename(ready, name_file(compressed, log, number, ".gz")) == 0) unlink(plain);
}

static void rotate(struct log *log) {
  char from[4096], to[4096];
  for (uint32_t i = log->max_files; i > 1; i--) {
    if (i == log->max_files) {
      unlink(name_file(to, log, i - 1, ""));
      unlink(name_file(to, log, i - 1, ".gz"));
    }
    if (i > 2) adopt_compressed(log, i - 2);
    rename(name_file(from, log, i - 2, ""), name_file(to, log, i - 1, ""));
    rename(name_file(from, log, i - 2, ".gz"), name_file(to, log, i - 1, ".gz"));
  }
  /* A new file, not the old one cut short: whoever follows it reads that to its end. */
  if (log->max_files <= 1) unlink(log->path);
  if (reopen_log(log) < 0 && ftruncate(log->fd, 0) == 0) log->size = 0;
}

/* The length of the UTF-8 character at `in`, 0 when it is none. Surrogates and overlong forms are none. */
static size_t character_length(const uint8_t *in, size_t left) {
  uint8_t first = in[0], second = left > 1 ? in[1] : 0;
  size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80, high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (first < 0xc2 || first > 0xf4 || left < length || second < low || second > high) return 0;
  for (size_t i = 2; i < length; i++)
    if ((in[i] & 0xc0) != 0x80) return 0;
  return length;
}

/* One character as Go's encoding/json writes it for Docker, HTML and line separators included. Returns its length in `in`. */
static size_t escape_character(char **out, const uint8_t *in, size_t left) {
  uint8_t byte = in[0];
  const char *hex = "0123456789abcdef";
  if (byte >= 0x80) {
    size_t length = character_length(in, left);
    bool separator = length == 3 && in[0] == 0xe2 && in[1] == 0x80 && (in[2] == 0xa8 || in[2] == 0xa9);
    memcpy(*out, length == 0 ? "\\ufffd" : separator ? "\\u202" : (const char *)in, 6 < left || length == 0 || separator ? 6 : left);
    if (separator) (*out)[5] = hex[in[2] & 15];
    *out += length == 0 || separator ? 6 : length;
    return length == 0 ? 1 : length;
  }
  if (byte == '"' || byte == '\\' || byte == '\n' || byte == '\r') {
    *(*out)++ = '\\';
    *(*out)++ = byte == '\n' ? 'n' : byte == '\r' ? 'r' : (char)byte;
  } else if (byte < 0x20 || byte == '<' || byte == '>' || byte == '&') {
    memcpy(*out, "\\u00", 4);
    (*out)[4] = hex[byte >> 4];
    (*out)[5] = hex[byte & 15];
    *out += 6;
  } else {
    *(*out)++ = (char)byte;
  }
  return 1;
}

typedef uint8_t block __attribute__((vector_size(16)));

/* Sixteen bytes at a time as long as all of them stand for themselves. */
static char *escape(char *out, const uint8_t *in, size_t size) {
  const uint8_t *end = in + size;
  while (in < end) {
    while (end - in >= 16) {
      block bytes;
      memcpy(&bytes, in, 16);
      block special = (block)((bytes < 0x20) | (bytes == '"') | (bytes == '\\') | (bytes == '<') | (bytes == '>') |
                              (bytes == '&') | (bytes >= 0x80));
      uint64_t halves[2];
      memcpy(halves, &special, 16);
      memcpy(out, in, 16);
      if (halves[0] | halves[1]) break;
      in += 16;
      out += 16;
    }
    const uint8_t *stop = end - in > 16 ? in + 16 : end;
    while (in < stop) in += escape_character(&out, in, (size_t)(end - in));
  }
  return out;
}

static char *append(char *out, const char *text) { return stpcpy(out, text); }

static void put_record(struct log *log, int stream, const char *data, size_t size, const char *end, const char *time) {
  if (log->out_size > OUT_CAPACITY) flush(log, log->out_size);
  char *start = log->out + log->out_size;
  char *out = append(escape(append(start, "{\"log\":\""), (const uint8_t *)data, size), end);
  out = append(out, stream == 1 ? "\",\"stream\":\"stdout\"" : "\",\"stream\":\"stderr\"");
  if (log->attributes[0] != 0) out = append(append(out, ",\"attrs\":"), log->attributes);
  out = append(append(append(out, ",\"time\":\""), time), "\"}\n");
  size_t before = log->out_size, length = (size_t)(out - start);
  log->out_size += length;
  if (log->max_bytes == 0 || log->size + log->out_size <= log->max_bytes || log->size + before == 0) return;
  flush(log, before);
  rotate(log);
}

static void put_line(struct log *log, int stream, struct line *line, const char *data, size_t size, bool complete,
                     const char *now) {
  if (!complete && !line->continued) strcpy(line->time, now);
  put_record(log, stream, data, size, complete ? "\\n" : "", complete && !line->continued ? now : line->time);
  line->continued = !complete;
  line->size = 0;
}

static void report_loss(struct log *log, const char *now) {
  char text[160];
  int size = snprintf(text, sizeof text, "tug: %llu bytes of the log were lost: %s", (unsigned long long)log->lost,
                      strerror(log->reason));
  put_record(log, 2, text, (size_t)size, "\\n", now);
  uint64_t before = log->lost;
  flush(log, log->out_size);
  if (log->lost == before) log->lost = 0;
  else log->lost = before;
}

void write_log(struct log *log, int stream, const uint8_t *data, size_t size) {
  struct line *line = &log->lines[stream - 1];
  char now[TIME_SIZE];
  if (log->fd < 0) return;
  format_time(now);
  if (log->lost > 0) report_loss(log, now);
  while (size > 0) {
    size_t room = LOG_LINE_MAX - line->size, part = size < room ? size : room;
    const uint8_t *newline = memchr(data, '\n', part);
    if (newline != NULL) part = (size_t)(newline - data);
    bool whole = newline != NULL && line->size == 0;
    if (!whole) memcpy(line->held + line->size, data, part);
    line->size += part;
    if (newline != NULL || line->size == LOG_LINE_MAX)
      put_line(log, stream, line, whole ? (const char *)data : line->held, line->size, newline != NULL, now);
    part += newline != NULL;
    data += part;
    size -= part;
  }
  flush(log, log->out_size);
}

void finish_log(struct log *log) {
  char now[TIME_SIZE];
  if (log->fd < 0) return;
  format_time(now);
  for (int stream = 1; stream <= 2; stream++) {
    struct line *line = &log->lines[stream - 1];
    if (line->size > 0) put_line(log, stream, line, line->held, line->size, false, now);
  }
  flush(log, log->out_size);
}
