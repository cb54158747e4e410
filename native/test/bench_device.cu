// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// Times rows on a device beside what bounds them: a copy from device memory to device memory, and an empty kernel. Not
// a test. Device times are between events around many launches from a graph, so that the host does not limit them; host
// times are of queuing alone.
//
//   build/native/test/bench_device [device]
#include <cuda_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "alphabar/alphabar.h"

namespace {

__global__ void empty_kernel() {}

void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess) {
    printf("%s: %s\n", what, cudaGetErrorString(error));
    exit(1);
  }
}

void check(alphabar_context* context, int32_t status) {
  if (status != ALPHABAR_OK) {
    char text[512];
    alphabar_last_error(context, text, sizeof text);
    printf("%s %s\n", alphabar_status_text(status), text);
    exit(1);
  }
}

struct Spread {
  double median, low, high;  // microseconds
};

Spread spread_of(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times[times.size() / 10], times[times.size() * 9 / 10]};
}

// Device microseconds of one call, of which a graph holds `batch`.
template <typename Call>
Spread device_time(cudaStream_t stream, int batch, Call call) {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t replay = nullptr;
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "begin capture");
  for (int k = 0; k < batch; ++k) {
    call();
  }
  check(cudaStreamEndCapture(stream, &graph), "end capture");
  check(cudaGraphInstantiate(&replay, graph, 0), "instantiate");
  cudaEvent_t start, end;
  check(cudaEventCreate(&start), "event");
  check(cudaEventCreate(&end), "event");
  std::vector<double> times;
  for (int k = 0; k < 25; ++k) {
    check(cudaEventRecord(start, stream), "record");
    check(cudaGraphLaunch(replay, stream), "launch");
    check(cudaEventRecord(end, stream), "record");
    check(cudaEventSynchronize(end), "wait");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, start, end), "elapsed");
    // The first ones warm the clocks up.
    if (k >= 4) {
      times.push_back(milliseconds * 1000.0 / batch);
    }
  }
  cudaEventDestroy(start);
  cudaEventDestroy(end);
  cudaGraphExecDestroy(replay);
  cudaGraphDestroy(graph);
  return spread_of(times);
}

// Microseconds from before a call until the stream has done what it queued, as a host that waits sees it.
template <typename Call>
Spread whole_time(cudaStream_t stream, Call call) {
  std::vector<double> times;
  for (int k = 0; k < 60; ++k) {
    const auto start = std::chrono::steady_clock::now();
    call();
    check(cudaStreamSynchronize(stream), "wait");
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    if (k >= 10) {
      times.push_back(time.count());
    }
  }
  return spread_of(times);
}

// Twenty steps of one latent: queued one by one, as one graph, and as one launch from a table that is replayed.
void trajectories(alphabar_context* context, cudaStream_t stream, const alphabar_row& row, alphabar_operands o) {
  constexpr int kSteps = 20;
  const uint64_t queue = reinterpret_cast<uintptr_t>(stream);
  const auto line = [](const char* name, const Spread& time) {
    printf("| %-40s | %8.2f | %8.2f | %8.2f |\n", name, time.median, time.low, time.high);
  };
  const auto steps = [&](int count) {
    for (int k = 0; k < count; ++k) {
      check(context, alphabar_step(context, &row, &o, 0, queue));
    }
  };
  line("1 step, waited for", whole_time(stream, [&] { steps(1); }));
  line("20 steps queued, waited for", whole_time(stream, [&] { steps(kSteps); }));
  uint64_t graph = 0;
  check(context, alphabar_capture_begin(context, queue));
  steps(kSteps);
  check(context, alphabar_capture_end(context, queue, &graph));
  line("20 steps as one graph, waited for",
       whole_time(stream, [&] { check(context, alphabar_graph_launch(context, graph, queue)); }));
  check(context, alphabar_graph_destroy(context, graph));

  alphabar_entry entry{};
  entry.row = row;
  entry.input_scale = 1;
  entry.x = entry.out = 0;
  entry.h0 = entry.h1 = entry.h2 = entry.store = -1;
  const std::vector<alphabar_entry> entries(kSteps, entry);
  const alphabar_cursor cursor{0, kSteps, 0, 0};
  uint64_t there[2] = {};
  check(context, alphabar_allocate(context, kSteps * sizeof(alphabar_entry), &there[0]));
  check(context, alphabar_allocate(context, sizeof cursor, &there[1]));
  check(context, alphabar_copy(context, there[0], reinterpret_cast<uintptr_t>(entries.data()),
                               kSteps * sizeof(alphabar_entry), queue));
  alphabar_table table{};
  table.entries = there[0];
  table.cursors = there[1];
  table.slots[0] = o.x;
  table.count = kSteps;
  int64_t wrong = -1;
  check(context, alphabar_table_scan(entries.data(), kSteps, &table.terms, &table.used, &wrong));
  check(context, alphabar_capture_begin(context, queue));
  check(context, alphabar_table_step(context, &table, &o, 0, queue));
  check(context, alphabar_capture_end(context, queue, &graph));
  std::vector<double> times;
  for (int k = 0; k < 60; ++k) {
    // The cursor goes back to the first row before the clock starts.
    check(context, alphabar_copy(context, there[1], reinterpret_cast<uintptr_t>(&cursor), sizeof cursor, queue));
    const auto start = std::chrono::steady_clock::now();
    for (int step = 0; step < kSteps; ++step) {
      check(context, alphabar_graph_launch(context, graph, queue));
    }
    check(cudaStreamSynchronize(stream), "wait");
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    if (k >= 10) {
      times.push_back(time.count());
    }
  }
  line("20 replays of a table's launch, waited for", spread_of(times));
  check(context, alphabar_graph_destroy(context, graph));
  check(context, alphabar_release(context, there[0]));
  check(context, alphabar_release(context, there[1]));
}

