// RUN: mlc-opt %s --ml-lower-dense --split-input-file --verify-diagnostics

memref.global constant @w : memref<8x16xf32>
memref.global constant @b : memref<16xf32>

func.func @no_strategy(%x: memref<1x8xf32>, %y: memref<1x16xf32>) {
  // expected-error @below {{needs a strategy and rows of adjacent elements}}
  ml.dense @w, @b ins(%x : memref<1x8xf32>) outs(%y : memref<1x16xf32>) {
  ^bb0(%sum: f32):
    ml.yield %sum : f32
  }
  return
}

// -----

memref.global constant @w : memref<8x16xf32>
memref.global constant @b : memref<16xf32>

func.func @scattered(%x: memref<4x8xf32, strided<[1, 4]>>, %y: memref<4x16xf32>) {
  // expected-error @below {{needs a strategy and rows of adjacent elements}}
  ml.dense @w, @b ins(%x : memref<4x8xf32, strided<[1, 4]>>) outs(%y : memref<4x16xf32>)
    attributes {strategy = "outer", lanes = 8 : i64, panels = array<i64: 16>, packed = @w, packed_bias = @b} {
  ^bb0(%sum: f32):
    ml.yield %sum : f32
  }
  return
}
