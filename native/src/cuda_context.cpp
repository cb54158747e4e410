// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// A context on a device. It uses the device's primary context, as engines do, and leaves the calling thread's current
// device as it found it.
#include <new>

#include "context.h"
#include "cuda_kernels.h"

namespace alphabar {
namespace {

// Makes a device current and the former one again at the end.
class CurrentDevice {
 public:
  explicit CurrentDevice(int device) {
    error_ = cudaGetDevice(&former_);
    if (error_ == cudaSuccess && former_ != device) {
      error_ = cudaSetDevice(device);
      changed_ = error_ == cudaSuccess;
    }
  }
  ~CurrentDevice() {
    if (changed_) {
      cudaSetDevice(former_);
    }
  }
  CurrentDevice(const CurrentDevice&) = delete;
  CurrentDevice& operator=(const CurrentDevice&) = delete;

  cudaError_t error() const { return error_; }

 private:
  int former_ = 0;
  bool changed_ = false;
  cudaError_t error_ = cudaSuccess;
};

template <typename P>
P pointer(uint64_t address) {
  return reinterpret_cast<P>(static_cast<uintptr_t>(address));
}

cudaStream_t stream_of(uint64_t stream) { return pointer<cudaStream_t>(stream); }

class CudaContext final : public alphabar_context {
 public:
  explicit CudaContext(int device) : device_(device) {}

  int32_t step(const alphabar_row& row, const alphabar_operands& operands, uint64_t scratch, uint64_t stream) override {
    return on_device("queuing a row", [&](const char** doing) {
      return launch_row(row, operands, is_flat(row, operands), scratch, stream_of(stream), doing);
    });
  }

  int32_t table_step(const alphabar_table& table, const alphabar_operands& operands, uint64_t scratch,
                     uint64_t stream) override {
    if (operands.state_type == ALPHABAR_F64) {
      return fail(ALPHABAR_INVALID_ARGUMENT, "A table's state must be F32, F16 or BF16 on a device, but is F64.");
    }
    return on_device("queuing a table's rows", [&](const char** doing) {
      return launch_table(table, operands, scratch, stream_of(stream), doing);
    });
  }

  int32_t allocate(int64_t bytes, uint64_t* address) override {
    void* memory = nullptr;
    const int32_t status = on_device("allocating memory", [&](const char**) {
      return cudaMalloc(&memory, bytes == 0 ? 1 : static_cast<size_t>(bytes));
    });
    *address = reinterpret_cast<uintptr_t>(memory);
    return status;
  }

  int32_t release(uint64_t address) override {
    return on_device("releasing memory", [&](const char**) { return cudaFree(pointer<void*>(address)); });
  }

  int32_t allocate_pinned(int64_t bytes, uint64_t* address) override {
    void* memory = nullptr;
    const int32_t status = on_device("allocating pinned memory", [&](const char**) {
      return cudaHostAlloc(&memory, bytes == 0 ? 1 : static_cast<size_t>(bytes), cudaHostAllocPortable);
    });
    *address = reinterpret_cast<uintptr_t>(memory);
    return status;
  }

  int32_t release_pinned(uint64_t address) override {
    return on_device("releasing pinned memory", [&](const char**) { return cudaFreeHost(pointer<void*>(address)); });
  }

  int32_t copy(uint64_t to, uint64_t from, int64_t bytes, uint64_t stream) override {
    return on_device("copying memory", [&](const char** doing) {
      const void* source = pointer<const void*>(from);
      void* target = pointer<void*>(to);
      cudaError_t error =
          cudaMemcpyAsync(target, source, static_cast<size_t>(bytes), cudaMemcpyDefault, stream_of(stream));
      // Memory the driver does not know may be freed or written once this returns.
      if (error == cudaSuccess && (is_pageable(source) || is_pageable(target))) {
        *doing = "waiting for a copy";
        error = cudaStreamSynchronize(stream_of(stream));
      }
      return error;
    });
  }

