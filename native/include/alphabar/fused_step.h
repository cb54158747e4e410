// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The arithmetic of one element of one row: the specification every backend repeats, for T = float or double.
//
//   g  = fma(weight, c - u, u)                            guided; otherwise the output itself
//   p  = px x, fma pg g; clamped (or thresholded: clamp(p, -s, s) / s)
//   x' = cx x, fma cp p, fma cg g, fma h0 slot, fma h1 slot, fma h2 slot, fma std z
//   m  = sx x, fma sp p, fma sg g
//   x' = fma(mask, x', (1 - mask) fma(sigma', z2, alpha' known))    inpainting
//
// The first term present is a plain product; an absent term is not read. Contraction is off, every fma is written.
#ifndef ALPHABAR_FUSED_STEP_H
#define ALPHABAR_FUSED_STEP_H

#include "alphabar/alphabar.h"
#include "alphabar/math.h"

namespace alphabar {

// A sum that starts with a product. `started` is a constant after inlining wherever the terms are.
template <typename T>
struct Sum {
  T value = T(0);
  bool started = false;

  ALPHABAR_HD void add(bool present, T coefficient, T operand) {
    if (present) {
      value = started ? fused(coefficient, operand, value) : coefficient * operand;
      started = true;
    }
  }
};

// By comparison, so that a NaN stays.
template <typename T>
ALPHABAR_HD T clamp(T v, T range) {
  return v < -range ? -range : v > range ? range : v;
}

template <typename T>
ALPHABAR_HD T guided(uint32_t terms, T weight, T output, T uncond) {
  return (terms & ALPHABAR_GUIDED) != 0 ? fused(weight, output - uncond, uncond) : output;
}

// p before clipping.
template <typename T>
ALPHABAR_HD T predicted(uint32_t terms, T px, T x, T pg, T g) {
  Sum<T> p;
  p.add((terms & ALPHABAR_PX) != 0, px, x);
  p.add((terms & ALPHABAR_PG) != 0, pg, g);
  return p.value;
}

template <typename T>
ALPHABAR_HD T clipped(uint32_t terms, T p, T range, T threshold) {
  if ((terms & ALPHABAR_CLIP_RANGE) != 0) {
    return clamp(p, range);
  }
  if ((terms & ALPHABAR_CLIP_DYNAMIC) != 0) {
    return clamp(p, threshold) / threshold;
  }
  return p;
}

// The standard deviation of the noise: fixed, or read from the network's second output v.
template <typename T>
ALPHABAR_HD T deviation(uint32_t terms, T cz, T factor, T offset, T v) {
  if ((terms & ALPHABAR_LEARNED) != 0) {
    return sizeof(T) == sizeof(float) ? T(sqrtf(static_cast<float>(v))) : T(sqrt(static_cast<double>(v)));
  }
  if ((terms & ALPHABAR_LEARNED_LOG) != 0) {
    return exp_of(fused(factor, v, offset));
  }
  return cz;
}

template <typename T>
ALPHABAR_HD T inpainted(T mask, T r, T alpha, T known, bool noisy, T sigma, T z2) {
  T k = alpha * known;
  if (noisy) {
    k = fused(sigma, z2, k);
  }
  return fused(mask, r, (T(1) - mask) * k);
}

}  // namespace alphabar

#endif  // ALPHABAR_FUSED_STEP_H
