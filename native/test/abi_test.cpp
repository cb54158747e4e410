// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The C interface as a caller sees it: layouts, statuses, and sentences that name what was wrong.
#include <stddef.h>
#include <string.h>

#include <string>
#include <vector>

#include "alphabar/alphabar.h"
#include "check.h"

namespace {

// Layouts that bindings rely on.
static_assert(offsetof(alphabar_row, weight) == 8, "");
static_assert(offsetof(alphabar_row, known_sigma) == 160, "");
static_assert(offsetof(alphabar_operands, samples) == 32, "");
static_assert(offsetof(alphabar_operands, x) == 72, "");
static_assert(offsetof(alphabar_operands, seeds) == 184, "");
static_assert(offsetof(alphabar_operands, input_scale) == 192, "");
static_assert(offsetof(alphabar_row, rescale) == 168, "");
static_assert(offsetof(alphabar_entry, time) == 176, "");
static_assert(offsetof(alphabar_entry, draw) == 192, "");
static_assert(offsetof(alphabar_entry, x) == 196, "");
static_assert(offsetof(alphabar_entry, store) == 201, "");
static_assert(offsetof(alphabar_table, slots) == 24, "");
static_assert(offsetof(alphabar_table, count) == 88, "");
static_assert(offsetof(alphabar_table, used) == 100, "");

constexpr int kElements = 8;

struct Step {
  float x[2 * kElements] = {}, out[2 * kElements] = {}, g[4 * kElements] = {};
  int64_t seeds[2] = {1, 2};
  double scratch[4] = {};
  alphabar_row row{};
  alphabar_operands o{};

