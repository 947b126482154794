// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Field numbers of onnx.proto3 (ONNX 1.22, IR version 13): only those that are read.
#pragma once

#include <cstdint>

namespace mlc::onnx {

namespace field {
enum Model : uint32_t { ModelIrVersion = 1, ModelGraph = 7, ModelOpsetImport = 8, ModelFunctions = 25 };
enum OpsetId : uint32_t { OpsetDomain = 1, OpsetVersion = 2 };
enum Graph : uint32_t {
  GraphNode = 1,
  GraphName = 2,
  GraphInitializer = 5,
  GraphInput = 11,
  GraphOutput = 12,
  GraphSparseInitializer = 15
};
enum Node : uint32_t {
  NodeInput = 1,
  NodeOutput = 2,
  NodeName = 3,
  NodeOpType = 4,
  NodeAttribute = 5,
  NodeDomain = 7,
  NodeOverload = 8
};
enum Attribute : uint32_t {
  AttributeName = 1,
  AttributeF = 2,
  AttributeI = 3,
  AttributeS = 4,
  AttributeT = 5,
  AttributeG = 6,
  AttributeFloats = 7,
  AttributeInts = 8,
  AttributeStrings = 9,
  AttributeKind = 20,
  AttributeRefName = 21
};
enum Tensor : uint32_t {
  TensorDims = 1,
  TensorDataType = 2,
  TensorSegment = 3,
  TensorFloatData = 4,
  TensorInt32Data = 5,
  TensorStringData = 6,
  TensorInt64Data = 7,
  TensorName = 8,
  TensorRawData = 9,
  TensorDoubleData = 10,
  TensorUint64Data = 11,
  TensorExternalData = 13,
  TensorDataLocation = 14
};
enum SparseTensor : uint32_t { SparseValues = 1 };
enum Entry : uint32_t { EntryKey = 1, EntryValue = 2 };
enum ValueInfo : uint32_t { ValueName = 1, ValueType = 2 };
enum Type : uint32_t { TypeTensor = 1, TypeSequence = 4, TypeMap = 5, TypeSparse = 8, TypeOptional = 9 };
enum TensorType : uint32_t { TensorTypeElement = 1, TensorTypeShape = 2 };
enum TensorShape : uint32_t { ShapeDim = 1 };
enum Dimension : uint32_t { DimensionValue = 1, DimensionParam = 2 };
enum Function : uint32_t {
  FunctionName = 1,
  FunctionInput = 4,
  FunctionOutput = 5,
  FunctionAttribute = 6,
  FunctionNode = 7,
  FunctionOpsetImport = 9,
  FunctionDomain = 10,
  FunctionAttributeProto = 11,
  FunctionOverload = 13
};
} // namespace field

/// AttributeProto.AttributeType.
enum class AttrKind : int32_t {
  Undefined = 0,
  Float = 1,
  Int = 2,
  String = 3,
  Tensor = 4,
  Graph = 5,
  Floats = 6,
  Ints = 7,
  Strings = 8,
  Last = 14 ///< 9…14: lists of tensors and graphs, sparse tensors, types; never read
};

/// TensorProto.DataType: the ones that have a DType of ours, and string.
enum class Elem : int32_t { Undefined = 0, Float = 1, UInt8 = 2, Int32 = 6, Int64 = 7, String = 8, Bool = 9, Double = 11 };

} // namespace mlc::onnx
