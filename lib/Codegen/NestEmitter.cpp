// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// linalg on memory as vector loops.
#include "NestEmitter.h"

#include "Body.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::arith;

namespace mlc {
namespace {

constexpr int64_t kPartialSums = 32;
using Bases = SmallVector<Value>; ///< current element of each operand, inputs first
using Dims = SmallVector<size_t>;

class NestEmitter {
public:
  NestEmitter(linalg::LinalgOp op, LoopNest nest, int64_t vectorBytes)
      : op(op), body(op->getRegion(0).front()), nest(std::move(nest)), b(op), loc(op.getLoc()) {
    bool usesIndex = false;
    body.walk([&](linalg::IndexOp) { usesIndex = true; });
    widens = isVectorizable(body) && !usesIndex;
    if (!usesIndex)
      this->nest.simplify();
    lanes = std::max<int64_t>(vectorBytes / widestElement(), 1);
    for (auto *list : {&this->nest.inputs, &this->nest.outputs})
      for (auto &operand : *list)
        flat.push_back(operand.memory ? flatten(b, loc, operand.memory) : Value());
    bodyReadsOutput = llvm::any_of(body.getArguments().take_back(this->nest.outputs.size()), [](BlockArgument a) { return !a.use_empty(); });
  }

  void emit() {
    if (nest.empty)
      return;
    Bases bases;
    for (size_t i = 0; i < flat.size(); ++i)
      bases.push_back(constantIndex(b, loc, operand(i).offset));
    if (nest.hasReduction())
      emitReduction(bases);
    else
      emitParallel(bases);
  }

private:
  LoopNest::Operand &operand(size_t i) { return i < nest.inputs.size() ? nest.inputs[i] : nest.outputs[i - nest.inputs.size()]; }
  size_t operandCount() { return flat.size(); }

  int64_t widestElement() {
    int64_t bits = 8;
    auto see = [&](Type type) {
      if (type.isIntOrFloat())
        bits = std::max<int64_t>(bits, type.getIntOrFloatBitWidth());
    };
    for (Value argument : body.getArguments())
      see(argument.getType());
    body.walk([&](Operation *inner) {
      for (Value result : inner->getResults())
        see(result.getType());
    });
    return bits / 8;
  }

  Dims dims(bool reduction) {
    Dims result;
    for (size_t d = 0; d < nest.loops.size(); ++d)
      if (nest.loops[d].reduction == reduction)
        result.push_back(d);
    return result;
  }

  /// The last parallel loop along which outputs are adjacent and inputs adjacent or constant.
  std::optional<size_t> vectorDim() {
    if (!widens)
      return std::nullopt;
    for (size_t d = nest.loops.size(); d-- > 0;) {
      if (nest.loops[d].reduction)
        continue;
      bool fits = true;
      for (size_t i = 0; i < operandCount(); ++i) {
        int64_t stride = operand(i).strides[d];
        bool isOutput = i >= nest.inputs.size();
        fits &= operand(i).memory == Value() || stride == 1 || (stride == 0 && !isOutput);
      }
      if (fits)
        return d;
    }
    return std::nullopt;
  }

  Bases advance(OpBuilder &in, const Bases &bases, size_t dim, Value iv) {
    Bases next;
    for (auto [i, base] : llvm::enumerate(bases))
      next.push_back(addScaled(in, loc, base, iv, operand(i).strides[dim]));
    return next;
  }

  /// Loops over `order`, outermost first, carrying `state`; `indices[d]` is the iv of loop d. `leaf` returns the new state.
  using Leaf = llvm::function_ref<SmallVector<Value>(OpBuilder &, const Bases &, ValueRange)>;
  SmallVector<Value> loops(OpBuilder &in, ArrayRef<size_t> order, const Bases &bases, ValueRange state, Leaf leaf) {
    if (order.empty())
      return leaf(in, bases, state);
    size_t dim = order.front();
    int64_t extent = nest.loops[dim].extent;
    auto one = [&](OpBuilder &inner, Value iv, ValueRange s) {
      indices[dim] = iv;
      return loops(inner, order.drop_front(), advance(inner, bases, dim, iv), s, leaf);
    };
    // Short innermost reductions are written out.
    if (extent == 1 || (order.size() == 1 && nest.loops[dim].reduction && extent <= 8)) {
      SmallVector<Value> current(state);
      for (int64_t i = 0; i < extent; ++i)
        current = one(in, constantIndex(in, loc, i), current);
      return current;
    }
    auto loop = scf::ForOp::create(in, loc, constantIndex(in, loc, 0), constantIndex(in, loc, extent), constantIndex(in, loc, 1), state,
                                   [&](OpBuilder &inner, Location, Value iv, ValueRange s) {
                                     scf::YieldOp::create(inner, loc, one(inner, iv, s));
                                   });
    return SmallVector<Value>(loop.getResults());
  }