  Step() {
    row.terms = ALPHABAR_CX | ALPHABAR_CG;
    row.cx = 1;
    row.cg = 1;
    row.quantile = 0.5;
    row.maximum = 2;
    o.samples = 2;
    o.elements = o.output_stride = kElements;
    o.input_copies = 1;
    o.input_scale = 1;
    o.x = reinterpret_cast<uintptr_t>(x);
    o.out = reinterpret_cast<uintptr_t>(out);
    o.output = reinterpret_cast<uintptr_t>(g);
    o.seeds = reinterpret_cast<uintptr_t>(seeds);
  }

  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;
};

alphabar_context* context;

void refused(const Step& s, const char* sentence, bool scratch = true) {
  const uint64_t memory = scratch ? reinterpret_cast<uintptr_t>(s.scratch) : 0;
  EXPECT(alphabar_step(context, &s.row, &s.o, memory, 0) == ALPHABAR_INVALID_ARGUMENT);
  char text[512];
  alphabar_last_error(context, text, sizeof text);
  if (!EXPECT(std::string(text) == sentence)) {
    printf("  got:  %s\n  want: %s\n", text, sentence);
  }
}

template <typename Change>
void refused(Change change, const char* sentence) {
  Step s;
  change(s);
  refused(s, sentence);
}

void wrong_operands_are_named() {
  refused([](Step& s) { s.o.samples = 0; }, "A step needs at least one sample, but got samples=0, elements=8.");
  refused([](Step& s) { s.o.elements = -1; }, "A step needs at least one sample, but got samples=2, elements=-1.");
  refused([](Step& s) { s.o.elements = INT64_MAX / 8; },
          "2 samples of 1152921504606846975 elements do not fit an address space.");
  refused([](Step& s) { s.o.x = 0; }, "The row reads or writes 'x', but none was given.");
  refused([](Step& s) { s.o.out = 0; }, "The row reads or writes 'out', but none was given.");
  refused([](Step& s) { s.o.output = 0; }, "The row reads or writes 'output', but none was given.");
  refused([](Step& s) { s.row.terms |= ALPHABAR_GUIDED; }, "The row reads or writes 'uncond', but none was given.");
  refused([](Step& s) { s.row.terms |= ALPHABAR_H0; }, "The row reads or writes 'h0', but none was given.");
  refused([](Step& s) { s.row.terms |= ALPHABAR_H1; }, "The row reads or writes 'h1', but none was given.");
  refused([](Step& s) { s.row.terms |= ALPHABAR_H2; }, "The row reads or writes 'h2', but none was given.");
  refused([](Step& s) { s.row.terms |= ALPHABAR_STORE; }, "The row reads or writes 'store', but none was given.");
  refused([](Step& s) { s.o.mask = s.o.x; }, "The row reads or writes 'known', but none was given.");
  refused([](Step& s) { s.o.state_type = 9; },
          "The type of 'out' must be 0 (F32), 1 (F16), 2 (BF16) or 3 (F64), but is 9.");
  refused([](Step& s) { s.o.output_type = -1; },
          "The type of 'output' must be 0 (F32), 1 (F16), 2 (BF16) or 3 (F64), but is -1.");
  refused([](Step& s) { s.o.output_type = ALPHABAR_F64; },
          "F64 goes with F64 only, but the state is F32 and 'output' is F64.");
  refused([](Step& s) { s.o.output_stride = 7; }, "The outputs of 8 elements do not fit a stride of 7.");
  refused([](Step& s) { s.row.terms |= ALPHABAR_LEARNED; },
          "The outputs of 8 elements and as many variances do not fit a stride of 8.");
  refused([](Step& s) { s.o.output_offset = -4; },
          "An offset into the outputs must not be negative, but got output_offset=-4, uncond_offset=0.");
  refused(
      [](Step& s) {
        s.row.terms |= ALPHABAR_CZ;
        s.o.seeds = 0;
      },
      "A noisy step of 2 samples needs 'noise' or as many seeds, but got neither.");
  refused(
      [](Step& s) {
        s.o.input = s.o.x;
        s.o.input_copies = 3;
      },
      "The model input is written once or twice, but got 3.");
  refused(
      [](Step& s) {
        s.row.terms |= ALPHABAR_CP | ALPHABAR_PX | ALPHABAR_CLIP_DYNAMIC;
        s.row.quantile = 1.5;
      },
      "The quantile of a dynamic threshold must be in [0, 1], but is 1.5.");
  refused(
      [](Step& s) {
        s.o.input = s.o.x;
        s.o.input_scale = 0;
      },
      "The scale of the model input must be finite and not 0, but is 0; 1 gives the state itself.");
  refused(
      [](Step& s) {
        s.row.terms |= ALPHABAR_GUIDED | ALPHABAR_RESCALE;
        s.row.rescale = -0.5;
        s.o.uncond = s.o.output;
      },
      "The rescale of guidance must be in [0, 1], but is -0.5.");
  Step misaligned;
  misaligned.o.x = (misaligned.o.x & ~uint64_t(0xfff)) + 2;
  char want[128];
  snprintf(want, sizeof want, "'x' must be aligned to its elements of 4 bytes, but is at 0x%llx.",
           static_cast<unsigned long long>(misaligned.o.x));
  refused(misaligned, want);
  Step dynamic;
  dynamic.row.terms |= ALPHABAR_CP | ALPHABAR_PX | ALPHABAR_CLIP_DYNAMIC;
  refused(dynamic, "A row with dynamic thresholding needs 32 bytes of scratch, but got none.", false);
  Step rescaled;
  rescaled.row.terms |= ALPHABAR_GUIDED | ALPHABAR_RESCALE;
  rescaled.o.uncond = rescaled.o.output;
  refused(rescaled, "A row with rescaled guidance needs 32 bytes of scratch, but got none.", false);
}

// Two samples, the second of which starts at the second of two rows.
struct Table {
  Step step;
  alphabar_entry entries[2] = {};
  alphabar_cursor cursors[2] = {{0, 2, 0, 0}, {1, 2, 0, 0}};
  float times[2] = {-1, -1};
  alphabar_table t{};

  Table() {
    for (int k = 0; k < 2; ++k) {
      entries[k].row = step.row;
      entries[k].row.cx = k == 0 ? 2 : 10;
      entries[k].time = 100.0 - k;
      entries[k].input_scale = 1;
      entries[k].x = entries[k].out = 3;
      entries[k].h0 = entries[k].h1 = entries[k].h2 = entries[k].store = -1;
    }
    t.entries = reinterpret_cast<uintptr_t>(entries);
    t.cursors = reinterpret_cast<uintptr_t>(cursors);
    t.times = reinterpret_cast<uintptr_t>(times);
    t.slots[3] = reinterpret_cast<uintptr_t>(step.x);
    t.count = 2;
    t.terms = step.row.terms;
    t.used = 1u << 3;
  }

