// weir: tests of the backend on poll(2), and of how a loop comes by its backend.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/loop_fixture.h"
#include "weir/loop/watch.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultKernel;
using sys::FaultPlan;
using sys::ScopedKernel;

/// The environment variable for the length of a test.
class Environment {
 public:
  explicit Environment(const char* word) {
    if (const char* before = ::getenv(name); before != nullptr) before_ = before;
    if (word == nullptr) {
      ::unsetenv(name);
    } else {
      ::setenv(name, word, 1);
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    if (before_) {
      ::setenv(name, before_->c_str(), 1);
    } else {
      ::unsetenv(name);
    }
  }

 private:
  static constexpr const char* name = "WEIR_BACKEND";
  std::optional<std::string> before_;
};

/// Makes loops, and keeps what they say.
struct Choice {
  Result<std::unique_ptr<EventLoop>> make(BackendChoice choice) {
    return EventLoop::create({.backend = choice, .on_diagnostic = [this](const Diagnostic& said) {
                                said_ += std::string(said.message) + "\n";
                              }});
  }
  std::string said_;
};

TEST(BackendChoice, is_the_one_that_was_asked_for) {
  const Environment environment("poll");
  Choice choice;
  auto epoll = choice.make(BackendChoice::epoll);
  auto poll = choice.make(BackendChoice::poll);
  ASSERT_TRUE(epoll);
  ASSERT_TRUE(poll);

  EXPECT_EQ((*epoll)->backend(), "epoll");
  EXPECT_EQ((*poll)->backend(), "poll");
  EXPECT_EQ(choice.said_, "");
}

TEST(BackendChoice, is_by_default_what_the_environment_names_or_epoll) {
  struct {
    const char* word;
    std::string_view name;
  } const cases[] = {{nullptr, "epoll"}, {"", "epoll"}, {"auto", "epoll"}, {"epoll", "epoll"}, {"poll", "poll"}};
  for (const auto& [word, name] : cases) {
    const Environment environment(word);
    Choice choice;
    auto loop = choice.make(BackendChoice::automatic);
    ASSERT_TRUE(loop);
    EXPECT_EQ((*loop)->backend(), name);
  }
}

TEST(BackendChoice, by_a_word_that_is_none_is_an_error_that_says_so) {
  const Environment environment("kqueue");
  Choice choice;

  auto loop = choice.make(BackendChoice::automatic);

  ASSERT_FALSE(loop);
  EXPECT_EQ(loop.error(), errc::unavailable);
  EXPECT_NE(choice.said_.find("WEIR_BACKEND is 'kqueue': it may be auto, epoll or poll"), std::string::npos);
}

TEST(BackendChoice, without_epoll_automatic_takes_poll_and_says_so_and_epoll_is_an_error) {
  const Environment environment(nullptr);
  for (const int error : {ENOSYS, EPERM}) {
    FaultKernel kernel(FaultPlan::from_nth(1, {.error = error}, {Call::create_epoll}));
    const ScopedKernel installed(kernel);
    Choice choice;
    auto automatic = choice.make(BackendChoice::automatic);
    ASSERT_TRUE(automatic);
    EXPECT_EQ((*automatic)->backend(), "poll");
    EXPECT_NE(choice.said_.find("runs on poll"), std::string::npos);

    auto asked_for = choice.make(BackendChoice::epoll);
    ASSERT_FALSE(asked_for);
    EXPECT_EQ(asked_for.error(), errc::unavailable);
  }
}

TEST(BackendChoice, being_out_of_descriptors_is_not_hidden) {
  const Environment environment(nullptr);
  FaultKernel kernel(FaultPlan::from_nth(1, {.error = EMFILE}, {Call::create_epoll}));
  const ScopedKernel installed(kernel);
  Choice choice;

  auto loop = choice.make(BackendChoice::automatic);

  ASSERT_FALSE(loop);
  EXPECT_EQ(loop.error(), std::errc::too_many_files_open);
}

class PollBackend : public testing::Test {
 protected:
  std::uint64_t waits_of_run(Duration length) {
    const std::uint64_t before = kernel_.waits();
    Timer timer(loop_, [this](Timer&) { loop_.stop(); });
    timer.start(length);
    EXPECT_TRUE(loop_.run());
    return kernel_.waits() - before;
  }

