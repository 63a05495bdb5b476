// weir: tasks that other threads hand to a loop.
// SPDX-License-Identifier: MIT
#include "weir/loop/post_queue.h"

#include <cerrno>
#include <new>

#include "weir/loop/insight_recorder.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

// A node address that no node has: the queue is closed.
alignas(std::max_align_t) char closed_place;

constexpr std::uint64_t one = 1;
Bytes one_event() noexcept { return std::as_bytes(std::span(&one, 1)); }

}  // namespace

Result<PostQueueRef> PostQueue::create() {
  const sys::CallResult made = sys::create_event_counter();
  if (!made) return made.error();
  return PostQueueRef(*new PostQueue(sys::Descriptor(made.number())));
}

Result<void> PostQueue::after_fork() {
  const sys::CallResult made = sys::create_event_counter();
  if (!made) return made.error();
  descriptor_ = sys::Descriptor(made.number());
  end_sleep();
  return {};
}

PostQueue::~PostQueue() {
  for (Node* list : {mine_, spent_, spares_, returned_.load(std::memory_order_relaxed)}) destroy(list);
}

void PostQueue::drop_reference() noexcept {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

bool PostQueue::push(Callback<void()> task) {
  Node* node = take_spare();
  if (node == nullptr) node = new Node{nullptr, {}};
  node->task = std::move(task);
  return push_node(node);
}

/// Null when there is none, or another producer is looking: to wait for that would take longer than to allocate.
PostQueue::Node* PostQueue::take_spare() noexcept {
  if (is_taking_.test_and_set(std::memory_order_acquire)) return nullptr;
  Node* node = spares_;
  if (node == nullptr && returned_.load(std::memory_order_relaxed) != nullptr)
    node = returned_.exchange(nullptr, std::memory_order_acquire);
  if (node != nullptr) spares_ = node->next;
  is_taking_.clear(std::memory_order_release);
  return node;
}

void PostQueue::keep_spare(Node* node) noexcept {
  if (spent_count_ == most_spares) {
    delete node;
    return;
  }
  node->batch.reset();
  node->next = std::exchange(spent_, node);
  ++spent_count_;
}

void PostQueue::return_spares() noexcept {
  if (spent_ == nullptr || returned_.load(std::memory_order_relaxed) != nullptr) return;
  returned_.store(std::exchange(spent_, nullptr), std::memory_order_release);
  spent_count_ = 0;
}

bool PostQueue::push_all(std::span<Callback<void()>> tasks) {
  if (tasks.empty()) return true;
  auto batch = std::make_unique<Batch>();
  batch->tasks.reserve(tasks.size());
  Node* node = new Node{nullptr, {}};  // the last of the memory: from here on nothing fails
  for (Callback<void()>& task : tasks) batch->tasks.push_back(std::move(task));
  node->batch = std::move(batch);
  return push_node(node);
}

/// Takes the node over. False, and it is destroyed, when the loop is gone.
bool PostQueue::push_node(Node* node) noexcept {
  Node* const closed = reinterpret_cast<Node*>(&closed_place);
  Node* head = head_.load(std::memory_order_relaxed);
  do {
    if (head == closed) {
      delete node;
      return false;
    }
    node->next = head;
    // One look at the clock for all that the loop will fetch together, however many they are by then.
    if (head == nullptr) node->pushed = sys::monotonic_now();
  } while (!head_.compare_exchange_weak(head, node, std::memory_order_seq_cst, std::memory_order_relaxed));
  if (must_wake()) wake();
  return true;
}

void PostQueue::raise(Flag flag) noexcept {
  flags_.fetch_or(flag, std::memory_order_seq_cst);
  if (must_wake()) wake();
}

void PostQueue::raise_from_signal_handler(Flag flag) noexcept {
  flags_.fetch_or(flag, std::memory_order_seq_cst);
  if (!must_wake()) return;
  sys::RealKernel real;  // the one installed for the interrupted thread may be in the middle of something
  while (real.write(descriptor_.number(), one_event()).error_number() == EINTR) {}
}

/// True for the one caller that finds the loop asleep.
bool PostQueue::must_wake() noexcept {
  State expected = State::sleeping;
  return state_.load(std::memory_order_seq_cst) == State::sleeping &&
         state_.compare_exchange_strong(expected, State::woken, std::memory_order_seq_cst);
}

/// Nobody else will: a wake that fails is a loop that sleeps on.
void PostQueue::wake() noexcept {
  while (sys::write(descriptor_.number(), one_event()).error_number() == EINTR) {}
}

bool PostQueue::prepare_sleep() noexcept {
  state_.store(State::sleeping, std::memory_order_seq_cst);
  const bool has_task = mine_ != nullptr || head_.load(std::memory_order_seq_cst) != nullptr;
  if (!has_task && flags_.load(std::memory_order_seq_cst) == 0) return true;
  end_sleep();
  return false;
}

void PostQueue::run_tasks(std::size_t limit, const bool& must_stop, InsightRecorder* recorder) {
  if (mine_ == nullptr) {
    mine_ = take_in_order();
    if (mine_ != nullptr && recorder != nullptr) recorder->tasks_fetched(mine_->pushed);
  }
  for (; mine_ != nullptr && limit > 0 && !must_stop; --limit) run_first_task(recorder);
  return_spares();
}

void PostQueue::run_first_task(InsightRecorder* recorder) {
  struct Ended {
    ~Ended() {  // also when it throws
      if (recorder != nullptr) recorder->task_ended();
    }
    InsightRecorder* recorder;
  };
  const Ended ended{recorder};
  Callback<void()> task = take_first_task();
  task();
}

Callback<void()> PostQueue::take_first_task() noexcept {
  Node* node = mine_;
  Batch* batch = node->batch.get();
  Callback<void()> task = std::move(batch == nullptr ? node->task : batch->tasks[batch->next++]);
  if (batch != nullptr && batch->next < batch->tasks.size()) return task;
  mine_ = node->next;
  keep_spare(node);
  return task;
}

void PostQueue::close() noexcept {
  destroy(std::exchange(mine_, nullptr));
  Node* const closed = reinterpret_cast<Node*>(&closed_place);
  destroy(head_.exchange(closed, std::memory_order_acq_rel));
}

PostQueue::Node* PostQueue::take_in_order() noexcept {
  if (head_.load(std::memory_order_relaxed) == nullptr) return nullptr;
  Node* newest_first = head_.exchange(nullptr, std::memory_order_acquire);
  Node* oldest_first = nullptr;
  while (newest_first != nullptr) {
    Node* next = newest_first->next;
    newest_first->next = oldest_first;
    oldest_first = newest_first;
    newest_first = next;
  }
  return oldest_first;
}

void PostQueue::destroy(Node* list) noexcept {
  while (list != nullptr) {
    Node* next = list->next;
    delete list;
    list = next;
  }
}

PreparedPost::PreparedPost(PostQueueRef queue, Callback<void()> task)
    : queue_(std::move(queue)),
      node_(new PostQueue::Node{nullptr, std::move(task)}) {}

void PreparedPost::send() noexcept {
  if (node_ == nullptr) return;
  PostQueue::Node* node = std::exchange(node_, nullptr);
  (void)queue_->push_node(node);
}

void PreparedPost::run() {
  Callback<void()> task = std::move(node_->task);
  drop();
  task();
}

void PreparedPosts::push_back(PreparedPost post) noexcept {
  PostQueue::Node* node = std::exchange(post.node_, nullptr);
  node->next = nullptr;
  (last_ == nullptr ? first_ : last_->next) = node;
  last_ = node;
  ++size_;
}

PreparedPost PreparedPosts::pop_front() noexcept {
  PreparedPost post;
  post.node_ = first_;
  first_ = first_->next;
  if (first_ == nullptr) last_ = nullptr;
  post.node_->next = nullptr;
  --size_;
  return post;
}

void PreparedPost::drop() noexcept { PostQueue::destroy(std::exchange(node_, nullptr)); }

}  // namespace weir
