// weir: tests of posting, stopping and signals across threads; they also run under ThreadSanitizer.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/descriptor_check.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/post_queue.h"
#include "weir/loop/signal.h"
#include "weir/loop/timer.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;

/// Counts how many closures were made, run and destroyed.
struct Ledger {
  std::atomic<std::uint64_t> made{0};
  std::atomic<std::uint64_t> destroyed{0};
};

class Entry {
 public:
  explicit Entry(Ledger& ledger) : ledger_(&ledger) { ledger_->made.fetch_add(1, std::memory_order_relaxed); }
  Entry(Entry&& other) noexcept : ledger_(std::exchange(other.ledger_, nullptr)) {}
  Entry(const Entry&) = delete;
  ~Entry() {
    if (ledger_ != nullptr) ledger_->destroyed.fetch_add(1, std::memory_order_relaxed);
  }

 private:
  Ledger* ledger_;
};

/// Gives the loop time to fall asleep, now and then.
void nap(std::mt19937& random) {
  switch (random() % 2048) {
    case 0: std::this_thread::sleep_for(std::chrono::microseconds(random() % 200)); break;
    case 1: std::this_thread::yield(); break;
    default: break;
  }
}

// hazard: E15
TEST(PostThreads, from_four_threads_all_arrive_once_in_order_of_each_and_wake_at_most_once_a_sleep) {
  constexpr std::size_t threads = 4;
  constexpr std::uint64_t each = 100'000;
  EventLoop loop;
  Ledger ledger;
  std::uint64_t ran = 0;
  std::vector<std::uint64_t> next(threads);
  std::atomic<std::uint64_t> wakes{0};
  std::vector<std::thread> producers;
  for (std::size_t t = 0; t < threads; ++t) {
    producers.emplace_back([&, t] {
      sys::FaultKernel kernel;  // counts this thread's system calls
      const sys::ScopedKernel installed(kernel);
      std::mt19937 random(static_cast<std::uint32_t>(t));
      for (std::uint64_t i = 0; i < each; ++i) {
        loop.post([&ran, &next, number = i << 8 | t, entry = Entry(ledger)] {
          const std::size_t from = number & 0xFF;
          if (next[from] == number >> 8) ++next[from];
          ++ran;
        });
        nap(random);
      }
      wakes.fetch_add(kernel.calls(sys::Call::write));
    });
  }
  const std::uint64_t turns_before = loop.counters().turns;
  Timer limit(loop, [](Timer&) {});
  limit.start(60s);

  ASSERT_TRUE(loop.run_until([&] { return ran == threads * each || !limit.is_armed(); }));

  for (std::thread& producer : producers) producer.join();
  EXPECT_EQ(ran, threads * each);
  for (const std::uint64_t count : next) EXPECT_EQ(count, each);
  EXPECT_EQ(ledger.made, threads * each);
  EXPECT_EQ(ledger.destroyed, ledger.made);
  EXPECT_LE(wakes, loop.counters().turns - turns_before);
}

// hazard: E15
TEST(PostThreads, to_a_loop_that_ends_meanwhile_destroy_each_task_once_run_or_not) {
  for (int round = 0; round < 50; ++round) {
    Ledger ledger;
    std::atomic<std::uint64_t> ran{0};
    std::vector<std::thread> producers;
    {
      auto loop = std::make_unique<EventLoop>();
      for (int t = 0; t < 2; ++t) {
        producers.emplace_back([&, queue = loop->post_queue()] {
          for (int i = 0; i < 500; ++i) {
            (void)queue->push([&ran, entry = Entry(ledger)] { ran.fetch_add(1, std::memory_order_relaxed); });
          }
        });
      }
      ASSERT_TRUE(loop->poll());
    }
    for (std::thread& producer : producers) producer.join();

    EXPECT_EQ(ledger.made, 1000U);
    EXPECT_EQ(ledger.destroyed, 1000U);
    EXPECT_LE(ran, 1000U);
  }
}

