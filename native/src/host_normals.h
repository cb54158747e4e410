// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The normals of many Philox blocks at once, in registers from the counter to the last store; the bits are those of
// philox.h. A block's words live in 64-bit lanes, where a product of 32-bit words has both of its halves at hand: the
// lower one where the next multiplication reads it, the upper one a shuffle away. Nothing clears the upper halves until
// two words are put together in one lane, c0 with c2 for the radii and c1 with c3 for the angles, from which cosine and
// sine come out in the order of the elements but for one interleaving.
//
// The floor on AVX-512: 10 rounds of 6 instructions for 8 blocks, and some 50 for Box and Muller on their 32 normals,
// at two vectors a cycle 57 cycles, 1.8 a normal.
//
// Included into files that are compiled for several instruction sets: everything has internal linkage.
#ifndef ALPHABAR_HOST_NORMALS_H
#define ALPHABAR_HOST_NORMALS_H

#include "alphabar/philox.h"
#include "host_lanes.h"

namespace alphabar {
namespace {

#if defined(ALPHABAR_LANES)

#if defined(__AVX512F__)

struct Words32 {
  using Vector = __m512i;
  // Blocks in one vector of 64-bit lanes, and groups of them worked on at once: one group alone waits for its products.
  static constexpr int kBlocks = 8;
  static constexpr int kGroups = 4;

  static Vector all(uint32_t value) { return _mm512_set1_epi32(static_cast<int>(value)); }
  static Vector all64(uint64_t value) { return _mm512_set1_epi64(static_cast<int64_t>(value)); }
  static Vector count64() { return _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0); }
  static Vector add64(Vector a, Vector b) { return _mm512_add_epi64(a, b); }
  static Vector multiply(Vector a, Vector b) { return _mm512_mul_epu32(a, b); }
  static Vector upper(Vector a) { return _mm512_shuffle_epi32(a, static_cast<_MM_PERM_ENUM>(0xf5)); }
  static Vector xor3(Vector a, Vector b, Vector c) { return _mm512_ternarylogic_epi32(a, b, c, 0x96); }
  // The lower halves of a beside those of b.
  static Vector beside(Vector a, Vector b) {
    return _mm512_mask_shuffle_epi32(a, 0xaaaa, b, static_cast<_MM_PERM_ENUM>(0xa0));
  }

  static Vector add(Vector a, uint32_t b) { return _mm512_add_epi32(a, all(b)); }
  static Vector subtract(Vector a, Vector b) { return _mm512_sub_epi32(a, b); }
  template <int kBits>
  static Vector left(Vector a) {
    return _mm512_slli_epi32(a, kBits);
  }
  template <int kBits>
  static Vector right(Vector a) {
    return _mm512_srli_epi32(a, kBits);
  }
  template <int kBits>
  static Vector right_signed(Vector a) {
    return _mm512_srai_epi32(a, kBits);
  }
  static Floats to_floats(Vector a) { return _mm512_cvtepi32_ps(a); }
  static Floats as_floats(Vector a) { return _mm512_castsi512_ps(a); }
  static Vector bits(Floats a) { return _mm512_castps_si512(a.v); }

  // -(a b) - c, rounded once.
  static Floats minus_fused(Floats a, Floats b, Floats c) { return _mm512_fnmsub_ps(a.v, b.v, c.v); }
  static Floats root(Floats a) { return _mm512_sqrt_ps(a.v); }
  // a where bit 30 of t is set, otherwise b.
  static Floats where_bit30(Vector t, Floats a, Floats b) {
    return _mm512_mask_blend_ps(_mm512_test_epi32_mask(t, all(1u << 30)), b.v, a.v);
  }
  // a, its sign changed where t is negative.
  static Floats flip(Floats a, Vector t) {
    return as_floats(_mm512_ternarylogic_epi32(bits(a), t, all(1u << 31), 0x78));
  }
  // a0 b0 a1 b1 and so on.
  static void store_in_turn(Floats a, Floats b, float* to) {
    const Vector low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const Vector high = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
    _mm512_storeu_ps(to, _mm512_permutex2var_ps(a.v, low, b.v));
    _mm512_storeu_ps(to + 16, _mm512_permutex2var_ps(a.v, high, b.v));
  }
};

#else

struct Words32 {
  using Vector = __m256i;
  static constexpr int kBlocks = 4;
  static constexpr int kGroups = 2;

  static Vector all(uint32_t value) { return _mm256_set1_epi32(static_cast<int>(value)); }
  static Vector all64(uint64_t value) { return _mm256_set1_epi64x(static_cast<int64_t>(value)); }
  static Vector count64() { return _mm256_set_epi64x(3, 2, 1, 0); }
  static Vector add64(Vector a, Vector b) { return _mm256_add_epi64(a, b); }
  static Vector multiply(Vector a, Vector b) { return _mm256_mul_epu32(a, b); }
  static Vector upper(Vector a) { return _mm256_shuffle_epi32(a, 0xf5); }
  static Vector xor3(Vector a, Vector b, Vector c) { return _mm256_xor_si256(_mm256_xor_si256(a, b), c); }
  static Vector beside(Vector a, Vector b) { return _mm256_blend_epi32(a, _mm256_shuffle_epi32(b, 0xa0), 0xaa); }

