// weir: a value or an error, true when it holds the value.
// SPDX-License-Identifier: MIT
#pragma once

#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#include "weir/base/error.h"
#include "weir/base/expects.h"

namespace weir {

/// The outcome of an operation that may fail: a T, or a std::error_code.
///
///     Result<Address> address = Address::parse(text);
///     if (!address) return address.error();
///     use(*address);
///
/// Errors:  reading the value of a failed result, or the error of a good one, is a programmer error.
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(std::error_code error) : state_(std::in_place_index<1>, error) {}
  Result(errc code) : Result(make_error_code(code)) {}

  explicit operator bool() const noexcept { return state_.index() == 0; }

  T& operator*() & { return checked(*this); }
  const T& operator*() const& { return checked(*this); }
  T&& operator*() && { return std::move(checked(*this)); }
  T* operator->() { return &checked(*this); }
  const T* operator->() const { return &checked(*this); }

  std::error_code error() const {
    expects(state_.index() == 1);
    return *std::get_if<1>(&state_);
  }

 private:
  template <class Self>
  static auto& checked(Self& self) {
    expects(self.state_.index() == 0);
    return *std::get_if<0>(&self.state_);
  }

  std::variant<T, std::error_code> state_;
};

/// The outcome of an operation that yields nothing when it succeeds. A default-made one is a success.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(std::error_code error) : error_(error) { expects(static_cast<bool>(error)); }
  Result(errc code) : Result(make_error_code(code)) {}

  explicit operator bool() const noexcept { return !error_; }

  std::error_code error() const {
    expects(static_cast<bool>(error_));
    return error_;
  }

 private:
  std::error_code error_;
};

}  // namespace weir
