// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// XGBoost's two encodings of one document.
#pragma once

#include "../Json/Cursor.h"

namespace mlc::xgboost {

/// UBJSON, with its lists of numbers packed into binary values (unpack them), without statistics of the training.
json::Document parseUbjson(std::span<const uint8_t> bytes);
inline bool isPacked(const json::Document &value) { return value.is_binary(); }
std::vector<double> unpack(const json::Document &value);

/// JSON, also with the bare words NaN and Infinity, which become strings; or UBJSON, as above.
json::Document parse(std::span<const uint8_t> bytes);

} // namespace mlc::xgboost
