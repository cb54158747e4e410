// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The rows of the host, compiled once for each instruction set and chosen at run time. All give the same bits.
#ifndef ALPHABAR_HOST_ROWS_H
#define ALPHABAR_HOST_ROWS_H

#include "alphabar/fused_step.h"

namespace alphabar {

struct HostRows {
  const char* name;

  // Elements [from, to) of a sample; to may lie beyond the sample where the batch is one long row.
  void (*run)(const alphabar_row& row, const alphabar_operands& operands, int64_t sample, int64_t from, int64_t to,
              const SampleValues<double>& of);

  // The factor of a sample's rescaled guidance.
  double (*factor)(const alphabar_row& row, const alphabar_operands& operands, int64_t sample);

  // The threshold of a sample, given its factor.
  double (*threshold)(const alphabar_row& row, const alphabar_operands& operands, int64_t sample, double factor);

  // The noise of `count` elements of a draw from element `from` on.
  void (*normals)(uint64_t seed, uint32_t draw, uint32_t stream, int64_t from, float* target, int count);
};

extern const HostRows kHostRowsBaseline;
#if defined(ALPHABAR_X86)
extern const HostRows kHostRowsAvx2;
extern const HostRows kHostRowsAvx512;
#endif

// The best of them on this processor.
const HostRows& best_host_rows();

// The i-th that this processor can run, or null.
const HostRows* host_rows(int i);

}  // namespace alphabar

#endif  // ALPHABAR_HOST_ROWS_H
