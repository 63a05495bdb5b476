// weir: callbacks that may be replaced while they run.
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <utility>

#include "weir/base/callback.h"

namespace weir {

/// Knows which callbacks are on the stack, so that none is destroyed, with what it captured, under its own feet.
///
/// Threads: one.
class RunningCallbacks {
 public:
  /// Runs `callback`, which may be replaced meanwhile. Its owner must live until it returns.
  template <class Signature, class... Args>
  void invoke(Callback<Signature>& callback, Args&&... args) {
    const Frame<Signature> frame(*this, callback);
    callback(std::forward<Args>(args)...);
  }

  /// Puts `next` in the place of `current`: at once, or when that runs, after it has returned.
  template <class Signature>
  void replace(Callback<Signature>& current, Callback<Signature> next) noexcept {
    FrameBase* running = nullptr;  // the outermost, should the callback be on the stack twice
    for (FrameBase* frame = innermost_; frame != nullptr; frame = frame->outer) {
      if (frame->callback == &current) running = frame;
    }
    if (running == nullptr) {
      current = std::move(next);
    } else {
      static_cast<Frame<Signature>*>(running)->next = std::move(next);
    }
  }

 private:
  /// A callback that is on the stack.
  struct FrameBase {
    void* callback;
    FrameBase* outer;
  };
  template <class Signature>
  struct Frame : FrameBase {
    Frame(RunningCallbacks& of, Callback<Signature>& running) noexcept
        : FrameBase{&running, of.innermost_},
          running_callbacks(of) {
      of.innermost_ = this;
    }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;
    ~Frame() {
      running_callbacks.innermost_ = this->outer;
      if (next) *static_cast<Callback<Signature>*>(this->callback) = *std::move(next);
    }

    RunningCallbacks& running_callbacks;
    std::optional<Callback<Signature>> next;  ///< what takes its place when it has returned
  };

  FrameBase* innermost_ = nullptr;
};

}  // namespace weir
