// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
#include "host_team.h"

#include <chrono>
#include <system_error>

namespace alphabar {
namespace {

constexpr int kSpins = 2000;

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

HostTeam::HostTeam(int threads) {
  workers_.reserve(threads > 1 ? static_cast<size_t>(threads) - 1 : 0);
  try {
    for (int i = 1; i < threads; ++i) {
      workers_.emplace_back(&HostTeam::work, this, i);
    }
  } catch (const std::system_error&) {
    // A limit on threads: fewer of them give the same bits.
  }
}

HostTeam::~HostTeam() {
  {
    std::lock_guard<std::mutex> guard(lock_);
    stopping_.store(true);
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) {
    worker.join();
  }
}

bool HostTeam::run(Job job, void* data) {
  std::unique_lock<std::mutex> owner(owner_, std::try_to_lock);
  if (!owner.owns_lock()) {
    return false;
  }
  {
    std::lock_guard<std::mutex> guard(lock_);
    job_ = job;
    data_ = data;
    pending_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
  }
  wake_.notify_all();
  job(data, 0);
  // A worker may have lost its processor: give way rather than burn the one it waits for.
  for (int spins = 0; pending_.load(std::memory_order_acquire) != 0; ++spins) {
    if (spins < kSpins) {
      relax();
    } else {
      std::this_thread::yield();
    }
  }
  return true;
}

void HostTeam::work(int worker) {
  unsigned seen = 0;
  for (;;) {
    for (int spins = 0; spins < kSpins && round_.load(std::memory_order_acquire) == seen && !stopping_.load();
         ++spins) {
      relax();
    }
    if (round_.load(std::memory_order_acquire) == seen) {
      std::unique_lock<std::mutex> guard(lock_);
      wake_.wait(guard, [&] { return stopping_.load() || round_.load(std::memory_order_acquire) != seen; });
    }
    if (stopping_.load()) {
      return;
    }
    seen = round_.load(std::memory_order_acquire);
    job_(data_, worker);
    pending_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace alphabar
