// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// ai.onnx.ml: linear models and the transformations of their scores. The specification leaves binary classifiers and
// single scores open; ONNX Runtime's behaviour is what models are trained and checked against, so it is followed here.
#include "ClassicMl.h"
#include <cmath>

namespace mlc {

namespace {

const char *const kTransforms = "NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO, PROBIT";

[[noreturn]] void badTransform(const NodeView &node, const std::string &found) {
  node.error(str("attribute 'post_transform' is '", printable(found), "'; supported: ", kTransforms));
}

/// Softmax in which scores of zero stay zero (a score of 0 means "no vote").
Term softmaxZero(Expander &e, Term scores, int64_t axis) {
  const double tiny = 1e-7;
  Term largest = e.reduce(OpKind::ReduceMax, scores, {axis});
  Term votes = e.greater(e.op(OpKind::Abs, {scores}), tiny);
  Term exponential = e.op(OpKind::Exp, {e.sub(scores, largest)});
  // Beside a score this small the largest is at least as great, so cutting it at 0 changes nothing but keeps exp small.
  Term small = e.mul(scores, e.op(OpKind::Exp, {e.op(OpKind::Neg, {e.max(largest, 0.0)})}));
  Term terms = e.where(votes, exponential, small);
  Term sum = e.reduce(OpKind::ReduceSum, e.where(votes, exponential, e.scalar(0, scores)), {axis});
  // Without any vote there is nothing to divide by; the reference of the specification answers one half.
  Term none = e.op(OpKind::Equal, {sum, e.scalar(0, scores)});
  Term shares = e.div(terms, e.where(none, e.scalar(1, scores), sum));
  return e.where(none, e.scalar(0.5, scores), shares);
}

/// √2 erf⁻¹(2 p - 1) by the approximation that ONNX Runtime uses, evaluated in double and without cancellation.
Term probit(Expander &e, Term scores) {
  const double a = 0.147;
  Term u = e.sub(e.mul(e.cast(scores, DType::Float64), 2.0), 1.0);
  Term one = e.scalar(1, u);
  Term log = e.op(OpKind::Log, {e.mul(e.sub(one, u), e.add(one, u))});
  Term v = e.add(e.mul(log, 0.5), 2 / (3.14159 * a));
  Term w = e.mul(log, 1 / a);
  // -v + √(v² - w) with -w ≥ 0; for positive v as the quotient that does not subtract nearly equal numbers.
  Term root = e.op(OpKind::Sqrt, {e.sub(e.mul(v, v), w)});
  Term sum = e.add(e.op(OpKind::Abs, {v}), root);
  Term square = e.where(e.greater(v, 0.0), e.div(e.op(OpKind::Neg, {w}), sum), sum);
  Term size = e.mul(e.op(OpKind::Sqrt, {square}), std::sqrt(2.0));
  return e.cast(e.where(e.less(u, 0.0), e.op(OpKind::Neg, {size}), size), e.dtype(scores));
}

/// Rows x features times coefficients [targets, features] plus intercepts.
Term linearScores(Expander &e, Term x, int64_t targets) {
  std::vector<double> coefficients = e.node.getFloats("coefficients"), intercepts = e.node.getFloats("intercepts");
  int64_t features = e.shape(x)[1];
  if (targets < 1 || checkedMul(targets, features) != int64_t(coefficients.size()))
    e.node.error(str("attribute 'coefficients' has ", coefficients.size(), " entries for ", targets, " rows of ",
                     features, " features"));
  if (!intercepts.empty() && int64_t(intercepts.size()) != targets)
    e.node.error(str("attribute 'intercepts' has ", intercepts.size(), " entries; expected none or ", targets));
  std::vector<ValueId> operands{x, e.vector(coefficients, {targets, features}, e.dtype(x))};
  if (!intercepts.empty())
    operands.push_back(e.vector(intercepts, {targets}, e.dtype(x)));
  return e.op(OpKind::Gemm, operands, {{"transB", int64_t(1)}});
}

/// The labels of a classifier as integers. Labels that are strings are represented by their index.
std::vector<int64_t> labelsOf(const NodeView &node) {
  auto it = node.attrs.find("classlabels_strings");
  const auto *names = it == node.attrs.end() ? nullptr : std::get_if<std::vector<std::string>>(&it->second);
  if (!names || names->empty())
    return node.getInts("classlabels_ints");
  std::vector<int64_t> indices(names->size());
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

Term gatherLabels(Expander &e, const std::vector<int64_t> &labels, Term index) {
  std::vector<int64_t> plain(labels.size());
  std::iota(plain.begin(), plain.end(), 0);
  if (labels == plain)
    return index;
  Term table = e.constant(Tensor::of<int64_t>({int64_t(labels.size())}, labels));
  return e.op(OpKind::Gather, {table, index}, {{"axis", int64_t(0)}});
}

} // namespace

Term postTransform(Expander &e, Term scores) { return postTransform(e, scores, e.node.getString("post_transform", "NONE")); }

Term postTransform(Expander &e, Term scores, const std::string &name) {
  int64_t axis = e.rank(scores) - 1;
  bool single = e.shape(scores).back() == 1;
  if (name == "PROBIT")
    return probit(e, scores);
  if (name == "LOGISTIC")
    return single ? scores : e.op(OpKind::Sigmoid, {scores});
  if (name == "SOFTMAX")
    return single ? scores : e.softmax(scores, axis);
  if (name == "SOFTMAX_ZERO")
    return single ? scores : softmaxZero(e, scores, axis);
  if (name != "NONE")
    badTransform(e.node, name);
  return scores;
}

Term binaryScores(Expander &e, Term score) {
  std::string name = e.node.getString("post_transform", "NONE");
  Term negative, positive = score;
  if (name == "LOGISTIC") {
    positive = e.op(OpKind::Sigmoid, {score});
    negative = e.op(OpKind::Sigmoid, {e.op(OpKind::Neg, {score})});
  } else if (name == "NONE" || name == "SOFTMAX" || name == "SOFTMAX_ZERO") {
    negative = e.sub(e.scalar(1, score), score);
  } else if (name == "PROBIT") {
    e.node.error("attribute 'post_transform' is 'PROBIT' for two classes with one score; supported here: NONE, "
                 "SOFTMAX, LOGISTIC, SOFTMAX_ZERO");
  } else {
    badTransform(e.node, name);
  }
  return e.op(OpKind::Concat, {negative, positive}, {{"axis", e.rank(score) - 1}});
}

void expandLinearRegressor(ExpandContext &ctx) {
  Expander e(ctx);
  DType type = e.dtype(e.in()) == DType::Float64 ? DType::Float64 : DType::Float32;
  Term scores = linearScores(e, asRows(e, e.cast(e.in(), type)), ctx.node.getInt("targets", 1));
  e.result(e.cast(postTransform(e, scores), DType::Float32));
}

// Outputs the label and the scores. String labels have no type here: the label output is then the index of the class.
void expandLinearClassifier(ExpandContext &ctx) {
  Expander e(ctx);
  Term x = asRows(e, e.cast(e.in(), DType::Float32));
  std::vector<int64_t> labels = labelsOf(ctx.node);
  int64_t features = e.shape(x)[1], entries = int64_t(ctx.node.getFloats("coefficients").size());
  if (features == 0 || entries == 0 || entries % features != 0)
    ctx.node.error(str("attribute 'coefficients' has ", entries, " entries for ", features, " features"));
  int64_t classes = entries / features, rows = e.shape(x)[0];
  Term scores = linearScores(e, x, classes);

  if (classes == 1) {
    if (!labels.empty() && labels.size() != 2)
      ctx.node.error(str(labels.size(), " class labels for one row of coefficients; expected 2"));
    std::vector<int64_t> pair = labels.empty() ? std::vector<int64_t>{0, 1} : labels;
    Term negative = e.constant(Tensor::of<int64_t>({}, {pair[0]}));
    Term positive = e.constant(Tensor::of<int64_t>({}, {pair[1]}));
    e.result(e.where(e.greater(e.reshape(scores, {rows}), 0.0), positive, negative));
    e.result(labels.empty() ? postTransform(e, scores) : binaryScores(e, scores));
    return;
  }
  if (int64_t(labels.size()) != classes)
    ctx.node.error(str(labels.size(), " class labels for ", classes, " rows of coefficients"));
  // The label is that of the greatest score before the transformation.
  Term best = e.op(OpKind::ArgMax, {scores}, {{"axis", int64_t(1)}, {"keepdims", int64_t(0)}});
  e.result(gatherLabels(e, labels, best));
  e.result(postTransform(e, scores));
}

} // namespace mlc
