// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// ai.onnx.ml: scaling, imputing, selecting and encoding of features. Linear models are in CompositeLinearMl.cpp.
#include "ClassicMl.h"
#include <algorithm>
#include <cmath>

namespace mlc {

Term asRows(Expander &e, Term x) {
  Shape dims = e.shape(x);
  if (dims.size() > 2)
    e.node.error(str("input has shape ", toString(dims), "; supported: [C] and [N, C]"));
  int64_t rows = dims.size() == 2 ? dims[0] : 1;
  return e.reshape(x, {rows, dims.empty() ? 1 : dims.back()});
}

namespace {

int64_t featuresOf(const Expander &e) {
  Shape dims = e.shape(e.in());
  return dims.empty() ? 1 : dims.back();
}

/// A list with one entry per feature, or one entry for all, as a constant that broadcasts along the last axis.
template <typename T> Term perFeature(Expander &e, const char *attribute, const std::vector<T> &values, DType type) {
  if (values.size() == 1)
    return e.constant(Expander::make(values, {}, type));
  if (int64_t(values.size()) != featuresOf(e) || e.rank(e.in()) > 2)
    e.node.error(str("attribute '", attribute, "' has ", values.size(), " entries for input shape ",
                     toString(e.shape(e.in())), "; expected 1 or one for each feature of [C] or [N, C]"));
  return e.constant(Expander::make(values, {int64_t(values.size())}, type));
}

/// Puts `imputed` where x equals `replaced`; a NaN equals a NaN here.
template <typename T>
Term impute(Expander &e, const char *attribute, const std::vector<T> &imputed, T replaced) {
  Term x = e.in();
  DType type = e.dtype(x);
  Term hit;
  if (replaced != replaced)
    hit = e.op(OpKind::IsNaN, {x});
  else
    hit = e.op(OpKind::Equal, {x, e.constant(Expander::make(std::vector<T>{replaced}, {}, type))});
  return e.where(hit, perFeature(e, attribute, imputed, type), x);
}

/// A one-dimensional list out of whichever attribute the node uses: a tensor, floats or integers.
std::optional<Tensor> listOf(const NodeView &node, const std::string &stem) {
  if (node.has((stem + "_strings").c_str()))
    node.error(str("attribute '", stem, "_strings': strings are not supported; supported: ", stem, "_floats, ", stem,
                   "_int64s, numeric ", stem, "_tensor"));
  auto it = node.attrs.find(stem + "_tensor");
  if (it != node.attrs.end())
    if (const Tensor *tensor = std::get_if<Tensor>(&it->second))
      return tensor->reshaped({tensor->size()});
  auto floats = node.getFloats((stem + "_floats").c_str());
  if (!floats.empty())
    return Expander::make(floats, {int64_t(floats.size())}, DType::Float32);
  auto ints = node.getInts((stem + "_int64s").c_str());
  if (!ints.empty())
    return Expander::make(ints, {int64_t(ints.size())}, DType::Int64);
  return std::nullopt;
}

Tensor defaultValue(const NodeView &node, DType type) {
  auto it = node.attrs.find("default_tensor");
  if (it != node.attrs.end()) {
    const Tensor *tensor = std::get_if<Tensor>(&it->second);
    if (!tensor || tensor->size() != 1 || tensor->dtype() != type)
      node.error(str("attribute 'default_tensor' is not one value of type ", nameOf(type)));
    return *tensor;
  }
  if (isFloat(type))
    return Expander::make(std::vector<double>{node.getFloat("default_float", -0.0)}, {}, type);
  return Expander::make(std::vector<int64_t>{node.getInt("default_int64", -1)}, {}, type);
}

/// [default, values backwards]: slot w of the table belongs to key n - w, so the greatest match is the first key.
Tensor lookupTable(const Tensor &values, const Tensor &fallback) {
  size_t width = sizeOf(values.dtype());
  int64_t n = values.size();
  Tensor table(values.dtype(), {n + 1});
  std::memcpy(table.raw(), fallback.raw(), width);
  for (int64_t i = 0; i < n; ++i)
    std::memcpy(table.raw() + size_t(n - i) * width, values.raw() + size_t(i) * width, width);
  return table;
}

Tensor retyped(const Tensor &list, DType type) {
  std::vector<double> floats;
  std::vector<int64_t> ints;
  for (int64_t i = 0; i < list.size(); ++i)
    isFloat(type) ? floats.push_back(list.asDouble(i)) : ints.push_back(list.asInt(i));
  return isFloat(type) ? Expander::make(floats, list.shape(), type) : Expander::make(ints, list.shape(), type);
}

/// Bool [..., n]: does element x of [..., 1] equal key i?
Term matchKeys(Expander &e, Term x, const Tensor &keys) {
  Term list = e.constant(keys);
  Term match = e.op(OpKind::Equal, {x, list});
  if (!isFloat(keys.dtype()))
    return match;
  std::vector<int64_t> isNaN;
  for (int64_t i = 0; i < keys.size(); ++i)
    isNaN.push_back(std::isnan(keys.asDouble(i)));
  if (std::find(isNaN.begin(), isNaN.end(), 1) == isNaN.end())
    return match;
  Term nanKeys = e.constant(Expander::make(isNaN, {keys.size()}, DType::Bool));
  return e.op(OpKind::Or, {match, e.op(OpKind::And, {e.op(OpKind::IsNaN, {x}), nanKeys})});
}

} // namespace

void expandScaler(ExpandContext &ctx) {
  Expander e(ctx);
  // float64 operands are scaled in double and rounded at the end, all others in float, as in ONNX Runtime.
  DType type = e.dtype(e.in()) == DType::Float64 ? DType::Float64 : DType::Float32;
  Term offset = perFeature(e, "offset", ctx.node.getFloats("offset", {0}), type);
  Term scale = perFeature(e, "scale", ctx.node.getFloats("scale", {1}), type);
  e.result(e.cast(e.mul(e.sub(e.cast(e.in(), type), offset), scale), DType::Float32));
}

void expandNormalizer(ExpandContext &ctx) {
  Expander e(ctx);
  Term x = e.cast(e.in(), DType::Float32);
  if (e.rank(x) < 1 || e.rank(x) > 2)
    ctx.node.error(str("input has shape ", toString(e.shape(x)), "; supported: [C] and [N, C]"));
  std::vector<int64_t> axes{e.rank(x) - 1};
  std::string norm = ctx.node.getString("norm", "MAX");
  Term divisor;
  if (norm == "MAX") {
    divisor = e.reduce(OpKind::ReduceMax, x, axes); // the signed maximum: so says the specification
  } else if (norm == "L1") {
    divisor = e.reduce(OpKind::ReduceSum, e.op(OpKind::Abs, {x}), axes);
  } else if (norm == "L2") {
    x = e.div(x, e.magnitude(x, axes));
    divisor = e.op(OpKind::Sqrt, {e.reduce(OpKind::ReduceSum, e.mul(x, x), axes)});
  } else {
    ctx.node.error(str("attribute 'norm' is '", printable(norm), "'; supported: MAX, L1, L2"));
  }
  Term zero = e.op(OpKind::Equal, {divisor, e.scalar(0, x)});
  e.result(e.div(x, e.where(zero, e.scalar(1, x), divisor)));
}

void expandZipMap(ExpandContext &ctx) {
  // A map from label to probability has no place in a C function: the probabilities stay in the order of the labels.
  ctx.outputs.push_back(ctx.inputs[0]);
}

void expandArrayFeatureExtractor(ExpandContext &ctx) {
  Expander e(ctx);
  int64_t rank = e.rank(e.in()), count = elementCount(e.shape(e.in(1)));
  if (rank == 0)
    ctx.node.error("input is a scalar; expected at least one dimension");
  Term picked = e.op(OpKind::Gather, {e.in(), e.reshape(e.in(1), {count})}, {{"axis", rank - 1}});
  e.result(rank == 1 ? e.reshape(picked, {1, count}) : picked);
}

void expandFeatureVectorizer(ExpandContext &ctx) {
  Expander e(ctx);
  std::vector<int64_t> widths = ctx.node.getInts("inputdimensions");
  if (widths.size() != ctx.inputs.size())
    ctx.node.error(
        str("attribute 'inputdimensions' has ", widths.size(), " entries for ", ctx.inputs.size(), " inputs"));
  std::vector<ValueId> parts;
  for (size_t i = 0; i < widths.size(); ++i) {
    Term x = e.cast(e.in(i), DType::Float32);
    Shape dims = e.shape(x);
    int64_t rows = dims.size() < 2 ? 1 : dims[0], count = elementCount(dims);
    int64_t width = rows == 0 ? 0 : count / rows;
    if (widths[i] < 0)
      ctx.node.error(str("attribute 'inputdimensions' holds the negative width ", widths[i]));
    x = e.reshape(x, {rows, width});
    // Longer rows are cut, shorter ones filled with zeros.
    parts.push_back(widths[i] < width ? e.slice(x, 1, 0, widths[i]) : x);
    if (widths[i] > width)
      parts.push_back(e.constant(Tensor(DType::Float32, {rows, widths[i] - width})));
  }
  e.result(parts.size() == 1 ? Term(parts[0]) : e.op(OpKind::Concat, parts, {{"axis", int64_t(1)}}));
}

void expandLabelEncoder(ExpandContext &ctx) {
  Expander e(ctx);
  if (ctx.node.has("classes_strings") || ctx.node.has("default_string"))
    if (!ctx.node.has("values_int64s") && !ctx.node.has("values_floats") && !ctx.node.has("values_tensor"))
      ctx.node.error("strings are not supported; supported: numeric keys and values");
  std::optional<Tensor> keys = listOf(ctx.node, "keys"), values = listOf(ctx.node, "values");
  if (!keys || !values || keys->size() != values->size())
    ctx.node.error("needs numeric keys and as many numeric values (keys_floats, keys_int64s or keys_tensor; values_…)");
  DType type = e.dtype(e.in());
  if (isFloat(keys->dtype()) != isFloat(type))
    ctx.node.error(str("keys of type ", nameOf(keys->dtype()), " for an input of type ", nameOf(type)));

  // Every key weighs its slot in the table; the greatest slot that matched is the first such key, 0 means none.
  int64_t n = keys->size();
  std::vector<int64_t> slots;
  for (int64_t i = 0; i < n; ++i)
    slots.push_back(n - i);
  Shape column = e.shape(e.in());
  column.push_back(1);
  Term match = matchKeys(e, e.reshape(e.in(), column), retyped(*keys, type));
  Term weights = e.constant(Tensor::of<int64_t>({n}, slots));
  Term slot = e.where(match, weights, e.constant(Tensor::of<int64_t>({}, {0})));
  Term best = e.reduce(OpKind::ReduceMax, slot, {int64_t(column.size()) - 1}, false);
  Term table = e.constant(lookupTable(*values, defaultValue(ctx.node, values->dtype())));
  e.result(e.op(OpKind::Gather, {table, best}, {{"axis", int64_t(0)}}));
}

void expandImputer(ExpandContext &ctx) {
  Expander e(ctx);
  std::vector<double> floats = ctx.node.getFloats("imputed_value_floats");
  std::vector<int64_t> ints = ctx.node.getInts("imputed_value_int64s");
  if (floats.empty() == ints.empty())
    ctx.node.error("needs one of the attributes 'imputed_value_floats' and 'imputed_value_int64s'");
  if (floats.empty())
    return e.result(impute(e, "imputed_value_int64s", ints, ctx.node.getInt("replaced_value_int64", 0)));
  if (!isFloat(e.dtype(e.in())))
    ctx.node.error(str("attribute 'imputed_value_floats' for an input of type ", nameOf(e.dtype(e.in()))));
  e.result(impute(e, "imputed_value_floats", floats, ctx.node.getFloat("replaced_value_float", 0.0)));
}

void expandBinarizer(ExpandContext &ctx) {
  Expander e(ctx);
  Term x = e.in();
  double threshold = ctx.node.getFloat("threshold", 0.0);
  // An integer is above t when it is above the integer part of t.
  threshold = isFloat(e.dtype(x)) ? threshold : std::floor(threshold);
  e.result(e.where(e.greater(x, threshold), e.scalar(1, x), e.scalar(0, x)));
}

} // namespace mlc
