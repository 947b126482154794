// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Everything that QuantileTransformer does to a column, cut into polynomials: interpolation in both directions, bounds, clipping, and the
// normal distribution's function or its inverse.
#include "Fold.h"

#include "mlc/Support/Normal.h"
#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>

namespace mlc {

int64_t Grid::place(double x) const {
  int64_t magnitude = wide ? int64_t(std::bit_cast<uint64_t>(std::fabs(x))) : int64_t(std::bit_cast<uint32_t>(std::fabs(float(x))));
  return std::signbit(x) ? -magnitude : magnitude;
}

double Grid::at(int64_t place) const {
  uint64_t magnitude = uint64_t(place < 0 ? -place : place);
  double x = wide ? std::bit_cast<double>(magnitude) : double(std::bit_cast<float>(uint32_t(magnitude)));
  return place < 0 ? -x : x;
}

double Grid::largest() const { return wide ? DBL_MAX : double(FLT_MAX); }

double Grid::upwards(double x) const {
  if (wide || std::isinf(x))
    return x;
  if (x > FLT_MAX)
    return INFINITY;
  double y = x < -FLT_MAX ? -double(FLT_MAX) : double(float(x));
  return y < x ? next(y) : y;
}

namespace {

constexpr size_t kMostPieces = 1 << 21; ///< of all columns, each as long as the longest

void checkCount(size_t pieces, const QuantileMap &map, const NodeView &node) {
  if (pieces > kMostPieces / size_t(map.columns))
    node.error(str("needs more than ", kMostPieces, " pieces: too many columns, or quantiles too close to each other"));
}

/// Polynomials on [from, to], halved until their error is below tolerance(a, e, f(a), f(e)).
class Fitter {
public:
  Fitter(const QuantileMap &map, const Grid &grid, const NodeView &node) : map(map), grid(grid), node(node), degree(size_t(degreeFor(grid))) {}

  template <typename Function, typename Tolerance> void fit(double from, double to, const Function &value, const Tolerance &tolerance) {
    std::vector<std::pair<double, double>> open{{from, to}};
    while (!open.empty()) {
      auto [a, e] = open.back();
      open.pop_back();
      Piece piece{a, {value(a)}};
      if (a < e && !approximate(a, e, value, tolerance, piece)) {
        double middle = std::clamp(grid.upwards(a + 0.5 * (e - a)), grid.next(a), e);
        open.push_back({middle, e});
        open.push_back({a, grid.previous(middle)});
        continue;
      }
      checkCount(pieces.size(), map, node);
      pieces.push_back(piece);
    }
  }

  void constant(double begin, double value) { pieces.push_back({begin, {value}}); }
  std::vector<Piece> take() { return std::move(pieces); }
  size_t count() const { return pieces.size(); }

private:
  template <typename Function, typename Tolerance>
  bool approximate(double a, double e, const Function &value, const Tolerance &tolerance, Piece &piece) const {
    static constexpr double kCubic[] = {0, 0.25, 0.75, 1}, kQuintic[] = {0, 0.095491502812526288, 0.34549150281252629, 0.65450849718747371, 0.90450849718747371, 1};
    const double *nodes = degree == 3 ? kCubic : kQuintic; // Chebyshev's with the ends
    const double h = e - a;
    auto along = [&](double s) { return ((a + s * h) - a) / h; }; // steep lines notice how a + s h is rounded
    double s[6], d[6];
    for (size_t k = 0; k <= degree; ++k)
      s[k] = along(nodes[k]), d[k] = k ? value(a + nodes[k] * h) : piece.c[0];
    const double limit = tolerance(a, e, d[0], d[degree]), difference = d[degree] - d[0];
    for (size_t order = 1; order <= degree; ++order) // Newton's divided differences
      for (size_t k = degree; k >= order; --k)
        d[k] = (d[k] - d[k - 1]) / (s[k] - s[k - order]);
    std::array<double, 6> c{d[degree]}; // by powers of s = (x - a) / h
    for (size_t k = degree; k-- > 0;) {
      for (size_t power = degree - k; power > 0; --power)
        c[power] = c[power - 1] - s[k] * c[power];
      c[0] = d[k] - s[k] * c[0];
    }
    if (!scale(c, h, piece)) { // a few neighbours, or tiny numbers
      c = {piece.c[0], difference};
      if (!scale(c, h, piece))
        return false;
    }
    for (size_t k = 0; k < degree; ++k) {
      double x = a + 0.5 * (nodes[k] + nodes[k + 1]) * h, at = (x - a) / h, sum = 0;
      for (size_t power = degree + 1; power-- > 0;)
        sum = sum * at + c[power];
      if (!(std::fabs(sum - value(x)) <= limit))
        return false;
    }
    return true;
  }

  /// From powers of s to powers of t = s h.
  bool scale(const std::array<double, 6> &c, double h, Piece &piece) const {
    Piece scaled{piece.begin, {}};
    double factor = 1;
    for (size_t power = 0; power <= degree; ++power, factor /= h)
      scaled.c[power] = c[power] == 0 ? 0 : c[power] * factor;
    if (!std::all_of(scaled.c.begin(), scaled.c.end(), [](double v) { return std::isfinite(v); }))
      return false;
    piece = scaled;
    return true;
  }

  const QuantileMap &map;
  const Grid &grid;
  const NodeView &node;
  const size_t degree;
  std::vector<Piece> pieces;
};

/// A column forwards.
class Forward {
public:
  Forward(const QuantileMap &map, int64_t column, const Grid &grid, const NodeView &node)
      : map(map), q(map.column(column)), r(map.references), n(map.references.size()), grid(grid), fitter(map, grid, node) {}

