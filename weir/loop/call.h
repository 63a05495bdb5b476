// weir: functions that run on another loop or thread, and whose result comes back.
// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/post_queue.h"

namespace weir {

template <class T>
struct AnswerOf {
  using Type = Result<T>;
};
template <class T>
struct AnswerOf<Result<T>> {
  using Type = Result<T>;
};

/// What comes back of a Work: Result<T> where it returns T, or Result<T> itself.
template <class Work>
using Answer = typename AnswerOf<std::invoke_result_t<Work&>>::Type;

/// Runs `work()` on the loop `other`, then `then(answer)` on `loop`, which is the calling thread's.
///
///     weir::call(loop, accounts_loop, [] { return balance_of("anna"); },
///                [&](weir::Result<int> balance) { … });
///
/// `then` is called exactly once, in a turn of `loop`, which is not empty until then: with errc::canceled when `other` ended
/// before it came to the work; never, when `loop` itself ends. Both loops must be there when this is called. `work` is
/// destroyed where it ran, before `then` is called; `then` on the thread of `loop`, or if that loop has ended meanwhile, on that
/// of `other`. What `work` throws leaves `loop.run()` in place of the call of `then`.
/// Throws std::bad_alloc, and nothing is run.
template <class Work, class Then>
  requires std::is_invocable_v<Then&, Answer<Work>>
void call(EventLoop& loop, EventLoop& other, Work work, Then then);

/// Runs `work()`, which may block, on one of a few threads that the loop keeps for this (EventLoop::Options::offload), then
/// `then(answer)` on the loop: as `call` does.
///
///     auto queued = weir::offload(loop, [path] { return read_file(path); },
///                                 [&](weir::Result<std::string> text) { … });
///
/// `work` must not touch what belongs to the loop; it runs where OffloadLimits::processors says. The destructor waits for what has begun, and drops the rest.
/// On a simulated kernel there are no threads: the work runs on the loop's own, in a later part of the turn or in the next.
/// Errors: errc::limit when as many wait as may, which is the moment to ask for less; those of starting the first thread.
/// Nothing is run then. Throws std::bad_alloc.
template <class Work, class Then>
  requires std::is_invocable_v<Then&, Answer<Work>> Result<void> offload(EventLoop& loop, Work work, Then then);

/// Internal: calls `task`, and gives what it threw, if anything. Where there are no exceptions a throw ends the process.
WEIR_API std::exception_ptr caught_from(Callback<void()>& task) noexcept;
/// Internal: throws it.
[[noreturn]] WEIR_API void throw_again(std::exception_ptr exception);

/// Internal: both halves of a call, and what goes between them.
template <class Work, class Then>
class RemoteCall {
 public:
  /// The half that runs elsewhere. However it ends once it is under way, run or destroyed, the reply is sent: once.
  class Task {
   public:
    Task(std::shared_ptr<RemoteCall> call, PreparedPost reply) noexcept
        : call_(std::move(call)),
          reply_(std::move(reply)) {}
    Task(Task&&) noexcept = default;
    Task& operator=(Task&&) = delete;
    ~Task() {
      if (call_ == nullptr || !call_->is_under_way_) return;
      call_->work_.reset();
      call_.reset();
      reply_.send();
    }

    void operator()() {
      Callback<void()> run = [this] { call_->run(); };
      call_->exception_ = caught_from(run);
    }

   private:
    std::shared_ptr<RemoteCall> call_;
    PreparedPost reply_;
  };

  RemoteCall(EventLoop& loop, Work work, Then then) : loop_(loop), work_(std::move(work)), then_(std::move(then)) {}

  /// From now on the task is somebody else's to run, and the loop waits for the reply.
  void set_under_way() noexcept {
    is_under_way_ = true;
    loop_.add_active();
  }

  void finish() {
    loop_.remove_active();
    if (exception_ != nullptr) throw_again(std::move(exception_));
    then_(answer_ ? *std::move(answer_) : Answer<Work>(errc::canceled));
  }

 private:
  void run() {
    if constexpr (std::is_void_v<std::invoke_result_t<Work&>>) {
      (*work_)();
      answer_.emplace();
    } else {
      answer_.emplace((*work_)());
    }
  }

  EventLoop& loop_;  ///< outlives every reply that is run
  std::optional<Work> work_;
  Then then_;
  std::optional<Answer<Work>> answer_;
  std::exception_ptr exception_;
  bool is_under_way_ = false;
};

/// Internal: a call with all the memory that it takes; dropped without a reply unless `take` was called.
template <class Work, class Then>
class PreparedCall {
 public:
  PreparedCall(EventLoop& loop, EventLoop& other, Work work, Then then)
      : call_(std::make_shared<RemoteCall<Work, Then>>(loop, std::move(work), std::move(then))),
        post_(other.post_queue(), Task(call_, PreparedPost(loop.post_queue(), [call = call_] { call->finish(); }))) {}

  PreparedPost take() noexcept {
    call_->set_under_way();
    call_.reset();
    return std::move(post_);
  }

 private:
  using Task = typename RemoteCall<Work, Then>::Task;

  std::shared_ptr<RemoteCall<Work, Then>> call_;
  PreparedPost post_;
};

template <class Work, class Then>
  requires std::is_invocable_v<Then&, Answer<Work>>
void call(EventLoop& loop, EventLoop& other, Work work, Then then) {
  PreparedCall<Work, Then> prepared(loop, other, std::move(work), std::move(then));
  prepared.take().send();
}

template <class Work, class Then>
  requires std::is_invocable_v<Then&, Answer<Work>> Result<void> offload(EventLoop& loop, Work work, Then then) {
    PreparedCall<Work, Then> prepared(loop, loop, std::move(work), std::move(then));
    if (auto ready = loop.prepare_offload(); !ready) return ready;
    loop.push_offload(prepared.take());
    return {};
  }

}  // namespace weir
