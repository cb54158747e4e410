// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The kernels: thin shells around the bodies of cuda_row.h, cuda_table.h, cuda_threshold.h and cuda_rescale.h, which
// say what is computed and how it is tested.
//
// Rows: blocks of 256 threads, one for each 1024 elements (2048 of two bytes) of a sample, samples in the grid's y.
// Reductions: one block of 1024 threads for each sample. Arguments are passed by value, so that a captured launch needs
// no memory of the host.
#include "cuda_kernels.h"
#include "cuda_rescale.h"
#include "cuda_table.h"
#include "cuda_threshold.h"

namespace alphabar {
namespace {

constexpr int kRowThreads = 256;
constexpr int kReductionThreads = 1024;
// Beyond this many blocks threads take several groups; beyond this many rows of blocks, several samples.
constexpr int64_t kMostBlocks = 1 << 20;
constexpr int32_t kMostSamples = 65535;

__device__ Place place_here() {
  Place place;
  place.first = static_cast<int64_t>(blockIdx.x) * kRowThreads + threadIdx.x;
  place.stride = static_cast<int64_t>(gridDim.x) * kRowThreads;
  place.sample = static_cast<int32_t>(blockIdx.y);
  place.sample_stride = static_cast<int32_t>(gridDim.y);
  return place;
}

template <typename Body>
__global__ void __launch_bounds__(kRowThreads) row_kernel(const __grid_constant__ RowArguments<typename Body::T> a) {
  Body::run(a, place_here());
}

// Samples are blocks' own: a cursor is moved once in a launch.
template <typename Body>
__global__ void __launch_bounds__(kRowThreads) table_kernel(const __grid_constant__ TableArguments t) {
  __shared__ TableShared shared;
  TableBody body{t, shared, static_cast<int64_t>(blockIdx.y), static_cast<int>(threadIdx.x), kRowThreads};
  body.find();
  __syncthreads();
  if (body.is_done()) {
    return;
  }
  body.stage();
  body.advance(gridDim.x);
  __syncthreads();
  const Place place = place_here();
  body.template run<Body>(place.first, place.stride);
}

template <typename T>
__device__ void threshold_phases(const RowArguments<T>& a, int64_t sample) {
  __shared__ ThresholdShared shared;
  ThresholdBody<T> body{a, shared, sample, static_cast<int>(threadIdx.x), kReductionThreads};
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

template <typename T>
__device__ void rescale_phases(const RowArguments<T>& a, int64_t sample) {
  __shared__ RescaleShared shared;
  RescaleBody<T> body{a, shared, sample, static_cast<int>(threadIdx.x), kReductionThreads};
  const auto fold = [&] {
    __syncthreads();
    for (int half = kRescaleLanes / 2; half > 0; half /= 2) {
      body.fold(half);
      __syncthreads();
    }
  };
  body.sum();
  fold();
  body.mean();
  __syncthreads();
  body.squares();
  fold();
  body.finish();
  __syncthreads();
}

template <typename T>
__global__ void __launch_bounds__(kReductionThreads) threshold_kernel(const __grid_constant__ RowArguments<T> a) {
  for (int64_t sample = blockIdx.x; sample < a.o.samples; sample += gridDim.x) {
    threshold_phases(a, sample);
  }
}

template <typename T>
__global__ void __launch_bounds__(kReductionThreads) rescale_kernel(const __grid_constant__ RowArguments<T> a) {
  for (int64_t sample = blockIdx.x; sample < a.o.samples; sample += gridDim.x) {
    rescale_phases(a, sample);
  }
}

// What one sample's row of a table reduces, if anything: rescaled guidance first, for the threshold is one of it.
__global__ void __launch_bounds__(kReductionThreads)
    table_reduction_kernel(const __grid_constant__ TableArguments t, bool thresholds) {
  __shared__ TableShared shared;
  TableBody body{t, shared, static_cast<int64_t>(blockIdx.x), static_cast<int>(threadIdx.x), kReductionThreads};
  body.find();
  __syncthreads();
  if (body.is_done()) {
    return;
  }
  body.stage();
  __syncthreads();
  if (thresholds) {
    if (shared.a.thresholds != nullptr) {
      threshold_phases(shared.a, body.sample);
    }
  } else if (shared.a.factors != nullptr) {
    rescale_phases(shared.a, body.sample);
  }
}

unsigned blocks_of(int64_t elements, int width) {
  const int64_t groups = (elements + width - 1) / width;
  const int64_t blocks = (groups + kRowThreads - 1) / kRowThreads;
  return static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks);
}

struct LaunchRow {
  cudaStream_t stream;