  static Vector add(Vector a, uint32_t b) { return _mm256_add_epi32(a, all(b)); }
  static Vector subtract(Vector a, Vector b) { return _mm256_sub_epi32(a, b); }
  template <int kBits>
  static Vector left(Vector a) {
    return _mm256_slli_epi32(a, kBits);
  }
  template <int kBits>
  static Vector right(Vector a) {
    return _mm256_srli_epi32(a, kBits);
  }
  template <int kBits>
  static Vector right_signed(Vector a) {
    return _mm256_srai_epi32(a, kBits);
  }
  static Floats to_floats(Vector a) { return _mm256_cvtepi32_ps(a); }
  static Floats as_floats(Vector a) { return _mm256_castsi256_ps(a); }
  static Vector bits(Floats a) { return _mm256_castps_si256(a.v); }

  static Floats minus_fused(Floats a, Floats b, Floats c) { return _mm256_fnmsub_ps(a.v, b.v, c.v); }
  static Floats root(Floats a) { return _mm256_sqrt_ps(a.v); }
  static Floats where_bit30(Vector t, Floats a, Floats b) {
    return _mm256_blendv_ps(b.v, a.v, _mm256_castsi256_ps(left<1>(t)));
  }
  static Floats flip(Floats a, Vector t) {
    return as_floats(_mm256_xor_si256(bits(a), _mm256_and_si256(t, all(1u << 31))));
  }
  static void store_in_turn(Floats a, Floats b, float* to) {
    const __m256 low = _mm256_unpacklo_ps(a.v, b.v);
    const __m256 high = _mm256_unpackhi_ps(a.v, b.v);
    _mm256_storeu_ps(to, _mm256_permute2f128_ps(low, high, 0x20));
    _mm256_storeu_ps(to + 8, _mm256_permute2f128_ps(low, high, 0x31));
  }
};

#endif

// One operation for every group before the next operation: what waits for a result then has others to let pass.
#define ALPHABAR_EACH_GROUP for (int g = 0; g < kGroups; ++g)

// Box and Muller. Powers of two are taken into constants where that changes no bit: the radius is sqrt(-(2 log u)), and
// the logarithm's polynomial is twice log_of's. log 1 is +0, which the negation at the end makes -0, as -2 log 1 is.
template <int kGroups>
ALPHABAR_HD void store_normals(const Words32::Vector* radii, const Words32::Vector* angles, float* to) {
  using W = Words32;
  W::Vector bits[kGroups], exponent[kGroups], quadrant[kGroups];
  Floats f[kGroups], z[kGroups], p[kGroups], y[kGroups], w[kGroups], s[kGroups], c[kGroups];
  ALPHABAR_EACH_GROUP {
    bits[g] = W::bits(fused(W::to_floats(W::right<1>(radii[g])), Floats(0x1p-31), Floats(0x1p-32)));
  }
  ALPHABAR_EACH_GROUP {
    y[g] = W::to_floats(W::left<2>(angles[g])) * Floats(static_cast<float>(3.14159265358979323846 / 2 * 0x1p-32));
  }
  ALPHABAR_EACH_GROUP { exponent[g] = W::right_signed<23>(W::add(bits[g], 0u - 0x3f3504f3u)); }
  ALPHABAR_EACH_GROUP { w[g] = y[g] * y[g]; }
  ALPHABAR_EACH_GROUP { f[g] = W::as_floats(W::subtract(bits[g], W::left<23>(exponent[g]))) - Floats(1); }
  ALPHABAR_EACH_GROUP { s[g] = fused(Floats(2.7249894e-06f), w[g], Floats(-0.00019840087f)); }
  ALPHABAR_EACH_GROUP { p[g] = fused(Floats(2 * 0.06971612f), f[g], Floats(2 * -0.11479734f)); }
  ALPHABAR_EACH_GROUP { c[g] = fused(Floats(2.4547917e-05f), w[g], Floats(-0.0013888302f)); }
  ALPHABAR_EACH_GROUP { p[g] = fused(p[g], f[g], Floats(2 * 0.1168542f)); }
  ALPHABAR_EACH_GROUP { s[g] = fused(s[g], w[g], Floats(0.008333332f)); }
  ALPHABAR_EACH_GROUP { p[g] = fused(p[g], f[g], Floats(2 * -0.12425687f)); }
  ALPHABAR_EACH_GROUP { c[g] = fused(c[g], w[g], Floats(0.041666664f)); }
  ALPHABAR_EACH_GROUP { p[g] = fused(p[g], f[g], Floats(2 * 0.14249058f)); }
  ALPHABAR_EACH_GROUP { s[g] = fused(s[g], w[g], Floats(-0.16666667f)); }
  ALPHABAR_EACH_GROUP { p[g] = fused(p[g], f[g], Floats(2 * -0.16667803f)); }
  ALPHABAR_EACH_GROUP { s[g] = fused(y[g] * w[g], s[g], y[g]); }
  ALPHABAR_EACH_GROUP { p[g] = fused(p[g], f[g], Floats(2 * 0.20000716f)); }
  ALPHABAR_EACH_GROUP { c[g] = fused(w[g] * w[g], c[g], fused(Floats(-0.5), w[g], Floats(1))); }
  ALPHABAR_EACH_GROUP { p[g] = fused(p[g], f[g], Floats(2 * -0.24999997f)); }
  ALPHABAR_EACH_GROUP { z[g] = f[g] * f[g]; }
  ALPHABAR_EACH_GROUP { p[g] = fused(p[g], f[g], Floats(2 * 0.3333333f)); }
  // The quadrant is in the upper two bits: the lower of them swaps, the upper one is the sign of the sine, and that of
  // the cosine is the upper one of the quadrant after.
  ALPHABAR_EACH_GROUP { quadrant[g] = W::add(angles[g], 0x20000000u); }
  ALPHABAR_EACH_GROUP { p[g] = fused(Floats(2), f[g], (f[g] * z[g]) * p[g] - z[g]); }
  ALPHABAR_EACH_GROUP { p[g] = W::root(W::minus_fused(W::to_floats(exponent[g]), Floats(2 * 0.6931472f), p[g])); }
  ALPHABAR_EACH_GROUP {
    const Floats cosine = W::flip(W::where_bit30(quadrant[g], s[g], c[g]), W::add(quadrant[g], 0x40000000u));
    const Floats sine = W::flip(W::where_bit30(quadrant[g], c[g], s[g]), quadrant[g]);
    W::store_in_turn(p[g] * cosine, p[g] * sine, to + 4 * W::kBlocks * g);
  }
}

// Blocks drawn together by many_normals.
constexpr int kNormalBlocks = Words32::kBlocks * Words32::kGroups;

// The normals of `count` blocks, a multiple of kNormalBlocks.
inline void many_normals(uint64_t seed, uint64_t block, uint32_t draw, uint32_t stream, float* to, int count) {
  using W = Words32;
  constexpr int kGroups = W::kGroups;
  W::Vector keys[2][10];
  for (int round = 0; round < 10; ++round) {
    keys[0][round] = W::all(static_cast<uint32_t>(seed) + static_cast<uint32_t>(round) * 0x9E3779B9u);
    keys[1][round] = W::all(static_cast<uint32_t>(seed >> 32) + static_cast<uint32_t>(round) * 0xBB67AE85u);
  }
  for (int b = 0; b < count; b += kNormalBlocks) {
    W::Vector c0[kGroups], c1[kGroups], c2[kGroups], c3[kGroups];
    ALPHABAR_EACH_GROUP {
      c0[g] = W::add64(W::all64(block + static_cast<uint64_t>(b + g * W::kBlocks)), W::count64());
      c1[g] = W::upper(c0[g]);
      c2[g] = W::all(draw);
      c3[g] = W::all(stream);
    }
    for (int round = 0; round < 10; ++round) {
      ALPHABAR_EACH_GROUP {
        const W::Vector p0 = W::multiply(W::all(0xD2511F53u), c0[g]);
        const W::Vector p1 = W::multiply(W::all(0xCD9E8D57u), c2[g]);
        c0[g] = W::xor3(W::upper(p1), c1[g], keys[0][round]);
        c1[g] = p1;
        c2[g] = W::xor3(W::upper(p0), c3[g], keys[1][round]);
        c3[g] = p0;
      }
    }
    W::Vector radii[kGroups], angles[kGroups];
    ALPHABAR_EACH_GROUP { radii[g] = W::beside(c0[g], c2[g]); }
    ALPHABAR_EACH_GROUP { angles[g] = W::beside(c1[g], c3[g]); }
    store_normals<kGroups>(radii, angles, to + 4 * b);
  }
}

#else

constexpr int kNormalBlocks = 1;

inline void many_normals(uint64_t seed, uint64_t block, uint32_t draw, uint32_t stream, float* to, int count) {
  for (int b = 0; b < count; ++b) {
    const Normals n = normals(seed, block + static_cast<uint64_t>(b), draw, stream);
    to[4 * b] = n.n0;
    to[4 * b + 1] = n.n1;
    to[4 * b + 2] = n.n2;
    to[4 * b + 3] = n.n3;
  }
}

#endif

}  // namespace
}  // namespace alphabar

#endif  // ALPHABAR_HOST_NORMALS_H
