// Every function of the math dialect that would become a call is replaced; fusing happens in fast mode only.
// RUN: mlc-opt %s --ml-expand-math | FileCheck %s --implicit-check-not='{{math.(exp|log|tanh|erf|pow|cbrt|fma)|= ml[.]}}'
// RUN: mlc-opt %s --ml-expand-math=fast=true | FileCheck %s --check-prefixes=CHECK,FAST --implicit-check-not='{{math.(exp|log|tanh|erf|pow|cbrt)|= ml[.]}}'

// One division, bits of the power of two made by a shift, no conversion between integers and floats.
// CHECK-LABEL: func.func @tanh
// FAST: math.fma
// CHECK: arith.shli {{.*}} : vector<8xi32>
// CHECK: arith.divf {{.*}} : vector<8xf32>
// CHECK-NOT: arith.divf
// CHECK: arith.ori
// CHECK: return {{.*}} : vector<8xf32>
func.func @tanh(%x: vector<8xf32>) -> vector<8xf32> {
  %0 = math.tanh %x : vector<8xf32>
  return %0 : vector<8xf32>
}

// CHECK-LABEL: func.func @scalar
// CHECK-NOT: arith.divf
// CHECK: arith.bitcast {{.*}} : f32 to i32
// CHECK: return {{.*}} : f32
func.func @scalar(%x: f32) -> f32 {
  %0 = math.exp %x : f32
  return %0 : f32
}

// CHECK-LABEL: func.func @double
// CHECK: arith.bitcast {{.*}} : vector<4xf64> to vector<4xi64>
// CHECK: return {{.*}} : vector<4xf64>
func.func @double(%x: vector<4xf64>) -> vector<4xf64> {
  %0 = math.log1p %x : vector<4xf64>
  %1 = math.expm1 %0 : vector<4xf64>
  return %1 : vector<4xf64>
}

// float's pow computes in double.
// CHECK-LABEL: func.func @pow
// CHECK: arith.extf {{.*}} : vector<16xf32> to vector<16xf64>
// CHECK: arith.truncf {{.*}} : vector<16xf64> to vector<16xf32>
func.func @pow(%x: vector<16xf32>, %y: vector<16xf32>) -> vector<16xf32> {
  %0 = math.powf %x, %y : vector<16xf32>
  return %0 : vector<16xf32>
}

// CHECK-LABEL: func.func @ml_dialect
// CHECK: arith.divf
func.func @ml_dialect(%x: f32) -> f32 {
  %0 = ml.sigmoid %x : f32
  %1 = ml.softplus %0 : f32
  return %1 : f32
}

// What the hardware has stays.
// CHECK-LABEL: func.func @kept
// CHECK: math.sqrt
// CHECK: math.floor
// CHECK: math.absf
func.func @kept(%x: vector<8xf32>) -> vector<8xf32> {
  %0 = math.sqrt %x : vector<8xf32>
  %1 = math.floor %0 : vector<8xf32>
  %2 = math.absf %1 : vector<8xf32>
  return %2 : vector<8xf32>
}
