// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// ml-tree-strategy: chooses the kernel of each ensemble, makes its tables, and writes the choice down as attributes.
#include "Pack.h"
#include "mlc/Codegen/Passes.h"
#include "mlc/Dialect/ML.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"

#include <algorithm>
#include <optional>

using namespace mlir;

namespace mlc {
namespace {

constexpr int64_t kByteDepth = 8;    ///< a leaf number fits a byte
constexpr int64_t kDenseDepth = 6;   ///< deeper trees are more than the caches like to read whole
constexpr int64_t kDeepDepth = 10;   ///< the levels above the lines fit a byte
constexpr int64_t kQuickDepth = 31;  ///< of at most 32 leaves
constexpr int64_t kByteColumns = 64; ///< four tables of 16
constexpr size_t kByteRanks = 255;
constexpr int64_t kMostMaskBytes = 8 << 20;
constexpr int64_t kInterleave = 16;

class TreeStrategyPass : public PassWrapper<TreeStrategyPass, OperationPass<ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TreeStrategyPass)
  explicit TreeStrategyPass(const CodegenOptions &options) : options(options) {}
  StringRef getArgument() const final { return "ml-tree-strategy"; }
  StringRef getDescription() const final { return "choose the kernel of tree ensembles and make its tables"; }
  void getDependentDialects(DialectRegistry &registry) const override { registry.insert<memref::MemRefDialect>(); }

  void runOnOperation() override {
    SmallVector<ml::TreeEnsembleOp> ensembles;
    getOperation().walk([&](ml::TreeEnsembleOp op) { ensembles.push_back(op); });
    for (ml::TreeEnsembleOp op : ensembles) {
      // The row and the block of rows ask the same ensemble: one choice, one set of tables.
      auto [known, isNew] = choices.try_emplace(op.getForest());
      if (isNew) {
        auto forest = forestOf(op.getForest());
        if (!forest) {
          op.emitOpError("names no ensemble of the weight store: ") << op.getForestAttr();
          return signalPassFailure();
        }
        known->second = choose(op.getForest(), *forest);
      }
      op.setStrategy(known->second.first);
      op.setLayoutAttr(known->second.second);
    }
  }

private:
  using Choice = std::pair<std::string, DictionaryAttr>;

  struct Analysis {
    explicit Analysis(const Forest &f) : row(f), values(f), decisions(decisionTables(f, row)) {
      auto depths = treeDepths(f);
      depth = *std::max_element(depths.begin(), depths.end());
      // Ranks of a deep forest are many and of no use.
      if (depth >= 1 && depth <= kDeepDepth)
        ranks.emplace(f, row, true);
      if (depth >= 1 && depth <= kQuickDepth && f.leafBegin.size() - 1 <= 32 * f.roots.size())
        featureRanks.emplace(f, row, false);
    }
    ImageRow row;
    std::optional<RankColumns> ranks, featureRanks;
    LeafValues values;
    std::vector<DecisionTable> decisions;
    int64_t depth;
  };

  /// From the weight store; without one (tests of this pass) from the initial value of the global array.
  std::optional<Forest> forestOf(StringRef name) {
    if (options.weights) {
      const Weight *weight = options.weights->find(name.str());
      return weight ? std::optional(Forest::fromWeight(*weight)) : std::nullopt;
    }
    auto global = getOperation().lookupSymbol<memref::GlobalOp>(name);
    auto value = global ? dyn_cast_or_null<DenseIntElementsAttr>(global.getInitialValueAttr()) : DenseIntElementsAttr();
    if (!value || !value.getElementType().isInteger(64))
      return std::nullopt;
    auto words = value.getValues<int64_t>();
    try {
      return Forest::fromWeight(makeWeight(std::vector<int64_t>(words.begin(), words.end())));
    } catch (const Error &) { // not through LLVM's frames
      return std::nullopt;
    }
  }

  static bool fitsBytes(const std::optional<RankColumns> &ranks) {
    return ranks && int64_t(ranks->source.size()) <= kByteColumns && ranks->longest <= kByteRanks;
  }

