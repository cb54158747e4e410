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
#include "cuda_rescale.h"
#include "cuda_table.h"
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
static std::set<std::string> seen_in_tables;

template <typename T>
static void threshold(const RowArguments<T>& a, int64_t sample, int threads) {
  const auto shared = std::make_unique<ThresholdShared>();
  const auto phase = [&](auto work) {
    for (int t = 0; t < threads; ++t) {
      ThresholdBody<T> body{a, *shared, sample, t, threads};
      work(body);
    }
  };
  phase([](auto& b) { b.begin(); });
  for (int digit = 0; digit < ThresholdBody<T>::kDigits; ++digit) {
    phase([](auto& b) { b.clear(); });
    phase([&](auto& b) { b.count(digit); });
    phase([](auto& b) { b.add_up(); });
    phase([&](auto& b) { b.choose(digit); });
  }
  phase([](auto& b) { b.look_above(); });
  phase([](auto& b) { b.finish(); });
}

template <typename T>
static void rescale(const RowArguments<T>& a, int64_t sample, int threads) {
  const auto shared = std::make_unique<RescaleShared>();
  const auto phase = [&](auto work) {
    for (int t = 0; t < threads; ++t) {
      RescaleBody<T> body{a, *shared, sample, t, threads};
      work(body);
    }
  };
  const auto fold = [&] {
    for (int half = kRescaleLanes / 2; half > 0; half /= 2) {
      phase([&](auto& b) { b.fold(half); });
    }
  };
  phase([](auto& b) { b.sum(); });
  fold();
  phase([](auto& b) { b.mean(); });
  phase([](auto& b) { b.squares(); });
  fold();
  phase([](auto& b) { b.finish(); });
}

template <typename T>
static void reductions(const RowArguments<T>& a, int64_t sample, int threads) {
  if (a.factors != nullptr) {
    rescale(a, sample, threads);
  }
  if (a.thresholds != nullptr) {
    threshold(a, sample, threads);
  }
}

template <typename T>
static void reductions(const RowArguments<T>& a, int threads) {
  for (int64_t sample = 0; sample < a.o.samples; ++sample) {
    reductions(a, sample, threads);
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
      std::vector<double> scratch(2 * static_cast<size_t>(o.samples));
      const uint64_t memory = reinterpret_cast<uintptr_t>(scratch.data());
      if (o.elements > 0) {
        if (o.state_type == ALPHABAR_F64) {
          reductions(row_arguments<double>(c.row, o, false, memory), 64);
        } else {
          reductions(row_arguments<float>(c.row, o, false, memory), 64);
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

// Every block of a sample must read the cursor before it moves, so the shim lets all of them arrive before any runs,
// and also one after the other, as a device with a single free multiprocessor would.
static void every_table_gives_the_bits_of_its_rows(int count) {
  static const Grid kGrids[] = {{1, 0, 1}, {3, 0, 32}, {2, 0, 256}};
  Cases cases(5);
  for (int k = 0; k < count; ++k) {
    const TableCase c = cases.next_table();
    const alphabar_operands& shape = c.shared.operands;
    Arena want(c.shared.arena);
    std::vector<alphabar_cursor> want_cursors = c.cursors;
    std::vector<float> want_times(static_cast<size_t>(shape.samples), -1.0f);
    for (int step = 0; step < c.steps; ++step) {
      reference(c, want, want_cursors, want_times);
    }
    for (const Grid& grid : kGrids) {
      Arena got(c.shared.arena);
      std::vector<alphabar_cursor> cursors = c.cursors;
      std::vector<float> times(static_cast<size_t>(shape.samples), -1.0f);
      std::vector<double> scratch(2 * static_cast<size_t>(shape.samples));
      const uint64_t memory = reinterpret_cast<uintptr_t>(scratch.data());
      const alphabar_operands o = c.shared.at(got.base());
      const alphabar_table table =
          c.at(got.base(), reinterpret_cast<uintptr_t>(c.entries.data()), reinterpret_cast<uintptr_t>(cursors.data()),
               reinterpret_cast<uintptr_t>(times.data()));
      const int threads = static_cast<int>(grid.threads);
      for (int step = 0; step < c.steps; ++step) {
        choose_table(table, o, memory, [&](auto kernel, const TableArguments& t) {
          using Body = decltype(kernel);
          seen_in_tables.insert(typeid(Body).name());
          for (int64_t sample = 0; sample < o.samples; ++sample) {
            std::vector<TableShared> shared(static_cast<size_t>(grid.x));
            const auto phase = [&](int64_t x, auto work) {
              for (int thread = 0; thread < threads; ++thread) {
                TableBody body{t, shared[static_cast<size_t>(x)], sample, thread, threads};
                work(body);
              }
            };
            // The reductions have a launch of their own, which moves nothing.
            phase(0, [](auto& b) { b.find(); });
            if (shared[0].row < 0) {
              continue;
            }
            phase(0, [](auto& b) { b.stage(); });
            reductions(shared[0].a, sample, 64);
            for (int64_t x = 0; x < grid.x; ++x) {
              phase(x, [](auto& b) { b.find(); });
              EXPECT(shared[static_cast<size_t>(x)].row >= 0);
              phase(x, [](auto& b) { b.stage(); });
              if (k % 2 == 0) {
                phase(x, [&](auto& b) { b.advance(static_cast<uint32_t>(grid.x)); });
              }
            }
            for (int64_t x = 0; x < grid.x; ++x) {
              if (k % 2 == 1) {
                phase(x, [&](auto& b) { b.advance(static_cast<uint32_t>(grid.x)); });
              }
              phase(x, [&](auto& b) { b.template run<Body>(x * threads + b.thread, grid.x * threads); });
            }
          }
        });
      }
      if (!EXPECT(got.same(want, c.shared.arena.size())) || !EXPECT(same(cursors, want_cursors)) ||
          !EXPECT(times == want_times)) {
        printf("  table %d of %zu rows, grid %d x %d: %s\n", k, c.entries.size(), static_cast<int>(grid.x), threads,
               c.shared.text().c_str());
      }
    }
  }
  printf("Bodies seen in tables: %zu\n", seen_in_tables.size());
  // As for rows, without the doubles.
  EXPECT(count < 1000 || seen_in_tables.size() == 12);
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
  threshold(row_arguments<float>(row, o, false, reinterpret_cast<uintptr_t>(&s)), 0, 32);
  EXPECT(s != s);
}

int main(int argc, char** argv) {
  every_body_gives_the_bits_of_the_specification(argc > 1 ? atoi(argv[1]) : 3000);
  every_table_gives_the_bits_of_its_rows(argc > 1 ? atoi(argv[1]) : 3000);
  a_nan_in_a_sample_makes_its_threshold_one_too();
  return finish("kernel_bodies_test");
}