  // --- one element or one vector --------------------------------------------------------------------------------

  Value loadScalar(OpBuilder &in, size_t i, const Bases &bases) {
    if (!flat[i])
      return operand(i).scalar;
    return memref::LoadOp::create(in, loc, flat[i], ValueRange{bases[i]});
  }

  /// `count` adjacent elements, or one element in all lanes.
  Value loadVector(OpBuilder &in, size_t i, const Bases &bases, int64_t stride, int64_t count) {
    if (!flat[i] || stride == 0) {
      Value scalar = loadScalar(in, i, bases);
      return vector::BroadcastOp::create(in, loc, VectorType::get({count}, scalar.getType()), scalar);
    }
    return loadLanes(in, loc, flat[i], bases[i], count);
  }

  /// The body at `bases`; `carried` stands for the outputs' elements (empty: load them if the body reads them).
  SmallVector<Value> evaluate(OpBuilder &in, const Bases &bases, size_t dim, int64_t count, ValueRange carried) {
    SmallVector<Value> arguments;
    for (size_t i = 0; i < operandCount(); ++i) {
      bool isOutput = i >= nest.inputs.size();
      if (isOutput && !carried.empty())
        arguments.push_back(carried[i - nest.inputs.size()]);
      else if (isOutput && !bodyReadsOutput)
        arguments.push_back(Value());
      else
        arguments.push_back(count ? loadVector(in, i, bases, operand(i).strides[dim], count) : loadScalar(in, i, bases));
    }
    SmallVector<Value> byDim(op.getNumLoops());
    for (size_t d = 0; d < nest.loops.size(); ++d)
      byDim[nest.loops[d].dim] = indices[d];
    return replayBody(in, body, arguments, count, byDim);
  }

  /// Runs `piece(builder, bases, lanes)` over `extent` elements of loop `dim`: whole vectors of `wide` lanes, then the rest.
  using Piece = llvm::function_ref<void(OpBuilder &, const Bases &, int64_t)>;
  void sweep(OpBuilder &in, const Bases &bases, size_t dim, int64_t wide, bool wholeRegisters, Piece piece) {
    int64_t extent = nest.loops[dim].extent, done = extent / wide * wide;
    auto at = [&](OpBuilder &inner, Value iv) { return advance(inner, bases, dim, iv); };
    if (done / wide <= (wholeRegisters ? 1 : 4)) {
      for (int64_t k = 0; k < done; k += wide)
        piece(in, at(in, constantIndex(in, loc, k)), wide);
    } else {
      scf::ForOp::create(in, loc, constantIndex(in, loc, 0), constantIndex(in, loc, done), constantIndex(in, loc, wide), ValueRange{},
                         [&](OpBuilder &inner, Location, Value iv, ValueRange) {
                           piece(inner, at(inner, iv), wide);
                           scf::YieldOp::create(inner, loc);
                         });
    }
    // Shorter vectors than a register of 16 bytes would be filled up by the code generator with lanes of its own, whose quotient may
    // raise an exception: such bodies end in scalars.
    int64_t rest = extent - done, least = wholeRegisters ? std::max<int64_t>(16 / widestElement(), 2) : 2;
    for (int64_t count = wide / 2; count >= least; count /= 2)
      if (rest >= count) {
        piece(in, at(in, constantIndex(in, loc, done)), count);
        done += count;
        rest -= count;
      }
    for (; done < extent; ++done)
      piece(in, at(in, constantIndex(in, loc, done)), 1);
  }

  // --- parallel nests ---------------------------------------------------------------------------------------------

