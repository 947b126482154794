// Each kernel for one row (the lanes are trees) and for a block of rows (the lanes are rows).
// RUN: mlc-opt %s --target=x86-64-v3 --tree-strategy=oblivious --ml-tree-strategy --ml-lower-trees | FileCheck %s --check-prefix=OBLIVIOUS
// RUN: mlc-opt %s --target=x86-64-v3 --tree-strategy=dense --ml-tree-strategy --ml-lower-trees | FileCheck %s --check-prefix=DENSE
// RUN: mlc-opt %s --target=x86-64-v4 --tree-strategy=deep --ml-tree-strategy --ml-lower-trees | FileCheck %s --check-prefix=DEEP
// RUN: mlc-opt %s --target=x86-64-v4 --tree-strategy=quick --ml-tree-strategy --ml-lower-trees | FileCheck %s --check-prefix=QUICK
// RUN: mlc-opt %s --target=aarch64 --tree-strategy=walk --ml-tree-strategy --ml-lower-trees | FileCheck %s --check-prefix=WALK

memref.global constant @symmetric : memref<47xi64> = dense<[2, 0, 1, 0, 4607182418800017408, 0, 0, 0, 0, 3, 0, 1, 1, 3, 100, 200, 200, 3, 1, -1, -3, 3, 2, -2, -4, 3, 1, 1, 1, 1, 0, 5, 0, 1, 2, 3, 4, 4, 0, 0, 0, 0, 4, 0, 4607182418800017408, 4611686018427387904, 4613937818241073152]>
memref.global constant @perfect : memref<271xi64> = dense<[3, 0, 1, 0, 4607182418800017408, 0, 0, 0, 0, 31, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 31, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 31, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, -1, -3, -5, -7, -9, -11, -13, -15, -17, -19, -21, -23, -25, -27, -29, -31, 31, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, -2, -4, -6, -8, -10, -12, -14, -16, -18, -20, -22, -24, -26, -28, -30, -32, 31, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 33, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 4607182418800017408, 4611686018427387904, 4613937818241073152, 4616189618054758400, 4617315517961601024, 4618441417868443648, 4619567317775286272, 4620693217682128896, 4621256167635550208, 4621819117588971520, 4622382067542392832, 4622945017495814144, 4623507967449235456, 4624070917402656768, 4624633867356078080, 4625196817309499392, 4625478292286210048, 4625759767262920704, 4626041242239631360, 4626322717216342016, 4626604192193052672, 4626885667169763328, 4627167142146473984, 4627448617123184640, 4627730092099895296, 4628011567076605952, 4628293042053316608, 4628574517030027264, 4628855992006737920, 4629137466983448576, 4629418941960159232]>

// One comparison and one doubling per level.
// OBLIVIOUS-LABEL: func.func @row
// OBLIVIOUS: llvm.call_intrinsic "llvm.x86.ssse3.pshuf.b.128"
// OBLIVIOUS: arith.extsi %{{.*}} : vector<16xi1> to vector<16xi8>
// OBLIVIOUS: arith.subi
// OBLIVIOUS: llvm.call_intrinsic "llvm.x86.ssse3.pshuf.b.128"
// OBLIVIOUS: arith.subi
// OBLIVIOUS-NOT: pshuf
// OBLIVIOUS: return
// DENSE-LABEL: func.func @row
// DENSE-COUNT-3: llvm.call_intrinsic "llvm.x86.ssse3.pshuf.b.128"
// DENSE: arith.select %{{.*}} : vector<16xi1>, vector<16xi8>
// QUICK-LABEL: func.func @row
// QUICK: arith.xori %{{.*}} : vector<16xi8>
// QUICK: math.cttz
// WALK-LABEL: func.func @row
// WALK: arith.shrui %{{.*}} : i64
// WALK-NOT: vector<16xi8>
func.func @row(%x: memref<1x2xf32>, %y: memref<1x1xf32>) {
  ml.tree_ensemble @symmetric ins(%x : memref<1x2xf32>) outs(%y : memref<1x1xf32>)
  return
}

// A node is spread over the lanes and compared with the ranks of all rows; leaves come from registers; the sums stay in them.
// OBLIVIOUS-LABEL: func.func @rows
// OBLIVIOUS: vector.broadcast %{{.*}} : i8 to vector<32xi8>
// OBLIVIOUS: llvm.call_intrinsic "llvm.x86.avx2.permps"
// DENSE-LABEL: func.func @rows
// DENSE: arith.cmpi sgt, %{{.*}} : vector<32xi8>
// DENSE: llvm.call_intrinsic "llvm.x86.avx2.permps"
// DENSE: arith.addf %{{.*}} : vector<8xf32>
// QUICK-LABEL: func.func @rows
// QUICK: math.ctpop %{{.*}} : vector<64xi8>
// QUICK: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.ps.512"
// WALK-LABEL: func.func @rows
// WALK: scf.for
// WALK: arith.addf %{{.*}} : f32
func.func @rows(%x: memref<64x2xf32>, %y: memref<64x1xf32>) {
  ml.tree_ensemble @symmetric ins(%x : memref<64x2xf32>) outs(%y : memref<64x1xf32>)
  return
}

// Two levels are chosen from the bottom up; the last three are sixteen bytes of one line.
// DEEP-LABEL: func.func @deep
// DEEP-COUNT-3: llvm.call_intrinsic "llvm.x86.ssse3.pshuf.b.128"
// DEEP: memref.load
// DEEP: llvm.call_intrinsic "llvm.x86.ssse3.pshuf.b.128"
// DEEP: vector.bitcast %{{.*}} : vector<16xi1> to vector<1xi16>
func.func @deep(%x: memref<1x3xf32>, %y: memref<1x1xf32>) {
  ml.tree_ensemble @perfect ins(%x : memref<1x3xf32>) outs(%y : memref<1x1xf32>)
  return
}
