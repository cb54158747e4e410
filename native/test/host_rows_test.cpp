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
  a_nan_survives_clipping();
  return finish("host_rows_test");
}