  Choice choose(StringRef symbol, const Forest &forest) {
    Analysis a(forest);
    int64_t lanes = lanesFor(a.values);
    bool dense = options.treeStrategy != "walk" && fitsBytes(a.ranks) && worthPadding(forest, a.depth);
    auto allowed = [&](StringRef name) { return options.treeStrategy == "auto" || options.treeStrategy == name; };
    NamedAttrList layout;
    addCommon(layout, symbol, forest, a);
    auto chosen = [&](StringRef name) { return Choice(name.str(), layout.getDictionary(&getContext())); };

    ObliviousTables oblivious;
    if (allowed("oblivious") && a.depth <= kByteDepth && fitsBytes(a.ranks) &&
        oblivious.build(forest, a.row, *a.ranks, a.values, a.depth, lanes)) {
      addOblivious(layout, symbol, forest, a, oblivious, lanes);
      return chosen("oblivious");
    }
    bool deep = dense && a.depth > kLineLevels + 1 &&
                (a.depth > kDenseDepth ? options.treeStrategy != "dense" || a.depth > kByteDepth
                                       : options.treeStrategy == "deep");
    QuickTables quick;
    if (allowed("quick") && !(dense && a.depth <= 4 && options.treeStrategy == "auto") && fitsBytes(a.featureRanks) &&
        maskBytes(a, lanes) <= kMostMaskBytes &&
        quick.build(forest, a.row, *a.featureRanks, a.values, a.decisions, lanes) &&
        (!dense || options.treeStrategy == "quick" || quick.cost() < 7 * ((int64_t(1) << a.depth) - 1))) {
      addQuick(layout, symbol, forest, a, quick, lanes);
      return chosen("quick");
    }
    if (dense) {
      addDense(layout, symbol, forest, a, lanes, deep);
      return chosen(deep ? "deep" : "dense");
    }
    addWalk(layout, symbol, forest, a);
    return chosen("walk");
  }

  /// Trees side by side: a register full, but no more than there are.
  int64_t lanesFor(const LeafValues &values) const {
    size_t largest = 0;
    for (size_t g = 0; g < values.groups(); ++g)
      largest = std::max(largest, values.begin[g + 1] - values.begin[g]);
    int64_t lanes = 16;
    while (lanes < options.target.vectorBytes && size_t(lanes) < largest)
      lanes *= 2;
    return lanes;
  }

  static int64_t maskBlock(const Analysis &a, int64_t lanes) {
    int64_t bytes = 0;
    for (const DecisionTable &t : a.decisions)
      bytes += (t.nanRow + 1) * 4 * lanes;
    return bytes;
  }

  static int64_t maskBytes(const Analysis &a, int64_t lanes) {
    int64_t blocks = 0;
    for (size_t g = 0; g < a.values.groups(); ++g)
      blocks += (int64_t(a.values.begin[g + 1] - a.values.begin[g]) + lanes - 1) / lanes;
    return maskBlock(a, lanes) * blocks;
  }

  /// Perfect trees have places for all leaves; thin ones would be mostly padding.
  static bool worthPadding(const Forest &forest, int64_t depth) {
    double places = double(forest.roots.size()) * double((int64_t(1) << depth) - 1);
    return depth <= 4 || double(forest.column.size()) * 6 >= places;
  }

