// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// Storage types. F16 and BF16 are widened exactly, computed in binary32 and rounded once, to nearest even; a NaN stays
// a NaN. The conversions are bit operations rather than compiler intrinsics, so that every compiler gives the same
// bits.
#ifndef ALPHABAR_DTYPE_H
#define ALPHABAR_DTYPE_H

#include <stdint.h>
#include <string.h>

#if defined(__CUDACC__)
#define ALPHABAR_HD __host__ __device__ __forceinline__
#elif defined(__GNUC__)
// Always inlined: the same source is compiled for several instruction sets, and a copy left over for one must never
// serve another.
#define ALPHABAR_HD inline __attribute__((always_inline))
#else
#define ALPHABAR_HD inline
#endif

namespace alphabar {

ALPHABAR_HD uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

ALPHABAR_HD float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

struct F16 {
  uint16_t bits;
};

struct BF16 {
  uint16_t bits;
};

ALPHABAR_HD float widen(float value) { return value; }
ALPHABAR_HD double widen(double value) { return value; }

ALPHABAR_HD float widen(BF16 value) { return float_of(static_cast<uint32_t>(value.bits) << 16); }

ALPHABAR_HD float widen(F16 value) {
  const uint32_t magnitude = value.bits & 0x7fffu;
  const uint32_t sign = static_cast<uint32_t>(value.bits & 0x8000u) << 16;
  if (magnitude >= 0x7c00u) {
    return float_of(sign | 0x7f800000u | magnitude << 13);
  }
  // 2^112 moves the exponent to where binary32 has it; exact for subnormals too.
  return float_of(sign | bits_of(float_of(magnitude << 13) * 0x1p112f));
}

ALPHABAR_HD void narrow(float value, float* out) { *out = value; }
ALPHABAR_HD void narrow(double value, double* out) { *out = value; }

ALPHABAR_HD void narrow(float value, BF16* out) {
  const uint32_t bits = bits_of(value);
  const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  out->bits = static_cast<uint16_t>(nan ? (bits >> 16) | 0x40u : rounded);
}

ALPHABAR_HD void narrow(float value, F16* out) {
  const uint32_t bits = bits_of(value);
  const uint32_t magnitude = bits & 0x7fffffffu;
  // Normal: subtract the exponents' difference and round by adding just under half, plus the last kept bit.
  const uint32_t normal = (magnitude + 0xc8000fffu + ((magnitude >> 13) & 1u)) >> 13;
  // Subnormal: the ulp of 1/2 is the smallest binary16, so the addition itself rounds.
  const uint32_t small = bits_of(float_of(magnitude) + 0.5f) - 0x3f000000u;
  uint32_t half = magnitude < 0x38800000u ? small : normal;
  // From 65520 up everything rounds to infinity.
  half = magnitude >= 0x477ff000u ? 0x7c00u : half;
  half = magnitude > 0x7f800000u ? 0x7e00u : half;
  out->bits = static_cast<uint16_t>(half | ((bits >> 16) & 0x8000u));
}

}  // namespace alphabar

#endif  // ALPHABAR_DTYPE_H
