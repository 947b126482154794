// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// What the command-line tools share: flags for every compile option, error reports, progress.
#pragma once

#include "mlc/mlc.hpp"
#include <CLI/CLI.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace mlc::tool {

/// One flag per option that the library lists: --fp=strict, --shape=x=20x10.
class CompileFlags {
public:
  void addTo(CLI::App &app);
  /// The options given. Throws CompileError on a bad value.
  api::OptionSet make() const;

private:
  struct Flag {
    std::string name;
    std::string flagValue;           ///< of a boolean option
    std::vector<std::string> values; ///< of all others
    CLI::Option *option = nullptr;
  };
  std::vector<std::unique_ptr<Flag>> flags; ///< CLI11 keeps pointers to the fields
};

/// Shows on a terminal that something which takes over a second is alive; silent in scripts.
class Progress {
public:
  explicit Progress(std::string label);
  ~Progress();

private:
  void show();
  std::string label;
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  std::thread thread;
};

/// Parses, runs `body`, and turns every error into one line on stderr. The exit code: 0, 1 failure, 2 wrong usage.
int runTool(CLI::App &app, int argc, char **argv, int (*body)(void *), void *state);
template <typename Body> int runTool(CLI::App &app, int argc, char **argv, Body body) {
  return runTool(app, argc, argv, [](void *state) { return (*static_cast<Body *>(state))(); }, &body);
}

/// Writes to a file, or to stdout for "-".
void writeOutput(const std::string &path, const std::string &bytes);

/// The bytes of a file, or of stdin for "-". Throws CompileError with the system's reason.
std::string readInput(const std::string &path);

/// Without control characters: they, and nothing else, are dangerous on a terminal.
std::string shown(const std::string &text);

/// Throws CompileError if the file to be written is the input itself, by whatever path. `what` it is: "model".
void refuseToOverwrite(const std::string &written, const std::string &input, const char *what);

} // namespace mlc::tool
