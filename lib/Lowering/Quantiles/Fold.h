// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// A quantile map as tables: per column, cubics between ascending keys.
#pragma once

#include "mlc/Model/Quantiles.h"
#include <array>

namespace mlc {

/// The numbers of one floating-point type in their order, counted: what can be asked of x is asked of these.
class Grid {
public:
  explicit Grid(bool wide) : wide(wide) {}
  bool isWide() const { return wide; }
  int64_t place(double x) const; ///< of a number of the type; both zeros have place 0
  double at(int64_t place) const;
  double largest() const;
  double upwards(double x) const; ///< the smallest number not below x
  double next(double x) const { return at(place(x) + 1); }
  double previous(double x) const { return at(place(x) - 1); }
  /// The smallest finite number for which `holds`, which never turns false again; infinity if there is none.
  template <typename Predicate> double first(Predicate holds) const {
    int64_t low = place(-largest()), high = place(largest()) + 1;
    while (low < high) {
      int64_t middle = low + (high - low) / 2;
      holds(at(middle)) ? high = middle : low = middle + 1;
    }
    return at(low);
  }

private:
  bool wide;
};

/// From `begin` on: c[0] + c[1] t + c[2] t^2 + …, t = x - begin.
struct Piece {
  double begin;
  std::array<double, 6> c;
};

/// As many powers as float32 x (whose own rounding is more than what cubics miss) and float64 x deserve.
inline int degreeFor(const Grid &grid) { return grid.isWide() ? 5 : 3; }
/// How far the pieces may be off, in units of the normal distribution where there is one.
inline double toleranceFor(const Grid &grid) { return grid.isWide() ? 1e-13 : 2e-9; }

/// The columns of `map`. The first piece of each also holds for all lower x. Throws through `node` if there would be too many.
std::vector<std::vector<Piece>> fold(const QuantileMap &map, const Grid &grid, const NodeView &node);

} // namespace mlc
