// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// On a device: every kind of row and of table gives the bits of the specification, on a stream of the caller's, also
// replayed from a captured graph. Without a device it says why and exits with 77, which ctest reports as skipped;
// ALPHABAR_REQUIRE_DEVICE makes that a failure.
#include <cuda_runtime_api.h>
#include <stdlib.h>

#include "cases.h"
#include "check.h"

using namespace alphabar_test;

static bool done(cudaError_t error, const char* what) {
  if (error != cudaSuccess) {
    printf("%s: %s\n", what, cudaGetErrorString(error));
  }
  return EXPECT(error == cudaSuccess);
}

static void every_row_gives_the_bits_of_the_specification(alphabar_context* context, cudaStream_t stream, int count) {
  Cases cases(4);
  void* scratch = nullptr;
  done(cudaMalloc(&scratch, 64), "cudaMalloc");
  for (int k = 0; k < count; ++k) {
    const Case c = cases.next();
    Arena want(c.arena);
    reference(c, want);
    void* memory = nullptr;
    if (!done(cudaMalloc(&memory, c.arena.size()), "cudaMalloc")) {
      return;
    }
    done(cudaMemcpy(memory, c.arena.data(), c.arena.size(), cudaMemcpyHostToDevice), "copy to the device");
    const alphabar_operands o = c.at(reinterpret_cast<uintptr_t>(memory));
    const int32_t status =
        alphabar_step(context, &c.row, &o, reinterpret_cast<uintptr_t>(scratch), reinterpret_cast<uintptr_t>(stream));
    done(cudaStreamSynchronize(stream), "row");
    Arena got(c.arena);
    done(cudaMemcpy(got.lines.data(), memory, c.arena.size(), cudaMemcpyDeviceToHost), "copy from the device");
    done(cudaFree(memory), "cudaFree");
    char text[512] = "";
    alphabar_last_error(context, text, sizeof text);
    if (!EXPECT(status == ALPHABAR_OK) || !EXPECT(got.same(want, c.arena.size()))) {
      printf("  case %d: %s %s\n", k, c.text().c_str(), text);
    }
  }
  done(cudaFree(scratch), "cudaFree");
}

// Twenty steps in place, captured as one graph, against twenty on the host.
static void a_captured_trajectory_gives_the_same_bits(alphabar_context* context, cudaStream_t stream) {
  const int64_t n = 100003;
  std::vector<float> x(n), g(n);
  for (int64_t i = 0; i < n; ++i) {
    x[i] = static_cast<float>(i % 1000) * 0.001f - 0.5f;
    g[i] = static_cast<float>(i % 777) * 0.002f - 0.7f;
  }
  const int64_t seed = 42;
  float *device_x = nullptr, *device_g = nullptr;
  int64_t* device_seed = nullptr;
  done(cudaMalloc(reinterpret_cast<void**>(&device_x), n * sizeof(float)), "cudaMalloc");
  done(cudaMalloc(reinterpret_cast<void**>(&device_g), n * sizeof(float)), "cudaMalloc");
  done(cudaMalloc(reinterpret_cast<void**>(&device_seed), sizeof seed), "cudaMalloc");
  done(cudaMemcpy(device_x, x.data(), n * sizeof(float), cudaMemcpyHostToDevice), "copy to the device");
  done(cudaMemcpy(device_g, g.data(), n * sizeof(float), cudaMemcpyHostToDevice), "copy to the device");
  done(cudaMemcpy(device_seed, &seed, sizeof seed, cudaMemcpyHostToDevice), "copy to the device");
  alphabar_context* host = nullptr;
  EXPECT(alphabar_host_create(1, &host) == ALPHABAR_OK);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t replay = nullptr;
  done(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "begin capture");
  for (int step = 0; step < 20; ++step) {
    alphabar_row row{};
    row.terms = ALPHABAR_CX | ALPHABAR_CG | ALPHABAR_CZ;
    row.cx = 0.9f;
    row.cg = -0.3f;
    row.cz = 0.1f;
    row.stream = 1;
    alphabar_operands o{};
    o.samples = 1;
    o.elements = o.output_stride = n;
    o.draw = step;
    o.x = o.out = reinterpret_cast<uintptr_t>(device_x);
    o.output = reinterpret_cast<uintptr_t>(device_g);
    o.seeds = reinterpret_cast<uintptr_t>(device_seed);
    EXPECT(alphabar_step(context, &row, &o, 0, reinterpret_cast<uintptr_t>(stream)) == ALPHABAR_OK);
    o.x = o.out = reinterpret_cast<uintptr_t>(x.data());
    o.output = reinterpret_cast<uintptr_t>(g.data());
    o.seeds = reinterpret_cast<uintptr_t>(&seed);
    EXPECT(alphabar_step(host, &row, &o, 0, 0) == ALPHABAR_OK);
  }
  done(cudaStreamEndCapture(stream, &graph), "end capture");
  done(cudaGraphInstantiate(&replay, graph, 0), "instantiate");
  done(cudaGraphLaunch(replay, stream), "launch the graph");
  done(cudaStreamSynchronize(stream), "replay");
  std::vector<float> got(n);
  done(cudaMemcpy(got.data(), device_x, n * sizeof(float), cudaMemcpyDeviceToHost), "copy from the device");
  EXPECT(memcmp(got.data(), x.data(), n * sizeof(float)) == 0);
  cudaGraphExecDestroy(replay);
  cudaGraphDestroy(graph);
  cudaFree(device_x);
  cudaFree(device_g);
  cudaFree(device_seed);
  alphabar_destroy(host);
}

