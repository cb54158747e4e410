// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// Floats as the instruction set this is compiled for takes them: vectors with the operators that fused_step.h is
// written in, so that its functions serve them too, and loads and stores that convert on the way. The processor's
// conversions of F16 give the bits of dtype.h but for what a NaN carries; a NaN stays one. Where there are no vectors
// of our own, Floats is float and the compiler finds the vectors.
//
// Included into files that are compiled for several instruction sets: everything has internal linkage.
#ifndef ALPHABAR_HOST_LANES_H
#define ALPHABAR_HOST_LANES_H

#if defined(__AVX2__)
#include <immintrin.h>
#define ALPHABAR_LANES 1
#endif

#include "alphabar/fused_step.h"

namespace alphabar {
namespace {

// Beside those for vectors, which would hide them here.
using alphabar::clamp;
using alphabar::fused;

#if defined(__AVX512F__)

constexpr int kLanes = 16;

struct Floats {
  __m512 v;

  Floats() = default;
  Floats(__m512 vector) : v(vector) {}
  explicit Floats(double all) : v(_mm512_set1_ps(static_cast<float>(all))) {}
};

ALPHABAR_HD Floats operator*(Floats a, Floats b) { return _mm512_mul_ps(a.v, b.v); }
ALPHABAR_HD Floats operator/(Floats a, Floats b) { return _mm512_div_ps(a.v, b.v); }
ALPHABAR_HD Floats operator-(Floats a, Floats b) { return _mm512_sub_ps(a.v, b.v); }
ALPHABAR_HD Floats fused(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a.v, b.v, c.v); }

// Maximum and minimum give their second operand where either is NaN.
ALPHABAR_HD Floats clamp(Floats v, Floats range) {
  const __m512 low = _mm512_xor_ps(range.v, _mm512_set1_ps(-0.0f));
  return _mm512_min_ps(range.v, _mm512_max_ps(low, v.v));
}

ALPHABAR_HD Floats load(const float* from) { return _mm512_loadu_ps(from); }
ALPHABAR_HD Floats load(const F16* from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
ALPHABAR_HD Floats load(const BF16* from) {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

ALPHABAR_HD __m512 packed(Floats v, const float*) { return v.v; }
ALPHABAR_HD __m256i packed(Floats v, const F16*) { return _mm512_cvtps_ph(v.v, _MM_FROUND_TO_NEAREST_INT); }
// BF16 in the upper halves.
ALPHABAR_HD __m512i rounded_bf16(Floats v) {
  const __m512i bits = _mm512_castps_si512(v.v);
  const __m512i up = _mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff));
  const __mmask16 odd = _mm512_test_epi32_mask(bits, _mm512_set1_epi32(0x10000));
  const __mmask16 nan = _mm512_cmp_ps_mask(v.v, v.v, _CMP_UNORD_Q);
  const __m512i even = _mm512_mask_add_epi32(up, odd, up, _mm512_set1_epi32(1));
  return _mm512_mask_or_epi32(even, nan, bits, _mm512_set1_epi32(0x400000));
}

ALPHABAR_HD __m256i packed(Floats v, const BF16*) {
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded_bf16(v), 16));
}

// Two vectors at once: one permutation takes the upper halves of both.
ALPHABAR_HD __m512i packed(Floats a, Floats b, const BF16*) {
  const __m512i upper = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27, 25,
                                         23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
  return _mm512_permutex2var_epi16(rounded_bf16(a), upper, rounded_bf16(b));
}

ALPHABAR_HD void put(__m512 v, void* to) { _mm512_storeu_ps(to, v); }
ALPHABAR_HD void put(__m256i v, void* to) { _mm256_storeu_si256(static_cast<__m256i*>(to), v); }
ALPHABAR_HD void put(__m512i v, void* to) { _mm512_storeu_si512(to, v); }
ALPHABAR_HD void put_around(__m512i v, void* to) { _mm512_stream_si512(static_cast<__m512i*>(to), v); }
ALPHABAR_HD void put_around(__m512 v, void* to) { _mm512_stream_ps(static_cast<float*>(to), v); }
ALPHABAR_HD void put_around(__m256i v, void* to) { _mm256_stream_si256(static_cast<__m256i*>(to), v); }

struct Doubles {
  __m512d v;

