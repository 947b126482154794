// RUN: mlc-opt %s --ml-expand-math --verify-diagnostics

func.func @half(%x: vector<8xf16>) -> vector<8xf16> {
  // expected-error @below {{no expansion for type 'vector<8xf16>'; f32, f64 and vectors of them have one}}
  %0 = math.exp %x : vector<8xf16>
  return %0 : vector<8xf16>
}
