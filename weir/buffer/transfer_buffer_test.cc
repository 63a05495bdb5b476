// weir: tests of buffers that change threads.
// SPDX-License-Identifier: MIT
#include "weir/buffer/transfer_buffer.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "weir/buffer/pool.h"

namespace weir {
namespace {

/// A queue as posts have it: what is pushed happens before what is popped.
class Mailbox {
 public:
  void push(TransferBuffer parcel) {
    const std::lock_guard lock(mutex_);
    parcels_.push_back(std::move(parcel));
    arrived_.notify_one();
  }

  TransferBuffer pop() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return !parcels_.empty(); });
    TransferBuffer parcel = std::move(parcels_.front());
    parcels_.pop_front();
    return parcel;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<TransferBuffer> parcels_;
};

TEST(TransferBuffer, carries_the_content_and_leaves_an_empty_buffer) {
  Buffer buffer;
  buffer.append("hello");

  TransferBuffer parcel = std::move(buffer).detach();
  EXPECT_EQ(parcel.size(), 5U);
  EXPECT_TRUE(buffer.is_empty());  // NOLINT(bugprone-use-after-move): promised

  const Buffer attached = std::move(parcel).attach();
  EXPECT_EQ(attached, "hello");
  EXPECT_TRUE(parcel.is_empty());  // NOLINT(bugprone-use-after-move): promised
}

TEST(TransferBuffer, may_be_destroyed_on_another_thread_unattached) {
  Buffer buffer;
  buffer.append(std::string_view(std::string(100'000, 'x')));
  TransferBuffer parcel = std::move(buffer).detach();

  std::thread([parcel = std::move(parcel)] { EXPECT_EQ(parcel.size(), 100'000U); }).join();
}

TEST(TransferBuffer, slices_that_stayed_behind_are_released_on_either_thread) {
  constexpr int rounds = 20'000;
  Mailbox mailbox;
  std::atomic<int> released = 0;
  const std::string memory(5000, 'f');
  std::thread reader([&] {
    for (int i = 0; i < rounds; ++i) {
      Buffer buffer = mailbox.pop().attach();
      ASSERT_EQ(buffer.size(), 2000U + 3000U);
      const Buffer head = buffer.take(2500);
      const Slice again = *head.slices().begin();
      buffer.drop(buffer.size() / 2);
    }
  });

  for (int i = 0; i < rounds; ++i) {
    const Slice block = Slice::copy_of(as_bytes(std::string_view(memory).substr(0, 2000)), Pool::default_pool());
    const Slice foreign = Slice::foreign(as_bytes(memory), [&] { ++released; });
    Buffer buffer;
    buffer.append(block);
    buffer.append(foreign.subslice(1000, 3000));
    mailbox.push(std::move(buffer).detach());
    const Slice copy = foreign;
    const Slice part = block.subslice(10, 20);
  }
  reader.join();

  EXPECT_EQ(released, rounds);
}

TEST(TransferBuffer, a_buffer_bounced_between_threads_stays_whole) {
  Mailbox there;
  Mailbox back;
  std::thread other([&] {
    for (int i = 0; i < 2000; ++i) {
      Buffer buffer = there.pop().attach();
      buffer.append("b");
      buffer.append(buffer.take(1));
      back.push(std::move(buffer).detach());
    }
  });

  Buffer buffer;
  for (int i = 0; i < 2000; ++i) {
    buffer.append("a");
    there.push(std::move(buffer).detach());
    buffer = back.pop().attach();
  }
  other.join();

  EXPECT_EQ(buffer.size(), 4000U);
}

TEST(TransferBuffer, the_same_slice_can_go_to_many_threads) {
  const std::string text(64 << 10, 'm');
  Slice payload = Slice::copy_of(as_bytes(text), Pool::default_pool());
  std::vector<Mailbox> mailboxes(3);
  std::vector<std::thread> threads;
  for (Mailbox& mailbox : mailboxes) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) ASSERT_EQ(mailbox.pop().attach(), text);
    });
  }

  for (int i = 0; i < 1000; ++i) {
    for (Mailbox& mailbox : mailboxes) {
      Buffer buffer;
      buffer.append(payload);
      mailbox.push(std::move(buffer).detach());
    }
  }
  payload = {};
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(Pool::default_pool().stats().blocks, 0U);
}

}  // namespace
}  // namespace weir
