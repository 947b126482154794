// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Rows of floats in CSV and NumPy files.

#include "Table.h"
#include "ToolOptions.h"
#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <random>

using namespace mlc;
using namespace mlc::tool;

namespace {

[[noreturn]] void fail(const std::string &path, const std::string &message) {
  throw CompileError(path + ": " + message);
}

//===--- NumPy ---------------------------------------------------------------------------------------------------===//

const std::string kMagic = "\x93NUMPY";

struct NpyHeader {
  std::string type; ///< "<f4"
  std::vector<size_t> shape;
  size_t dataBegin = 0;
};

/// The text after `'key':` up to the end of its value.
std::string entryOf(const std::string &path, const std::string &header, const std::string &key, char last) {
  size_t begin = header.find("'" + key + "':");
  if (begin == std::string::npos)
    fail(path, "its NumPy header has no '" + key + "'");
  begin += key.size() + 3;
  size_t end = header.find(last, begin);
  return header.substr(begin, end == std::string::npos ? end : end - begin);
}

NpyHeader parseHeader(const std::string &path, const std::string &bytes) {
  if (bytes.size() < 12)
    fail(path, "its NumPy header is cut off");
  auto byte = [&](size_t i) { return size_t(static_cast<unsigned char>(bytes[i])); };
  bool wide = byte(6) >= 2;
  size_t begin = wide ? 12 : 10;
  size_t length = byte(8) | byte(9) << 8 | (wide ? byte(10) << 16 | byte(11) << 24 : 0);
  if (length > bytes.size() - begin)
    fail(path, "its NumPy header is cut off");
  std::string header = bytes.substr(begin, length);
  NpyHeader result;
  result.dataBegin = begin + length;
  std::string type = entryOf(path, header, "descr", ',');
  size_t quote = type.find('\'');
  if (quote == std::string::npos)
    fail(path, "structured NumPy arrays are not read");
  result.type = type.substr(quote + 1, type.find('\'', quote + 1) - quote - 1);
  if (entryOf(path, header, "fortran_order", ',').find("True") != std::string::npos)
    fail(path, "is in Fortran order; save it with numpy.ascontiguousarray");
  std::string shape = entryOf(path, header, "shape", ')');
  for (const char *c = shape.c_str(); *c;) {
    if (*c < '0' || *c > '9') {
      ++c;
      continue;
    }
    char *end = nullptr;
    result.shape.push_back(std::strtoull(c, &end, 10));
    c = end;
  }
  return result;
}

template <typename T> void convert(const char *data, std::vector<float> &values) {
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, data + i * sizeof(T), sizeof(T));
    values[i] = float(value);
  }
}

struct NpyType {
  const char *name;
  size_t size;
  void (*convert)(const char *, std::vector<float> &);
};
const NpyType kTypes[] = {{"<f4", 4, convert<float>},   {"<f8", 8, convert<double>}, {"<i4", 4, convert<int32_t>},
                          {"<i8", 8, convert<int64_t>}, {"|b1", 1, convert<uint8_t>}, {"|u1", 1, convert<uint8_t>},
                          {"|i1", 1, convert<int8_t>}};

const NpyType &typeOf(const std::string &path, const std::string &name) {
  std::string known;
  for (const NpyType &type : kTypes) {
    if (name == type.name)
      return type;
    known += std::string(known.empty() ? "" : ", ") + type.name;
  }
  fail(path, "holds elements of type '" + name + "'; known are " + known);
}

Table parseNpy(const std::string &path, const std::string &bytes, size_t columns) {
  NpyHeader header = parseHeader(path, bytes);
  const NpyType &type = typeOf(path, header.type);
  size_t count = 1, limit = (bytes.size() - header.dataBegin) / type.size;
  for (size_t dim : header.shape)
    if (__builtin_mul_overflow(count, dim, &count))
      fail(path, "its shape is too large");
  if (count > limit)
    fail(path, "is cut off: its header announces more elements than there are");
  size_t first = header.shape.empty() ? 1 : header.shape[0];
  Table table;
  table.columns = columns;
  if (count == columns && (header.shape.size() < 2 || first != 1 || columns == 0))
    table.rows = 1; // a single row without a batch dimension
  else if (columns != 0 && count == first * columns)
    table.rows = first;
  else
    fail(path, "has " + std::to_string(count) + " elements in " + std::to_string(first) + " rows; rows of " +
                   std::to_string(columns) + " are needed");
  table.values.resize(count);
  type.convert(bytes.data() + header.dataBegin, table.values);
  return table;
}

