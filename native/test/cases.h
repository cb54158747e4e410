// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// Random rows with their memory, and the reference: one element at a time, straight from the specification. All
// operands of a case lie in one arena with gaps between them, so that comparing arenas also finds whatever was written
// where nothing should be.
#ifndef ALPHABAR_TEST_CASES_H
#define ALPHABAR_TEST_CASES_H

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "alphabar/philox.h"
#include "alphabar/rescale.h"
#include "alphabar/threshold.h"

namespace alphabar_test {

inline int64_t bytes_of(int32_t type) { return type == ALPHABAR_F32 ? 4 : type == ALPHABAR_F64 ? 8 : 2; }

inline double read(const void* base, int32_t type, int64_t i) {
  switch (type) {
    case ALPHABAR_F32:
      return static_cast<const float*>(base)[i];
    case ALPHABAR_F16:
      return alphabar::widen(static_cast<const alphabar::F16*>(base)[i]);
    case ALPHABAR_BF16:
      return alphabar::widen(static_cast<const alphabar::BF16*>(base)[i]);
    default:
      return static_cast<const double*>(base)[i];
  }
}

// For F32, F16 and BF16 the value is a float.
inline void write(void* base, int32_t type, int64_t i, double value) {
  switch (type) {
    case ALPHABAR_F32:
      static_cast<float*>(base)[i] = static_cast<float>(value);
      break;
    case ALPHABAR_F16:
      alphabar::narrow(static_cast<float>(value), static_cast<alphabar::F16*>(base) + i);
      break;
    case ALPHABAR_BF16:
      alphabar::narrow(static_cast<float>(value), static_cast<alphabar::BF16*>(base) + i);
      break;
    default:
      static_cast<double*>(base)[i] = value;
  }
}

struct Case {
  alphabar_row row{};
  alphabar_operands operands{};  // addresses are offsets into the arena
  std::vector<uint8_t> arena;
  int64_t scratch = 0;  // offset of the scratch memory, or 0

  // The operands with the arena at an address.
  alphabar_operands at(uint64_t base) const {
    alphabar_operands o = operands;
    for (uint64_t* address : {&o.x, &o.out, &o.output, &o.uncond, &o.h0, &o.h1, &o.h2, &o.store, &o.noise, &o.preview,
                              &o.input, &o.mask, &o.known, &o.known_noise, &o.seeds}) {
      *address = *address == 0 ? 0 : base + *address;
    }
    return o;
  }

  std::string text() const {
    char line[256];
    snprintf(line, sizeof line,
             "terms=%#x samples=%d elements=%lld types=%d,%d,%d,%d,%d,%d preview=%d input=%d mask=%d", row.terms,
             operands.samples, static_cast<long long>(operands.elements), operands.state_type, operands.output_type,
             operands.noise_type, operands.preview_type, operands.input_type, operands.known_noise_type,
             operands.preview != 0, operands.input != 0, operands.mask != 0);
    return line;
  }
};

// A batch whose samples walk through a table of rows. Slots are offsets into the arena of what all rows share.
struct TableCase {
  Case shared;
  std::vector<alphabar_entry> entries;
  std::vector<alphabar_cursor> cursors;
  uint64_t slots[ALPHABAR_SLOTS] = {};
  int steps = 0;

  // The table with the arena, the entries and the cursors at some addresses.
  alphabar_table at(uint64_t base, uint64_t entry_base, uint64_t cursor_base, uint64_t times) const {
    alphabar_table t{};
    t.entries = entry_base;
    t.cursors = cursor_base;
    t.times = times;
    t.count = static_cast<int64_t>(entries.size());
    int64_t wrong = -1;
    alphabar_table_scan(entries.data(), t.count, &t.terms, &t.used, &wrong);
    for (int k = 0; k < ALPHABAR_SLOTS; ++k) {
      t.slots[k] = slots[k] == 0 ? 0 : base + slots[k];
    }
    return t;
  }

  // The row of an entry as one for the whole batch.
  Case row(const alphabar_entry& e) const {
    Case c = shared;
    c.row = e.row;
    const auto slot = [&](int8_t number) { return number < 0 ? 0 : slots[number]; };
    c.operands.x = slot(e.x);
    c.operands.out = slot(e.out);
    c.operands.h0 = slot(e.h0);
    c.operands.h1 = slot(e.h1);
    c.operands.h2 = slot(e.h2);
    c.operands.store = slot(e.store);
    c.operands.draw = e.draw;
    c.operands.input_scale = e.input_scale;
    return c;
  }
};

// An arena's alignment on the host.
struct alignas(64) Line {
  uint8_t bytes[64];
};

struct Arena {
  std::vector<Line> lines;

