// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The arithmetic of one element of one row: the specification every backend repeats, for T = float or double.
//
//   g  = fma(weight, c - u, u)                            guided; otherwise the output itself; rescaled: factor g
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

// What belongs to a sample rather than to an element: its threshold, and the factor of its rescaled guidance.
template <typename T>
struct SampleValues {
  T threshold, factor;
};

template <typename T>
ALPHABAR_HD T guided(uint32_t terms, T weight, T output, T uncond) {
  return (terms & ALPHABAR_GUIDED) != 0 ? fused(weight, output - uncond, uncond) : output;
}

template <typename T>
ALPHABAR_HD T rescaled(uint32_t terms, T factor, T g) {
  return (terms & ALPHABAR_RESCALE) != 0 ? factor * g : g;
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

// What a row needs beside its terms, as StepParams has it.
ALPHABAR_HD bool needs_p(uint32_t terms, bool preview) { return preview || (terms & (ALPHABAR_CP | ALPHABAR_SP)) != 0; }

ALPHABAR_HD bool needs_x(uint32_t terms, bool preview) {
  return (terms & (ALPHABAR_CX | ALPHABAR_SX)) != 0 || (needs_p(terms, preview) && (terms & ALPHABAR_PX) != 0);
}

ALPHABAR_HD bool needs_g(uint32_t terms, bool preview) {
  return (terms & (ALPHABAR_CG | ALPHABAR_SG)) != 0 || (needs_p(terms, preview) && (terms & ALPHABAR_PG) != 0);
}

ALPHABAR_HD bool needs_learned(uint32_t terms) { return (terms & (ALPHABAR_LEARNED | ALPHABAR_LEARNED_LOG)) != 0; }

ALPHABAR_HD bool needs_noise(uint32_t terms) { return (terms & ALPHABAR_CZ) != 0 || needs_learned(terms); }

ALPHABAR_HD bool needs_threshold(uint32_t terms, bool preview) {
  return (terms & ALPHABAR_CLIP_DYNAMIC) != 0 && needs_p(terms, preview);
}

ALPHABAR_HD bool needs_rescale(uint32_t terms, bool preview) {
  return (terms & ALPHABAR_GUIDED) != 0 && (terms & ALPHABAR_RESCALE) != 0 && needs_g(terms, preview);
}

// The coefficients of a row in the type of the arithmetic, in the order of alphabar_row.
template <typename T>
struct Coefficients {
  T weight, px, pg, cx, cp, cg, h0, h1, h2, cz, factor, offset, sx, sp, sg, range, quantile, maximum, alpha, sigma;
  T rescale;
};

template <typename T>
ALPHABAR_HD Coefficients<T> coefficients(const alphabar_row& row) {
  Coefficients<T> c;
  c.weight = static_cast<T>(row.weight);
  c.px = static_cast<T>(row.px);
  c.pg = static_cast<T>(row.pg);
  c.cx = static_cast<T>(row.cx);
  c.cp = static_cast<T>(row.cp);
  c.cg = static_cast<T>(row.cg);
  c.h0 = static_cast<T>(row.h0);
  c.h1 = static_cast<T>(row.h1);
  c.h2 = static_cast<T>(row.h2);
  c.cz = static_cast<T>(row.cz);
  c.factor = static_cast<T>(row.variance_factor);
  c.offset = static_cast<T>(row.variance_offset);
  c.sx = static_cast<T>(row.sx);
  c.sp = static_cast<T>(row.sp);
  c.sg = static_cast<T>(row.sg);
  c.range = static_cast<T>(row.range);
  c.quantile = static_cast<T>(row.quantile);
  c.maximum = static_cast<T>(row.maximum);
  c.alpha = static_cast<T>(row.known_alpha);
  c.sigma = static_cast<T>(row.known_sigma);
  c.rescale = static_cast<T>(row.rescale);
  return c;
}

// What one element reads; what the terms do not name is not looked at.
template <typename T>
struct Values {
  T x, output, uncond, h0, h1, h2, v, z, mask, known, z2;
};

// What one element gives: x', the stored value, p.
template <typename T>
struct Results {
  T r, m, p;
};

template <typename T>
ALPHABAR_HD Results<T> element(uint32_t terms, bool preview, bool masked, const Coefficients<T>& c,
                               const SampleValues<T>& of, const Values<T>& in) {
  const T g =
      needs_g(terms, preview) ? rescaled(terms, of.factor, guided(terms, c.weight, in.output, in.uncond)) : T(0);
  const T p =
      needs_p(terms, preview) ? clipped(terms, predicted(terms, c.px, in.x, c.pg, g), c.range, of.threshold) : T(0);
  Sum<T> r;
  r.add((terms & ALPHABAR_CX) != 0, c.cx, in.x);
  r.add((terms & ALPHABAR_CP) != 0, c.cp, p);
  r.add((terms & ALPHABAR_CG) != 0, c.cg, g);
  r.add((terms & ALPHABAR_H0) != 0, c.h0, in.h0);
  r.add((terms & ALPHABAR_H1) != 0, c.h1, in.h1);
  r.add((terms & ALPHABAR_H2) != 0, c.h2, in.h2);
  if (needs_noise(terms)) {
    r.add(true, deviation(terms, c.cz, c.factor, c.offset, in.v), in.z);
  }
  Sum<T> m;
  m.add((terms & ALPHABAR_SX) != 0, c.sx, in.x);
  m.add((terms & ALPHABAR_SP) != 0, c.sp, p);
  m.add((terms & ALPHABAR_SG) != 0, c.sg, g);
  Results<T> out;
  out.r = masked ? inpainted(in.mask, r.value, c.alpha, in.known, c.sigma != T(0), c.sigma, in.z2) : r.value;
  out.m = m.value;
  out.p = p;
  return out;
}

}  // namespace alphabar

#endif  // ALPHABAR_FUSED_STEP_H
