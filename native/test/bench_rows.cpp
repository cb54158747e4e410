// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// Times rows on the host beside plain C++ loops over the same memory and beside memcpy of as many bytes. Not a test.
//
//   build/native/test/bench_rows [threads]
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "check.h"
#include "host_rows.h"

namespace {

// What a C++ programmer would write for the row, for the same processor. Its bits may differ from a row's only where
// the compiler contracts; here it may not.
#if defined(__x86_64__)
__attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#endif
void plain_loop(const float* x, const float* g, float* out, float cx, float cg, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    out[i] = __builtin_fmaf(cg, g[i], cx * x[i]);
  }
}

// Memory that begins with a cache line, as tensors do.
template <typename T>
struct Lines {
  using value_type = T;

  T* allocate(size_t n) { return static_cast<T*>(aligned_alloc(64, (n * sizeof(T) + 63) / 64 * 64)); }
  void deallocate(T* memory, size_t) { free(memory); }
  bool operator==(const Lines&) const { return true; }
  bool operator!=(const Lines&) const { return false; }
};

// The median time of a call in nanoseconds.
template <typename Call>
double time_of(int64_t n, Call call) {
  const int batch = static_cast<int>(std::max<int64_t>(1, 4000000 / n));
  std::vector<double> times;
  for (int k = 0; k < 31; ++k) {
    const auto start = std::chrono::steady_clock::now();
    for (int b = 0; b < batch; ++b) {
      call();
    }
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    times.push_back(time.count() / batch);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

void report(const char* name, int64_t n, int floats, double nanoseconds) {
  printf("%-34s %9lld elements %12.0f ns %8.2f GB/s\n", name, static_cast<long long>(n), nanoseconds,
         static_cast<double>(n) * floats * 4 / nanoseconds);
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? atoi(argv[1]) : 1;
  alphabar_context* context = nullptr;
  if (alphabar_host_create(threads, &context) != ALPHABAR_OK) {
    return 1;
  }
  printf("%s, %d threads\n", alphabar_host_description(), threads);
  for (const int64_t n : {int64_t(16384), int64_t(1) << 24}) {
    std::vector<float, Lines<float>> x(n), g(n), h(n), m(n), out(n);
    for (int64_t i = 0; i < n; ++i) {
      x[i] = static_cast<float>(i % 1000) * 0.001f;
      g[i] = static_cast<float>(i % 777) * 0.002f;
      h[i] = static_cast<float>(i % 555) * 0.003f;
    }
    const int64_t seed = 1;
    alphabar_row row{};
    row.px = 1.25f;
    row.pg = -0.75f;
    row.cx = 0.5f;
    row.cp = 0.25f;
    row.cg = -0.25f;
    row.sx = 1.5f;
    row.sg = -0.5f;
    row.h0 = -0.125f;
    row.cz = 0.1f;
    row.range = 1;
    alphabar_operands o{};
    o.samples = 1;
    o.elements = o.output_stride = n;
    o.x = reinterpret_cast<uintptr_t>(x.data());
    o.output = reinterpret_cast<uintptr_t>(g.data());
    o.out = reinterpret_cast<uintptr_t>(out.data());
    o.h0 = reinterpret_cast<uintptr_t>(h.data());
    o.store = reinterpret_cast<uintptr_t>(m.data());
    o.seeds = reinterpret_cast<uintptr_t>(&seed);
    const auto step = [&](uint32_t terms) {
      row.terms = terms;
      return time_of(n, [&] { alphabar_step(context, &row, &o, 0, 0); });
    };
    constexpr uint32_t kDdim = ALPHABAR_CX | ALPHABAR_CG;
    constexpr uint32_t kClipped = ALPHABAR_CP | ALPHABAR_CG | ALPHABAR_PX | ALPHABAR_PG | ALPHABAR_CLIP_RANGE;
    constexpr uint32_t kDpm = kDdim | ALPHABAR_H0 | ALPHABAR_STORE | ALPHABAR_SX | ALPHABAR_SG;
    report("memcpy (1.5 x, as many bytes)", n, 3,
           1.5 * time_of(n, [&] { memcpy(out.data(), x.data(), n * sizeof(float)); }));
    report("plain loop, DDIM", n, 3, time_of(n, [&] { plain_loop(x.data(), g.data(), out.data(), 0.5f, -0.25f, n); }));
    std::vector<float, Lines<float>> want(out);
    report("row, DDIM", n, 3, step(kDdim));
    EXPECT(memcmp(want.data(), out.data(), n * sizeof(float)) == 0);
    report("row, DDIM clipped", n, 3, step(kClipped));
    report("row, DPM-Solver++(2M)", n, 5, step(kDpm));
    report("row, DDIM with noise drawn", n, 3, step(kDdim | ALPHABAR_CZ));
    // Ordinary numbers whichever the type: between 1 and 2 as F16, small as BF16.
    for (auto* halves : {&x, &g}) {
      auto* const values = reinterpret_cast<uint16_t*>(halves->data());
      for (int64_t i = 0; i < n; ++i) {
        values[i] = static_cast<uint16_t>(0x3c00 + i % 1000);
      }
    }
    o.state_type = o.output_type = ALPHABAR_F16;
    report("row, DDIM in F16 (as F32)", n, 3, step(kDdim));
    o.state_type = o.output_type = ALPHABAR_BF16;
    report("row, DDIM in BF16 (as F32)", n, 3, step(kDdim));
    o.state_type = o.output_type = ALPHABAR_F32;
    o.out = o.x;
    report("row, DDIM in place", n, 3, step(kDdim));
  }
  alphabar_destroy(context);
  return alphabar_test::finish("bench_rows");
}
