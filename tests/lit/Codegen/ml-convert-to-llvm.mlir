// Loops, vectors and memory become the LLVM dialect and nothing else; an array is one pointer, as the contract has it.
// RUN: mlc-opt %s --ml-convert-to-llvm | FileCheck %s --implicit-check-not=unrealized_conversion_cast

// CHECK: llvm.mlir.global external constant @w() {{.*}}alignment = 64 : i64{{.*}} : !llvm.array<8 x f32>
memref.global constant @w : memref<8xf32> {alignment = 64 : i64}

// CHECK: llvm.func @scale(%{{[^,]*}}: !llvm.ptr, %{{[^,]*}}: !llvm.ptr)
// CHECK: llvm.mlir.addressof @w
// CHECK: llvm.cond_br
// CHECK: llvm.load {{.*}} : !llvm.ptr -> vector<8xf32>
// CHECK: llvm.fmul {{.*}} : vector<8xf32>
// CHECK: llvm.store {{.*}} : vector<8xf32>, !llvm.ptr
func.func @scale(%in: memref<64xf32>, %out: memref<64xf32>) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %c64 = arith.constant 64 : index
  %w = memref.get_global @w : memref<8xf32>
  %v = vector.load %w[%c0] : memref<8xf32>, vector<8xf32>
  scf.for %i = %c0 to %c64 step %c8 {
    %x = vector.load %in[%i] : memref<64xf32>, vector<8xf32>
    %y = arith.mulf %x, %v : vector<8xf32>
    vector.store %y, %out[%i] : memref<64xf32>, vector<8xf32>
  }
  return
}

// The frame of temporaries.
// CHECK: llvm.func @frame(
// CHECK: llvm.alloca {{.*}} {alignment = 64 : i64}
func.func @frame(%in: memref<f32>, %out: memref<f32>) {
  %c0 = arith.constant 0 : index
  %frame = memref.alloca() {alignment = 64 : i64} : memref<64xi8>
  %t = memref.view %frame[%c0][] : memref<64xi8> to memref<1xf32>
  %x = memref.load %in[] : memref<f32>
  memref.store %x, %t[%c0] : memref<1xf32>
  %y = memref.load %t[%c0] : memref<1xf32>
  memref.store %y, %out[] : memref<f32>
  return
}