  void refused(const char* sentence) {
    EXPECT(alphabar_table_step(context, &t, &step.o, 0, 0) == ALPHABAR_INVALID_ARGUMENT);
    char text[512];
    alphabar_last_error(context, text, sizeof text);
    if (!EXPECT(std::string(text) == sentence)) {
      printf("  got:  %s\n  want: %s\n", text, sentence);
    }
  }
};

void a_table_gives_each_sample_its_row() {
  Table table;
  for (float& x : table.step.x) {
    x = 1;
  }
  EXPECT(alphabar_table_step(context, &table.t, &table.step.o, 0, 0) == ALPHABAR_OK);
  EXPECT(table.step.x[0] == 2 && table.step.x[kElements] == 10);
  EXPECT(table.cursors[0].row == 1 && table.cursors[1].row == 2);
  EXPECT(table.times[0] == 99 && table.times[1] == -1);
  EXPECT(alphabar_table_step(context, &table.t, &table.step.o, 0, 0) == ALPHABAR_OK);
  EXPECT(table.step.x[0] == 20 && table.step.x[kElements] == 10);
  EXPECT(table.cursors[0].row == 2 && table.cursors[1].row == 2);
}

void wrong_tables_are_named() {
  Table none;
  none.t.entries = 0;
  none.refused("The row reads or writes 'entries', but none was given.");
  Table empty;
  empty.t.count = 0;
  empty.refused("A table needs 1 to 2147483647 entries, but has 0.");
  Table slotless;
  slotless.t.slots[3] = 0;
  slotless.refused("The row reads or writes 'slot 3', but none was given.");
  Table outputless;
  outputless.step.o.output = 0;
  outputless.refused("The row reads or writes 'output', but none was given.");
  Table pixelless;
  pixelless.step.o.elements = 0;
  pixelless.refused("A table's step needs at least one element, but got elements=0.");
  Table crowd;
  crowd.step.o.samples = 65536;
  crowd.refused("A table's step takes at most 65535 samples, but got 65536.");
  EXPECT(alphabar_table_step(context, nullptr, &empty.step.o, 0, 0) == ALPHABAR_INVALID_ARGUMENT);
  EXPECT(alphabar_table_step(nullptr, &empty.t, &empty.step.o, 0, 0) == ALPHABAR_INVALID_ARGUMENT);
  uint32_t terms = 0, used = 0;
  int64_t wrong = -1;
  Table right;
  EXPECT(alphabar_table_scan(right.entries, 2, &terms, &used, &wrong) == ALPHABAR_OK);
  EXPECT(terms == right.t.terms && used == right.t.used && wrong == -1);
  right.entries[1].out = 8;
  EXPECT(alphabar_table_scan(right.entries, 2, &terms, &used, &wrong) == ALPHABAR_INVALID_ARGUMENT && wrong == 1);
  right.entries[1].out = -1;
  EXPECT(alphabar_table_scan(right.entries, 2, &terms, &used, &wrong) == ALPHABAR_INVALID_ARGUMENT);
  EXPECT(alphabar_table_scan(nullptr, 2, &terms, &used, &wrong) == ALPHABAR_INVALID_ARGUMENT);
}

void memory_of_a_host_context_is_the_hosts() {
  uint64_t address = 0;
  EXPECT(alphabar_allocate(context, 1000, &address) == ALPHABAR_OK && address % 256 == 0);
  const float values[3] = {1, 2, 3};
  EXPECT(alphabar_copy(context, address, reinterpret_cast<uintptr_t>(values), sizeof values, 0) == ALPHABAR_OK);
  EXPECT(reinterpret_cast<const float*>(address)[2] == 3);
  EXPECT(alphabar_synchronize(context, 0) == ALPHABAR_OK);
  EXPECT(alphabar_release(context, address) == ALPHABAR_OK);
  EXPECT(alphabar_release(context, 0) == ALPHABAR_OK);
  EXPECT(alphabar_allocate_pinned(context, 0, &address) == ALPHABAR_OK && address != 0);
  EXPECT(alphabar_release_pinned(context, address) == ALPHABAR_OK);
  EXPECT(alphabar_allocate(context, -1, &address) == ALPHABAR_INVALID_ARGUMENT && address == 0);
  // More than any address space has: 2^56 bytes.
  EXPECT(alphabar_allocate(context, int64_t(1) << 56, &address) == ALPHABAR_OUT_OF_MEMORY && address == 0);
  EXPECT(alphabar_copy(context, 0, reinterpret_cast<uintptr_t>(values), 4, 0) == ALPHABAR_INVALID_ARGUMENT);
  EXPECT(alphabar_copy(context, 0, 0, 0, 0) == ALPHABAR_OK);
  EXPECT(alphabar_stream_create(context, &address) == ALPHABAR_INVALID_ARGUMENT && address == 0);
  EXPECT(alphabar_capture_begin(context, 0) == ALPHABAR_INVALID_ARGUMENT);
  char text[512];
  alphabar_last_error(context, text, sizeof text);
  EXPECT(std::string(text) == "The host executes a step before the call returns and has no graphs.");
  EXPECT(alphabar_event_record(context, 0, 0) == ALPHABAR_INVALID_ARGUMENT);
  EXPECT(alphabar_synchronize(nullptr, 0) == ALPHABAR_INVALID_ARGUMENT);
}

void a_right_step_is_done() {
  Step s;
  for (int i = 0; i < 2 * kElements; ++i) {
    s.x[i] = static_cast<float>(i);
    s.g[i] = 0.5f;
  }
  EXPECT(alphabar_step(context, &s.row, &s.o, 0, 0) == ALPHABAR_OK);
  EXPECT(s.out[0] == 0.5f && s.out[15] == 15.5f);
}

void nulls_are_refused() {
  Step s;
  EXPECT(alphabar_step(nullptr, &s.row, &s.o, 0, 0) == ALPHABAR_INVALID_ARGUMENT);
  EXPECT(alphabar_step(context, nullptr, &s.o, 0, 0) == ALPHABAR_INVALID_ARGUMENT);
  EXPECT(alphabar_step(context, &s.row, nullptr, 0, 0) == ALPHABAR_INVALID_ARGUMENT);
  EXPECT(alphabar_host_create(1, nullptr) == ALPHABAR_INVALID_ARGUMENT);
  EXPECT(alphabar_host_create(-1, &context) == ALPHABAR_INVALID_ARGUMENT);
  EXPECT(alphabar_cuda_create(0, nullptr) == ALPHABAR_INVALID_ARGUMENT);
  EXPECT(alphabar_cuda_unavailable(0, nullptr, 0) == ALPHABAR_INVALID_ARGUMENT);
  alphabar_destroy(nullptr);
  alphabar_last_error(context, nullptr, 10);
  alphabar_last_error(nullptr, nullptr, 0);
}

void an_absent_device_is_a_sentence() {
  char text[512] = "?";
  const int32_t status = alphabar_cuda_unavailable(0, text, sizeof text);
  printf("CUDA device 0: status %d, %s\n", status, text[0] == '\0' ? "usable" : text);
  alphabar_context* device = context;
  const int32_t created = alphabar_cuda_create(0, &device);
  EXPECT((status == ALPHABAR_OK) == (text[0] == '\0'));
  EXPECT(created == status);
  EXPECT((device != nullptr) == (created == ALPHABAR_OK));
  alphabar_destroy(device);
  EXPECT(alphabar_cuda_unavailable(1000000, text, sizeof text) != ALPHABAR_OK);
  EXPECT(strlen(text) > 20);
}

void every_status_has_a_sentence() {
  for (int status = 0; status <= 6; ++status) {
    EXPECT(strlen(alphabar_status_text(status)) > 5);
    EXPECT(strcmp(alphabar_status_text(status), alphabar_status_text(99)) != 0);
  }
}

void contexts_come_and_go() {
  for (int i = 0; i < 2000; ++i) {
    alphabar_context* c = nullptr;
    EXPECT(alphabar_host_create(1 + i % 3, &c) == ALPHABAR_OK);
    alphabar_destroy(c);
  }
}

}  // namespace

int main() {
  EXPECT(alphabar_abi_version() == ALPHABAR_ABI_VERSION);
  EXPECT(alphabar_host_create(1, &context) == ALPHABAR_OK);
  EXPECT(alphabar_scratch_bytes(3) == 48);
  alphabar_context* kept = context;
  wrong_operands_are_named();
  a_right_step_is_done();
  a_table_gives_each_sample_its_row();
  wrong_tables_are_named();
  memory_of_a_host_context_is_the_hosts();
  nulls_are_refused();
  context = kept;
  an_absent_device_is_a_sentence();
  every_status_has_a_sentence();
  contexts_come_and_go();
  alphabar_destroy(kept);
  return alphabar_test::finish("abi_test");
}
