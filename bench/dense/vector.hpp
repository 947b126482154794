// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Vectors of 4, 8 and 16 floats with the same spelling, and exp and tanh built from + - * / on them.
//
// Included by intrinsics.cpp only, inside a namespace of its own per CPU level: nothing here may be shared between two
// translation units built for different levels.

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#else
constexpr int kLanes = 8;
#endif

#define ALWAYS inline __attribute__((always_inline))

template <int L> struct VectorOf {
  typedef float Float __attribute__((vector_size(4 * L)));
  typedef int Int __attribute__((vector_size(4 * L)));
};
template <int L> using Vec = typename VectorOf<L>::Float;
template <int L> using IntVec = typename VectorOf<L>::Int;

ALWAYS Vec<4> splatOf(float x, Vec<4>) { return _mm_set1_ps(x); }
ALWAYS Vec<8> splatOf(float x, Vec<8>) { return _mm256_set1_ps(x); }
#if defined(__AVX512F__)
ALWAYS Vec<16> splatOf(float x, Vec<16>) { return _mm512_set1_ps(x); }
#endif
template <int L> ALWAYS Vec<L> splat(float x) { return splatOf(x, Vec<L>{}); }
template <int L> ALWAYS Vec<L> load(const float *p) { return *reinterpret_cast<const Vec<L> *>(p); }
template <int L> ALWAYS void store(float *p, Vec<L> v) { *reinterpret_cast<Vec<L> *>(p) = v; }
template <int L> ALWAYS Vec<L> loadUnaligned(const float *p) {
  Vec<L> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

/// *x in every lane. On Zen 4 `vbroadcastss zmm, m32` takes a slot of the arithmetic pipes and `vpbroadcastd` does not
/// (a strict tile of 8 rows x 3 panels: 31 against 24 clocks per k); compilers turn the one into the other, hence the asm.
template <int L> ALWAYS Vec<L> broadcast(const float *x) {
#if defined(__AVX512F__)
  if constexpr (L == 16) {
    Vec<16> v;
    __asm__("vpbroadcastd %1, %0" : "=v"(v) : "m"(*x));
    return v;
  }
#endif
  return splat<L>(*x);
}

// a * b + c: two roundings in strict mode (the file is built with -ffp-contract=off), one in FMA mode.
#if MLC_BENCH_FMA
ALWAYS Vec<4> madd(Vec<4> a, Vec<4> b, Vec<4> c) { return _mm_fmadd_ps(a, b, c); }
ALWAYS Vec<8> madd(Vec<8> a, Vec<8> b, Vec<8> c) { return _mm256_fmadd_ps(a, b, c); }
#if defined(__AVX512F__)
ALWAYS Vec<16> madd(Vec<16> a, Vec<16> b, Vec<16> c) { return _mm512_fmadd_ps(a, b, c); }
#endif
#else
template <class V> ALWAYS V madd(V a, V b, V c) { return c + a * b; }
#endif

// The second operand is returned if either is NaN, so max(0, x) and min(limit, x) keep a NaN in x.
ALWAYS Vec<4> max(Vec<4> a, Vec<4> b) { return _mm_max_ps(a, b); }
ALWAYS Vec<4> min(Vec<4> a, Vec<4> b) { return _mm_min_ps(a, b); }
ALWAYS Vec<8> max(Vec<8> a, Vec<8> b) { return _mm256_max_ps(a, b); }
ALWAYS Vec<8> min(Vec<8> a, Vec<8> b) { return _mm256_min_ps(a, b); }
#if defined(__AVX512F__)
ALWAYS Vec<16> max(Vec<16> a, Vec<16> b) { return _mm512_max_ps(a, b); }
ALWAYS Vec<16> min(Vec<16> a, Vec<16> b) { return _mm512_min_ps(a, b); }
#endif

/// The low 8 lanes of v, and v with other low 8 lanes.
ALWAYS Vec<8> low(Vec<8> v) { return v; }
ALWAYS Vec<8> withLow(Vec<8>, Vec<8> half) { return half; }
#if defined(__AVX512F__)
ALWAYS Vec<8> low(Vec<16> v) { return _mm512_castps512_ps256(v); }
ALWAYS Vec<16> withLow(Vec<16> v, Vec<8> half) {
  return _mm512_castpd_ps(_mm512_insertf64x4(_mm512_castps_pd(v), _mm256_castps_pd(half), 0));
}
#endif

template <int L> ALWAYS IntVec<L> bits(Vec<L> v) { return reinterpret_cast<IntVec<L>>(v); }
template <int L> ALWAYS Vec<L> floats(IntVec<L> v) { return reinterpret_cast<Vec<L>>(v); }

/// exp(x) for x in [-87, 88]: 2^n * (1 + r + r^2 * P(r)), n in the low bits of `shifted`. The constants are mlc's.
template <int L> ALWAYS Vec<L> expInRange(Vec<L> x) {
  const Vec<L> shifter = splat<L>(0x1.8p23f);
  Vec<L> shifted = madd(x, splat<L>(0x1.715476p0f), shifter);
  Vec<L> n = shifted - shifter;
  Vec<L> r = madd(n, splat<L>(-0x1.62e4p-1f), x);
  r = madd(n, splat<L>(-0x1.7f7d1cp-20f), r);
  Vec<L> p = madd(splat<L>(0x1.6ac888p-10f), r, splat<L>(0x1.123de2p-7f));
  p = madd(p, r, splat<L>(0x1.555858p-5f));
  p = madd(p, r, splat<L>(0x1.55548cp-3f));
  p = madd(p, r, splat<L>(0x1.fffffcp-2f));
  p = madd(r * r, p, r) + splat<L>(1.f);
  return p * floats<L>((bits<L>(shifted) << 23) + 0x3f800000);
}

/// tanh within 2 ULP, the same formula as mlc's: with |x| = n ln(2)/2 + r, C = r coth r and H = (2^n - 1)/2 it is
/// r / C for n = 0, else 1 - (C - r) / (H (C + r) + C). Keeps NaN.
template <int L> ALWAYS Vec<L> tanh(Vec<L> x) {
  const IntVec<L> sign = bits<L>(x) & static_cast<int>(0x80000000);
  const Vec<L> unit = splat<L>(0x1.8p23f + 1.f), one = splat<L>(1.f);
  Vec<L> a = min(splat<L>(10.f), floats<L>(bits<L>(x) ^ sign));
  Vec<L> shifted = max(unit, madd(a, splat<L>(0x1.5d8828p1f), splat<L>(0x1.8p23f)));
  Vec<L> r = madd(shifted - unit, splat<L>(-0x1.62e43p-2f), a);
  Vec<L> z = r * r;
  Vec<L> c = madd(z, splat<L>(0x1.060cdap-9f), splat<L>(-0x1.6bc2c2p-6f));
  c = madd(c, z, splat<L>(0x1.555514p-2f));
  c = madd(c, z, one);
  Vec<L> h = floats<L>((bits<L>(shifted) << 23) + (0x3f800000 - (2 << 23))) - splat<L>(0.5f);
  IntVec<L> large = shifted > unit;
  Vec<L> quotient = (r - floats<L>(bits<L>(c) & large)) / madd(h, c + r, c);
  return floats<L>(bits<L>(quotient + floats<L>(bits<L>(one) & large)) | sign);
}

// Appends the lanes of x that are not <= 0 (NaN stays) to `values`, their indices to `indices`; returns how many.
// Whole vectors are stored: both lists need kLanes floats of slack.
#if defined(__AVX512F__)
ALWAYS int compress(Vec<16> x, int first, float *values, int *indices) {
  __mmask16 mask = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NLE_UQ);
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  // The register form followed by a full store: the memory form is microcoded on Zen 4.
  _mm512_storeu_ps(values, _mm512_maskz_compress_ps(mask, x));
  _mm512_storeu_si512(indices, _mm512_maskz_compress_epi32(mask, _mm512_add_epi32(lane, _mm512_set1_epi32(first))));
  return __builtin_popcount(mask);
}
ALWAYS int compress(Vec<8> x, int first, float *values, int *indices) {
  __mmask8 mask = _mm256_cmp_ps_mask(x, _mm256_setzero_ps(), _CMP_NLE_UQ);
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  _mm256_storeu_ps(values, _mm256_maskz_compress_ps(mask, x));
  _mm256_storeu_si256(reinterpret_cast<__m256i *>(indices),
                      _mm256_maskz_compress_epi32(mask, _mm256_add_epi32(lane, _mm256_set1_epi32(first))));
  return __builtin_popcount(mask);
}
#else
/// For each mask of 8 lanes: the numbers of the set lanes, in order, one byte each.
struct CompressTable {
  alignas(64) unsigned char lanes[256][8];
  constexpr CompressTable() : lanes{} {
    for (int mask = 0; mask < 256; ++mask)
      for (int lane = 0, count = 0; lane < 8; ++lane)
        if (mask >> lane & 1)
          lanes[mask][count++] = static_cast<unsigned char>(lane);
  }
};
static constexpr CompressTable kCompress;