// Host microseconds of queuing one call.
template <typename Call>
Spread host_time(cudaStream_t stream, Call call) {
  std::vector<double> times;
  for (int k = 0; k < 60; ++k) {
    constexpr int kBatch = 50;
    const auto start = std::chrono::steady_clock::now();
    for (int b = 0; b < kBatch; ++b) {
      call();
    }
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    check(cudaStreamSynchronize(stream), "wait");
    if (k >= 10) {
      times.push_back(time.count() / kBatch);
    }
  }
  return spread_of(times);
}

void report(const char* name, int64_t n, double bytes, const Spread& time, double floor) {
  printf("| %-30s | %9lld | %10.2f | %10.2f | %10.2f | %8.1f | %6.1f%% |\n", name, static_cast<long long>(n),
         time.median, time.low, time.high, bytes / time.median * 1e-3, floor / time.median * 100);
}

}  // namespace

int main(int argc, char** argv) {
  const int device = argc > 1 ? atoi(argv[1]) : 0;
  char text[512];
  if (alphabar_cuda_unavailable(device, text, sizeof text) != ALPHABAR_OK) {
    printf("%s\n", text);
    return 77;
  }
  check(cudaSetDevice(device), "set device");
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, device), "properties");
  int driver = 0;
  check(cudaDriverGetVersion(&driver), "driver");
  alphabar_context* context = nullptr;
  check(nullptr, alphabar_cuda_create(device, &context));
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream");
  printf("%s, compute capability %d.%d, driver for CUDA %d.%d, runtime %d.%d\n\n", properties.name, properties.major,
         properties.minor, driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
  printf("| %-30s | %9s | %10s | %10s | %10s | %8s | %7s |\n", "row", "elements", "median us", "10%", "90%", "GB/s",
         "floor");
  printf("|---|---:|---:|---:|---:|---:|---:|\n");
  const int64_t most = int64_t(1) << 26;
  void* buffers[5];
  for (void*& buffer : buffers) {
    check(cudaMalloc(&buffer, static_cast<size_t>(most) * sizeof(float)), "cudaMalloc");
    check(cudaMemset(buffer, 0, static_cast<size_t>(most) * sizeof(float)), "cudaMemset");
  }
  int64_t seed = 1;
  int64_t* device_seed = nullptr;
  check(cudaMalloc(reinterpret_cast<void**>(&device_seed), sizeof seed), "cudaMalloc");
  check(cudaMemcpy(device_seed, &seed, sizeof seed, cudaMemcpyHostToDevice), "copy");
  constexpr uint32_t kDdim = ALPHABAR_CX | ALPHABAR_CP | ALPHABAR_PX | ALPHABAR_PG;
  constexpr uint32_t kDpm = kDdim | ALPHABAR_H0 | ALPHABAR_STORE | ALPHABAR_SP;
  const struct {
    const char* name;
    uint32_t terms;
    int streams;
  } rows[] = {{"DDIM", kDdim, 3},
              {"DDIM, clipped", kDdim | ALPHABAR_CLIP_RANGE, 3},
              {"DDIM, guided from 2N", kDdim | ALPHABAR_GUIDED, 4},
              {"DDPM with noise drawn", kDdim | ALPHABAR_CZ, 3},
              {"DPM-Solver++(2M)", kDpm, 5},
              {"SDE-DPM-Solver++(2M), noise", kDpm | ALPHABAR_CZ, 5}};
  const Spread nothing = device_time(stream, 200, [&] { empty_kernel<<<1, 32, 0, stream>>>(); });
  report("empty kernel", 0, 0, nothing, nothing.median);
  for (const int64_t n : {int64_t(16384), int64_t(65536), int64_t(1) << 20, int64_t(1) << 24, most}) {
    const int batch = n <= (1 << 20) ? 100 : 10;
    for (const int32_t type : {ALPHABAR_F32, ALPHABAR_F16, ALPHABAR_BF16}) {
      const int64_t size = type == ALPHABAR_F32 ? 4 : 2;
      const Spread copy = device_time(stream, batch, [&] {
        check(cudaMemcpyAsync(buffers[2], buffers[0], static_cast<size_t>(n * size), cudaMemcpyDeviceToDevice, stream),
              "copy");
      });
      const char* suffix = type == ALPHABAR_F32 ? "F32" : type == ALPHABAR_F16 ? "F16" : "BF16";
      char name[64];
      snprintf(name, sizeof name, "copy, device to device %s", suffix);
      report(name, n, static_cast<double>(2 * n * size), copy, copy.median);
      for (const auto& r : rows) {
        alphabar_row row{};
        row.terms = r.terms;
        row.stream = 1;
        row.weight = 7.5f;
        row.px = 1.25f;
        row.pg = -0.75f;
        row.cx = 0.5f;
        row.cp = 0.25f;
        row.h0 = -0.125f;
        row.sp = row.range = 1;
        row.cz = 0.1f;
        alphabar_operands o{};
        o.samples = 1;
        o.elements = o.output_stride = n;
        o.state_type = o.output_type = type;
        o.x = reinterpret_cast<uintptr_t>(buffers[0]);
        o.output = o.uncond = reinterpret_cast<uintptr_t>(buffers[1]);
        // Guidance reads both halves of one tensor; the largest would not fit its buffer.
        o.output_offset = 2 * n * size <= most * 4 && (r.terms & ALPHABAR_GUIDED) != 0 ? n : 0;
        if ((r.terms & ALPHABAR_GUIDED) != 0 && o.output_offset == 0) {
          o.uncond = reinterpret_cast<uintptr_t>(buffers[3]);
        }
        o.out = reinterpret_cast<uintptr_t>(buffers[2]);
        o.h0 = reinterpret_cast<uintptr_t>(buffers[3]);
        o.store = reinterpret_cast<uintptr_t>(buffers[4]);
        o.seeds = reinterpret_cast<uintptr_t>(device_seed);
        const Spread time = device_time(stream, batch, [&] {
          check(context, alphabar_step(context, &row, &o, 0, reinterpret_cast<uintptr_t>(stream)));
        });
        // As many bytes at the copy's rate, or one empty kernel where that takes longer.
        const double floor = std::max(copy.median * r.streams / 2, nothing.median);
        snprintf(name, sizeof name, "%s %s", r.name, suffix);
        report(name, n, static_cast<double>(r.streams * n * size), time, floor);
      }
    }
  }
  printf("\nHost, to queue one call (us: median, 10%%, 90%%), 16384 elements\n\n");
  const auto queued = [](const char* name, const Spread& time) {
    printf("| %-30s | %7.2f | %7.2f | %7.2f |\n", name, time.median, time.low, time.high);
  };
  queued("empty kernel", host_time(stream, [&] { empty_kernel<<<1, 32, 0, stream>>>(); }));
  alphabar_row row{};
  row.terms = kDdim;
  row.px = row.pg = row.cx = row.cp = 0.5f;
  alphabar_operands o{};
  o.samples = 1;
  o.elements = o.output_stride = 16384;
  o.x = reinterpret_cast<uintptr_t>(buffers[0]);
  o.output = reinterpret_cast<uintptr_t>(buffers[1]);
  o.out = reinterpret_cast<uintptr_t>(buffers[2]);
  queued("DDIM", host_time(stream, [&] {
           check(context, alphabar_step(context, &row, &o, 0, reinterpret_cast<uintptr_t>(stream)));
         }));
  printf("\nTrajectories of DDIM rows (us: median, 10%%, 90%%), 16384 elements\n\n");
  trajectories(context, stream, row, o);
  for (void* buffer : buffers) {
    cudaFree(buffer);
  }
  cudaFree(device_seed);
  cudaStreamDestroy(stream);
  alphabar_destroy(context);
  return 0;
}
