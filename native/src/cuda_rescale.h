// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The body of the rescale kernel: the factor of one sample's guidance, by the sums of rescale.h in their fixed order.
//
// Bytes per element: those of both outputs, twice. One block of threads takes one sample; a thread takes one or more of
// the 1024 lanes. The work is cut into phases with a barrier after each; the host runs the same phases in tests.
#ifndef ALPHABAR_CUDA_RESCALE_H
#define ALPHABAR_CUDA_RESCALE_H

#include "alphabar/rescale.h"
#include "cuda_row.h"

namespace alphabar {

// What the threads of a block share.
struct RescaleShared {
  double cond[kRescaleLanes];
  double guided[kRescaleLanes];
  double cond_mean;
  double guided_mean;
};

template <typename T>
struct RescaleBody {
  const RowArguments<T>& a;
  RescaleShared& shared;
  int64_t sample;
  int thread;
  int threads;

  ALPHABAR_HD void load(int64_t e, double* cond, double* of_guided) const {
    const alphabar_operands& o = a.o;
    const int64_t at = sample * o.output_stride + e;
    T output = T(0), uncond = T(0);
    Access<false, 4, AnyType>::load(o.output, o.output_type, o.output_offset + at, 1, &output);
    Access<false, 4, AnyType>::load(o.uncond, o.output_type, o.uncond_offset + at, 1, &uncond);
    *cond = static_cast<double>(output);
    *of_guided = static_cast<double>(guided(a.terms, a.c.weight, output, uncond));
  }

  ALPHABAR_HD void sum() {
    for (int lane = thread; lane < kRescaleLanes; lane += threads) {
      double cond = 0.0, of_guided = 0.0;
      for (int64_t e = lane; e < a.o.elements; e += kRescaleLanes) {
        double c, g;
        load(e, &c, &g);
        cond += c;
        of_guided += g;
      }
      shared.cond[lane] = cond;
      shared.guided[lane] = of_guided;
    }
  }

  // Lanes half .. 2 half - 1 go to 0 .. half - 1.
  ALPHABAR_HD void fold(int half) {
    for (int lane = thread; lane < half; lane += threads) {
      shared.cond[lane] += shared.cond[lane + half];
      shared.guided[lane] += shared.guided[lane + half];
    }
  }

  ALPHABAR_HD void mean() {
    if (thread == 0) {
      const double n = static_cast<double>(a.o.elements);
      shared.cond_mean = shared.cond[0] / n;
      shared.guided_mean = shared.guided[0] / n;
    }
  }

  ALPHABAR_HD void squares() {
    for (int lane = thread; lane < kRescaleLanes; lane += threads) {
      double cond = 0.0, of_guided = 0.0;
      for (int64_t e = lane; e < a.o.elements; e += kRescaleLanes) {
        double c, g;
        load(e, &c, &g);
        c -= shared.cond_mean;
        g -= shared.guided_mean;
        cond += c * c;
        of_guided += g * g;
      }
      shared.cond[lane] = cond;
      shared.guided[lane] = of_guided;
    }
  }

  ALPHABAR_HD void finish() {
    if (thread == 0) {
      const_cast<double*>(a.factors)[sample] =
          rescale_factor(static_cast<double>(a.c.rescale), shared.cond[0], shared.guided[0], a.o.elements);
    }
  }
};

}  // namespace alphabar

#endif  // ALPHABAR_CUDA_RESCALE_H