  explicit Arena(const std::vector<uint8_t>& bytes) : lines((bytes.size() + 63) / 64) {
    if (!bytes.empty()) {
      memcpy(lines.data(), bytes.data(), bytes.size());
    }
  }

  uint64_t base() const { return reinterpret_cast<uintptr_t>(lines.data()); }
  bool same(const Arena& other, size_t bytes) const { return memcmp(lines.data(), other.lines.data(), bytes) == 0; }
};

class Cases {
 public:
  explicit Cases(uint32_t seed) : random_(seed) {}

  Case next() {
    // 15 to 17 surround an AVX-512 vector of floats, 1023 to 1025 a block of the host, 4098 is four blocks and a tail.
    static const int64_t kSizes[] = {0, 1, 3, 4, 15, 16, 17, 64, 100, 257, 1023, 1024, 1025, 4098};
    Case c;
    alphabar_operands& o = c.operands;
    o.samples = one_in(2) ? 1 : 1 + pick(4);
    o.elements = kSizes[pick(14)];
    o.state_type = one_in(8) ? ALPHABAR_F64 : one_in(2) ? ALPHABAR_F32 : pick(3);
    o.output_type = one_in(2) ? o.state_type : type();
    o.noise_type = one_in(2) ? o.state_type : type();
    o.preview_type = type();
    o.input_type = type();
    o.known_noise_type = type();
    if (o.state_type == ALPHABAR_F64) {
      o.output_type = o.noise_type = o.preview_type = o.input_type = o.known_noise_type = ALPHABAR_F64;
    } else if (o.output_type == ALPHABAR_F64) {
      o.output_type = ALPHABAR_F32;
    }
    o.input_copies = 1 + pick(2);
    o.input_scale = one_in(2) ? 1.0 : 0.25f + std::fabs(value());
    o.draw = pick(1000);
    coefficients(c.row);
    memory(c);
    return c;
  }

  // Samples start at rows of their own; some have nothing to do, some end before the others.
  TableCase next_table() {
    static const int64_t kSizes[] = {1, 3, 4, 8, 17, 64, 1000, 4098};
    TableCase t;
    Case& c = t.shared;
    alphabar_operands& o = c.operands;
    o.samples = 1 + pick(4);
    o.elements = kSizes[pick(8)];
    o.state_type = one_in(2) ? ALPHABAR_F32 : pick(3);
    o.output_type = one_in(2) ? o.state_type : type();
    o.noise_type = type();
    o.preview_type = type();
    o.input_type = type();
    o.known_noise_type = type();
    o.input_copies = 1 + pick(2);
    // All rows plain in half of the tables, so that the bodies for usual rows are seen.
    const bool usual = one_in(2);
    const int count = 1 + pick(6);
    for (int k = 0; k < count; ++k) {
      alphabar_entry e{};
      coefficients(e.row);
      if (usual) {
        e.row.terms &=
            ~static_cast<uint32_t>(ALPHABAR_LEARNED | ALPHABAR_LEARNED_LOG | ALPHABAR_CLIP_DYNAMIC | ALPHABAR_RESCALE);
      }
      e.time = 10.5 * k;
      e.input_scale = one_in(2) ? 1.0 : 0.25f + std::fabs(value());
      e.draw = pick(1000);
      e.x = static_cast<int8_t>(pick(2));
      e.out = static_cast<int8_t>(pick(2));
      e.h0 = static_cast<int8_t>((e.row.terms & ALPHABAR_H0) != 0 ? 2 + pick(3) : -1);
      e.h1 = static_cast<int8_t>((e.row.terms & ALPHABAR_H1) != 0 ? 2 + pick(3) : -1);
      e.h2 = static_cast<int8_t>((e.row.terms & ALPHABAR_H2) != 0 ? 2 + pick(3) : -1);
      e.store = static_cast<int8_t>((e.row.terms & ALPHABAR_STORE) != 0 ? 2 + pick(3) : -1);
      c.row.terms |= e.row.terms;
      t.entries.push_back(e);
    }
    memory(c);
    if (usual) {
      o.mask = o.known = o.known_noise = 0;
    }
    for (int k = 0; k < 5; ++k) {
      t.slots[k] = room(c, o.state_type, o.samples * o.elements);
    }
    for (int s = 0; s < o.samples; ++s) {
      t.cursors.push_back(alphabar_cursor{pick(count + 1), pick(count + 1), 0, 0});
    }
    t.steps = count + 1;
    return t;
  }

