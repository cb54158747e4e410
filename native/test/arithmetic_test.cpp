// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// Known answers: Philox (from the Random123 distribution), normals and exponentials (bits of the Java reference),
// polynomials against the C library in double, every value of the half types.
#include <algorithm>
#include <cmath>
#include <vector>

#include "alphabar/philox.h"
#include "check.h"
#include "host_rows.h"

using namespace alphabar;

static void philox_gives_its_known_answers() {
  const Words zeros = philox(0, 0, 0, 0, 0);
  EXPECT(zeros.r0 == 0x6627e8d5u && zeros.r1 == 0xe169c58du && zeros.r2 == 0xbc57ac4cu && zeros.r3 == 0x9b00dbd8u);
  const uint32_t f = 0xffffffffu;
  const Words ones = philox(~uint64_t(0), f, f, f, f);
  EXPECT(ones.r0 == 0x408f276du && ones.r1 == 0x41c83b0eu && ones.r2 == 0xa20bc7c6u && ones.r3 == 0x6d5451fdu);
  const Words pi = philox(0x299f31d0a4093822u, 0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u);
  EXPECT(pi.r0 == 0xd16cfe09u && pi.r1 == 0x94fdccebu && pi.r2 == 0x5001e420u && pi.r3 == 0x24126ea1u);
}

// Seed 42, draw 3, stream 1, elements 0 to 63.
static const uint32_t kNormals[64] = {
    0x3f455064u, 0xbf3e0d68u, 0xbd65c75bu, 0x3ef0fe77u, 0xbe948605u, 0x3f97d9d7u, 0x3be9b74du, 0xbf0e1bd6u,
    0x3f4221f9u, 0x3f1a5c19u, 0xbfc91a97u, 0x3fd115edu, 0xbf6fcc55u, 0xbed82500u, 0xbed8d85cu, 0x3fbdc78fu,
    0xbf0271ddu, 0xbf9d39d1u, 0x3f67325au, 0xbf7f1640u, 0xbf94d67au, 0x3f01f0f9u, 0xbf9443f9u, 0xbfa91f1fu,
    0x3d5fc6bbu, 0x3f051e45u, 0x3f556ff0u, 0x3f8f2219u, 0x3fd209a3u, 0x3f8ffb8fu, 0xbf07fb23u, 0xbe92c391u,
    0xbe418213u, 0xbfc69653u, 0xbf382fc2u, 0xbfe74441u, 0xbcf9aeb6u, 0x3f212018u, 0x3c32e97au, 0xbee27eb1u,
    0x3f84f62eu, 0xbca49d45u, 0xbe12e15cu, 0xbf5441bau, 0xbe903eb1u, 0xbf2cd5cdu, 0xbfd07ebfu, 0x3e5a4685u,
    0x3fcd1b1bu, 0xbfed368eu, 0x3f735e90u, 0x3d51bc9cu, 0x3f8ac738u, 0x3f4f7251u, 0x3d15a0bbu, 0x3f85828au,
    0xbf2e26dbu, 0x3f8a79c7u, 0x3f38c21eu, 0x3ea8a763u, 0xbdf4e37du, 0x3fe5a74bu, 0xbfc71b3cu, 0xbe9c179fu};

// Seed 0x123456789abcdef0, draw 7, stream 2, elements 5 2^33 + 3 on: a block number of more than 32 bits, begun at its
// last element.
static const uint32_t kFarNormals[16] = {0x3e58df51u, 0x3f4f9a98u, 0xbd1320b5u, 0xbede72e2u, 0xbf325c67u, 0x3f12e643u,
                                         0xbf3a4bc7u, 0x3f6b303du, 0x3e6196e7u, 0xbf6e969du, 0xbf0f4f14u, 0x3d5b15dbu,
                                         0x3f486bf0u, 0xbe4fdd2bu, 0x3fd0b5f2u, 0x3f94f5bbu};

// 2000 elements are several groups of 64 blocks and a rest; the starts put the step of the counter's upper word before,
// inside and behind a group, and at its edges.
static void many_blocks_are_those_of_one_at_a_time() {
  std::vector<float> got(2000);
  for (int isa = 0; isa < 3; ++isa) {
    const HostRows* rows = host_rows(isa);
    if (rows == nullptr) {
      continue;
    }
    const auto compare = [&](uint64_t seed, uint32_t draw, uint32_t stream, int64_t from) {
      rows->normals(seed, draw, stream, from, got.data(), 2000);
      int wrong = 0;
      for (int64_t e = from; e < from + 2000; ++e) {
        const Normals n = normals(seed, static_cast<uint64_t>(e) / 4, draw, stream);
        const float four[4] = {n.n0, n.n1, n.n2, n.n3};
        wrong += bits_of(four[e % 4]) != bits_of(got[static_cast<size_t>(e - from)]);
      }
      EXPECT(wrong == 0);
    };
    for (const int64_t before : {0, 1, 15, 16, 63, 64, 65, 127, 128, 300, 499, 501}) {
      compare(77, 5, 1, 4 * ((int64_t(1) << 32) - before) + before % 4);
    }
    // Blocks where u rounds to 1: the radius is -0, and the normals are zeros of both signs.
    for (const int64_t block : {27392119, 27881415, 34306436, 36377266}) {
      compare(1, 0, 0, 4 * (block - 7));
      EXPECT(std::count(got.begin() + 28, got.begin() + 32, 0.0f) == 2);
    }
  }
}