  int32_t synchronize(uint64_t stream) override {
    return on_device("waiting for a stream", [&](const char**) { return cudaStreamSynchronize(stream_of(stream)); });
  }

  int32_t stream_create(uint64_t* stream) override {
    cudaStream_t made = nullptr;
    const int32_t status = on_device(
        "creating a stream", [&](const char**) { return cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking); });
    *stream = reinterpret_cast<uintptr_t>(made);
    return status;
  }

  int32_t stream_destroy(uint64_t stream) override {
    return on_device("destroying a stream", [&](const char**) { return cudaStreamDestroy(stream_of(stream)); });
  }

  int32_t event_create(uint64_t* event) override {
    cudaEvent_t made = nullptr;
    const int32_t status = on_device("creating an event", [&](const char**) { return cudaEventCreate(&made); });
    *event = reinterpret_cast<uintptr_t>(made);
    return status;
  }

  int32_t event_destroy(uint64_t event) override {
    return on_device("destroying an event",
                     [&](const char**) { return cudaEventDestroy(pointer<cudaEvent_t>(event)); });
  }

  int32_t event_record(uint64_t event, uint64_t stream) override {
    return on_device("recording an event",
                     [&](const char**) { return cudaEventRecord(pointer<cudaEvent_t>(event), stream_of(stream)); });
  }

  int32_t event_wait(uint64_t event, uint64_t stream) override {
    return on_device("making a stream wait for an event", [&](const char**) {
      return cudaStreamWaitEvent(stream_of(stream), pointer<cudaEvent_t>(event), 0);
    });
  }

  int32_t event_elapsed(uint64_t start, uint64_t end, float* milliseconds) override {
    return on_device("waiting for an event", [&](const char** doing) {
      const cudaError_t error = cudaEventSynchronize(pointer<cudaEvent_t>(end));
      if (error != cudaSuccess) {
        return error;
      }
      *doing = "reading the time between events";
      return cudaEventElapsedTime(milliseconds, pointer<cudaEvent_t>(start), pointer<cudaEvent_t>(end));
    });
  }

  int32_t capture_begin(uint64_t stream) override {
    // Other threads may go on allocating while this one captures.
    return on_device("beginning a capture", [&](const char**) {
      return cudaStreamBeginCapture(stream_of(stream), cudaStreamCaptureModeThreadLocal);
    });
  }

  int32_t capture_end(uint64_t stream, uint64_t* graph) override {
    cudaGraphExec_t made = nullptr;
    const int32_t status = on_device("ending a capture", [&](const char** doing) {
      cudaGraph_t recorded = nullptr;
      cudaError_t error = cudaStreamEndCapture(stream_of(stream), &recorded);
      if (error == cudaSuccess) {
        *doing = "instantiating a graph";
        error = cudaGraphInstantiate(&made, recorded, 0);
      }
      if (recorded != nullptr) {
        cudaGraphDestroy(recorded);
      }
      return error;
    });
    *graph = reinterpret_cast<uintptr_t>(made);
    return status;
  }

  int32_t graph_launch(uint64_t graph, uint64_t stream) override {
    return on_device("launching a graph",
                     [&](const char**) { return cudaGraphLaunch(pointer<cudaGraphExec_t>(graph), stream_of(stream)); });
  }

  int32_t graph_destroy(uint64_t graph) override {
    return on_device("destroying a graph",
                     [&](const char**) { return cudaGraphExecDestroy(pointer<cudaGraphExec_t>(graph)); });
  }

 private:
  static bool is_pageable(const void* address) {
    cudaPointerAttributes attributes;
    if (cudaPointerGetAttributes(&attributes, address) != cudaSuccess) {
      cudaGetLastError();
      return true;
    }
    return attributes.type == cudaMemoryTypeUnregistered;
  }

