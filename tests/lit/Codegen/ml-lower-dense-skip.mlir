// The skip kernel: a list of the non-zero inputs (NaN counts as one), then one pass over that list.
// RUN: mlc-opt %s --target=x86-64-v3 --ml-plan-memory --ml-lower-dense | FileCheck %s --check-prefixes=CHECK,V3
// RUN: mlc-opt %s --target=x86-64-v4 --ml-plan-memory --ml-lower-dense | FileCheck %s --check-prefixes=CHECK,V4

memref.global constant @w_panels : memref<3200xf32>
memref.global constant @b : memref<32xf32>
memref.global constant @w : memref<100x32xf32>

// CHECK-LABEL: func.func @skip
// CHECK: memref.alloca()
// CHECK: arith.cmpf une
// V3: llvm.x86.avx2.permps
// V4: llvm.experimental.vector.compress
// CHECK: scf.for
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK: scf.yield
// CHECK-NOT: ml.dense
func.func @skip(%x: memref<1x100xf32>, %y: memref<1x32xf32>) {
  ml.dense @w, @b ins(%x : memref<1x100xf32>) outs(%y : memref<1x32xf32>)
    attributes {column_tile = 13 : i64, lanes = 8 : i64, packed = @w_panels, panels = array<i64: 32>, packed_bias = @b, strategy = "skip"} {
  ^bb0(%sum: f32):
    ml.yield %sum : f32
  }
  return
}
