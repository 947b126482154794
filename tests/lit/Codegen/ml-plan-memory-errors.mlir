// RUN: mlc-opt %s --max-stack=100 --ml-plan-memory --verify-diagnostics

// expected-error @below {{needs 128 bytes of stack for temporaries, more than the limit of 100; raise it with the option max-stack}}
func.func @large(%in: memref<32xf32>, %out: memref<32xf32>) {
  %a = memref.alloc() : memref<32xf32>
  memref.copy %in, %a : memref<32xf32> to memref<32xf32>
  memref.copy %a, %out : memref<32xf32> to memref<32xf32>
  return
}