 private:
  std::mt19937 random_;
  bool aligned_ = false;

  int pick(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n)); }
  bool one_in(int n) { return pick(n) == 0; }
  int32_t type() { return pick(3); }
  float value() { return static_cast<float>(static_cast<int32_t>(random_())) * 0x1p-30f; }

  void coefficients(alphabar_row& row) {
    using namespace alphabar;
    constexpr uint32_t kPredicted = ALPHABAR_CX | ALPHABAR_CP | ALPHABAR_PX | ALPHABAR_PG;
    static const uint32_t kCommon[] = {ALPHABAR_CX | ALPHABAR_CG, kPredicted, kPredicted | ALPHABAR_H0,
                                       kPredicted | ALPHABAR_STORE | ALPHABAR_SP,
                                       kPredicted | ALPHABAR_H0 | ALPHABAR_STORE | ALPHABAR_SP};
    uint32_t terms;
    if (one_in(2)) {
      terms = kCommon[pick(5)] | (one_in(3) ? ALPHABAR_CZ : 0) | (one_in(3) ? ALPHABAR_GUIDED : 0);
    } else {
      terms = random_() & (ALPHABAR_CX | ALPHABAR_CP | ALPHABAR_CG | ALPHABAR_H0 | ALPHABAR_H1 | ALPHABAR_H2 |
                           ALPHABAR_PX | ALPHABAR_PG | ALPHABAR_STORE | ALPHABAR_GUIDED);
      if ((terms & ALPHABAR_STORE) != 0) {
        terms |= random_() & (ALPHABAR_SX | ALPHABAR_SP | ALPHABAR_SG);
      }
      static const uint32_t kNoise[] = {0, ALPHABAR_CZ, ALPHABAR_LEARNED, ALPHABAR_LEARNED_LOG};
      terms |= kNoise[pick(4)];
    }
    static const uint32_t kClip[] = {0, ALPHABAR_CLIP_RANGE, ALPHABAR_CLIP_DYNAMIC};
    terms |= kClip[pick(3)];
    terms |= (terms & ALPHABAR_GUIDED) != 0 && one_in(2) ? ALPHABAR_RESCALE : 0;
    row.terms = terms;
    row.stream = static_cast<uint32_t>(pick(4));
    for (double* c : {&row.weight, &row.px, &row.pg, &row.cx, &row.cp, &row.cg, &row.h0, &row.h1, &row.h2, &row.cz,
                      &row.variance_factor, &row.variance_offset, &row.sx, &row.sp, &row.sg, &row.known_alpha}) {
      *c = value();
    }
    row.rescale = one_in(4) ? 1.0f : std::fabs(value()) / 2;
    row.known_sigma = one_in(3) ? 0 : std::fabs(value());
    row.range = 0.75f;
    static const float kQuantiles[] = {0.0f, 0.5f, 0.9f, 0.995f, 1.0f};
    row.quantile = kQuantiles[pick(5)];
    row.maximum = one_in(2) ? 1.5f : 100.0f;
  }

  // Room for n values, filled with values; its address may be aligned to no more than its elements.
  uint64_t room(Case& c, int32_t type, int64_t n, bool positive = false) {
    int64_t at = (static_cast<int64_t>(c.arena.size()) + 63) / 64 * 64 + 64;
    if (!aligned_ && one_in(2)) {
      at += (1 + pick(5)) * bytes_of(type);
    }
    const size_t old = c.arena.size();
    c.arena.resize(static_cast<size_t>(at + n * bytes_of(type) + 64));
    for (size_t i = old; i < c.arena.size(); ++i) {
      c.arena[i] = static_cast<uint8_t>(0xa0 + i % 16);
    }
    for (int64_t i = 0; i < n; ++i) {
      const float v = value();
      write(c.arena.data() + at, type, i, positive ? std::fabs(v) : v);
    }
    return static_cast<uint64_t>(at);
  }

  void memory(Case& c) {
    using namespace alphabar;
    alphabar_operands& o = c.operands;
    const uint32_t terms = c.row.terms;
    const int64_t total = o.samples * o.elements;
    const bool learned = needs_learned(terms);
    // All aligned in half of the cases, so that the vector paths are seen with every row.
    aligned_ = one_in(2);
    o.x = room(c, o.state_type, total);
    o.out = one_in(3) ? o.x : room(c, o.state_type, total);
    o.output_offset = aligned_ ? pick(3) * 8 : pick(20);
    o.uncond_offset = aligned_ || one_in(2) ? 0 : pick(9);
    o.output_stride = o.elements * (learned ? 2 : 1) + (one_in(3) ? (aligned_ ? 8 * pick(2) : pick(9)) : 0);
    const int64_t outputs = 24 + o.samples * o.output_stride + o.elements;
    o.output = room(c, o.output_type, outputs, learned && (terms & ALPHABAR_LEARNED) != 0);
    if ((terms & ALPHABAR_GUIDED) != 0) {
      o.uncond = one_in(2) ? o.output : room(c, o.output_type, outputs);
    }
    o.h0 = (terms & ALPHABAR_H0) != 0 ? room(c, o.state_type, total) : 0;
    o.h1 = (terms & ALPHABAR_H1) != 0 ? room(c, o.state_type, total) : 0;
    o.h2 = (terms & ALPHABAR_H2) != 0 ? room(c, o.state_type, total) : 0;
    if ((terms & ALPHABAR_STORE) != 0) {
      o.store = o.h0 != 0 && one_in(2) ? o.h0 : o.h2 != 0 && one_in(2) ? o.h2 : room(c, o.state_type, total);
    }
    if (needs_noise(terms) && one_in(2)) {
      o.noise = room(c, o.noise_type, total);
    }
    if (one_in(3)) {
      o.preview = room(c, o.preview_type, total);
    }
    if (one_in(3)) {
      o.input = room(c, o.input_type, total * o.input_copies);
    }
    if (one_in(4)) {
      o.mask = room(c, o.state_type, total);
      o.known = room(c, o.state_type, total);
      if (one_in(2)) {
        o.known_noise = room(c, o.known_noise_type, total);
      }
    }
    c.arena.resize((c.arena.size() + 63) / 64 * 64 + static_cast<size_t>(o.samples) * 8);
    o.seeds = c.arena.size() - static_cast<size_t>(o.samples) * 8;
    for (int s = 0; s < o.samples; ++s) {
      const uint64_t seed = static_cast<uint64_t>(random_()) << 32 | random_();
      memcpy(c.arena.data() + o.seeds + 8 * s, &seed, 8);
    }
  }
};

