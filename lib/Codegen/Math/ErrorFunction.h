// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// erf.
#pragma once

#include "Exponential.h"

namespace mlc::elementary {

/// erf(t)/t - 1 for z = t^2, t below the step in erf().
template <class F> F erfSmall(F z) {
  if constexpr (isFloat32<F>)
    return horner(z, 0x1.06eba6p-3, -0x1.8126aap-2, 0x1.cdffaap-4, -0x1.b33878p-6, 0x1.1fc04p-8);
  else
    return horner(z, 0x1.06eba8214db69p-3, -0x1.812746b037a32p-2, 0x1.ce2f21a046d43p-4, -0x1.b82ce313e8b31p-6,
                  0x1.565bcd4a32db1p-8, -0x1.c02dbf844da33p-11, 0x1.f9a4780620909p-14, -0x1.f4e8f07077c61p-17,
                  0x1.bab0457994adap-20, -0x1.611206f15d31fp-23, 0x1.c69985a4c4a85p-27);
}

/// 1 - erf(t) for t from the step to where it no longer changes 1. Its error counts the less the greater t.
template <class F> F erfComplement(F t) {
  if constexpr (isFloat32<F>) {
    // 2^(t P(t)), and an exponential short of what exp needs.
    F u = t * horner(t, -0x1.a0cc04p+0, -0x1.d5916ap-1, -0x1.370606p-3, 0x1.0e689ep-5, -0x1.2f3a4ap-8,
                         0x1.413fe8p-12);
    F shifted = u + shifter<F>, r = u - (shifted - shifter<F>);
    return horner(r, 1.0, 0x1.62e42ap-1, 0x1.ebf9a2p-3, 0x1.c6b58ep-5, 0x1.3cf4d8p-7, 0x1.5cc57cp-10) *
           powerOfTwo(shifted);
  } else {
    F u = t * horner(t, -0x1.20dd753ff18b6p+0, -0x1.45f3009cca33ap-1, -0x1.a4f61aa90c1dap-4, 0x1.397964d04d885p-6,
                     0x1.9d4ef5ca45100p-13, -0x1.b6549bbdac19fp-10, 0x1.221ce936d02bap-11, 0x1.2fde21ed97cf4p-16,
                     -0x1.bdc59d192f2cap-14, 0x1.0180c82dfb9c9p-14, -0x1.788b712f5fb68p-16, 0x1.945d8138ab5b7p-18,
                     -0x1.4a15e02c1811ep-20, 0x1.9869e12c1207cp-23, -0x1.74a2cafceb35ep-26, 0x1.d9deb9a95ef89p-30,
                     -0x1.773abe614a045p-34, 0x1.1687e4d33574fp-39);
    auto [shifted, r] = reduceByLn2(u, t.constant(shifter<F>));
    return (smallExpm1(r) + 1.0) * powerOfTwo(shifted);
  }
}

template <class F> F erf(F x) {
  F t = atMost(abs(x), isFloat32<F> ? 3.953125 : 5.9375);
  F small = mulAdd(t, erfSmall(t * t), t);
  F large = 1.0 - erfComplement(t);
  return attachSign(select(t < (isFloat32<F> ? 0.65625 : 0.75), small, large), x);
}

} // namespace mlc::elementary
