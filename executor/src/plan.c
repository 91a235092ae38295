#include "plan.h"

static int malformed(struct error *error, const char *kind) { return refuse(error, EBADMSG, "malformed op \"%s\"", kind); }

#define TEXT(name) op->name = take_text(in);
#define NUM(name) op->name = take_num(in);
#define BIG(name) op->name = take_big(in);
#define FLAG(name) op->name = take_flag(in);
#define BYTES(name) op->name = take_bytes(in);
#define TEXTS(name) op->name = take_texts(in);
#define NUMS(name) op->name = take_nums(in);
#define MAPS(name) op->name = take_maps(in);
#define OP(kind, sections, fields)                                                       \
  void decode_##kind(struct cursor *in, struct op_##kind *op) {                          \
    (void)in, (void)op;                                                                  \
    fields if (in->at != in->end) in->bad = true;                                        \
  }                                                                                      \
  static int do_##kind(struct context *context, struct cursor *in, struct error *error) { \
    struct op_##kind op;                                                                 \
    decode_##kind(in, &op);                                                              \
    return in->bad ? malformed(error, #kind) : run_##kind(context, &op, error);          \
  }
#include "ops.def"
#undef OP

bool decode_spec(struct bytes bytes, struct spec *op) {
  struct cursor cursor = cursor_over(bytes), *in = &cursor;
  SPEC_FIELDS
  return !in->bad && in->at == in->end && op->join_kinds.count == op->join_paths.count;
}

#define OP(kind, sections, fields) {#kind, sections, do_##kind},
static const struct {
  const char *name;
  unsigned sections;
  int (*run)(struct context *, struct cursor *, struct error *);
} HANDLERS[] = {
#include "ops.def"
};
#undef OP

bool next_op(struct cursor *plan, enum op_kind *kind, struct cursor *fields) {
  if (plan->bad || plan->at == plan->end) return false;
  *fields = cursor_over(take_bytes(plan));
  if (plan->bad || fields->at == fields->end || *fields->at >= OP_COUNT) {
    plan->bad = true;
    return false;
  }
  *kind = (enum op_kind)*fields->at++;
  return true;
}

static int run_op(struct context *context, enum op_kind kind, struct cursor *fields, struct error *error) {
  if ((HANDLERS[kind].sections & IN(context->section)) == 0)
    return refuse(error, EBADMSG, "op \"%s\" in the wrong section", HANDLERS[kind].name);
  if (context->answer == NULL) return HANDLERS[kind].run(context, fields, error);
  size_t start = begin_record(context->answer);
  int result = HANDLERS[kind].run(context, fields, error);
  end_record(context->answer, start);
  return result;
}

int run_plan(struct context *context, struct bytes plan, struct error *error) {
  struct cursor ops = cursor_over(plan), fields;
  enum op_kind kind;
  int result = 0;
  for (int index = 0; next_op(&ops, &kind, &fields); index++) {
    struct error first = {.op = index, .section = (int)context->section};
    if (run_op(context, kind, &fields, &first) == 0) continue;
    if (result == 0) *error = first;
    result = -1;
    if (context->section != AFTER) return -1;
  }
  return ops.bad ? malformed(error, "plan") : result;
}
