// All temporaries lie in one stack frame; those that do not live at the same time share their place.
// RUN: mlc-opt %s --ml-plan-memory | FileCheck %s

// a and b live together, c when a is dead: two places of 64 bytes, not three.
// CHECK-LABEL: func.func @shared
// CHECK: %[[FRAME:.*]] = memref.alloca() {alignment = 64 : i64} : memref<128xi8>
// CHECK-COUNT-3: memref.view %[[FRAME]]
// CHECK-NOT: memref.alloc()
// CHECK: return
func.func @shared(%in: memref<16xf32>, %out: memref<16xf32>) {
  %a = memref.alloc() : memref<16xf32>
  memref.copy %in, %a : memref<16xf32> to memref<16xf32>
  %b = memref.alloc() : memref<16xf32>
  memref.copy %a, %b : memref<16xf32> to memref<16xf32>
  %c = memref.alloc() : memref<16xf32>
  memref.copy %b, %c : memref<16xf32> to memref<16xf32>
  memref.copy %c, %out : memref<16xf32> to memref<16xf32>
  return
}

// A view keeps its buffer alive.
// CHECK-LABEL: func.func @through_view
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<128xi8>
func.func @through_view(%in: memref<16xf32>, %out: memref<16xf32>) {
  %a = memref.alloc() : memref<16xf32>
  memref.copy %in, %a : memref<16xf32> to memref<16xf32>
  %v = memref.expand_shape %a [[0, 1]] output_shape [4, 4] : memref<16xf32> into memref<4x4xf32>
  %b = memref.alloc() : memref<4x4xf32>
  memref.copy %v, %b : memref<4x4xf32> to memref<4x4xf32>
  %u = memref.collapse_shape %v [[0, 1]] : memref<4x4xf32> into memref<16xf32>
  memref.copy %u, %out : memref<16xf32> to memref<16xf32>
  return
}

// Every place begins on a cache line: 3 floats take 64 bytes.
// CHECK-LABEL: func.func @aligned
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<64xi8>
func.func @aligned(%in: memref<3xf32>, %out: memref<3xf32>) {
  %a = memref.alloc() : memref<3xf32>
  memref.copy %in, %a : memref<3xf32> to memref<3xf32>
  memref.copy %a, %out : memref<3xf32> to memref<3xf32>
  return
}

// Nothing to place, no frame.
// CHECK-LABEL: func.func @none
// CHECK-NOT: memref.alloca
// CHECK: return
func.func @none(%in: memref<3xf32>, %out: memref<3xf32>) {
  memref.copy %in, %out : memref<3xf32> to memref<3xf32>
  return
}
