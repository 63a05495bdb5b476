// weir: what is to be done when an exception passes.
// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

namespace weir {

/// Calls a function at the end of the scope, unless `done` was called before: when what stands between the two has thrown.
///
///     OnUnwind failing([&] { stream.fail_when_sent(error); });
///     hand_over();  // may throw
///     failing.done();
///
/// The function must not throw.
template <class Function>
class [[nodiscard]] OnUnwind {
 public:
  explicit OnUnwind(Function function) noexcept : function_(std::move(function)) {}
  OnUnwind(const OnUnwind&) = delete;
  OnUnwind& operator=(const OnUnwind&) = delete;
  ~OnUnwind() {
    if (!is_done_) function_();
  }

  void done() noexcept { is_done_ = true; }

 private:
  Function function_;
  bool is_done_ = false;
};

}  // namespace weir