  template <typename Body, typename T>
  cudaError_t operator()(Body, const RowArguments<T>& a) const {
    const dim3 grid(blocks_of(a.o.elements, Body::kWidth),
                    static_cast<unsigned>(a.o.samples < kMostSamples ? a.o.samples : kMostSamples));
    row_kernel<Body><<<grid, kRowThreads, 0, stream>>>(a);
    return cudaGetLastError();
  }
};

struct LaunchTable {
  cudaStream_t stream;

  template <typename Body>
  cudaError_t operator()(Body, const TableArguments& t) const {
    const dim3 grid(blocks_of(t.o.elements, Body::kWidth), static_cast<unsigned>(t.o.samples));
    table_kernel<Body><<<grid, kRowThreads, 0, stream>>>(t);
    return cudaGetLastError();
  }
};

template <typename T>
cudaError_t launch_reductions(const RowArguments<T>& a, cudaStream_t stream, const char** doing) {
  const unsigned blocks = static_cast<unsigned>(a.o.samples);
  if (a.factors != nullptr) {
    *doing = "queuing the rescale kernel";
    rescale_kernel<T><<<blocks, kReductionThreads, 0, stream>>>(a);
    const cudaError_t error = cudaGetLastError();
    if (error != cudaSuccess) {
      return error;
    }
  }
  if (a.thresholds != nullptr) {
    *doing = "queuing the threshold kernel";
    threshold_kernel<T><<<blocks, kReductionThreads, 0, stream>>>(a);
    return cudaGetLastError();
  }
  return cudaSuccess;
}

template <typename Kernel>
cudaError_t load(Kernel* kernel) {
  cudaFuncAttributes attributes;
  return cudaFuncGetAttributes(&attributes, kernel);
}

template <typename Body>
cudaError_t load_body() {
  const cudaError_t error = load(row_kernel<Body>);
  return error != cudaSuccess ? error : load(table_kernel<Body>);
}

template <typename S, typename O>
cudaError_t load_pair() {
  const cudaError_t error = load_body<RowBody<float, S, O, true, width_of<S, O>(), kPlainRow>>();
  return error != cudaSuccess ? error : load_body<RowBody<float, S, O, true, width_of<S, O>(), kNoisyRow>>();
}

}  // namespace

cudaError_t launch_row(const alphabar_row& row, const alphabar_operands& operands, bool flat, uint64_t scratch,
                       cudaStream_t stream, const char** doing) {
  const bool preview = operands.preview != 0;
  if (needs_threshold(row.terms, preview) || needs_rescale(row.terms, preview)) {
    const cudaError_t error =
        operands.state_type == ALPHABAR_F64
            ? launch_reductions(row_arguments<double>(row, operands, false, scratch), stream, doing)
            : launch_reductions(row_arguments<float>(row, operands, false, scratch), stream, doing);
    if (error != cudaSuccess) {
      return error;
    }
  }
  *doing = "queuing the row kernel";
  return choose_row(row, operands, flat, scratch, LaunchRow{stream});
}

cudaError_t launch_table(const alphabar_table& table, const alphabar_operands& operands, uint64_t scratch,
                         cudaStream_t stream, const char** doing) {
  const bool preview = operands.preview != 0;
  const bool reduces[2] = {needs_rescale(table.terms, preview), needs_threshold(table.terms, preview)};
  for (int k = 0; k < 2; ++k) {
    if (reduces[k]) {
      *doing = k == 0 ? "queuing the rescale kernel" : "queuing the threshold kernel";
      TableArguments t;
      t.table = table;
      t.o = operands;
      t.scratch = scratch;
      t.total = operands.samples * operands.elements;
      table_reduction_kernel<<<static_cast<unsigned>(operands.samples), kReductionThreads, 0, stream>>>(t, k == 1);
      const cudaError_t error = cudaGetLastError();
      if (error != cudaSuccess) {
        return error;
      }
    }
  }
  *doing = "queuing the table kernel";
  return choose_table(table, operands, scratch, LaunchTable{stream});
}

cudaError_t load_kernels() {
  cudaError_t (*const loads[])() = {
      &load_pair<float, float>,
      &load_pair<float, F16>,
      &load_pair<float, BF16>,
      &load_pair<F16, F16>,
      &load_pair<BF16, BF16>,
      &load_body<RowBody<float, AnyType, AnyType, true, 4, kGeneralRow>>,
      &load_body<RowBody<float, AnyType, AnyType, false, 4, kGeneralRow>>,
      [] { return load(row_kernel<DoubleBody>); },
      [] { return load(threshold_kernel<float>); },
      [] { return load(threshold_kernel<double>); },
      [] { return load(rescale_kernel<float>); },
      [] { return load(rescale_kernel<double>); },
      [] { return load(table_reduction_kernel); },
  };
  for (cudaError_t (*const one)() : loads) {
    const cudaError_t error = one();
    if (error != cudaSuccess) {
      return error;
    }
  }
  return cudaSuccess;
}

}  // namespace alphabar
