// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// CatBoost's own files (.cbm): "CBM1", the length of the core, the core as a FlatBuffer; statistics of categories may
// follow.
#include "../Json/Cursor.h"
#include "Model.h"

#include <cstring>
#include <string_view>

namespace mlc::catboost {
namespace {

/// The bytes of a FlatBuffer; every access is checked.
class Buffer {
public:
  explicit Buffer(std::span<const uint8_t> bytes) : bytes(bytes) {}

  template <typename T> T load(size_t at) const {
    if (at > bytes.size() || bytes.size() - at < sizeof(T))
      fail("byte ", at, " lies outside of the file");
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    return value;
  }

  /// Offsets point forwards.
  size_t follow(size_t at) const { return at + load<uint32_t>(at); }

private:
  std::span<const uint8_t> bytes;
};

template <typename T> class Vector;

class Table {
public:
  Table(const Buffer &buffer, size_t at) : buffer(&buffer), at(at) {
    int64_t fields = int64_t(at) - buffer.load<int32_t>(at);
    if (fields < 0)
      fail("a table at byte ", at, " has its description before the file");
    description = size_t(fields);
    size = buffer.load<uint16_t>(description);
  }

  /// Where a field lies; 0 if it is left out.
  size_t place(size_t field) const {
    size_t entry = 4 + 2 * field;
    uint16_t offset = entry + 2 <= size ? buffer->load<uint16_t>(description + entry) : uint16_t(0);
    return offset ? at + offset : 0;
  }

  template <typename T> T value(size_t field, T fallback) const {
    return place(field) ? buffer->load<T>(place(field)) : fallback;
  }
  template <typename T> Vector<T> list(size_t field) const;
  Table table(size_t field, const char *name) const {
    if (!place(field))
      fail("has no ", name);
    return Table(*buffer, buffer->follow(place(field)));
  }
  std::string text(size_t field) const;
  bool is(size_t field, std::string_view text) const;

private:
  const Buffer *buffer;
  size_t at, description = 0;
  uint16_t size = 0;
};

/// Of numbers and structs in place, or of offsets to tables.
template <typename T> class Vector {
public:
  Vector(const Buffer &buffer, size_t at) : buffer(&buffer) {
    if (!at)
      return;
    first = buffer.follow(at) + sizeof(uint32_t);
    count = buffer.load<uint32_t>(first - sizeof(uint32_t));
    if (count)
      last(); // it lies in the file, so its length can be believed
  }

  size_t size() const { return count; }
  auto operator[](size_t i) const {
    if (i >= count)
      fail("a list of ", count, " has no entry ", i);
    if constexpr (std::is_same_v<T, Table>)
      return Table(*buffer, buffer->follow(first + i * sizeof(uint32_t)));
    else
      return buffer->load<T>(first + i * sizeof(T));
  }

private:
  void last() const {
    (void)buffer->load<uint8_t>(first + count * (std::is_same_v<T, Table> ? sizeof(uint32_t) : sizeof(T)) - 1);
  }

  const Buffer *buffer;
  size_t first = 0, count = 0;
};

template <typename T> Vector<T> Table::list(size_t field) const { return Vector<T>(*buffer, place(field)); }

std::string Table::text(size_t field) const {
  std::string result;
  auto letters = list<char>(field);
  for (size_t i = 0; i < letters.size(); ++i)
    result += letters[i];
  return result;
}

bool Table::is(size_t field, std::string_view wanted) const {
  return list<char>(field).size() == wanted.size() && text(field) == wanted;
}

/// Numbers of the fields, in the order of CatBoost's schema.
namespace core {
enum { FormatVersion, Trees, InfoMap };
}
namespace trees {
enum {
  Dimension,
  Splits,
  Sizes,
  Starts,
  CatFeatures,
  FloatFeatures,
  OneHotFeatures,
  CtrFeatures,
  LeafValues,
  LeafWeights,
  StepNodes,
  NodeToLeaf,
  TextFeatures,
  EstimatedFeatures,
  Scale,
  Bias,
  MultiBias,
  RepackedBins,
  EmbeddingFeatures
};
}
namespace feature {
enum { HasNans, Index, FlatIndex, Borders, Id, NanValueTreatment };
}

/// A node of a tree that is not symmetric: how far its children are away; 0: it is a leaf on that side.
struct Step {
  uint16_t left, right;
};

constexpr size_t kMaxSplits = size_t(1) << 24;

class Reader {
public:
  explicit Reader(const Table &root) : root(root), source(root.table(core::Trees, "trees")) {}

  Model run() {
    model.ensemble.targets = source.value<int32_t>(trees::Dimension, 0);
    size_t leafValues = source.list<double>(trees::LeafValues).size();
    if (model.ensemble.targets < 1 || size_t(model.ensemble.targets) > leafValues)
      fail("has ", model.ensemble.targets, " outputs and ", leafValues, " leaf values");
    readFeatures();
    model.scale = source.value<double>(trees::Scale, 1.0);
    auto bias = source.list<double>(trees::MultiBias);
    for (size_t i = 0; i < bias.size(); ++i)
      model.bias.push_back(bias[i]);
    if (model.bias.empty())
      model.bias.assign(size_t(model.ensemble.targets), source.value<double>(trees::Bias, 0.0));
    readTrees();
    readLoss();
    return std::move(model);
  }

private:
  void addColumn(int64_t column) {
    if (column < 0 || column >= kMaxElements)
      fail("a feature is column ", column);
    model.columns = std::max(model.columns, column + 1);
  }

