// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// For RDataFrame: what a compiled function says of all tracks of an event.
#ifndef RESPOND_HPP
#define RESPOND_HPP
#include "response.h"
#include <ROOT/RVec.hxx>

using Compiled = float *(*)(float *out, const float *in);

/// Two numbers per track.
inline ROOT::RVecF respond(Compiled f, const ROOT::RVecF &p, const ROOT::RVecF &eta, const ROOT::RVecF &phi, const ROOT::RVecF &x,
                           const ROOT::RVecF &y, const ROOT::RVecF &hits, const ROOT::RVecF &chi2) {
  ROOT::RVecF out(2 * p.size());
  for (size_t i = 0; i < p.size(); ++i) {
    const float in[7] = {p[i], eta[i], phi[i], x[i], y[i], hits[i], chi2[i]};
    f(&out[2 * i], in);
  }
  return out;
}

#endif
