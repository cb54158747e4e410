// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The C interface that all backends share. Nothing throws across it.
#include "context.h"

uint32_t alphabar_abi_version(void) { return ALPHABAR_ABI_VERSION; }

const char* alphabar_status_text(int32_t status) {
  switch (status) {
    case ALPHABAR_OK:
      return "No error.";
    case ALPHABAR_INVALID_ARGUMENT:
      return "An argument is not what was expected.";
    case ALPHABAR_OUT_OF_MEMORY:
      return "There is not enough memory.";
    case ALPHABAR_NO_DRIVER:
      return "There is no NVIDIA driver, or it is too old: install a driver for CUDA 13 or use another backend.";
    case ALPHABAR_NO_DEVICE:
      return "There is no such CUDA device.";
    case ALPHABAR_CUDA_ERROR:
      return "A CUDA call failed.";
    case ALPHABAR_NOT_BUILT:
      return "This library was built without the CUDA kernels: build it where nvcc is installed or use another "
             "backend.";
    default:
      return "An unknown status.";
  }
}

void alphabar_destroy(alphabar_context* context) { delete context; }

void alphabar_last_error(alphabar_context* context, char* text, size_t size) {
  if (text == nullptr || size == 0) {
    return;
  }
  text[0] = '\0';
  if (context != nullptr) {
    context->copy_error(text, size);
  }
}

int32_t alphabar_step(alphabar_context* context, const alphabar_row* row, const alphabar_operands* operands,
                      uint64_t scratch, uint64_t stream) {
  if (context == nullptr) {
    return ALPHABAR_INVALID_ARGUMENT;
  }
  if (row == nullptr || operands == nullptr) {
    return context->fail(ALPHABAR_INVALID_ARGUMENT, "A step needs a row and operands, but '%s' is null.",
                         row == nullptr ? "row" : "operands");
  }
  char text[512];
  if (!alphabar::check(*row, *operands, scratch, text, sizeof text)) {
    return context->fail(ALPHABAR_INVALID_ARGUMENT, "%s", text);
  }
  if (operands->elements == 0) {
    return ALPHABAR_OK;
  }
  return context->step(*row, *operands, scratch, stream);
}

// A threshold for each sample, in a slot of eight bytes.
int64_t alphabar_scratch_bytes(int32_t samples) { return samples < 1 ? 0 : static_cast<int64_t>(samples) * 8; }
