// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What a compiled function tells about itself: mlc_info on the heap (JIT) or as an exported constant (AOT).
#pragma once

#include "mlc/Driver/Driver.h"
#include "mlc/mlc.h"

namespace mlc {

const char *versionString();

/// Owns the arrays that C structs of buffers point to.
class BufferInfos {
public:
  BufferInfos() = default;
  /// The values `ids` of `graph` under `names`.
  BufferInfos(const Graph &graph, const std::vector<ValueId> &ids, std::vector<std::string> names);
  BufferInfos(BufferInfos &&) = default;
  BufferInfos &operator=(BufferInfos &&) = default;

  int32_t size() const { return int32_t(infos.size()); }
  const mlc_buffer_info *data() const { return infos.data(); }

private:
  std::vector<std::string> names;
  std::vector<Shape> shapes;
  std::vector<mlc_buffer_info> infos;
};
BufferInfos inputInfos(const Graph &graph);
BufferInfos outputInfos(const Graph &graph);

/// One mlc_info and everything it points to.
class FunctionInfo {
public:
  FunctionInfo(const Model &model, const std::string &symbol, const Signature &signature, const std::string &fp,
               const std::string &levels, int64_t stackBytes);
  FunctionInfo(const FunctionInfo &) = delete;
  const mlc_info &get() const { return info; }
  void setSelfTest(const SelfTest &test);

private:
  std::string symbol, hash, fp, levels;
  BufferInfos inputs, outputs;
  mlc_info info{};
};

/// An ELF object that defines the constant `<info.name>_info`.
std::vector<uint8_t> emitInfoObject(const mlc_info &info, const TargetSpec &target);

} // namespace mlc
