/*
 * The decoder, with handlers that print instead of act. `decode dump FILE` shows each op of an encoded plan as a JSON array;
 * `decode fuzz FILE` decodes every truncation and many mutations of it, each in memory of exactly its size, so that
 * the sanitizers see any byte that is read beyond.
 */
#include "../src/plan.h"

static bool quiet;
static const char *separator;

static void print_text(const char *text) {
  if (quiet) return;
  printf("%s\"", separator);
  for (; *text != 0; text++) printf((uint8_t)*text < 0x20 || *text == '"' || *text == '\\' ? "\\u%04x" : "%c", (uint8_t)*text);
  printf("\"");
  separator = ",";
}

static void print_number(uint64_t number) {
  if (!quiet) printf("%s%llu", separator, (unsigned long long)number);
  separator = ",";
}

static void print_flag(bool flag) {
  if (!quiet) printf("%s%s", separator, flag ? "true" : "false");
  separator = ",";
}

static void print_bytes(struct bytes bytes) {
  if (!quiet) printf("%s\"", separator);
  /* Touched even when nothing is printed: the sanitizers shall see each byte. */
  for (uint32_t i = 0; i < bytes.size; i++) quiet ? (void)*(volatile const uint8_t *)&bytes.data[i] : (void)printf("%02x", bytes.data[i]);
  if (!quiet) printf("\"");
  separator = ",";
}

#define PRINT_LIST(name, print_item)                               \
  static void name(struct list list) {                             \
    if (!quiet) printf("%s[", separator);                          \
    separator = "";                                                \
    for (uint32_t i = 0; i < list.count; i++) print_item;          \
    if (!quiet) printf("]");                                       \
    separator = ",";                                               \
  }
PRINT_LIST(print_texts, print_text(take_text(&list.items)))
PRINT_LIST(print_nums, print_number(take_num(&list.items)))

static void print_map(struct id_map map) {
  print_number(map.inside);
  print_number(map.outside);
  print_number(map.size);
}
PRINT_LIST(print_maps, print_map(take_map(&list.items)))

#define TEXT(name) print_text(op->name);
#define NUM(name) print_number(op->name);
#define BIG(name) print_number(op->name);
#define FLAG(name) print_flag(op->name);
#define BYTES(name) print_bytes(op->name);
#define TEXTS(name) print_texts(op->name);
#define NUMS(name) print_nums(op->name);
#define MAPS(name) print_maps(op->name);
#define OP(kind, sections, fields)                                                                 \
  int run_##kind(struct context *context, const struct op_##kind *op, struct error *error) {       \
    if (!quiet) printf("[\"%s\"", #kind);                                                          \
    separator = ",";                                                                               \
    fields if (!quiet) printf("]\n");                                                              \
    return 0;                                                                                      \
  }
#include "../src/ops.def"
#undef OP

/* In whichever section the op may stand: what is looked at here is its fields. */
static int decode(const uint8_t *data, size_t size) {
  int result = 0;
  struct cursor plan = cursor_over((struct bytes){data, (uint32_t)size});
  while (plan.at < plan.end && !plan.bad) {
    const uint8_t *start = plan.at;
    take_bytes(&plan);
    struct bytes one = {start, (uint32_t)(plan.at - start)};
    int accepted = -1;
    for (enum section section = BEFORE; section <= STREAM && accepted < 0; section++) {
      struct error error = {0};
      struct context context = {.section = section};
      accepted = run_plan(&context, one, &error);
      if (accepted < 0 && strstr(error.message, "wrong section") == NULL) break;
    }
    if (accepted < 0) result = -1;
  }
  return plan.bad ? -1 : result;
}

static int decode_copy(const uint8_t *data, size_t size) {
  uint8_t *exact = malloc(size);
  if (exact == NULL) abort();
  memcpy(exact, data, size);
  int result = decode(exact, size);
  free(exact);
  return result;
}

/* xorshift: the same mutations in every run. */
static uint32_t next_random(void) {
  static uint32_t state = 2463534242u;
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}

static int fuzz(uint8_t *data, size_t size) {
  quiet = true;
  struct spec spec;
  for (size_t length = 0; length < size; length++) {
    decode_copy(data, length);
    uint8_t *exact = malloc(length);
    memcpy(exact, data, length);
    if (decode_spec((struct bytes){exact, (uint32_t)length}, &spec)) return fprintf(stderr, "a plan passed for a spec\n"), 1;
    free(exact);
  }
  for (int round = 0; round < 200000; round++) {
    uint32_t at = next_random() % (uint32_t)size;
    uint8_t before[4];
    size_t width = at + 4 <= size && round % 2 ? 4 : 1;
    memcpy(before, data + at, width);
    uint32_t values[] = {0, 1, 0x7f, 0xff, 0x7fffffff, 0xffffffff, (uint32_t)size, next_random()};
    memcpy(data + at, &values[next_random() % 8], width);
    decode_copy(data, size);
    memcpy(data + at, before, width);
  }
  return decode_copy(data, size) == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
  static uint8_t data[1 << 20];
  if (argc != 3) return 2;
  int fd = open(argv[2], O_RDONLY);
  ssize_t size = fd < 0 ? -1 : read_all(fd, data, sizeof data);
  if (size < 0) return perror(argv[2]), 2;
  if (strcmp(argv[1], "fuzz") == 0) return fuzz(data, (size_t)size);
  return decode(data, (size_t)size) == 0 ? 0 : 1;
}
