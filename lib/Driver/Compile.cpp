// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// One compile session: the ordered table of stages from a graph to an object.
#include "mlc/Codegen/Codegen.h"
#include "mlc/Driver/Build.h"
#include "mlc/Driver/Driver.h"
#include "mlc/Lowering/Lowering.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include <algorithm>
#include <chrono>
#include <filesystem>

namespace mlc {
namespace {

/// Temporaries of a block of rows stay within this, so that f_batch runs on small stacks and in the first-level cache.
constexpr int64_t kBlockBytes = 16384;

/// `graph` with the chosen outputs only and without what they do not need.
Graph withOutputs(const Graph &graph, const std::vector<size_t> &chosen) {
  Graph result = graph;
  result.outputs.clear();
  result.outputNames.clear();
  for (size_t i : chosen) {
    result.outputs.push_back(graph.outputs[i]);
    result.outputNames.push_back(graph.outputNames[i]);
  }
  std::vector<bool> needed(graph.values.size());
  for (ValueId id : result.outputs)
    needed[size_t(id)] = true;
  std::vector<Node> kept;
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const Node &node = graph.nodes[n];
    if (std::none_of(node.outputs.begin(), node.outputs.end(), [&](ValueId id) { return needed[size_t(id)]; }))
      continue;
    for (ValueId id : node.inputs)
      if (id != kNoValue)
        needed[size_t(id)] = true;
    kept.push_back(node);
  }
  result.nodes.assign(kept.rbegin(), kept.rend());
  return result;
}

/// How many rows f_batch takes at once: as many as keep two of the largest layers within kBlockBytes, of those numbers that kernels
/// like: a register full of bytes for trees, the row tiles of the dense kernel (lib/Codegen/DenseStrategy.cpp) for the rest.
int64_t rowsPerBlock(const Graph &graph, const TargetSpec &target) {
  bool trees = std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const Node &node) { return node.op == OpKind::Forest; });
  int64_t largest = 1;
  for (size_t id = 0; id < graph.values.size(); ++id) {
    const Value &value = graph.values[id];
    bool isInput = std::find(graph.inputs.begin(), graph.inputs.end(), ValueId(id)) != graph.inputs.end();
    if (!value.constant && !(trees && isInput && value.dtype == DType::Float32)) // the caller's memory
      largest = std::max(largest, elementCount(value.shape) * int64_t(sizeOf(value.dtype)));
  }
  std::vector<int64_t> choices{target.vectorRegisters == 32 ? 8 : 6, 4};
  for (int64_t rows = 16; trees && rows <= target.vectorBytes; rows *= 2)
    choices.insert(choices.begin(), rows);
  for (int64_t rows : choices)
    if (2 * rows * largest <= kBlockBytes)
      return rows;
  return 0;
}

std::vector<EntryBuffer> buffersOf(const Graph &graph, const std::vector<ValueId> &values, int64_t random) {
  std::vector<EntryBuffer> buffers;
  int64_t position = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const Value &value = graph.value(values[i]);
    EntryBuffer buffer{elementTypeName(value.dtype), elementCount(value.shape), 0, int64_t(i) == random};
    if (!buffer.random) {
      buffer.position = position;
      position += buffer.count;
    }
    buffers.push_back(buffer);
  }
  return buffers;
}

/// Everything one compilation owns, and the stages as functions.
class Session {
public:
  Session(const Model &model, const std::string &symbol, const Options &options, const TargetSpec &target)
      : model(model), symbol(symbol), options(options), context(registry(), mlir::MLIRContext::Threading::DISABLED) {
    codegen.target = target;
    codegen.fast = options.fp == "fast";
    codegen.denseStrategy = options.denseStrategy;
    codegen.treeStrategy = options.treeStrategy;
    codegen.maxStack = options.maxStack;
    codegen.weights = compiled.weights.get();
    compiled.signature = signatureOf(model.graph, options);
  }

  /// Runs all stages up to LLVM IR. `observe(stage, text)` sees the stages ml, linalg, vector, llvm as they are reached;
  /// it ends the session early by throwing.
  using Observer = std::function<void(const std::string &, const std::string &)>;
  void generate(const Observer &observe) {
    auto show = [&](const std::string &stage, auto &&print) {
      if (!observe)
        return;
      std::string text;
      llvm::raw_string_ostream out(text);
      print(out);
      observe(stage, text);
    };
    timed("lower", [&] { lowerAll(); });
    show("ml", [&](llvm::raw_ostream &out) { module->print(out); });
    timed("codegen", [&] {
      try {
        runCodegen(*module, codegen, [&](const std::string &stage, mlir::ModuleOp at) {
          if (stage != "llvm")
            show(stage, [&](llvm::raw_ostream &out) { at.print(out); });
        });
      } catch (const Error &error) { // which knows the function by its symbol alone: `f` in process
        fail(model.file.empty() ? "" : printable(model.file) + ": ", error.what());
      }
    });
    timed("translate", [&] { ir = translate(*module, llvmContext, entry, codegen); });
    show("llvm", [&](llvm::raw_ostream &out) { ir->print(out, nullptr); });
  }

