// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// The C header of compiled models: declares each function and documents what it reads and writes.

#include "mlc/Driver/Build.h"
#include "mlc/Driver/Info.h"
#include "mlc/Driver/Names.h"

using namespace mlc;

namespace {

/// Text from a model inside a C comment: printable, and nothing that ends or opens a comment.
std::string inComment(const std::string &text) {
  std::string safe;
  for (char c : printable(text)) {
    bool pair = !safe.empty() && ((safe.back() == '*' && c == '/') || (safe.back() == '/' && c == '*'));
    if (pair)
      safe += ' ';
    safe += c;
  }
  // A '*' at the end meets the text that follows.
  if (!safe.empty() && (safe.back() == '*' || safe.back() == '/'))
    safe += ' ';
  return safe;
}

/// FNV-1a: two headers of different models need different include guards.
uint64_t fingerprint(const NamedModels &models) {
  uint64_t hash = 0xcbf29ce484222325u;
  auto mix = [&](const std::string &text) {
    for (unsigned char c : text)
      hash = (hash ^ c) * 0x100000001b3u;
  };
  for (const auto &[name, model] : models)
    mix(name + "=" + model.hash + ";");
  return hash;
}

std::string guardOf(const NamedModels &models) {
  std::string guard = "MLC_GENERATED_";
  for (char c : models.front().first.substr(0, 40))
    guard += char(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  const char *digits = "0123456789ABCDEF";
  guard += '_';
  for (int shift = 60; shift >= 0; shift -= 4)
    guard += digits[(fingerprint(models) >> shift) & 15];
  return guard;
}

/// The same two structs as in mlc/mlc.h, for users who have the library and nothing else.
const char *const kInfoStruct = R"(#ifndef MLC_INFO_DEFINED
#define MLC_INFO_DEFINED
typedef struct mlc_buffer_info {
  const char *name;
  int32_t dtype; /* 0 float32, 1 float64, 2 int32, 3 int64, 4 bool (one byte) */
  int32_t rank;
  const int64_t *shape;
} mlc_buffer_info;

typedef struct mlc_info {
  int32_t abi_version;
  int32_t struct_size;
  const char *name;
  int64_t n_in, n_out, n_random;
  int32_t n_inputs, n_outputs;
  const mlc_buffer_info *inputs, *outputs;
  const char *model_hash;
  const char *mlc_version;
  const char *fp;
  const char *levels;
  int64_t stack_bytes;
  int64_t selftest_rows;
  double selftest_tolerance;
} mlc_info;
#endif
)";

/// "[0, 4)  x: float32 1x4": where a value lies among the floats of f.
void describe(std::ostream &out, const Graph &graph, ValueId id, const std::string &name, const char *conversion,
              int64_t &offset) {
  const Value &value = graph.value(id);
  int64_t count = elementCount(value.shape);
  out << " *     [" << offset << ", " << offset + count << ")  " << inComment(name) << ": " << nameOf(value.dtype) << " "
      << toString(value.shape);
  if (value.dtype != DType::Float32)
    out << ", converted " << conversion << " float";
  out << "\n";
  offset += count;
}

void describeInputs(std::ostream &out, const Graph &graph, const Signature &signature) {
  out << " *   in: " << signature.nIn << " floats\n";
  int64_t offset = 0;
  for (size_t i : signature.inputs)
    describe(out, graph, graph.inputs[i], graph.value(graph.inputs[i]).name, "from", offset);
  if (signature.random < 0)
    return;
  out << " *   random: " << signature.nRandom << " floats of noise, by convention N(0,1), filled by the caller\n";
  ValueId id = graph.inputs[size_t(signature.random)];
  offset = 0;
  describe(out, graph, id, graph.value(id).name, "from", offset);
}

void describeOutputs(std::ostream &out, const Graph &graph, const Signature &signature) {
  out << " *   out: " << signature.nOut << " floats\n";
  int64_t offset = 0;
  for (size_t i : signature.outputs)
    describe(out, graph, graph.outputs[i], graph.outputNames[i], "to", offset);
}

void describeRun(std::ostream &out, const Graph &graph, const std::string &name) {
  out << "/* Typed entry: one pointer per buffer, row-major, in the model's own types.\n";
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const Value &value = graph.value(graph.inputs[i]);
    out << " *   inputs[" << i << "]: " << inComment(value.name) << ": " << nameOf(value.dtype) << " "
        << toString(value.shape) << "\n";
  }
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const Value &value = graph.value(graph.outputs[i]);
    out << " *   outputs[" << i << "]: " << inComment(graph.outputNames[i]) << ": " << nameOf(value.dtype) << " "
        << toString(value.shape) << "\n";
  }
  out << " */\nvoid " << name << "_run(void *const *outputs, const void *const *inputs);\n";
}

void declare(std::ostream &out, const std::string &name, const Model &model, const Options &options) {
  Signature signature = signatureOf(model.graph, options);
  std::string random = signature.random >= 0 ? ", const float *random" : "";
  out << "\n/* " << name << ": one row. Returns out. in and out may overlap; no alignment beyond a float's is needed.\n"
      << " *   model: " << inComment(model.graph.name) << "\n *   hash: " << model.hash << "\n";
  describeInputs(out, model.graph, signature);
  describeOutputs(out, model.graph, signature);
  out << " */\nfloat *" << name << "(float *out, const float *in" << random << ");\n\n"
      << "/* n rows, one after the other: the same bits as n calls of " << name << ". */\n"
      << "void " << name << "_batch(float *out, const float *in" << random << ", size_t n);\n\n";
  describeRun(out, model.graph, name);
  out << "\n/* Runs rows that lie in the library through " << name << " and " << name << "_batch. 0: all results agree with a double-precision\n"
      << " * reference within selftest_tolerance of " << name << "_info; else how many do not; -1: the CPU is below the lowest level. */\n"
      << "int " << name << "_selftest(void);\n";
  out << "\nextern const mlc_info " << name << "_info;\n";
}

} // namespace

std::string mlc::emitHeader(const NamedModels &models, const Options &options) {
  std::vector<std::string> names;
  for (const auto &[name, model] : models)
    names.push_back(name);
  checkNames(names);
  std::string guard = guardOf(models);
  std::ostringstream out;
  out << "/* Compiled by mlc " << versionString() << ", floating-point mode " << options.fp << ".\n"
      << " * Every function is stateless and thread-safe: no heap, no locks, no globals written. */\n"
      << "#ifndef " << guard << "\n#define " << guard << "\n\n#include <stddef.h>\n#include <stdint.h>\n\n"
      << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n" << kInfoStruct;
  for (const auto &[name, model] : models)
    declare(out, name, model, optionsFor(model, models, options));
  out << "\n#ifdef __cplusplus\n}\n#endif\n#endif /* " << guard << " */\n";
  return out.str();
}
