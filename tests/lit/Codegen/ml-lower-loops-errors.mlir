// RUN: mlc-opt %s --ml-lower-loops --verify-diagnostics

#i = affine_map<(i) -> (i)>

func.func @dynamic(%a: memref<8xf32, strided<[?]>>, %c: memref<8xf32>) {
  // expected-error @below {{works on memory whose layout is not static}}
  linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%a : memref<8xf32, strided<[?]>>) outs(%c : memref<8xf32>) {
  ^bb0(%x: f32, %o: f32):
    linalg.yield %x : f32
  }
  return
}
