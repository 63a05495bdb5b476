// weir: tasks that other threads hand to a loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/sys/descriptor.h"

namespace weir {

class InsightRecorder;
class PostQueueRef;

/// Many threads push, one loop runs. Outlives the loop while anybody still refers to it, so that a late push finds a
/// closed queue and not freed memory.
///
/// The wake-up: before it sleeps, the loop says so in `state_` and looks at the queue once more; a producer pushes first
/// and looks at `state_` after. One of the two must see the other (all of it is sequentially consistent), and only the
/// producer that turns `sleeping` into `woken` makes the system call: one wake a sleep, however many posts.
class PostQueue {
 public:
  /// What can be told without a task.
  enum Flag : std::uint8_t { stop_requested = 1, memory_released = 2, signal_arrived = 4, place_freed = 8 };

  static Result<PostQueueRef> create();

  void add_reference() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  WEIR_API void drop_reference() noexcept;

  /// Any thread. False when the loop is gone; the task is then destroyed unrun. Throws std::bad_alloc.
  WEIR_API bool push(Callback<void()> task);
  /// The same for several, in order and with nobody else's between them: all of them, or none and they are unchanged.
  WEIR_API bool push_all(std::span<Callback<void()>> tasks);
  /// Any thread: tells the loop something that needs no task.
  WEIR_API void raise(Flag flag) noexcept;
  /// The same, from a signal handler: touches nothing but atomics and write(2).
  void raise_from_signal_handler(Flag flag) noexcept;

  /// The rest is the loop's thread only.
  bool has_tasks() const noexcept { return mine_ != nullptr || head_.load(std::memory_order_relaxed) != nullptr; }
  /// Takes the flags raised since the last call. A cheap look when there are none.
  std::uint8_t take_flags() noexcept {
    return flags_.load(std::memory_order_relaxed) == 0 ? std::uint8_t{0}
                                                       : flags_.exchange(0, std::memory_order_acquire);
  }
  /// Takes back a flag that was raised and not yet heard.
  void lower(Flag flag) noexcept { flags_.fetch_and(static_cast<std::uint8_t>(~flag), std::memory_order_relaxed); }
  /// Announces a sleep. False when something came in and the loop must not sleep.
  bool prepare_sleep() noexcept;
  void end_sleep() noexcept { state_.store(State::running, std::memory_order_relaxed); }
  /// Runs what has been pushed before the call, in order of each producer, at most `limit` tasks. What is left, also
  /// when a task throws or makes `must_stop` true, stays for the next call. Tells the recorder, if there is one.
  void run_tasks(std::size_t limit, const bool& must_stop = never_stop, InsightRecorder* recorder = nullptr);
  /// In the child of a fork: gets a descriptor of its own.
  Result<void> after_fork();
  /// The loop ends: what has not run is destroyed, here and from now on.
  void close() noexcept;

  int descriptor() const noexcept { return descriptor_.number(); }

 private:
  friend class PreparedPost;
  friend class PreparedPosts;

  static constexpr bool never_stop = false;

  enum class State : std::uint8_t { running, sleeping, woken };

  /// Several tasks that were pushed together: memory that one thread allocates and another frees is what a post costs most.
  struct Batch {
    std::vector<Callback<void()>> tasks;
    std::size_t next = 0;  ///< those before it have been taken
  };

  struct Node {
    Node* next;
    Callback<void()> task;
    TimePoint pushed{};              ///< when; of the one that was pushed onto an empty queue
    std::unique_ptr<Batch> batch{};  ///< stands for its tasks, of which at least one is left; `task` is empty then
  };

  explicit PostQueue(sys::Descriptor descriptor) noexcept : descriptor_(std::move(descriptor)) {}
  ~PostQueue();

