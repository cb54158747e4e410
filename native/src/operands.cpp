// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// Checks of what comes in through the C interface. Inner loops trust what passed here.
#include <inttypes.h>

#include <cmath>

#include "alphabar/fused_step.h"
#include "context.h"

namespace alphabar {
namespace {

// A launch has one block of samples for each, in a dimension of the grid that ends here.
constexpr int32_t kMostTableSamples = 65535;

const char* name_of(int32_t type) {
  switch (type) {
    case ALPHABAR_F32:
      return "F32";
    case ALPHABAR_F16:
      return "F16";
    case ALPHABAR_BF16:
      return "BF16";
    case ALPHABAR_F64:
      return "F64";
    default:
      return "unknown";
  }
}

class Checker {
 public:
  Checker(char* text, size_t size) : text_(text), size_(size) {}

  bool passed() const { return passed_; }

  // Keeps the first complaint.
  void complain(const char* format, ...) __attribute__((format(printf, 2, 3))) {
    if (!passed_) {
      return;
    }
    passed_ = false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text_, size_, format, arguments);
    va_end(arguments);
  }

  void type(const char* name, int32_t type) {
    if (size_of(type) == 0) {
      complain("The type of '%s' must be 0 (F32), 1 (F16), 2 (BF16) or 3 (F64), but is %" PRId32 ".", name, type);
    }
  }

  // A type beside the state's.
  void type(const char* name, int32_t type, int32_t state) {
    this->type(name, type);
    if ((type == ALPHABAR_F64) != (state == ALPHABAR_F64)) {
      complain("F64 goes with F64 only, but the state is %s and '%s' is %s.", name_of(state), name, name_of(type));
    }
  }

  void need(const char* name, uint64_t address, int64_t alignment) {
    if (address == 0) {
      complain("The row reads or writes '%s', but none was given.", name);
    } else if (alignment != 0 && address % static_cast<uint64_t>(alignment) != 0) {
      complain("'%s' must be aligned to its elements of %" PRId64 " bytes, but is at 0x%" PRIx64 ".", name, alignment,
               address);
    }
  }

 private:
  char* text_;
  size_t size_;
  bool passed_ = true;
};

}  // namespace

bool check(const alphabar_row& row, const alphabar_operands& o, uint64_t scratch, char* text, size_t size) {
  Checker checker(text, size);
  if (o.samples < 1 || o.elements < 0) {
    checker.complain("A step needs at least one sample, but got samples=%" PRId32 ", elements=%" PRId64 ".", o.samples,
                     o.elements);
    return false;
  }
  // Sixteen bytes an element leave room for two copies of doubles.
  if (o.elements > INT64_MAX / 16 / o.samples) {
    checker.complain("%" PRId32 " samples of %" PRId64 " elements do not fit an address space.", o.samples, o.elements);
    return false;
  }
  const uint32_t terms = row.terms;
  const bool preview = o.preview != 0;
  const bool learned = needs_learned(terms);
  checker.type("out", o.state_type);
  const int64_t state = size_of(o.state_type);
  if (row.stream > 3) {
    checker.complain("The noise stream must be 0 to 3, but is %" PRIu32 ".", row.stream);
  }
  // An empty batch has no memory to ask for.
  const bool empty = o.elements == 0;
  if (!empty) {
    checker.need("out", o.out, state);
    if (needs_x(terms, preview)) {
      checker.need("x", o.x, state);
    }
  }
  if (needs_g(terms, preview) || learned) {
    if (o.output_stride < (learned ? 2 * o.elements : o.elements)) {
      checker.complain("The outputs of %" PRId64 " elements%s do not fit a stride of %" PRId64 ".", o.elements,
                       learned ? " and as many variances" : "", o.output_stride);
    }
    if (o.output_stride > INT64_MAX / 16 / o.samples) {
      checker.complain("The output's stride of %" PRId64 " does not fit an address space.", o.output_stride);
    }
    if (o.output_offset < 0 || o.uncond_offset < 0) {
      checker.complain("An offset into the outputs must not be negative, but got output_offset=%" PRId64
                       ", uncond_offset=%" PRId64 ".",
                       o.output_offset, o.uncond_offset);
    }
    checker.type("output", o.output_type, o.state_type);
    if (!empty) {
      checker.need("output", o.output, size_of(o.output_type));
      if ((terms & ALPHABAR_GUIDED) != 0 && needs_g(terms, preview)) {
        checker.need("uncond", o.uncond, size_of(o.output_type));
      }
    }
  }
  if (!empty) {
    if ((terms & ALPHABAR_H0) != 0) {
      checker.need("h0", o.h0, state);
    }
    if ((terms & ALPHABAR_H1) != 0) {
      checker.need("h1", o.h1, state);
    }
    if ((terms & ALPHABAR_H2) != 0) {
      checker.need("h2", o.h2, state);
    }
    if ((terms & ALPHABAR_STORE) != 0) {
      checker.need("store", o.store, state);
    }
  }
  if (needs_noise(terms)) {
    if (o.noise != 0) {
      checker.type("noise", o.noise_type, o.state_type);
      checker.need("noise", o.noise, size_of(o.noise_type));
    } else if (o.seeds == 0) {
      checker.complain("A noisy step of %" PRId32 " samples needs 'noise' or as many seeds, but got neither.",
                       o.samples);
    }
  }
  if (preview) {
    checker.type("preview", o.preview_type, o.state_type);
    checker.need("preview", o.preview, size_of(o.preview_type));
  }
  if (o.input != 0) {
    if (o.input_copies < 1 || o.input_copies > 2) {
      checker.complain("The model input is written once or twice, but got %" PRId32 ".", o.input_copies);
    }
    checker.type("input", o.input_type, o.state_type);
    checker.need("input", o.input, size_of(o.input_type));
    // Zeros in the struct are easily forgotten, and an input of zeros is never meant.
    if (!(std::isfinite(o.input_scale) && o.input_scale != 0)) {
      checker.complain("The scale of the model input must be finite and not 0, but is %g; 1 gives the state itself.",
                       o.input_scale);
    }
  }
  if (o.mask != 0) {
    checker.need("mask", o.mask, state);
    if (!empty) {
      checker.need("known", o.known, state);
    }
    if (row.known_sigma != 0) {
      if (o.known_noise != 0) {
        checker.type("known_noise", o.known_noise_type, o.state_type);
        checker.need("known_noise", o.known_noise, size_of(o.known_noise_type));
      } else if (o.seeds == 0) {
        checker.complain("A noisy step of %" PRId32 " samples needs 'known_noise' or as many seeds, but got neither.",
                         o.samples);
      }
    }
  }
  if (o.seeds != 0) {
    checker.need("seeds", o.seeds, 8);
  }
  if (needs_rescale(terms, preview) && !(row.rescale >= 0 && row.rescale <= 1)) {
    checker.complain("The rescale of guidance must be in [0, 1], but is %g.", row.rescale);
  }
  if (needs_threshold(terms, preview)) {
    if (!(row.quantile >= 0 && row.quantile <= 1)) {
      checker.complain("The quantile of a dynamic threshold must be in [0, 1], but is %g.", row.quantile);
    }
  }
  if (needs_threshold(terms, preview) || needs_rescale(terms, preview)) {
    if (scratch == 0) {
      checker.complain("A row with %s needs %" PRId64 " bytes of scratch, but got none.",
                       needs_threshold(terms, preview) ? "dynamic thresholding" : "rescaled guidance",
                       alphabar_scratch_bytes(o.samples));
    }
    checker.need("scratch", scratch, 8);
  }
  return checker.passed();
}

