// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// Rows on the host, a chunk of a few vectors at a time: which terms a row has and which types its operands are is asked
// once for each chunk, in branches that always go the same way, and everything between the loads and the stores stays
// in registers. Any row of any types is that one loop. Noise is drawn a block of 1024 elements at a time, which stays
// in the first-level cache. Everything is on the stack: nothing is allocated and any number of threads may call.
//
// This file is compiled once for each instruction set, with ALPHABAR_ROWS naming the result. Whatever is not inlined
// must have internal linkage, or the linker could keep the copy of an instruction set that the processor lacks.
#include "host_rows.h"

#include <type_traits>

#include "alphabar/rescale.h"
#include "alphabar/threshold.h"
#include "host_lanes.h"
#include "host_normals.h"

namespace alphabar {
namespace {

// Elements whose noise is drawn at a time, and that a reduction looks at.
constexpr int kBlock = 1024;

// Vectors in a chunk. As many as the registers hold with five values each.
#if defined(__AVX512F__)
constexpr int kVectors = 4;
#elif defined(ALPHABAR_LANES)
constexpr int kVectors = 2;
#else
constexpr int kVectors = 16;
#endif

template <typename E>
E* pointer(uint64_t address) {
  return reinterpret_cast<E*>(static_cast<uintptr_t>(address));
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
  const int together = whole / kNormalBlocks * kNormalBlocks;
  many_normals(seed, block, draw, stream, target + done, together);
  for (int b = together; b < whole; ++b) {
    const Normals n = normals(seed, block + static_cast<uint64_t>(b), draw, stream);
    const float four[4] = {n.n0, n.n1, n.n2, n.n3};
    memcpy(target + done + 4 * b, four, sizeof four);
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

// Where an operand's elements are; absent at address 0.
struct Place {
  uint64_t address;
  int32_t type;

  bool absent() const { return address == 0; }

  Place from(int64_t i) const {
    const int64_t width = type == ALPHABAR_F64 ? 8 : type == ALPHABAR_F32 ? 4 : 2;
    return absent() ? *this : Place{address + static_cast<uint64_t>(i * width), type};
  }
};

// The operands of a range of elements, each from the range's first one on. What the row does not read is not looked at;
// what is absent is not written.
struct Places {
  Place x, output, uncond, h0, h1, h2, v, z, mask, known, z2;
  Place out, store, preview, input, second_input;
};

template <typename E, int kCount, typename V>
ALPHABAR_HD void load_as(V* to, const Place& from, int64_t i) {
  const E* const first = pointer<const E>(from.address) + i;
  for (int u = 0; u < kCount; ++u) {
    to[u] = get(first + u * Lane<V>::kCount, V{});
  }
}

template <int kCount, typename V>
ALPHABAR_HD void load(V* to, const Place& from, int64_t i) {
  if constexpr (Lane<V>::kDouble) {
    // Noise is drawn as floats.
    from.type == ALPHABAR_F64 ? load_as<double, kCount>(to, from, i) : load_as<float, kCount>(to, from, i);
  } else if (from.type == ALPHABAR_F32) {
    load_as<float, kCount>(to, from, i);
  } else if (from.type == ALPHABAR_F16) {
    load_as<F16, kCount>(to, from, i);
  } else {
    load_as<BF16, kCount>(to, from, i);
  }
}

template <bool kAround, typename E, int kCount, typename V>
ALPHABAR_HD void store_as(const V* from, const Place& to, int64_t i) {
  E* const first = pointer<E>(to.address) + i;
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<E, BF16> && std::is_same_v<V, Floats> && kCount % 2 == 0) {
    for (int u = 0; u < kCount; u += 2) {
      set_two<kAround>(from[u], from[u + 1], first + u * Lane<V>::kCount);
    }
    return;
  }
#endif
  for (int u = 0; u < kCount; ++u) {
    set<kAround>(from[u], first + u * Lane<V>::kCount);
  }
}

template <bool kAround, int kCount, typename V>
ALPHABAR_HD void store(const V* from, const Place& to, int64_t i) {
  if constexpr (Lane<V>::kDouble) {
    store_as<kAround, double, kCount>(from, to, i);
  } else if (to.type == ALPHABAR_F32) {
    store_as<kAround, float, kCount>(from, to, i);
  } else if (to.type == ALPHABAR_F16) {
    store_as<kAround, F16, kCount>(from, to, i);
  } else {
    store_as<kAround, BF16, kCount>(from, to, i);
  }
}

// What of a row's terms decides its loop: how p is made matters only where p is read.
uint32_t decisive(uint32_t terms, bool preview) {
  const uint32_t prediction = ALPHABAR_PX | ALPHABAR_PG | ALPHABAR_CLIP_RANGE | ALPHABAR_CLIP_DYNAMIC;
  return needs_p(terms, preview) ? terms : terms & ~prediction;
}

// What every chunk of a range needs.
template <typename V>
struct Row {
  uint32_t terms;
  bool noisy_known;
  bool scales_input;
  Coefficients<V> c;
  V threshold, factor, input_scale;

  Row(const alphabar_row& row, bool preview, const SampleValues<double>& of, double input)
      : terms(decisive(row.terms, preview)),
        noisy_known(row.known_sigma != 0),
        scales_input(input != 1),
        c(coefficients<V>(row)),
        threshold(of.threshold),
        factor(of.factor),
        input_scale(input) {}
};

// A sum over the terms present, in the order of the specification; 0 where there is none.
template <int kCount, typename V>
struct Sums {
  V value[kCount]{};
  bool started = false;

  ALPHABAR_HD void add(bool present, const V& coefficient, const V* operand) {
    if (!present) {
      return;
    }
    for (int u = 0; u < kCount; ++u) {
      value[u] = started ? fused(coefficient, operand[u], value[u]) : coefficient * operand[u];
    }
    started = true;
  }

  ALPHABAR_HD void add(bool present, const V& coefficient, const Place& at, int64_t i) {
    if (present) {
      V operand[kCount];
      load<kCount>(operand, at, i);
      add(true, coefficient, operand);
    }
  }
};

// The learned standard deviations of a chunk, by the scalar arithmetic: its loop becomes vectors.
template <int kCount, typename V>
ALPHABAR_HD void deviations(const Row<V>& row, V* v) {
  using T = typename Lane<V>::Scalar;
  constexpr int kElements = kCount * Lane<V>::kCount;
  alignas(64) T values[kElements];
  alignas(64) T factor[Lane<V>::kCount], offset[Lane<V>::kCount];
  const Place at{reinterpret_cast<uintptr_t>(values), Lane<V>::kType};
  store<false, kCount>(v, at, 0);
  set<false>(row.c.factor, factor);
  set<false>(row.c.offset, offset);
  if ((row.terms & ALPHABAR_LEARNED) != 0) {
    for (int i = 0; i < kElements; ++i) {
      values[i] = deviation(ALPHABAR_LEARNED, T(0), factor[0], offset[0], values[i]);
    }
  } else {
    for (int i = 0; i < kElements; ++i) {
      values[i] = deviation(ALPHABAR_LEARNED_LOG, T(0), factor[0], offset[0], values[i]);
    }
  }
  load<kCount>(v, at, 0);
}

template <int kCount, typename V>
ALPHABAR_HD void predict(uint32_t terms, const Row<V>& row, const V* x, const V* g, V* p) {
  Sums<kCount, V> sum;
  sum.add((terms & ALPHABAR_PX) != 0, row.c.px, x);
  sum.add((terms & ALPHABAR_PG) != 0, row.c.pg, g);
  for (int u = 0; u < kCount; ++u) {
    p[u] = sum.value[u];
  }
  if ((terms & ALPHABAR_CLIP_RANGE) != 0) {
    for (int u = 0; u < kCount; ++u) {
      p[u] = clipped(ALPHABAR_CLIP_RANGE, p[u], row.c.range, row.threshold);
    }
  } else if ((terms & ALPHABAR_CLIP_DYNAMIC) != 0) {
    for (int u = 0; u < kCount; ++u) {
      p[u] = clipped(ALPHABAR_CLIP_DYNAMIC, p[u], row.c.range, row.threshold);
    }
  }
}

// kCount vectors of every operand from element i on. Results may go where operands lie, at the same index: everything
// is loaded before anything is stored. `plain`: without mask, preview and input.
template <bool kAround, int kCount, typename V>
ALPHABAR_HD void chunk(uint32_t terms, bool plain, const Row<V>& row, const Places& at, int64_t i) {
  const bool preview = !plain && !at.preview.absent();
  V x[kCount]{}, g[kCount]{}, p[kCount]{};
  if (needs_x(terms, preview)) {
    load<kCount>(x, at.x, i);
  }
  if (needs_g(terms, preview)) {
    load<kCount>(g, at.output, i);
    if ((terms & ALPHABAR_GUIDED) != 0) {
      V uncond[kCount];
      load<kCount>(uncond, at.uncond, i);
      for (int u = 0; u < kCount; ++u) {
        g[u] = guided(ALPHABAR_GUIDED, row.c.weight, g[u], uncond[u]);
      }
      if ((terms & ALPHABAR_RESCALE) != 0) {
        for (int u = 0; u < kCount; ++u) {
          g[u] = rescaled(ALPHABAR_RESCALE, row.factor, g[u]);
        }
      }
    }
  }
  if (needs_p(terms, preview)) {
    predict<kCount>(terms, row, x, g, p);
  }
  Sums<kCount, V> sum;
  sum.add((terms & ALPHABAR_CX) != 0, row.c.cx, x);
  sum.add((terms & ALPHABAR_CP) != 0, row.c.cp, p);
  sum.add((terms & ALPHABAR_CG) != 0, row.c.cg, g);
  sum.add((terms & ALPHABAR_H0) != 0, row.c.h0, at.h0, i);
  sum.add((terms & ALPHABAR_H1) != 0, row.c.h1, at.h1, i);
  sum.add((terms & ALPHABAR_H2) != 0, row.c.h2, at.h2, i);
  if (needs_noise(terms)) {
    V z[kCount];
    load<kCount>(z, at.z, i);
    if (needs_learned(terms)) {
      V v[kCount];
      load<kCount>(v, at.v, i);
      deviations<kCount>(row, v);
      for (int u = 0; u < kCount; ++u) {
        sum.value[u] = sum.started ? fused(v[u], z[u], sum.value[u]) : v[u] * z[u];
      }
      sum.started = true;
    } else {
      sum.add(true, row.c.cz, z);
    }
  }
  V* const r = sum.value;
  if (!plain && !at.mask.absent()) {
    V mask[kCount], known[kCount], z2[kCount];
    load<kCount>(mask, at.mask, i);
    load<kCount>(known, at.known, i);
    if (row.noisy_known) {
      load<kCount>(z2, at.z2, i);
      for (int u = 0; u < kCount; ++u) {
        r[u] = inpainted(mask[u], r[u], row.c.alpha, known[u], true, row.c.sigma, z2[u]);
      }
    } else {
      for (int u = 0; u < kCount; ++u) {
        r[u] = inpainted(mask[u], r[u], row.c.alpha, known[u], false, row.c.sigma, V(0));
      }
    }
  }
  if ((terms & ALPHABAR_STORE) != 0) {
    Sums<kCount, V> stored;
    stored.add((terms & ALPHABAR_SX) != 0, row.c.sx, x);
    stored.add((terms & ALPHABAR_SP) != 0, row.c.sp, p);
    stored.add((terms & ALPHABAR_SG) != 0, row.c.sg, g);
    store<kAround, kCount>(stored.value, at.store, i);
  }
  if (plain || !at.out.absent()) {
    store<kAround, kCount>(r, at.out, i);
  }
  if (preview) {
    store<false, kCount>(p, at.preview, i);
  }
  if (!plain && !at.input.absent()) {
    for (int u = 0; u < kCount && row.scales_input; ++u) {
      r[u] = row.input_scale * r[u];
    }
    store<false, kCount>(r, at.input, i);
    if (!at.second_input.absent()) {
      store<false, kCount>(r, at.second_input, i);
    }
  }
}

// Keeps the compiler from moving what depends on a value out of a loop: dozens of flags and addresses would be kept on
// the stack, to be loaded where a test or an addition is enough.
template <typename N>
ALPHABAR_HD N renewed(N value) {
#if defined(__GNUC__)
  __asm__("" : "+r"(value));
#endif
  return value;
}

// Whole chunks from element i on; returns where they end.
template <bool kAround, typename V>
int64_t chunks(const Row<V>& given, const Places& places, int64_t i, int64_t n) {
  // Copies, which nothing that is stored can change.
  const Row<V> row = given;
  const Places at = places;
  constexpr int64_t kElements = kVectors * Lane<V>::kCount;
  for (; i <= n - kElements; i += kElements) {
    chunk<kAround, kVectors>(renewed(row.terms), false, row, at, renewed(i));
  }
  return i;
}

// The same for a row whose terms the compiler knows.
template <bool kAround, uint32_t kTerms, typename V>
int64_t plain_chunks(const Row<V>& given, const Places& places, int64_t i, int64_t n) {
  const Row<V> row = given;
  const Places at = places;
  constexpr int64_t kElements = kVectors * Lane<V>::kCount;
  for (; i <= n - kElements; i += kElements) {
    chunk<kAround, kVectors>(kTerms, true, row, at, renewed(i));
  }
  return i;
}

template <typename V>
using Chunks = int64_t (*)(const Row<V>&, const Places&, int64_t, int64_t);

constexpr uint32_t kDirect = ALPHABAR_CX | ALPHABAR_CG;
constexpr uint32_t kClipped = ALPHABAR_CP | ALPHABAR_PX | ALPHABAR_PG | ALPHABAR_CLIP_RANGE;
// What the solvers keep: the output, or p, which without clipping is a sum of x and the output.
constexpr uint32_t kStoresG = ALPHABAR_STORE | ALPHABAR_SG;
constexpr uint32_t kStoresP = ALPHABAR_STORE | ALPHABAR_SX | ALPHABAR_SG;

// The loop of a row: DDIM, DDPM, PLMS and DPM-Solver++ at their full orders have loops of their own, which are somewhat
// quicker while everything is in the cache.
template <bool kAround>
Chunks<Floats> chunks_of(uint32_t terms, bool plain, Floats) {
  switch (plain ? terms : 0) {
#define ALPHABAR_ROW(terms) \
  case (terms):             \
    return &plain_chunks<kAround, (terms), Floats>;
    ALPHABAR_ROW(kDirect)
    ALPHABAR_ROW(kDirect | ALPHABAR_GUIDED)
    ALPHABAR_ROW(kDirect | ALPHABAR_CZ)
    ALPHABAR_ROW(kDirect | ALPHABAR_H0 | kStoresP)
    ALPHABAR_ROW(kDirect | ALPHABAR_H0 | ALPHABAR_H1 | kStoresP)
    ALPHABAR_ROW(kDirect | ALPHABAR_H0 | ALPHABAR_H1 | ALPHABAR_H2 | kStoresG)
    ALPHABAR_ROW(kDirect | ALPHABAR_H0 | ALPHABAR_CZ | kStoresP)
    ALPHABAR_ROW(kClipped | ALPHABAR_CG)
    ALPHABAR_ROW(kClipped | ALPHABAR_CX)
    ALPHABAR_ROW(kClipped | ALPHABAR_CX | ALPHABAR_CZ)
#undef ALPHABAR_ROW
    default:
      return &chunks<kAround, Floats>;
  }
}

template <bool kAround>
Chunks<Doubles> chunks_of(uint32_t, bool, Doubles) {
  return &chunks<kAround, Doubles>;
}

// Elements from i on, one at a time.
template <typename T>
void singles(const alphabar_row& row, bool preview, const Places& at, const SampleValues<double>& of,
             double input_scale, int64_t i, int64_t n) {
  if (i < n) {
    const Row<T> scalars(row, preview, of, input_scale);
    for (; i < n; ++i) {
      chunk<false, 1>(renewed(scalars.terms), false, scalars, at, i);
    }
  }
}

// n elements; `around` where stores of state go around the cache.
template <typename V>
void evaluate_as(const alphabar_row& row, const Places& at, const SampleValues<double>& of, double input_scale,
                 bool around, int64_t n) {
  using T = typename Lane<V>::Scalar;
  const bool preview = !at.preview.absent();
  const bool plain = !preview && at.mask.absent() && at.input.absent() && !at.out.absent();
  int64_t i = 0;
  if (around) {
    // To the beginning of a cache line.
    const uint64_t width = at.out.type == ALPHABAR_F64 ? 8 : at.out.type == ALPHABAR_F32 ? 4 : 2;
    const int64_t before = static_cast<int64_t>((64 - at.out.address % 64) % 64 / width);
    i = before < n ? before : n;
    singles<T>(row, preview, at, of, input_scale, 0, i);
  }
  if (i <= n - Lane<V>::kCount) {
    const Row<V> vectors(row, preview, of, input_scale);
    const uint32_t terms = vectors.terms;
    i = around ? chunks_of<true>(terms, plain, V{})(vectors, at, i, n)
               : chunks_of<false>(terms, plain, V{})(vectors, at, i, n);
    for (; i <= n - Lane<V>::kCount; i += Lane<V>::kCount) {
      chunk<false, 1>(renewed(terms), false, vectors, at, i);
    }
  }
  singles<T>(row, preview, at, of, input_scale, i, n);
}

void evaluate(bool wide, const alphabar_row& row, const Places& at, const SampleValues<double>& of, double input_scale,
              bool around, int64_t n) {
  if (wide) {
    evaluate_as<Doubles>(row, at, of, input_scale, around, n);
  } else {
    evaluate_as<Floats>(row, at, of, input_scale, around, n);
  }
}

// Above so many bytes in each tensor, what is written goes around the cache: that saves reading its lines first.
constexpr int64_t kAroundBytes = int64_t(8) << 20;

bool goes_around(const alphabar_row& row, const alphabar_operands& o) {
#if defined(ALPHABAR_LANES)
  const int64_t width = o.state_type == ALPHABAR_F64 ? 8 : o.state_type == ALPHABAR_F32 ? 4 : 2;
  if (o.samples * o.elements * width < kAroundBytes) {
    return false;
  }
  const bool stores = (row.terms & ALPHABAR_STORE) != 0;
  // A line that was read is in the cache already.
  const auto is_read = [&](uint64_t address) {
    return address == o.x || ((row.terms & ALPHABAR_H0) != 0 && address == o.h0) ||
           ((row.terms & ALPHABAR_H1) != 0 && address == o.h1) || ((row.terms & ALPHABAR_H2) != 0 && address == o.h2);
  };
  if (is_read(o.out) || (stores && is_read(o.store))) {
    return false;
  }
  // One start for all that is written: whole vectors, which must not cross a boundary.
  return o.out % static_cast<uint64_t>(width) == 0 && (!stores || (o.store - o.out) % 64 == 0);
#else
  (void)row, (void)o;
  return false;
#endif
}

// Noise given by the caller, or drawn.
Place noise(const alphabar_operands& o, uint64_t given, int32_t type, uint32_t stream, int64_t sample, int64_t e,
            int64_t i, float* block, int64_t n) {
  if (given != 0) {
    return Place{given, type}.from(i);
  }
  const uint64_t seed = static_cast<uint64_t>(pointer<const int64_t>(o.seeds)[sample]);
  draw_normals(seed, static_cast<uint32_t>(o.draw), stream, e, block, static_cast<int>(n));
  return Place{reinterpret_cast<uintptr_t>(block), ALPHABAR_F32};
}

void run(const alphabar_row& row, const alphabar_operands& o, int64_t sample, int64_t from, int64_t to,
         const SampleValues<double>& of) {
  const bool noisy = needs_noise(row.terms);
  const bool known_noisy = o.mask != 0 && row.known_sigma != 0;
  const bool draws = (noisy && o.noise == 0) || (known_noisy && o.known_noise == 0);
  const bool around = goes_around(row, o);
  const int64_t length = draws ? kBlock : to - from;
  alignas(64) float z[kBlock];
  alignas(64) float z2[kBlock];
  for (int64_t e = from; e < to; e += length) {
    const int64_t n = to - e < length ? to - e : length;
    const int64_t i = sample * o.elements + e;
    const int64_t g = sample * o.output_stride + e;
    const auto state = [&](uint64_t address) { return Place{address, o.state_type}.from(i); };
    Places at{};
    at.x = state(o.x);
    at.output = Place{o.output, o.output_type}.from(o.output_offset + g);
    at.uncond = Place{o.uncond, o.output_type}.from(o.uncond_offset + g);
    at.h0 = state(o.h0);
    at.h1 = state(o.h1);
    at.h2 = state(o.h2);
    at.v = at.output.from(o.elements);
    if (noisy) {
      at.z = noise(o, o.noise, o.noise_type, row.stream, sample, e, i, z, n);
    }
    at.mask = state(o.mask);
    at.known = state(o.known);
    if (known_noisy) {
      at.z2 = noise(o, o.known_noise, o.known_noise_type, 2, sample, e, i, z2, n);
    }
    at.out = state(o.out);
    at.store = state(o.store);
    at.preview = Place{o.preview, o.preview_type}.from(i);
    at.input = Place{o.input, o.input_type}.from(i);
    if (o.input_copies == 2) {
      at.second_input = at.input.from(o.samples * o.elements);
    }
    evaluate(o.state_type == ALPHABAR_F64, row, at, of, o.input_scale, around, n);
  }
  if (around) {
    fence();
  }
}

// cond or g of a block, as a row that is nothing but it.
template <typename T>
void output_of(const alphabar_row& row, bool is_guided, double factor, const alphabar_operands& o, int64_t sample,
               int64_t e, T* to, int n) {
  alphabar_row only{};
  only.terms = ALPHABAR_CG | (is_guided ? row.terms & (ALPHABAR_GUIDED | ALPHABAR_RESCALE) : 0);
  only.cg = 1;
  only.weight = row.weight;
  Places at{};
  const int64_t g = sample * o.output_stride + e;
  at.output = Place{o.output, o.output_type}.from(o.output_offset + g);
  at.uncond = Place{o.uncond, o.output_type}.from(o.uncond_offset + g);
  at.out = Place{reinterpret_cast<uintptr_t>(to), Lane<T>::kType};
  evaluate(Lane<T>::kDouble, only, at, SampleValues<double>{0, factor}, 1, false, n);
}

// Gives cond and g of a sample as the lanes of rescale.h take them: a block is one round over all lanes.
template <typename T, typename Visit>
void each_round(const alphabar_row& row, const alphabar_operands& o, int64_t sample, Visit visit) {
  static_assert(kBlock == kRescaleLanes, "element e of a block belongs to lane e");
  alignas(64) T cond[kBlock];
  alignas(64) T g[kBlock];
  alphabar_row plain = row;
  plain.terms &= ~uint32_t(ALPHABAR_RESCALE);
  for (int64_t e = 0; e < o.elements; e += kBlock) {
    const int n = static_cast<int>(o.elements - e < kBlock ? o.elements - e : kBlock);
    output_of(plain, false, 1, o, sample, e, cond, n);
    output_of(plain, true, 1, o, sample, e, g, n);
    visit(cond, g, n);
  }
}

double folded(double* lanes) {
  for (int half = kRescaleLanes / 2; half > 0; half /= 2) {
    for (int k = 0; k < half; ++k) {
      lanes[k] += lanes[k + half];
    }
  }
  return lanes[0];
}

template <typename T>
double factor_as(const alphabar_row& row, const alphabar_operands& o, int64_t sample) {
  alignas(64) double cond[kRescaleLanes] = {};
  alignas(64) double guided[kRescaleLanes] = {};
  each_round<T>(row, o, sample, [&](const T* out, const T* g, int n) {
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
  each_round<T>(row, o, sample, [&](const T* out, const T* g, int n) {
    for (int k = 0; k < n; ++k) {
      const double off = static_cast<double>(out[k]) - cond_mean;
      const double guided_off = static_cast<double>(g[k]) - guided_mean;
      cond[k] += off * off;
      guided[k] += guided_off * guided_off;
    }
  });
  return rescale_factor(static_cast<double>(static_cast<T>(row.rescale)), folded(cond), folded(guided), o.elements);
}

double factor(const alphabar_row& row, const alphabar_operands& o, int64_t sample) {
  return o.state_type == ALPHABAR_F64 ? factor_as<double>(row, o, sample) : factor_as<float>(row, o, sample);
}

// Gives p of a sample before clipping, a block at a time. It is computed again in each pass instead of being kept.
template <typename T, typename Visit>
void each_block(const alphabar_row& row, const alphabar_operands& o, int64_t sample, double factor, Visit visit) {
  alphabar_row only = row;
  only.terms &= ALPHABAR_PX | ALPHABAR_PG | ALPHABAR_GUIDED | ALPHABAR_RESCALE;
  alignas(64) T p[kBlock];
  for (int64_t e = 0; e < o.elements; e += kBlock) {
    const int n = static_cast<int>(o.elements - e < kBlock ? o.elements - e : kBlock);
    const int64_t g = sample * o.output_stride + e;
    Places at{};
    at.x = Place{o.x, o.state_type}.from(sample * o.elements + e);
    at.output = Place{o.output, o.output_type}.from(o.output_offset + g);
    at.uncond = Place{o.uncond, o.output_type}.from(o.uncond_offset + g);
    at.preview = Place{reinterpret_cast<uintptr_t>(p), Lane<T>::kType};
    evaluate(Lane<T>::kDouble, only, at, SampleValues<double>{0, factor}, 1, false, n);
    visit(p, n);
  }
}

template <typename T>
double threshold_as(const alphabar_row& row, const alphabar_operands& o, int64_t sample, double factor) {
  if (o.elements == 0) {
    return 1;
  }
  const Coefficients<T> c = coefficients<T>(row);
  const Quantile<T> q = quantile_of(c.quantile, o.elements);
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
    each_block<T>(row, o, sample, factor, [&](const T* p, int n) {
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
    each_block<T>(row, o, sample, factor, [&](const T* p, int n) {
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
                                      : threshold_as<float>(row, o, sample, factor);
}

}  // namespace

extern const HostRows ALPHABAR_ROWS;
const HostRows ALPHABAR_ROWS = {ALPHABAR_ROWS_NAME, &run, &factor, &threshold, &draw_normals};

}  // namespace alphabar