  std::vector<Piece> run() {
    if (map.normal) { // beyond [lower, upper) lie the bounds; the lower one wins
      lower = grid.first([&](double x) { return !(x - QuantileMap::kThreshold < q[0]); });
      upper = std::max(lower, grid.first([&](double x) { return x + QuantileMap::kThreshold > q[n - 1]; }));
      fitter.constant(std::max(-grid.largest(), grid.previous(lower)), result(0));
    } else {
      fitter.constant(-grid.largest(), r[0]);
    }
    for (size_t first = 0, last; first < n; first = last + 1) {
      last = size_t(std::upper_bound(q + first, q + n, q[first]) - q) - 1;
      double knot = q[first], begin = grid.upwards(knot);
      if (begin == knot && first < last) {
        bool atEnd = !map.normal && (first == 0 || last + 1 == n); // a bound in itself
        constant(knot, grid.next(knot), result(atEnd ? (first == 0 ? 0.0 : 1.0) : 0.5 * (r[first] + r[last])));
        begin = grid.next(knot);
      }
      if (last + 1 == n)
        constant(begin, upper, result(r[last]));
      else
        line(begin, grid.upwards(q[last + 1]), knot, r[last], q[last + 1], r[last + 1]);
    }
    if (upper < INFINITY)
      fitter.constant(upper, result(1));
    return fitter.take();
  }

private:
  /// The result for a share p, given from the nearer end.
  double result(double fromBelow, double fromAbove) const {
    if (!map.normal)
      return fromBelow;
    return fromBelow < 0.5 ? normalQuantile(std::max(fromBelow, QuantileMap::kLeast)) : -normalQuantile(std::max(fromAbove, QuantileMap::kLeast));
  }
  double result(double p) const { return result(p, 1 - p); }

  /// On [begin, end), which may be empty: no number of the type need lie between two doubles.
  void constant(double begin, double end, double value) {
    begin = std::max(begin, lower);
    if (begin < std::min(end, upper))
      fitter.constant(begin, value);
  }

  void line(double begin, double end, double x0, double p0, double x1, double p1) {
    begin = std::max(begin, lower), end = std::min(end, upper);
    if (!(begin < end))
      return;
    double slope = std::min(DBL_MAX, (p1 - p0) / (x1 - x0)); // steps of denormals
    fitter.fit(begin, std::min(grid.largest(), grid.previous(end)),
               [&](double x) { return result(p0 + (x - x0) * slope, (1 - p1) + (x1 - x) * slope); },
               [&](double, double, double, double) { return toleranceFor(grid); });
  }

  const QuantileMap &map;
  const double *q;
  const std::vector<double> &r;
  const size_t n;
  const Grid &grid;
  Fitter fitter;
  double lower = -INFINITY, upper = INFINITY;
};

/// All columns backwards. They differ in the ends of each line only, so what is fitted is how far along its line x is.
std::vector<std::vector<Piece>> inverse(const QuantileMap &map, const Grid &grid, const NodeView &node) {
  const auto &r = map.references;
  double lower = 0, upper = 1;
  if (map.normal) {
    lower = grid.first([](double z) { return !(normalProbability(z) - QuantileMap::kThreshold < 0); });
    upper = grid.first([](double z) { return normalProbability(z) + QuantileMap::kThreshold > 1; });
  }
  Fitter fitter(map, grid, node);
  std::vector<size_t> ends; // line i ends in front of piece ends[i]
  auto beginOf = [&](size_t i) { return std::clamp(grid.upwards(map.normal ? normalQuantile(r[i]) : r[i]), lower, upper); };
  for (size_t i = 0; i + 1 < r.size(); ++i) {
    double begin = beginOf(i), end = i + 2 < r.size() ? beginOf(i + 1) : upper, width = r[i + 1] - r[i];
    auto along = [&](double x) {
      if (!map.normal)
        return (x - r[i]) / width;
      return x > 0 ? 1 + ((1 - r[i + 1]) - normalTail(x)) / width : (normalTail(x) - r[i]) / width;
    };
    if (begin < end) // off by no more than a change of so much in x makes
      fitter.fit(begin, grid.previous(end), along, [&](double a, double e, double fa, double fe) {
        return toleranceFor(grid) * (fe - fa) / (map.normal ? e - a : 1) + 4e-16;
      });
    ends.push_back(fitter.count());
  }
  std::vector<Piece> shared = fitter.take();
  std::vector<std::vector<Piece>> columns;
  for (int64_t c = 0; c < map.columns; ++c) {
    const double *q = map.column(c);
    std::vector<Piece> pieces{{std::max(-grid.largest(), grid.previous(lower)), {q[0]}}};
    for (size_t i = 0, k = 0; i < ends.size(); ++i)
      for (; k < ends[i]; ++k) {
        Piece piece = shared[k];
        for (double &c : piece.c)
          c *= q[i + 1] - q[i];
        piece.c[0] += q[i];
        pieces.push_back(piece);
      }
    pieces.push_back({upper, {q[r.size() - 1]}});
    columns.push_back(std::move(pieces));
  }
  return columns;
}

} // namespace

std::vector<std::vector<Piece>> fold(const QuantileMap &map, const Grid &grid, const NodeView &node) {
  if (map.inverse)
    return inverse(map, grid, node);
  std::vector<std::vector<Piece>> columns;
  for (int64_t c = 0; c < map.columns; ++c)
    columns.push_back(Forward(map, c, grid, node).run());
  return columns;
}

} // namespace mlc