  void readFeatures() {
    auto floats = source.list<Table>(trees::FloatFeatures);
    for (size_t i = 0; i < floats.size(); ++i) {
      Table f = floats[i];
      int64_t column = f.value<int32_t>(feature::FlatIndex, -1);
      addColumn(column);
      bool missingTrue = f.value<int8_t>(feature::NanValueTreatment, 0) == 2;
      auto borders = f.list<float>(feature::Borders);
      // Tables may overlap, so that few bytes could stand for many borders.
      if (borders.size() > kMaxSplits - splits.size())
        fail("has more than ", kMaxSplits, " borders");
      for (size_t b = 0; b < borders.size(); ++b)
        splits.push_back({column, double(borders[b]), missingTrue});
    }
    for (auto kind : {trees::CatFeatures, trees::TextFeatures, trees::EmbeddingFeatures}) {
      auto others = source.list<Table>(kind);
      for (size_t i = 0; i < others.size(); ++i)
        addColumn(others[i].value<int32_t>(1, -1)); // FlatIndex
    }
  }

  const Split &splitAt(int64_t at, size_t tree) const {
    if (at < 0 || size_t(at) >= splits.size())
      fail("tree ", tree, " asks split ", at, ", which is of no float feature (there are ", splits.size(),
           " such splits); ", "categorical, text and embedding features are not supported");
    return splits[size_t(at)];
  }

  void readTrees() {
    auto sizes = source.list<int32_t>(trees::Sizes), asked = source.list<int32_t>(trees::Splits);
    auto values = source.list<double>(trees::LeafValues);
    std::vector<double> leaves(values.size());
    for (size_t i = 0; i < leaves.size(); ++i)
      leaves[i] = values[i];
    bool symmetric = source.list<Step>(trees::StepNodes).size() == 0;
    size_t firstSplit = 0, firstLeaf = 0;
    for (size_t t = 0; t < sizes.size(); ++t) {
      size_t size = size_t(std::max(sizes[t], 0));
      if (size > asked.size() - firstSplit || (symmetric && size > 30))
        fail("tree ", t, " has ", sizes[t], " splits");
      if (symmetric) {
        size_t count = size_t(model.ensemble.targets) << size;
        if (count > leaves.size() - firstLeaf)
          fail("tree ", t, " has ", leaves.size() - firstLeaf, " leaf values; expected ", count);
        std::vector<Split> own;
        for (size_t i = 0; i < size; ++i)
          own.push_back(splitAt(asked[firstSplit + i], t));
        model.addSymmetricTree(own, std::span(leaves).subspan(firstLeaf, count));
        firstLeaf += count;
      } else {
        readSteps(t, firstSplit, size, leaves);
      }
      firstSplit += size;
    }
  }

  /// Children follow their parents, so that there is no cycle.
  void readSteps(size_t tree, size_t begin, size_t count, const std::vector<double> &leaves) {
    auto asked = source.list<int32_t>(trees::Splits);
    auto steps = source.list<Step>(trees::StepNodes);
    auto leafOf = source.list<uint32_t>(trees::NodeToLeaf);
    if (count == 0)
      fail("tree ", tree, " has no nodes");
    std::vector<int64_t> reference(count);
    auto leaf = [&](size_t node) {
      size_t first = leafOf[begin + node], targets = size_t(model.ensemble.targets);
      if (model.ensemble.leafWeight.size() + targets > leaves.size())
        fail("tree ", tree, " has leaves that another one has");
      if (first > leaves.size() || leaves.size() - first < targets)
        fail("tree ", tree, " has leaf ", first, "; there are ", leaves.size(), " leaf values");
      return model.ensemble.addLeaf(std::span(leaves).subspan(first, targets));
    };
    std::vector<uint8_t> hasParent(count, 0);
    auto child = [&](size_t node, uint16_t step) {
      size_t at = node + step;
      if (step == 0)
        return leaf(node);
      if (at >= count || hasParent[at]++)
        fail("node ", node, " of tree ", tree, " has child ", at, "; there are ", count,
             " nodes, each with one parent");
      return reference[at];
    };
    for (size_t n = count; n-- > 0;) {
      Step step = steps[begin + n];
      if (step.left == 0 && step.right == 0) {
        reference[n] = leaf(n);
        continue;
      }
      int64_t ifFalse = child(n, step.left), ifTrue = child(n, step.right);
      reference[n] = model.addSplit(splitAt(asked[begin + n], tree), ifTrue, ifFalse);
    }
    model.ensemble.roots.push_back(reference[0]);
  }

  void readLoss() {
    auto entries = root.list<Table>(core::InfoMap);
    for (size_t i = 0; i < entries.size(); ++i) {
      if (!entries[i].is(0, "params"))
        continue;
      std::string params = entries[i].text(1);
      json::Document document = json::parse({reinterpret_cast<const uint8_t *>(params.data()), params.size()});
      json::Cursor at(document, "params");
      if (at.has("loss_function"))
        model.loss = at.object("loss_function").at("type").text();
      return;
    }
  }

  Table root, source;
  Model model;
  std::vector<Split> splits; ///< of the float features, in the order in which trees number them
};

} // namespace

Model readBinary(std::span<const uint8_t> bytes) {
  uint32_t length = Buffer(bytes).load<uint32_t>(4);
  if (length > bytes.size() - 8)
    fail("the core has ", length, " bytes; the file has ", bytes.size());
  Buffer buffer(bytes.subspan(8, length));
  return Reader(Table(buffer, buffer.follow(0))).run();
}

} // namespace mlc::catboost