  void addCommon(NamedAttrList &layout, StringRef symbol, const Forest &forest, const Analysis &a) {
    Builder b(&getContext());
    const ImageRow &row = a.row;
    const LeafValues &values = a.values;
    auto number = [&](StringRef name, int64_t value) { layout.set(name, b.getI64IntegerAttr(value)); };
    number("image_bits", forest.wide ? 64 : 32);
    number("images", row.count);
    number("sentinel", row.sentinel);
    number("twice", row.twice);
    int64_t greatest = forest.wide ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int32_t>::max();
    std::vector<int64_t> nan;
    for (int64_t copy = 0; copy < (row.twice ? 2 : 1); ++copy)
      for (bool right : row.nanRight)
        nan.push_back(right != (copy == 1) ? greatest : -greatest - 1);
    layout.set("nan", store(symbol, "_nan", images(nan, forest.wide)));

    std::vector<int64_t> bounds;
    std::vector<int8_t> bits;
    SmallVector<Attribute> decisions;
    for (const DecisionTable &t : a.decisions) {
      decisions.push_back(b.getDenseI64ArrayAttr(
          {t.feature, t.slot, t.words, t.steps, t.nanRow, int64_t(bounds.size()), int64_t(bits.size())}));
      bounds.insert(bounds.end(), t.bounds.begin(), t.bounds.end());
      for (uint16_t word : t.bits)
        bits.push_back(int8_t(word & 0xff)), bits.push_back(int8_t(word >> 8));
    }
    if (!decisions.empty()) {
      layout.set("decisions", b.getArrayAttr(decisions));
      layout.set("bounds", store(symbol, "_bounds", images(bounds, forest.wide)));
      layout.set("bits", store(symbol, "_bits", makeWeight(bits)));
    }

    layout.set("combine", b.getStringAttr(forest.combine == Forest::Combine::Sum   ? "sum"
                                          : forest.combine == Forest::Combine::Min ? "min"
                                                                                   : "max"));
    layout.set("divisor", b.getF64FloatAttr(forest.divisor));
    number("base_first", forest.baseFirst);
    number("single", values.single);
    number("width", values.width);
    bool hasBase = llvm::any_of(forest.base, [](double x) { return x != 0; });
    if (hasBase)
      layout.set("base",
                 store(symbol, "_base",
                       forest.doubleSum ? makeWeight(forest.base)
                                        : makeWeight(std::vector<float>(forest.base.begin(), forest.base.end()))));
    if (!values.single) {
      auto rows = values.rows;
      rows.resize(rows.size() + size_t(values.width), values.neutral); // what a padding tree refers to
      layout.set("rows", store(symbol, "_rows", leafRows(rows, values.narrow)));
    }
  }

  void addWalk(NamedAttrList &layout, StringRef symbol, const Forest &forest, const Analysis &a) {
    Builder b(&getContext());
    const LeafValues &values = a.values;
    int64_t interleave = kInterleave;
    WalkTables walk(forest, a.row, values, interleave);
    layout.set("interleave", b.getI64IntegerAttr(interleave));
    layout.set("depth", b.getI64IntegerAttr(walk.depth));
    layout.set("column_bits", b.getI64IntegerAttr(walk.wide ? 0 : walk.columnBits));
    layout.set("inline_weights", b.getI64IntegerAttr(walk.inlineWeights));
    layout.set("nodes", store(symbol, "_nodes", makeWeight(walk.nodes)));
    layout.set("begins", b.getDenseI64ArrayAttr(walk.begins));
    layout.set("trees", b.getDenseI64ArrayAttr(walk.trees));
    if (walk.begins.size() > 2) {
      layout.set("begin_table", store(symbol, "_begins", makeWeight(walk.begins)));
      layout.set("tree_table", store(symbol, "_trees", makeWeight(walk.trees)));
    }
    if (values.single && !walk.inlineWeights) {
      auto rows = values.rows;
      rows.push_back(values.neutral);
      layout.set("rows", store(symbol, "_rows", leafRows(rows, values.narrow)));
    }
  }

  void addDense(NamedAttrList &layout, StringRef symbol, const Forest &forest, const Analysis &a, int64_t lanes,
                bool deep) {
    Builder b(&getContext());
    DenseTables dense(forest, a.row, *a.ranks, a.values, a.depth, lanes, deep);
    layout.set("depth", b.getI64IntegerAttr(a.depth));
    addRanks(layout, symbol, forest, *a.ranks, lanes);
    addBlocks(layout, symbol, a.values, dense.nodes, dense.leaves, dense.begins, dense.trees);
    if (deep) {
      layout.set("lines", store(symbol, "_lines", makeWeight(dense.lines)));
      layout.set("line_leaves", store(symbol, "_paths", makeWeight(lineLeaves())));
      layout.set("leaf_type", TypeAttr::get(!a.values.single  ? Type(b.getI32Type())
                                            : a.values.narrow ? Type(b.getF32Type())
                                                              : Type(b.getF64Type())));
    }
  }

  void addOblivious(NamedAttrList &layout, StringRef symbol, const Forest &forest, const Analysis &a,
                    const ObliviousTables &oblivious, int64_t lanes) {
    layout.set("depth", Builder(&getContext()).getI64IntegerAttr(a.depth));
    addRanks(layout, symbol, forest, *a.ranks, lanes);
    addBlocks(layout, symbol, a.values, oblivious.nodes, oblivious.leaves, oblivious.begins, oblivious.trees);
  }

