// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// lld as a function.
#include "Lld.h"
#include "lld/Common/Driver.h"
#include "llvm/Support/raw_ostream.h"
#include <mutex>

LLD_HAS_DRIVER(elf)

namespace mlc {

void runLld(const std::vector<std::string> &arguments) {
  static std::mutex oneAtATime;
  static bool usable = true;
  std::lock_guard<std::mutex> lock(oneAtATime);
  if (!usable)
    fail("the linker failed earlier in a way it cannot recover from; restart the process to link again");

  std::vector<const char *> argv{"ld.lld"};
  for (const std::string &argument : arguments)
    argv.push_back(argument.c_str());
  std::string out, err;
  llvm::raw_string_ostream outStream(out), errStream(err);
  lld::Result result = lld::lldMain(argv, outStream, errStream, {{lld::Gnu, &lld::elf::link}});
  usable = result.canRunAgain;
  if (result.retCode != 0)
    fail("linking failed: ", printable(err, 2000));
}

} // namespace mlc