ALWAYS int compress(Vec<8> x, int first, float *values, int *indices) {
  int mask = _mm256_movemask_ps(_mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_NLE_UQ));
  __m256i order = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(kCompress.lanes[mask])));
  _mm256_storeu_ps(values, _mm256_permutevar8x32_ps(x, order));
  _mm256_storeu_si256(reinterpret_cast<__m256i *>(indices), _mm256_add_epi32(order, _mm256_set1_epi32(first)));
  return __builtin_popcount(static_cast<unsigned>(mask));
}
#endif
ALWAYS int compress(Vec<4> x, int first, float *values, int *indices) {
  int count = compress(_mm256_insertf128_ps(_mm256_setzero_ps(), x, 0), first, values, indices);
  return count;
}

/// One bit per lane that is not <= 0.
#if defined(__AVX512F__)
ALWAYS unsigned positive(Vec<16> v) { return _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NLE_UQ); }
#endif
ALWAYS unsigned positive(Vec<8> v) { return _mm256_movemask_ps(_mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_NLE_UQ)); }
ALWAYS unsigned positive(Vec<4> v) { return _mm_movemask_ps(_mm_cmp_ps(v, _mm_setzero_ps(), _CMP_NLE_UQ)); }

/// The fixed tree over 32 partial sums: (s0+s1)+(s2+s3) as groups of 8 lanes, then lanes i+(i+4), i+(i+2), 0+1.
ALWAYS float sumTree(const Vec<8> *z) {
  __m256 v = (z[0] + z[1]) + (z[2] + z[3]);
  __m128 q = _mm256_castps256_ps128(v) + _mm256_extractf128_ps(v, 1);
  q = q + _mm_movehl_ps(q, q);
  return q[0] + q[1];
}
#if defined(__AVX512F__)
ALWAYS float sumTree(const Vec<16> *s) {
  Vec<8> z[4];
  for (int j = 0; j < 2; ++j) {
    z[2 * j] = _mm512_castps512_ps256(s[j]);
    z[2 * j + 1] = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(s[j]), 1));
  }
  return sumTree(z);
}
#endif
