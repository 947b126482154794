// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The ml dialect: only what linalg, math and memref cannot say.
#ifndef MLC_DIALECT_ML
#define MLC_DIALECT_ML

include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

def ML_Dialect : Dialect {
  let name = "ml";
  let cppNamespace = "::mlc::ml";
  let summary = "Operations of trained models that no upstream dialect has.";
}

class ML_Op<string mnemonic, list<Trait> traits = []> : Op<ML_Dialect, mnemonic, traits>;

def ML_WeightOp : ML_Op<"weight", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a constant array of the model, named by its memref.global; the bytes are in the weight store";
  let arguments = (ins FlatSymbolRefAttr:$name);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
}

// Scalar functions that the math dialect lacks; they take vectors once vectorised.
class ML_ScalarFunctionOp<string mnemonic>
    : ML_Op<mnemonic, [Pure, Elementwise, Scalarizable, Vectorizable, Tensorizable, SameOperandsAndResultType]> {
  let arguments = (ins FloatLike:$operand);
  let results = (outs FloatLike:$result);
  let assemblyFormat = "$operand attr-dict `:` type($result)";
}
def ML_SigmoidOp : ML_ScalarFunctionOp<"sigmoid"> { let summary = "1 / (1 + exp(-x))"; }
def ML_SoftplusOp : ML_ScalarFunctionOp<"softplus"> { let summary = "log(1 + exp(x))"; }

def ML_DenseOp : ML_Op<"dense", [AttrSizedOperandSegments, SingleBlock,
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "dense layer with constant weights: out[m, n] = epilogue(bias[n] + sum over k of x[m, k] * weight[k, n], extras...)";
  let description = [{
    `x` is M x K, `init` is M x N; both tensors or both memrefs. `weight` names a K x N array, `bias` an N array of the weight store.
    The region receives the sum and one element of each extra (an M x N array, or an N array repeated over the rows).

    Order of operations (docs/numerics.md): one accumulator per output that starts at the bias and takes k ascending; in the dot form
    32 interleaved partial sums combined by a fixed tree, bias last. The choice of the form follows from the shape alone.

    Attributes set by ml-dense-strategy: `strategy` (outer; skip: outer without the rows of x that are zero; dot), `packed` (the array in
    the kernel's order), `panels` (their widths), `narrow` (lanes of a last, narrower vector, 0: none; its array is `packed_narrow`),
    `lanes` (floats per vector), `row_tile` x `column_tile` (sums held in registers: rows x vectors), `prefetch` (rows of weights ahead, 0: none).
  }];
  let arguments = (ins AnyShaped:$x, Variadic<AnyShaped>:$extras, AnyShaped:$init, Optional<AnyMemRef>:$scratch,
    FlatSymbolRefAttr:$weight, FlatSymbolRefAttr:$bias,
    OptionalAttr<StrAttr>:$strategy, OptionalAttr<FlatSymbolRefAttr>:$packed, OptionalAttr<FlatSymbolRefAttr>:$packed_narrow,
    OptionalAttr<FlatSymbolRefAttr>:$packed_bias,
    DefaultValuedAttr<I64Attr, "0">:$lanes, DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$panels, DefaultValuedAttr<I64Attr, "0">:$narrow,
    DefaultValuedAttr<I64Attr, "1">:$row_tile, DefaultValuedAttr<I64Attr, "0">:$column_tile,
    DefaultValuedAttr<I64Attr, "0">:$prefetch);
  let results = (outs Variadic<AnyRankedTensor>:$result);
  let regions = (region SizedRegion<1>:$epilogue);
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::Type":$type, "::mlir::Value":$x, "::mlir::ValueRange":$extras, "::mlir::Value":$init,
                                 "::llvm::StringRef":$weight, "::llvm::StringRef":$bias)>];
  let assemblyFormat = [{
    $weight `,` $bias `ins` `(` $x `:` type($x) `)` (`extras` `(` $extras^ `:` type($extras) `)`)?
    `outs` `(` $init `:` type($init) `)` (`scratch` `(` $scratch^ `:` type($scratch) `)`)?
    attr-dict-with-keyword $epilogue (`->` type($result)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    int64_t rows() { return getX().getType().getShape()[0]; }
    int64_t inner() { return getX().getType().getShape()[1]; }
    int64_t columns() { return getInit().getType().getShape()[1]; }
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

def ML_TreeEnsembleOp : ML_Op<"tree_ensemble", [DestinationStyleOpInterface, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "ensemble of decision trees: out[n, target] = sum (or minimum, maximum) of the leaves that x[n, :] reaches, in the order of the trees";
  let description = [{
    `x` is N x C of f32 or f64, `init` N x targets; both tensors or both memrefs. `forest` names the ensemble in the weight store
    (include/mlc/Dialect/Forest.h). Attributes set by ml-tree-strategy: `strategy` (walk; dense: all nodes of shallow trees; deep: their top,
    and a line per subtree; quick: masks of at most 32 leaves; oblivious: symmetric trees), and `layout`, the tables of that kernel and
    their measures (docs/trees.md).
  }];
  let arguments = (ins AnyShaped:$x, AnyShaped:$init, FlatSymbolRefAttr:$forest, OptionalAttr<StrAttr>:$strategy,
    OptionalAttr<DictionaryAttr>:$layout);
  let results = (outs Variadic<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $forest `ins` `(` $x `:` type($x) `)` `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    int64_t rows() { return getX().getType().getShape()[0]; }
    int64_t features() { return getX().getType().getShape()[1]; }
    int64_t targets() { return getInit().getType().getShape()[1]; }
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

def ML_QuantileMapOp : ML_Op<"quantile_map", [DestinationStyleOpInterface, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "out[n, c] = the polynomial, of the piece of column c that x[n, c] lies in; NaN stays NaN";
  let description = [{
    `x` is N x C of f32 or f64, `init` N x C of f64; both tensors or both memrefs.

    `keys`, of x's type, holds per column 16 entries of which the first is the beginning of the first piece (lower x are moved there), and
    then arrays of ascending keys padded with infinity, `levels` entries each. The last has the beginning of every piece; each of the
    others every 32nd entry of its successor, beginning with the 32nd. The number of the last keys that are <= x is the piece, a row of `degree` + 1 coefficients in `pieces`, by powers of the distance from the piece's beginning. Piece 0 is for NaN.
  }];
  let arguments = (ins AnyShaped:$x, AnyShaped:$init, FlatSymbolRefAttr:$keys, FlatSymbolRefAttr:$pieces, DenseI64ArrayAttr:$levels, I64Attr:$degree);
  let results = (outs Variadic<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $keys `,` $pieces `levels` $levels `degree` $degree `ins` `(` $x `:` type($x) `)` `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    static constexpr int64_t kBlock = 32, kHeader = 16; ///< keys per comparison; entries before a column's levels
    int64_t rows() { return getX().getType().getShape()[0]; }
    int64_t columns() { return getX().getType().getShape()[1]; }
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

def ML_YieldOp : ML_Op<"yield", [Pure, Terminator, HasParent<"DenseOp">]> {
  let summary = "value of the epilogue";
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

#endif
