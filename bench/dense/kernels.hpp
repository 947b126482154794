// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Matrix-vector kernels in outer-product form over packed panels. Included by intrinsics.cpp only (see vector.hpp).

#define ALWAYS_LAMBDA __attribute__((always_inline))

// Tuned on Zen 4. Unrolling the loop over rows has no effect there, hence is absent; nor has prefetching with AVX-512.
constexpr int kAccumulators = kLanes == 16 ? 26 : 13; // sums in registers per block
constexpr int kPrefetchBytes = kLanes == 16 ? 0 : 1024; // ahead in a sweep that skips nothing
constexpr int kPrefetchRows = kLanes == 16 ? 0 : 4;     // ahead in a sweep over a list

/// Calls f(0) … f(Count - 1), unrolled; the argument converts to a constant.
template <int I> struct Constant {
  constexpr operator int() const { return I; }
};
template <int Count, int I = 0, class F> ALWAYS void unroll(F &&f) {
  if constexpr (I < Count) {
    f(Constant<I>{});
    unroll<Count, I + 1>(f);
  }
}

/// Activations as they lie: k = 0, 1, 2 …
struct DenseInput {
  const float *values;
};

/// The activations that are not zero, and which they are.
template <int N> struct List {
  alignas(64) float values[N + kLanes];
  alignas(64) int rows[N + kLanes];
  int count;

  ALWAYS void clear() { count = 0; }
  template <class V> ALWAYS void append(V v, int first) { count += compress(v, first, values + count, rows + count); }
  /// Ends the list with row numbers that may be prefetched.
  ALWAYS void close() {
    if (kPrefetchRows)
      _mm_storeu_si128(reinterpret_cast<__m128i *>(rows + count), _mm_setzero_si128());
  }
};

/// The same as a set of bits: for layers of at most 64 outputs the first row is known sooner than through a list in memory.
template <int N> struct BitSet {
  alignas(64) float values[N + kLanes];
  unsigned long long rows;

  ALWAYS void clear() { rows = 0; }
  template <class V> ALWAYS void append(V v, int first) {
    store<sizeof(v) / 4>(values + first, v);
    rows |= static_cast<unsigned long long>(positive(v)) << first;
  }
  ALWAYS void close() {}
};

struct Identity {
  template <class V> ALWAYS V operator()(V v) const { return v; }
};

