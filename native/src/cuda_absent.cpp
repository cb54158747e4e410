// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// What a library without the kernels answers.
#include "context.h"

int32_t alphabar_cuda_create(int32_t, alphabar_context** context) {
  if (context == nullptr) {
    return ALPHABAR_INVALID_ARGUMENT;
  }
  *context = nullptr;
  return ALPHABAR_NOT_BUILT;
}

int32_t alphabar_cuda_unavailable(int32_t, char* text, size_t size) {
  if (text == nullptr || size == 0) {
    return ALPHABAR_INVALID_ARGUMENT;
  }
  snprintf(text, size, "%s", alphabar_status_text(ALPHABAR_NOT_BUILT));
  return ALPHABAR_NOT_BUILT;
}
