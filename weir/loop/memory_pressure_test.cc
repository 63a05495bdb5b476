// weir: tests of a loop whose pool is short of memory: it reads and accepts later, and loses nothing.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/loop_fixture.h"
#include "weir/buffer/file_range.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultKernel;
using sys::FaultPlan;
using sys::ScopedKernel;

class MemoryPressure : public testing::Test {
 protected:
  /// Takes blocks of the pool until it is pressed.
  std::vector<Block> press() {
    std::vector<Block> held;
    while (!pool_.is_pressed()) held.push_back(pool_.allocate(64_KiB));
    return held;
  }

  FaultKernel kernel_;
  ScopedKernel installed_{kernel_};
  Pool pool_{{.limit = 4_MiB}};
  std::unique_ptr<EventLoop> loop_ = *EventLoop::create({.pool = &pool_});
};

TEST_F(MemoryPressure, pauses_reading_without_a_spin_and_goes_on_when_memory_is_released) {
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(*loop_, std::move(pair.near));
  const std::string sent = numbered_bytes(150'000);
  ASSERT_EQ(write_some(pair.far, sent), sent.size());
  std::vector<Block> held = press();
  const std::uint64_t waits_before = kernel_.waits();

  EXPECT_FALSE(run_until(
      *loop_, [&] { return !probe->text.empty(); }, 100ms));
  EXPECT_LE(kernel_.waits() - waits_before, 6U);
  held.clear();

  ASSERT_TRUE(run_until(*loop_, [&] { return probe->text.size() == sent.size(); }));
  EXPECT_TRUE(probe->text == sent);
}

TEST_F(MemoryPressure, pauses_accepting_and_goes_on_when_memory_is_released) {
  ListeningSocket socket;
  std::vector<sys::Descriptor> clients;
  while (clients.size() < 100) clients.push_back(socket.connect());  // more than a turn's
  auto acceptor = AcceptProbe::accepting(*loop_, std::move(socket.descriptor));
  std::vector<Block> held = press();

  EXPECT_FALSE(run_until(
      *loop_, [&] { return !acceptor->connections.empty(); }, 50ms));
  EXPECT_TRUE(acceptor->is_starved());
  held.clear();

  EXPECT_TRUE(run_until(*loop_, [&] { return acceptor->connections.size() == clients.size(); }));
  EXPECT_FALSE(acceptor->is_starved());
}

TEST_F(MemoryPressure, is_over_for_a_sleeping_loop_when_another_thread_releases) {
  if (is_simulated()) GTEST_SKIP() << "the other thread would wake the loop through the real kernel";
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(*loop_, std::move(pair.near));
  ASSERT_EQ(write_some(pair.far, "waiting"), 7U);
  std::vector<Block> held = press();
  ASSERT_TRUE(loop_->run_once());
  EXPECT_EQ(probe->text, "");
  std::thread releaser([&] { held.clear(); });

  EXPECT_TRUE(run_until(*loop_, [&] { return probe->text == "waiting"; }));

  releaser.join();
}

// Input held by its readers uses the whole budget; whatever they consume lets the rest come in.
TEST_F(MemoryPressure, of_the_loops_own_making_slows_the_peers_down_and_loses_no_byte) {
  constexpr std::size_t count = 20;
  const std::string sent = numbered_bytes(1_MiB);
  std::vector<sys::Descriptor> far;
  std::vector<std::size_t> written(count);
  std::vector<Handle<ByteProbe>> probes;
  for (std::size_t i = 0; i < count; ++i) {
    Pair pair = tcp_pair();
    far.push_back(std::move(pair.far));
    probes.push_back(ByteProbe::reading(*loop_, std::move(pair.near)));
    probes.back()->keeps_input = true;
  }
  std::size_t most_in_use = 0;
  std::size_t turns = 0;
  const bool is_done = run_until(
      *loop_,
      [&] {
        std::size_t arrived = 0;
        for (std::size_t i = 0; i < count; ++i) {
          written[i] += write_some(far[i], std::string_view(sent).substr(written[i]));
          if ((turns + i) % 7 == 0) probes[i]->take_input();  // a slow consumer
          arrived += probes[i]->text.size();
        }
        ++turns;
        most_in_use = std::max(most_in_use, pool_.stats().in_use);
        loop_->post([] {});  // the consumers act whether or not anything arrives
        return arrived == count * sent.size();
      },
      30s);

  EXPECT_TRUE(is_done);
  for (const auto& probe : probes) EXPECT_TRUE(probe->text == sent);
  EXPECT_LE(most_in_use, 4_MiB);
  EXPECT_GE(most_in_use, 2_MiB) << "the budget was never short: the test proves nothing";
}

TEST_F(MemoryPressure, does_not_stop_the_output_of_a_slot_that_cannot_read) {
  Pair pair = tcp_pair();
  set_buffers(pair.near, {.send = 4 << 20});
  set_buffers(pair.far, {.receive = 4 << 20});
  auto probe = ByteProbe::reading(*loop_, std::move(pair.near));
  const Scattered sent(numbered_bytes(2'000'000));
  const std::vector<Block> held = press();
  ASSERT_EQ(write_some(pair.far, "input that has to wait"), 22U);

  probe->send(sent.buffer(2000));
  ASSERT_FALSE(probe->output_buffer().is_empty());  // more than a turn
  std::string got;

  EXPECT_TRUE(run_until(
      *loop_,
      [&] {
        got += read_some(pair.far);  // so fast that the kernel never runs out of room, and so never tells of new room
        return got.size() == sent.text().size();
      },
      1s));
  EXPECT_TRUE(got == sent.text());
  EXPECT_EQ(probe->text, "");
}

TEST_F(MemoryPressure, destroying_a_starved_slot_and_then_the_loop_leaves_nothing_behind) {
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(*loop_, std::move(pair.near));
  ASSERT_EQ(write_some(pair.far, "waiting"), 7U);
  std::vector<Block> held = press();
  ASSERT_TRUE(loop_->run_once());

  probe.reset();
  loop_.reset();
  held.clear();  // must not tell a loop that is gone

  EXPECT_EQ(pool_.stats().blocks, 0U);
}

/// A file of the kernel that the test runs on.
SharedFile file_with(std::string_view text) {
  const std::string path = "/tmp/weir-memory-pressure-" + std::to_string(::getpid());
  sys::Descriptor file(sys::open_file(path.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600).number());
  EXPECT_EQ(sys::write(file.number(), as_bytes(text)).count(), text.size());
  EXPECT_TRUE(sys::unlink(path.c_str()));
  return SharedFile::adopt(std::move(file));
}

/// The allocator's memory, while there is any.
class FailingSource final : public MemorySource {
 public:
  void* obtain(std::size_t bytes) noexcept override {
    return has_memory ? std::aligned_alloc(std::size_t{4096}, bytes) : nullptr;
  }
  void give_back(void* memory, std::size_t) noexcept override { std::free(memory); }

  bool has_memory = true;
};

/// A loop whose pool has a large budget, and gets no memory for it.
class NoMemory : public testing::Test {
 protected:
  FaultKernel kernel_;
  ScopedKernel installed_{kernel_};
  FailingSource source_;
  Pool pool_{{.limit = 64_MiB, .memory = &source_}};
  std::vector<std::string> remarks_;
  std::unique_ptr<EventLoop> loop_ = *EventLoop::create(
      {.pool = &pool_, .on_diagnostic = [this](const Diagnostic& said) { remarks_.emplace_back(said.message); }});
};

TEST_F(NoMemory, at_all_pauses_reading_without_a_spin_and_it_goes_on_although_nobody_tells) {
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(*loop_, std::move(pair.near));
  source_.has_memory = false;
  ASSERT_EQ(write_some(pair.far, "waiting"), 7U);
  const std::uint64_t waits_before = kernel_.waits();

  EXPECT_FALSE(run_until(
      *loop_, [&] { return !probe->text.empty(); }, 100ms));
  EXPECT_LE(kernel_.waits() - waits_before, 30U) << "about one wait in 10 ms, and a turn after each";
  EXPECT_EQ(remarks_.front(), "reading pauses: there is no memory");
  source_.has_memory = true;

  EXPECT_TRUE(run_until(
      *loop_, [&] { return probe->text == "waiting"; }, 100ms));
}

TEST_F(NoMemory, for_what_must_be_copied_pauses_sending_without_a_spin_and_does_not_stop_reading) {
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(*loop_, std::move(pair.near));
  const std::string text = numbered_bytes(100'000);
  const SharedFile file = file_with(text);
  ASSERT_EQ(write_some(pair.far, "first"), 5U);
  ASSERT_TRUE(
      run_until(*loop_, [&] { return probe->text == "first"; }));  // the loop has the block that it receives into
  kernel_.set_plan(FaultPlan::from_nth(1, {.error = EINVAL}, {Call::send_file}));  // so it has to be copied
  source_.has_memory = false;
  std::vector<Block> held;  // what the pool has already
  for (std::size_t bytes = 64_KiB; bytes >= 32_KiB; bytes /= 2) {
    while (Result<Block> block = pool_.try_allocate(bytes)) held.push_back(*std::move(block));
  }
  Buffer output(pool_);
  output.append(file.range(0, text.size()));
  probe->send(std::move(output));
  const std::uint64_t waits_before = kernel_.waits();

  EXPECT_FALSE(run_until(
      *loop_, [&] { return probe->output_buffer().size() < text.size(); }, 100ms));
  EXPECT_LE(kernel_.waits() - waits_before, 30U);
  ASSERT_EQ(write_some(pair.far, "second"), 6U);
  EXPECT_TRUE(run_until(
      *loop_, [&] { return probe->text == "firstsecond"; }, 1ms))
      << "its input has not to wait";

  source_.has_memory = true;
  std::string got;
  EXPECT_TRUE(run_until(
      *loop_,
      [&] {
        got += read_some(pair.far);
        return got.size() == text.size();
      },
      1s));
  EXPECT_TRUE(got == text);
}

TEST_F(NoMemory, is_no_reason_for_a_closed_slot_to_be_tried_again) {
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(*loop_, std::move(pair.near));
  source_.has_memory = false;
  ASSERT_EQ(write_some(pair.far, "waiting"), 7U);
  ASSERT_TRUE(loop_->run_once());

  probe.reset();
  source_.has_memory = true;

  EXPECT_EQ(*loop_->run(), RunEnd::empty);
}

}  // namespace
}  // namespace weir
