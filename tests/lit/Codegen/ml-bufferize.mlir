// Tensors become memory; results are computed in the caller's buffer, elementwise operations in place.
// RUN: mlc-opt %s --ml-bufferize | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>
memref.global constant @w : memref<3x8xf32>
memref.global constant @b : memref<8xf32>

// CHECK-LABEL: func.func @into_output
// CHECK-SAME: (%[[IN:.*]]: memref<1x3xf32>, %[[OUT:.*]]: memref<1x8xf32>)
// CHECK-NOT: memref.alloc
// CHECK: ml.dense @w, @b ins(%[[IN]] : memref<1x3xf32>) outs(%[[OUT]] : memref<1x8xf32>)
// CHECK-NOT: tensor
// CHECK: return
func.func @into_output(%in: memref<1x3xf32>, %out: memref<1x8xf32>) {
  %x = bufferization.to_tensor %in restrict : memref<1x3xf32> to tensor<1x3xf32>
  %e = tensor.empty() : tensor<1x8xf32>
  %y = ml.dense @w, @b ins(%x : tensor<1x3xf32>) outs(%e : tensor<1x8xf32>) {
  ^bb0(%sum: f32):
    ml.yield %sum : f32
  } -> tensor<1x8xf32>
  bufferization.materialize_in_destination %y in restrict writable %out : (tensor<1x8xf32>, memref<1x8xf32>) -> ()
  return
}

// The layer's value is read twice after it was made: one buffer, and the output.
// CHECK-LABEL: func.func @one_temporary
// CHECK-COUNT-1: memref.alloc
// CHECK-NOT: memref.alloc
// CHECK: return
func.func @one_temporary(%in: memref<1x3xf32>, %out: memref<1x8xf32>) {
  %x = bufferization.to_tensor %in restrict : memref<1x3xf32> to tensor<1x3xf32>
  %e = tensor.empty() : tensor<1x8xf32>
  %h = ml.dense @w, @b ins(%x : tensor<1x3xf32>) outs(%e : tensor<1x8xf32>) {
  ^bb0(%sum: f32):
    ml.yield %sum : f32
  } -> tensor<1x8xf32>
  %e2 = tensor.empty() : tensor<1x8xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%h, %h : tensor<1x8xf32>, tensor<1x8xf32>) outs(%e2 : tensor<1x8xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %0 = arith.mulf %a, %c : f32
    linalg.yield %0 : f32
  } -> tensor<1x8xf32>
  bufferization.materialize_in_destination %y in restrict writable %out : (tensor<1x8xf32>, memref<1x8xf32>) -> ()
  return
}

// A weight is the array itself.
// CHECK-LABEL: func.func @weight
// CHECK: memref.get_global @b : memref<8xf32>
// CHECK-NOT: memref.alloc
// CHECK: return
func.func @weight(%out: memref<8xf32>) {
  %y = ml.weight @b : tensor<8xf32>
  %e = tensor.empty() : tensor<8xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]} ins(%y : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.negf %a : f32
    linalg.yield %0 : f32
  } -> tensor<8xf32>
  bufferization.materialize_in_destination %z in restrict writable %out : (tensor<8xf32>, memref<8xf32>) -> ()
  return
}