// Ping and pong between two loops: each post finds the other loop asleep, or just about to be.
// hazard: E15
TEST(PostThreads, ping_pong_between_two_loops_never_loses_a_wake) {
  constexpr int rounds = 20'000;
  EventLoop left;
  EventLoop right;
  Timer keep_left(left, [](Timer&) { FAIL() << "a wake was lost"; });
  keep_left.start(60s);
  int count = 0;
  std::thread other([&] {
    Timer keep_right(right, [](Timer&) {});
    keep_right.start(1h);
    EXPECT_EQ(*right.run(), RunEnd::stopped);
  });
  struct Ball {
    static void send(EventLoop& here, EventLoop& there, int& hits) {
      there.post([&here, &there, &hits] {
        if (++hits >= rounds) {
          here.stop();
          there.stop();
        } else {
          send(there, here, hits);
        }
      });
    }
  };
  Ball::send(left, right, count);

  EXPECT_EQ(*left.run(), RunEnd::stopped);

  other.join();
  EXPECT_EQ(count, rounds);
}

// hazard: RE17
TEST(PostThreads, stop_from_another_thread_always_ends_run) {
  EventLoop loop;
  Timer forever(loop, [](Timer&) {});
  forever.start(1h);
  for (int round = 0; round < 500; ++round) {
    std::thread stopper([&] { loop.stop(); });
    EXPECT_EQ(*loop.run(), RunEnd::stopped);
    stopper.join();
  }
}

TEST(SignalThreads, to_any_thread_of_the_process_reaches_every_subscribed_loop) {
  constexpr std::size_t threads = 4;
  std::atomic<std::size_t> ready{0};
  std::atomic<std::size_t> told{0};
  std::vector<std::thread> loops;
  for (std::size_t t = 0; t < threads; ++t) {
    loops.emplace_back([&] {
      EventLoop loop;
      const auto signal = Signal::subscribe(loop, SIGUSR1, [&](int) {
        ++told;
        loop.stop();
      });
      ASSERT_TRUE(signal);
      ++ready;
      EXPECT_EQ(*loop.run(), RunEnd::stopped);
    });
  }
  while (ready < threads) std::this_thread::yield();

  ::kill(::getpid(), SIGUSR1);
  for (std::thread& thread : loops) thread.join();

  EXPECT_EQ(told, threads);
}

// Handlers run on the sending thread while the subscriptions they look at come and go on others.
TEST(SignalThreads, subscriptions_come_and_go_under_a_storm_of_signals) {
  EventLoop keeper_loop;
  const auto keeper = Signal::subscribe(keeper_loop, SIGUSR1, [](int) {});  // else the default would end the process
  ASSERT_TRUE(keeper);
  std::atomic<bool> is_over{false};
  std::thread sender([&] {
    while (!is_over) ::pthread_kill(::pthread_self(), SIGUSR1);
  });
  std::vector<std::thread> others;
  for (int t = 0; t < 2; ++t) {
    others.emplace_back([] {
      for (int i = 0; i < 300; ++i) {
        EventLoop loop;
        int told = 0;
        const auto first = Signal::subscribe(loop, SIGUSR1, [&](int) { ++told; });
        {
          const auto second = Signal::subscribe(loop, SIGUSR1, [&](int) { ++told; });
          ASSERT_TRUE(loop.run_until([&] { return told >= 2; }));
        }
        ASSERT_TRUE(loop.poll());
      }
    });
  }
  for (std::thread& thread : others) thread.join();
  is_over = true;
  sender.join();

  ASSERT_TRUE(keeper_loop.poll());
}

// The thread's last descriptor and its loop go while handlers elsewhere may still hold the queue's address.
TEST(SignalThreads, the_previous_disposition_returns_with_the_last_of_all_threads) {
  std::atomic<int> stage{0};
  std::thread other([&] {
    EventLoop loop;
    std::optional<Signal> signal = *Signal::subscribe(loop, SIGUSR2, [](int) {});
    stage = 1;
    while (stage != 2) std::this_thread::yield();
    signal.reset();
  });
  while (stage != 1) std::this_thread::yield();
  {
    EventLoop loop;
    const auto signal = Signal::subscribe(loop, SIGUSR2, [](int) {});
    stage = 2;
    other.join();
    struct sigaction now {};
    ::sigaction(SIGUSR2, nullptr, &now);
    EXPECT_NE(now.sa_handler, SIG_DFL);
  }
  struct sigaction now {};
  ::sigaction(SIGUSR2, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
}

}  // namespace
}  // namespace weir
