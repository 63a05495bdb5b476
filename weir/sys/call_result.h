// weir: what a system call returned, a count or an error number, in one register.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "weir/base/error.h"
#include "weir/base/result.h"

namespace weir::sys {

/// The outcome of one system call: a value from 0 on, or an errno number. Nobody reads `errno` above this layer.
///
///     const CallResult received = sys::receive(descriptor, into);
///     if (received) use(received.count());
///     else if (received.error_number() == EAGAIN) wait();
class [[nodiscard]] CallResult {
 public:
  /// `returned` as Linux system calls themselves answer: the value, or a negated errno number.
  constexpr explicit CallResult(std::int64_t returned) noexcept : returned_(returned) {}

  static constexpr CallResult success(std::int64_t value = 0) noexcept { return CallResult(value); }
  static constexpr CallResult failure(int number) noexcept { return CallResult(-static_cast<std::int64_t>(number)); }

  constexpr explicit operator bool() const noexcept { return returned_ >= 0; }

  /// The value as a count of bytes or things. Requires success.
  constexpr std::size_t count() const { return static_cast<std::size_t>(value()); }

  /// The value as a descriptor number or another small number. Requires success.
  constexpr int number() const { return static_cast<int>(value()); }

  /// The errno number; 0 after success.
  constexpr int error_number() const noexcept { return returned_ < 0 ? static_cast<int>(-returned_) : 0; }

  std::error_code error() const {
    expects(returned_ < 0);
    return system_error(error_number());
  }

  /// The same outcome without its value.
  Result<void> to_result() const { return returned_ < 0 ? Result<void>(error()) : Result<void>(); }

 private:
  constexpr std::int64_t value() const {
    expects(returned_ >= 0);
    return returned_;
  }

  std::int64_t returned_;
};

}  // namespace weir::sys
