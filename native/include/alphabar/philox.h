// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// Philox4x32-10 (Salmon et al. 2011) and the four standard normals of a block. Element e of a draw comes from
//
//   key     = the sample's 64-bit seed
//   counter = (low word of e div 4, high word of e div 4, draw, stream)
//
// whose words (r0, r1, r2, r3) give elements 4b .. 4b + 3 by Box and Muller. Nothing else enters.
#ifndef ALPHABAR_PHILOX_H
#define ALPHABAR_PHILOX_H

#include "alphabar/math.h"

namespace alphabar {

struct Words {
  uint32_t r0, r1, r2, r3;
};

struct Normals {
  float n0, n1, n2, n3;
};

ALPHABAR_HD Words philox(uint64_t key, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3) {
  uint32_t k0 = static_cast<uint32_t>(key);
  uint32_t k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = static_cast<uint64_t>(0xD2511F53u) * c0;
    const uint64_t p1 = static_cast<uint64_t>(0xCD9E8D57u) * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(p0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return Words{c0, c1, c2, c3};
}

ALPHABAR_HD void box_muller(uint32_t r0, uint32_t r1, float* first, float* second) {
  const float u = (static_cast<float>(static_cast<int32_t>(r0 >> 1)) + 0.5f) * 0x1p-31f;
  const float radius = sqrtf(-2.0f * log_of(u));
  const uint32_t quadrant = (r1 + 0x20000000u) >> 30;
  // A quarter turn divided by 2^32, as a float.
  const float quarter = static_cast<float>(3.14159265358979323846 / 2 * 0x1p-32);
  const float y = static_cast<float>(static_cast<int32_t>(r1 << 2)) * quarter;
  const float s = sin_quarter(y);
  const float c = cos_quarter(y);
  const bool swap = (quadrant & 1u) != 0;
  const float cosine = swap ? s : c;
  const float sine = swap ? c : s;
  *first = radius * float_of(bits_of(cosine) ^ (((quadrant + 1u) & 2u) << 30));
  *second = radius * float_of(bits_of(sine) ^ ((quadrant & 2u) << 30));
}

// The noise of elements 4 block .. 4 block + 3.
ALPHABAR_HD Normals normals(uint64_t seed, uint64_t block, uint32_t draw, uint32_t stream) {
  const Words w = philox(seed, static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), draw, stream);
  Normals n;
  box_muller(w.r0, w.r1, &n.n0, &n.n1);
  box_muller(w.r2, w.r3, &n.n2, &n.n3);
  return n;
}

}  // namespace alphabar

#endif  // ALPHABAR_PHILOX_H
