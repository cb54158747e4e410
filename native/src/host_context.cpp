// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// Rows on the host: which instruction set, which thread takes which elements. No split changes a bit, because every
// element is computed alone and noise is addressed by element. A step allocates nothing: blocks are on the stack,
// thresholds in the caller's scratch. A caller who finds the team busy does the whole row alone.
#include <stdlib.h>
#include <string.h>

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
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
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

// One row for the whole batch, or a row for each sample.
struct Split {
  const HostRows* rows;
  const alphabar_row* row;      // null: the table's
  const alphabar_table* table;  // null: one row
  const alphabar_operands* operands;
  double* thresholds;  // null unless some row has them
  double* factors;     // likewise
  int parties;
  bool flat;
};

const alphabar_cursor& cursor_of(const alphabar_table& table, int64_t sample) {
  return reinterpret_cast<const alphabar_cursor*>(static_cast<uintptr_t>(table.cursors))[sample];
}

const alphabar_entry* entries_of(const alphabar_table& table) {
  return reinterpret_cast<const alphabar_entry*>(static_cast<uintptr_t>(table.entries));
}

// A sample's row with its operands.
struct SampleRow {
  const alphabar_row* row;  // null where the sample is done
  alphabar_operands operands;

  SampleRow(const Split& s, int64_t sample) : row(s.row), operands(*s.operands) {
    if (s.table == nullptr) {
      return;
    }
    const alphabar_cursor& at = cursor_of(*s.table, sample);
    if (at.row < 0 || at.row >= at.end || at.row >= s.table->count) {
      return;
    }
    const alphabar_entry& e = entries_of(*s.table)[at.row];
    const auto slot = [&](int8_t number) { return number < 0 ? 0 : s.table->slots[number % ALPHABAR_SLOTS]; };
    row = &e.row;
    operands.x = slot(e.x);
    operands.out = slot(e.out);
    operands.h0 = slot(e.h0);
    operands.h1 = slot(e.h1);
    operands.h2 = slot(e.h2);
    operands.store = slot(e.store);
    operands.draw = e.draw;
    operands.input_scale = e.input_scale;
  }
};

void reduce(void* data, int worker) {
  const Split& s = *static_cast<const Split*>(data);
  const bool preview = s.operands->preview != 0;
  for (int64_t sample = worker; sample < s.operands->samples; sample += s.parties) {
    const SampleRow of(s, sample);
    if (of.row == nullptr) {
      continue;
    }
    const bool rescales = needs_rescale(of.row->terms, preview);
    const double factor = rescales ? s.rows->factor(*of.row, of.operands, sample) : 1.0;
    if (rescales) {
      s.factors[sample] = factor;
    }
    if (needs_threshold(of.row->terms, preview)) {
      s.thresholds[sample] = s.rows->threshold(*of.row, of.operands, sample, factor);
    }
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
    const SampleRow of(s, sample);
    if (of.row != nullptr) {
      s.rows->run(*of.row, of.operands, sample, from, to,
                  SampleValues<double>{s.thresholds == nullptr ? 0.0 : s.thresholds[sample],
                                       s.factors == nullptr ? 1.0 : s.factors[sample]});
    }
    lo += to - from;
  }
}

// Aligned as a device's memory is.
constexpr size_t kAlignment = 256;
// No process can address more; asked for more, an allocator that checks its callers aborts.
constexpr size_t kMostBytes = size_t(1) << 47;

class HostContext final : public alphabar_context {
 public:
  explicit HostContext(int threads) : rows_(best_host_rows()), team_(threads) {}

  int32_t step(const alphabar_row& row, const alphabar_operands& operands, uint64_t scratch, uint64_t) override {
    Split split{&rows_, &row, nullptr, &operands, nullptr, nullptr, 1, is_flat(row, operands)};
    execute(split, row.terms, draws_noise(row, operands) || draws_known_noise(row, operands), scratch);
    return ALPHABAR_OK;
  }

