// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Images of floats, and a forest as one array of the weight store.
#include "mlc/Dialect/Forest.h"

#include "mlc/Support/Error.h"

#include <bit>
#include <cstring>

namespace mlc {

int64_t image(float x) {
  auto bits = std::bit_cast<int32_t>(x);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

int64_t image(double x) {
  auto bits = std::bit_cast<int64_t>(x);
  return bits ^ ((bits >> 63) & 0x7fffffffffffffff);
}

namespace {

/// Writes and reads the same fields in the same order.
struct Writer {
  std::vector<int64_t> out;
  void operator()(int64_t value) { out.push_back(value); }
  void operator()(bool value) { out.push_back(value); }
  void operator()(double value) { out.push_back(std::bit_cast<int64_t>(value)); }
  void operator()(Forest::Combine value) { out.push_back(int64_t(value)); }
  template <typename T> void operator()(const std::vector<T> &list) {
    (*this)(int64_t(list.size()));
    for (const T &item : list)
      (*this)(item);
  }
  void operator()(const Forest::Decision &d) { (*this)(d.feature), (*this)(d.nan), (*this)(d.low), (*this)(d.high); }
};

struct Reader {
  const std::vector<int64_t> &in;
  size_t at = 0;
  int64_t next() {
    if (at == in.size())
      fail("an ensemble of trees ends too soon");
    return in[at++];
  }
  void operator()(int64_t &value) { value = next(); }
  void operator()(bool &value) { value = next() != 0; }
  void operator()(double &value) { value = std::bit_cast<double>(next()); }
  void operator()(Forest::Combine &value) { value = Forest::Combine(next()); }
  template <typename T> void operator()(std::vector<T> &list) {
    size_t count = size_t(next());
    if (count > in.size() - at)
      fail("an ensemble of trees ends too soon");
    list.resize(count);
    for (T &item : list)
      (*this)(item);
  }
  void operator()(Forest::Decision &d) { (*this)(d.feature), (*this)(d.nan), (*this)(d.low), (*this)(d.high); }
};

template <typename F, typename Visitor> void visit(F &f, Visitor &v) {
  v(f.features), v(f.wide), v(f.targets), v(f.combine), v(f.divisor), v(f.baseFirst), v(f.doubleSum), v(f.base),
      v(f.decisions);
  v(f.column), v(f.key), v(f.left), v(f.right), v(f.nanRight), v(f.roots), v(f.leafBegin), v(f.leafTarget),
      v(f.leafWeight);
}

} // namespace

Weight Forest::toWeight() const {
  Writer writer;
  visit(*this, writer);
  Weight weight{std::vector<uint8_t>(writer.out.size() * 8), "i64", {int64_t(writer.out.size())}};
  std::memcpy(weight.bytes.data(), writer.out.data(), weight.bytes.size());
  return weight;
}

Forest Forest::fromWeight(const Weight &weight) {
  std::vector<int64_t> words(weight.bytes.size() / 8);
  std::memcpy(words.data(), weight.bytes.data(), weight.bytes.size());
  Forest forest;
  Reader reader{words};
  visit(forest, reader);
  return forest;
}

} // namespace mlc
