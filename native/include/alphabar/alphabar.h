// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The C interface of alphabar's native backends. Plain C: nothing throws or exits across it, every call returns a
// status, and every struct is plain data whose size is asserted. Memory belongs to whoever allocated it; a context
// belongs to the caller of its create function, who destroys it. A context may be used by several threads at once; its
// last error is the last of any.
#ifndef ALPHABAR_ALPHABAR_H
#define ALPHABAR_ALPHABAR_H

#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
extern "C" {
#endif

#if defined(_WIN32)
#define ALPHABAR_API __declspec(dllexport)
#else
#define ALPHABAR_API __attribute__((visibility("default")))
#endif

// Raised with every change of a struct or a meaning. A caller refuses a library of another version.
#define ALPHABAR_ABI_VERSION 2

typedef enum alphabar_status {
  ALPHABAR_OK = 0,
  ALPHABAR_INVALID_ARGUMENT = 1,  // the last error says which and what was expected
  ALPHABAR_OUT_OF_MEMORY = 2,
  ALPHABAR_NO_DRIVER = 3,   // no NVIDIA driver, or one too old
  ALPHABAR_NO_DEVICE = 4,   // no such device
  ALPHABAR_CUDA_ERROR = 5,  // the last error names the CUDA error and what was being done
  ALPHABAR_NOT_BUILT = 6    // this library was built without the kernels
} alphabar_status;

// The numbers are those of io.github.alphabar.tensor.DType.
typedef enum alphabar_dtype { ALPHABAR_F32 = 0, ALPHABAR_F16 = 1, ALPHABAR_BF16 = 2, ALPHABAR_F64 = 3 } alphabar_dtype;

// The terms of a row; the numbers are those of io.github.alphabar.plan.StepParams. A term that is absent is not read.
enum {
  ALPHABAR_CX = 1,
  ALPHABAR_CP = 1 << 1,
  ALPHABAR_CG = 1 << 2,
  ALPHABAR_H0 = 1 << 3,
  ALPHABAR_H1 = 1 << 4,
  ALPHABAR_H2 = 1 << 5,
  ALPHABAR_CZ = 1 << 6,
  ALPHABAR_LEARNED = 1 << 7,
  ALPHABAR_LEARNED_LOG = 1 << 8,
  ALPHABAR_PX = 1 << 9,
  ALPHABAR_PG = 1 << 10,
  ALPHABAR_CLIP_RANGE = 1 << 11,
  ALPHABAR_CLIP_DYNAMIC = 1 << 12,
  ALPHABAR_STORE = 1 << 13,
  ALPHABAR_SX = 1 << 14,
  ALPHABAR_SP = 1 << 15,
  ALPHABAR_SG = 1 << 16,
  ALPHABAR_GUIDED = 1 << 17,
  ALPHABAR_RESCALE = 1 << 18  // with GUIDED: g keeps part of the conditional output's standard deviation
};

// The coefficients of one row. For arithmetic in binary32 they are rounded to float already; the struct keeps doubles
// so that one layout serves both.
typedef struct alphabar_row {
  uint32_t terms;
  uint32_t stream;  // what in-kernel noise is drawn for: 0 initial, 1 step, 2 inpaint, 3 forward
  double weight;
  double px, pg;
  double cx, cp, cg;
  double h0, h1, h2;
  double cz;
  double variance_factor, variance_offset;
  double sx, sp, sg;
  double range;
  double quantile, maximum;
  double known_alpha, known_sigma;
  double rescale;  // how much of the standard deviation is kept, in [0, 1]
} alphabar_row;

// The memory of one row, by address: host addresses for a host context, device addresses for a device. 0 is an absent
// operand. State tensors (x, out, h0..h2, store, mask, known) share state_type and hold samples * elements values; out
// may be x, store may be one of h0..h2. F64 goes with F64 only.
typedef struct alphabar_operands {
  int64_t elements;       // of a sample
  int64_t output_offset;  // where in output the first sample starts, in elements
  int64_t uncond_offset;
  int64_t output_stride;  // from one sample to the next in both outputs, in elements
  int32_t samples;
  int32_t draw;
  int32_t input_copies;  // how often input is written, one batch after the other: 1 or 2
  int32_t state_type;
  int32_t output_type;
  int32_t preview_type;
  int32_t input_type;
  int32_t noise_type;
  int32_t known_noise_type;
  int32_t reserved;  // 0
  uint64_t x;
  uint64_t out;
  uint64_t output;
  uint64_t uncond;
  uint64_t h0, h1, h2;
  uint64_t store;
  uint64_t noise;  // 0 draws it from seeds
  uint64_t preview;
  uint64_t input;
  uint64_t mask;
  uint64_t known;
  uint64_t known_noise;  // 0 draws it from seeds
  uint64_t seeds;        // int64 for each sample; a host address for the host, a device address for a device
  double input_scale;    // input is input_scale x'; 1 where the network takes the state itself
} alphabar_operands;

// How many tensors of state a table's rows may name.
#define ALPHABAR_SLOTS 8

// One row of a table: what a step executes beside the operands that all rows share. Slots are numbers of
// alphabar_table's tensors, or -1 where the row has no such operand.
typedef struct alphabar_entry {
  alphabar_row row;
  double time;         // what the network is given before this row
  double input_scale;  // of the input that this row writes
  int32_t draw;
  int8_t x, out, h0, h1, h2, store;
  int8_t reserved[6];  // 0
} alphabar_entry;

// Where a sample is in a table. A step executes `row` and adds 1; at `end` a sample is done and left alone.
typedef struct alphabar_cursor {
  int32_t row;
  int32_t end;
  uint32_t arrived;  // 0 between steps
  uint32_t reserved;
} alphabar_cursor;

// Rows that lie where the context computes, so that one launch gives every sample a row of its own and a captured
// launch executes the next row each time it is replayed.
typedef struct alphabar_table {
  uint64_t entries;  // alphabar_entry[count]
  uint64_t cursors;  // alphabar_cursor[samples]
  uint64_t times;    // float[samples], receives the time of each sample's next row; or 0
  uint64_t slots[ALPHABAR_SLOTS];
  int64_t count;
  uint32_t terms;  // of all entries together
  uint32_t used;   // a bit for each slot that some entry names
} alphabar_table;

#if defined(__cplusplus)
static_assert(sizeof(alphabar_row) == 176, "alphabar_row is part of the interface");
static_assert(sizeof(alphabar_operands) == 200, "alphabar_operands is part of the interface");
static_assert(sizeof(alphabar_entry) == 208, "alphabar_entry is part of the interface");
static_assert(sizeof(alphabar_cursor) == 16, "alphabar_cursor is part of the interface");
static_assert(sizeof(alphabar_table) == 104, "alphabar_table is part of the interface");
#endif

typedef struct alphabar_context alphabar_context;

// The version this library was built for: compare with ALPHABAR_ABI_VERSION before anything else.
ALPHABAR_API uint32_t alphabar_abi_version(void);

// A sentence for a status. The text is a literal; do not free it.
ALPHABAR_API const char* alphabar_status_text(int32_t status);

// What the host part was built for and chose on this machine, such as "AVX-512". The text is a literal; do not free it.
ALPHABAR_API const char* alphabar_host_description(void);

// Makes a context that runs rows on the host with at most `threads` threads (0: one for each processor). The caller
// destroys it.
ALPHABAR_API int32_t alphabar_host_create(int32_t threads, alphabar_context** context);

// Makes a context on a device's primary context. The caller destroys it. NOT_BUILT, NO_DRIVER or NO_DEVICE leave
// *context null.
ALPHABAR_API int32_t alphabar_cuda_create(int32_t device, alphabar_context** context);

// Why a device cannot be used, or "" if it can, as one sentence with the remedy, written to `text` of `size` bytes.
ALPHABAR_API int32_t alphabar_cuda_unavailable(int32_t device, char* text, size_t size);

// Destroys a context; null does nothing. Work already queued on a stream is not waited for.
ALPHABAR_API void alphabar_destroy(alphabar_context* context);

// The last error of a context as one sentence, copied to `text` of `size` bytes.
ALPHABAR_API void alphabar_last_error(alphabar_context* context, char* text, size_t size);

// Executes one row: on the host before it returns; on a device by queuing it on `stream` (0 is the legacy default
// stream), without allocation, synchronisation or reading memory back. `scratch` is memory of alphabar_scratch_bytes()
// bytes for rows with dynamic thresholding or rescaled guidance, else may be 0.
ALPHABAR_API int32_t alphabar_step(alphabar_context* context, const alphabar_row* row,
                                   const alphabar_operands* operands, uint64_t scratch, uint64_t stream);

// Scratch memory for this many samples, in bytes.
ALPHABAR_API int64_t alphabar_scratch_bytes(int32_t samples);

// Checks entries in the caller's memory before they are copied to where the context computes, and writes what
// alphabar_table needs to know of them to *terms and *used. INVALID_ARGUMENT: an entry names a slot it cannot have; its
// number is written to *wrong.
ALPHABAR_API int32_t alphabar_table_scan(const alphabar_entry* entries, int64_t count, uint32_t* terms, uint32_t* used,
                                         int64_t* wrong);

// Executes for every sample the row its cursor is at, in one launch, and moves the cursors. As alphabar_step otherwise;
// of the operands x, out, h0, h1, h2, store, draw and input_scale are not looked at. The state is not F64 on a device.
ALPHABAR_API int32_t alphabar_table_step(alphabar_context* context, const alphabar_table* table,
                                         const alphabar_operands* operands, uint64_t scratch, uint64_t stream);

// Memory where the context computes, aligned to 256 bytes, its values undefined. Release it with alphabar_release,
// which on a device waits for the work that may use it.
ALPHABAR_API int32_t alphabar_allocate(alphabar_context* context, int64_t bytes, uint64_t* address);
ALPHABAR_API int32_t alphabar_release(alphabar_context* context, uint64_t address);

// Memory of the host that a device copies from and to without staging. Release it with alphabar_release_pinned.
ALPHABAR_API int32_t alphabar_allocate_pinned(alphabar_context* context, int64_t bytes, uint64_t* address);
ALPHABAR_API int32_t alphabar_release_pinned(alphabar_context* context, uint64_t address);

// Copies bytes between any two of host, pinned and device memory, in the stream's order. Pinned memory may not be
// touched before the stream has come this far; for other memory of the host that is so when the call returns.
ALPHABAR_API int32_t alphabar_copy(alphabar_context* context, uint64_t to, uint64_t from, int64_t bytes,
                                   uint64_t stream);

// Waits for what was queued on a stream.
ALPHABAR_API int32_t alphabar_synchronize(alphabar_context* context, uint64_t stream);

// Streams, events and graphs of a device, for callers who have none: a cudaStream_t, a cudaEvent_t with timing, a
// cudaGraphExec_t, by address. A host context refuses them. The caller destroys what was created.
ALPHABAR_API int32_t alphabar_stream_create(alphabar_context* context, uint64_t* stream);
ALPHABAR_API int32_t alphabar_stream_destroy(alphabar_context* context, uint64_t stream);
ALPHABAR_API int32_t alphabar_event_create(alphabar_context* context, uint64_t* event);
ALPHABAR_API int32_t alphabar_event_destroy(alphabar_context* context, uint64_t event);
ALPHABAR_API int32_t alphabar_event_record(alphabar_context* context, uint64_t event, uint64_t stream);
// Later work of the stream waits for the event; the host does not.
ALPHABAR_API int32_t alphabar_event_wait(alphabar_context* context, uint64_t event, uint64_t stream);
// Waits for `end` and writes the milliseconds between two recorded events.
ALPHABAR_API int32_t alphabar_event_elapsed(alphabar_context* context, uint64_t start, uint64_t end,
                                            float* milliseconds);
// What this thread queues on the stream between begin and end is recorded instead of executed.
ALPHABAR_API int32_t alphabar_capture_begin(alphabar_context* context, uint64_t stream);
ALPHABAR_API int32_t alphabar_capture_end(alphabar_context* context, uint64_t stream, uint64_t* graph);
ALPHABAR_API int32_t alphabar_graph_launch(alphabar_context* context, uint64_t graph, uint64_t stream);
ALPHABAR_API int32_t alphabar_graph_destroy(alphabar_context* context, uint64_t graph);

#if defined(__cplusplus)
}
#endif

#endif  // ALPHABAR_ALPHABAR_H
