// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Static shapes for run-time inputs.

#include "Inputs.h"

namespace mlc {
namespace {

std::string toString(const std::optional<std::vector<Dimension>> &shape) {
  if (!shape)
    return "unknown rank";
  std::string text;
  for (const Dimension &d : *shape)
    text += (text.empty() ? "" : "x") + (d.value >= 0 ? str(d.value) : d.name.empty() ? "?" : printable(d.name, 40));
  return text.empty() ? "scalar" : text;
}

std::string inputList(const std::vector<DeclaredInput> &inputs) {
  std::string text;
  for (const DeclaredInput &in : inputs)
    text += (text.empty() ? "'" : ", '") + printable(in.name) + "'";
  return text.empty() ? "no input" : text;
}

class Resolver {
public:
  Resolver(const std::vector<DeclaredInput> &inputs, const ImportOptions &options) : inputs(inputs), options(options) {
    checkNames();
    for (const DeclaredInput &in : inputs)
      if (auto it = options.shapes.find(in.name); it != options.shapes.end())
        bind(in, it->second);
      else if (auto c = options.constants.find(in.name); c != options.constants.end())
        bind(in, c->second.shape());
  }

  /// The static shape, or nothing after noting the problem.
  std::optional<Shape> resolve(const DeclaredInput &in) {
    if (auto it = options.shapes.find(in.name); it != options.shapes.end())
      return it->second;
    if (in.shape) {
      Shape shape;
      bool known = true;
      for (size_t i = 0; i < in.shape->size(); ++i) {
        const Dimension &d = (*in.shape)[i];
        auto bound = bindings.find(d.name);
        if (d.value >= 0)
          shape.push_back(d.value);
        else if (!d.name.empty() && bound != bindings.end())
          shape.push_back(bound->second);
        else if (i == 0)
          shape.push_back(1);
        else
          known = false;
      }
      if (known)
        return shape;
    }
    problems += str("\n  input '", printable(in.name), "': ", toString(in.shape), " (give it as --shape ",
                    printable(in.name), "=", in.shape ? example(*in.shape) : "1x10", ")");
    return std::nullopt;
  }

  void throwProblems() const {
    if (!problems.empty())
      fail("shapes must be static (only an unknown leading dimension is taken as 1):", problems);
  }

private:
  void checkNames() const {
    auto known = [&](const std::string &name) {
      for (const DeclaredInput &in : inputs)
        if (in.name == name)
          return true;
      return false;
    };
    for (const auto &[name, shape] : options.shapes)
      if (!known(name))
        fail("a shape is given for '", printable(name), "', which is no input of the model; it has ",
             inputList(inputs));
    for (const auto &[name, tensor] : options.constants)
      if (!known(name))
        fail("a constant is given for '", printable(name), "', which is no input of the model; it has ",
             inputList(inputs));
  }

  // A shape that was given must agree with what is declared; it also tells the dimensions that have names.
  void bind(const DeclaredInput &in, const Shape &given) {
    if (!in.shape)
      return;
    bool fits = given.size() == in.shape->size();
    for (size_t i = 0; fits && i < given.size(); ++i) {
      const Dimension &d = (*in.shape)[i];
      if (d.value >= 0)
        fits = given[i] == d.value;
      else if (!d.name.empty())
        fits = bindings.emplace(d.name, given[i]).first->second == given[i];
    }
    if (!fits)
      fail("input '", printable(in.name), "' is declared as ", toString(in.shape), "; the given shape ",
           mlc::toString(given), " does not fit");
  }

  static std::string example(const std::vector<Dimension> &shape) {
    std::string text;
    for (size_t i = 0; i < shape.size(); ++i)
      text += (i ? "x" : "") + str(shape[i].value >= 0 ? shape[i].value : i == 0 ? 1 : 10);
    return text;
  }

  const std::vector<DeclaredInput> &inputs;
  const ImportOptions &options;
  std::map<std::string, int64_t> bindings;
  std::string problems;
};

} // namespace

static void checkSize(const DeclaredInput &in, const Shape &shape) {
  try {
    elementCount(shape);
  } catch (const Error &e) {
    fail("input '", printable(in.name), "': ", e.what());
  }
}

std::vector<ValueId> addInputs(GraphBuilder &builder, const std::vector<DeclaredInput> &inputs,
                               const ImportOptions &options) {
  Resolver resolver(inputs, options);
  std::vector<std::optional<Shape>> shapes;
  for (const DeclaredInput &in : inputs)
    shapes.push_back(options.constants.count(in.name) ? Shape{} : resolver.resolve(in));
  resolver.throwProblems();

  std::vector<ValueId> ids;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const DeclaredInput &in = inputs[i];
    if (auto it = options.constants.find(in.name); it != options.constants.end()) {
      if (it->second.dtype() != in.dtype)
        fail("input '", printable(in.name), "' is ", nameOf(in.dtype), "; the given constant is ",
             nameOf(it->second.dtype()));
      ids.push_back(builder.constant(it->second, in.name));
    } else {
      checkSize(in, *shapes[i]);
      ids.push_back(builder.input(in.name, in.dtype, *shapes[i]));
    }
  }
  return ids;
}

} // namespace mlc
