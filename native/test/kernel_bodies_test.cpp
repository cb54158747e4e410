// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The bodies of the kernels, run on the host over made-up grids: indexing, tails, vector paths, phases and the choice
// of a body give the bits of the specification without a device.
#include <stdlib.h>

#include <memory>
#include <set>
#include <string>
#include <typeinfo>

#include "cases.h"
#include "check.h"
#include "context.h"
#include "cuda_threshold.h"

using namespace alphabar;
using namespace alphabar_test;

// A grid: blocks in x, blocks in y, threads of a block.
struct Grid {
  int64_t x;
  int32_t y;
  int64_t threads;
};

static std::set<std::string> seen;

template <typename T>
static void thresholds(const RowArguments<T>& a, int threads) {
  const auto shared = std::make_unique<ThresholdShared>();
  const auto phase = [&](int64_t sample, auto work) {
    for (int t = 0; t < threads; ++t) {
      ThresholdBody<T> body{a, *shared, sample, t, threads};
      work(body);
    }
  };
  for (int64_t sample = 0; sample < a.o.samples; ++sample) {
    phase(sample, [](auto& b) { b.begin(); });
    for (int digit = 0; digit < ThresholdBody<T>::kDigits; ++digit) {
      phase(sample, [](auto& b) { b.clear(); });
      phase(sample, [&](auto& b) { b.count(digit); });
      phase(sample, [](auto& b) { b.add_up(); });
      phase(sample, [&](auto& b) { b.choose(digit); });
    }
    phase(sample, [](auto& b) { b.look_above(); });
    phase(sample, [](auto& b) { b.finish(); });
  }
}

static void every_body_gives_the_bits_of_the_specification(int count) {
  static const Grid kGrids[] = {{1, 1, 1}, {1, 2, 32}, {3, 1, 64}, {40, 5, 256}};
  Cases cases(3);
  for (int k = 0; k < count; ++k) {
    const Case c = cases.next();
    Arena want(c.arena);
    reference(c, want);
    for (const Grid& grid : kGrids) {
      Arena got(c.arena);
      const alphabar_operands o = c.at(got.base());
      std::vector<double> scratch(static_cast<size_t>(o.samples));
      const uint64_t memory = reinterpret_cast<uintptr_t>(scratch.data());
      if (o.elements > 0) {
        if (needs_threshold(c.row.terms, o.preview != 0)) {
          if (o.state_type == ALPHABAR_F64) {
            thresholds(row_arguments<double>(c.row, o, false, memory), 64);
          } else {
            thresholds(row_arguments<float>(c.row, o, false, memory), 64);
          }
        }
        choose_row(c.row, o, is_flat(c.row, o), memory, [&](auto body, const auto& a) {
          using Body = decltype(body);
          seen.insert(typeid(Body).name());
          for (int32_t y = 0; y < grid.y; ++y) {
            for (int64_t x = 0; x < grid.x; ++x) {
              for (int64_t t = 0; t < grid.threads; ++t) {
                Body::run(a, Place{x * grid.threads + t, grid.x * grid.threads, y, grid.y});
              }
            }
          }
        });
      }
      if (!EXPECT(got.same(want, c.arena.size()))) {
        printf("  case %d, grid %d x %d x %d: %s\n", k, static_cast<int>(grid.x), grid.y,
               static_cast<int>(grid.threads), c.text().c_str());
      }
    }
  }
  printf("Bodies seen: %zu\n", seen.size());
  // 5 pairs of types with and without noise, the general one aligned or not, doubles.
  EXPECT(count < 1000 || seen.size() == 13);
}

static void a_nan_in_a_sample_makes_its_threshold_one_too() {
  float x[40] = {};
  x[33] = NAN;
  double s = 0;
  alphabar_row row{};
  row.terms = ALPHABAR_CP | ALPHABAR_PX | ALPHABAR_CLIP_DYNAMIC;
  row.px = 1;
  row.quantile = 0.5f;
  row.maximum = 2;
  alphabar_operands o{};
  o.samples = 1;
  o.elements = 40;
  o.x = reinterpret_cast<uintptr_t>(x);
  thresholds(row_arguments<float>(row, o, false, reinterpret_cast<uintptr_t>(&s)), 32);
  EXPECT(s != s);
}

int main(int argc, char** argv) {
  every_body_gives_the_bits_of_the_specification(argc > 1 ? atoi(argv[1]) : 3000);
  a_nan_in_a_sample_makes_its_threshold_one_too();
  return finish("kernel_bodies_test");
}
