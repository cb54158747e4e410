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

constexpr int kElements = 8;

struct Step {
  float x[2 * kElements] = {}, out[2 * kElements] = {}, g[4 * kElements] = {};
  int64_t seeds[2] = {1, 2};
  double scratch[2] = {};
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
  Step misaligned;
  misaligned.o.x = (misaligned.o.x & ~uint64_t(0xfff)) + 2;
  char want[128];
  snprintf(want, sizeof want, "'x' must be aligned to its elements of 4 bytes, but is at 0x%llx.",
           static_cast<unsigned long long>(misaligned.o.x));
  refused(misaligned, want);
  Step dynamic;
  dynamic.row.terms |= ALPHABAR_CP | ALPHABAR_PX | ALPHABAR_CLIP_DYNAMIC;
  refused(dynamic, "A row with dynamic thresholding needs 16 bytes of scratch, but got none.", false);
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
  EXPECT(alphabar_scratch_bytes(3) == 24);
  alphabar_context* kept = context;
  wrong_operands_are_named();
  a_right_step_is_done();
  nulls_are_refused();
  context = kept;
  an_absent_device_is_a_sentence();
  every_status_has_a_sentence();
  contexts_come_and_go();
  alphabar_destroy(kept);
  return alphabar_test::finish("abi_test");
}
