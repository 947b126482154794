// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Chooses the reader by content.

#include "mlc/Frontend/Frontend.h"
#include "Json/Cursor.h"

#include <string_view>

namespace mlc {
namespace {

using Importer = Graph (*)(std::span<const uint8_t> bytes, const ImportOptions &options);

Graph refuseLightGBMDump(std::span<const uint8_t>, const ImportOptions &options) {
  fail(printable(options.file), ": is a dump of LightGBM; write the model itself with save_model");
}

/// What a JSON document is, by the first of its own keys that is known.
struct KindFinder : nlohmann::json_sax<json::Document> {
  Importer found = nullptr;
  int depth = 0;

  bool key(string_t &name) override {
    static const std::map<std::string, Importer, std::less<>> known = {
        {"format", importJson},           {"nodes", importJson},
        {"learner", importXGBoost},       {"features_info", importCatBoost},
        {"model_info", importCatBoost},   {"oblivious_trees", importCatBoost},
        {"tree_info", refuseLightGBMDump}};
    auto it = depth == 1 ? known.find(name) : known.end();
    if (it != known.end())
      found = it->second;
    return !found;
  }
  bool start_object(size_t) override { return ++depth; }
  bool start_array(size_t) override { return ++depth; }
  bool end_object() override { return --depth, true; }
  bool end_array() override { return --depth, true; }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t &) override { return true; }
  bool string(string_t &) override { return true; }
  bool binary(binary_t &) override { return true; }
  bool parse_error(size_t, const std::string &, const nlohmann::detail::exception &) override { return false; }
};

/// Formats that people confuse with models that can be read.
struct Stranger {
  std::string_view head;
  const char *what;
};
constexpr Stranger kStrangers[] = {
    {"PK\x03\x04", "a ZIP archive (a Keras, PyTorch or NumPy file?); .keras files are read by mlc.convert in Python"},
    {"\x89HDF", "an HDF5 file; Keras models in HDF5 are read by mlc.convert in Python"},
    {"\x80\x02", "a Python pickle; load it and give the object to jit.compile"},
    {"\x80\x03", "a Python pickle; load it and give the object to jit.compile"},
    {"\x80\x04", "a Python pickle; load it and give the object to jit.compile"},
    {"\x80\x05", "a Python pickle; load it and give the object to jit.compile"},
    {"root", "a ROOT file; TMVA's weight files are XML"},
    {"binf", "an XGBoost model of the old binary format; save it again as .json or .ubj"},
    {"[", "a JSON list, as dumps of XGBoost are; write the model itself with save_model"},
    {"booster[", "a text dump of XGBoost; write the model itself with save_model"},
    {"\x1f\x8b", "a compressed file; unpack it"},
};

Importer importerOf(std::span<const uint8_t> bytes, const ImportOptions &options) {
  std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  if (text.substr(0, 4) == "CBM1")
    return importCatBoost;
  if (text.substr(0, 5) == "tree\n" || text.substr(0, 6) == "tree\r\n")
    return importLightGBM;
  // UBJSON: { and a length before the first key. No ONNX file begins with '{': as a protobuf tag that would be field 15
  // with a wire type that ended long ago.
  if (text.size() > 2 && text[0] == '{' && std::string_view("iUIlLTF").find(text[1]) != std::string_view::npos)
    return importXGBoost;
  for (const Stranger &stranger : kStrangers)
    if (text.substr(0, stranger.head.size()) == stranger.head)
      fail(printable(options.file), ": is ", stranger.what);
  if (text.substr(0, 3) == "\xef\xbb\xbf") // a byte order mark
    text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (text.empty() || (text[0] != '{' && text[0] != '<'))
    return importOnnx;
  if (text[0] == '<')
    return importTmva;
  KindFinder finder;
  json::Document::sax_parse(text.begin(), text.end(), &finder);
  return finder.found ? finder.found : importJson;
}

} // namespace

Graph importModel(std::span<const uint8_t> bytes, const ImportOptions &options) {
  return importerOf(bytes, options)(bytes, options);
}

} // namespace mlc