static void normals_are_those_of_java() {
  for (int isa = 0; isa < 3; ++isa) {
    const HostRows* rows = host_rows(isa);
    if (rows == nullptr) {
      printf("Not on this processor: instruction set %d\n", isa);
      continue;
    }
    float got[64];
    rows->normals(42, 3, 1, 0, got, 64);
    for (int i = 0; i < 64; ++i) {
      EXPECT(bits_of(got[i]) == kNormals[i]);
    }
    for (int from = 0; from < 9; ++from) {
      for (int count = 0; count < 40; ++count) {
        got[count] = 77;
        rows->normals(42, 3, 1, from, got, count);
        bool same = got[count] == 77;
        for (int i = 0; i < count; ++i) {
          same = same && bits_of(got[i]) == kNormals[from + i];
        }
        EXPECT(same);
      }
    }
    rows->normals(0x123456789abcdef0u, 7, 2, (int64_t(5) << 33) + 3, got, 16);
    for (int i = 0; i < 16; ++i) {
      EXPECT(bits_of(got[i]) == kFarNormals[i]);
    }
    // h = 31 h + bits from 17 on, over 100,000 elements of seed -99, draw 1000, stream 0 from element 1 on.
    std::vector<float> many(100000);
    rows->normals(static_cast<uint64_t>(-99), 1000, 0, 1, many.data(), 100000);
    uint32_t h = 17;
    for (float v : many) {
      h = 31 * h + bits_of(v);
    }
    EXPECT(h == 0xb7d866f8u);
  }
}

static const float kExponents[16] = {0.0f,   -0.0f, 1.0f, -1.0f,   0.5f,  -87.0f,  88.0f,       -100.0f,
                                     100.0f, 1e-8f, 3.3f, -42.42f, 10.0f, -0.001f, 0.34657359f, 20.5f};
static const uint32_t kExp[16] = {0x3f800000u, 0x3f800000u, 0x402df854u, 0x3ebc5ab2u, 0x3fd3094cu, 0x00b33687u,
                                  0x7ef882b7u, 0x00b33687u, 0x7ef882b7u, 0x3f800000u, 0x41d8e6afu, 0x20deff2cu,
                                  0x46ac14eeu, 0x3f7fbe7fu, 0x3fb504f3u, 0x4e3eb628u};
static const uint64_t kExpDouble[16] = {
    0x3ff0000000000000ull, 0x3ff0000000000000ull, 0x4005bf0a8b145769ull, 0x3fd78b56362cef38ull,
    0x3ffa61298e1e069cull, 0x381666d0dad2961dull, 0x47df1056dc7bf22dull, 0x36ea8c1f14e2af5dull,
    0x48f3494a9b171bf5ull, 0x3ff0000002af31dcull, 0x403b1cd5d1cfd065ull, 0x3c1bdfe58b6f175full,
    0x40d5829dcf95055full, 0x3feff7cfe568951eull, 0x3ff6a09e66dbc8d9ull, 0x41c7d6c4f0bcdd5cull};

static void exponentials_are_those_of_java() {
  for (int i = 0; i < 16; ++i) {
    EXPECT(bits_of(exp_of(kExponents[i])) == kExp[i]);
    const double got = exp_of(static_cast<double>(kExponents[i]));
    uint64_t bits;
    memcpy(&bits, &got, sizeof bits);
    EXPECT(bits == kExpDouble[i]);
  }
  EXPECT(std::isnan(exp_of(NAN)) && std::isnan(exp_of(static_cast<double>(NAN))));
}

static double ulps(float got, double want) {
  const float w = std::fabs(static_cast<float>(want));
  const double ulp = static_cast<double>(std::nextafterf(w, INFINITY)) - w;
  return std::fabs(got - want) / ulp;
}

