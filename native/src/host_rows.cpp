// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// Rows on the host, a block of 1024 elements at a time. An operand of the arithmetic's type is used where it lies;
// another is widened into a block on the stack, and noise is drawn into one, so that both stay in the first-level
// cache. The common rows run as one loop with their terms known to the compiler; any other row runs as a few short
// loops over the block. Everything on the stack (at most 210 KiB for F64, 120 KiB otherwise): nothing is allocated and
// any number of threads may call.
//
// This file is compiled once for each instruction set, with ALPHABAR_ROWS naming the result. Whatever is not inlined
// must have internal linkage, or the linker could keep the copy of an instruction set that the processor lacks.
#include "host_rows.h"

#include "alphabar/philox.h"
#include "alphabar/rescale.h"
#include "alphabar/threshold.h"

#if defined(__clang__)
#define ALPHABAR_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
// Iterations only meet where operands are the same memory, and then at the same index.
#define ALPHABAR_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace alphabar {
namespace {

constexpr int kBlock = 1024;

template <typename E>
E* pointer(uint64_t address) {
  return reinterpret_cast<E*>(static_cast<uintptr_t>(address));
}

template <typename E, typename T>
void widen_all(const E* from, T* to, int n) {
  ALPHABAR_INDEPENDENT
  for (int i = 0; i < n; ++i) {
    to[i] = widen(from[i]);
  }
}

template <typename E, typename T>
void narrow_all(const T* from, E* to, int n) {
  ALPHABAR_INDEPENDENT
  for (int i = 0; i < n; ++i) {
    narrow(from[i], &to[i]);
  }
}

template <typename T>
constexpr int32_t type_of();
template <>
constexpr int32_t type_of<float>() {
  return ALPHABAR_F32;
}
template <>
constexpr int32_t type_of<double>() {
  return ALPHABAR_F64;
}

void widen_as(const float*, uint64_t address, int32_t type, int64_t at, float* block, int n) {
  if (type == ALPHABAR_F16) {
    widen_all(pointer<F16>(address) + at, block, n);
  } else {
    widen_all(pointer<BF16>(address) + at, block, n);
  }
}

void widen_as(const double*, uint64_t, int32_t, int64_t, double*, int) {}

// n elements from `at` on: where they lie, or widened into the block.
template <typename T>
const T* load(uint64_t address, int32_t type, int64_t at, T* block, int n) {
  if (type == type_of<T>()) {
    return pointer<T>(address) + at;
  }
  widen_as(block, address, type, at, block, n);
  return block;
}

void narrow_as(const float* from, uint64_t address, int32_t type, int64_t at, int n) {
  if (type == ALPHABAR_F16) {
    narrow_all(from, pointer<F16>(address) + at, n);
  } else {
    narrow_all(from, pointer<BF16>(address) + at, n);
  }
}

void narrow_as(const double*, uint64_t, int32_t, int64_t, int) {}

// Stores a block, unless it was computed in place.
template <typename T>
void store(const T* from, uint64_t address, int32_t type, int64_t at, int n) {
  if (type != type_of<T>()) {
    narrow_as(from, address, type, at, n);
  } else if (from != pointer<T>(address) + at) {
    memcpy(pointer<T>(address) + at, from, static_cast<size_t>(n) * sizeof(T));
  }
}

void draw_normals(uint64_t seed, uint32_t draw, uint32_t stream, int64_t from, float* target, int count) {
  int done = 0;
  const int lane = static_cast<int>(from & 3);
  uint64_t block = static_cast<uint64_t>(from) >> 2;
  if (lane != 0) {
    const Normals n = normals(seed, block++, draw, stream);
    const float four[4] = {n.n0, n.n1, n.n2, n.n3};
    for (int i = lane; i < 4 && done < count; ++i) {
      target[done++] = four[i];
    }
  }
  const int whole = (count - done) >> 2;
  float* to = target + done;
  ALPHABAR_INDEPENDENT
  for (int b = 0; b < whole; ++b) {
    const Normals n = normals(seed, block + static_cast<uint64_t>(b), draw, stream);
    to[4 * b] = n.n0;
    to[4 * b + 1] = n.n1;
    to[4 * b + 2] = n.n2;
    to[4 * b + 3] = n.n3;
  }
  done += 4 * whole;
  if (done < count) {
    const Normals n = normals(seed, block + static_cast<uint64_t>(whole), draw, stream);
    const float four[4] = {n.n0, n.n1, n.n2, n.n3};
    for (int i = 0; done < count; ++i) {
      target[done++] = four[i];
    }
  }
}

// The operands of one block; what the row does not read is null.
template <typename T>
struct Block {
  const T* x;
  const T* output;
  const T* uncond;
  const T* h0;
  const T* h1;
  const T* h2;
  const T* v;
  const T* z;
  const T* mask;
  const T* known;
  const T* z2;
};

// Where operands are widened to and results computed.
template <typename T>
struct Staging {
  alignas(64) T x[kBlock], output[kBlock], uncond[kBlock], h0[kBlock], h1[kBlock], h2[kBlock], v[kBlock], z[kBlock];
  alignas(64) T mask[kBlock], known[kBlock], z2[kBlock], g[kBlock], p[kBlock], r[kBlock], m[kBlock], input[kBlock];
  alignas(64) float drawn[kBlock];
};

// One loop, its terms known to the compiler. r and m may be operands.
template <uint32_t kTerms, typename T>
void fused_block(const Coefficients<T>& coefficients, const Block<T>& in, T* r, T* m, int n) {
  const Coefficients<T> c = coefficients;
  ALPHABAR_INDEPENDENT
  for (int i = 0; i < n; ++i) {
    Values<T> v{};
    v.x = needs_x(kTerms, false) ? in.x[i] : T(0);
    v.output = needs_g(kTerms, false) ? in.output[i] : T(0);
    v.uncond = (kTerms & ALPHABAR_GUIDED) != 0 ? in.uncond[i] : T(0);
    v.h0 = (kTerms & ALPHABAR_H0) != 0 ? in.h0[i] : T(0);
    v.z = (kTerms & ALPHABAR_CZ) != 0 ? in.z[i] : T(0);
    const Results<T> out = element(kTerms, false, false, c, SampleValues<T>{}, v);
    r[i] = out.r;
    if ((kTerms & ALPHABAR_STORE) != 0) {
      m[i] = out.m;
    }
  }
}

template <typename T>
using FusedBlock = void (*)(const Coefficients<T>&, const Block<T>&, T*, T*, int);

constexpr uint32_t kDirect = ALPHABAR_CX | ALPHABAR_CG;
constexpr uint32_t kPredicted = ALPHABAR_CX | ALPHABAR_CP | ALPHABAR_PX | ALPHABAR_PG;
constexpr uint32_t kClipped = kPredicted | ALPHABAR_CLIP_RANGE;
constexpr uint32_t kStored = ALPHABAR_STORE | ALPHABAR_SP;

// The rows of DDIM, DDPM and DPM-Solver++; null for any other.
FusedBlock<float> fused_for(uint32_t terms) {
  switch (terms) {
#define ALPHABAR_ROW(terms)              \
  case (terms):                          \
    return &fused_block<(terms), float>; \
  case (terms) | ALPHABAR_GUIDED:        \
    return &fused_block<(terms) | ALPHABAR_GUIDED, float>;
    ALPHABAR_ROW(kDirect)
    ALPHABAR_ROW(kDirect | ALPHABAR_CZ)
    ALPHABAR_ROW(kPredicted)
    ALPHABAR_ROW(kPredicted | ALPHABAR_CZ)
    ALPHABAR_ROW(kPredicted | kStored)
    ALPHABAR_ROW(kPredicted | kStored | ALPHABAR_H0)
    ALPHABAR_ROW(kPredicted | ALPHABAR_H0)
    ALPHABAR_ROW(kClipped)
    ALPHABAR_ROW(kClipped | ALPHABAR_CZ)
    ALPHABAR_ROW(kClipped | kStored)
    ALPHABAR_ROW(kClipped | kStored | ALPHABAR_H0)
    ALPHABAR_ROW(kClipped | ALPHABAR_H0)
#undef ALPHABAR_ROW
    default:
      return nullptr;
  }
}

FusedBlock<double> fused_for_double(uint32_t) { return nullptr; }

template <typename T>
FusedBlock<T> fused_of(uint32_t terms);
template <>
FusedBlock<float> fused_of<float>(uint32_t terms) {
  return fused_for(terms);
}
template <>
FusedBlock<double> fused_of<double>(uint32_t terms) {
  return fused_for_double(terms);
}

// p of a block before clipping, and its clipping, with the terms known to the compiler.
template <uint32_t kTerms, typename T>
void predict_terms(const Coefficients<T>& c, T threshold, const T* x, const T* g, T* p, int n) {
  const T px = c.px;
  const T pg = c.pg;
  const T range = c.range;
  ALPHABAR_INDEPENDENT
  for (int i = 0; i < n; ++i) {
    const T vx = (kTerms & ALPHABAR_PX) != 0 ? x[i] : T(0);
    const T vg = (kTerms & ALPHABAR_PG) != 0 ? g[i] : T(0);
    p[i] = clipped(kTerms, predicted(kTerms, px, vx, pg, vg), range, threshold);
  }
}

template <uint32_t kClip, typename T>
void predict_clip(uint32_t terms, const Coefficients<T>& c, T threshold, const T* x, const T* g, T* p, int n) {
  switch (terms & (ALPHABAR_PX | ALPHABAR_PG)) {
    case ALPHABAR_PX | ALPHABAR_PG:
      return predict_terms<kClip | ALPHABAR_PX | ALPHABAR_PG>(c, threshold, x, g, p, n);
    case ALPHABAR_PX:
      return predict_terms<kClip | ALPHABAR_PX>(c, threshold, x, g, p, n);
    case ALPHABAR_PG:
      return predict_terms<kClip | ALPHABAR_PG>(c, threshold, x, g, p, n);
    default:
      return predict_terms<kClip>(c, threshold, x, g, p, n);
  }
}

template <typename T>
void predict(uint32_t terms, const Coefficients<T>& c, T threshold, const T* x, const T* g, T* p, int n) {
  if ((terms & ALPHABAR_CLIP_RANGE) != 0) {
    predict_clip<ALPHABAR_CLIP_RANGE>(terms, c, threshold, x, g, p, n);
  } else if ((terms & ALPHABAR_CLIP_DYNAMIC) != 0) {
    predict_clip<ALPHABAR_CLIP_DYNAMIC>(terms, c, threshold, x, g, p, n);
  } else {
    predict_clip<0>(terms, c, threshold, x, g, p, n);
  }
}

template <typename T>
void guide(uint32_t terms, T weight, T factor, const T* output, const T* uncond, T* g, int n) {
  if ((terms & ALPHABAR_RESCALE) != 0) {
    ALPHABAR_INDEPENDENT
    for (int i = 0; i < n; ++i) {
      g[i] = rescaled(ALPHABAR_RESCALE, factor, guided(ALPHABAR_GUIDED, weight, output[i], uncond[i]));
    }
    return;
  }
  ALPHABAR_INDEPENDENT
  for (int i = 0; i < n; ++i) {
    g[i] = guided(ALPHABAR_GUIDED, weight, output[i], uncond[i]);
  }
}

// The terms present, in the order of the specification.
template <typename T>
struct Terms {
  T coefficient[7];
  const T* operand[7];
  int count = 0;

