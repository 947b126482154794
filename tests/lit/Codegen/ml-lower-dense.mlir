// The kernels: sums in registers, starting at the bias; a multiplication and an addition in strict mode, one fma in fast mode.
// RUN: mlc-opt %s --target=x86-64-v3 --ml-dense-strategy --ml-plan-memory --ml-lower-dense | FileCheck %s --check-prefixes=CHECK,V3 --implicit-check-not=math.fma
// RUN: mlc-opt %s --target=x86-64-v4 --ml-dense-strategy --ml-plan-memory --ml-lower-dense | FileCheck %s --check-prefixes=CHECK,V4 --implicit-check-not=math.fma
// RUN: mlc-opt %s --target=x86-64-v3 --fast --ml-dense-strategy --ml-plan-memory --ml-lower-dense | FileCheck %s --check-prefix=FAST

memref.global constant @w : memref<8x16xf32>
memref.global constant @b : memref<16xf32>
memref.global constant @w1 : memref<64x16xf32>
memref.global constant @w2 : memref<64x1xf32>
memref.global constant @b2 : memref<1xf32>

// One pass over k; the epilogue works on the sums before they are stored.
// CHECK-LABEL: func.func @outer
// CHECK-NOT: ml.dense
// CHECK: scf.for
// V3: vector.broadcast {{.*}} : f32 to vector<8xf32>
// V3: arith.mulf {{.*}} : vector<8xf32>
// V3: arith.addf {{.*}} : vector<8xf32>
// V4: vector.broadcast {{.*}} : f32 to vector<16xf32>
// V4: arith.mulf {{.*}} : vector<16xf32>
// V4: arith.addf {{.*}} : vector<16xf32>
// CHECK: scf.yield
// CHECK: math.absf {{.*}} : vector
// FAST-LABEL: func.func @outer
// FAST-NOT: arith.mulf
// FAST: math.fma {{.*}} : vector<8xf32>
func.func @outer(%x: memref<1x8xf32>, %y: memref<1x16xf32>) {
  ml.dense @w, @b ins(%x : memref<1x8xf32>) outs(%y : memref<1x16xf32>) {
  ^bb0(%sum: f32):
    %0 = math.absf %sum : f32
    ml.yield %0 : f32
  }
  return
}

// One output: 32 partial sums, which do not depend on the CPU's vectors.
// CHECK-LABEL: func.func @dot
// CHECK: arith.mulf {{.*}} : vector<32xf32>
// CHECK: arith.addf {{.*}} : vector<32xf32>
// CHECK: vector.shuffle
// CHECK: arith.addf {{.*}} : vector<4xf32>
// CHECK: arith.addf {{.*}} : vector<2xf32>
// CHECK: arith.addf {{.*}} : f32
// FAST-LABEL: func.func @dot
// FAST: math.fma {{.*}} : vector<32xf32>
func.func @dot(%x: memref<1x64xf32>, %y: memref<1x1xf32>) {
  ml.dense @w2, @b2 ins(%x : memref<1x64xf32>) outs(%y : memref<1x1xf32>) {
  ^bb0(%sum: f32):
    ml.yield %sum : f32
  }
  return
}

// Several rows: each weight is loaded once for all rows of the tile. With 16 lanes an element of x is spread by an integer instruction,
// which leaves the pipes of the multiplications alone.
// CHECK-LABEL: func.func @rows
// CHECK: scf.for
// CHECK: vector.load
// V3-COUNT-4: memref.load
// V4-COUNT-4: llvm.inline_asm {{.*}}vpbroadcastd
// CHECK-NOT: vector.load
// CHECK: scf.yield
func.func @rows(%x: memref<4x8xf32>, %y: memref<4x16xf32>) {
  ml.dense @w, @b ins(%x : memref<4x8xf32>) outs(%y : memref<4x16xf32>) {
  ^bb0(%sum: f32):
    ml.yield %sum : f32
  }
  return
}

// A costly epilogue gets a loop of its own over the finished sums: exp would otherwise be written out for every accumulator.
// CHECK-LABEL: func.func @deferred
// CHECK: linalg.generic
// CHECK: math.exp {{.*}} : f32
func.func @deferred(%x: memref<8x8xf32>, %y: memref<8x16xf32>) {
  ml.dense @w, @b ins(%x : memref<8x8xf32>) outs(%y : memref<8x16xf32>) {
  ^bb0(%sum: f32):
    %0 = math.exp %sum : f32
    ml.yield %0 : f32
  }
  return
}

// Layers that differ in nothing but their weights share one function.
// CHECK-LABEL: func.func @alike
// CHECK: call @[[KERNEL:[a-z_.0-9]+]](
// CHECK: call @[[KERNEL]](
// CHECK: return
// CHECK: func.func private @[[KERNEL]](
// CHECK-NOT: ml.dense
memref.global constant @s0 : memref<32x32xf32>
memref.global constant @s1 : memref<32x32xf32>
memref.global constant @sb : memref<32xf32>
func.func @alike(%x: memref<1x32xf32>, %h: memref<1x32xf32>, %y: memref<1x32xf32>) {
  ml.dense @s0, @sb ins(%x : memref<1x32xf32>) outs(%h : memref<1x32xf32>) {
  ^bb0(%sum: f32):
    ml.yield %sum : f32
  }
  ml.dense @s1, @sb ins(%h : memref<1x32xf32>) outs(%y : memref<1x32xf32>) {
  ^bb0(%sum: f32):
    ml.yield %sum : f32
  }
  return
}
