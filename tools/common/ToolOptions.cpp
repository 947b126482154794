// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What the command-line tools share: flags for every compile option, error reports, progress.

#include "ToolOptions.h"
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace mlc;
using namespace mlc::tool;

void CompileFlags::addTo(CLI::App &app) {
  for (const nlohmann::json &row : nlohmann::json::parse(mlc_options_json())) {
    flags.push_back(std::make_unique<Flag>());
    Flag &flag = *flags.back();
    flag.name = row["name"].get<std::string>();
    std::string type = row["type"], help = row["help"];
    if (type == "bool") {
      flag.option = app.add_flag("--" + flag.name, flag.flagValue, help);
    } else {
      flag.option = app.add_option("--" + flag.name, flag.values, help)->expected(1)->type_name("");
      flag.option->multi_option_policy(type == "map" ? CLI::MultiOptionPolicy::TakeAll
                                                     : CLI::MultiOptionPolicy::TakeLast);
    }
    std::string fallback = row["default"].is_string() ? row["default"].get<std::string>() : row["default"].dump();
    if (type != "map" && !fallback.empty())
      flag.option->default_str(fallback);
    flag.option->group("Compile options");
  }
}

api::OptionSet CompileFlags::make() const {
  api::OptionSet set;
  for (const auto &flag : flags) {
    if (flag->option->count() == 0)
      continue;
    if (flag->values.empty())
      set.set(flag->name, flag->flagValue);
    for (const std::string &value : flag->values)
      set.set(flag->name, value);
  }
  return set;
}

Progress::Progress(std::string label) : label(std::move(label)) {
  if (isatty(STDERR_FILENO))
    thread = std::thread([this] { show(); });
}

Progress::~Progress() {
  if (!thread.joinable())
    return;
  {
    std::lock_guard lock(mutex);
    done = true;
  }
  ended.notify_all();
  thread.join();
}

void Progress::show() {
  std::unique_lock lock(mutex);
  int seconds = 0;
  while (!ended.wait_for(lock, std::chrono::seconds(1), [this] { return done; }))
    std::fprintf(stderr, "\r%s ... %d s", label.c_str(), ++seconds);
  if (seconds > 0)
    std::fprintf(stderr, "\r\033[K");
}

/// CLI11 takes the next argument as the value of "--levels=".
static void refuseEmptyValues(int argc, char **argv) {
  for (int i = 1; i < argc && std::strcmp(argv[i], "--") != 0; ++i) {
    std::string argument = argv[i];
    if (argument.size() > 3 && argument.compare(0, 2, "--") == 0 && argument.find('=') == argument.size() - 1)
      throw CLI::ValidationError(argument, "a value is missing after '='");
  }
}

int mlc::tool::runTool(CLI::App &app, int argc, char **argv, int (*body)(void *), void *state) {
  try {
    refuseEmptyValues(argc, argv);
    app.parse(argc, argv);
    return body(state);
  } catch (const CLI::ParseError &error) {
    // Help and version are "errors" too, with exit code 0.
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::bad_alloc &) {
    std::fprintf(stderr, "%s: error: out of memory\n", app.get_name().c_str());
    return 1;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s: error: %s\n", app.get_name().c_str(), error.what());
    return 1;
  }
}

void mlc::tool::writeOutput(const std::string &path, const std::string &bytes) {
  std::FILE *file = path == "-" ? stdout : std::fopen(path.c_str(), "wb");
  if (!file)
    throw CompileError("cannot write '" + path + "': " + std::strerror(errno));
  bool good = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  good = std::fflush(file) == 0 && good;
  if (file != stdout)
    good = std::fclose(file) == 0 && good;
  if (!good)
    throw CompileError("cannot write '" + path + "': " + std::strerror(errno));
}

std::string mlc::tool::readInput(const std::string &path) {
  std::FILE *file = path == "-" ? stdin : std::fopen(path.c_str(), "rb");
  std::string bytes;
  bool good = file != nullptr;
  if (file) {
    char block[65536];
    while (size_t got = std::fread(block, 1, sizeof(block), file))
      bytes.append(block, got);
    good = std::ferror(file) == 0;
  }
  int reason = errno;
  if (file && file != stdin)
    std::fclose(file);
  if (!good)
    throw CompileError("cannot read '" + shown(path) + "': " + std::strerror(reason));
  return bytes;
}

std::string mlc::tool::shown(const std::string &text) {
  std::string safe;
  for (unsigned char c : text) {
    if (c >= 0x20 && c != 0x7f) {
      safe += char(c);
      continue;
    }
    safe += "\\x";
    safe += "0123456789abcdef"[c >> 4];
    safe += "0123456789abcdef"[c & 15];
  }
  return safe;
}

void mlc::tool::refuseToOverwrite(const std::string &written, const std::string &input, const char *what) {
  std::error_code ignored; // one of them does not exist
  if (std::filesystem::equivalent(input, written, ignored))
    throw CompileError("'" + shown(written) + "' is a " + what + " given as input; name another output");
}
