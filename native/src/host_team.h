// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// Threads that wait for work by spinning briefly and then sleeping. Rows follow each other within microseconds while a
// trajectory runs, and hours may pass between trajectories.
#ifndef ALPHABAR_HOST_TEAM_H
#define ALPHABAR_HOST_TEAM_H

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace alphabar {

class HostTeam {
 public:
  // `threads` counts the caller's. Starts as many of the others as the system allows.
  explicit HostTeam(int threads);
  ~HostTeam();
  HostTeam(const HostTeam&) = delete;
  HostTeam& operator=(const HostTeam&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  using Job = void (*)(void* data, int worker);

  // Runs the job as worker 0 to threads() - 1, the caller being worker 0, and returns when all are done; or returns
  // false at once if another caller has the team.
  bool run(Job job, void* data);

 private:
  void work(int worker);

  std::mutex owner_;
  std::mutex lock_;
  std::condition_variable wake_;
  std::atomic<unsigned> round_{0};
  std::atomic<int> pending_{0};
  std::atomic<bool> stopping_{false};
  Job job_ = nullptr;
  void* data_ = nullptr;
  std::vector<std::thread> workers_;
};

}  // namespace alphabar

#endif  // ALPHABAR_HOST_TEAM_H
