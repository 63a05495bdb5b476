// weir: runs inputs of a fuzz target that are kept in files, without a fuzzer.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace weir::fuzz {
namespace {

namespace fs = std::filesystem;

/// The file, or those of the folder, by name.
std::vector<fs::path> inputs_of(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

bool replay(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    (void)std::fprintf(stderr, "%s cannot be read\n", path.c_str());
    return false;
  }
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  // A copy of exactly that size: a sanitizer then sees what a target reads beyond.
  const std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
  (void)std::fprintf(stderr, "%s\n", path.c_str());  // before, for a failure ends the process
  (void)LLVMFuzzerTestOneInput(input.data(), input.size());
  return true;
}

int replay_all(std::span<char*> paths) {
  std::size_t count = 0;
  for (const char* path : paths) {
    const std::vector<fs::path> inputs = inputs_of(path);
    if (inputs.empty()) {
      (void)std::fprintf(stderr, "%s holds no inputs\n", path);
      return 1;
    }
    for (const fs::path& input : inputs) {
      if (!replay(input)) return 1;
    }
    count += inputs.size();
  }
  std::printf("%zu inputs went well\n", count);
  return 0;
}

}  // namespace
}  // namespace weir::fuzz

int main(int count, char** arguments) {
  const std::span<char*> paths = std::span(arguments, static_cast<std::size_t>(count)).subspan(1);
  if (paths.empty()) {
    (void)std::fputs("usage: fuzz_TARGET FILE_OR_FOLDER...\n", stderr);
    return 2;
  }
  return weir::fuzz::replay_all(paths);
}
