// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// log, sin, cos and exp from + - * / sqrt and fma alone, each rounded by IEEE 754: library versions differ between
// compilers, processors and devices in the last bit, these do not. Contraction and fast-math must be off; every fma is
// written out. The coefficients interpolate at Chebyshev nodes and are those of io.github.alphabar.random.Elementary.
#ifndef ALPHABAR_MATH_H
#define ALPHABAR_MATH_H

#include <math.h>

#include "alphabar/dtype.h"

namespace alphabar {

ALPHABAR_HD float fused(float a, float b, float c) { return fmaf(a, b, c); }
ALPHABAR_HD double fused(double a, double b, double c) { return fma(a, b, c); }

// u positive, finite and normal.
ALPHABAR_HD float log_of(float u) {
  const int32_t bits = static_cast<int32_t>(bits_of(u));
  const int32_t exponent = (bits - 0x3f3504f3) >> 23;
  const float f = float_of(static_cast<uint32_t>(bits) - (static_cast<uint32_t>(exponent) << 23)) - 1.0f;
  const float z = f * f;
  float p = 0.06971612f;
  p = fmaf(p, f, -0.11479734f);
  p = fmaf(p, f, 0.1168542f);
  p = fmaf(p, f, -0.12425687f);
  p = fmaf(p, f, 0.14249058f);
  p = fmaf(p, f, -0.16667803f);
  p = fmaf(p, f, 0.20000716f);
  p = fmaf(p, f, -0.24999997f);
  p = fmaf(p, f, 0.3333333f);
  const float y = fmaf(-0.5f, z, (f * z) * p);
  return fmaf(static_cast<float>(exponent), 0.6931472f, f + y);
}

// y in [-pi/4, pi/4].
ALPHABAR_HD float sin_quarter(float y) {
  const float z = y * y;
  const float p = fmaf(fmaf(fmaf(2.7249894e-06f, z, -0.00019840087f), z, 0.008333332f), z, -0.16666667f);
  return fmaf(y * z, p, y);
}

// y in [-pi/4, pi/4].
ALPHABAR_HD float cos_quarter(float y) {
  const float z = y * y;
  const float p = fmaf(fmaf(2.4547917e-05f, z, -0.0013888302f), z, 0.041666664f);
  return fmaf(z * z, p, fmaf(-0.5f, z, 1.0f));
}

// Saturates at [-87, 88], so that the scale by a power of two stays a normal number; NaN gives NaN.
ALPHABAR_HD float exp_of(float x) {
  const float v = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
  const float n = fmaf(v, 1.442695f, 0x1.8p23f) - 0x1.8p23f;
  const float high = 0x1.62ep-1f;
  const float low = static_cast<float>(0.693147180559945309417 - 0x1.62ep-1);
  const float r = fmaf(-n, low, fmaf(-n, high, v));
  float p = 0.0013926184f;
  p = fmaf(p, r, 0.008363179f);
  p = fmaf(p, r, 0.041666556f);
  p = fmaf(p, r, 0.16666576f);
  p = fmaf(p, r, 0.5f);
  const float e = fmaf(r * r, p, r) + 1.0f;
  // A NaN has no integer; its product stays NaN whatever the scale.
  const int32_t whole = n == n ? static_cast<int32_t>(n) : 0;
  return e * float_of(static_cast<uint32_t>(whole + 127) << 23);
}

// Saturates at +-700; NaN gives NaN.
ALPHABAR_HD double exp_of(double x) {
  const double v = x < -700.0 ? -700.0 : x > 700.0 ? 700.0 : x;
  const double n = fma(v, 1.4426950408889634, 0x1.8p52) - 0x1.8p52;
  const double r = fma(-n, 0x1.a39ef35793c76p-33, fma(-n, 0x1.62e42fee00000p-1, v));
  double p = 1.0 / 6227020800.0;
  p = fma(p, r, 1.0 / 479001600);
  p = fma(p, r, 1.0 / 39916800);
  p = fma(p, r, 1.0 / 3628800);
  p = fma(p, r, 1.0 / 362880);
  p = fma(p, r, 1.0 / 40320);
  p = fma(p, r, 1.0 / 5040);
  p = fma(p, r, 1.0 / 720);
  p = fma(p, r, 1.0 / 120);
  p = fma(p, r, 1.0 / 24);
  p = fma(p, r, 1.0 / 6);
  p = fma(p, r, 0.5);
  p = fma(p, r, 1.0);
  const int64_t whole = n == n ? static_cast<int64_t>(n) : 0;
  const uint64_t scale = static_cast<uint64_t>(whole + 1023) << 52;
  double s;
  memcpy(&s, &scale, sizeof s);
  return fma(p, r, 1.0) * s;
}

}  // namespace alphabar

#endif  // ALPHABAR_MATH_H
