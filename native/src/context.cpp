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

// A threshold and a factor for each sample, in slots of eight bytes.
int64_t alphabar_scratch_bytes(int32_t samples) { return samples < 1 ? 0 : static_cast<int64_t>(samples) * 16; }

int32_t alphabar_table_scan(const alphabar_entry* entries, int64_t count, uint32_t* terms, uint32_t* used,
                            int64_t* wrong) {
  if (entries == nullptr || count < 1 || terms == nullptr || used == nullptr || wrong == nullptr) {
    return ALPHABAR_INVALID_ARGUMENT;
  }
  *terms = 0;
  *used = 0;
  for (int64_t k = 0; k < count; ++k) {
    const alphabar_entry& e = entries[k];
    const uint32_t t = e.row.terms;
    // With a preview, any row with p reads x.
    const bool reads_x = (t & (ALPHABAR_CX | ALPHABAR_SX | ALPHABAR_PX)) != 0;
    const struct {
      int8_t slot;
      bool needed;
    } slots[] = {{e.x, reads_x},
                 {e.out, true},
                 {e.h0, (t & ALPHABAR_H0) != 0},
                 {e.h1, (t & ALPHABAR_H1) != 0},
                 {e.h2, (t & ALPHABAR_H2) != 0},
                 {e.store, (t & ALPHABAR_STORE) != 0}};
    for (const auto& s : slots) {
      if (s.slot >= ALPHABAR_SLOTS || s.slot < -1 || (s.needed && s.slot < 0)) {
        *wrong = k;
        return ALPHABAR_INVALID_ARGUMENT;
      }
      *used |= s.slot < 0 ? 0 : 1u << s.slot;
    }
    *terms |= t;
  }
  return ALPHABAR_OK;
}

int32_t alphabar_table_step(alphabar_context* context, const alphabar_table* table, const alphabar_operands* operands,
                            uint64_t scratch, uint64_t stream) {
  if (context == nullptr) {
    return ALPHABAR_INVALID_ARGUMENT;
  }
  if (table == nullptr || operands == nullptr) {
    return context->fail(ALPHABAR_INVALID_ARGUMENT, "A step needs a table and operands, but '%s' is null.",
                         table == nullptr ? "table" : "operands");
  }
  char text[512];
  if (!alphabar::check(*table, *operands, scratch, text, sizeof text)) {
    return context->fail(ALPHABAR_INVALID_ARGUMENT, "%s", text);
  }
  return context->table_step(*table, *operands, scratch, stream);
}

namespace {

// Nulls stop here; a context's functions never see them.
template <typename Call>
int32_t with(alphabar_context* context, const char* name, bool given, Call call) {
  if (context == nullptr) {
    return ALPHABAR_INVALID_ARGUMENT;
  }
  return given ? call(*context) : context->fail(ALPHABAR_INVALID_ARGUMENT, "'%s' must not be null or negative.", name);
}

// What a call writes is 0 wherever it fails.
template <typename Call>
int32_t making(alphabar_context* context, const char* name, bool given, uint64_t* made, Call call) {
  if (made != nullptr) {
    *made = 0;
  }
  return with(context, name, given && made != nullptr, call);
}

}  // namespace

int32_t alphabar_allocate(alphabar_context* context, int64_t bytes, uint64_t* address) {
  return making(context, "bytes or address", bytes >= 0, address, [&](auto& c) { return c.allocate(bytes, address); });
}

int32_t alphabar_release(alphabar_context* context, uint64_t address) {
  return with(context, "address", true, [&](auto& c) { return address == 0 ? ALPHABAR_OK : c.release(address); });
}

int32_t alphabar_allocate_pinned(alphabar_context* context, int64_t bytes, uint64_t* address) {
  return making(context, "bytes or address", bytes >= 0, address,
                [&](auto& c) { return c.allocate_pinned(bytes, address); });
}

int32_t alphabar_release_pinned(alphabar_context* context, uint64_t address) {
  return with(context, "address", true,
              [&](auto& c) { return address == 0 ? ALPHABAR_OK : c.release_pinned(address); });
}

int32_t alphabar_copy(alphabar_context* context, uint64_t to, uint64_t from, int64_t bytes, uint64_t stream) {
  return with(context, "to, from or bytes", bytes == 0 || (bytes > 0 && to != 0 && from != 0),
              [&](auto& c) { return bytes == 0 ? ALPHABAR_OK : c.copy(to, from, bytes, stream); });
}

int32_t alphabar_synchronize(alphabar_context* context, uint64_t stream) {
  return with(context, "stream", true, [&](auto& c) { return c.synchronize(stream); });
}

int32_t alphabar_stream_create(alphabar_context* context, uint64_t* stream) {
  return making(context, "stream", true, stream, [&](auto& c) { return c.stream_create(stream); });
}

int32_t alphabar_stream_destroy(alphabar_context* context, uint64_t stream) {
  return with(context, "stream", true, [&](auto& c) { return stream == 0 ? ALPHABAR_OK : c.stream_destroy(stream); });
}

int32_t alphabar_event_create(alphabar_context* context, uint64_t* event) {
  return making(context, "event", true, event, [&](auto& c) { return c.event_create(event); });
}

int32_t alphabar_event_destroy(alphabar_context* context, uint64_t event) {
  return with(context, "event", true, [&](auto& c) { return event == 0 ? ALPHABAR_OK : c.event_destroy(event); });
}

int32_t alphabar_event_record(alphabar_context* context, uint64_t event, uint64_t stream) {
  return with(context, "event", event != 0, [&](auto& c) { return c.event_record(event, stream); });
}

int32_t alphabar_event_wait(alphabar_context* context, uint64_t event, uint64_t stream) {
  return with(context, "event", event != 0, [&](auto& c) { return c.event_wait(event, stream); });
}

int32_t alphabar_event_elapsed(alphabar_context* context, uint64_t start, uint64_t end, float* milliseconds) {
  return with(context, "start, end or milliseconds", start != 0 && end != 0 && milliseconds != nullptr,
              [&](auto& c) { return c.event_elapsed(start, end, milliseconds); });
}

int32_t alphabar_capture_begin(alphabar_context* context, uint64_t stream) {
  return with(context, "stream", true, [&](auto& c) { return c.capture_begin(stream); });
}

int32_t alphabar_capture_end(alphabar_context* context, uint64_t stream, uint64_t* graph) {
  return making(context, "graph", true, graph, [&](auto& c) { return c.capture_end(stream, graph); });
}

int32_t alphabar_graph_launch(alphabar_context* context, uint64_t graph, uint64_t stream) {
  return with(context, "graph", graph != 0, [&](auto& c) { return c.graph_launch(graph, stream); });
}

int32_t alphabar_graph_destroy(alphabar_context* context, uint64_t graph) {
  return with(context, "graph", true, [&](auto& c) { return graph == 0 ? ALPHABAR_OK : c.graph_destroy(graph); });
}