  Doubles() = default;
  Doubles(__m512d vector) : v(vector) {}
  explicit Doubles(double all) : v(_mm512_set1_pd(all)) {}
};

ALPHABAR_HD Doubles operator*(Doubles a, Doubles b) { return _mm512_mul_pd(a.v, b.v); }
ALPHABAR_HD Doubles operator/(Doubles a, Doubles b) { return _mm512_div_pd(a.v, b.v); }
ALPHABAR_HD Doubles operator-(Doubles a, Doubles b) { return _mm512_sub_pd(a.v, b.v); }
ALPHABAR_HD Doubles fused(Doubles a, Doubles b, Doubles c) { return _mm512_fmadd_pd(a.v, b.v, c.v); }
ALPHABAR_HD Doubles clamp(Doubles v, Doubles range) {
  const __m512d low = _mm512_xor_pd(range.v, _mm512_set1_pd(-0.0));
  return _mm512_min_pd(range.v, _mm512_max_pd(low, v.v));
}

ALPHABAR_HD Doubles load_wide(const double* from) { return _mm512_loadu_pd(from); }
ALPHABAR_HD Doubles load_wide(const float* from) { return _mm512_cvtps_pd(_mm256_loadu_ps(from)); }
ALPHABAR_HD __m512d packed(Doubles v, const double*) { return v.v; }
ALPHABAR_HD void put(__m512d v, void* to) { _mm512_storeu_pd(to, v); }
ALPHABAR_HD void put_around(__m512d v, void* to) { _mm512_stream_pd(static_cast<double*>(to), v); }

#elif defined(__AVX2__)

constexpr int kLanes = 8;

struct Floats {
  __m256 v;

  Floats() = default;
  Floats(__m256 vector) : v(vector) {}
  explicit Floats(double all) : v(_mm256_set1_ps(static_cast<float>(all))) {}
};

ALPHABAR_HD Floats operator*(Floats a, Floats b) { return _mm256_mul_ps(a.v, b.v); }
ALPHABAR_HD Floats operator/(Floats a, Floats b) { return _mm256_div_ps(a.v, b.v); }
ALPHABAR_HD Floats operator-(Floats a, Floats b) { return _mm256_sub_ps(a.v, b.v); }
ALPHABAR_HD Floats fused(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a.v, b.v, c.v); }

// Maximum and minimum give their second operand where either is NaN.
ALPHABAR_HD Floats clamp(Floats v, Floats range) {
  const __m256 low = _mm256_xor_ps(range.v, _mm256_set1_ps(-0.0f));
  return _mm256_min_ps(range.v, _mm256_max_ps(low, v.v));
}

ALPHABAR_HD Floats load(const float* from) { return _mm256_loadu_ps(from); }
ALPHABAR_HD Floats load(const F16* from) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
ALPHABAR_HD Floats load(const BF16* from) {
  const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

ALPHABAR_HD __m256 packed(Floats v, const float*) { return v.v; }
ALPHABAR_HD __m128i packed(Floats v, const F16*) { return _mm256_cvtps_ph(v.v, _MM_FROUND_TO_NEAREST_INT); }
ALPHABAR_HD __m128i packed(Floats v, const BF16*) {
  const __m256i bits = _mm256_castps_si256(v.v);
  const __m256i high = _mm256_srli_epi32(bits, 16);
  const __m256i last = _mm256_and_si256(high, _mm256_set1_epi32(1));
  const __m256i rounded =
      _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), last), 16);
  const __m256i quiet = _mm256_or_si256(high, _mm256_set1_epi32(0x40));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v.v, v.v, _CMP_UNORD_Q));
  const __m256i value = _mm256_blendv_epi8(rounded, quiet, nan);
  return _mm_packus_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
}

ALPHABAR_HD void put(__m256 v, void* to) { _mm256_storeu_ps(static_cast<float*>(to), v); }
ALPHABAR_HD void put(__m128i v, void* to) { _mm_storeu_si128(static_cast<__m128i*>(to), v); }
ALPHABAR_HD void put_around(__m256 v, void* to) { _mm256_stream_ps(static_cast<float*>(to), v); }
ALPHABAR_HD void put_around(__m128i v, void* to) { _mm_stream_si128(static_cast<__m128i*>(to), v); }

struct Doubles {
  __m256d v;

  Doubles() = default;
  Doubles(__m256d vector) : v(vector) {}
  explicit Doubles(double all) : v(_mm256_set1_pd(all)) {}
};

