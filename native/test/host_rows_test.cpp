// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The rows of every instruction set that this processor has give the bits of the specification, for any kind of row,
// size, type, offset, split and number of threads.
#include "host_rows.h"

#include <stdlib.h>

#include <thread>

#include "cases.h"
#include "check.h"

using namespace alphabar;
using namespace alphabar_test;

static void every_instruction_set_gives_the_bits_of_the_specification(int count) {
  Cases cases(1);
  for (int k = 0; k < count; ++k) {
    const Case c = cases.next();
    Arena want(c.arena);
    reference(c, want);
    for (int isa = 0; isa < 3; ++isa) {
      const HostRows* rows = host_rows(isa);
      if (rows == nullptr) {
        continue;
      }
      Arena got(c.arena);
      const alphabar_operands o = c.at(got.base());
      for (int s = 0; s < o.samples && o.elements > 0; ++s) {
        const bool preview = o.preview != 0;
        SampleValues<double> of{0, 1};
        of.factor = needs_rescale(c.row.terms, preview) ? rows->factor(c.row, o, s) : 1;
        of.threshold = needs_threshold(c.row.terms, preview) ? rows->threshold(c.row, o, s, of.factor) : 0;
        // Cut at an odd place: in the middle of a block of noise and of a vector.
        const int64_t cut = o.elements * 3 / 7;
        rows->run(c.row, o, s, cut, o.elements, of);
        rows->run(c.row, o, s, 0, cut, of);
      }
      if (!EXPECT(got.same(want, c.arena.size()))) {
        printf("  case %d, %s: %s\n", k, rows->name, c.text().c_str());
      }
    }
  }
}

static void any_number_of_threads_gives_the_same_bits(int count) {
  alphabar_context* contexts[3] = {};
  const int kThreads[3] = {1, 2, 5};
  for (int t = 0; t < 3; ++t) {
    EXPECT(alphabar_host_create(kThreads[t], &contexts[t]) == ALPHABAR_OK);
  }
  Cases cases(2);
  for (int k = 0; k < count; ++k) {
    const Case c = cases.next();
    Arena want(c.arena);
    reference(c, want);
    std::vector<double> scratch(2 * static_cast<size_t>(c.operands.samples));
    for (alphabar_context* context : contexts) {
      Arena got(c.arena);
      const alphabar_operands o = c.at(got.base());
      EXPECT(alphabar_step(context, &c.row, &o, reinterpret_cast<uintptr_t>(scratch.data()), 0) == ALPHABAR_OK);
      if (!EXPECT(got.same(want, c.arena.size()))) {
        printf("  case %d: %s\n", k, c.text().c_str());
      }
    }
  }
  for (alphabar_context* context : contexts) {
    alphabar_destroy(context);
  }
}

static void tables_give_the_bits_of_their_rows(int count) {
  alphabar_context* contexts[2] = {};
  EXPECT(alphabar_host_create(1, &contexts[0]) == ALPHABAR_OK);
  EXPECT(alphabar_host_create(3, &contexts[1]) == ALPHABAR_OK);
  Cases cases(6);
  for (int k = 0; k < count; ++k) {
    const TableCase c = cases.next_table();
    const size_t samples = static_cast<size_t>(c.shared.operands.samples);
    Arena want(c.shared.arena);
    std::vector<alphabar_cursor> want_cursors = c.cursors;
    std::vector<float> want_times(samples, -1.0f);
    for (int step = 0; step < c.steps; ++step) {
      reference(c, want, want_cursors, want_times);
    }
    for (alphabar_context* context : contexts) {
      Arena got(c.shared.arena);
      std::vector<alphabar_cursor> cursors = c.cursors;
      std::vector<float> times(samples, -1.0f);
      std::vector<double> scratch(2 * samples);
      const alphabar_operands o = c.shared.at(got.base());
      const alphabar_table table =
          c.at(got.base(), reinterpret_cast<uintptr_t>(c.entries.data()), reinterpret_cast<uintptr_t>(cursors.data()),
               reinterpret_cast<uintptr_t>(times.data()));
      for (int step = 0; step < c.steps; ++step) {
        EXPECT(alphabar_table_step(context, &table, &o, reinterpret_cast<uintptr_t>(scratch.data()), 0) == ALPHABAR_OK);
      }
      if (!EXPECT(got.same(want, c.shared.arena.size())) || !EXPECT(same(cursors, want_cursors)) ||
          !EXPECT(times == want_times)) {
        char text[512];
        alphabar_last_error(context, text, sizeof text);
        printf("  table %d of %zu rows: %s %s\n", k, c.entries.size(), c.shared.text().c_str(), text);
      }
    }
  }
  for (alphabar_context* context : contexts) {
    alphabar_destroy(context);
  }
}

