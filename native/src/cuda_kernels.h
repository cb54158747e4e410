// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The kernels as the context calls them.
#ifndef ALPHABAR_CUDA_KERNELS_H
#define ALPHABAR_CUDA_KERNELS_H

#include <cuda_runtime_api.h>

#include "alphabar/alphabar.h"

namespace alphabar {

// Queues a row on the current device. On an error *doing says what was being done.
cudaError_t launch_row(const alphabar_row& row, const alphabar_operands& operands, bool flat, uint64_t scratch,
                       cudaStream_t stream, const char** doing);

// Queues a table's rows on the current device, at most 65535 samples.
cudaError_t launch_table(const alphabar_table& table, const alphabar_operands& operands, uint64_t scratch,
                         cudaStream_t stream, const char** doing);

// Loads every kernel onto the current device, so that no later step does: a stream may be capturing then.
cudaError_t load_kernels();

}  // namespace alphabar

#endif  // ALPHABAR_CUDA_KERNELS_H
