// The kernel of each ensemble, by its structure or as forced, and the measures of its tables.
// RUN: mlc-opt %s --target=x86-64-v3 --ml-tree-strategy | FileCheck %s
// RUN: mlc-opt %s --target=x86-64-v4 --tree-strategy=dense --ml-tree-strategy | FileCheck %s --check-prefix=DENSE
// RUN: mlc-opt %s --target=x86-64-v3 --tree-strategy=deep --ml-tree-strategy | FileCheck %s --check-prefix=DEEP
// RUN: mlc-opt %s --target=x86-64-v3 --tree-strategy=quick --ml-tree-strategy | FileCheck %s --check-prefix=QUICK
// RUN: mlc-opt %s --target=x86-64-v3 --tree-strategy=walk --ml-tree-strategy | FileCheck %s --check-prefix=WALK

// One tree whose two levels each ask one thing.
memref.global constant @symmetric : memref<47xi64> = dense<[2, 0, 1, 0, 4607182418800017408, 0, 0, 0, 0, 3, 0, 1, 1, 3, 100, 200, 200, 3, 1, -1, -3, 3, 2, -2, -4, 3, 1, 1, 1, 1, 0, 5, 0, 1, 2, 3, 4, 4, 0, 0, 0, 0, 4, 0, 4607182418800017408, 4611686018427387904, 4613937818241073152]>
// One perfect tree of depth 5.
memref.global constant @perfect : memref<271xi64> = dense<[3, 0, 1, 0, 4607182418800017408, 0, 0, 0, 0, 31, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 31, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 31, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, -1, -3, -5, -7, -9, -11, -13, -15, -17, -19, -21, -23, -25, -27, -29, -31, 31, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, -2, -4, -6, -8, -10, -12, -14, -16, -18, -20, -22, -24, -26, -28, -30, -32, 31, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 33, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 4607182418800017408, 4611686018427387904, 4613937818241073152, 4616189618054758400, 4617315517961601024, 4618441417868443648, 4619567317775286272, 4620693217682128896, 4621256167635550208, 4621819117588971520, 4622382067542392832, 4622945017495814144, 4623507967449235456, 4624070917402656768, 4624633867356078080, 4625196817309499392, 4625478292286210048, 4625759767262920704, 4626041242239631360, 4626322717216342016, 4626604192193052672, 4626885667169763328, 4627167142146473984, 4627448617123184640, 4627730092099895296, 4628011567076605952, 4628293042053316608, 4628574517030027264, 4628855992006737920, 4629137466983448576, 4629418941960159232]>

// CHECK-LABEL: func.func @one
// CHECK: ml.tree_ensemble
// CHECK-SAME: depth = 2
// CHECK-SAME: lanes = 16
// CHECK-SAME: strategy = "oblivious"
// DENSE-LABEL: func.func @one
// DENSE: ml.tree_ensemble
// DENSE-SAME: rank_columns = array<i64: 0, 1>
// DENSE-SAME: strategy = "dense"
// DEEP-LABEL: func.func @one
// DEEP: strategy = "dense"
// QUICK-LABEL: func.func @one
// QUICK: ml.tree_ensemble
// QUICK-SAME: starts = @symmetric_starts
// QUICK-SAME: strategy = "quick"
// WALK-LABEL: func.func @one
// WALK: ml.tree_ensemble
// WALK-SAME: interleave = 16
// WALK-SAME: strategy = "walk"
func.func @one(%x: memref<1x2xf32>, %y: memref<1x1xf32>) {
  ml.tree_ensemble @symmetric ins(%x : memref<1x2xf32>) outs(%y : memref<1x1xf32>)
  return
}

// CHECK-LABEL: func.func @deeper
// CHECK: strategy = "dense"
// DEEP-LABEL: func.func @deeper
// DEEP: ml.tree_ensemble
// DEEP-SAME: leaf_type = f32
// DEEP-SAME: line_leaves = @perfect_paths, lines = @perfect_lines
// DEEP-SAME: strategy = "deep"
func.func @deeper(%x: memref<1x3xf32>, %y: memref<1x1xf32>) {
  ml.tree_ensemble @perfect ins(%x : memref<1x3xf32>) outs(%y : memref<1x1xf32>)
  return
}
