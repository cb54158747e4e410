// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The threshold of a sample: the quantile of |p| with linear interpolation between order statistics, clamped to [1,
// maximum] (Saharia et al. 2022, arXiv:2205.11487, section 2.3). Order statistics are exact, so any way of finding them
// gives the same bits: the keys of |p| are searched from the top, a digit at a time.
#ifndef ALPHABAR_THRESHOLD_H
#define ALPHABAR_THRESHOLD_H

#include "alphabar/fused_step.h"

namespace alphabar {

// Magnitudes ordered as integers: the bits without the sign.
template <typename T>
struct Keys;

template <>
struct Keys<float> {
  static constexpr int kBits = 31;
  static constexpr uint64_t kInfinity = 0x7f800000u;
  static ALPHABAR_HD uint64_t of(float value) { return bits_of(value) & 0x7fffffffu; }
  static ALPHABAR_HD float value(uint64_t key) { return float_of(static_cast<uint32_t>(key)); }
};

template <>
struct Keys<double> {
  static constexpr int kBits = 63;
  static constexpr uint64_t kInfinity = 0x7ff0000000000000u;
  static ALPHABAR_HD uint64_t of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x7fffffffffffffffu;
  }
  static ALPHABAR_HD double value(uint64_t key) {
    double v;
    memcpy(&v, &key, sizeof v);
    return v;
  }
};

constexpr int kRadixBits = 11;
constexpr int kRadixBuckets = 1 << kRadixBits;

template <typename T>
struct Quantile {
  int64_t below;  // the rank at or below the position
  int64_t above;  // the next one
  T weight;       // of the next one
};

// The position and the weight are taken in the type of the arithmetic; beyond 2^24 elements the float nearest to n - 1
// may be n.
template <typename T>
ALPHABAR_HD Quantile<T> quantile_of(T q, int64_t n) {
  const T position = q * static_cast<T>(n - 1);
  const int64_t floored = static_cast<int64_t>(floor(static_cast<double>(position)));
  Quantile<T> out;
  out.below = floored < n - 1 ? floored : n - 1;
  out.above = out.below + 1 < n - 1 ? out.below + 1 : n - 1;
  out.weight = position - static_cast<T>(out.below);
  return out;
}

// `high` is not looked at unless the weight is positive.
template <typename T>
ALPHABAR_HD T threshold_of(T low, T high, T weight, T maximum) {
  T s = low;
  if (weight > T(0)) {
    s = weight < T(0.5) ? fused(weight, high - low, low) : fused(weight - T(1), high - low, high);
  }
  const T at_least_one = s < T(1) ? T(1) : s;
  return at_least_one > maximum ? maximum : at_least_one;
}

}  // namespace alphabar

#endif  // ALPHABAR_THRESHOLD_H
