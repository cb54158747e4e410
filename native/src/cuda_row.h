// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The body of the row kernels: x', the stored value, p and the next model input of every element, in one pass over
// memory.
//
// Bytes per element: those of each operand, once. A thread takes four consecutive elements, or eight where the state or
// the outputs have two bytes, so that Philox blocks are whole and every access is one of 16 bytes; groups are strided
// over the grid's x, samples over its y. The body is plain C++ of where a thread stands, so that tests run it on the
// host over a made-up grid and compare bits.
#ifndef ALPHABAR_CUDA_ROW_H
#define ALPHABAR_CUDA_ROW_H

#include "alphabar/philox.h"
#include "alphabar/threshold.h"

namespace alphabar {

// What a launch passes by value. Where the batch is one long row, `samples` is 1 and `elements` is all of it.
template <typename T>
struct RowArguments {
  Coefficients<T> c;
  alphabar_operands o;
  const double* thresholds;  // null where the row has none
  const double* factors;     // of rescaled guidance; null where the row has none
  int64_t total;             // of the batch
  uint32_t terms;
  uint32_t stream;
};

// Where a thread stands.
struct Place {
  int64_t first;   // its first group of four
  int64_t stride;  // to its next group
  int32_t sample;
  int32_t sample_stride;
};

// An operand whose type is only known when the kernel runs.
struct AnyType {};

// W elements, moved by accesses of 16 bytes or, where they are fewer, by one.
template <typename E, int W>
struct alignas(W * sizeof(E) < 16 ? W * sizeof(E) : 16) Pack {
  E e[W];
};

template <typename E>
ALPHABAR_HD E* address_of(uint64_t base, int64_t i) {
  return reinterpret_cast<E*>(static_cast<uintptr_t>(base)) + i;
}

// W elements from i on, or the first n of them.
template <bool kPacked, int W, typename E, typename T>
ALPHABAR_HD void load_of(uint64_t base, int64_t i, int n, T* out) {
  const E* from = address_of<const E>(base, i);
  if (kPacked && n == W) {
    const Pack<E, W> pack = *reinterpret_cast<const Pack<E, W>*>(from);
    for (int k = 0; k < W; ++k) {
      out[k] = widen(pack.e[k]);
    }
    return;
  }
  for (int k = 0; k < W; ++k) {
    if (k < n) {
      out[k] = widen(from[k]);
    }
  }
}

// On the device the width is asked for by name: the compiler would merge a plain assignment with the tail's single
// stores.
template <typename E, int W>
ALPHABAR_HD void store_pack(const Pack<E, W>& pack, E* to) {
#if defined(__CUDA_ARCH__)
  if constexpr (sizeof pack % sizeof(uint4) == 0) {
    uint4 words[sizeof pack / sizeof(uint4)];
    memcpy(words, &pack, sizeof words);
    for (int k = 0; k < static_cast<int>(sizeof pack / sizeof(uint4)); ++k) {
      __stwb(reinterpret_cast<uint4*>(to) + k, words[k]);
    }
    return;
  } else if constexpr (sizeof pack == sizeof(uint2)) {
    uint2 words;
    memcpy(&words, &pack, sizeof words);
    __stwb(reinterpret_cast<uint2*>(to), words);
    return;
  }
#endif
  *reinterpret_cast<Pack<E, W>*>(to) = pack;
}

template <bool kPacked, int W, typename E, typename T>
ALPHABAR_HD void store_of(uint64_t base, int64_t i, int n, const T* in) {
  E* to = address_of<E>(base, i);
  if (kPacked && n == W) {
    Pack<E, W> pack;
    for (int k = 0; k < W; ++k) {
      narrow(in[k], &pack.e[k]);
    }
    store_pack<E, W>(pack, to);
    return;
  }
  for (int k = 0; k < W; ++k) {
    if (k < n) {
      narrow(in[k], &to[k]);
    }
  }
}

// By the operand's type: known to the compiler, or looked up. The lookup is the same for all threads.
template <bool kPacked, int W, typename E>
struct Access {
  template <typename T>
  static ALPHABAR_HD void load(uint64_t base, int32_t, int64_t i, int n, T* out) {
    load_of<kPacked, W, E>(base, i, n, out);
  }
  template <typename T>
  static ALPHABAR_HD void store(uint64_t base, int32_t, int64_t i, int n, const T* in) {
    store_of<kPacked, W, E>(base, i, n, in);
  }
};

template <bool kPacked, int W>
struct Access<kPacked, W, AnyType> {
  static ALPHABAR_HD void load(uint64_t base, int32_t type, int64_t i, int n, float* out) {
    if (type == ALPHABAR_F32) {
      load_of<kPacked, W, float>(base, i, n, out);
    } else if (type == ALPHABAR_F16) {
      load_of<kPacked, W, F16>(base, i, n, out);
    } else {
      load_of<kPacked, W, BF16>(base, i, n, out);
    }
  }
  static ALPHABAR_HD void store(uint64_t base, int32_t type, int64_t i, int n, const float* in) {
    if (type == ALPHABAR_F32) {
      store_of<kPacked, W, float>(base, i, n, in);
    } else if (type == ALPHABAR_F16) {
      store_of<kPacked, W, F16>(base, i, n, in);
    } else {
      store_of<kPacked, W, BF16>(base, i, n, in);
    }
  }
  // With doubles everything is a double.
  static ALPHABAR_HD void load(uint64_t base, int32_t, int64_t i, int n, double* out) {
    load_of<false, W, double>(base, i, n, out);
  }
  static ALPHABAR_HD void store(uint64_t base, int32_t, int64_t i, int n, const double* in) {
    store_of<false, W, double>(base, i, n, in);
  }
};

// What a kernel is made for. Absent things cost it no registers; the terms of the row are tested as it runs, alike in
// all threads.
enum RowParts : int {
  kPlainRow = 0,
  kNoisyRow = 1,   // noise with a fixed deviation
  kGeneralRow = 3  // learned deviations, inpainting, dynamic thresholds
};

template <bool kPacked, int W, typename T>
ALPHABAR_HD void noise_of(const RowArguments<T>& a, uint64_t given, int32_t type, uint32_t stream, int64_t sample,
                          int64_t e, int64_t i, int n, T* out) {
  if (given != 0) {
    Access<kPacked, W, AnyType>::load(given, type, i, n, out);
    return;
  }
  const uint64_t seed = static_cast<uint64_t>(*address_of<const int64_t>(a.o.seeds, sample));
  for (int k = 0; k < W; k += 4) {
    if (k < n) {
      const Normals z = normals(seed, static_cast<uint64_t>(e + k) / 4, static_cast<uint32_t>(a.o.draw), stream);
      out[k] = z.n0;
      out[k + 1] = z.n1;
      out[k + 2] = z.n2;
      out[k + 3] = z.n3;
    }
  }
}

// S and O: the types of the state and of the outputs, or AnyType. kPacked: every group of W is aligned to its accesses.
template <typename T, typename S, typename O, bool kPacked, int W, int kParts>
ALPHABAR_HD void row_body(const RowArguments<T>& a, const Place& place) {
  using State = Access<kPacked, W, S>;
  using Output = Access<kPacked, W, O>;
  using Any = Access<kPacked, W, AnyType>;
  const alphabar_operands& o = a.o;
  const uint32_t terms =
      kParts == kGeneralRow
          ? a.terms
          : a.terms & ~static_cast<uint32_t>(ALPHABAR_LEARNED | ALPHABAR_LEARNED_LOG | ALPHABAR_CLIP_DYNAMIC |
                                             ALPHABAR_RESCALE | (kParts == kPlainRow ? ALPHABAR_CZ : 0));
  const bool preview = o.preview != 0;
  const bool masked = kParts == kGeneralRow && o.mask != 0;
  const bool reads_x = needs_x(terms, preview);
  const bool reads_g = needs_g(terms, preview);
  const T input_scale = static_cast<T>(o.input_scale);
  const int64_t groups = (o.elements + W - 1) / W;
  for (int64_t sample = place.sample; sample < o.samples; sample += place.sample_stride) {
    SampleValues<T> of{T(0), T(1)};
    if (kParts == kGeneralRow && a.thresholds != nullptr) {
      of.threshold = static_cast<T>(a.thresholds[sample]);
    }
    if (kParts == kGeneralRow && a.factors != nullptr) {
      of.factor = static_cast<T>(a.factors[sample]);
    }
    for (int64_t group = place.first; group < groups; group += place.stride) {
      const int64_t e = W * group;
      const int n = static_cast<int>(o.elements - e < W ? o.elements - e : W);
      const int64_t i = sample * o.elements + e;
      const int64_t at = sample * o.output_stride + e;
      T x[W] = {}, output[W] = {}, uncond[W] = {}, h0[W] = {}, h1[W] = {}, h2[W] = {}, v[W] = {}, z[W] = {};
      T mask[W] = {}, known[W] = {}, z2[W] = {};
      if (reads_x) {
        State::load(o.x, o.state_type, i, n, x);
      }
      if (reads_g) {
        Output::load(o.output, o.output_type, o.output_offset + at, n, output);
        if ((terms & ALPHABAR_GUIDED) != 0) {
          Output::load(o.uncond, o.output_type, o.uncond_offset + at, n, uncond);
        }
      }
      if ((terms & ALPHABAR_H0) != 0) {
        State::load(o.h0, o.state_type, i, n, h0);
      }
      if ((terms & ALPHABAR_H1) != 0) {
        State::load(o.h1, o.state_type, i, n, h1);
      }
      if ((terms & ALPHABAR_H2) != 0) {
        State::load(o.h2, o.state_type, i, n, h2);
      }
      if (kParts == kGeneralRow && needs_learned(terms)) {
        Output::load(o.output, o.output_type, o.output_offset + at + o.elements, n, v);
      }
      if (needs_noise(terms)) {
        noise_of<kPacked, W>(a, o.noise, o.noise_type, a.stream, sample, e, i, n, z);
      }
      if (masked) {
        State::load(o.mask, o.state_type, i, n, mask);
        State::load(o.known, o.state_type, i, n, known);
        if (a.c.sigma != T(0)) {
          noise_of<kPacked, W>(a, o.known_noise, o.known_noise_type, 2, sample, e, i, n, z2);
        }
      }
      T r[W], m[W], p[W];
      for (int k = 0; k < W; ++k) {
        const Values<T> in = {x[k], output[k], uncond[k], h0[k], h1[k], h2[k], v[k], z[k], mask[k], known[k], z2[k]};
        const Results<T> out = element(terms, preview, masked, a.c, of, in);
        r[k] = out.r;
        m[k] = out.m;
        p[k] = out.p;
      }
      State::store(o.out, o.state_type, i, n, r);
      if ((terms & ALPHABAR_STORE) != 0) {
        State::store(o.store, o.state_type, i, n, m);
      }
      if (preview) {
        Any::store(o.preview, o.preview_type, i, n, p);
      }
      if (o.input != 0) {
        for (int k = 0; k < W; ++k) {
          r[k] = input_scale * r[k];
        }
        Any::store(o.input, o.input_type, i, n, r);
        if (o.input_copies == 2) {
          Any::store(o.input, o.input_type, a.total + i, n, r);
        }
      }
    }
  }
}

// What rows of a launch may have, for the choice of a body: one row's terms, or those of a table together.
struct RowNeeds {
  uint32_t terms;
  bool samples_apart;  // samples are addressed one by one
};

// Whether every group of W that the row touches is aligned to its accesses, in every sample.
inline bool is_packed(const alphabar_operands& o, const RowNeeds& needs, int64_t total, int w) {
  const auto apart = [w](uint64_t address, int32_t type) {
    const uint64_t bytes = (type == ALPHABAR_F32 ? 4u : 2u) * static_cast<uint64_t>(w);
    return (address & ((bytes < 16 ? bytes : 16) - 1)) != 0;
  };
  const auto start = [](uint64_t address, int64_t offset, int32_t type) {
    return address + static_cast<uint64_t>(offset) * (type == ALPHABAR_F32 ? 4u : 2u);
  };
  bool packed = !apart(o.x | o.out | o.h0 | o.h1 | o.h2 | o.store | o.mask | o.known, o.state_type);
  packed = packed && !apart(start(o.output, o.output_offset, o.output_type), o.output_type);
  packed = packed && !apart(start(o.uncond, o.uncond_offset, o.output_type), o.output_type);
  packed = packed && !apart(o.noise, o.noise_type);
  packed = packed && !apart(o.preview, o.preview_type);
  packed = packed && !apart(o.input, o.input_type);
  packed = packed && !apart(o.known_noise, o.known_noise_type);
  packed = packed && (!needs.samples_apart || (o.elements % w == 0 && o.output_stride % w == 0));
  // A second copy of the input and the learned deviations follow the first elements.
  packed = packed && (o.input == 0 || o.input_copies != 2 || total % w == 0);
  return packed && (!needs_learned(needs.terms) || o.elements % w == 0);
}

// Where the reductions of a row leave a number for each sample: thresholds first, then factors.
inline double* scratch_thresholds(uint64_t scratch) {
  return reinterpret_cast<double*>(static_cast<uintptr_t>(scratch));
}
inline double* scratch_factors(uint64_t scratch, int32_t samples) { return scratch_thresholds(scratch) + samples; }

template <typename T>
RowArguments<T> row_arguments(const alphabar_row& row, const alphabar_operands& o, bool flat, uint64_t scratch) {
  RowArguments<T> a;
  a.c = coefficients<T>(row);
  a.o = o;
  a.total = o.samples * o.elements;
  if (flat) {
    a.o.elements = a.total;
    a.o.samples = 1;
    a.o.output_stride = a.total;
  }
  const bool preview = o.preview != 0;
  a.thresholds = needs_threshold(row.terms, preview) ? scratch_thresholds(scratch) : nullptr;
  a.factors = needs_rescale(row.terms, preview) ? scratch_factors(scratch, o.samples) : nullptr;
  a.terms = row.terms;
  a.stream = row.stream;
  return a;
}

// Chooses the body of a row and gives it to `launch` as launch(Body{}). Aligned rows of the usual types have bodies of
// their own; one body serves the rest.
template <typename T_, typename S_, typename O_, bool kPacked_, int W_, int kParts_>
struct RowBody {
  using T = T_;
  static constexpr int kWidth = W_;
  static ALPHABAR_HD void run(const RowArguments<T>& a, const Place& place) {
    row_body<T, S_, O_, kPacked_, W_, kParts_>(a, place);
  }
};

// Eight elements where an access of four would not fill 16 bytes.
template <typename S, typename O>
constexpr int width_of() {
  return sizeof(S) == 2 || sizeof(O) == 2 ? 8 : 4;
}

template <typename S, typename O, typename Launch>
auto choose_parts(uint32_t terms, Launch launch) {
  return (terms & ALPHABAR_CZ) != 0 ? launch(RowBody<float, S, O, true, width_of<S, O>(), kNoisyRow>{})
                                    : launch(RowBody<float, S, O, true, width_of<S, O>(), kPlainRow>{});
}

// For binary32. `total`: elements of the whole batch, as an input's second copy sees it.
template <typename Launch>
auto choose_body(const alphabar_operands& o, const RowNeeds& needs, int64_t total, Launch launch) {
  const uint32_t terms = needs.terms;
  const bool preview = o.preview != 0;
  const bool usual =
      o.mask == 0 && !needs_threshold(terms, preview) && !needs_rescale(terms, preview) && !needs_learned(terms);
  const int width = o.state_type != ALPHABAR_F32 || o.output_type != ALPHABAR_F32 ? 8 : 4;
  if (usual && is_packed(o, needs, total, width)) {
    if (o.state_type == ALPHABAR_F32) {
      return o.output_type == ALPHABAR_F32   ? choose_parts<float, float>(terms, launch)
             : o.output_type == ALPHABAR_F16 ? choose_parts<float, F16>(terms, launch)
                                             : choose_parts<float, BF16>(terms, launch);
    }
    if (o.state_type == ALPHABAR_F16 && o.output_type == ALPHABAR_F16) {
      return choose_parts<F16, F16>(terms, launch);
    }
    if (o.state_type == ALPHABAR_BF16 && o.output_type == ALPHABAR_BF16) {
      return choose_parts<BF16, BF16>(terms, launch);
    }
  }
  return is_packed(o, needs, total, 4) ? launch(RowBody<float, AnyType, AnyType, true, 4, kGeneralRow>{})
                                       : launch(RowBody<float, AnyType, AnyType, false, 4, kGeneralRow>{});
}

// The body for doubles.
using DoubleBody = RowBody<double, double, double, false, 4, kGeneralRow>;

// Gives launch(Body{}, arguments) the body of one row for the whole batch.
template <typename Launch>
auto choose_row(const alphabar_row& row, const alphabar_operands& o, bool flat, uint64_t scratch, Launch launch) {
  if (o.state_type == ALPHABAR_F64) {
    return launch(DoubleBody{}, row_arguments<double>(row, o, flat, scratch));
  }
  const RowArguments<float> a = row_arguments<float>(row, o, flat, scratch);
  const RowNeeds needs{row.terms, a.o.samples != 1};
  return choose_body(a.o, needs, a.total, [&](auto body) { return launch(body, a); });
}

}  // namespace alphabar

#endif  // ALPHABAR_CUDA_ROW_H