  bool push_node(Node* node) noexcept;
  bool must_wake() noexcept;
  void wake() noexcept;
  Node* take_in_order() noexcept;
  void run_first_task(InsightRecorder* recorder);
  Callback<void()> take_first_task() noexcept;
  Node* take_spare() noexcept;
  void keep_spare(Node* node) noexcept;
  void return_spares() noexcept;
  static void destroy(Node* list) noexcept;

  std::atomic<Node*> head_{nullptr};  // newest first; `closed_place` once the loop is gone
  std::atomic<State> state_{State::running};
  std::atomic<std::uint8_t> flags_{0};
  std::atomic<std::uint32_t> references_{0};
  Node* mine_ = nullptr;  // taken from head_, oldest first, not yet run
  sys::Descriptor descriptor_;

  // Nodes that have done their work go back to the producers, so that they need not allocate: the loop collects them and
  // hands them over when the last ones are gone.
  static constexpr std::size_t most_spares = 512;
  Node* spent_ = nullptr;                     // the loop's
  std::size_t spent_count_ = 0;               // of `spent_`
  std::atomic<Node*> returned_{nullptr};      // on their way: set by the loop, taken by a producer
  alignas(64) std::atomic_flag is_taking_{};  // held by the producer that is at `spares_`; nobody waits for it
  Node* spares_ = nullptr;
};

/// Shares a PostQueue. Any thread.
class PostQueueRef {
 public:
  PostQueueRef() noexcept = default;
  explicit PostQueueRef(PostQueue& queue) noexcept : queue_(&queue) { queue.add_reference(); }
  PostQueueRef(const PostQueueRef& other) noexcept : queue_(other.queue_) {
    if (queue_ != nullptr) queue_->add_reference();
  }
  PostQueueRef(PostQueueRef&& other) noexcept : queue_(std::exchange(other.queue_, nullptr)) {}
  PostQueueRef& operator=(PostQueueRef other) noexcept {
    std::swap(queue_, other.queue_);
    return *this;
  }
  ~PostQueueRef() {
    if (queue_ != nullptr) queue_->drop_reference();
  }

  PostQueue* get() const noexcept { return queue_; }
  PostQueue* operator->() const noexcept { return queue_; }
  PostQueue& operator*() const noexcept { return *queue_; }

 private:
  PostQueue* queue_ = nullptr;
};

/// A task that needs no memory any more to be pushed. A move-only value; destroying it destroys the task unrun.
class PreparedPost {
 public:
  PreparedPost() noexcept = default;
  /// Throws std::bad_alloc.
  WEIR_API PreparedPost(PostQueueRef queue, Callback<void()> task);
  PreparedPost(PreparedPost&& other) noexcept
      : queue_(std::move(other.queue_)),
        node_(std::exchange(other.node_, nullptr)) {}
  PreparedPost& operator=(PreparedPost&& other) noexcept {
    std::swap(queue_, other.queue_);
    std::swap(node_, other.node_);
    return *this;
  }
  ~PreparedPost() { drop(); }

  /// Any thread: pushes it. No effect the second time.
  WEIR_API void send() noexcept;
  /// Runs it here instead, and destroys it after.
  void run();

 private:
  friend class PreparedPosts;
  WEIR_API void drop() noexcept;

  PostQueueRef queue_;
  PostQueue::Node* node_ = nullptr;
};

/// Prepared posts in order. Needs no memory.
class PreparedPosts {
 public:
  PreparedPosts() noexcept = default;
  PreparedPosts(PreparedPosts&& other) noexcept
      : first_(std::exchange(other.first_, nullptr)),
        last_(std::exchange(other.last_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  ~PreparedPosts() { PostQueue::destroy(first_); }

  std::size_t size() const noexcept { return size_; }
  /// From here on it can only be run, or destroyed.
  void push_back(PreparedPost post) noexcept;
  /// Requires that there is one.
  PreparedPost pop_front() noexcept;

 private:
  PostQueue::Node* first_ = nullptr;
  PostQueue::Node* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace weir
