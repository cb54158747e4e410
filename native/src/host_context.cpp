// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// Rows on the host: which instruction set, which thread takes which elements. No split changes a bit, because every
// element is computed alone and noise is addressed by element. A step allocates nothing: blocks are on the stack,
// thresholds in the caller's scratch. A caller who finds the team busy does the whole row alone.
#include <new>
#include <thread>

#include "alphabar/fused_step.h"
#include "context.h"
#include "host_rows.h"
#include "host_team.h"

namespace alphabar {

const HostRows* host_rows(int i) {
#if defined(ALPHABAR_X86)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  switch (i) {
    case 0:
      return &kHostRowsBaseline;
    case 1:
      return avx2 ? &kHostRowsAvx2 : nullptr;
    case 2:
      return avx512 ? &kHostRowsAvx512 : nullptr;
    default:
      return nullptr;
  }
#else
  return i == 0 ? &kHostRowsBaseline : nullptr;
#endif
}

const HostRows& best_host_rows() {
  for (int i = 2; i > 0; --i) {
    if (const HostRows* rows = host_rows(i)) {
      return *rows;
    }
  }
  return *host_rows(0);
}

namespace {

// Waking the team costs a few microseconds: about as long as one thread takes for this many elements.
constexpr int64_t kParallelElements = 1 << 16;
// Drawing noise costs some ten times as much as the rest, but the team must also be woken.
constexpr int64_t kParallelNoise = 1 << 15;

struct Split {
  const HostRows* rows;
  const alphabar_row* row;
  const alphabar_operands* operands;
  double* thresholds;  // null unless the row has them
  int parties;
  bool flat;
};

void find_thresholds(void* data, int worker) {
  const Split& s = *static_cast<const Split*>(data);
  for (int64_t sample = worker; sample < s.operands->samples; sample += s.parties) {
    s.thresholds[sample] = s.rows->threshold(*s.row, *s.operands, sample);
  }
}

void run_part(void* data, int worker) {
  const Split& s = *static_cast<const Split*>(data);
  const int64_t elements = s.operands->elements;
  const int64_t total = s.operands->samples * elements;
  // Whole cache lines for each thread, also of two-byte elements.
  const int64_t part = ((total + s.parties - 1) / s.parties + 63) & ~int64_t(63);
  int64_t lo = worker * part < total ? worker * part : total;
  const int64_t hi = lo + part < total ? lo + part : total;
  while (lo < hi) {
    const int64_t sample = s.flat ? 0 : lo / elements;
    const int64_t from = lo - sample * elements;
    const int64_t to = s.flat ? hi : (elements < from + hi - lo ? elements : from + hi - lo);
    s.rows->run(*s.row, *s.operands, sample, from, to, s.thresholds == nullptr ? 0 : s.thresholds[sample]);
    lo += to - from;
  }
}

class HostContext final : public alphabar_context {
 public:
  explicit HostContext(int threads) : rows_(best_host_rows()), team_(threads) {}

  int32_t step(const alphabar_row& row, const alphabar_operands& operands, uint64_t scratch, uint64_t) override {
    Split split{&rows_, &row, &operands, nullptr, 1, is_flat(row, operands)};
    const int64_t total = operands.samples * operands.elements;
    const bool draws = draws_noise(row, operands) || draws_known_noise(row, operands);
    const bool parallel = team_.threads() > 1 && total >= (draws ? kParallelNoise : kParallelElements);
    if (needs_threshold(row.terms, operands.preview != 0)) {
      split.thresholds = reinterpret_cast<double*>(static_cast<uintptr_t>(scratch));
      share(&find_thresholds, split, parallel && operands.samples > 1);
    }
    share(&run_part, split, parallel);
    return ALPHABAR_OK;
  }

 private:
  void share(HostTeam::Job job, Split& split, bool parallel) {
    split.parties = team_.threads();
    if (!parallel || !team_.run(job, &split)) {
      split.parties = 1;
      job(&split, 0);
    }
  }

  const HostRows& rows_;
  HostTeam team_;
};

}  // namespace
}  // namespace alphabar

const char* alphabar_host_description(void) { return alphabar::best_host_rows().name; }

int32_t alphabar_host_create(int32_t threads, alphabar_context** context) {
  if (context == nullptr) {
    return ALPHABAR_INVALID_ARGUMENT;
  }
  *context = nullptr;
  if (threads < 0) {
    return ALPHABAR_INVALID_ARGUMENT;
  }
  const int processors = static_cast<int>(std::thread::hardware_concurrency());
  try {
    *context = new alphabar::HostContext(threads != 0 ? threads : processors < 1 ? 1 : processors);
  } catch (...) {
    return ALPHABAR_OUT_OF_MEMORY;
  }
  return ALPHABAR_OK;
}
