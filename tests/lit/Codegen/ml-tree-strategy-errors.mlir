// What the passes of trees refuse.
// RUN: not mlc-opt %s --split-input-file --ml-tree-strategy 2>&1 | FileCheck %s
// RUN: not mlc-opt %s --split-input-file --ml-lower-trees 2>&1 | FileCheck %s --check-prefix=LOWER

// CHECK: names no ensemble of the weight store: @nothing
// LOWER: has no strategy; run ml-tree-strategy first
func.func @none(%x: memref<1x2xf32>, %y: memref<1x1xf32>) {
  ml.tree_ensemble @nothing ins(%x : memref<1x2xf32>) outs(%y : memref<1x1xf32>)
  return
}

// -----

memref.global constant @short : memref<3xi64> = dense<[2, 0, 1]>

// CHECK: names no ensemble of the weight store: @short
func.func @cut(%x: memref<1x2xf32>, %y: memref<1x1xf32>) {
  ml.tree_ensemble @short ins(%x : memref<1x2xf32>) outs(%y : memref<1x1xf32>)
  return
}