  void add(bool present, T c, const T* o) {
    if (present) {
      coefficient[count] = c;
      operand[count++] = o;
    }
  }
};

template <int kCount, typename T>
void sum_of(const Terms<T>& terms, T* r, int n) {
  T c[kCount];
  const T* o[kCount];
  for (int k = 0; k < kCount; ++k) {
    c[k] = terms.coefficient[k];
    o[k] = terms.operand[k];
  }
  ALPHABAR_INDEPENDENT
  for (int i = 0; i < n; ++i) {
    T value = c[0] * o[0][i];
    for (int k = 1; k < kCount; ++k) {
      value = fused(c[k], o[k][i], value);
    }
    r[i] = value;
  }
}

template <typename T>
void sum(const Terms<T>& terms, T* r, int n) {
  switch (terms.count) {
    case 0:
      for (int i = 0; i < n; ++i) {
        r[i] = T(0);
      }
      return;
    case 1:
      return sum_of<1>(terms, r, n);
    case 2:
      return sum_of<2>(terms, r, n);
    case 3:
      return sum_of<3>(terms, r, n);
    case 4:
      return sum_of<4>(terms, r, n);
    case 5:
      return sum_of<5>(terms, r, n);
    case 6:
      return sum_of<6>(terms, r, n);
    default:
      return sum_of<7>(terms, r, n);
  }
}

template <uint32_t kTerms, bool kStarted, typename T>
void add_learned_terms(const Coefficients<T>& c, const T* v, const T* z, T* r, int n) {
  const T factor = c.factor;
  const T offset = c.offset;
  ALPHABAR_INDEPENDENT
  for (int i = 0; i < n; ++i) {
    const T std = deviation(kTerms, T(0), factor, offset, v[i]);
    r[i] = kStarted ? fused(std, z[i], r[i]) : std * z[i];
  }
}

template <typename T>
void add_learned(uint32_t terms, bool started, const Coefficients<T>& c, const T* v, const T* z, T* r, int n) {
  if ((terms & ALPHABAR_LEARNED) != 0) {
    started ? add_learned_terms<ALPHABAR_LEARNED, true>(c, v, z, r, n)
            : add_learned_terms<ALPHABAR_LEARNED, false>(c, v, z, r, n);
  } else {
    started ? add_learned_terms<ALPHABAR_LEARNED_LOG, true>(c, v, z, r, n)
            : add_learned_terms<ALPHABAR_LEARNED_LOG, false>(c, v, z, r, n);
  }
}

template <typename T>
void inpaint(const Coefficients<T>& c, const Block<T>& in, T* r, int n) {
  const T alpha = c.alpha;
  const T sigma = c.sigma;
  if (sigma != T(0)) {
    ALPHABAR_INDEPENDENT
    for (int i = 0; i < n; ++i) {
      r[i] = inpainted(in.mask[i], r[i], alpha, in.known[i], true, sigma, in.z2[i]);
    }
  } else {
    ALPHABAR_INDEPENDENT
    for (int i = 0; i < n; ++i) {
      r[i] = inpainted(in.mask[i], r[i], alpha, in.known[i], false, sigma, T(0));
    }
  }
}

// Any row, in loops of few terms. Results never go where an operand may lie.
template <typename T>
void general_block(uint32_t terms, bool preview, const Coefficients<T>& c, const SampleValues<T>& of,
                   const Block<T>& in, Staging<T>& s, int n) {
  const T* g = in.output;
  if ((terms & ALPHABAR_GUIDED) != 0 && needs_g(terms, preview)) {
    guide(terms, c.weight, of.factor, in.output, in.uncond, s.g, n);
    g = s.g;
  }
  if (needs_p(terms, preview)) {
    predict(terms, c, of.threshold, in.x, g, s.p, n);
  }
  const bool learned = needs_learned(terms);
  Terms<T> r;
  r.add((terms & ALPHABAR_CX) != 0, c.cx, in.x);
  r.add((terms & ALPHABAR_CP) != 0, c.cp, s.p);
  r.add((terms & ALPHABAR_CG) != 0, c.cg, g);
  r.add((terms & ALPHABAR_H0) != 0, c.h0, in.h0);
  r.add((terms & ALPHABAR_H1) != 0, c.h1, in.h1);
  r.add((terms & ALPHABAR_H2) != 0, c.h2, in.h2);
  r.add((terms & ALPHABAR_CZ) != 0 && !learned, c.cz, in.z);
  sum(r, s.r, n);
  if (learned) {
    add_learned(terms, r.count != 0, c, in.v, in.z, s.r, n);
  }
  if ((terms & ALPHABAR_STORE) != 0) {
    Terms<T> m;
    m.add((terms & ALPHABAR_SX) != 0, c.sx, in.x);
    m.add((terms & ALPHABAR_SP) != 0, c.sp, s.p);
    m.add((terms & ALPHABAR_SG) != 0, c.sg, g);
    sum(m, s.m, n);
  }
  if (in.mask != nullptr) {
    inpaint(c, in, s.r, n);
  }
}

// Noise given by the caller, or drawn.
template <typename T>
const T* noise(const alphabar_operands& o, uint64_t given, int32_t type, uint32_t stream, int64_t sample, int64_t e,
               int64_t i, Staging<T>& s, T* block, int n) {
  if (given != 0) {
    return load(given, type, i, block, n);
  }
  const uint64_t seed = static_cast<uint64_t>(pointer<const int64_t>(o.seeds)[sample]);
  draw_normals(seed, static_cast<uint32_t>(o.draw), stream, e, s.drawn, n);
  for (int k = 0; k < n; ++k) {
    block[k] = s.drawn[k];
  }
  return block;
}

template <typename T>
void run_as(const alphabar_row& row, const alphabar_operands& o, int64_t sample, int64_t from, int64_t to,
            const SampleValues<double>& wide) {
  const Coefficients<T> c = coefficients<T>(row);
  const SampleValues<T> of{static_cast<T>(wide.threshold), static_cast<T>(wide.factor)};
  const T input_scale = static_cast<T>(o.input_scale);
  const uint32_t terms = row.terms;
  const bool preview = o.preview != 0;
  const bool reads_x = needs_x(terms, preview);
  const bool reads_g = needs_g(terms, preview);
  const bool learned = needs_learned(terms);
  const bool noisy = needs_noise(terms);
  const int32_t state = o.state_type;
  const int64_t total = static_cast<int64_t>(o.samples) * o.elements;
  const FusedBlock<T> fused_loop = preview || o.mask != 0 ? nullptr : fused_of<T>(terms);
  const bool in_place = state == type_of<T>() && fused_loop != nullptr;
  Staging<T> s;
  for (int64_t e = from; e < to; e += kBlock) {
    const int n = static_cast<int>(to - e < kBlock ? to - e : kBlock);
    const int64_t i = sample * o.elements + e;
    const int64_t output = o.output_offset + sample * o.output_stride + e;
    const int64_t uncond = o.uncond_offset + sample * o.output_stride + e;
    Block<T> in{};
    in.x = reads_x ? load(o.x, state, i, s.x, n) : nullptr;
    in.output = reads_g ? load(o.output, o.output_type, output, s.output, n) : nullptr;
    in.uncond =
        reads_g && (terms & ALPHABAR_GUIDED) != 0 ? load(o.uncond, o.output_type, uncond, s.uncond, n) : nullptr;
    in.h0 = (terms & ALPHABAR_H0) != 0 ? load(o.h0, state, i, s.h0, n) : nullptr;
    in.h1 = (terms & ALPHABAR_H1) != 0 ? load(o.h1, state, i, s.h1, n) : nullptr;
    in.h2 = (terms & ALPHABAR_H2) != 0 ? load(o.h2, state, i, s.h2, n) : nullptr;
    in.v = learned ? load(o.output, o.output_type, output + o.elements, s.v, n) : nullptr;
    in.z = noisy ? noise(o, o.noise, o.noise_type, row.stream, sample, e, i, s, s.z, n) : nullptr;
    if (o.mask != 0) {
      in.mask = load(o.mask, state, i, s.mask, n);
      in.known = load(o.known, state, i, s.known, n);
      in.z2 = c.sigma != T(0) ? noise(o, o.known_noise, o.known_noise_type, 2, sample, e, i, s, s.z2, n) : nullptr;
    }
    T* r = s.r;
    T* m = s.m;
    if (fused_loop != nullptr) {
      if (in_place) {
        r = pointer<T>(o.out) + i;
        m = pointer<T>(o.store) + i;
      }
      fused_loop(c, in, r, m, n);
    } else {
      general_block(terms, preview, c, of, in, s, n);
    }
    store(r, o.out, state, i, n);
    if ((terms & ALPHABAR_STORE) != 0) {
      store(m, o.store, state, i, n);
    }
    if (preview) {
      store(s.p, o.preview, o.preview_type, i, n);
    }
    if (o.input != 0) {
      const T* input = r;
      if (input_scale != T(1)) {
        ALPHABAR_INDEPENDENT
        for (int k = 0; k < n; ++k) {
          s.input[k] = input_scale * r[k];
        }
        input = s.input;
      }
      store(input, o.input, o.input_type, i, n);
      if (o.input_copies == 2) {
        store(input, o.input, o.input_type, total + i, n);
      }
    }
  }
}

void run(const alphabar_row& row, const alphabar_operands& o, int64_t sample, int64_t from, int64_t to,
         const SampleValues<double>& of) {
  if (o.state_type == ALPHABAR_F64) {
    run_as<double>(row, o, sample, from, to, of);
  } else {
    run_as<float>(row, o, sample, from, to, of);
  }
}

// Gives cond and g of a sample as the lanes of rescale.h take them: a block is one round over all lanes.
template <typename T, typename Visit>
void each_round(const alphabar_row& row, const Coefficients<T>& c, const alphabar_operands& o, int64_t sample,
                Staging<T>& s, Visit visit) {
  static_assert(kBlock == kRescaleLanes, "element e of a block belongs to lane e");
  for (int64_t e = 0; e < o.elements; e += kBlock) {
    const int n = static_cast<int>(o.elements - e < kBlock ? o.elements - e : kBlock);
    const int64_t at = sample * o.output_stride + e;
    const T* cond = load(o.output, o.output_type, o.output_offset + at, s.output, n);
    guide(row.terms & ~uint32_t(ALPHABAR_RESCALE), c.weight, T(1), cond,
          load(o.uncond, o.output_type, o.uncond_offset + at, s.uncond, n), s.g, n);
    visit(cond, s.g, n);
  }
}

double folded(double* lanes) {
  for (int half = kRescaleLanes / 2; half > 0; half /= 2) {
    ALPHABAR_INDEPENDENT
    for (int k = 0; k < half; ++k) {
      lanes[k] += lanes[k + half];
    }
  }
  return lanes[0];
}

template <typename T>
double factor_as(const alphabar_row& row, const alphabar_operands& o, int64_t sample) {
  const Coefficients<T> c = coefficients<T>(row);
  Staging<T> s;
  alignas(64) double cond[kRescaleLanes] = {};
  alignas(64) double guided[kRescaleLanes] = {};
  each_round(row, c, o, sample, s, [&](const T* out, const T* g, int n) {
    ALPHABAR_INDEPENDENT
    for (int k = 0; k < n; ++k) {
      cond[k] += static_cast<double>(out[k]);
      guided[k] += static_cast<double>(g[k]);
    }
  });
  const double count = static_cast<double>(o.elements);
  const double cond_mean = folded(cond) / count;
  const double guided_mean = folded(guided) / count;
  memset(cond, 0, sizeof cond);
  memset(guided, 0, sizeof guided);
  each_round(row, c, o, sample, s, [&](const T* out, const T* g, int n) {
    ALPHABAR_INDEPENDENT
    for (int k = 0; k < n; ++k) {
      const double off = static_cast<double>(out[k]) - cond_mean;
      const double guided_off = static_cast<double>(g[k]) - guided_mean;
      cond[k] += off * off;
      guided[k] += guided_off * guided_off;
    }
  });
  return rescale_factor(static_cast<double>(c.rescale), folded(cond), folded(guided), o.elements);
}

double factor(const alphabar_row& row, const alphabar_operands& o, int64_t sample) {
  return o.state_type == ALPHABAR_F64 ? factor_as<double>(row, o, sample) : factor_as<float>(row, o, sample);
}

// Gives the keys of |p| of a sample, a block at a time. They are computed again in each pass instead of being kept.
template <typename T, typename Visit>
void each_block(const alphabar_row& row, const Coefficients<T>& c, const alphabar_operands& o, int64_t sample, T factor,
                Staging<T>& s, Visit visit) {
  const uint32_t terms = row.terms & (ALPHABAR_PX | ALPHABAR_PG);
  const bool reads_g = (terms & ALPHABAR_PG) != 0;
  const bool is_guided = reads_g && (row.terms & ALPHABAR_GUIDED) != 0;
  for (int64_t e = 0; e < o.elements; e += kBlock) {
    const int n = static_cast<int>(o.elements - e < kBlock ? o.elements - e : kBlock);
    const int64_t at = sample * o.output_stride + e;
    const T* x = (terms & ALPHABAR_PX) != 0 ? load(o.x, o.state_type, sample * o.elements + e, s.x, n) : nullptr;
    const T* g = reads_g ? load(o.output, o.output_type, o.output_offset + at, s.output, n) : nullptr;
    if (is_guided) {
      guide(row.terms, c.weight, factor, g, load(o.uncond, o.output_type, o.uncond_offset + at, s.uncond, n), s.g, n);
      g = s.g;
    }
    predict(terms, c, T(0), x, g, s.p, n);
    visit(s.p, n);
  }
}

template <typename T>
double threshold_as(const alphabar_row& row, const alphabar_operands& o, int64_t sample, T factor) {
  if (o.elements == 0) {
    return 1;
  }
  const Coefficients<T> c = coefficients<T>(row);
  const Quantile<T> q = quantile_of(c.quantile, o.elements);
  Staging<T> s;
  int64_t counts[kRadixBuckets];
  uint64_t prefix = 0;
  int64_t left = q.below;
  bool nan = false;
  int shift = Keys<T>::kBits;
  while (shift > 0) {
    const int digit = shift < kRadixBits ? shift : kRadixBits;
    const int above = shift;
    shift -= digit;
    memset(counts, 0, sizeof counts);
    const uint64_t buckets = (uint64_t(1) << digit) - 1;
    each_block(row, c, o, sample, factor, s, [&](const T* p, int n) {
      for (int i = 0; i < n; ++i) {
        const uint64_t key = Keys<T>::of(p[i]);
        nan |= key > Keys<T>::kInfinity;
        if (key >> above == prefix) {
          ++counts[key >> shift & buckets];
        }
      }
    });
    if (nan) {
      return static_cast<double>(Keys<T>::value(Keys<T>::kInfinity | 1));
    }
    uint64_t bucket = 0;
    while (left >= counts[bucket]) {
      left -= counts[bucket++];
    }
    prefix = prefix << digit | bucket;
  }
  const T low = Keys<T>::value(prefix);
  T high = low;
  if (q.weight > T(0)) {
    // The next order statistic: the same value again, or the smallest that is larger.
    int64_t at_most = 0;
    uint64_t next = ~uint64_t(0);
    each_block(row, c, o, sample, factor, s, [&](const T* p, int n) {
      for (int i = 0; i < n; ++i) {
        const uint64_t key = Keys<T>::of(p[i]);
        at_most += key <= prefix ? 1 : 0;
        next = key > prefix && key < next ? key : next;
      }
    });
    high = at_most > q.above ? low : Keys<T>::value(next);
  }
  return static_cast<double>(threshold_of(low, high, q.weight, c.maximum));
}

double threshold(const alphabar_row& row, const alphabar_operands& o, int64_t sample, double factor) {
  return o.state_type == ALPHABAR_F64 ? threshold_as<double>(row, o, sample, factor)
                                      : threshold_as<float>(row, o, sample, static_cast<float>(factor));
}

}  // namespace

extern const HostRows ALPHABAR_ROWS;
const HostRows ALPHABAR_ROWS = {ALPHABAR_ROWS_NAME, &run, &factor, &threshold, &draw_normals};

}  // namespace alphabar
