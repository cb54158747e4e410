// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The body of the row kernels: x', the stored value, p and the next model input of every element, in one pass over
// memory.
//
// Bytes per element: those of each operand, once. A thread takes four consecutive elements, so that one Philox block
// serves them and a float operand is one access of 16 bytes; groups of four are strided over the grid's x, samples over
// its y. The body is plain C++ of where a thread stands, so that tests run it on the host over a made-up grid and
// compare bits.
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
  const double* thresholds;
  int64_t total;  // of the batch
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

template <typename E>
struct alignas(4 * sizeof(E) < 16 ? 4 * sizeof(E) : 16) Pack {
  E e[4];
};

template <typename E>
ALPHABAR_HD E* address_of(uint64_t base, int64_t i) {
  return reinterpret_cast<E*>(static_cast<uintptr_t>(base)) + i;
}

// Four elements from i on, or the first n of them.
template <bool kPacked, typename E, typename T>
ALPHABAR_HD void load_of(uint64_t base, int64_t i, int n, T* out) {
  const E* from = address_of<const E>(base, i);
  if (kPacked && n == 4) {
    const Pack<E> pack = *reinterpret_cast<const Pack<E>*>(from);
    for (int k = 0; k < 4; ++k) {
      out[k] = widen(pack.e[k]);
    }
    return;
  }
  for (int k = 0; k < 4; ++k) {
    if (k < n) {
      out[k] = widen(from[k]);
    }
  }
}

// One access. On the device it is asked for by name: the compiler would merge a plain assignment with the tail's single
// stores.
template <typename E>
ALPHABAR_HD void store_pack(const Pack<E>& pack, E* to) {
#if defined(__CUDA_ARCH__)
  if constexpr (sizeof(Pack<E>) == sizeof(uint4)) {
    uint4 words;
    memcpy(&words, &pack, sizeof words);
    __stwb(reinterpret_cast<uint4*>(to), words);
    return;
  } else if constexpr (sizeof(Pack<E>) == sizeof(uint2)) {
    uint2 words;
    memcpy(&words, &pack, sizeof words);
    __stwb(reinterpret_cast<uint2*>(to), words);
    return;
  }
#endif
  *reinterpret_cast<Pack<E>*>(to) = pack;
}

template <bool kPacked, typename E, typename T>
ALPHABAR_HD void store_of(uint64_t base, int64_t i, int n, const T* in) {
  E* to = address_of<E>(base, i);
  if (kPacked && n == 4) {
    Pack<E> pack;
    for (int k = 0; k < 4; ++k) {
      narrow(in[k], &pack.e[k]);
    }
    store_pack(pack, to);
    return;
  }
  for (int k = 0; k < 4; ++k) {
    if (k < n) {
      narrow(in[k], &to[k]);
    }
  }
}

// By the operand's type: known to the compiler, or looked up. The lookup is the same for all threads.
template <bool kPacked, typename E>
struct Access {
  template <typename T>
  static ALPHABAR_HD void load(uint64_t base, int32_t, int64_t i, int n, T* out) {
    load_of<kPacked, E>(base, i, n, out);
  }
  template <typename T>
  static ALPHABAR_HD void store(uint64_t base, int32_t, int64_t i, int n, const T* in) {
    store_of<kPacked, E>(base, i, n, in);
  }
};

template <bool kPacked>
struct Access<kPacked, AnyType> {
  static ALPHABAR_HD void load(uint64_t base, int32_t type, int64_t i, int n, float* out) {
    if (type == ALPHABAR_F32) {
      load_of<kPacked, float>(base, i, n, out);
    } else if (type == ALPHABAR_F16) {
      load_of<kPacked, F16>(base, i, n, out);
    } else {
      load_of<kPacked, BF16>(base, i, n, out);
    }
  }
  static ALPHABAR_HD void store(uint64_t base, int32_t type, int64_t i, int n, const float* in) {
    if (type == ALPHABAR_F32) {
      store_of<kPacked, float>(base, i, n, in);
    } else if (type == ALPHABAR_F16) {
      store_of<kPacked, F16>(base, i, n, in);
    } else {
      store_of<kPacked, BF16>(base, i, n, in);
    }
  }
  // With doubles everything is a double.
  static ALPHABAR_HD void load(uint64_t base, int32_t, int64_t i, int n, double* out) {
    load_of<false, double>(base, i, n, out);
  }
  static ALPHABAR_HD void store(uint64_t base, int32_t, int64_t i, int n, const double* in) {
    store_of<false, double>(base, i, n, in);
  }
};

// What a kernel is made for. Absent things cost it no registers; the terms of the row are tested as it runs, alike in
// all threads.
enum RowParts : int {
  kPlainRow = 0,
  kNoisyRow = 1,   // noise with a fixed deviation
  kGeneralRow = 3  // learned deviations, inpainting, dynamic thresholds
};