  void emitParallel(const Bases &bases) {
    auto v = vectorDim();
    Dims order = dims(false);
    if (!v) {
      loops(b, order, bases, {}, [&](OpBuilder &in, const Bases &at, ValueRange) {
        storeScalars(in, evaluate(in, at, 0, 0, {}), at);
        return SmallVector<Value>();
      });
      return;
    }
    llvm::erase(order, *v);
    bool wholeRegisters = isExpensive(body) || divides(body);
    loops(b, order, bases, {}, [&](OpBuilder &in, const Bases &start, ValueRange) {
      sweep(in, start, *v, lanes, wholeRegisters, [&](OpBuilder &inner, const Bases &at, int64_t count) {
        if (count == 1)
          return storeScalars(inner, evaluate(inner, at, *v, 0, {}), at);
        for (auto [k, value] : llvm::enumerate(evaluate(inner, at, *v, count, {})))
          storeLanes(inner, loc, value, flat[nest.inputs.size() + k], at[nest.inputs.size() + k]);
      });
      return SmallVector<Value>();
    });
  }

  void storeScalars(OpBuilder &in, ValueRange values, const Bases &at) {
    for (auto [k, value] : llvm::enumerate(values))
      memref::StoreOp::create(in, loc, value, flat[nest.inputs.size() + k], ValueRange{at[nest.inputs.size() + k]});
  }

  // --- reductions ---------------------------------------------------------------------------------------------------

  void emitReduction(const Bases &bases) {
    if (auto dim = adjacentReduction())
      return emitPartialSums(bases, *dim);
    if (auto dim = vectorDim(); dim && nest.outputs.size() == 1)
      return emitColumns(bases, *dim);
    loops(b, dims(false), bases, {}, [&](OpBuilder &in, const Bases &at, ValueRange) {
      SmallVector<Value> sums;
      for (size_t k = 0; k < nest.outputs.size(); ++k)
        sums.push_back(loadScalar(in, nest.inputs.size() + k, at));
      sums = loops(in, dims(true), at, sums, [&](OpBuilder &inner, const Bases &element, ValueRange carried) {
        return evaluate(inner, element, 0, 0, carried);
      });
      storeScalars(in, sums, at);
      return SmallVector<Value>();
    });
  }

  /// Several results side by side in the lanes, each summed in order.
  void emitColumns(const Bases &bases, size_t v) {
    Dims order = dims(false);
    llvm::erase(order, v);
    size_t out = nest.inputs.size();
    loops(b, order, bases, {}, [&](OpBuilder &in, const Bases &start, ValueRange) {
      // Four registers at a time hide the latency of the sums.
      sweep(in, start, v, 4 * lanes, false, [&](OpBuilder &inner, const Bases &at, int64_t count) {
        int64_t width = count == 1 ? 0 : count;
        Value sum = width ? loadVector(inner, out, at, 1, count) : loadScalar(inner, out, at);
        auto sums = loops(inner, dims(true), at, sum, [&](OpBuilder &leaf, const Bases &element, ValueRange carried) {
          return evaluate(leaf, element, v, width, carried);
        });
        if (width)
          storeLanes(inner, loc, sums[0], flat[out], at[out]);
        else
          storeScalars(inner, sums, at);
      });
      return SmallVector<Value>();
    });
  }

  /// What combines the carried value with the element, if the body has that form: yield combine(f(inputs), carried).
  Operation *combiner() {
    if (nest.outputs.size() != 1 || !widens)
      return nullptr;
    BlockArgument carried = body.getArguments().back();
    Operation *combine = body.getTerminator()->getOperand(0).getDefiningOp();
    if (!combine || !carried.hasOneUse() || *carried.getUsers().begin() != combine)
      return nullptr;
    return isa<AddFOp, MulFOp, MaximumFOp, MinimumFOp, AddIOp, MulIOp, MaxSIOp, MinSIOp>(combine) ? combine : nullptr;
  }

  /// The innermost reduced loop if inputs are adjacent along it and it is long enough for partial sums.
  std::optional<size_t> adjacentReduction() {
    if (!combiner())
      return std::nullopt;
    size_t d = dims(true).back();
    bool adjacent = false;
    for (auto &input : nest.inputs) {
      if (!input.memory)
        continue;
      if (input.strides[d] != 0 && input.strides[d] != 1)
        return std::nullopt;
      adjacent |= input.strides[d] == 1;
    }
    return adjacent && nest.loops[d].extent >= kPartialSums ? std::optional<size_t>(d) : std::nullopt;
  }

