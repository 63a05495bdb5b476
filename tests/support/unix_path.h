// weir: a place for a Unix socket's file, or for another file in its way.
// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/support/test_kernel.h"
#include "weir/base/bytes.h"
#include "weir/net/address.h"
#include "weir/sys/calls.h"
#include "weir/sys/descriptor.h"

namespace weir::testing_support {

/// A path that nothing else uses. What is there in the end is removed.
class UnixPath {
 public:
  UnixPath() {
    if (is_simulated()) {
      directory_ += std::to_string(++count_);
    } else {
      EXPECT_NE(::mkdtemp(directory_.data()), nullptr);
    }
    file_ = directory_ + "/socket";
  }
  UnixPath(const UnixPath&) = delete;
  UnixPath& operator=(const UnixPath&) = delete;
  ~UnixPath() {
    remove();
    if (!is_simulated()) ::rmdir(directory_.c_str());
  }

  const std::string& file() const { return file_; }
  Address address() const { return *Address::parse("unix:" + file_); }
  bool exists() const {
    const Undisturbed undisturbed;
    sys::FileIdentity identity;
    return static_cast<bool>(sys::describe_file(file_.c_str(), identity));
  }
  void remove() const {
    const Undisturbed undisturbed;
    (void)sys::unlink(file_.c_str());
  }

  /// Makes a regular file of it.
  void write(std::string_view contents) const {
    const Undisturbed undisturbed;
    const sys::Descriptor file(sys::open_file(file_.c_str(), O_CREAT | O_WRONLY, 0600).number());
    EXPECT_EQ(sys::write(file.number(), as_bytes(contents)).count(), contents.size());
  }
  std::string read() const {
    const Undisturbed undisturbed;
    const sys::Descriptor file(sys::open_file(file_.c_str(), O_RDONLY).number());
    std::array<char, 1000> bytes;
    return {bytes.data(), sys::read(file.number(), std::as_writable_bytes(std::span(bytes))).count()};
  }

 private:
  static inline int count_ = 0;
  std::string directory_ = "/tmp/weir-test-XXXXXX";
  std::string file_;
};

}  // namespace weir::testing_support
