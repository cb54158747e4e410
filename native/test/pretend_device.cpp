// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// A library whose device 0 is the host: for tests of what lies above the C interface on machines without a device.
// Memory is the host's, a stream executes at once, and a graph is the list of calls that were recorded. It proves
// nothing about kernels and is never installed; device_test and the tests on a device do that.
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "context.h"

namespace alphabar {
namespace {

using Graph = std::vector<std::function<int32_t()>>;

class PretendDevice final : public alphabar_context {
 public:
  explicit PretendDevice(alphabar_context* host) : host_(host) {}
  ~PretendDevice() override { alphabar_destroy(host_); }

  int32_t step(const alphabar_row& row, const alphabar_operands& operands, uint64_t scratch, uint64_t stream) override {
    return queue(stream, [=] { return host_->step(row, operands, scratch, 0); });
  }

  int32_t table_step(const alphabar_table& table, const alphabar_operands& operands, uint64_t scratch,
                     uint64_t stream) override {
    return queue(stream, [=] { return host_->table_step(table, operands, scratch, 0); });
  }

  int32_t allocate(int64_t bytes, uint64_t* address) override {
    // A device's memory is not zeroed either.
    const int32_t status = host_->allocate(bytes, address);
    if (status != ALPHABAR_OK) {
      return fail(status, "The pretended device has not %lld bytes.", static_cast<long long>(bytes));
    }
    memset(reinterpret_cast<void*>(static_cast<uintptr_t>(*address)), 0xa5, static_cast<size_t>(bytes));
    return status;
  }
  int32_t release(uint64_t address) override { return host_->release(address); }
  int32_t allocate_pinned(int64_t bytes, uint64_t* address) override { return allocate(bytes, address); }
  int32_t release_pinned(uint64_t address) override { return host_->release(address); }

  int32_t copy(uint64_t to, uint64_t from, int64_t bytes, uint64_t stream) override {
    return queue(stream, [=] { return host_->copy(to, from, bytes, 0); });
  }

  int32_t synchronize(uint64_t stream) override {
    const std::lock_guard<std::mutex> guard(lock_);
    return recording_.count(stream) == 0 ? ALPHABAR_OK
                                         : fail(ALPHABAR_CUDA_ERROR, "A stream that records cannot be waited for.");
  }

  int32_t stream_create(uint64_t* stream) override { return number(stream); }
  int32_t stream_destroy(uint64_t) override { return ALPHABAR_OK; }
  int32_t event_create(uint64_t* event) override { return number(event); }
  int32_t event_destroy(uint64_t) override { return ALPHABAR_OK; }
  int32_t event_record(uint64_t, uint64_t) override { return ALPHABAR_OK; }
  int32_t event_wait(uint64_t, uint64_t) override { return ALPHABAR_OK; }
  int32_t event_elapsed(uint64_t, uint64_t, float* milliseconds) override {
    *milliseconds = 1;
    return ALPHABAR_OK;
  }

  int32_t capture_begin(uint64_t stream) override {
    const std::lock_guard<std::mutex> guard(lock_);
    recording_[stream] = std::make_unique<Graph>();
    return ALPHABAR_OK;
  }

  int32_t capture_end(uint64_t stream, uint64_t* graph) override {
    const std::lock_guard<std::mutex> guard(lock_);
    if (recording_.count(stream) == 0) {
      return fail(ALPHABAR_CUDA_ERROR, "The stream does not record.");
    }
    *graph = reinterpret_cast<uintptr_t>(recording_[stream].release());
    recording_.erase(stream);
    return ALPHABAR_OK;
  }

  int32_t graph_launch(uint64_t graph, uint64_t) override {
    for (const auto& call : *reinterpret_cast<Graph*>(static_cast<uintptr_t>(graph))) {
      const int32_t status = call();
      if (status != ALPHABAR_OK) {
        return status;
      }
    }
    return ALPHABAR_OK;
  }

  int32_t graph_destroy(uint64_t graph) override {
    delete reinterpret_cast<Graph*>(static_cast<uintptr_t>(graph));
    return ALPHABAR_OK;
  }

 private:
  template <typename Call>
  int32_t queue(uint64_t stream, Call call) {
    {
      const std::lock_guard<std::mutex> guard(lock_);
      const auto found = recording_.find(stream);
      if (found != recording_.end()) {
        found->second->push_back(call);
        return ALPHABAR_OK;
      }
    }
    return call();
  }

  int32_t number(uint64_t* made) {
    *made = 256 * ++made_;
    return ALPHABAR_OK;
  }

  alphabar_context* const host_;
  std::mutex lock_;
  std::map<uint64_t, std::unique_ptr<Graph>> recording_;
  std::atomic<uint64_t> made_{0};
};

}  // namespace
}  // namespace alphabar

int32_t alphabar_cuda_create(int32_t device, alphabar_context** context) {
  *context = nullptr;
  if (device != 0) {
    return ALPHABAR_NO_DEVICE;
  }
  alphabar_context* host = nullptr;
  const int32_t status = alphabar_host_create(1, &host);
  if (status == ALPHABAR_OK) {
    *context = new alphabar::PretendDevice(host);
  }
  return status;
}

int32_t alphabar_cuda_unavailable(int32_t device, char* text, size_t size) {
  snprintf(text, size, device == 0 ? "" : "There is no CUDA device %d: there are 1, counted from 0.", device);
  return device == 0 ? ALPHABAR_OK : ALPHABAR_NO_DEVICE;
}
