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

class CudaContext final : public alphabar_context {
 public:
  explicit CudaContext(int device) : device_(device) {}

  int32_t step(const alphabar_row& row, const alphabar_operands& operands, uint64_t scratch, uint64_t stream) override {
    const CurrentDevice current(device_);
    const char* doing = "making the device current";
    cudaError_t error = current.error();
    if (error == cudaSuccess) {
      error = launch_row(row, operands, is_flat(row, operands), scratch,
                         reinterpret_cast<cudaStream_t>(static_cast<uintptr_t>(stream)), &doing);
    }
    if (error == cudaSuccess) {
      return ALPHABAR_OK;
    }
    return fail(ALPHABAR_CUDA_ERROR, "CUDA device %d, %s: %s (%s).", device_, doing, cudaGetErrorName(error),
                cudaGetErrorString(error));
  }

 private:
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
