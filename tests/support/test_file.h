// weir: a file with known bytes, for tests.
// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "weir/buffer/file_range.h"
#include "weir/sys/descriptor.h"

namespace weir::testing_support {

/// A file in /tmp that goes with this object.
class TestFile {
 public:
  explicit TestFile(std::string_view bytes) : writer_(::mkstemp(path_.data())) { write(bytes); }
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;
  ~TestFile() { ::unlink(path_.c_str()); }

  const std::string& path() const { return path_; }
  sys::Descriptor open() const { return sys::Descriptor(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)); }
  SharedFile share() const { return SharedFile::adopt(open()); }

  void write(std::string_view bytes) {
    EXPECT_EQ(::write(writer_.number(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  void truncate(std::size_t size) { EXPECT_EQ(::ftruncate(writer_.number(), static_cast<off_t>(size)), 0); }

 private:
  std::string path_ = "/tmp/weir-test-file-XXXXXX";
  sys::Descriptor writer_;
};

}  // namespace weir::testing_support
