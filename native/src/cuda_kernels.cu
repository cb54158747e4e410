// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The kernels: thin shells around the bodies of cuda_row.h and cuda_threshold.h, which say what is computed and how it
// is tested.
//
// Rows: blocks of 256 threads, one for each 1024 elements of a sample, samples in the grid's y. Thresholds: one block
// of 1024 threads for each sample. Arguments are passed by value, so that a captured launch needs no memory of the
// host.
#include "cuda_kernels.h"
#include "cuda_threshold.h"

namespace alphabar {
namespace {

constexpr int kRowThreads = 256;
constexpr int kThresholdThreads = 1024;
// Beyond this many blocks threads take several groups; beyond this many rows of blocks, several samples.
constexpr int64_t kMostBlocks = 1 << 20;
constexpr int32_t kMostSamples = 65535;

template <typename Body>
__global__ void __launch_bounds__(kRowThreads) row_kernel(const __grid_constant__ RowArguments<typename Body::T> a) {
  Place place;
  place.first = static_cast<int64_t>(blockIdx.x) * kRowThreads + threadIdx.x;
  place.stride = static_cast<int64_t>(gridDim.x) * kRowThreads;
  place.sample = static_cast<int32_t>(blockIdx.y);
  place.sample_stride = static_cast<int32_t>(gridDim.y);
  Body::run(a, place);
}

template <typename T>
__global__ void __launch_bounds__(kThresholdThreads) threshold_kernel(const __grid_constant__ RowArguments<T> a) {
  __shared__ ThresholdShared shared;
  for (int64_t sample = blockIdx.x; sample < a.o.samples; sample += gridDim.x) {
    ThresholdBody<T> body{a, shared, sample, static_cast<int>(threadIdx.x), kThresholdThreads};
    body.begin();
    __syncthreads();
    for (int digit = 0; digit < ThresholdBody<T>::kDigits; ++digit) {
      body.clear();
      __syncthreads();
      body.count(digit);
      __syncthreads();
      body.add_up();
      __syncthreads();
      body.choose(digit);
      __syncthreads();
    }
    body.look_above();
    __syncthreads();
    body.finish();
    __syncthreads();
  }
}

struct LaunchRow {
  cudaStream_t stream;

  template <typename Body, typename T>
  cudaError_t operator()(Body, const RowArguments<T>& a) const {
    const int64_t groups = (a.o.elements + 3) / 4;
    const int64_t blocks = (groups + kRowThreads - 1) / kRowThreads;
    const dim3 grid(static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks),
                    static_cast<unsigned>(a.o.samples < kMostSamples ? a.o.samples : kMostSamples));
    row_kernel<Body><<<grid, kRowThreads, 0, stream>>>(a);
    return cudaGetLastError();
  }
};

template <typename T>
cudaError_t launch_thresholds(const RowArguments<T>& a, cudaStream_t stream) {
  threshold_kernel<T><<<static_cast<unsigned>(a.o.samples), kThresholdThreads, 0, stream>>>(a);
  return cudaGetLastError();
}

template <typename Body>
cudaError_t load() {
  cudaFuncAttributes attributes;
  return cudaFuncGetAttributes(&attributes, row_kernel<Body>);
}

template <typename S, typename O>
cudaError_t load_pair() {
  const cudaError_t error = load<RowBody<float, S, O, true, kPlainRow>>();
  return error != cudaSuccess ? error : load<RowBody<float, S, O, true, kNoisyRow>>();
}

}  // namespace

cudaError_t launch_row(const alphabar_row& row, const alphabar_operands& operands, bool flat, uint64_t scratch,
                       cudaStream_t stream, const char** doing) {
  if (needs_threshold(row.terms, operands.preview != 0)) {
    *doing = "queuing the threshold kernel";
    const cudaError_t error = operands.state_type == ALPHABAR_F64
                                  ? launch_thresholds(row_arguments<double>(row, operands, false, scratch), stream)
                                  : launch_thresholds(row_arguments<float>(row, operands, false, scratch), stream);
    if (error != cudaSuccess) {
      return error;
    }
  }
  *doing = "queuing the row kernel";
  return choose_row(row, operands, flat, scratch, LaunchRow{stream});
}

cudaError_t load_kernels() {
  cudaFuncAttributes attributes;
  cudaError_t (*const loads[])() = {
      &load_pair<float, float>,
      &load_pair<float, F16>,
      &load_pair<float, BF16>,
      &load_pair<F16, F16>,
      &load_pair<BF16, BF16>,
      &load<RowBody<float, AnyType, AnyType, true, kGeneralRow>>,
      &load<RowBody<float, AnyType, AnyType, false, kGeneralRow>>,
      &load<RowBody<double, double, double, false, kGeneralRow>>,
  };
  for (cudaError_t (*const one)() : loads) {
    const cudaError_t error = one();
    if (error != cudaSuccess) {
      return error;
    }
  }
  const cudaError_t error = cudaFuncGetAttributes(&attributes, threshold_kernel<float>);
  return error != cudaSuccess ? error : cudaFuncGetAttributes(&attributes, threshold_kernel<double>);
}

}  // namespace alphabar