// All samples, or one of them.
template <typename T>
void reference_as(const Case& given, Arena& arena, int only) {
  using namespace alphabar;
  const alphabar_operands o = given.at(arena.base());
  const alphabar_row& row = given.row;
  const uint32_t terms = row.terms;
  const Coefficients<T> c = coefficients<T>(row);
  const bool preview = o.preview != 0;
  const auto get = [](uint64_t address, int32_t type, int64_t i) -> T {
    return address == 0 ? T(0) : static_cast<T>(read(reinterpret_cast<const void*>(address), type, i));
  };
  const auto put = [](uint64_t address, int32_t type, int64_t i, T value) {
    write(reinterpret_cast<void*>(address), type, i, value);
  };
  const auto drawn = [&](int64_t sample, int64_t e, uint32_t stream) -> T {
    const uint64_t seed = reinterpret_cast<const uint64_t*>(o.seeds)[sample];
    const Normals n = normals(seed, static_cast<uint64_t>(e) / 4, static_cast<uint32_t>(o.draw), stream);
    const float four[4] = {n.n0, n.n1, n.n2, n.n3};
    return four[e % 4];
  };
  for (int64_t sample = only < 0 ? 0 : only; sample < (only < 0 ? o.samples : only + 1); ++sample) {
    const auto values = [&](int64_t e) {
      const int64_t i = sample * o.elements + e;
      const int64_t at = sample * o.output_stride + e;
      Values<T> v{};
      v.x = get(o.x, o.state_type, i);
      v.output = get(o.output, o.output_type, o.output_offset + at);
      v.uncond = get(o.uncond, o.output_type, o.uncond_offset + at);
      v.h0 = get(o.h0, o.state_type, i);
      v.h1 = get(o.h1, o.state_type, i);
      v.h2 = get(o.h2, o.state_type, i);
      v.v = needs_learned(terms) ? get(o.output, o.output_type, o.output_offset + at + o.elements) : T(0);
      v.z = o.noise != 0 ? get(o.noise, o.noise_type, i) : drawn(sample, e, row.stream);
      v.mask = get(o.mask, o.state_type, i);
      v.known = get(o.known, o.state_type, i);
      v.z2 = o.known_noise != 0 ? get(o.known_noise, o.known_noise_type, i) : drawn(sample, e, 2);
      return v;
    };
    SampleValues<T> of{T(0), T(1)};
    if (needs_rescale(terms, preview) && o.elements > 0) {
      // Lanes and folds as rescale.h has them, over the values of a whole sample.
      const auto sum = [&](auto value_of) {
        std::vector<double> lanes(kRescaleLanes);
        for (int64_t e = 0; e < o.elements; ++e) {
          lanes[static_cast<size_t>(e % kRescaleLanes)] += value_of(values(e));
        }
        while (lanes.size() > 1) {
          const size_t half = lanes.size() / 2;
          for (size_t k = 0; k < half; ++k) {
            lanes[k] += lanes[k + half];
          }
          lanes.resize(half);
        }
        return lanes[0];
      };
      const auto cond = [](const Values<T>& v) { return static_cast<double>(v.output); };
      const auto whole = [&](const Values<T>& v) {
        return static_cast<double>(guided(terms, c.weight, v.output, v.uncond));
      };
      const double n = static_cast<double>(o.elements);
      const double cond_mean = sum(cond) / n;
      const double whole_mean = sum(whole) / n;
      const double cond_squares =
          sum([&](const Values<T>& v) { return (cond(v) - cond_mean) * (cond(v) - cond_mean); });
      const double whole_squares =
          sum([&](const Values<T>& v) { return (whole(v) - whole_mean) * (whole(v) - whole_mean); });
      of.factor =
          static_cast<T>(rescale_factor(static_cast<double>(c.rescale), cond_squares, whole_squares, o.elements));
    }
    if (needs_threshold(terms, preview) && o.elements > 0) {
      std::vector<T> magnitudes;
      for (int64_t e = 0; e < o.elements; ++e) {
        const Values<T> v = values(e);
        magnitudes.push_back(std::fabs(predicted(
            terms, c.px, v.x, c.pg, rescaled(terms, of.factor, guided(terms, c.weight, v.output, v.uncond)))));
      }
      std::sort(magnitudes.begin(), magnitudes.end());
      const Quantile<T> q = quantile_of(c.quantile, o.elements);
      of.threshold = threshold_of(magnitudes[static_cast<size_t>(q.below)], magnitudes[static_cast<size_t>(q.above)],
                                  q.weight, c.maximum);
    }
    for (int64_t e = 0; e < o.elements; ++e) {
      const int64_t i = sample * o.elements + e;
      const Results<T> out = element(terms, preview, o.mask != 0, c, of, values(e));
      put(o.out, o.state_type, i, out.r);
      if ((terms & ALPHABAR_STORE) != 0) {
        put(o.store, o.state_type, i, out.m);
      }
      if (preview) {
        put(o.preview, o.preview_type, i, out.p);
      }
      for (int copy = 0; o.input != 0 && copy < o.input_copies; ++copy) {
        put(o.input, o.input_type, copy * o.samples * o.elements + i, static_cast<T>(o.input_scale) * out.r);
      }
    }
  }
}