// A copy of host memory on the device, released at the end.
class OnDevice {
 public:
  OnDevice(alphabar_context* context, const void* from, size_t bytes) : context_(context), bytes_(bytes) {
    EXPECT(alphabar_allocate(context, static_cast<int64_t>(bytes), &address_) == ALPHABAR_OK);
    EXPECT(alphabar_copy(context, address_, reinterpret_cast<uintptr_t>(from), static_cast<int64_t>(bytes), 0) ==
           ALPHABAR_OK);
    // The copy was queued on the default stream, which a stream without its blocking flag does not wait for.
    EXPECT(alphabar_synchronize(context, 0) == ALPHABAR_OK);
  }
  ~OnDevice() { EXPECT(alphabar_release(context_, address_) == ALPHABAR_OK); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

  uint64_t address() const { return address_; }

  void read(void* to, uint64_t stream) const {
    EXPECT(alphabar_copy(context_, reinterpret_cast<uintptr_t>(to), address_, static_cast<int64_t>(bytes_), stream) ==
           ALPHABAR_OK);
  }

 private:
  alphabar_context* context_;
  size_t bytes_;
  uint64_t address_ = 0;
};

static void every_table_gives_the_bits_of_its_rows(alphabar_context* context, cudaStream_t stream, int count) {
  const uint64_t queue = reinterpret_cast<uintptr_t>(stream);
  Cases cases(7);
  for (int k = 0; k < count; ++k) {
    const TableCase c = cases.next_table();
    const size_t samples = static_cast<size_t>(c.shared.operands.samples);
    Arena want(c.shared.arena);
    std::vector<alphabar_cursor> want_cursors = c.cursors;
    std::vector<float> want_times(samples, -1.0f);
    for (int step = 0; step < c.steps; ++step) {
      reference(c, want, want_cursors, want_times);
    }
    std::vector<alphabar_cursor> cursors = c.cursors;
    std::vector<float> times(samples, -1.0f);
    const std::vector<double> zeros(2 * samples);
    const OnDevice arena(context, c.shared.arena.data(), c.shared.arena.size());
    const OnDevice entries(context, c.entries.data(), c.entries.size() * sizeof(alphabar_entry));
    const OnDevice places(context, cursors.data(), samples * sizeof(alphabar_cursor));
    const OnDevice clock(context, times.data(), samples * sizeof(float));
    const OnDevice scratch(context, zeros.data(), zeros.size() * sizeof(double));
    const alphabar_table table = c.at(arena.address(), entries.address(), places.address(), clock.address());
    const alphabar_operands o = c.shared.at(arena.address());
    // Half of them from a graph that holds one launch.
    uint64_t graph = 0;
    if (k % 2 == 1) {
      EXPECT(alphabar_capture_begin(context, queue) == ALPHABAR_OK);
      EXPECT(alphabar_table_step(context, &table, &o, scratch.address(), queue) == ALPHABAR_OK);
      EXPECT(alphabar_capture_end(context, queue, &graph) == ALPHABAR_OK);
    }
    for (int step = 0; step < c.steps; ++step) {
      const int32_t status = graph != 0 ? alphabar_graph_launch(context, graph, queue)
                                        : alphabar_table_step(context, &table, &o, scratch.address(), queue);
      EXPECT(status == ALPHABAR_OK);
    }
    Arena got(c.shared.arena);
    arena.read(got.lines.data(), queue);
    places.read(cursors.data(), queue);
    clock.read(times.data(), queue);
    EXPECT(alphabar_graph_destroy(context, graph) == ALPHABAR_OK);
    if (!EXPECT(got.same(want, c.shared.arena.size())) || !EXPECT(same(cursors, want_cursors)) ||
        !EXPECT(times == want_times)) {
      char text[512] = "";
      alphabar_last_error(context, text, sizeof text);
      printf("  table %d of %zu rows%s: %s %s\n", k, c.entries.size(), graph != 0 ? " from a graph" : "",
             c.shared.text().c_str(), text);
    }
  }
}

// Many blocks for each sample, so that the one that moves the cursor is not known beforehand: twenty steps from one
// captured launch against twenty on the host.
static void a_captured_table_walks_a_trajectory(alphabar_context* context, cudaStream_t stream) {
  const uint64_t queue = reinterpret_cast<uintptr_t>(stream);
  constexpr int kSteps = 20, kSamples = 3;
  const int64_t n = 300004;
  std::vector<float> x(kSamples * n), g(kSamples * n);
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(i % 1000) * 0.001f - 0.5f;
    g[i] = static_cast<float>(i % 777) * 0.002f - 0.7f;
  }
  std::vector<alphabar_entry> entries(kSteps);
  for (int k = 0; k < kSteps; ++k) {
    alphabar_entry& e = entries[static_cast<size_t>(k)];
    e.row.terms = ALPHABAR_CX | ALPHABAR_CG | ALPHABAR_CZ;
    e.row.stream = 1;
    e.row.cx = 0.9f;
    e.row.cg = -0.3f + 0.01f * static_cast<float>(k);
    e.row.cz = 0.1f;
    e.draw = k;
    e.time = 999.0 - 50 * k;
    e.input_scale = 1;
    e.x = e.out = 0;
    e.h0 = e.h1 = e.h2 = e.store = -1;
  }
  const int64_t seeds[kSamples] = {42, -7, 1};
  alphabar_cursor cursors[kSamples] = {{0, kSteps, 0, 0}, {5, kSteps, 0, 0}, {0, 13, 0, 0}};
  const float times[kSamples] = {};
  const OnDevice device_x(context, x.data(), x.size() * sizeof(float));
  const OnDevice device_g(context, g.data(), g.size() * sizeof(float));
  const OnDevice device_seeds(context, seeds, sizeof seeds);
  const OnDevice device_entries(context, entries.data(), entries.size() * sizeof(alphabar_entry));
  const OnDevice device_cursors(context, cursors, sizeof cursors);
  const OnDevice device_times(context, times, sizeof times);
  alphabar_table table{};
  table.entries = device_entries.address();
  table.cursors = device_cursors.address();
  table.times = device_times.address();
  table.slots[0] = device_x.address();
  table.count = kSteps;
  int64_t wrong = -1;
  EXPECT(alphabar_table_scan(entries.data(), kSteps, &table.terms, &table.used, &wrong) == ALPHABAR_OK);
  alphabar_operands o{};
  o.samples = kSamples;
  o.elements = o.output_stride = n;
  o.output = device_g.address();
  o.seeds = device_seeds.address();
  uint64_t graph = 0;
  EXPECT(alphabar_capture_begin(context, queue) == ALPHABAR_OK);
  EXPECT(alphabar_table_step(context, &table, &o, 0, queue) == ALPHABAR_OK);
  EXPECT(alphabar_capture_end(context, queue, &graph) == ALPHABAR_OK);
  for (int k = 0; k < kSteps + 2; ++k) {
    EXPECT(alphabar_graph_launch(context, graph, queue) == ALPHABAR_OK);
  }
  std::vector<float> got(x.size());
  device_x.read(got.data(), queue);
  EXPECT(alphabar_graph_destroy(context, graph) == ALPHABAR_OK);

