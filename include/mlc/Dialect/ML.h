// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The ml dialect: C++ declarations.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "mlc/Dialect/MLDialect.h.inc"
#define GET_OP_CLASSES
#include "mlc/Dialect/MLOps.h.inc"

namespace mlc::ml {
/// Lets one-shot bufferization handle the dialect.
void registerBufferization(mlir::DialectRegistry &registry);
} // namespace mlc::ml
