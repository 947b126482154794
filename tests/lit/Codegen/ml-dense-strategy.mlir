// The kernel of each layer, its tiles for the CPU's registers, and the packed arrays (the same for every CPU), all written down.
// RUN: mlc-opt %s --target=x86-64-v3 --ml-dense-strategy | FileCheck %s --check-prefixes=CHECK,V3
// RUN: mlc-opt %s --target=x86-64-v4 --ml-dense-strategy | FileCheck %s --check-prefixes=CHECK,V4
// RUN: mlc-opt %s --target=x86-64-v2 --ml-dense-strategy | FileCheck %s --check-prefixes=CHECK,V2
// RUN: mlc-opt %s --dense-strategy=outer --ml-dense-strategy | FileCheck %s --check-prefix=OUTER

memref.global constant @w0 : memref<3x40xf32>
memref.global constant @b0 : memref<40xf32>
memref.global constant @w1 : memref<40x40xf32>
memref.global constant @b1 : memref<40xf32>
memref.global constant @w2 : memref<40x2xf32>
memref.global constant @b2 : memref<2xf32>

// Three inputs: nothing to skip. After the ReLU about half of 40 inputs are zero. Two outputs: the sum lies in the lanes, whatever
// strategy is asked for, because that decides the order of the sum.
// CHECK-LABEL: func.func @relu
// CHECK: ml.dense @w0, @b0
// V2-SAME: lanes = 4 : i64
// V3-SAME: lanes = 8 : i64
// V4-SAME: lanes = 16 : i64
// CHECK-SAME: narrow = 8 : i64, packed = @w0_panels, packed_bias = @b0_padded, packed_narrow = @w0_narrow, panels = array<i64: 32>
// CHECK-SAME: strategy = "outer"
// CHECK: ml.dense @w1, @b1
// CHECK-SAME: strategy = "skip"
// CHECK: ml.dense @w2, @b2
// CHECK-SAME: packed = @w2_dot, strategy = "dot"
// OUTER-LABEL: func.func @relu
// OUTER: ml.dense @w1
// OUTER-SAME: strategy = "outer"
// OUTER: ml.dense @w2
// OUTER-SAME: strategy = "dot"
func.func @relu(%x: tensor<1x3xf32>) -> tensor<1x2xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x40xf32>
  %0 = ml.dense @w0, @b0 ins(%x : tensor<1x3xf32>) outs(%e : tensor<1x40xf32>) {
  ^bb0(%sum: f32):
    %3 = arith.cmpf ogt, %zero, %sum : f32
    %4 = arith.select %3, %zero, %sum : f32
    ml.yield %4 : f32
  } -> tensor<1x40xf32>
  %1 = ml.dense @w1, @b1 ins(%0 : tensor<1x40xf32>) outs(%e : tensor<1x40xf32>) {
  ^bb0(%sum: f32):
    %3 = arith.cmpf ogt, %zero, %sum : f32
    %4 = arith.select %3, %zero, %sum : f32
    ml.yield %4 : f32
  } -> tensor<1x40xf32>
  %e2 = tensor.empty() : tensor<1x2xf32>
  %2 = ml.dense @w2, @b2 ins(%1 : tensor<1x40xf32>) outs(%e2 : tensor<1x2xf32>) {
  ^bb0(%sum: f32):
    ml.yield %sum : f32
  } -> tensor<1x2xf32>
  return %2 : tensor<1x2xf32>
}

// No ReLU: nothing to skip.
// CHECK-LABEL: func.func @tanh
// CHECK: ml.dense @w1, @b1
// CHECK: ml.dense @w1, @b1
// CHECK-SAME: strategy = "outer"
func.func @tanh(%x: tensor<1x40xf32>) -> tensor<1x40xf32> {
  %e = tensor.empty() : tensor<1x40xf32>
  %0 = ml.dense @w1, @b1 ins(%x : tensor<1x40xf32>) outs(%e : tensor<1x40xf32>) {
  ^bb0(%sum: f32):
    %1 = math.tanh %sum : f32
    ml.yield %1 : f32
  } -> tensor<1x40xf32>
  %2 = ml.dense @w1, @b1 ins(%0 : tensor<1x40xf32>) outs(%e : tensor<1x40xf32>) {
  ^bb0(%sum: f32):
    ml.yield %sum : f32
  } -> tensor<1x40xf32>
  return %2 : tensor<1x40xf32>
}

// Several rows share the weights: tiles of rows x columns, never a list of non-zeros.
// CHECK-LABEL: func.func @rows
// CHECK: ml.dense @w1, @b1
// CHECK-SAME: column_tile = {{[0-9]+}}
// CHECK-SAME: row_tile = {{[2-9]|[0-9][0-9]}}
// CHECK-SAME: strategy = "outer"
func.func @rows(%x: tensor<8x40xf32>) -> tensor<8x40xf32> {
  %e = tensor.empty() : tensor<8x40xf32>
  %0 = ml.dense @w1, @b1 ins(%x : tensor<8x40xf32>) outs(%e : tensor<8x40xf32>) {
  ^bb0(%sum: f32):
    ml.yield %sum : f32
  } -> tensor<8x40xf32>
  return %0 : tensor<8x40xf32>
}
