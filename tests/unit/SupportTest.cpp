// Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// Support: text from models, sizes, files, weights, SHA-256.

#include "mlc/Support/Checked.h"
#include "mlc/Support/File.h"
#include "mlc/Support/Normal.h"
#include "mlc/Support/Sha256.h"
#include "mlc/Support/WeightStore.h"
#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlc;

namespace {

TEST(Printable, KeepsOrdinaryText) {
  EXPECT_EQ(printable("dense_1/MatMul:0 'q' \\ \"x\""), "dense_1/MatMul:0 'q' \\ \"x\"");
  EXPECT_EQ(printable("größe μ → 質量 😀"), "größe μ → 質量 😀");
}

TEST(Printable, EscapesWhatHarmsATerminal) {
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("\x1b[31m\n\x7f"), "\\x1b[31m\\x0a\\x7f");
  EXPECT_EQ(printable("\u202Egnp.exe"), "\\xe2\\x80\\xaegnp.exe"); // right-to-left override
  EXPECT_EQ(printable("\u009b"), "\\xc2\\x9b");                   // C1 control
}

TEST(Printable, EscapesInvalidUtf8) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("\xc3"), "\\xc3");                 // cut short
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");         // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80"); // surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xe2\x82z"), "\\xe2\\x82z");
}

TEST(Printable, CutsLongText) {
  EXPECT_EQ(printable(std::string(1000, 'x')), std::string(200, 'x') + "...");
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdefg", 6), "abcdef...");
}

int64_t count(std::vector<int64_t> shape) { return elementCount(shape); }

TEST(Checked, CountsElements) {
  EXPECT_EQ(count({}), 1);
  EXPECT_EQ(count({2, 3, 4}), 24);
  EXPECT_EQ(count({2, 0, 4}), 0);
  EXPECT_EQ(count({kMaxElements}), kMaxElements);
}

TEST(Checked, RefusesHostileShapes) {
  EXPECT_THROW(count({-1}), Error);
  EXPECT_THROW(count({kMaxElements + 1}), Error);
  EXPECT_THROW(count({1 << 20, 1 << 20}), Error);
  EXPECT_THROW(count({INT64_MAX, INT64_MAX, INT64_MAX}), Error);
  EXPECT_THROW(count({0, INT64_MAX, INT64_MAX}), Error); // empty, yet its strides would overflow
  EXPECT_THROW(count(std::vector<int64_t>(kMaxRank + 1, 1)), Error);
  EXPECT_THROW(checkedAdd(INT64_MAX, 1), Error);
  EXPECT_THROW(checkedMul(INT64_MAX, 2), Error);
  EXPECT_EQ(checkedMul(-3, 5), -15);
}

class Files : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "mlc-files-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    std::filesystem::create_directories(folder + "/model/sub");
    write("model/weights.bin", "0123456789");
    write("model/sub/more.bin", "abc");
    write("secret", "outside");
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  void write(const std::string &name, const std::string &text) {
    writeFile(folder + "/" + name, text.data(), text.size());
  }
  std::string beneath(const std::string &name, int64_t offset = 0, int64_t length = -1, uint64_t cap = 1 << 20) {
    Bytes bytes = readFileBeneath(folder + "/model", name, offset, length, cap);
    return {bytes.begin(), bytes.end()};
  }
  std::string folder;
};

TEST_F(Files, ReadsWholeFilesUpToACap) {
  EXPECT_EQ(readFile(folder + "/model/weights.bin").size(), 10u);
  EXPECT_EQ(readFile(folder + "/model/weights.bin", 10).size(), 10u);
  EXPECT_THROW(readFile(folder + "/model/weights.bin", 9), Error);
  EXPECT_THROW(readFile(folder + "/missing"), Error);
  EXPECT_THROW(readFile(folder), Error);
  EXPECT_THROW(readFile("/dev/zero"), Error);
  ASSERT_EQ(mkfifo((folder + "/pipe").c_str(), 0600), 0);
  EXPECT_THROW(readFile(folder + "/pipe"), Error); // and does not wait for a writer
}

TEST_F(Files, ErrorsNameTheFile) {
  try {
    readFile(folder + "/missing\n");
    FAIL();
  } catch (const Error &error) {
    EXPECT_NE(std::string(error.what()).find("missing\\x0a"), std::string::npos) << error.what();
  }
}

TEST_F(Files, ReadsRangesBeneathAFolder) {
  EXPECT_EQ(beneath("weights.bin"), "0123456789");
  EXPECT_EQ(beneath("weights.bin", 3, 4), "3456");
  EXPECT_EQ(beneath("weights.bin", 10, 0), "");
  EXPECT_EQ(beneath("weights.bin", 8), "89");
  EXPECT_EQ(beneath("./sub//more.bin"), "abc");
}

