// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// For tests: builds a graph of one operator and evaluates it in double.
#pragma once

#include "mlc/Reference/Reference.h"
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <limits>

namespace mlc::test {

inline const double kInf = std::numeric_limits<double>::infinity();
inline const double kNaN = std::numeric_limits<double>::quiet_NaN();

inline RefTensor floats(Shape shape, std::vector<double> values, DType type = DType::Float32) {
  RefTensor t = RefTensor::zeros(type, std::move(shape));
  t.f = std::move(values);
  return t;
}
inline RefTensor row(std::vector<double> values, DType type = DType::Float32) {
  return floats({int64_t(values.size())}, values, type);
}
inline RefTensor ints(Shape shape, std::vector<int64_t> values, DType type = DType::Int64) {
  RefTensor t = RefTensor::zeros(type, std::move(shape));
  t.i = std::move(values);
  return t;
}
inline RefTensor absent() { return RefTensor::zeros(DType::Float32, {0}); }

/// An operand of the node under test: fed at run time, or known when the graph is built.
struct Operand {
  Operand(RefTensor value, bool known = false) : value(std::move(value)), known(known) {}
  RefTensor value;
  bool known;
};
inline Operand known(RefTensor value) { return Operand(std::move(value), true); }

/// All outputs of `op`.
inline std::vector<RefTensor> evalAll(OpKind op, const std::vector<Operand> &operands, Attributes attributes = {}) {
  GraphBuilder builder;
  std::vector<ValueId> ids;
  std::vector<RefTensor> fed;
  for (const Operand &operand : operands) {
    if (operand.value.shape == Shape{0}) {
      ids.push_back(kNoValue);
    } else if (operand.known) {
      ids.push_back(builder.constant(operand.value.toTensor()));
    } else {
      ids.push_back(builder.input(str("x", ids.size()), operand.value.dtype, operand.value.shape));
      fed.push_back(operand.value);
    }
  }
  for (ValueId id : builder.add(op, ids, std::move(attributes), "node"))
    builder.output(id);
  return evaluate(builder.finish(), fed);
}
inline RefTensor eval(OpKind op, const std::vector<Operand> &operands, Attributes attributes = {}) {
  return evalAll(op, operands, std::move(attributes)).front();
}

/// Constants are rounded to float32 in the graph, so results agree to float precision, not to that of double.
inline void expectNear(const RefTensor &got, const std::vector<double> &want, double tolerance = 2e-7) {
  ASSERT_EQ(got.f.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    if (std::isnan(want[i]) || std::isinf(want[i]))
      EXPECT_TRUE(std::isnan(want[i]) ? std::isnan(got.f[i]) : got.f[i] == want[i]) << "at " << i << ": " << got.f[i];
    else
      EXPECT_NEAR(got.f[i], want[i], tolerance * (1 + std::fabs(want[i]))) << "at " << i;
  }
}

/// The message of the Error that `action` throws; empty if it throws none.
inline std::string errorOf(const std::function<void()> &action) {
  try {
    action();
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

} // namespace mlc::test
