// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The results of a run as one JSON document, and its tables.
#ifndef MLC_BENCH_DENSE_REPORT_HPP
#define MLC_BENCH_DENSE_REPORT_HPP

#include <nlohmann/json.hpp>
#include <string>

namespace bench {

/// The tables of a result of bench.cpp in Markdown: latency, batch, wanted ratios, cold calls, compilation, limits.
std::string markdown(const nlohmann::json &result);

} // namespace bench

#endif
