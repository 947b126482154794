// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// XGBoost's two encodings of one document.
#pragma once

#include "../Json/Cursor.h"

namespace mlc::xgboost {

/// JSON, also with the bare words NaN and Infinity, which become strings; or UBJSON.
json::Document parse(std::span<const uint8_t> bytes);

} // namespace mlc::xgboost
