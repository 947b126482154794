// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// One way to evaluate the same rows. The timed loops are made for each kind, so that its call is a direct one.
#ifndef MLC_BENCH_CONTESTANT_HPP
#define MLC_BENCH_CONTESTANT_HPP

#include "clock.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// An input or output of a model: `rows` times its shape, one row after the other. The memory is the caller's.
struct Port {
  const char *name;
  int dtype, rank; // dtype: mlc_dtype
  const int64_t *shape;
  char *data;
  size_t rowBytes;

  char *row(size_t i) const { return data + i * rowBytes; }
  float *floats(size_t i) const { return reinterpret_cast<float *>(row(i)); }
  size_t columns() const { return rowBytes / sizeof(float); }
};

struct Data {
  size_t rows;
  std::vector<Port> inputs, outputs;
};

class Contestant {
public:
  explicit Contestant(Data given) : data(std::move(given)) {}
  virtual ~Contestant() = default;

  /// Evaluates rows [first, last) one by one; the ticks it took.
  virtual uint64_t timeRows(size_t first, size_t last) = 0;
  /// The same in calls of `size` rows; first and last are multiples of it.
  virtual uint64_t timeBatches(size_t first, size_t last, size_t size) = 0;
  /// Prepares calls of `size` rows; false if there are none.
  virtual bool prepareBatch(size_t size) = 0;

  /// Brings a row's inputs and outputs into the first cache, as in a program that has just computed them.
  void touch(size_t row) const;

  const Data data;
  double loadMilliseconds = 0; // of a rival's model
};

/// `Kind` has row(i) and batch(first, size).
template <class Kind> class Timed : public Contestant {
public:
  using Contestant::Contestant;
  uint64_t timeRows(size_t first, size_t last) final {
    auto &self = static_cast<Kind &>(*this);
    uint64_t begin = ticks::begin();
    for (size_t i = first; i < last; ++i)
      self.row(i);
    return ticks::end() - begin;
  }
  uint64_t timeBatches(size_t first, size_t last, size_t size) final {
    auto &self = static_cast<Kind &>(*this);
    uint64_t begin = ticks::begin();
    for (size_t i = first; i < last; i += size)
      self.batch(i, size);
    return ticks::end() - begin;
  }
};

/// f and f_batch (or null) of a compiled model: inputs x, or x and the random input; output y.
std::unique_ptr<Contestant> makeFunction(Data data, void *one, void *batch);
/// These three throw std::runtime_error. `library` and `model` are paths; x has all columns, y all outputs.
std::unique_ptr<Contestant> makeOnnxRuntime(Data data, const std::string &library, const std::string &model);
std::unique_ptr<Contestant> makeXGBoost(Data data, const std::string &library, const std::string &model);
std::unique_ptr<Contestant> makeLightGBM(Data data, const std::string &library, const std::string &model);

} // namespace bench

#endif
