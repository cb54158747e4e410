// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The body of the threshold kernel: the exact order statistics of one sample's |p|, by counting digits from the top.
//
// Bytes per element: those that p reads, three times for floats (six for doubles), and once more where the quantile
// lies between two order statistics. One block of threads takes one sample. The work is cut into phases with a barrier
// after each; within a phase threads meet in atomic additions and minima of integers only, whose order cannot matter.
// The host runs the same phases in tests.
#ifndef ALPHABAR_CUDA_THRESHOLD_H
#define ALPHABAR_CUDA_THRESHOLD_H

#include "cuda_row.h"

namespace alphabar {

// What the threads of a block share.
struct ThresholdShared {
  unsigned long long counts[kRadixBuckets];
  unsigned long long sums[32];
  unsigned long long prefix;
  unsigned long long left;
  unsigned long long at_most;
  unsigned long long next;
  int nan;
};

ALPHABAR_HD void count_one(unsigned long long* counter, unsigned long long by) {
#if defined(__CUDA_ARCH__)
  atomicAdd(counter, by);
#else
  *counter += by;
#endif
}

ALPHABAR_HD void keep_least(unsigned long long* least, unsigned long long value) {
#if defined(__CUDA_ARCH__)
  atomicMin(least, value);
#else
  *least = value < *least ? value : *least;
#endif
}

template <typename T>
struct ThresholdBody {
  static constexpr int kDigits = (Keys<T>::kBits + kRadixBits - 1) / kRadixBits;

  const RowArguments<T>& a;
  ThresholdShared& shared;
  int64_t sample;
  int thread;
  int threads;  // a multiple of 32

  ALPHABAR_HD int shift_above(int digit) const {
    const int above = Keys<T>::kBits - digit * kRadixBits;
    return above;
  }

  ALPHABAR_HD int shift_of(int digit) const {
    const int shift = Keys<T>::kBits - (digit + 1) * kRadixBits;
    return shift < 0 ? 0 : shift;
  }

  ALPHABAR_HD uint64_t key(int64_t e) const {
    const alphabar_operands& o = a.o;
    const int64_t at = sample * o.output_stride + e;
    T x = T(0), output = T(0), uncond = T(0), g = T(0);
    if ((a.terms & ALPHABAR_PX) != 0) {
      Access<false, 4, AnyType>::load(o.x, o.state_type, sample * o.elements + e, 1, &x);
    }
    if ((a.terms & ALPHABAR_PG) != 0) {
      Access<false, 4, AnyType>::load(o.output, o.output_type, o.output_offset + at, 1, &output);
      if ((a.terms & ALPHABAR_GUIDED) != 0) {
        Access<false, 4, AnyType>::load(o.uncond, o.output_type, o.uncond_offset + at, 1, &uncond);
      }
      const T factor = a.factors == nullptr ? T(1) : static_cast<T>(a.factors[sample]);
      g = rescaled(a.terms, factor, guided(a.terms, a.c.weight, output, uncond));
    }
    return Keys<T>::of(predicted(a.terms, a.c.px, x, a.c.pg, g));
  }

  ALPHABAR_HD Quantile<T> quantile() const { return quantile_of(a.c.quantile, a.o.elements); }

  ALPHABAR_HD void begin() {
    if (thread == 0) {
      shared.prefix = 0;
      shared.left = static_cast<unsigned long long>(quantile().below);
      shared.at_most = 0;
      shared.next = ~0ull;
      shared.nan = 0;
    }
  }

  ALPHABAR_HD void clear() {
    for (int k = thread; k < kRadixBuckets; k += threads) {
      shared.counts[k] = 0;
    }
  }

  ALPHABAR_HD void count(int digit) {
    const int above = shift_above(digit);
    const int shift = shift_of(digit);
    const uint64_t buckets = (uint64_t(1) << (above - shift)) - 1;
    for (int64_t e = thread; e < a.o.elements; e += threads) {
      const uint64_t k = key(e);
      if (k > Keys<T>::kInfinity) {
        // All threads that meet write the same.
        shared.nan = 1;
      } else if (k >> above == shared.prefix) {
        count_one(&shared.counts[k >> shift & buckets], 1);
      }
    }
  }

  // The sums of 32 parts of the buckets, so that no thread walks all of them.
  ALPHABAR_HD void add_up() {
    if (thread < 32) {
      unsigned long long sum = 0;
      for (int k = 0; k < kRadixBuckets / 32; ++k) {
        sum += shared.counts[thread * (kRadixBuckets / 32) + k];
      }
      shared.sums[thread] = sum;
    }
  }

  ALPHABAR_HD void choose(int digit) {
    if (thread == 0 && shared.nan == 0) {
      unsigned long long left = shared.left;
      int part = 0;
      while (left >= shared.sums[part]) {
        left -= shared.sums[part++];
      }
      int bucket = part * (kRadixBuckets / 32);
      while (left >= shared.counts[bucket]) {
        left -= shared.counts[bucket++];
      }
      shared.left = left;
      shared.prefix = shared.prefix << (shift_above(digit) - shift_of(digit)) | static_cast<unsigned>(bucket);
    }
  }

  // The next order statistic: the same value again, or the smallest that is larger.
  ALPHABAR_HD void look_above() {
    if (shared.nan != 0 || !(quantile().weight > T(0))) {
      return;
    }
    unsigned long long at_most = 0;
    unsigned long long next = ~0ull;
    for (int64_t e = thread; e < a.o.elements; e += threads) {
      const unsigned long long k = key(e);
      at_most += k <= shared.prefix ? 1 : 0;
      next = k > shared.prefix && k < next ? k : next;
    }
    count_one(&shared.at_most, at_most);
    keep_least(&shared.next, next);
  }

  ALPHABAR_HD void finish() {
    if (thread == 0) {
      const Quantile<T> q = quantile();
      T s;
      if (shared.nan != 0) {
        s = Keys<T>::value(Keys<T>::kInfinity | 1);
      } else {
        const T low = Keys<T>::value(shared.prefix);
        const bool again = shared.at_most > static_cast<unsigned long long>(q.above);
        const T high = q.weight > T(0) && !again ? Keys<T>::value(shared.next) : low;
        s = threshold_of(low, high, q.weight, a.c.maximum);
      }
      const_cast<double*>(a.thresholds)[sample] = static_cast<double>(s);
    }
  }
};

}  // namespace alphabar

#endif  // ALPHABAR_CUDA_THRESHOLD_H
