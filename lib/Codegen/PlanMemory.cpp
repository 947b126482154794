// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// ml-plan-memory: every temporary of a function gets a place in one stack frame; those that do not live together share it.
#include "mlc/Codegen/Passes.h"

#include "SkipList.h"
#include "mlc/Dialect/ML.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace mlc {
namespace {

struct Buffer {
  memref::AllocOp alloc;
  int64_t bytes, first, last; // [first, last]: positions in the block of the first and last use
  int64_t offset = -1;
};

constexpr int64_t kAlignment = 64;

int64_t roundUp(int64_t value) { return (value + kAlignment - 1) / kAlignment * kAlignment; }

/// Whether the kernels of dense layers can walk `memref`: the elements of a row are adjacent.
bool hasAdjacentRows(Value memref) { return cast<MemRefType>(memref.getType()).getStridesAndOffset().first.back() == 1; }

/// A temporary with the shape of `memref` and the plain layout.
Value plainTemporary(OpBuilder &b, Location loc, Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  return memref::AllocOp::create(b, loc, MemRefType::get(type.getShape(), type.getElementType()));
}

/// Operands of a dense layer whose rows are not adjacent (a slice with a step, say) go through a temporary.
void straighten(ml::DenseOp dense) {
  OpBuilder b(dense);
  for (OpOperand &operand : dense->getOpOperands()) {
    Value memref = operand.get();
    if (hasAdjacentRows(memref))
      continue;
    Value temporary = plainTemporary(b, dense.getLoc(), memref);
    operand.set(temporary);
    if (temporary != dense.getInit()) {
      memref::CopyOp::create(b, dense.getLoc(), memref, temporary);
      continue;
    }
    OpBuilder after(dense->getContext());
    after.setInsertionPointAfter(dense);
    memref::CopyOp::create(after, dense.getLoc(), temporary, memref);
  }
}

/// Widens the buffer's life over all uses of `value` and of its views.
void extendOverUses(Value value, Block &block, const DenseMap<Operation *, int64_t> &position, Buffer &buffer) {
  for (Operation *user : value.getUsers()) {
    if (isa<ViewLikeOpInterface>(user)) {
      for (Value view : user->getResults())
        extendOverUses(view, block, position, buffer);
      continue;
    }
    int64_t at = position.lookup(block.findAncestorOpInBlock(*user));
    buffer.first = std::min(buffer.first, at);
    buffer.last = std::max(buffer.last, at);
  }
}

struct PlanMemoryPass : PassWrapper<PlanMemoryPass, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(PlanMemoryPass)
  explicit PlanMemoryPass(const CodegenOptions &options) : maxStack(options.maxStack) {}
  StringRef getArgument() const final { return "ml-plan-memory"; }
  StringRef getDescription() const final { return "place all temporaries in one stack frame"; }

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    addScratch();
    auto buffers = liveRanges();
    if (buffers.empty())
      return;
    int64_t size = assignOffsets(buffers);
    if (size > maxStack) {
      getOperation().emitError() << "needs " << size << " bytes of stack for temporaries, more than the limit of " << maxStack
                                 << "; raise it with the option max-stack";
      return signalPassFailure();
    }
    rewrite(buffers, size);
  }

private:
  /// The list of non-zero inputs that the skip kernel makes: K values and K row numbers, padded by one unrolled step.
  void addScratch() {
    SmallVector<ml::DenseOp> layers;
    getOperation().walk([&](ml::DenseOp dense) { layers.push_back(dense); });
    for (ml::DenseOp dense : layers) {
      straighten(dense);
      if (dense.getStrategy() != "skip" || dense.getScratch() || dense.inner() <= kSkipMaskBits)
        continue;
      OpBuilder b(dense);
      // A compressed vector is stored whole, so there is one vector of slack behind the last entry.
      auto type = MemRefType::get({2, dense.inner() + 32}, b.getF32Type());
      dense.getScratchMutable().assign(memref::AllocOp::create(b, dense.getLoc(), type).getResult());
    }
  }

  SmallVector<Buffer> liveRanges() {
    Block &block = getOperation().getBody().front();
    DenseMap<Operation *, int64_t> position;
    for (auto [index, op] : llvm::enumerate(block))
      position[&op] = int64_t(index);
    SmallVector<Buffer> buffers;
    for (auto alloc : block.getOps<memref::AllocOp>()) {
      auto type = alloc.getType();
      int64_t bytes = type.getNumElements() * ((type.getElementTypeBitWidth() + 7) / 8);
      Buffer buffer{alloc, roundUp(std::max<int64_t>(bytes, 1)), int64_t(block.getOperations().size()), -1};
      extendOverUses(alloc, block, position, buffer);
      buffers.push_back(buffer);
    }
    return buffers;
  }

  /// Largest first, each at the lowest place free during its life.
  static int64_t assignOffsets(SmallVector<Buffer> &buffers) {
    SmallVector<Buffer *> order;
    for (Buffer &buffer : buffers)
      order.push_back(&buffer);
    llvm::sort(order, [](Buffer *a, Buffer *b) { return std::pair(-a->bytes, a) < std::pair(-b->bytes, b); });
    int64_t size = 0;
    for (Buffer *buffer : order) {
      SmallVector<std::pair<int64_t, int64_t>> taken;
      for (Buffer *other : order)
        if (other->offset >= 0 && other->first <= buffer->last && buffer->first <= other->last)
          taken.push_back({other->offset, other->offset + other->bytes});
      llvm::sort(taken);
      int64_t offset = 0;
      for (auto [begin, end] : taken)
        if (offset + buffer->bytes > begin)
          offset = std::max(offset, end);
      buffer->offset = offset;
      size = std::max(size, offset + buffer->bytes);
    }
    return size;
  }

  void rewrite(SmallVector<Buffer> &buffers, int64_t size) {
    Block &block = getOperation().getBody().front();
    OpBuilder b(&block, block.begin());
    Location loc = getOperation().getLoc();
    auto arena = memref::AllocaOp::create(b, loc, MemRefType::get({size}, b.getI8Type()), b.getI64IntegerAttr(kAlignment));
    for (Buffer &buffer : buffers) {
      auto type = buffer.alloc.getType();
      Value offset = arith::ConstantIndexOp::create(b, loc, buffer.offset);
      Value view = memref::ViewOp::create(b, loc, type, arena, offset, ValueRange{});
      buffer.alloc.getResult().replaceAllUsesWith(view);
    }
    for (Buffer &buffer : buffers)
      buffer.alloc.erase();
  }

  int64_t maxStack;
};

} // namespace

std::unique_ptr<Pass> createPlanMemoryPass(const CodegenOptions &options) { return std::make_unique<PlanMemoryPass>(options); }

} // namespace mlc