inline void reference(const Case& given, Arena& arena, int only = -1) {
  if (given.operands.state_type == ALPHABAR_F64) {
    reference_as<double>(given, arena, only);
  } else {
    reference_as<float>(given, arena, only);
  }
}

// One step of every sample, and where the cursors and times are after it.
inline void reference(const TableCase& given, Arena& arena, std::vector<alphabar_cursor>& cursors,
                      std::vector<float>& times) {
  for (int s = 0; s < given.shared.operands.samples; ++s) {
    alphabar_cursor& at = cursors[static_cast<size_t>(s)];
    const int32_t count = static_cast<int32_t>(given.entries.size());
    if (at.row >= std::min(at.end, count)) {
      continue;
    }
    reference(given.row(given.entries[static_cast<size_t>(at.row)]), arena, s);
    ++at.row;
    if (at.row < std::min(at.end, count)) {
      times[static_cast<size_t>(s)] = static_cast<float>(given.entries[static_cast<size_t>(at.row)].time);
    }
  }
}

inline bool same(const std::vector<alphabar_cursor>& a, const std::vector<alphabar_cursor>& b) {
  return a.size() == b.size() && memcmp(a.data(), b.data(), a.size() * sizeof(alphabar_cursor)) == 0;
}

}  // namespace alphabar_test

#endif  // ALPHABAR_TEST_CASES_H