  Compiled object() {
    timed("object", [&] {
      auto machine = makeTargetMachine(codegen.target);
      compiled.object = emitObject(*ir, *machine);
      compiled.stackBytes = stackBytes();
      // What packing read stays behind: a forest's description takes several times the room of its tables.
      compiled.weights->keep([&](const std::string &name) {
        const llvm::GlobalVariable *used = ir->getNamedGlobal(name);
        return used && !used->use_empty();
      });
    });
    return std::move(compiled);
  }

  std::string assembly() {
    auto machine = makeTargetMachine(codegen.target);
    return emitAssembly(*ir, *machine);
  }

private:
  static mlir::DialectRegistry registry() {
    mlir::DialectRegistry dialects;
    registerDialects(dialects);
    return dialects;
  }

  void timed(const char *stage, const std::function<void()> &work) {
    auto begin = std::chrono::steady_clock::now();
    work();
    compiled.times.emplace_back(stage, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }

  void lowerAll() {
    const Graph &graph = model.graph;
    const Signature &signature = compiled.signature;
    Graph row = withOutputs(graph, signature.outputs);
    bool runIsRow = signature.outputs.size() == graph.outputs.size();
    loadLoweringDialects(context);
    module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
    entry.symbol = symbol;
    entry.row = symbol + "__row";
    entry.run = runIsRow ? entry.row : symbol + "__run";
    lower(row, entry.row, *module, *compiled.weights);
    if (!runIsRow)
      lower(graph, entry.run, *module, *compiled.weights);
    if (options.batch)
      lowerBlock(row);
    entry.inputs = buffersOf(row, row.inputs, signature.random);
    entry.outputs = buffersOf(row, row.outputs, -1);
    entry.runInputs = graph.inputs.size();
    entry.runOutputs = graph.outputs.size();
    entry.nIn = signature.nIn;
    entry.nOut = signature.nOut;
    entry.nRandom = signature.nRandom;
  }

  void lowerBlock(const Graph &row) {
    int64_t rows = rowsPerBlock(row, codegen.target);
    if (!rows)
      return;
    std::optional<Graph> block = withBatch(row, rows);
    if (!block)
      return;
    entry.rows = symbol + "__rows";
    entry.rowsPerBlock = rows;
    lower(*block, entry.rows, *module, *compiled.weights);
  }

  int64_t stackBytes() {
    auto frames = stackFrames(compiled.object);
    int64_t deepest = 0;
    for (const char *entry : {"", "_batch", "_run"})
      deepest = std::max(deepest, stackDepth(*ir, frames, symbol + entry));
    return deepest;
  }

  const Model &model;
  const std::string symbol;
  const Options &options;
  mlir::MLIRContext context;
  llvm::LLVMContext llvmContext;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<llvm::Module> ir;
  CodegenOptions codegen;
  EntrySpec entry;
  Compiled compiled{.object = {}, .weights = std::make_shared<WeightStore>(), .signature = {}, .stackBytes = 0, .times = {}};
};

void makeFolder(const std::string &folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    fail("option 'dump-stages': folder '", printable(folder), "' cannot be made: ", error.message());
}

void writeStage(const std::string &folder, const std::string &symbol, const std::string &stage, const std::string &text) {
  std::string path = folder + "/" + symbol + "." + stage + (stage == "llvm" ? ".ll" : stage == "asm" ? ".s" : ".mlir");
  writeFile(path, text.data(), text.size());
}

} // namespace

Compiled compile(const Model &model, const std::string &symbol, const Options &options, const TargetSpec &target) {
  Session session(model, symbol, options, target);
  if (options.dumpStages.empty()) {
    session.generate({});
  } else {
    makeFolder(options.dumpStages);
    session.generate([&](const std::string &stage, const std::string &text) { writeStage(options.dumpStages, symbol, stage, text); });
    writeStage(options.dumpStages, symbol, "asm", session.assembly());
  }
  return session.object();
}

std::vector<std::string> stageNames() { return {"graph", "ml", "linalg", "vector", "llvm", "asm", "obj", "so", "header"}; }

std::string emit(const Model &model, const std::string &symbol, const std::string &stage, const Options &options) {
  if (auto artifact = emitArtifact(model, symbol, stage, options))
    return *artifact;
  auto names = stageNames();
  if (std::find(names.begin(), names.end(), stage) == names.end()) {
    std::string known;
    for (const std::string &name : names)
      known += (known.empty() ? "" : ", ") + name;
    fail("unknown stage '", printable(stage), "'; the stages are: ", known);
  }
  Session session(model, symbol, options, targetNamed(options.target));
  struct Reached {
    std::string text;
  };
  try {
    session.generate([&](const std::string &reached, const std::string &text) {
      if (reached == stage)
        throw Reached{text};
    });
  } catch (const Reached &reached) {
    return reached.text;
  }
  return session.assembly();
}

} // namespace mlc
