// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What the ai.onnx.ml operators share.
#pragma once

#include "Expander.h"

namespace mlc {

/// [C] → [1, C]; [N, C] stays; anything else is an error.
Term asRows(Expander &e, Term x);

/// The scores [N, C] of a linear model or ensemble after `post_transform`, by ONNX Runtime's rules: a single
/// score per row is changed by PROBIT only.
Term postTransform(Expander &e, Term scores);
Term postTransform(Expander &e, Term scores, const std::string &name);

/// One score per row → two columns for a binary classifier, by ONNX Runtime's rules:
/// LOGISTIC gives [σ(-s), σ(s)], everything else [1 - s, s].
Term binaryScores(Expander &e, Term score);

} // namespace mlc
