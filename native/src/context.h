// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// What every context has: an error text and a way to execute a row.
#ifndef ALPHABAR_CONTEXT_H
#define ALPHABAR_CONTEXT_H

#include <stdarg.h>
#include <stdio.h>

#include <mutex>

#include "alphabar/alphabar.h"

struct alphabar_context {
  alphabar_context() = default;
  alphabar_context(const alphabar_context&) = delete;
  alphabar_context& operator=(const alphabar_context&) = delete;
  virtual ~alphabar_context() = default;

  // The operands were checked.
  virtual int32_t step(const alphabar_row& row, const alphabar_operands& operands, uint64_t scratch,
                       uint64_t stream) = 0;

  virtual int32_t table_step(const alphabar_table& table, const alphabar_operands& operands, uint64_t scratch,
                             uint64_t stream) = 0;

  // Arguments were checked: addresses are not null, sizes not negative.
  virtual int32_t allocate(int64_t bytes, uint64_t* address) = 0;
  virtual int32_t release(uint64_t address) = 0;
  virtual int32_t allocate_pinned(int64_t bytes, uint64_t* address) = 0;
  virtual int32_t release_pinned(uint64_t address) = 0;
  virtual int32_t copy(uint64_t to, uint64_t from, int64_t bytes, uint64_t stream) = 0;
  virtual int32_t synchronize(uint64_t stream) = 0;
  virtual int32_t stream_create(uint64_t* stream) = 0;
  virtual int32_t stream_destroy(uint64_t stream) = 0;
  virtual int32_t event_create(uint64_t* event) = 0;
  virtual int32_t event_destroy(uint64_t event) = 0;
  virtual int32_t event_record(uint64_t event, uint64_t stream) = 0;
  virtual int32_t event_wait(uint64_t event, uint64_t stream) = 0;
  virtual int32_t event_elapsed(uint64_t start, uint64_t end, float* milliseconds) = 0;
  virtual int32_t capture_begin(uint64_t stream) = 0;
  virtual int32_t capture_end(uint64_t stream, uint64_t* graph) = 0;
  virtual int32_t graph_launch(uint64_t graph, uint64_t stream) = 0;
  virtual int32_t graph_destroy(uint64_t graph) = 0;

  // Remembers a sentence and returns the status it explains.
  int32_t fail(int32_t status, const char* format, ...) __attribute__((format(printf, 3, 4))) {
    std::lock_guard<std::mutex> guard(error_lock_);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error_, sizeof error_, format, arguments);
    va_end(arguments);
    return status;
  }

  void copy_error(char* text, size_t size) {
    std::lock_guard<std::mutex> guard(error_lock_);
    snprintf(text, size, "%s", error_);
  }

 private:
  std::mutex error_lock_;
  char error_[512] = "";
};

namespace alphabar {

// Checks that the operands fit the row: sizes, types, presence and alignment, never values. Writes a sentence naming
// the operand that does not fit and returns false.
bool check(const alphabar_row& row, const alphabar_operands& operands, uint64_t scratch, char* text, size_t size);

// The same for a table: the tensors all rows share, and every slot that one of them names.
bool check(const alphabar_table& table, const alphabar_operands& operands, uint64_t scratch, char* text, size_t size);

// Bytes of an element; 0 for a number that is no type.
inline int64_t size_of(int32_t type) {
  return type == ALPHABAR_F32 ? 4 : type == ALPHABAR_F16 || type == ALPHABAR_BF16 ? 2 : type == ALPHABAR_F64 ? 8 : 0;
}

// Whether rows draw noise themselves.
inline bool draws_noise(const alphabar_row& row, const alphabar_operands& o) {
  const bool noisy = (row.terms & (ALPHABAR_CZ | ALPHABAR_LEARNED | ALPHABAR_LEARNED_LOG)) != 0;
  return noisy && o.noise == 0;
}

inline bool draws_known_noise(const alphabar_row& row, const alphabar_operands& o) {
  return o.mask != 0 && o.known_noise == 0 && row.known_sigma != 0;
}

// Whether the batch is one long row: nothing in it belongs to a sample.
bool is_flat(const alphabar_row& row, const alphabar_operands& operands);

}  // namespace alphabar

#endif  // ALPHABAR_CONTEXT_H
