// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// The floors that C sets: what a programmer would write for a row that reads r tensors and writes w, with one multiply-add for
// each tensor read, and the same with stores that go around the cache. Compiled once for each instruction set, chosen at run
// time; strict arithmetic, as the rows have. Nothing is allocated, and any number of threads may call.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define EXPORT __attribute__((visibility("default")))

// Inputs and outputs are different memory: the compiler needs no checks, of which it would give up on more than ten.
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define INDEPENDENT
#endif

#define LOOP(r, w)                                                                                        \
  static inline __attribute__((always_inline)) void loop_##r##_##w(const float* const* in, float* const* out, int64_t n) { \
    const float* restrict a = in[0];                                                                      \
    const float* restrict b = in[r > 1 ? 1 : 0];                                                          \
    const float* restrict c = in[r > 2 ? 2 : 0];                                                          \
    const float* restrict d = in[r > 3 ? 3 : 0];                                                          \
    const float* restrict e = in[r > 4 ? 4 : 0];                                                          \
    float* restrict x = out[0];                                                                           \
    float* restrict y = out[w > 1 ? 1 : 0];                                                               \
    INDEPENDENT                                                                                           \
    for (int64_t i = 0; i < n; ++i) {                                                                     \
      float v = 0.5f * a[i];                                                                              \
      if (r > 1) v = __builtin_fmaf(0.25f, b[i], v);                                                      \
      if (r > 2) v = __builtin_fmaf(-0.125f, c[i], v);                                                    \
      if (r > 3) v = __builtin_fmaf(0.0625f, d[i], v);                                                    \
      if (r > 4) v = __builtin_fmaf(-0.03125f, e[i], v);                                                  \
      x[i] = v;                                                                                           \
      if (w > 1) y[i] = r > 1 ? __builtin_fmaf(0.75f, a[i], -0.5f * b[i]) : 0.75f * a[i];                 \
    }                                                                                                     \
  }

LOOP(1, 1)
LOOP(2, 1)
LOOP(3, 1)
LOOP(4, 1)
LOOP(5, 1)
LOOP(1, 2)
LOOP(2, 2)
LOOP(3, 2)
LOOP(4, 2)
LOOP(5, 2)

#define CASE(r, w)                  \
  case (r)*10 + (w):                \
    loop_##r##_##w(in, out, n);     \
    return 0

// 0, or 1 where no loop has so many tensors.
#define STREAMS(name, target)                                                                                       \
  target static int name(int32_t reads, int32_t writes, const float* const* in, float* const* out, int64_t n) {     \
    switch (reads * 10 + writes) {                                                                                  \
      CASE(1, 1);                                                                                                   \
      CASE(2, 1);                                                                                                   \
      CASE(3, 1);                                                                                                   \
      CASE(4, 1);                                                                                                   \
      CASE(5, 1);                                                                                                   \
      CASE(1, 2);                                                                                                   \
      CASE(2, 2);                                                                                                   \
      CASE(3, 2);                                                                                                   \
      CASE(4, 2);                                                                                                   \
      CASE(5, 2);                                                                                                   \
      default:                                                                                                      \
        return 1;                                                                                                   \
    }                                                                                                               \
  }

STREAMS(streams_baseline, )

#if defined(__x86_64__)
// 512-bit vectors: what is timed beside this uses them.
#if defined(__clang__)
#define WIDE __attribute__((target("avx512f,avx512vl,fma")))
#else
#define WIDE __attribute__((target("avx512f,avx512vl,fma,prefer-vector-width=512")))
#endif
STREAMS(streams_avx2, __attribute__((target("avx2,fma"))))
STREAMS(streams_avx512, WIDE)

// Whole vectors only; the caller's arrays begin at a multiple of 64 bytes.
WIDE static int around_avx512(int32_t reads, int32_t writes, const float* const* in, float* const* out, int64_t n) {
  if (n % 16 != 0) return 1;
  for (int64_t i = 0; i < n; i += 16) {
    const __m512 first = _mm512_loadu_ps(in[0] + i);
    __m512 v = _mm512_mul_ps(_mm512_set1_ps(0.5f), first);
    if (reads > 1) v = _mm512_fmadd_ps(_mm512_set1_ps(0.25f), _mm512_loadu_ps(in[1] + i), v);
    if (reads > 2) v = _mm512_fmadd_ps(_mm512_set1_ps(-0.125f), _mm512_loadu_ps(in[2] + i), v);
    if (reads > 3) v = _mm512_fmadd_ps(_mm512_set1_ps(0.0625f), _mm512_loadu_ps(in[3] + i), v);
    if (reads > 4) v = _mm512_fmadd_ps(_mm512_set1_ps(-0.03125f), _mm512_loadu_ps(in[4] + i), v);
    _mm512_stream_ps(out[0] + i, v);
    if (writes > 1) {
      const __m512 second = reads > 1 ? _mm512_loadu_ps(in[1] + i) : first;
      const __m512 half = _mm512_mul_ps(_mm512_set1_ps(-0.5f), second);
      _mm512_stream_ps(out[1] + i, reads > 1 ? _mm512_fmadd_ps(_mm512_set1_ps(0.75f), first, half)
                                             : _mm512_mul_ps(_mm512_set1_ps(0.75f), first));
    }
  }
  _mm_sfence();
  return 0;
}

static int has_avx512(void) { return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"); }
#endif

// The instruction set the loops run with.
EXPORT const char* alphabar_floor_target(void) {
#if defined(__x86_64__)
  if (has_avx512()) return "AVX-512";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "AVX2";
#endif
  return "baseline";
}

// memcpy.
EXPORT void alphabar_floor_copy(void* to, const void* from, int64_t bytes) { memcpy(to, from, (size_t)bytes); }

// out[0] and out[1] from in[0] to in[4], n floats each. 0, or 1 where no loop has so many tensors.
EXPORT int alphabar_floor_streams(int32_t reads, int32_t writes, const float* const* in, float* const* out, int64_t n) {
#if defined(__x86_64__)
  if (has_avx512()) return streams_avx512(reads, writes, in, out, n);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return streams_avx2(reads, writes, in, out, n);
#endif
  return streams_baseline(reads, writes, in, out, n);
}

// The same, with stores around the cache; 1 also where the processor lacks AVX-512 or n is no multiple of 16.
EXPORT int alphabar_floor_streams_around(int32_t reads, int32_t writes, const float* const* in, float* const* out,
                                         int64_t n) {
#if defined(__x86_64__)
  if (has_avx512()) return around_avx512(reads, writes, in, out, n);
#endif
  (void)reads, (void)writes, (void)in, (void)out, (void)n;
  return 1;
}