// Large enough for the team to be used, from several threads at once.
static void callers_may_share_a_context() {
  alphabar_context* context = nullptr;
  EXPECT(alphabar_host_create(3, &context) == ALPHABAR_OK);
  const int64_t n = 100003;
  std::vector<std::thread> callers;
  std::vector<int> wrong(4, -1);
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&, t] {
      std::vector<float> x(n), g(n), want(n), got(n);
      const int64_t seed = t;
      for (int64_t i = 0; i < n; ++i) {
        x[i] = static_cast<float>(i % 1000) * 0.001f - 0.5f;
        g[i] = static_cast<float>(i % 777) * 0.002f - 0.7f;
      }
      alphabar_row row{};
      row.terms = ALPHABAR_CX | ALPHABAR_CG | ALPHABAR_CZ;
      row.cx = 0.75f;
      row.cg = -0.3f;
      row.cz = 0.1f;
      row.stream = 1;
      alphabar_operands o{};
      o.samples = 1;
      o.elements = o.output_stride = n;
      o.draw = t;
      o.x = reinterpret_cast<uintptr_t>(x.data());
      o.output = reinterpret_cast<uintptr_t>(g.data());
      o.seeds = reinterpret_cast<uintptr_t>(&seed);
      o.out = reinterpret_cast<uintptr_t>(want.data());
      best_host_rows().run(row, o, 0, 0, n, SampleValues<double>{0, 1});
      o.out = reinterpret_cast<uintptr_t>(got.data());
      wrong[t] = 0;
      for (int k = 0; k < 50; ++k) {
        std::fill(got.begin(), got.end(), 0.0f);
        wrong[t] += alphabar_step(context, &row, &o, 0, 0) != ALPHABAR_OK;
        wrong[t] += memcmp(got.data(), want.data(), n * sizeof(float)) != 0;
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  for (int w : wrong) {
    EXPECT(w == 0);
  }
  alphabar_destroy(context);
}

// A row of 1 x: what comes out is what went in.
template <typename Half>
static void every_half_passes_through_a_row(int32_t type, uint32_t infinity) {
  std::vector<Half> x(0x10000), out(0x10000);
  for (uint32_t bits = 0; bits < 0x10000u; ++bits) {
    x[bits].bits = static_cast<uint16_t>(bits);
  }
  for (int isa = 0; isa < 3; ++isa) {
    const HostRows* rows = host_rows(isa);
    if (rows == nullptr) {
      continue;
    }
    alphabar_row row{};
    row.terms = ALPHABAR_CX;
    row.cx = 1;
    alphabar_operands o{};
    o.samples = 1;
    o.elements = o.output_stride = 0x10000;
    o.state_type = type;
    o.x = reinterpret_cast<uintptr_t>(x.data());
    o.out = reinterpret_cast<uintptr_t>(out.data());
    rows->run(row, o, 0, 0, 0x10000, SampleValues<double>{0, 1});
    int wrong = 0;
    for (uint32_t bits = 0; bits < 0x10000u; ++bits) {
      const uint32_t got = out[bits].bits;
      const bool nan = (bits & 0x7fffu) > infinity;
      wrong += nan ? (got & 0x7fffu) <= infinity || ((got ^ bits) & 0x8000u) != 0 : got != bits;
    }
    EXPECT(wrong == 0);
  }
}

// Tensors of more than 8 MiB, which are stored around the cache unless the row is in place. An odd number of elements
// that do not begin with a cache line, in two parts, so that nothing is a multiple of anything.
static void large_rows_give_the_bits_of_small_ones(int32_t type, int64_t width) {
  const int64_t n = (int64_t(8) << 20) / width + 1237;
  const int64_t start = 3 * width;
  const auto tensor = [&] { return std::vector<uint8_t>(static_cast<size_t>(start + n * width)); };
  std::vector<uint8_t> x = tensor(), g = tensor(), h = tensor();
  for (int64_t i = 0; i < n; ++i) {
    write(x.data() + start, type, i, static_cast<double>(i % 1013) * 0.001 - 0.5);
    write(g.data() + start, type, i, static_cast<double>(i % 777) * 0.002 - 0.7);
    write(h.data() + start, type, i, static_cast<double>(i % 555) * -0.003 + 1.1);
  }
  alphabar_row row{};
  row.terms = ALPHABAR_CX | ALPHABAR_CG | ALPHABAR_H0 | ALPHABAR_STORE | ALPHABAR_SX | ALPHABAR_SG;
  row.cx = 0.75f;
  row.cg = -0.3f;
  row.h0 = 0.2f;
  row.sx = 1.5f;
  row.sg = -0.9f;
  alphabar_operands o{};
  o.samples = 1;
  o.elements = o.output_stride = n;
  o.state_type = o.output_type = type;
  const auto at = [&](std::vector<uint8_t>& memory) { return reinterpret_cast<uintptr_t>(memory.data()) + start; };
  o.output = at(g);
  for (int isa = 0; isa < 3; ++isa) {
    const HostRows* rows = host_rows(isa);
    if (rows == nullptr) {
      continue;
    }
    std::vector<uint8_t> out = tensor(), stored = tensor(), want = x, want_stored = h;
    o.x = o.out = at(want);
    o.h0 = o.store = at(want_stored);
    rows->run(row, o, 0, 0, n, SampleValues<double>{0, 1});
    o.x = at(x);
    o.h0 = at(h);
    o.out = at(out);
    o.store = at(stored);
    rows->run(row, o, 0, 0, 100003, SampleValues<double>{0, 1});
    rows->run(row, o, 0, 100003, n, SampleValues<double>{0, 1});
    EXPECT(memcmp(out.data() + start, want.data() + start, static_cast<size_t>(n * width)) == 0);
    EXPECT(memcmp(stored.data() + start, want_stored.data() + start, static_cast<size_t>(n * width)) == 0);
    EXPECT(std::count(out.begin(), out.begin() + start, 0) == start);
  }
}

static void a_nan_survives_clipping() {
  for (uint32_t clip : {ALPHABAR_CLIP_RANGE, ALPHABAR_CLIP_DYNAMIC}) {
    for (int isa = 0; isa < 3; ++isa) {
      const HostRows* rows = host_rows(isa);
      if (rows == nullptr) {
        continue;
      }
      float x[20], out[20];
      for (int i = 0; i < 20; ++i) {
        x[i] = i == 7 ? NAN : static_cast<float>(i);
      }
      alphabar_row row{};
      row.terms = ALPHABAR_CP | ALPHABAR_PX | clip;
      row.cp = row.px = row.range = 1;
      row.quantile = 0.5f;
      row.maximum = 2;
      alphabar_operands o{};
      o.samples = 1;
      o.elements = o.output_stride = 20;
      o.x = reinterpret_cast<uintptr_t>(x);
      o.out = reinterpret_cast<uintptr_t>(out);
      const double threshold = rows->threshold(row, o, 0, 1);
      EXPECT(threshold != threshold);
      rows->run(row, o, 0, 0, 20, SampleValues<double>{threshold, 1});
      EXPECT(out[7] != out[7]);
      EXPECT(clip == ALPHABAR_CLIP_DYNAMIC || (out[0] == 0 && out[19] == 1));
    }
  }
}

int main(int argc, char** argv) {
  const int count = argc > 1 ? atoi(argv[1]) : 3000;
  printf("Chosen here: %s\n", alphabar_host_description());
  every_instruction_set_gives_the_bits_of_the_specification(count);
  any_number_of_threads_gives_the_same_bits(count / 3);
  tables_give_the_bits_of_their_rows(count / 3);
  callers_may_share_a_context();
  every_half_passes_through_a_row<F16>(ALPHABAR_F16, 0x7c00u);
  every_half_passes_through_a_row<BF16>(ALPHABAR_BF16, 0x7f80u);
  large_rows_give_the_bits_of_small_ones(ALPHABAR_F32, 4);
  large_rows_give_the_bits_of_small_ones(ALPHABAR_F16, 2);
  large_rows_give_the_bits_of_small_ones(ALPHABAR_BF16, 2);
  large_rows_give_the_bits_of_small_ones(ALPHABAR_F64, 8);
  a_nan_survives_clipping();
  return finish("host_rows_test");
}