TEST_F(Files, NeverReadsAnythingElse) {
  symlink("../secret", (folder + "/model/link").c_str());
  symlink("..", (folder + "/model/up").c_str());
  for (const char *name : {"../secret", "sub/../../secret", "/etc/hostname", "", ".", "..", "sub", "sub/", "link",
                           "up/secret", "missing"})
    EXPECT_THROW(beneath(name), Error) << name;
  EXPECT_THROW(beneath(folder + "/secret"), Error);
  EXPECT_THROW(beneath(std::string("weights.bin\0x", 13)), Error);
  EXPECT_THROW(beneath("weights.bin", 11, 0), Error);
  EXPECT_THROW(beneath("weights.bin", 5, 6), Error);
  EXPECT_THROW(beneath("weights.bin", -1, 1), Error);
  EXPECT_THROW(beneath("weights.bin", INT64_MAX, INT64_MAX), Error);
  EXPECT_THROW(beneath("weights.bin", 0, -1, 9), Error);
}

TEST_F(Files, WritesReplaceAtOnceAndLeaveNothingBehind) {
  write("model/weights.bin", "new");
  EXPECT_EQ(beneath("weights.bin"), "new");
  EXPECT_THROW(write("nowhere/file", "x"), Error);
  EXPECT_THROW(write("model/sub", "x"), Error);
  writeFile("/dev/null", "x", 1); // a device is written to, not replaced
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  size_t files = 0;
  for (auto &entry : std::filesystem::recursive_directory_iterator(folder))
    files += entry.is_regular_file();
  EXPECT_EQ(files, 3u);
}

TEST(WeightStore, NamesAndShares) {
  WeightStore store;
  EXPECT_EQ(store.add("w", {{1, 2, 3, 4}, "f32", {1}}), "w");
  EXPECT_EQ(store.add("w", {{1, 2, 3, 5}, "f32", {1}}), "w_1");
  EXPECT_EQ(store.add("w", {{1, 2, 3, 6}, "f32", {1}}), "w_2");
  EXPECT_EQ(store.add("other", {{1, 2, 3, 5}, "f32", {1}}), "w_1");
  EXPECT_EQ(store.add("other", {{1, 2, 3, 5}, "i32", {1}}), "other");
  EXPECT_EQ(store.find("w_2")->bytes[3], 6);
  EXPECT_EQ(store.find("w_3"), nullptr);
  EXPECT_EQ(store.all().size(), 4u);
}

TEST(Sha256, KnownAnswers) {
  auto hash = [](const std::string &text) { return Sha256().update(text.data(), text.size()).hex(); };
  EXPECT_EQ(hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hash(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesMakeTheWhole) {
  const std::string text(200, 'q');
  for (size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(Sha256().update(text.data(), cut).update(text.data() + cut, text.size() - cut).hex(),
              Sha256().update(text.data(), text.size()).hex());
}

TEST(Normal, TailIsExactInRelativeTerms) {
  const double known[][2] = {{0.5, 0.30853753872598689636}, {1, 0.15865525393145705141}, {2.4999, 0.0062114183749445897466},
                             {2.5001, 0.0062079127148151941152}, {5.2, 9.9644263169334717467e-8}, {10, 7.619853024160526066e-24},
                             {36, 4.1826240657972833317e-284}};
  for (auto [z, tail] : known) {
    EXPECT_NEAR(normalTail(z) / tail, 1, 2e-14) << z;
    EXPECT_EQ(normalTail(-z), normalTail(z));
    EXPECT_EQ(normalProbability(-z), normalTail(z));
  }
  EXPECT_EQ(normalProbability(0), 0.5);
  EXPECT_EQ(normalProbability(INFINITY), 1);
  EXPECT_TRUE(std::isnan(normalTail(NAN)));
}

TEST(Normal, QuantileIsTheInverse) {
  for (double z = -8; z <= 0; z += 0.01)
    EXPECT_NEAR(normalQuantile(normalProbability(z)), z, 1e-14 * (1 - z));
  EXPECT_EQ(normalQuantile(0.5), 0);
  EXPECT_EQ(normalQuantile(0), -INFINITY);
  EXPECT_EQ(normalQuantile(1), INFINITY);
  EXPECT_TRUE(std::isnan(normalQuantile(-0.1)));
  EXPECT_TRUE(std::isnan(normalQuantile(NAN)));
}

} // namespace