// The bounds that io.github.alphabar.random.Elementary states.
static void polynomials_are_as_good_as_they_say() {
  double log_worst = 0, sin_worst = 0, cos_worst = 0, exp_worst = 0, exp_double_worst = 0;
  for (uint32_t bits = 0x00800000u; bits < 0x7f800000u; bits += 1009) {
    const float u = float_of(bits);
    if (u != 1.0f) {
      log_worst = std::fmax(log_worst, ulps(log_of(u), std::log(static_cast<double>(u))));
    }
  }
  for (int i = -1000000; i <= 1000000; ++i) {
    const float y = static_cast<float>(i) * 7.853981e-7f;
    sin_worst = i == 0 ? sin_worst : std::fmax(sin_worst, ulps(sin_quarter(y), std::sin(static_cast<double>(y))));
    cos_worst = std::fmax(cos_worst, ulps(cos_quarter(y), std::cos(static_cast<double>(y))));
    const float x = static_cast<float>(i) * 8.7e-5f;
    exp_worst = std::fmax(exp_worst, ulps(exp_of(x), std::exp(static_cast<double>(x))));
    const double d = i * 6.9e-4;
    const double want = std::exp(d);
    exp_double_worst =
        std::fmax(exp_double_worst, std::fabs(exp_of(d) - want) / (std::nextafter(want, INFINITY) - want));
  }
  printf("Largest errors in ulp: log %.3f, sin %.3f, cos %.3f, exp %.3f, double exp %.3f\n", log_worst, sin_worst,
         cos_worst, exp_worst, exp_double_worst);
  EXPECT(log_worst <= 2);
  EXPECT(sin_worst <= 1);
  EXPECT(cos_worst <= 1.5);
  EXPECT(exp_worst <= 2);
  // The C library's own error may add one.
  EXPECT(exp_double_worst <= 3);
}

template <typename Half>
static Half narrowed(float value) {
  Half half;
  narrow(value, &half);
  return half;
}

// Every pattern survives widening and narrowing; halfway to the next one rounds to even, a bit more or less to the
// nearer.
template <typename Half>
static void every_half_rounds_to_nearest_even(uint32_t infinity) {
  for (uint32_t bits = 0; bits < 0x10000u; ++bits) {
    const Half half{static_cast<uint16_t>(bits)};
    const float wide = widen(half);
    const uint32_t magnitude = bits & 0x7fffu;
    if (magnitude > infinity) {
      const Half back = narrowed<Half>(wide);
      EXPECT(std::isnan(wide) && (back.bits & 0x7fffu) > infinity && ((back.bits ^ bits) & 0x8000u) == 0);
      continue;
    }
    EXPECT(narrowed<Half>(wide).bits == bits);
    if (magnitude + 1 >= infinity) {
      continue;
    }
    const Half after{static_cast<uint16_t>(bits + 1)};
    const float middle = static_cast<float>((static_cast<double>(wide) + widen(after)) / 2);
    const uint32_t even = (bits & 1u) == 0 ? bits : bits + 1;
    const float outward = std::nextafterf(middle, wide < 0 || (bits & 0x8000u) != 0 ? -INFINITY : INFINITY);
    const float inward = std::nextafterf(middle, 0.0f);
    EXPECT(narrowed<Half>(middle).bits == even);
    EXPECT(narrowed<Half>(outward).bits == bits + 1);
    EXPECT(narrowed<Half>(inward).bits == bits);
  }
}

static void the_largest_floats_become_infinite_halves() {
  EXPECT(narrowed<F16>(65519.996f).bits == 0x7bffu);
  EXPECT(narrowed<F16>(65520.0f).bits == 0x7c00u);
  EXPECT(narrowed<F16>(-1e30f).bits == 0xfc00u);
  EXPECT(narrowed<F16>(INFINITY).bits == 0x7c00u);
  EXPECT(narrowed<F16>(0x1p-25f).bits == 0);
  EXPECT(narrowed<F16>(0x1.000002p-25f).bits == 1);
  EXPECT(narrowed<F16>(-0.0f).bits == 0x8000u);
  EXPECT(narrowed<BF16>(0x1.fffffep127f).bits == 0x7f80u);
  EXPECT(narrowed<BF16>(float_of(0x7f7f7fffu)).bits == 0x7f7fu);
  EXPECT(narrowed<BF16>(float_of(1)).bits == 0);
  EXPECT(widen(F16{0x0001}) == 0x1p-24f);
  EXPECT(widen(F16{0x3c00}) == 1.0f);
  EXPECT(widen(BF16{0x3f80}) == 1.0f);
}

int main() {
  philox_gives_its_known_answers();
  normals_are_those_of_java();
  many_blocks_are_those_of_one_at_a_time();
  exponentials_are_those_of_java();
  polynomials_are_as_good_as_they_say();
  every_half_rounds_to_nearest_even<F16>(0x7c00u);
  every_half_rounds_to_nearest_even<BF16>(0x7f80u);
  the_largest_floats_become_infinite_halves();
  return alphabar_test::finish("arithmetic_test");
}