/// One dense layer: W packed into blocks of panels, each block contiguous [k][panels * lanes]; a narrow last panel lies apart.
template <int K, int N> struct Dense {
  static constexpr int kRemainder = N % kLanes;
  static constexpr int kTail = kRemainder == 0 ? 0 : kRemainder <= 4 ? 4 : kRemainder <= 8 && kLanes == 16 ? 8 : 0;
  static constexpr int kPanels = N / kLanes + (kRemainder && !kTail);
  static constexpr int kBlocks = (kPanels + kAccumulators - 1) / kAccumulators;
  static constexpr int kPerBlock = kBlocks ? (kPanels + kBlocks - 1) / kBlocks : 1;

  alignas(64) float bias[kPanels * kLanes + 16] = {};
  alignas(64) float panels[K * kPanels * kLanes + 16] = {};
  alignas(64) float tail[K * kTail + 16] = {};

  void pack(const Layer &layer) {
    for (int n = 0; n < N; ++n) {
      bias[n] = layer.bias[n] + 0.f; // -0 becomes +0: then skipping a zero changes no bit
      for (int k = 0; k < K; ++k)
        *slot(k, n) = layer.weights[k * N + n];
    }
  }

  /// The sums without ReLU into a List or BitSet: what ReLU would clear is not listed.
  ALWAYS void toSet(auto &out, const auto &in) const {
    out.clear();
    compute(in, [&](auto v, int n) ALWAYS_LAMBDA { out.append(v, n); });
    out.close();
  }
  template <class F = Identity> ALWAYS void toArray(float *out, const auto &in, F activation = {}) const {
    compute(in, [&](auto v, int n) ALWAYS_LAMBDA { store<sizeof(v) / 4>(out + n, activation(v)); });
  }

  /// h += tanh(z); z = W h + b. The tanh of one vector runs beside the multiplications by the vector before it.
  void addTanhThenDense(float *__restrict h, float *__restrict z) const {
    alignas(64) float next[kBlocks > 1 ? K : 1];
    auto activate = [&](int k) ALWAYS_LAMBDA {
      store<kLanes>(h + k, load<kLanes>(h + k) + tanh<kLanes>(load<kLanes>(z + k)));
    };
    activate(0);
    unroll<(kBlocks ? kBlocks : 1)>([&](auto block) ALWAYS_LAMBDA {
      Accumulators<block> sums(*this);
      for (int k = 0; k < K; k += kLanes) {
        if (block == 0 && k + kLanes < K)
          activate(k + kLanes);
        unroll<kLanes>([&](auto i) ALWAYS_LAMBDA {
          if (kPrefetchBytes)
            sums.prefetch(sums.row(*this, k + i) + kPrefetchBytes / sizeof(float));
          sums.add(*this, h + k + i, k + i);
        });
      }
      // z is still read by the first block's activations; later blocks only need h.
      sums.finish([&](auto v, int n) ALWAYS_LAMBDA { store<sizeof(v) / 4>((block + 1 < kBlocks ? next : z) + n, v); });
    });
    if constexpr (kBlocks > 1)
      __builtin_memcpy(z, next, sizeof(float) * (kBlocks - 1) * kPerBlock * kLanes);
  }

private:
  float *slot(int k, int n) {
    int panel = n / kLanes;
    if (panel >= kPanels)
      return tail + k * kTail + n % kLanes;
    int first = panel / kPerBlock * kPerBlock;
    int width = (kPanels - first < kPerBlock ? kPanels - first : kPerBlock) * kLanes;
    return panels + first * kLanes * K + k * width + n - first * kLanes;
  }

  /// The sums of one block of outputs, in registers. The last block has the tail.
  template <int Block> struct Accumulators {
    static constexpr int kFirst = Block * kPerBlock;
    static constexpr int kCount = kPanels - kFirst < kPerBlock ? kPanels - kFirst : kPerBlock;
    static constexpr bool kHasTail = kTail != 0 && kFirst + kCount == kPanels;
    static constexpr int kTailLanes = kTail ? kTail : 4;
    Vec<kLanes> sums[kCount ? kCount : 1];
    Vec<kTailLanes> last;

    ALWAYS explicit Accumulators(const Dense &layer) {
      unroll<kCount>([&](auto j) ALWAYS_LAMBDA { sums[j] = load<kLanes>(layer.bias + (kFirst + j) * kLanes); });
      if constexpr (kHasTail)
        last = load<kTailLanes>(layer.bias + kPanels * kLanes);
    }
    ALWAYS static const float *row(const Dense &layer, int k) {
      return layer.panels + kFirst * kLanes * K + k * (kCount * kLanes);
    }
    ALWAYS void add(const Dense &layer, const float *x, int k) {
      const float *w = row(layer, k);
      Vec<kLanes> factor = broadcast<kLanes>(x);
      unroll<kCount>([&](auto j) ALWAYS_LAMBDA { sums[j] = madd(factor, load<kLanes>(w + j * kLanes), sums[j]); });
      if constexpr (kHasTail)
        last = madd(broadcast<kTailLanes>(x), load<kTailLanes>(layer.tail + k * kTail), last);
    }
    ALWAYS static void prefetch(const float *w) {
      unroll<(kCount * kLanes + 15) / 16>(
          [&](auto line) ALWAYS_LAMBDA { _mm_prefetch(reinterpret_cast<const char *>(w + 16 * line), _MM_HINT_T0); });
    }
    template <class F> ALWAYS void finish(F &&f) {
      unroll<kCount>([&](auto j) ALWAYS_LAMBDA { f(sums[j], (kFirst + j) * kLanes); });
      if constexpr (kHasTail)
        f(last, kPanels * kLanes);
    }
  };

  template <class F> ALWAYS void compute(const auto &in, F &&f) const {
    unroll<(kBlocks ? kBlocks : 1)>([&](auto block) ALWAYS_LAMBDA {
      Accumulators<block> sums(*this);
      sweep(sums, in);
      sums.finish(f);
    });
  }
  template <int Block> ALWAYS void sweep(Accumulators<Block> &sums, DenseInput in) const {
    for (int k = 0; k < K; ++k) {
      if (kPrefetchBytes)
        sums.prefetch(sums.row(*this, k) + kPrefetchBytes / sizeof(float));
      sums.add(*this, in.values + k, k);
    }
  }
  template <int Block> ALWAYS void sweep(Accumulators<Block> &sums, const List<K> &in) const {
    for (int i = 0; i < in.count; ++i) {
      if (kPrefetchRows)
        sums.prefetch(sums.row(*this, in.rows[i + kPrefetchRows - 1]));
      sums.add(*this, in.values + i, in.rows[i]);
    }
  }
  template <int Block> ALWAYS void sweep(Accumulators<Block> &sums, const BitSet<K> &in) const {
    for (unsigned long long rows = in.rows; rows; rows &= rows - 1) {
      int k = __builtin_ctzll(rows);
      sums.add(*this, in.values + k, k);
    }
  }
};

/// A single output: 32 partial sums (lane = k mod 32; what is left after the last whole 32 goes to lanes 0-7), a fixed tree, the bias.
template <int K> struct Dot {
  static constexpr int kPadded = (K + 31) / 32 * 32;
  alignas(64) float weights[kPadded] = {};
  float bias = 0;

  void pack(const Layer &layer) {
    bias = layer.bias[0];
    for (int k = 0; k < K; ++k)
      weights[k] = layer.weights[k];
  }
  ALWAYS float run(const float *x) const {
    static_assert(K % 8 == 0);
    Vec<kLanes> s[32 / kLanes] = {};
    unroll<K / 32>([&](auto i) ALWAYS_LAMBDA {
      unroll<32 / kLanes>([&](auto j) ALWAYS_LAMBDA {
        constexpr int k = 32 * i + kLanes * j;
        s[j] = madd(load<kLanes>(x + k), load<kLanes>(weights + k), s[j]);
      });
    });
    unroll<K % 32 / 8>([&](auto i) ALWAYS_LAMBDA {
      constexpr int k = K / 32 * 32 + 8 * i;
      s[0] = withLow(s[0], madd(load<8>(x + k), load<8>(weights + k), low(s[0])));
    });
    return sumTree(s) + bias;
  }
};

/// The maximum, exp, the sum from left to right, true division.
ALWAYS void softmax4(float *out, const float *z) {
  float largest = z[0];
  for (int n = 1; n < 4; ++n)
    largest = z[n] > largest ? z[n] : largest;
  Vec<4> e = expInRange<4>(max(splat<4>(-87.f), load<4>(z) - splat<4>(largest)));
  float sum = ((e[0] + e[1]) + e[2]) + e[3];
  e = e / splat<4>(sum);
  __builtin_memcpy(out, &e, sizeof e);
}
