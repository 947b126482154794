// Activation and skip connection move into the dense layer's region, where the sum is still in a register.
// RUN: mlc-opt %s --ml-fuse-epilogue --split-input-file | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>
memref.global constant @w : memref<3x8xf32>
memref.global constant @b : memref<8xf32>

// CHECK-LABEL: func.func @activation
// CHECK: %[[Y:.*]] = ml.dense @w, @b ins(%{{.*}} : tensor<1x3xf32>) outs
// CHECK-NEXT: ^bb0(%[[SUM:.*]]: f32):
// CHECK-NEXT: %[[T:.*]] = math.tanh %[[SUM]] : f32
// CHECK-NEXT: ml.yield %[[T]] : f32
// CHECK-NOT: linalg.generic
// CHECK: return %[[Y]]
func.func @activation(%x: tensor<1x3xf32>) -> tensor<1x8xf32> {
  %e = tensor.empty() : tensor<1x8xf32>
  %0 = ml.dense @w, @b ins(%x : tensor<1x3xf32>) outs(%e : tensor<1x8xf32>) {
  ^bb0(%sum: f32):
    ml.yield %sum : f32
  } -> tensor<1x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<1x8xf32>) outs(%e : tensor<1x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %2 = math.tanh %in : f32
    linalg.yield %2 : f32
  } -> tensor<1x8xf32>
  return %1 : tensor<1x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (0, j)>
memref.global constant @w : memref<3x8xf32>
memref.global constant @b : memref<8xf32>

// A matrix of the result's shape and one row for all rows become extras, the row as an array.
// CHECK-LABEL: func.func @skip_connection
// CHECK-SAME: (%[[X:.*]]: tensor<4x3xf32>, %[[SKIP:.*]]: tensor<4x8xf32>, %[[SCALE:.*]]: tensor<1x8xf32>)
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape %[[SCALE]]
// CHECK: ml.dense {{.*}} extras(%[[SKIP]], %[[FLAT]] : tensor<4x8xf32>, tensor<8xf32>)
// CHECK-NEXT: ^bb0(%[[SUM:.*]]: f32, %[[A:.*]]: f32, %[[S:.*]]: f32):
// CHECK: arith.mulf %[[SUM]], %[[S]]
// CHECK: arith.addf %{{.*}}, %[[A]]
// CHECK-NOT: linalg.generic
func.func @skip_connection(%x: tensor<4x3xf32>, %skip: tensor<4x8xf32>, %scale: tensor<1x8xf32>) -> tensor<4x8xf32> {
  %e = tensor.empty() : tensor<4x8xf32>
  %0 = ml.dense @w, @b ins(%x : tensor<4x3xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%sum: f32):
    ml.yield %sum : f32
  } -> tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%0, %skip, %scale : tensor<4x8xf32>, tensor<4x8xf32>, tensor<1x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%in: f32, %a: f32, %s: f32, %out: f32):
    %2 = arith.mulf %in, %s : f32
    %3 = arith.addf %2, %a : f32
    linalg.yield %3 : f32
  } -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// -----

#id = affine_map<(i, j) -> (i, j)>
#swapped = affine_map<(i, j) -> (j, i)>
memref.global constant @w : memref<3x8xf32>
memref.global constant @b : memref<8xf32>

// The layer's value is needed elsewhere, or reaches the operation transposed: nothing moves.
// CHECK-LABEL: func.func @needed_twice
// CHECK: ml.dense
// CHECK: linalg.generic
func.func @needed_twice(%x: tensor<1x3xf32>) -> (tensor<1x8xf32>, tensor<1x8xf32>) {
  %e = tensor.empty() : tensor<1x8xf32>
  %0 = ml.dense @w, @b ins(%x : tensor<1x3xf32>) outs(%e : tensor<1x8xf32>) {
  ^bb0(%sum: f32):
    ml.yield %sum : f32
  } -> tensor<1x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<1x8xf32>) outs(%e : tensor<1x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %2 = math.tanh %in : f32
    linalg.yield %2 : f32
  } -> tensor<1x8xf32>
  return %0, %1 : tensor<1x8xf32>, tensor<1x8xf32>
}

// CHECK-LABEL: func.func @transposed
// CHECK: ml.dense
// CHECK: linalg.generic
func.func @transposed(%x: tensor<8x3xf32>) -> tensor<8x8xf32> {
  %e = tensor.empty() : tensor<8x8xf32>
  %0 = ml.dense @w, @b ins(%x : tensor<8x3xf32>) outs(%e : tensor<8x8xf32>) {
  ^bb0(%sum: f32):
    ml.yield %sum : f32
  } -> tensor<8x8xf32>
  %1 = linalg.generic {indexing_maps = [#swapped, #id], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %2 = math.absf %in : f32
    linalg.yield %2 : f32
  } -> tensor<8x8xf32>
  return %1 : tensor<8x8xf32>
}