  TypedAttr neutral(Operation *combine, Type type) {
    if (auto f = dyn_cast<FloatType>(type)) {
      if (isa<AddFOp, MulFOp>(combine))
        return b.getFloatAttr(f, isa<MulFOp>(combine) ? 1 : 0);
      return b.getFloatAttr(f, APFloat::getInf(f.getFloatSemantics(), isa<MaximumFOp>(combine)));
    }
    unsigned width = type.getIntOrFloatBitWidth();
    if (isa<AddIOp, MulIOp>(combine))
      return b.getIntegerAttr(type, isa<MulIOp>(combine) ? 1 : 0);
    return b.getIntegerAttr(type, isa<MaxSIOp>(combine) ? APInt::getSignedMinValue(width) : APInt::getSignedMaxValue(width));
  }

  Value combined(OpBuilder &in, Operation *combine, Value p, Value q) {
    OperationState state(loc, combine->getName(), {p, q}, p.getType(), combine->getAttrs());
    state.propertiesAttr = combine->getPropertiesAsAttribute();
    return in.create(state)->getResult(0);
  }

  void emitPartialSums(const Bases &bases, size_t dim) {
    Operation *combine = combiner();
    size_t out = nest.inputs.size();
    Type element = body.getArguments().back().getType();
    auto type = VectorType::get({kPartialSums}, element);
    Dims outer = dims(true);
    llvm::erase(outer, dim);
    loops(b, dims(false), bases, {}, [&](OpBuilder &in, const Bases &at, ValueRange) {
      Value start = ConstantOp::create(in, loc, DenseElementsAttr::get(type, cast<Attribute>(neutral(combine, element))));
      auto sums = loops(in, outer, at, start, [&](OpBuilder &inner, const Bases &row, ValueRange carried) {
        return SmallVector<Value>{sumRow(inner, row, dim, carried[0])};
      });
      Value sum = sums[0];
      for (int64_t half = kPartialSums / 2; half > 0; half /= 2)
        sum = combined(in, combine, sliceLanes(in, loc, sum, 0, half), sliceLanes(in, loc, sum, half, half));
      Value total = vector::ExtractOp::create(in, loc, sum, int64_t(0));
      storeScalars(in, combined(in, combine, loadScalar(in, out, at), total), at);
      return SmallVector<Value>();
    });
  }

  /// Lane l takes the elements k = l mod 32; the rest of the row goes to the first lanes.
  Value sumRow(OpBuilder &in, const Bases &row, size_t dim, Value sum) {
    int64_t extent = nest.loops[dim].extent, whole = extent / kPartialSums * kPartialSums;
    auto loop = scf::ForOp::create(in, loc, constantIndex(in, loc, 0), constantIndex(in, loc, whole), constantIndex(in, loc, kPartialSums), sum,
                                   [&](OpBuilder &inner, Location, Value iv, ValueRange carried) {
                                     scf::YieldOp::create(inner, loc, evaluate(inner, advance(inner, row, dim, iv), dim, kPartialSums, carried));
                                   });
    sum = loop.getResult(0);
    for (int64_t count = kPartialSums / 2, at = whole; count > 0; count /= 2) {
      if (!((extent - whole) & count))
        continue;
      Value part = sliceLanes(in, loc, sum, 0, count);
      part = evaluate(in, advance(in, row, dim, constantIndex(in, loc, at)), dim, count, part).front();
      sum = replaceFirstLanes(in, loc, sum, part);
      at += count;
    }
    return sum;
  }

  linalg::LinalgOp op;
  Block &body;
  LoopNest nest;
  OpBuilder b;
  Location loc;
  bool widens = false, bodyReadsOutput = false;
  int64_t lanes = 1;
  SmallVector<Value> flat;
  DenseMap<size_t, Value> indices;
};

} // namespace

void emitNest(linalg::LinalgOp op, LoopNest nest, int64_t vectorBytes) { NestEmitter(op, std::move(nest), vectorBytes).emit(); }

} // namespace mlc