template <bool kPacked, typename T>
ALPHABAR_HD void noise_of(const RowArguments<T>& a, uint64_t given, int32_t type, uint32_t stream, int64_t sample,
                          int64_t group, int64_t i, int n, T* out) {
  if (given != 0) {
    Access<kPacked, AnyType>::load(given, type, i, n, out);
    return;
  }
  const uint64_t seed = static_cast<uint64_t>(*address_of<const int64_t>(a.o.seeds, sample));
  const Normals z = normals(seed, static_cast<uint64_t>(group), static_cast<uint32_t>(a.o.draw), stream);
  out[0] = z.n0;
  out[1] = z.n1;
  out[2] = z.n2;
  out[3] = z.n3;
}

// S and O: the types of the state and of the outputs, or AnyType. kPacked: every group of four is aligned to itself.
template <typename T, typename S, typename O, bool kPacked, int kParts>
ALPHABAR_HD void row_body(const RowArguments<T>& a, const Place& place) {
  const alphabar_operands& o = a.o;
  const uint32_t terms =
      kParts == kGeneralRow
          ? a.terms
          : a.terms & ~static_cast<uint32_t>(ALPHABAR_LEARNED | ALPHABAR_LEARNED_LOG | ALPHABAR_CLIP_DYNAMIC |
                                             (kParts == kPlainRow ? ALPHABAR_CZ : 0));
  const bool preview = o.preview != 0;
  const bool masked = kParts == kGeneralRow && o.mask != 0;
  const bool reads_x = needs_x(terms, preview);
  const bool reads_g = needs_g(terms, preview);
  const int64_t groups = (o.elements + 3) / 4;
  for (int64_t sample = place.sample; sample < o.samples; sample += place.sample_stride) {
    T threshold = T(0);
    if (kParts == kGeneralRow && a.thresholds != nullptr) {
      threshold = static_cast<T>(a.thresholds[sample]);
    }
    for (int64_t group = place.first; group < groups; group += place.stride) {
      const int64_t e = 4 * group;
      const int n = static_cast<int>(o.elements - e < 4 ? o.elements - e : 4);
      const int64_t i = sample * o.elements + e;
      const int64_t at = sample * o.output_stride + e;
      T x[4] = {}, output[4] = {}, uncond[4] = {}, h0[4] = {}, h1[4] = {}, h2[4] = {}, v[4] = {}, z[4] = {};
      T mask[4] = {}, known[4] = {}, z2[4] = {};
      if (reads_x) {
        Access<kPacked, S>::load(o.x, o.state_type, i, n, x);
      }
      if (reads_g) {
        Access<kPacked, O>::load(o.output, o.output_type, o.output_offset + at, n, output);
        if ((terms & ALPHABAR_GUIDED) != 0) {
          Access<kPacked, O>::load(o.uncond, o.output_type, o.uncond_offset + at, n, uncond);
        }
      }
      if ((terms & ALPHABAR_H0) != 0) {
        Access<kPacked, S>::load(o.h0, o.state_type, i, n, h0);
      }
      if ((terms & ALPHABAR_H1) != 0) {
        Access<kPacked, S>::load(o.h1, o.state_type, i, n, h1);
      }
      if ((terms & ALPHABAR_H2) != 0) {
        Access<kPacked, S>::load(o.h2, o.state_type, i, n, h2);
      }
      if (kParts == kGeneralRow && needs_learned(terms)) {
        Access<kPacked, O>::load(o.output, o.output_type, o.output_offset + at + o.elements, n, v);
      }
      if (needs_noise(terms)) {
        noise_of<kPacked>(a, o.noise, o.noise_type, a.stream, sample, group, i, n, z);
      }
      if (masked) {
        Access<kPacked, S>::load(o.mask, o.state_type, i, n, mask);
        Access<kPacked, S>::load(o.known, o.state_type, i, n, known);
        if (a.c.sigma != T(0)) {
          noise_of<kPacked>(a, o.known_noise, o.known_noise_type, 2, sample, group, i, n, z2);
        }
      }
      T r[4], m[4], p[4];
      for (int k = 0; k < 4; ++k) {
        const Values<T> in = {x[k], output[k], uncond[k], h0[k], h1[k], h2[k], v[k], z[k], mask[k], known[k], z2[k]};
        const Results<T> out = element(terms, preview, masked, a.c, threshold, in);
        r[k] = out.r;
        m[k] = out.m;
        p[k] = out.p;
      }
      Access<kPacked, S>::store(o.out, o.state_type, i, n, r);
      if ((terms & ALPHABAR_STORE) != 0) {
        Access<kPacked, S>::store(o.store, o.state_type, i, n, m);
      }
      if (preview) {
        Access<kPacked, AnyType>::store(o.preview, o.preview_type, i, n, p);
      }
      if (o.input != 0) {
        Access<kPacked, AnyType>::store(o.input, o.input_type, i, n, r);
        if (o.input_copies == 2) {
          Access<kPacked, AnyType>::store(o.input, o.input_type, a.total + i, n, r);
        }
      }
    }
  }
}

