// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Tensors and attributes in JSON, both ways.
#pragma once

#include "Cursor.h"
#include "mlc/Model/Graph.h"

namespace mlc::json {

using OrderedDocument = nlohmann::ordered_json;

DType readDType(const Cursor &at);
Shape readShape(const Cursor &at);
/// {"dtype", "shape", "data": numbers, flat or nested as the shape | "base64": little-endian bytes}
Tensor readTensor(const Cursor &at);
/// Integer, number, string, list of one of them, or a tensor object. "nan", "inf" and "-inf" are numbers.
Attribute readAttribute(const Cursor &at);

OrderedDocument writeTensor(const Tensor &tensor);
OrderedDocument writeAttribute(const Attribute &attribute);

} // namespace mlc::json