  int32_t table_step(const alphabar_table& table, const alphabar_operands& operands, uint64_t scratch,
                     uint64_t) override {
    Split split{&rows_, nullptr, &table, &operands, nullptr, nullptr, 1, false};
    alphabar_row all{};
    all.terms = table.terms;
    execute(split, table.terms, draws_noise(all, operands), scratch);
    auto* cursors = reinterpret_cast<alphabar_cursor*>(static_cast<uintptr_t>(table.cursors));
    auto* times = reinterpret_cast<float*>(static_cast<uintptr_t>(table.times));
    for (int32_t sample = 0; sample < operands.samples; ++sample) {
      alphabar_cursor& at = cursors[sample];
      if (at.row < 0 || at.row >= at.end || at.row >= table.count) {
        continue;
      }
      ++at.row;
      if (times != nullptr && at.row < at.end && at.row < table.count) {
        times[sample] = static_cast<float>(entries_of(table)[at.row].time);
      }
    }
    return ALPHABAR_OK;
  }

  int32_t allocate(int64_t bytes, uint64_t* address) override {
    void* memory = nullptr;
    const size_t size = bytes == 0 ? kAlignment : static_cast<size_t>(bytes);
    if (size > kMostBytes || posix_memalign(&memory, kAlignment, size) != 0) {
      return fail(ALPHABAR_OUT_OF_MEMORY, "Cannot allocate %lld bytes of the host's memory.",
                  static_cast<long long>(bytes));
    }
    *address = reinterpret_cast<uintptr_t>(memory);
    return ALPHABAR_OK;
  }

  int32_t release(uint64_t address) override {
    free(reinterpret_cast<void*>(static_cast<uintptr_t>(address)));
    return ALPHABAR_OK;
  }

  int32_t allocate_pinned(int64_t bytes, uint64_t* address) override { return allocate(bytes, address); }
  int32_t release_pinned(uint64_t address) override { return release(address); }

  int32_t copy(uint64_t to, uint64_t from, int64_t bytes, uint64_t) override {
    memmove(reinterpret_cast<void*>(static_cast<uintptr_t>(to)),
            reinterpret_cast<const void*>(static_cast<uintptr_t>(from)), static_cast<size_t>(bytes));
    return ALPHABAR_OK;
  }

  int32_t synchronize(uint64_t) override { return ALPHABAR_OK; }
  int32_t stream_create(uint64_t*) override { return absent("streams"); }
  int32_t stream_destroy(uint64_t) override { return absent("streams"); }
  int32_t event_create(uint64_t*) override { return absent("events"); }
  int32_t event_destroy(uint64_t) override { return absent("events"); }
  int32_t event_record(uint64_t, uint64_t) override { return absent("events"); }
  int32_t event_wait(uint64_t, uint64_t) override { return absent("events"); }
  int32_t event_elapsed(uint64_t, uint64_t, float*) override { return absent("events"); }
  int32_t capture_begin(uint64_t) override { return absent("graphs"); }
  int32_t capture_end(uint64_t, uint64_t*) override { return absent("graphs"); }
  int32_t graph_launch(uint64_t, uint64_t) override { return absent("graphs"); }
  int32_t graph_destroy(uint64_t) override { return absent("graphs"); }

 private:
  int32_t absent(const char* what) {
    return fail(ALPHABAR_INVALID_ARGUMENT, "The host executes a step before the call returns and has no %s.", what);
  }

  void execute(Split& split, uint32_t terms, bool draws, uint64_t scratch) {
    const alphabar_operands& operands = *split.operands;
    const bool preview = operands.preview != 0;
    const int64_t total = operands.samples * operands.elements;
    const bool parallel = team_.threads() > 1 && total >= (draws ? kParallelNoise : kParallelElements);
    double* numbers = reinterpret_cast<double*>(static_cast<uintptr_t>(scratch));
    split.thresholds = needs_threshold(terms, preview) ? numbers : nullptr;
    split.factors = needs_rescale(terms, preview) ? numbers + operands.samples : nullptr;
    if (split.thresholds != nullptr || split.factors != nullptr) {
      share(&reduce, split, parallel && operands.samples > 1);
    }
    share(&run_part, split, parallel);
  }

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