bool isNpyName(const std::string &path) { return path.size() > 4 && path.compare(path.size() - 4, 4, ".npy") == 0; }

std::string npyBytes(const Table &table) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(table.rows) + ", " +
                       std::to_string(table.columns) + "), }";
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes = kMagic;
  bytes += '\x01';
  bytes += '\x00';
  bytes += char(header.size() & 255);
  bytes += char(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char *>(table.values.data()), table.values.size() * sizeof(float));
  return bytes;
}

//===--- CSV -----------------------------------------------------------------------------------------------------===//

bool isSeparator(char c) { return c == ',' || c == ';' || c == ' ' || c == '\t' || c == '\r'; }

/// The numbers of one line; nothing if a field is no number.
bool parseLine(std::string_view line, std::vector<float> &values, std::string &badField) {
  for (size_t i = 0; i < line.size();) {
    if (isSeparator(line[i])) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < line.size() && !isSeparator(line[end]))
      ++end;
    std::string_view field = line.substr(i, end - i);
    if (field[0] == '+')
      field.remove_prefix(1);
    // Through double first: a number such as 1e-50 is then a small float and no error.
    double number = 0;
    auto [stop, error] = std::from_chars(field.data(), field.data() + field.size(), number);
    if (error != std::errc() || stop != field.data() + field.size()) {
      badField = std::string(line.substr(i, end - i));
      return false;
    }
    values.push_back(float(number));
    i = end;
  }
  return true;
}

/// Text has no control characters but tabs and ends of lines.
bool isBinary(const std::string &bytes) {
  return std::any_of(bytes.begin(), bytes.end(), [](char c) { return c >= 0 && c < ' ' && (c < '\t' || c > '\r'); });
}

/// A heading names columns: no field begins like a number, in quotes or not. A space separates fields only where
/// nothing else does ("track 1,track 2").
bool isHeading(std::string_view line) {
  bool spaces = line.find_first_of(",;\t") == std::string_view::npos;
  bool atStart = true;
  for (size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    if (c == ',' || c == ';' || c == '\t' || (spaces && c == ' ')) {
      atStart = true;
    } else if (atStart && c != ' ' && c != '"' && c != '\'' && c != '+' && c != '-' && c != '.') {
      if (c >= '0' && c <= '9')
        return false;
      atStart = false;
    }
  }
  return true;
}

Table parseCsv(const std::string &path, const std::string &text, size_t columns) {
  Table table;
  table.columns = columns;
  size_t lineNumber = 0;
  bool mayBeHeading = true;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    ++lineNumber;
    if (line.empty() || line == "\r" || line[0] == '#')
      continue;
    size_t before = table.values.size();
    std::string badField;
    if (!parseLine(line, table.values, badField)) {
      if (mayBeHeading && isHeading(line)) {
        mayBeHeading = false;
        table.values.clear(); // names such as "nan"
        continue;
      }
      fail(path + ":" + std::to_string(lineNumber), "'" + badField.substr(0, 40) + "' is not a number");
    }
    if (table.values.size() - before != columns)
      fail(path + ":" + std::to_string(lineNumber), "has " + std::to_string(table.values.size() - before) +
                                                        " values; the model takes " + std::to_string(columns));
    mayBeHeading = false;
    ++table.rows;
  }
  return table;
}

std::string csvText(const Table &table) {
  std::string text;
  char field[32];
  for (size_t i = 0; i < table.values.size(); ++i) {
    std::snprintf(field, sizeof(field), "%.9g", double(table.values[i]));
    text += field;
    text += (i + 1) % table.columns == 0 ? '\n' : ',';
  }
  return text;
}

} // namespace

Table mlc::tool::readTable(const std::string &path, size_t columns) {
  std::string bytes = readInput(path);
  if (bytes.compare(0, kMagic.size(), kMagic) == 0)
    return parseNpy(path, bytes, columns);
  if (isNpyName(path))
    fail(path, "is not a NumPy file");
  if (isBinary(bytes))
    fail(path, "is neither text nor a NumPy file");
  Table table = parseCsv(path, bytes, columns);
  if (table.rows == 0)
    std::fprintf(stderr, "mlc-run: warning: %s: has no rows\n", shown(path).c_str());
  return table;
}

void mlc::tool::writeTable(const std::string &path, const Table &table) {
  writeOutput(path, isNpyName(path) ? npyBytes(table) : csvText(table));
}

Table mlc::tool::noiseTable(size_t rows, size_t columns, unsigned long seed) {
  Table table{rows, columns, std::vector<float>(rows * columns)};
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> normal;
  for (float &value : table.values)
    value = normal(engine);
  return table;
}
