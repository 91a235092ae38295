#include "base.h"

static void set_message(struct error *error, int number, const char *format, va_list args) {
  error->number = number;
  vsnprintf(error->message, sizeof error->message, format, args);
}

int fail(struct error *error, const char *format, ...) {
  int number = errno;
  va_list args;
  va_start(args, format);
  set_message(error, number, format, args);
  va_end(args);
  const char *text = strerror(number);
  append_message(error, ": %c%s", tolower(text[0]), text + 1);
  return -1;
}

int refuse(struct error *error, int number, const char *format, ...) {
  va_list args;
  va_start(args, format);
  set_message(error, number, format, args);
  va_end(args);
  return -1;
}

void append_message(struct error *error, const char *format, ...) {
  size_t used = strlen(error->message);
  va_list args;
  va_start(args, format);
  vsnprintf(error->message + used, sizeof error->message - used, format, args);
  va_end(args);
}

void *allocate(size_t size) {
  void *memory = calloc(1, size > 0 ? size : 1);
  if (memory == NULL) abort();
  return memory;
}

struct cursor cursor_over(struct bytes bytes) { return (struct cursor){bytes.data, bytes.data + bytes.size, false}; }

/* The next `size` bytes; zeros when there are not that many. */
static const uint8_t *take(struct cursor *in, size_t size) {
  static const uint8_t zeros[8];
  if (in->bad || (size_t)(in->end - in->at) < size) {
    in->bad = true;
    in->at = in->end;
    return size <= sizeof zeros ? zeros : NULL;
  }
  const uint8_t *taken = in->at;
  in->at += size;
  return taken;
}

uint32_t take_num(struct cursor *in) {
  const uint8_t *at = take(in, 4);
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

uint64_t take_big(struct cursor *in) {
  uint64_t low = take_num(in);
  return low | (uint64_t)take_num(in) << 32;
}

bool take_flag(struct cursor *in) {
  uint8_t value = *take(in, 1);
  if (value > 1) in->bad = true;
  return value == 1;
}

struct bytes take_bytes(struct cursor *in) {
  uint32_t size = take_num(in);
  const uint8_t *data = take(in, size);
  return in->bad ? (struct bytes){(const uint8_t *)"", 0} : (struct bytes){data, size};
}

const char *take_text(struct cursor *in) {
  struct bytes bytes = take_bytes(in);
  if (*take(in, 1) != 0 || memchr(bytes.data, 0, bytes.size) != NULL) in->bad = true;
  return in->bad ? "" : (const char *)bytes.data;
}

struct id_map take_map(struct cursor *in) {
  uint32_t inside = take_num(in), outside = take_num(in), size = take_num(in);
  return (struct id_map){inside, outside, size};
}

/* Lists are walked once, so that whoever takes the items later finds them whole. */
#define TAKE_LIST(name, take_item)                                       \
  struct list name(struct cursor *in) {                                  \
    struct list list = {take_num(in), *in};                              \
    for (uint32_t i = 0; i < list.count && !in->bad; i++) take_item(in); \
    if (in->bad) list.count = 0;                                         \
    list.items.end = in->at;                                             \
    return list;                                                         \
  }
TAKE_LIST(take_texts, take_text)
TAKE_LIST(take_nums, take_num)
TAKE_LIST(take_maps, take_map)

char **text_array(struct list texts) {
  char **array = allocate(((size_t)texts.count + 1) * sizeof *array);
  for (uint32_t i = 0; i < texts.count; i++) array[i] = (char *)(uintptr_t)take_text(&texts.items);
  return array;
}

uint8_t *reserve(struct buffer *buffer, size_t size) {
  if (buffer->capacity - buffer->size < size) {
    buffer->capacity = buffer->capacity * 2 + size + 256;
    buffer->data = realloc(buffer->data, buffer->capacity);
    if (buffer->data == NULL) abort();
  }
  return buffer->data + buffer->size;
}

void put(struct buffer *buffer, const void *data, size_t size) {
  if (size > 0) memcpy(reserve(buffer, size), data, size);
  buffer->size += size;
}

void put_num(struct buffer *buffer, uint32_t value) {
  uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)};
  put(buffer, bytes, sizeof bytes);
}

void put_big(struct buffer *buffer, uint64_t value) {
  put_num(buffer, (uint32_t)value);
  put_num(buffer, (uint32_t)(value >> 32));
}

void put_flag(struct buffer *buffer, bool value) { put(buffer, &(uint8_t){value}, 1); }

void put_text(struct buffer *buffer, const char *text) {
  put_num(buffer, (uint32_t)strlen(text));
  put(buffer, text, strlen(text) + 1);
}

void put_error(struct buffer *buffer, const struct error *error) {
  put_num(buffer, (uint32_t)error->number);
  put_num(buffer, (uint32_t)error->section);
  put_num(buffer, (uint32_t)error->op);
  put_text(buffer, error->message);
}

size_t begin_record(struct buffer *buffer) {
  put_num(buffer, 0);
  return buffer->size;
}

void end_record(struct buffer *buffer, size_t start) {
  size_t end = buffer->size;
  buffer->size = start - 4;
  put_num(buffer, (uint32_t)(end - start));
  buffer->size = end;
}

int write_all(int fd, const void *data, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t wrote = write(fd, (const char *)data + done, size - done);
    if (wrote < 0 && errno != EINTR) return -1;
    if (wrote > 0) done += (size_t)wrote;
  }
  return 0;
}

ssize_t read_all(int fd, void *data, size_t size) {
  size_t done = 0;
  while (done < size) {
    ssize_t got = read(fd, (char *)data + done, size - done);
    if (got == 0) break;
    if (got < 0 && errno != EINTR) return -1;
    if (got > 0) done += (size_t)got;
  }
  return (ssize_t)done;
}

const char *read_text(int directory_fd, const char *path) {
  static char text[4096];
  SCOPED_FD fd = openat(directory_fd, path, O_RDONLY | O_CLOEXEC);
  ssize_t size = fd < 0 ? 0 : read_all(fd, text, sizeof text - 1);
  text[size < 0 ? 0 : size] = 0;
  return text;
}

/* By hand: gmtime_r would read the time zone files of whatever root the process has. Days to date after Hinnant. */
size_t format_time(char text[TIME_SIZE]) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  unsigned seconds = (unsigned)(now.tv_sec % 86400), day_number = (unsigned)(now.tv_sec / 86400) + 719468;
  unsigned era = day_number / 146097, of_era = day_number % 146097;
  unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  unsigned shifted = (5 * of_year + 2) / 153, month = shifted < 10 ? shifted + 3 : shifted - 9;
  unsigned year = year_of_era + era * 400 + (month <= 2), day = of_year - (153 * shifted + 2) / 5 + 1;
  int size = snprintf(text, TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%09ld", year % 10000, month, day, seconds / 3600,
                      seconds / 60 % 60, seconds % 60, now.tv_nsec);
  while (text[size - 1] == '0') size--;
  if (text[size - 1] == '.') size--;
  text[size++] = 'Z';
  text[size] = 0;
  return (size_t)size;
}

int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_ms(unsigned ms) {
  nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}