  FaultKernel kernel_;
  ScopedKernel installed_{kernel_};
  EventLoop loop_{EventLoop::Options{.backend = BackendChoice::poll}};
};

TEST_F(PollBackend, has_no_descriptor_to_wait_on) { EXPECT_EQ(loop_.backend_descriptor(), -1); }

TEST_F(PollBackend, sleeps_while_nobody_wants_what_is_there) {
  Pair unread = tcp_pair();
  auto paused = ByteProbe::reading(loop_, std::move(unread.near));
  paused->stop();
  Pair hung_up = unix_pair();
  auto waiting = ByteProbe::open(loop_, std::move(hung_up.near));
  hung_up.far.reset();
  EXPECT_EQ(write_some(unread.far, "x"), 1U);

  EXPECT_LE(waits_of_run(50ms), 4U);

  paused->start();
  EXPECT_TRUE(run_until(loop_, [&] { return paused->text == "x"; }));
}

TEST_F(PollBackend, is_woken_once_by_a_post) {
  bool has_run = false;
  loop_.next_deadline();  // announces the sleep, so that the post wakes
  loop_.post([&] { has_run = true; });

  EXPECT_LE(waits_of_run(50ms), 5U);
  EXPECT_TRUE(has_run);
}

TEST_F(PollBackend, a_watch_that_goes_after_its_descriptor_leaves_the_next_owner_of_the_number_alone) {
  Pair first = unix_pair();
  std::optional<Result<Watch>> watching(Watch::start(loop_, first.near.number(), {.readable = true}, [](Readiness) {}));
  ASSERT_TRUE(*watching);
  const int number = first.near.number();
  first.near.reset();
  Pair second = unix_pair();
  sys::Descriptor& same = second.near.number() == number ? second.near : second.far;
  sys::Descriptor& other = second.near.number() == number ? second.far : second.near;
  ASSERT_EQ(same.number(), number) << "the lowest free number is taken";
  auto probe = ByteProbe::reading(loop_, std::move(same));

  watching.reset();
  EXPECT_EQ(write_some(other, "hello"), 5U);

  EXPECT_TRUE(run_until(loop_, [&] { return probe->text == "hello"; }));
}

TEST_F(PollBackend, has_no_watch_of_mode_edge) {
  const Pair pair = unix_pair();

  auto watching = Watch::start(loop_, pair.near.number(), {.interest = {.readable = true}, .mode = WatchMode::edge},
                               [](Readiness) {});

  ASSERT_FALSE(watching);
  EXPECT_EQ(watching.error(), std::errc::operation_not_supported);
}

TEST_F(PollBackend, each_of_more_ready_descriptors_than_a_turn_takes_is_told_in_its_turn) {
  constexpr std::size_t count = 700;  // a turn takes 512 at most
  const OnRealKernel real;
  if (!allow_descriptors(2 * count + 50)) GTEST_SKIP() << "needs descriptors";
  EventLoop loop(EventLoop::Options{.backend = BackendChoice::poll});
  std::vector<Pair> pairs;
  std::vector<Watch> watches;
  std::vector<int> told(count);
  for (std::size_t i = 0; i < count; ++i) {
    pairs.push_back(unix_pair());
    auto watch =
        Watch::start(loop, pairs.back().near.number(), {.writable = true}, [&told, i](Readiness) { ++told[i]; });
    ASSERT_TRUE(watch);
    watches.push_back(*std::move(watch));
  }
  for (int turn = 0; turn < 20; ++turn) ASSERT_TRUE(loop.poll());

  EXPECT_GT(*std::min_element(told.begin(), told.end()), 5);
}

TEST_F(PollBackend, refuses_a_slot_without_a_descriptor) {
  auto probe = ByteProbe::unattached(loop_);

  const Result<void> attached = probe->attach({});

  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error(), std::errc::bad_file_descriptor);
}

}  // namespace
}  // namespace weir