  void addQuick(NamedAttrList &layout, StringRef symbol, const Forest &forest, const Analysis &a,
                const QuickTables &quick, int64_t lanes) {
    Builder b(&getContext());
    addRanks(layout, symbol, forest, *a.featureRanks, lanes);
    addBlocks(layout, symbol, a.values, quick.nodes, quick.leaves, quick.begins, quick.trees);
    layout.set("starts", store(symbol, "_starts", makeWeight(quick.starts)));
    layout.set("slots", store(symbol, "_slots", makeWeight(quick.slotCounts)));
    if (!quick.masks.empty()) {
      layout.set("masks", store(symbol, "_masks", makeWeight(quick.masks)));
      layout.set("mask_block", b.getI64IntegerAttr(maskBlock(a, lanes)));
    }
  }

  void addRanks(NamedAttrList &layout, StringRef symbol, const Forest &forest, const RankColumns &ranks,
                int64_t lanes) {
    Builder b(&getContext());
    RankTables keys(ranks, forest.wide);
    layout.set("lanes", b.getI64IntegerAttr(lanes));
    layout.set("rank_columns", b.getDenseI64ArrayAttr(ranks.source));
    layout.set("rank_levels", b.getDenseI64ArrayAttr(keys.levels));
    layout.set("rank_offsets", b.getDenseI64ArrayAttr(keys.offsets));
    layout.set("rank_keys", store(symbol, "_keys", images(keys.keys, forest.wide)));
  }

  /// Blocks of trees side by side: their nodes, their leaves (weights or numbers of rows), and which belong to which
  /// target.
  void addBlocks(NamedAttrList &layout, StringRef symbol, const LeafValues &values, const std::vector<int8_t> &nodes,
                 const std::vector<double> &leaves, const std::vector<int64_t> &begins,
                 const std::vector<int64_t> &trees) {
    Builder b(&getContext());
    layout.set("nodes", store(symbol, "_blocks", makeWeight(nodes)));
    if (!leaves.empty())
      layout.set("leaves", store(symbol, "_leaves",
                                 values.single ? leafRows(leaves, values.narrow)
                                               : makeWeight(std::vector<int32_t>(leaves.begin(), leaves.end()))));
    layout.set("begins", b.getDenseI64ArrayAttr(begins));
    layout.set("trees", b.getDenseI64ArrayAttr(trees));
    if (begins.size() > 2) {
      layout.set("begin_table", store(symbol, "_begins", makeWeight(begins)));
      layout.set("tree_table", store(symbol, "_trees", makeWeight(trees)));
    }
  }

  static Weight images(const std::vector<int64_t> &values, bool wide) {
    return wide ? makeWeight(values) : makeWeight(std::vector<int32_t>(values.begin(), values.end()));
  }

  /// Stores a table and declares it.
  FlatSymbolRefAttr store(StringRef forest, StringRef suffix, Weight weight) {
    ModuleOp module = getOperation();
    Builder builder(&getContext());
    Type element = llvm::StringSwitch<Type>(weight.elementType)
                       .Case("i8", builder.getI8Type())
                       .Case("i32", builder.getI32Type())
                       .Case("i64", builder.getI64Type())
                       .Case("f32", builder.getF32Type())
                       .Default(builder.getF64Type());
    auto type = MemRefType::get({std::max<int64_t>(weight.shape[0], 1)}, element);
    std::string name = (forest + suffix).str();
    if (options.weights)
      name = options.weights->add(name, std::move(weight));
    if (!module.lookupSymbol(name)) {
      OpBuilder b(module.getBody(), module.getBody()->begin());
      memref::GlobalOp::create(b, module.getLoc(), name, StringAttr(), type, Attribute(), true,
                               b.getI64IntegerAttr(64));
    }
    return FlatSymbolRefAttr::get(&getContext(), name);
  }

  CodegenOptions options;
  llvm::StringMap<Choice> choices;
};

} // namespace

std::unique_ptr<Pass> createTreeStrategyPass(const CodegenOptions &options) {
  return std::make_unique<TreeStrategyPass>(options);
}

} // namespace mlc