  alphabar_context* host = nullptr;
  EXPECT(alphabar_host_create(1, &host) == ALPHABAR_OK);
  table.entries = reinterpret_cast<uintptr_t>(entries.data());
  table.cursors = reinterpret_cast<uintptr_t>(cursors);
  table.times = 0;
  table.slots[0] = reinterpret_cast<uintptr_t>(x.data());
  o.output = reinterpret_cast<uintptr_t>(g.data());
  o.seeds = reinterpret_cast<uintptr_t>(seeds);
  for (int k = 0; k < kSteps; ++k) {
    EXPECT(alphabar_table_step(host, &table, &o, 0, 0) == ALPHABAR_OK);
  }
  EXPECT(memcmp(got.data(), x.data(), x.size() * sizeof(float)) == 0);
  alphabar_cursor moved[kSamples];
  float now[kSamples];
  device_cursors.read(moved, queue);
  device_times.read(now, queue);
  EXPECT(moved[0].row == kSteps && moved[1].row == kSteps && moved[2].row == 13);
  EXPECT(moved[0].arrived == 0 && moved[1].arrived == 0 && moved[2].arrived == 0);
  EXPECT(now[0] == 49 && now[1] == 49 && now[2] == 399);
  alphabar_destroy(host);
}

static void streams_and_events_keep_an_order(alphabar_context* context) {
  uint64_t first = 0, second = 0, start = 0, end = 0, pinned = 0;
  EXPECT(alphabar_stream_create(context, &first) == ALPHABAR_OK);
  EXPECT(alphabar_stream_create(context, &second) == ALPHABAR_OK);
  EXPECT(alphabar_event_create(context, &start) == ALPHABAR_OK);
  EXPECT(alphabar_event_create(context, &end) == ALPHABAR_OK);
  const int64_t n = 1 << 22;
  EXPECT(alphabar_allocate_pinned(context, n * 4, &pinned) == ALPHABAR_OK);
  std::vector<float> x(n, 1.0f);
  const OnDevice on(context, x.data(), x.size() * sizeof(float));
  alphabar_row row{};
  row.terms = ALPHABAR_CX;
  row.cx = 2;
  alphabar_operands o{};
  o.samples = 1;
  o.elements = o.output_stride = n;
  o.x = o.out = on.address();
  EXPECT(alphabar_event_record(context, start, first) == ALPHABAR_OK);
  for (int k = 0; k < 10; ++k) {
    EXPECT(alphabar_step(context, &row, &o, 0, first) == ALPHABAR_OK);
  }
  EXPECT(alphabar_event_record(context, end, first) == ALPHABAR_OK);
  EXPECT(alphabar_event_wait(context, end, second) == ALPHABAR_OK);
  EXPECT(alphabar_copy(context, pinned, on.address(), n * 4, second) == ALPHABAR_OK);
  EXPECT(alphabar_synchronize(context, second) == ALPHABAR_OK);
  const float* got = reinterpret_cast<const float*>(static_cast<uintptr_t>(pinned));
  EXPECT(got[0] == 1024 && got[n - 1] == 1024);
  float milliseconds = -1;
  EXPECT(alphabar_event_elapsed(context, start, end, &milliseconds) == ALPHABAR_OK && milliseconds > 0);
  EXPECT(alphabar_release_pinned(context, pinned) == ALPHABAR_OK);
  EXPECT(alphabar_event_destroy(context, start) == ALPHABAR_OK);
  EXPECT(alphabar_event_destroy(context, end) == ALPHABAR_OK);
  EXPECT(alphabar_stream_destroy(context, first) == ALPHABAR_OK);
  EXPECT(alphabar_stream_destroy(context, second) == ALPHABAR_OK);
}

