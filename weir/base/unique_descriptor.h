// weir: sole ownership of a descriptor number.
// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

namespace weir {

/// Owns a descriptor and closes it with `Close` exactly once. Any number from 0 on is a descriptor; none is -1.
/// `sys::Descriptor` is the one to use: it closes through the seam.
template <auto Close>
class UniqueDescriptor {
 public:
  static constexpr int none = -1;

  UniqueDescriptor() noexcept = default;
  explicit UniqueDescriptor(int number) noexcept : number_(number) {}
  UniqueDescriptor(UniqueDescriptor&& other) noexcept : number_(other.release()) {}
  UniqueDescriptor& operator=(UniqueDescriptor&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  UniqueDescriptor(const UniqueDescriptor&) = delete;
  UniqueDescriptor& operator=(const UniqueDescriptor&) = delete;
  ~UniqueDescriptor() { reset(); }

  explicit operator bool() const noexcept { return number_ != none; }
  int number() const noexcept { return number_; }

  /// Gives the number up without closing it.
  [[nodiscard]] int release() noexcept { return std::exchange(number_, none); }

  /// Closes what is held, then holds `number`.
  void reset(int number = none) noexcept {
    const int old = std::exchange(number_, number);
    if (old != none) Close(old);
  }

 private:
  int number_ = none;
};

}  // namespace weir
