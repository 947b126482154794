// Loops over vectors of the CPU's width, with tails of smaller vectors; the order of a sum does not depend on the width.
// RUN: mlc-opt %s --target=x86-64-v3 --ml-lower-loops | FileCheck %s --check-prefixes=CHECK,V3 --implicit-check-not=linalg.
// RUN: mlc-opt %s --target=x86-64-v4 --ml-lower-loops | FileCheck %s --check-prefixes=CHECK,V4 --implicit-check-not=linalg.

#i = affine_map<(i) -> (i)>
#ij = affine_map<(i, j) -> (i, j)>
#ji = affine_map<(i, j) -> (j, i)>
#0 = affine_map<(i) -> ()>
#col = affine_map<(i, j) -> (i)>
#row = affine_map<(i, j) -> (j)>

// 100 elements: whole vectors in a loop, four more at the end.
// CHECK-LABEL: func.func @elementwise
// CHECK: scf.for
// V3: arith.addf {{.*}} : vector<8xf32>
// V4: arith.addf {{.*}} : vector<16xf32>
// CHECK: arith.addf {{.*}} : vector<4xf32>
func.func @elementwise(%a: memref<100xf32>, %b: memref<100xf32>, %c: memref<100xf32>) {
  linalg.generic {indexing_maps = [#i, #i, #i], iterator_types = ["parallel"]} ins(%a, %b : memref<100xf32>, memref<100xf32>) outs(%c : memref<100xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %0 = arith.addf %x, %y : f32
    linalg.yield %0 : f32
  }
  return
}

// Doubles are twice as wide.
// CHECK-LABEL: func.func @double
// V3: arith.mulf {{.*}} : vector<4xf64>
// V4: arith.mulf {{.*}} : vector<8xf64>
func.func @double(%a: memref<64xf64>, %c: memref<64xf64>) {
  linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%a : memref<64xf64>) outs(%c : memref<64xf64>) {
  ^bb0(%x: f64, %o: f64):
    %0 = arith.mulf %x, %x : f64
    linalg.yield %0 : f64
  }
  return
}

// A costly body ends in scalars below a register of 16 bytes: there are no idle lanes that could raise an exception.
// CHECK-LABEL: func.func @costly_tail
// V3: math.exp {{.*}} : vector<8xf32>
// V4: math.exp {{.*}} : vector<16xf32>
// CHECK-NOT: vector<2xf32>
// CHECK-COUNT-3: math.exp {{.*}} : f32
// CHECK-NOT: math.exp
func.func @costly_tail(%a: memref<67xf32>, %c: memref<67xf32>) {
  linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%a : memref<67xf32>) outs(%c : memref<67xf32>) {
  ^bb0(%x: f32, %o: f32):
    %0 = math.exp %x : f32
    linalg.yield %0 : f32
  }
  return
}

// A sum along adjacent elements: 32 partial sums on every CPU.
// CHECK-LABEL: func.func @long_sum
// CHECK: arith.addf {{.*}} : vector<32xf32>
// CHECK: vector.shuffle
// CHECK: arith.addf {{.*}} : vector<16xf32>
// CHECK: arith.addf {{.*}} : vector<8xf32>
// CHECK: arith.addf {{.*}} : vector<1xf32>
func.func @long_sum(%a: memref<100xf32>, %c: memref<f32>) {
  linalg.generic {indexing_maps = [#i, #0], iterator_types = ["reduction"]} ins(%a : memref<100xf32>) outs(%c : memref<f32>) {
  ^bb0(%x: f32, %sum: f32):
    %0 = arith.addf %x, %sum : f32
    linalg.yield %0 : f32
  }
  return
}

// A short one goes up element by element.
// CHECK-LABEL: func.func @short_sum
// CHECK-NOT: vector<
// CHECK: return
func.func @short_sum(%a: memref<7xf32>, %c: memref<f32>) {
  linalg.generic {indexing_maps = [#i, #0], iterator_types = ["reduction"]} ins(%a : memref<7xf32>) outs(%c : memref<f32>) {
  ^bb0(%x: f32, %sum: f32):
    %0 = arith.addf %x, %sum : f32
    linalg.yield %0 : f32
  }
  return
}

// Sums over rows: columns side by side in the lanes, each going up.
// CHECK-LABEL: func.func @column_sums
// CHECK: scf.for
// CHECK: arith.addf {{.*}} : vector<{{32|64}}xf32>
func.func @column_sums(%a: memref<10x64xf32>, %c: memref<64xf32>) {
  linalg.generic {indexing_maps = [#ji, #col], iterator_types = ["parallel", "reduction"]} ins(%a : memref<10x64xf32>) outs(%c : memref<64xf32>) {
  ^bb0(%x: f32, %sum: f32):
    %0 = arith.addf %x, %sum : f32
    linalg.yield %0 : f32
  }
  return
}

// Neither side of a transposition is adjacent in both: element by element, and correct.
// CHECK-LABEL: func.func @transpose
// CHECK: scf.for
// CHECK: scf.for
// CHECK: memref.load
// CHECK: memref.store
func.func @transpose(%a: memref<12x20xf32>, %c: memref<20x12xf32>) {
  linalg.generic {indexing_maps = [#ji, #ij], iterator_types = ["parallel", "parallel"]} ins(%a : memref<12x20xf32>) outs(%c : memref<20x12xf32>) {
  ^bb0(%x: f32, %o: f32):
    linalg.yield %x : f32
  }
  return
}

// Two loops over adjacent memory are one; a copy is a loop like any other; a copy onto itself is nothing.
// CHECK-LABEL: func.func @copy
// CHECK-COUNT-1: scf.for
// CHECK-NOT: scf.for
// CHECK: return
func.func @copy(%a: memref<16x64xf32>, %c: memref<16x64xf32>) {
  memref.copy %a, %c : memref<16x64xf32> to memref<16x64xf32>
  memref.copy %c, %c : memref<16x64xf32> to memref<16x64xf32>
  return
}