bool check(const alphabar_table& table, const alphabar_operands& operands, uint64_t scratch, char* text, size_t size) {
  Checker checker(text, size);
  checker.need("entries", table.entries, 8);
  checker.need("cursors", table.cursors, 4);
  if (table.times != 0) {
    checker.need("times", table.times, 4);
  }
  if (table.count < 1 || table.count > INT32_MAX) {
    checker.complain("A table needs 1 to %" PRId32 " entries, but has %" PRId64 ".", INT32_MAX, table.count);
  }
  if (operands.elements < 1) {
    checker.complain("A table's step needs at least one element, but got elements=%" PRId64 ".", operands.elements);
  }
  if (operands.samples > kMostTableSamples) {
    checker.complain("A table's step takes at most %" PRId32 " samples, but got %" PRId32 ".", kMostTableSamples,
                     operands.samples);
  }
  for (int k = 0; k < ALPHABAR_SLOTS; ++k) {
    if ((table.used >> k & 1) != 0) {
      const char name[] = {'s', 'l', 'o', 't', ' ', static_cast<char>('0' + k), '\0'};
      checker.need(name, table.slots[k], size_of(operands.state_type));
    }
  }
  if (!checker.passed()) {
    return false;
  }
  // The rest as for a row that has every term of the table; its slots were looked at above.
  alphabar_row row{};
  row.terms = table.terms;
  row.known_sigma = 1;
  alphabar_operands o = operands;
  for (int k = 0; k < ALPHABAR_SLOTS; ++k) {
    if ((table.used >> k & 1) != 0) {
      o.x = o.out = o.h0 = o.h1 = o.h2 = o.store = table.slots[k];
    }
  }
  o.input_scale = 1;
  return check(row, o, scratch, text, size);
}

bool is_flat(const alphabar_row& row, const alphabar_operands& o) {
  const bool preview = o.preview != 0;
  const bool even = o.output_stride == o.elements || !needs_g(row.terms, preview);
  return o.samples == 1 || (even && !draws_noise(row, o) && !draws_known_noise(row, o) && !needs_learned(row.terms) &&
                            !needs_threshold(row.terms, preview) && !needs_rescale(row.terms, preview));
}

}  // namespace alphabar