static void what_does_not_fit_is_a_sentence(alphabar_context* context) {
  uint64_t address = 1;
  EXPECT(alphabar_allocate(context, int64_t(1) << 50, &address) == ALPHABAR_OUT_OF_MEMORY && address == 0);
  char text[512] = "";
  alphabar_last_error(context, text, sizeof text);
  EXPECT(std::string(text).find("allocating memory: cudaErrorMemoryAllocation") != std::string::npos);
  // The error is not taken for that of a later call.
  EXPECT(alphabar_allocate(context, 64, &address) == ALPHABAR_OK);
  EXPECT(alphabar_release(context, address) == ALPHABAR_OK);
}

int main(int argc, char** argv) {
  const int count = argc > 1 ? atoi(argv[1]) : 3000;
  char text[512];
  if (alphabar_cuda_unavailable(0, text, sizeof text) != ALPHABAR_OK) {
    const bool required = getenv("ALPHABAR_REQUIRE_DEVICE") != nullptr;
    printf("%s: %s\n", required ? "FAILED, a device is required" : "SKIPPED, nothing was tested on a device", text);
    return required ? 1 : 77;
  }
  alphabar_context* context = nullptr;
  if (!EXPECT(alphabar_cuda_create(0, &context) == ALPHABAR_OK)) {
    return finish("device_test");
  }
  cudaStream_t stream = nullptr;
  done(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
  every_row_gives_the_bits_of_the_specification(context, stream, count);
  a_captured_trajectory_gives_the_same_bits(context, stream);
  every_table_gives_the_bits_of_its_rows(context, stream, count);
  a_captured_table_walks_a_trajectory(context, stream);
  streams_and_events_keep_an_order(context);
  what_does_not_fit_is_a_sentence(context);
  cudaStreamDestroy(stream);
  alphabar_destroy(context);
  return finish("device_test");
}