ALPHABAR_HD Doubles operator*(Doubles a, Doubles b) { return _mm256_mul_pd(a.v, b.v); }
ALPHABAR_HD Doubles operator/(Doubles a, Doubles b) { return _mm256_div_pd(a.v, b.v); }
ALPHABAR_HD Doubles operator-(Doubles a, Doubles b) { return _mm256_sub_pd(a.v, b.v); }
ALPHABAR_HD Doubles fused(Doubles a, Doubles b, Doubles c) { return _mm256_fmadd_pd(a.v, b.v, c.v); }
ALPHABAR_HD Doubles clamp(Doubles v, Doubles range) {
  const __m256d low = _mm256_xor_pd(range.v, _mm256_set1_pd(-0.0));
  return _mm256_min_pd(range.v, _mm256_max_pd(low, v.v));
}

ALPHABAR_HD Doubles load_wide(const double* from) { return _mm256_loadu_pd(from); }
ALPHABAR_HD Doubles load_wide(const float* from) { return _mm256_cvtps_pd(_mm_loadu_ps(from)); }
ALPHABAR_HD __m256d packed(Doubles v, const double*) { return v.v; }
ALPHABAR_HD void put(__m256d v, void* to) { _mm256_storeu_pd(static_cast<double*>(to), v); }
ALPHABAR_HD void put_around(__m256d v, void* to) { _mm256_stream_pd(static_cast<double*>(to), v); }

#else

constexpr int kLanes = 1;
using Floats = float;
using Doubles = double;

#endif

// How many elements a value holds, of what.
template <typename V>
struct Lane;

template <>
struct Lane<float> {
  using Scalar = float;
  static constexpr int kCount = 1;
  static constexpr bool kDouble = false;
  static constexpr int32_t kType = ALPHABAR_F32;
};

template <>
struct Lane<double> {
  using Scalar = double;
  static constexpr int kCount = 1;
  static constexpr bool kDouble = true;
  static constexpr int32_t kType = ALPHABAR_F64;
};

template <typename E>
ALPHABAR_HD float get(const E* from, float) {
  return widen(*from);
}

ALPHABAR_HD double get(const double* from, double) { return *from; }
ALPHABAR_HD double get(const float* from, double) { return static_cast<double>(*from); }

template <bool kAround, typename T, typename E>
ALPHABAR_HD void set(T v, E* to) {
  narrow(v, to);
}

#if defined(ALPHABAR_LANES)

template <>
struct Lane<Floats> {
  using Scalar = float;
  static constexpr int kCount = kLanes;
  static constexpr bool kDouble = false;
  static constexpr int32_t kType = ALPHABAR_F32;
};

template <>
struct Lane<Doubles> {
  using Scalar = double;
  static constexpr int kCount = kLanes / 2;
  static constexpr bool kDouble = true;
  static constexpr int32_t kType = ALPHABAR_F64;
};

template <typename E>
ALPHABAR_HD Floats get(const E* from, Floats) {
  return load(from);
}

template <typename E>
ALPHABAR_HD Doubles get(const E* from, Doubles) {
  return load_wide(from);
}

template <bool kAround, typename V, typename E>
ALPHABAR_HD void set_lanes(V v, E* to) {
  if constexpr (kAround) {
    put_around(packed(v, to), to);
  } else {
    put(packed(v, to), to);
  }
}

// Around the cache where `to` is aligned to what is written.
template <bool kAround, typename E>
ALPHABAR_HD void set(Floats v, E* to) {
  set_lanes<kAround>(v, to);
}

template <bool kAround>
ALPHABAR_HD void set(Doubles v, double* to) {
  set_lanes<kAround>(v, to);
}

#if defined(__AVX512F__)
// Two vectors, one after the other.
template <bool kAround>
ALPHABAR_HD void set_two(Floats a, Floats b, BF16* to) {
  if constexpr (kAround) {
    put_around(packed(a, b, to), to);
  } else {
    put(packed(a, b, to), to);
  }
}
#endif

// Until then, other threads may not see what was stored around the cache.
ALPHABAR_HD void fence() { _mm_sfence(); }

#else

ALPHABAR_HD void fence() {}

#endif

}  // namespace
}  // namespace alphabar

#endif  // ALPHABAR_HOST_LANES_H