  // Runs a call with the device current; the call may say more exactly what it was doing when it failed.
  template <typename Call>
  int32_t on_device(const char* what, Call call) {
    const CurrentDevice current(device_);
    const char* doing = what;
    cudaError_t error = current.error();
    if (error != cudaSuccess) {
      doing = "making the device current";
    } else {
      error = call(&doing);
    }
    if (error == cudaSuccess) {
      return ALPHABAR_OK;
    }
    // An error that lies behind may not be taken for that of the next call.
    cudaGetLastError();
    return fail(error == cudaErrorMemoryAllocation ? ALPHABAR_OUT_OF_MEMORY : ALPHABAR_CUDA_ERROR,
                "CUDA device %d, %s: %s (%s).", device_, doing, cudaGetErrorName(error), cudaGetErrorString(error));
  }

  const int device_;
};

// What a device must have: the oldest machine code in this library is Turing's.
constexpr int kLeastMajor = 7;
constexpr int kLeastMinor = 5;

int32_t unavailable(int32_t device, char* text, size_t size) {
  // The runtime leaves the count alone where there is no driver.
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaErrorInsufficientDriver) {
    cudaGetLastError();
    int driver = 0;
    cudaDriverGetVersion(&driver);
    if (driver == 0) {
      snprintf(text, size,
               "There is no NVIDIA driver on this machine: install one for CUDA %d or newer, or use another backend.",
               CUDART_VERSION / 1000);
    } else {
      snprintf(text, size,
               "The NVIDIA driver is made for CUDA %d.%d, but CUDA %d is needed: install a newer driver, or use "
               "another backend.",
               driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000);
    }
    return ALPHABAR_NO_DRIVER;
  }
  if (error == cudaErrorNoDevice || (error == cudaSuccess && count == 0)) {
    cudaGetLastError();
    snprintf(text, size,
             "There is an NVIDIA driver but no CUDA device: check nvidia-smi and CUDA_VISIBLE_DEVICES, or use another "
             "backend.");
    return ALPHABAR_NO_DEVICE;
  }
  if (error != cudaSuccess) {
    cudaGetLastError();
    snprintf(text, size,
             "Counting the CUDA devices failed with %s (%s): check the driver with nvidia-smi, or use another backend.",
             cudaGetErrorName(error), cudaGetErrorString(error));
    return ALPHABAR_CUDA_ERROR;
  }
  if (device < 0 || device >= count) {
    snprintf(text, size, "There is no CUDA device %d: there are %d, counted from 0.", device, count);
    return ALPHABAR_NO_DEVICE;
  }
  int major = 0;
  int minor = 0;
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
  cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device);
  if (major < kLeastMajor || (major == kLeastMajor && minor < kLeastMinor)) {
    snprintf(text, size,
             "CUDA device %d has compute capability %d.%d, but %d.%d is needed: use another device or backend.", device,
             major, minor, kLeastMajor, kLeastMinor);
    return ALPHABAR_NO_DEVICE;
  }
  text[0] = '\0';
  return ALPHABAR_OK;
}

}  // namespace
}  // namespace alphabar

int32_t alphabar_cuda_unavailable(int32_t device, char* text, size_t size) {
  if (text == nullptr || size == 0) {
    return ALPHABAR_INVALID_ARGUMENT;
  }
  return alphabar::unavailable(device, text, size);
}

int32_t alphabar_cuda_create(int32_t device, alphabar_context** context) {
  if (context == nullptr) {
    return ALPHABAR_INVALID_ARGUMENT;
  }
  *context = nullptr;
  char text[512];
  const int32_t status = alphabar::unavailable(device, text, sizeof text);
  if (status != ALPHABAR_OK) {
    return status;
  }
  const alphabar::CurrentDevice current(device);
  if (current.error() != cudaSuccess || alphabar::load_kernels() != cudaSuccess) {
    cudaGetLastError();
    return ALPHABAR_CUDA_ERROR;
  }
  *context = new (std::nothrow) alphabar::CudaContext(device);
  return *context == nullptr ? ALPHABAR_OUT_OF_MEMORY : ALPHABAR_OK;
}
