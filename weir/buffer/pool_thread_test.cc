// weir: tests of the pool with several threads.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <latch>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "weir/base/bytes.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/pool_reserve.h"

namespace weir {
namespace {

using namespace weir::literals;

/// Also with caches in sanitizer builds, whose pools have none by default: it is the caches that threads may race on.
class BothKinds : public testing::TestWithParam<bool> {
 protected:
  PoolOptions options(std::size_t limit) const { return {.limit = limit, .cached = GetParam()}; }
};
INSTANTIATE_TEST_SUITE_P(PoolThreads, BothKinds, testing::Bool(),
                         [](const auto& suite) { return suite.param ? "cached" : "uncached"; });

/// Where threads leave blocks for each other to release.
class Exchange {
 public:
  Block swap(Block block, std::size_t place) {
    const std::lock_guard lock(mutex_);
    std::swap(blocks_.at(place % blocks_.size()), block);
    return block;
  }

 private:
  std::mutex mutex_;
  std::vector<Block> blocks_ = std::vector<Block>(64);
};

// hazard: PL8
TEST_P(BothKinds, eight_threads_allocate_free_and_free_each_others_blocks) {
  Pool pool(options(64_MiB));
  {
    Exchange exchange;
    std::vector<std::thread> threads;
    for (unsigned seed = 0; seed < 8; ++seed) {
      threads.emplace_back([&, seed] {
        std::mt19937 random(seed);
        for (int i = 0; i < 5000; ++i) {
          Result<Block> block = pool.try_allocate(std::size_t{1} << (random() % 18));
          if (!block) continue;
          block->room()[0] = std::byte{1};
          if (random() % 2 == 0) exchange.swap(*std::move(block), random());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_LE(pool.stats().in_use, 64_MiB);
  }

  EXPECT_EQ(pool.stats().blocks, 0U);
  EXPECT_EQ(pool.stats().in_use, 0U);
}

TEST_P(BothKinds, the_limit_holds_whoever_allocates) {
  constexpr std::size_t limit = 4_MiB;
  Pool pool(options(limit));
  std::atomic<std::size_t> live = 0;
  std::atomic<bool> was_exceeded = false;
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      std::vector<Block> held;
      for (int i = 0; i < 20'000; ++i) {
        if (!held.empty() && random() % 2 == 0) {
          live -= held.back().capacity();
          held.pop_back();
        } else if (Result<Block> block = pool.try_allocate(random() % 64_KiB)) {
          if ((live += block->capacity()) > limit) was_exceeded = true;
          held.push_back(*std::move(block));
        }
      }
      for (const Block& block : held) live -= block.capacity();
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_FALSE(was_exceeded);
  EXPECT_LE(pool.stats().peak, limit);
  EXPECT_EQ(pool.stats().in_use, 0U);
}

TEST_P(BothKinds, a_reserve_serves_while_another_thread_takes_whatever_it_can) {
  constexpr std::size_t limit = 2_MiB;
  Pool pool(options(limit));
  PoolReserve reserve(pool, 64_KiB);
  std::atomic<bool> stop = false;
  std::atomic<std::size_t> most = 0;
  std::thread greedy([&] {
    std::mt19937 random(1);
    std::vector<Block> held;
    while (!stop) {
      if (Result<Block> block = pool.try_allocate(random() % 32_KiB)) {
        held.push_back(*std::move(block));
      } else {
        most = std::max<std::size_t>(most, pool.stats().in_use);
        held.resize(held.size() - held.size() / 8);
      }
    }
  });
  std::mt19937 random(2);
  int served = 0;
  for (int round = 0; round < 2000; ++round) {
    while (!reserve.refill()) std::this_thread::yield();
    const std::size_t bytes = 1 + random() % 32_KiB;
    const Result<Block> first = reserve.allocate(bytes);
    const Result<Block> second = reserve.allocate(32_KiB);
    if (first && second) ++served;
  }
  stop = true;
  greedy.join();

  EXPECT_EQ(served, 2000);
  EXPECT_LE(most, limit);
  EXPECT_LE(pool.stats().peak, limit);
  EXPECT_EQ(pool.stats().in_use, 0U);
}

TEST_P(BothKinds, a_thread_that_ends_leaves_its_cache_to_the_others) {
  Pool pool(options(1_MiB));
  std::thread([&] {
    std::vector<Block> blocks;
    for (int i = 0; i < 16; ++i) blocks.push_back(pool.allocate(64_KiB));
  }).join();

  std::vector<Block> blocks;
  for (int i = 0; i < 16; ++i) blocks.push_back(pool.allocate(64_KiB));
  EXPECT_EQ(pool.stats().in_use, 1_MiB);
}

TEST_P(BothKinds, a_thread_may_release_while_its_own_objects_end) {
  Pool pool(options(1_MiB));
  std::thread([&] {
    static thread_local Block late;  // made before the thread's cache, so destroyed after it
    late = pool.allocate(512);
  }).join();

  EXPECT_EQ(pool.stats().in_use, 0U);
  EXPECT_EQ(pool.stats().blocks, 0U);
}

TEST_P(BothKinds, a_pool_may_end_before_the_threads_that_used_it) {
  auto pool = std::make_unique<Pool>(options(1_MiB));
  std::atomic<int> step = 0;
  std::thread user([&] {
    { const Block block = pool->allocate(4_KiB); }
    step = 1;
    step.notify_all();
    step.wait(1);
  });
  step.wait(0);
  pool.reset();
  step = 2;
  step.notify_all();
  user.join();
}

class SignallingWaiter final : public PoolWaiter {
 public:
  void memory_released() noexcept override {
    const std::lock_guard lock(mutex_);
    is_told_ = true;
    told_.notify_all();
  }

  void wait() {
    std::unique_lock lock(mutex_);
    told_.wait(lock, [&] { return std::exchange(is_told_, false); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable told_;
  bool is_told_ = false;
};

TEST_P(BothKinds, threads_that_wait_for_memory_all_get_on) {
  Pool pool(options(1_MiB));
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 6; ++seed) {
    threads.emplace_back([&, seed] {
      SignallingWaiter waiter;
      std::mt19937 random(seed);
      for (int i = 0; i < 300; ++i) {
        while (true) {
          const Result<Block> block = pool.try_allocate(200_KiB + random() % 100_KiB);
          if (block) break;
          if (pool.add_waiter(waiter)) waiter.wait();
        }
      }
      pool.remove_waiter(waiter);
      ++done;
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(done, 6);
}

TEST_P(BothKinds, a_removed_waiter_can_be_destroyed_while_others_release) {
  Pool pool(options(1_MiB));
  std::atomic<bool> stop = false;
  std::thread releaser([&] {
    while (!stop) {
      const Block most = pool.allocate(900_KiB);
    }
  });
  for (int i = 0; i < 5000; ++i) {
    auto waiter = std::make_unique<SignallingWaiter>();
    (void)pool.add_waiter(*waiter);
    pool.remove_waiter(*waiter);
  }
  stop = true;
  releaser.join();
}

TEST_P(BothKinds, statistics_may_be_read_at_any_time) {
  Pool pool(options(16_MiB));
  std::atomic<bool> stop = false;
  std::thread user([&] {
    while (!stop) {
      const Block small = pool.allocate(1_KiB);
      const Block large = pool.allocate(64_KiB);
    }
  });
  for (int i = 0; i < 1000; ++i) {
    const PoolStats stats = pool.stats();
    EXPECT_LE(stats.in_use, 1_MiB);
    EXPECT_FALSE(pool.is_pressed());
  }
  stop = true;
  user.join();
}

TEST_P(BothKinds, memory_may_be_trimmed_while_others_use_it) {
  Pool pool(options(64_MiB));
  std::atomic<bool> stop = false;
  std::vector<std::thread> users;
  for (int i = 0; i < 2; ++i) {
    users.emplace_back([&] {
      while (!stop) {
        std::vector<Block> blocks;
        for (int k = 0; k < 20; ++k) blocks.push_back(pool.allocate(100_KiB));
        blocks.front().room().front() = std::byte{1};
      }
    });
  }
  TimePoint now{};
  for (int i = 0; i < 200; ++i) {
    pool.trim();
    pool.trim_idle(now += std::chrono::seconds(1));
  }
  stop = true;
  for (std::thread& user : users) user.join();
  pool.trim();

  EXPECT_EQ(pool.stats().idle, 0U);
}

// Static objects may release when everything else of the program is gone: that the program still ends well is the test.
Buffer& static_buffer() {
  static Buffer buffer;
  return buffer;
}

struct FillsStaticBuffer {
  FillsStaticBuffer() { static_buffer(); }
  ~FillsStaticBuffer() {
    static_buffer().append("x");
    static_buffer().append(std::string_view(std::string(100'000, 'x')));
  }
} fills_static_buffer;

// What idle threads keep may not press the pool: nobody takes it from them.
TEST(PoolThreads, many_that_are_idle_leave_the_pool_unpressed) {
  constexpr int count = 64;
  Pool pool({.limit = 16_MiB, .cached = true});
  std::latch filled(count);
  std::latch looked(1);
  std::vector<std::jthread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&] {
      {
        std::vector<Block> blocks;
        for (int block = 0; block < 16; ++block) blocks.push_back(pool.allocate(4_KiB));
      }
      filled.count_down();
      looked.wait();
    });
  }
  filled.wait();

  EXPECT_EQ(pool.stats().in_use, 0U);
  EXPECT_FALSE(pool.is_pressed());
  looked.count_down();
}

class NotedWaiter final : public PoolWaiter {
 public:
  void memory_released() noexcept override { ++calls; }
  std::atomic<int> calls = 0;
};

/// Another thread has cached what the budget would need, and then does `act`: whoever was refused is told.
void expect_told_by(void (*act)(Pool& pool)) {
  Pool pool({.limit = 8_MiB, .cached = true});
  NotedWaiter waiter;
  std::latch cached(1);
  std::latch refused(1);
  std::thread other([&] {
    std::vector<Block> blocks;
    for (int i = 0; i < 4; ++i) blocks.push_back(pool.allocate(64_KiB));
    blocks.clear();
    cached.count_down();
    refused.wait();
    act(pool);
  });
  cached.wait();
  EXPECT_GT(pool.stats().cached, 0U);
  EXPECT_FALSE(pool.try_allocate(8_MiB)) << "the other thread holds some of the budget";
  EXPECT_TRUE(pool.add_waiter(waiter));
  refused.count_down();
  other.join();

  EXPECT_EQ(waiter.calls, 1);
  EXPECT_TRUE(pool.try_allocate(8_MiB));
  pool.remove_waiter(waiter);
}

TEST(PoolThreads, trimming_tells_who_was_refused) {
  expect_told_by([](Pool& pool) { (void)pool.trim(); });
}

TEST(PoolThreads, flushing_a_cache_tells_who_was_refused) {
  expect_told_by([](Pool& pool) { pool.flush_thread_cache(); });
}

}  // namespace
}  // namespace weir
