// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// A batch of b: register tiles of rows x panels, every output still one chain from its bias with k ascending, so the same bits as single rows.
// Included by intrinsics.cpp only.

// Register tiles: 24 sums of 32 registers with AVX-512, 12 of 16 with AVX2 (plus weights, broadcast and product).
constexpr int kTileRows = kLanes == 16 ? 8 : 6;
constexpr int kTilePanels = kLanes == 16 ? 3 : 2;
// Rows that go through all layers together. Two buffers of them are the stack: 13 KB or 10 KB.
constexpr int kBatchRows = kTileRows;
constexpr int kBatchStride = 208; // floats between rows of activations

/// Panels in groups of kTilePanels, each group contiguous [k][group * lanes].
template <int K> struct BatchLayer {
  alignas(64) float bias[kBatchStride] = {};
  alignas(64) float weights[K * 200 + 16] = {};
  void pack(const Layer &layer) {
    for (int n = 0; n < 200; ++n)
      bias[n] = layer.bias[n] + 0.f;
    float *to = weights;
    for (int n = 0; n < 200;) {
      int width = 200 - n >= kTilePanels * kLanes ? kTilePanels * kLanes : 200 - n >= kLanes ? kLanes : 200 % kLanes;
      for (int k = 0; k < K; ++k)
        for (int i = 0; i < width; ++i)
          *to++ = layer.weights[k * 200 + n + i];
      n += width;
    }
  }
};

BatchLayer<7> batchFirst;
BatchLayer<200> batchHidden[4];

struct BatchB {
  static constexpr int kStride = kBatchStride;
  static constexpr int kRest = 200 % kLanes; // columns left after whole panels: 8 with 16 lanes, else none

  static void pack(const Model &model) {
    batchFirst.pack(model.layers[0]);
    for (int i = 0; i < 4; ++i)
      batchHidden[i].pack(model.layers[1 + i]);
  }

  template <int Rows, int Panels, int L, int Stride>
  static ALWAYS void tile(float *out, const float *x, const float *w, const float *bias, int K) {
    Vec<L> sums[Rows][Panels];
    unroll<Panels>([&](auto j) ALWAYS_LAMBDA {
      Vec<L> b = load<L>(bias + j * L);
      unroll<Rows>([&](auto i) ALWAYS_LAMBDA { sums[i][j] = b; });
    });
    for (int k = 0; k < K; ++k, w += Panels * L) {
      Vec<L> v[Panels];
      unroll<Panels>([&](auto j) ALWAYS_LAMBDA { v[j] = load<L>(w + j * L); });
      unroll<Rows>([&](auto i) ALWAYS_LAMBDA {
        Vec<L> factor = broadcast<L>(x + i * Stride + k);
        unroll<Panels>([&](auto j) ALWAYS_LAMBDA { sums[i][j] = madd(factor, v[j], sums[i][j]); });
      });
    }
    unroll<Rows>([&](auto i) ALWAYS_LAMBDA {
      unroll<Panels>([&](auto j) ALWAYS_LAMBDA { store<L>(out + i * kStride + j * L, max(Vec<L>{}, sums[i][j])); });
    });
  }

  /// Stride: floats between the rows of x.
  template <int Panels, int L, int Stride>
  static __attribute__((noinline)) void rowsOf(float *out, const float *x, const float *w, const float *bias, int K, int rows) {
    int r = 0;
    for (; r + kTileRows <= rows; r += kTileRows)
      tile<kTileRows, Panels, L, Stride>(out + r * kStride, x + r * Stride, w, bias, K);
    for (; r < rows; ++r)
      tile<1, Panels, L, Stride>(out + r * kStride, x + r * Stride, w, bias, K);
  }

  template <int Stride, int K>
  static ALWAYS void layer(float *out, const float *x, const BatchLayer<K> &packed, int rows) {
    const float *w = packed.weights;
    int n = 0;
    for (; n + kTilePanels * kLanes <= 200; n += kTilePanels * kLanes, w += kTilePanels * kLanes * K)
      rowsOf<kTilePanels, kLanes, Stride>(out + n, x, w, packed.bias + n, K, rows);
    for (; n + kLanes <= 200; n += kLanes, w += kLanes * K)
      rowsOf<1, kLanes, Stride>(out + n, x, w, packed.bias + n, K, rows);
    if constexpr (kRest)
      rowsOf<1, (kRest ? kRest : 8), Stride>(out + n, x, w, packed.bias + n, K, rows);
  }

  static void run(const ModelB &model, float *out, const float *in, size_t rows) {
    alignas(64) float buffers[2][kBatchRows * kStride];
    for (size_t r = 0; r < rows; r += kBatchRows) {
      int count = static_cast<int>(rows - r < kBatchRows ? rows - r : kBatchRows);
      layer<7>(buffers[0], in + r * 7, batchFirst, count);
      for (int i = 0; i < 4; ++i)
        layer<kStride>(buffers[(i + 1) & 1], buffers[i & 1], batchHidden[i], count);
      for (int i = 0; i < count; ++i)
        out[r + i] = model.last.run(buffers[0] + i * kStride);
    }
  }
};
