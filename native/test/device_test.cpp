// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// On a device: every kind of row gives the bits of the specification, on a stream of the caller's, also replayed from a
// captured graph. Without a device it says why and exits with 77, which ctest reports as skipped;
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
  cudaStreamDestroy(stream);
  alphabar_destroy(context);
  return finish("device_test");
}
