// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// Rescaled guidance (Lin et al. 2024, arXiv:2305.08891, eq. 15 and 16): the guided output g of a sample is multiplied
// by
//
//   factor = rescale std(cond) / std(g) + (1 - rescale)
//
// so that it keeps the standard deviation of the conditional output. Sums depend on their order, so the order is fixed:
// element e is added to lane e mod 1024 in increasing order, and the lanes are folded in halves, 512 + 512, 256 + 256
// and so on. Everything is in double, also for rows in binary32, and rounded once at the end. Two passes: the mean,
// then the squares around it, divided by n - 1.
#ifndef ALPHABAR_RESCALE_H
#define ALPHABAR_RESCALE_H

#include "alphabar/fused_step.h"

namespace alphabar {

constexpr int kRescaleLanes = 1024;

// From the sums of squares around the means. A sample without spread has nothing to keep: its factor is 1.
ALPHABAR_HD double rescale_factor(double rescale, double cond_squares, double guided_squares, int64_t n) {
  if (n < 2 || guided_squares == 0.0) {
    return 1.0;
  }
  const double count = static_cast<double>(n - 1);
  const double cond = sqrt(cond_squares / count);
  const double guided = sqrt(guided_squares / count);
  const double kept = rescale * (cond / guided);
  return kept + (1.0 - rescale);
}

}  // namespace alphabar

#endif  // ALPHABAR_RESCALE_H