// Whether every group of four that the row touches is aligned to itself, in every sample.
inline bool is_packed(const RowArguments<float>& a) {
  const alphabar_operands& o = a.o;
  const auto bytes = [](int32_t type) -> uint64_t { return type == ALPHABAR_F32 ? 4 : 2; };
  const uint64_t state = bytes(o.state_type);
  const uint64_t output = bytes(o.output_type);
  bool packed = ((o.x | o.out | o.h0 | o.h1 | o.h2 | o.store | o.mask | o.known) & (4 * state - 1)) == 0;
  packed = packed && ((o.output + static_cast<uint64_t>(o.output_offset) * output) & (4 * output - 1)) == 0;
  packed = packed && ((o.uncond + static_cast<uint64_t>(o.uncond_offset) * output) & (4 * output - 1)) == 0;
  packed = packed && (o.noise & (4 * bytes(o.noise_type) - 1)) == 0;
  packed = packed && (o.preview & (4 * bytes(o.preview_type) - 1)) == 0;
  packed = packed && (o.input & (4 * bytes(o.input_type) - 1)) == 0;
  packed = packed && (o.known_noise & (4 * bytes(o.known_noise_type) - 1)) == 0;
  const bool one = o.samples == 1;
  packed = packed && (one || (o.elements % 4 == 0 && o.output_stride % 4 == 0));
  // A second copy of the input and the learned deviations follow the first elements.
  packed = packed && (o.input == 0 || o.input_copies != 2 || a.total % 4 == 0);
  return packed && (!needs_learned(a.terms) || o.elements % 4 == 0);
}

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
  a.thresholds = needs_threshold(row.terms, o.preview != 0)
                     ? reinterpret_cast<const double*>(static_cast<uintptr_t>(scratch))
                     : nullptr;
  a.terms = row.terms;
  a.stream = row.stream;
  return a;
}

// Chooses the body of a row and gives it to `launch` as launch(tag<Body<...>>, arguments). Aligned rows of the usual
// types have bodies of their own; one body serves the rest.
template <typename T_, typename S_, typename O_, bool kPacked_, int kParts_>
struct RowBody {
  using T = T_;
  static ALPHABAR_HD void run(const RowArguments<T>& a, const Place& place) {
    row_body<T, S_, O_, kPacked_, kParts_>(a, place);
  }
};

template <typename S, typename O, typename Launch>
auto choose_parts(const RowArguments<float>& a, Launch launch) {
  return (a.terms & ALPHABAR_CZ) != 0 ? launch(RowBody<float, S, O, true, kNoisyRow>{}, a)
                                      : launch(RowBody<float, S, O, true, kPlainRow>{}, a);
}

template <typename Launch>
auto choose_row(const alphabar_row& row, const alphabar_operands& o, bool flat, uint64_t scratch, Launch launch) {
  if (o.state_type == ALPHABAR_F64) {
    return launch(RowBody<double, double, double, false, kGeneralRow>{}, row_arguments<double>(row, o, flat, scratch));
  }
  const RowArguments<float> a = row_arguments<float>(row, o, flat, scratch);
  const bool usual = o.mask == 0 && a.thresholds == nullptr && !needs_learned(row.terms);
  const bool packed = is_packed(a);
  if (usual && packed) {
    if (o.state_type == ALPHABAR_F32) {
      return o.output_type == ALPHABAR_F32   ? choose_parts<float, float>(a, launch)
             : o.output_type == ALPHABAR_F16 ? choose_parts<float, F16>(a, launch)
                                             : choose_parts<float, BF16>(a, launch);
    }
    if (o.state_type == ALPHABAR_F16 && o.output_type == ALPHABAR_F16) {
      return choose_parts<F16, F16>(a, launch);
    }
    if (o.state_type == ALPHABAR_BF16 && o.output_type == ALPHABAR_BF16) {
      return choose_parts<BF16, BF16>(a, launch);
    }
  }
  return packed ? launch(RowBody<float, AnyType, AnyType, true, kGeneralRow>{}, a)
                : launch(RowBody<float, AnyType, AnyType, false, kGeneralRow>{}, a);
}

}  // namespace alphabar

#endif  // ALPHABAR_CUDA_ROW_H
