// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The bodies of kernels whose rows lie in a table on the device. A block takes its sample's cursor, puts that entry's
// row into shared memory as the arguments of an ordinary row, and runs the ordinary body. The last block of a sample to
// have read the cursor moves it, so that one launch needs no second one after it: rows are read when the kernel runs,
// and a captured launch executes the next row each time it is replayed.
#ifndef ALPHABAR_CUDA_TABLE_H
#define ALPHABAR_CUDA_TABLE_H

#include "cuda_row.h"

namespace alphabar {

// What a launch passes by value.
struct TableArguments {
  alphabar_table table;
  alphabar_operands o;  // what all rows share
  uint64_t scratch;
  int64_t total;
};

// What the threads of a block share.
struct TableShared {
  RowArguments<float> a;
  int32_t row;  // -1 where the sample is done
};

ALPHABAR_HD uint32_t arrive(uint32_t* counter) {
#if defined(__CUDA_ARCH__)
  // What this block read of the cursor, it has read before others can see it arrive.
  __threadfence();
  return atomicAdd(counter, 1u);
#else
  return (*counter)++;
#endif
}

struct TableBody {
  const TableArguments& t;
  TableShared& shared;
  int64_t sample;
  int thread;
  int threads;

  ALPHABAR_HD alphabar_cursor* cursor() const { return address_of<alphabar_cursor>(t.table.cursors, sample); }

  ALPHABAR_HD const alphabar_entry& entry(int64_t row) const {
    return *address_of<const alphabar_entry>(t.table.entries, row);
  }

  ALPHABAR_HD void find() {
    if (thread == 0) {
      const alphabar_cursor at = *cursor();
      shared.row = at.row >= 0 && at.row < at.end && at.row < t.table.count ? at.row : -1;
    }
  }

  ALPHABAR_HD bool is_done() const { return shared.row < 0; }

  ALPHABAR_HD uint64_t slot(int8_t number) const { return number < 0 ? 0 : t.table.slots[number % ALPHABAR_SLOTS]; }

  // Rounds the coefficients by as many threads as there are: a device may have few units for doubles.
  ALPHABAR_HD void stage() {
    const alphabar_entry& from = entry(shared.row);
    constexpr int kCount = sizeof(Coefficients<float>) / sizeof(float);
    static_assert(kCount == (sizeof(alphabar_row) - 8) / sizeof(double), "every coefficient of a row, in its order");
    const double* wide = &from.row.weight;
    float* narrow = &shared.a.c.weight;
    for (int k = thread; k < kCount; k += threads) {
      narrow[k] = static_cast<float>(wide[k]);
    }
    if (thread == 0) {
      RowArguments<float>& a = shared.a;
      const bool preview = t.o.preview != 0;
      a.o = t.o;
      a.o.x = slot(from.x);
      a.o.out = slot(from.out);
      a.o.h0 = slot(from.h0);
      a.o.h1 = slot(from.h1);
      a.o.h2 = slot(from.h2);
      a.o.store = slot(from.store);
      a.o.draw = from.draw;
      a.o.input_scale = from.input_scale;
      a.total = t.total;
      a.terms = from.row.terms;
      a.stream = from.row.stream;
      const double* thresholds = address_of<const double>(t.scratch, 0);
      a.thresholds = needs_threshold(a.terms, preview) ? thresholds : nullptr;
      a.factors = needs_rescale(a.terms, preview) ? thresholds + t.o.samples : nullptr;
    }
  }

  // Moves the cursor once all `blocks` of the sample have read it.
  ALPHABAR_HD void advance(uint32_t blocks) {
    if (thread == 0 && arrive(&cursor()->arrived) == blocks - 1) {
      const int32_t next = shared.row + 1;
      cursor()->arrived = 0;
      cursor()->row = next;
      if (t.table.times != 0 && next < cursor()->end && next < t.table.count) {
        *address_of<float>(t.table.times, sample) = static_cast<float>(entry(next).time);
      }
    }
  }

  // Only this sample's part of the batch.
  template <typename Body>
  ALPHABAR_HD void run(int64_t first, int64_t stride) const {
    Place place;
    place.first = first;
    place.stride = stride;
    place.sample = static_cast<int32_t>(sample);
    place.sample_stride = t.o.samples;
    Body::run(shared.a, place);
  }
};

// What is looked at for the choice of a body: every tensor that some row may use, in one place each.
inline alphabar_operands table_operands(const alphabar_table& table, const alphabar_operands& o) {
  alphabar_operands all = o;
  all.x = 0;
  for (int k = 0; k < ALPHABAR_SLOTS; ++k) {
    all.x |= (table.used >> k & 1) != 0 ? table.slots[k] : 0;
  }
  all.out = all.h0 = all.h1 = all.h2 = all.store = 0;
  return all;
}

template <typename Launch>
auto choose_table(const alphabar_table& table, const alphabar_operands& o, uint64_t scratch, Launch launch) {
  TableArguments t;
  t.table = table;
  t.o = o;
  t.scratch = scratch;
  t.total = o.samples * o.elements;
  const RowNeeds needs{table.terms, o.samples != 1};
  return choose_body(table_operands(table, o), needs, t.total, [&](auto body) { return launch(body, t); });
}

}  // namespace alphabar

#endif  // ALPHABAR_CUDA_TABLE_H
